"""Every page in Chinese, without a browser: no English text is left."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import igcore
from igcore.heatmaps import COLOR_MAPS
from igcore.models import catalogue
from igcore.models.cascade import cascade_of
from tests.test_page import APP, QUICK, opened
from ui import language

#: Fields of a page's messages that nobody reads.
UNREAD = {
    *("id", "key", "form_id", "url", "urls", "icon", "page", "mime", "data", "element_id", "page_script_hash", "theme"),
    *("query_string", "type", "color", "html", "imgs", "file_name", "format", "value", "raw_data", "selection_mode"),
    *("default", "set_value", "query_params", "spec", "config", "link_target", "anchor", "column_order", "columns"),
}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
#: Two English words in a row, or more.
WORDS = re.compile(r"[A-Za-z][a-z]{2,}(?:[ -][a-z]{2,})+")
#: Names, which stay as they are.
NAMES = {
    *(word for one in igcore.METHODS.values() for word in re.split(r"[^A-Za-z]+", one.label)),
    *(one.label for one in COLOR_MAPS.values()),
    *("English", "Simpson", "SSIM", "Spearman", "ReLU", "RGB", "JPEG", "PNG", "WebP", "ZIP", "NPZ", "CSV", "JSON"),
    *(
        "Parquet",
        "logit",
        "Apache",
        "PyPI",
        "EfficientNet",
        "Lite0",
        "HTML",
        "Gauss",
        "Legendre",
        "scikit",
        "image",
        "learn",
    ),
}
#: A photo's class is named as ImageNet names it; who made what, and a model's name, stay as well.
GIVEN = {
    *(text for photo in igcore.PHOTOS.values() for text in (photo.credit, photo.file)),
    *(text for entry in catalogue().values() for text in (entry.title, entry.source, entry.licence)),
    *(spec.reference for spec in (*igcore.METHODS.values(), *igcore.METRICS.values())),
}

PAGES = {
    "app": ("", QUICK),
    "baselines": ("baselines.py", {**QUICK, "baselines": "black;blur"}),
    "integrators": ("integrators.py", QUICK),
    "methods": ("methods.py", {"methods": "gradient;ig;lrp-composite;occlusion-patch", **QUICK}),
    "batch": ("batch.py", QUICK),
    "evaluate": ("evaluate.py", {"tested": "gradient;ig", "metrics": "gini;energy-in-box;deletion", **QUICK}),
    "shuffled": ("evaluate.py", {"view": "randomization", "shuffled": "gradient"}),
    "regions": ("evaluate.py", {"view": "regions", "region_methods": "gradient", "region_count": "4"}),
    "criteria": ("evaluate.py", {"view": "criteria"}),
}

#: Each lesson's predictions, which show the answers once they are made.
PREDICTIONS = {
    "1": ("gradient", "network"),
    "2": ("sensitivity", "weights"),
    "3": ("invariance",),
    "4": ("steps",),
    "5": ("baseline",),
    "6": ("interactions", "converged", "randomized"),
}


@pytest.fixture
def in_chinese(monkeypatch):
    """Widgets are read outside of the page's thread, too."""
    monkeypatch.setattr(language, "language", lambda: "zh")


def started(file: str, **query: str) -> AppTest:
    """Open a page, not yet drawn."""
    page = AppTest.from_file(APP, default_timeout=300)
    page.switch_page(f"pages/{file}")
    page.query_params.update(query)
    return page


def texts(message: Any) -> Iterator[str]:
    """Yield what a person reads of a message and of those in it."""
    for field, value in message.ListFields():
        if field.name == "spec":
            yield from figure_texts(json.loads(value))
        if field.name in UNREAD:
            continue
        several = value if field.is_repeated else [value]
        for one in several:
            if isinstance(one, str):
                yield one
            elif hasattr(one, "ListFields"):
                yield from texts(one)


def figure_texts(part: Any, name: str = "") -> Iterator[str]:
    """Yield titles, names, notes and what hovers over a Plotly figure."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key != "template":
                yield from figure_texts(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from figure_texts(value, name)
    elif isinstance(part, str) and name in ("text", "name", "title", "hovertemplate", "hovertext", "ticktext"):
        yield re.sub(r"%\{[^}]*\}|<[^>]*>", " ", part)


def all_texts(block: Any) -> Iterator[str]:
    for child in block.children.values():
        if hasattr(child, "children"):
            yield from texts(child.proto) if child.proto is not None else ()
            yield from all_texts(child)
        elif hasattr(child, "proto"):
            yield from texts(child.proto)


def english_in(text: str, labels: set[str]) -> list[str]:
    """Return the English words in a text that should have none."""
    if text.startswith(("<", "$$", "http")) or text in labels:
        return []
    rest = re.sub(r"`[^`]*`|\$[^$]*\$|:material/\w+:|:\w+\[|IGCORE_\w+|python -m [\w ]+|--[\w-]+", " ", text)
    for given in sorted(GIVEN | labels, key=len, reverse=True):
        rest = rest.replace(given, " ")
    found = WORDS.findall(rest)
    if not CHINESE.search(rest):
        found += [word for word in re.findall(r"[A-Za-z]{4,}", rest) if word not in NAMES]
    return [one for one in found if not {*re.split(r"[ -]", one)} <= NAMES]


@pytest.mark.usefixtures("in_chinese")
@pytest.mark.parametrize("name", PAGES)
def test_no_english_is_left(name, model):
    file, query = PAGES[name]
    page = opened(file, lang="zh", **query)
    labels = {*model.spec.labels, *(model.spec.label(index) for index in range(len(model.spec.labels)))}
    labels |= {stage.name for stage in cascade_of(model).stages}
    read = [text for part in (page.main, page.sidebar) for text in all_texts(part)]
    assert sum(bool(CHINESE.search(text)) for text in read) > 10
    assert not {text: found for text in read if (found := english_in(text, labels))}


@pytest.mark.usefixtures("in_chinese")
@pytest.mark.parametrize("lesson", PREDICTIONS)
def test_no_english_is_left_in_a_lesson(lesson, model):
    page = started("learn.py", lang="zh", lesson=lesson)
    for name in PREDICTIONS[lesson]:
        page.session_state[f"predict_{name}"] = "0"
    page.run()
    assert not page.exception
    assert not page.error
    labels = {model.spec.label(index) for index in range(len(model.spec.labels))}
    read = [text for part in (page.main, page.sidebar) for text in all_texts(part)]
    assert len(page.success) + len(page.info) == len(PREDICTIONS[lesson])
    assert not {text: found for text in read if (found := english_in(text, labels))}


def test_the_check_itself_finds_english():
    assert english_in("Most probable classes", set())
    assert english_in("图像 with some words", set())
    assert english_in("Stop", set())
    assert not english_in("Grad-CAM++", set())
    assert not english_in("图像 (PNG)", set())


def test_the_address_sets_the_language():
    page = started("learn.py", lang="zh").run()
    assert page.title[0].value == language._catalogue("zh").gettext("Six short lessons")
    assert page.query_params["lang"] == "zh"


def test_a_language_that_is_not_there_is_told_and_english_taken():
    page = started("learn.py", lang="xx").run()
    assert page.title[0].value == "Six short lessons"
    assert "lang=xx" in page.toast[0].value
