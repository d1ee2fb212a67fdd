"""The catalogues: nothing untranslated, nothing stale, and the engine's sentences found again by their form."""

from __future__ import annotations

import io
import re
import string
import subprocess
import sys
import time
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po

import igcore
from ui import language

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "ui" / "locale" / "zh" / "LC_MESSAGES"
#: As in CONTRIBUTING.md.
KEYWORDS = ("_", "N_", "several:1,2", "pgettext:1c,2")


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    """What the source asks for, by (context, text)."""
    file = tmp_path_factory.mktemp("catalogue") / "dashboard.pot"
    keywords = [part for keyword in KEYWORDS for part in ("-k", keyword)]
    command = [
        sys.executable,
        "-m",
        "babel.messages.frontend",
        "extract",
        "-F",
        "babel.cfg",
        *keywords,
        "-o",
        file,
        ".",
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with file.open("rb") as opened:
        return {(one.context, one.id): one for one in read_po(opened) if one.id}


@pytest.fixture(scope="module")
def chinese():
    with (FOLDER / "dashboard.po").open("rb") as opened:
        return read_po(opened, locale="zh")


@pytest.fixture
def in_chinese(monkeypatch):
    monkeypatch.setattr(language, "language", lambda: "zh")


def test_every_text_is_translated_and_none_is_stale(wanted, chinese):
    told = {(one.context, one.id): one for one in chinese if one.id}
    assert not wanted.keys() - told.keys(), "not in the catalogue"
    assert not told.keys() - wanted.keys(), "in the catalogue, but not in the source"
    assert not [key for key, one in told.items() if not one.string or one.fuzzy]
    assert len(told) > 500


def test_what_was_compiled_is_what_was_translated(chinese):
    anew = io.BytesIO()
    write_mo(anew, chinese)
    anew.seek(0)
    with (FOLDER / "dashboard.mo").open("rb") as kept:
        assert translations(anew) == translations(kept)


def translations(compiled):
    """What a .mo file translates; its header names the version of Babel that wrote it."""
    return sorted(repr((one.context, one.id, one.string)) for one in read_mo(compiled) if one.id)


def places(text):
    """Every place with its format, as often as it stands there."""
    found = string.Formatter().parse(text)
    return sorted(f"{name}!{conversion}:{form}" for _, name, form, conversion in found if name is not None)


def test_translations_fill_the_same_places(chinese):
    for one in chinese:
        if one.id:
            ids = [one.id] if isinstance(one.id, str) else one.id
            texts = [one.string] if isinstance(one.string, str) else one.string
            assert {*map(tuple, map(places, texts))} <= {*map(tuple, map(places, ids))}, one.id


def test_a_chinese_text_is_chinese(chinese):
    """Only names and symbols stay as they are."""
    same = [one.id for one in chinese if isinstance(one.id, str) and one.string == one.id]
    words = [text for text in same if len(re.findall(r"\b[a-z]{3,}", text)) > 2]
    assert not words


@pytest.mark.usefixtures("in_chinese")
def test_every_form_of_the_engine_is_found_again(wanted, chinese):
    for context, form in wanted:
        if context == language.LINE:
            places = {match: f"<{match}>" for match in re.findall(r"\{(\d+)\}", form)}
            said = form.format(*places.values())
            told = language.line(said)
            assert told != said or chinese.get(form, context).string == form, said
            assert all(place in told for place in places.values()), (said, told)


@pytest.mark.usefixtures("in_chinese")
@pytest.mark.parametrize(
    ("make", "parts"),
    [
        (lambda: igcore.load_image(b""), ["图像"]),
        (lambda: igcore.INTEGRATORS["simpson"].nodes_and_weights(7), ["simpson", "7"]),
        (lambda: igcore.IntegratedGradients(steps=0), ["步数", "0", "10000"]),
        (lambda: igcore.IntegratedGradients(tolerance=9.0), ["tolerance", "9.0", "1.0"]),
        (lambda: igcore.BASELINES["blakc"], ["blakc", "black"]),
        (lambda: igcore.load_image("/no/such/file.png"), ["/no/such/file.png"]),
    ],
)
def test_errors_are_told_in_the_page_s_language(make, parts):
    with pytest.raises(igcore.IGError) as caught:
        make()
    told = language.line(str(caught.value))
    assert re.search(r"[\u4e00-\u9fff]", told), told
    assert all(part in told for part in parts), told


@pytest.mark.usefixtures("in_chinese")
def test_a_sentence_of_unknown_form_stays():
    assert language.line("Nobody wrote zzz") == "Nobody wrote zzz"
    assert language.line("") == ""


@pytest.mark.usefixtures("in_chinese")
@pytest.mark.parametrize("piece", [": a is b; ", "; expected ", " is ", "model x "])
def test_a_sentence_that_a_link_made_long_holds_nobody_up(piece):
    started = time.process_time()
    for length in (language.LONGEST, 100 * language.LONGEST):
        language.line((piece * length)[:length])
    assert time.process_time() - started < 2


def test_outside_of_a_page_all_is_english():
    assert language.language() == "en"
    assert language._("Steps") == "Steps"
    assert language.several("{count} map", "{count} maps", 2) == "2 maps"


@pytest.mark.parametrize(
    ("locale", "code"),
    [("zh-CN", "zh"), ("zh", "zh"), ("zh_Hans_CN", "zh"), ("zh-TW", "zh"), ("en-GB", "en"), ("fr", "en"), ("", "en"),
     (None, "en"), ("zzz", "en")],
)  # fmt: skip
def test_the_browser_s_language_is_taken_where_it_is_there(locale, code):
    assert language.preferred(locale) == code
