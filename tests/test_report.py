"""Reports: one file, the same bytes, true numbers, nothing from outside, and nobody's markup but ours."""

from __future__ import annotations

import base64
import io
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from jinja2.ext import babel_extract
from PIL import Image

import igcore
from igcore.checks import blind_share, completeness_verdict
from igcore.errors import InputError
from igcore.heatmaps import Drawing, full_scale, heat_map, mask_picture, overlay_picture
from igcore.images import digest, png_bytes
from igcore.methods import METHODS
from igcore.models import ModelSpec
from igcore.recipe import Origin
from igcore.report import Part, report_html, write_report
from igcore.results import Attribution, PathTrace
from tests.browser_page import NARROW
from tests.exports import SIZE
from tests.test_cli import COFFEE, run

__all__ = ["run"]

ROOT = Path(__file__).parents[1]
RANDOM = np.random.default_rng(0)
IMAGE, BASELINE = RANDOM.random((2, 12, 16, 3), dtype=np.float32)
VALUES = RANDOM.normal(size=IMAGE.shape).astype(np.float32)
LABELS = ("zebra", "espresso", "cup", "cat", "dog", "rocket", "clock")
SCORES = np.array([0.02, 0.5, 0.2, 0.15, 0.08, 0.01, 0.04])
SPEC = ModelSpec("small", "Small network", "a paper", "CC0", (12, 16), LABELS, sha256="ab" * 32)
ORIGIN = Origin("coffee", "coffee")
HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"' onload='x' {{ 7*7 }} {% raw %} &lt;b&gt; ​"


def explained(method="ig", **changes):
    """An attribution that nothing was computed for, with every number that there is."""
    settings = METHODS[method].settings()
    alphas = np.linspace(0, 1, 11)
    return replace(
        Attribution(
            values=VALUES,
            image=IMAGE,
            baseline=BASELINE,
            target=1,
            label="espresso",
            model="small",
            method=method,
            settings={**settings.describe(), "seed": 3},
            score=0.512345678,
            baseline_score=-0.1234567,
            additive=True,
            gradient_count=1234,
            forward_count=2,
            seconds=1.2345,
            map_error=0.0456,
            trace=PathTrace(alphas, np.full(11, 1 / 11), alphas**2, 2 * alphas, alphas),
        ),
        **changes,
    )


def made(what=None, origin=ORIGIN, spec=SPEC, scores=SCORES, *drawing, **options):
    return report_html(explained() if what is None else what, origin, spec, scores, *drawing, **options)


class Page(HTMLParser):
    """What is in a report: elements, attributes, numbers, texts, by which element they stand in."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.numbers, self.texts, self._open = [], [], [], [], []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        if tag == "data":
            self.numbers.append(dict(attributes)["value"])
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self._open[-1] if self._open else "", data.strip()))

    def of(self, *tags):
        return [text for tag, text in self.texts if tag in tags]

    @property
    def pictures(self):
        return [value for tag, name, value in self.attributes if (tag, name) == ("img", "src")]


def decoded(address):
    data = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)))


# What is in it.


@pytest.mark.parametrize(
    "changes", [{}, {"correction": -0.25}, {"map_error": None, "baseline_score": None, "baseline": None}]
)
def test_every_number_of_the_report_is_the_attributions(changes):
    result = explained(**changes)
    page = Page(made(result))
    error, relative = result.completeness_error, result.relative_completeness_error
    if result.correction is not None:
        error, relative = 0.25, abs(0.25 / result.score_difference)
    numbers = [result.score, result.baseline_score, result.sum, error, relative, result.map_error]
    numbers += [result.gradient_count, result.forward_count, result.seconds]
    order = [1, 2, 3, 4, 6]
    expected = [*(str(SCORES[row]) for row in order), *("" if one is None else repr(one) for one in numbers)]
    assert page.numbers == expected
    shown = page.of("data")
    assert shown[:5] == ["50.0 %", "20.0 %", "15.0 %", "8.0 %", "4.0 %"]
    assert shown[5] == "0.5123"
    assert shown[-3:] == ["1,234", "2", "1.2"]


def test_the_report_of_a_photo_tells_what_the_engine_found(model, photo, tmp_path):
    image = photo("coffee")
    method = igcore.IntegratedGradients("uniform-noise", "simpson", steps=6)
    result, scores = igcore.explain(model, image, method, seed=4), model.scores(image[None])[0]
    write_report(tmp_path / "out.html", result, Origin("coffee", "coffee"), model.spec, scores)
    text = (tmp_path / "out.html").read_text("utf-8")
    page = Page(text)
    assert [float(one) for one in page.numbers[:5]] == sorted(map(float, scores), reverse=True)[:5]
    assert page.numbers[5:8] == [repr(result.score), repr(result.baseline_score), repr(result.sum)]
    assert page.of("title", "h1") == ["Explanation of “espresso”"] * 2
    assert completeness_verdict(result).text in page.of("p")
    [command] = page.of("pre")
    assert shlex.split(command)[3:5] == ["explain", "coffee"]
    assert "--baseline 'uniform-noise' --integrator simpson --steps 6" in command
    assert "--seed 4" in command
    spec = model.spec
    told = [
        spec.sha256,
        digest(image),
        spec.source,
        spec.licence,
        f"igcore {igcore.__version__}",
        f"numpy {np.__version__}",
    ]
    for one in told:
        assert one in text
    assert spec.sha256 == "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    drawing = Drawing()
    drawn = [image, result.baseline, image]
    drawn += [mask_picture(result.values, drawing), overlay_picture(result.values, image, drawing)]
    for address, picture in zip(page.pictures, drawn, strict=True):
        assert address == f"data:image/png;base64,{base64.b64encode(png_bytes(picture)).decode()}"
        assert decoded(address).shape == (224, 224, 3)
    assert page.tags.count("svg") == 3


def test_settings_are_told_in_words():
    page = Page(made(explained(settings={**igcore.IntegratedGradients(igcore.Blur(sigma=4.0)).describe(), "seed": 3})))
    told = dict(zip(page.of("dt"), page.of("dd"), strict=True))
    assert told == {
        "Class": "espresso (1)",
        "Method": "Integrated Gradients",
        "Baseline": "Gaussian blur (Blur σ 4.0 px)",
        "Integrator": "Trapezoid",
        "Steps": "50",
        "Sum corrected": "no",
        "Explained score": "probability",
        "Seed": "3",
        "Image brought to size": "cut to fit",
    }


@pytest.mark.parametrize("key", METHODS)
def test_every_method_has_a_report_with_its_command(key):
    text = made(explained(key, trace=None, baseline=None))
    page = Page(text)
    [command] = page.of("pre")
    assert f"--method {key}" in command
    assert METHODS[key].description in " ".join(page.of("p"))
    assert "svg" not in page.tags


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"target": 3, "label": "cat"},
            "The explained class is not the one that the network holds for the most probable.",
        ),
        ({"baseline": np.where(IMAGE < 0.5, IMAGE, 0)}, "of the pixels equal the baseline to within 2/255."),
        ({"absorbed": {"dense": 0.5}, "additive": False}, "The map is not additive"),
        ({"additive": False}, "These values are a heat map, not shares of the score"),
        ({"by_construction": True}, "by construction, so it says nothing of the map"),
        ({"correction": 0.1, "converged": True}, "complete by construction: that is no evidence."),
        ({"correction": 0.1}, "so the sum is exact by construction and no evidence"),
        ({"converged": False, "correction": 0.1}, "The integrator stopped at its limit, before its tolerances held."),
        ({"map_error": None}, "How far the map would still move is not known."),
        ({"baseline": IMAGE}, "The image equals its baseline"),
    ],
)
def test_what_would_mislead_is_said(changes, says):
    result = explained(**changes)
    assert says in " ".join(Page(made(result)).of("li", "p"))
    assert says not in " ".join(Page(made()).of("li", "p"))
    assert blind_share(explained()) < 0.01


def test_an_own_image_is_said_to_be_left_out_and_whose_settings_these_are():
    text = made(origin=Origin("holiday.jpg", file="holiday.jpg"))
    assert "the file “holiday.jpg” itself is not in this report, and what follows holds for it alone" in text
    assert "bundled photo" not in text
    assert "holds for it alone" not in made()


def test_a_date_and_a_title_stand_where_the_caller_gives_them():
    assert "1 May 2026" in " ".join(Page(made(date="1 May 2026")).of("p"))
    assert Page(made(title="Lesson 3")).of("title", "h1") == ["Lesson 3"] * 2
    assert not re.search(r"20\d\d-\d\d-\d\d", made())


# Several.


def several():
    first = explained()
    second = replace(first, values=VALUES * 3, settings={**first.settings, "integrator": "left"}, score=0.25)
    heat = explained("grad-cam", trace=None, baseline=None, baseline_score=None, additive=False)
    return [
        Part(first, "One"),
        Part(second, "Two", rules=("left", "right")),
        Part(heat),
        Part(None, "Four", "it failed; try"),
    ]


def test_a_comparison_has_one_head_a_row_for_each_and_all_curves_in_one_chart():
    parts = several()
    page = Page(made(parts))
    assert page.of("h1") == ["3 explanations of “espresso”"]
    results = [part.attribution for part in parts[:3]]
    at = 5  # after the prediction
    for result in results:
        row = page.numbers[at : at + 9]
        expected = [result.score, result.baseline_score, result.sum]
        assert row[:3] == ["" if one is None else repr(one) for one in expected]
        assert row[6:] == [repr(result.gradient_count), repr(result.forward_count), repr(result.seconds)]
        at += 9
    assert len(page.numbers) == at
    commands = page.of("pre")
    assert len(commands) == 3
    assert "--integrator left --steps 50 --no-correct --of probability --rules left,right" in commands[1]
    assert "--method grad-cam" in commands[2]
    assert page.of("strong")[0] == "Four"
    assert "it failed; try" in " ".join(page.of("li"))
    drawn = [one for result in results for one in (mask_picture(result.values, Drawing()), result.baseline)]
    for picture in (IMAGE, *(one for one in drawn if one is not None)):
        assert f"data:image/png;base64,{base64.b64encode(png_bytes(picture)).decode()}" in page.pictures
    # Three charts, and a line of its color for each name that has a curve.
    looks = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "class")]
    assert page.tags.count("svg") - len(looks) == 3
    assert len(looks) == 2 * 4  # at its map, in the table, in the legend, at its settings


def test_maps_share_a_color_scale_where_they_are_asked_to():
    parts = several()[:2]
    limit = full_scale(np.concatenate([heat_map(part.attribution.values).ravel() for part in parts]), 99)
    shared = f"data:image/png;base64,{base64.b64encode(png_bytes(mask_picture(VALUES, Drawing(), limit))).decode()}"
    assert shared in Page(made(parts, shared=True)).pictures
    assert shared not in Page(made(parts)).pictures


def test_a_drawing_is_kept_to():
    drawing = Drawing("signed", "red-blue", clip=90.0, top=20.0)
    page = Page(made(None, ORIGIN, SPEC, SCORES, drawing))
    picture = mask_picture(VALUES, drawing)
    assert f"data:image/png;base64,{base64.b64encode(png_bytes(picture)).decode()}" in page.pictures
    assert "Map: for (red) and against (blue)" in page.of("figcaption")
    assert "percentile 90. Only the top 20 % of the pixels are drawn." in " ".join(page.of("p"))


def test_one_finished_and_one_failed_are_a_comparison_and_one_alone_is_not():
    one, failed = Part(explained(), "One"), Part(None, "Two", "too large")
    assert "What is missing" in made([one, failed])
    assert made([one]).replace("by One", "by Integrated Gradients") == made()


def test_classes_may_differ_and_are_counted_in_the_title():
    parts = [
        Part(explained(), "a"),
        Part(explained(target=6, label="clock"), "b"),
        Part(explained(target=5, label="rocket"), "c"),
    ]
    page = Page(made(parts))
    assert page.of("h1") == ["3 explanations of one image"]
    # Those explained are in the prediction, whether probable or not.
    assert [float(one) for one in page.numbers[:6]] == [0.5, 0.2, 0.15, 0.08, 0.04, 0.01]


def test_an_average_says_that_no_single_command_gives_it():
    result = explained(
        method="expected-gradients", settings={**explained().settings, "baseline": [{"key": "black"}, {"key": "white"}]}
    )
    page = Page(made(result))
    assert not page.of("pre")
    assert "No single command gives this map." in " ".join(page.of("p"))
    assert "Black; White" in page.of("dd")


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([], "no explanation is finished"),
        ([Part(None, "a", "b")], "no explanation is finished"),
        ([Part(explained()), Part(explained(image=BASELINE))], "the maps are of several images"),
        ([Part(explained()), Part(explained(model="other"))], "one map is of other"),
    ],
    ids=["none", "failed", "images", "models"],
)
def test_what_cannot_be_in_one_report_is_refused_in_one_line(tmp_path, parts, says):
    with pytest.raises(InputError, match=says):
        write_report(tmp_path / "a.html", parts, ORIGIN, SPEC, SCORES)
    assert not any(tmp_path.iterdir())


# The same bytes.

SCRIPT = """
import sys
import numpy as np
import igcore
from igcore.models import ModelSpec
from igcore.recipe import Origin
spec = ModelSpec("small", "Small network", "a paper", "CC0", (12, 16), {labels!r}, sha256="ab" * 32)
result = igcore.Attribution.load(sys.argv[1])
igcore.write_report(sys.argv[2], result, Origin("coffee", "coffee"), spec, np.array({scores!r}))
"""


def test_the_same_attribution_gives_the_same_bytes_anywhere(tmp_path):
    explained().save(tmp_path / "a.npz")
    (tmp_path / "matplotlibrc").write_text("font.size: 30\nlines.linewidth: 9\nsvg.fonttype: path\naxes.grid: True\n")
    script = SCRIPT.format(labels=LABELS, scores=SCORES.tolist())
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "MATPLOTLIBRC": str(tmp_path)}
        out = tmp_path / f"{seed}.html"
        words = [sys.executable, "-c", script, str(tmp_path / "a.npz"), str(out)]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert out.read_bytes() == made().encode()


def test_reports_of_several_threads_do_not_disturb_each_other_nor_a_persons_own_figures():
    import matplotlib

    with matplotlib.rc_context({"svg.fonttype": "path", "font.size": 31}):
        expected = made(several())
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(lambda _: made(several()), range(8))) == {expected}
        assert (matplotlib.rcParams["svg.fonttype"], matplotlib.rcParams["font.size"]) == ("path", 31)


# Nothing from outside, and nobody's markup but ours.


@pytest.mark.parametrize("what", [None, several()], ids=["one", "several"])
def test_nothing_is_loaded_and_nothing_runs(what):
    text = made(what)
    page = Page(text)
    assert not {"script", "iframe", "object", "embed", "base", "form"} & {*page.tags}
    addresses = [
        value for _, name, value in page.attributes if name in ("src", "href", "xlink:href", "action", "srcset")
    ]
    assert len(addresses) > 5
    assert all(value.startswith(("data:", "#")) for value in addresses)
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", text))
    assert "@import" not in text
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert ("meta", "content", policy) in page.attributes
    # An identifier stands once, and what refers to one finds it.
    names = [value for _, name, value in page.attributes if name == "id"]
    assert len(names) == len(set(names))
    used = {*re.findall(r"url\(#([^)]*)\)", text), *(value[1:] for value in addresses if value.startswith("#"))}
    assert used <= set(names)


def test_hostile_names_stay_text():
    spec = replace(
        SPEC, title=HOSTILE, source=HOSTILE, licence=HOSTILE, labels=(HOSTILE.replace(",", ";"),) * 7, key=HOSTILE
    )
    first = explained(label=HOSTILE, model=HOSTILE)
    hostile = [
        Part(first, HOSTILE),
        Part(replace(first, method="grad-cam", settings={"layer": HOSTILE, "of": "logit", "seed": 0}), HOSTILE),
        Part(None, HOSTILE, HOSTILE),
    ]
    harmless = [
        Part(explained(), "a"),
        Part(explained("grad-cam", settings={"layer": "x", "of": "logit", "seed": 0}), "b"),
        Part(None, "c", "failed"),
    ]
    origin = Origin(HOSTILE, file=HOSTILE)
    attacked = Page(made(hostile, origin, spec, title=HOSTILE, date=HOSTILE))
    calm = Page(made(harmless, Origin("x.png", file="x.png"), title="t", date="d"))
    assert attacked.tags == calm.tags
    assert [pair[:2] for pair in attacked.attributes] == [pair[:2] for pair in calm.attributes]
    printable = HOSTILE.replace("​", "�")
    for tags in (("title",), ("h1",), ("h3", "span"), ("li",), ("strong",), ("figcaption",)):
        assert any(printable in text for text in attacked.of(*tags)), tags
    assert HOSTILE in attacked.of("td")
    assert any(printable in value for tag, name, value in attacked.attributes if (tag, name) == ("img", "alt"))


def test_names_that_have_no_bytes_can_be_written(tmp_path):
    name = "\udcff\ud800\u202e\n.png"
    parts = [Part(explained(label=name), name), Part(None, name, name)]
    write_report(tmp_path / "a.html", parts, Origin(name, file=name), SPEC, SCORES)
    assert "\u202e" not in (tmp_path / "a.html").read_text("utf-8")


# Another language.


def marked(text, **values):
    return f"⟦{text.format(**values)}⟧"


def test_every_text_goes_through_the_translation():
    parts = several()
    text = made(parts, translate=marked, line=lambda text: f"⟪{text}⟫", lang="zh-Hans")
    page = Page(text)
    assert ("html", "lang", "zh-Hans") in page.attributes
    assert page.of("h1") == ["⟦3 explanations of “espresso”⟧"]
    data = {
        *(
            "One",
            "Two",
            "Four",
            "espresso",
            "zebra",
            "cup",
            "cat",
            "dog",
            "clock",
            "Small network",
            "a paper",
            "CC0",
            "coffee",
        ),
        *("small", ",", "F(x)", "F(x′)", ")", "(", "α", ":"),
        *("espresso (1)", "50", "3", "Small network (", "–"),
    }
    for tag, said in page.texts:
        if tag in ("pre", "code", "style", "data", "text", "title") or said in data or said.startswith("igcore "):
            continue
        if tag == "span" and (said.isdigit() or "20" in said):  # of a class, and where a paper stands
            continue
        assert said.startswith(("⟦", "⟪", "·", ": ⟪")), (tag, said)
    verdicts = [said for tag, said in page.texts if tag == "p" and said.startswith("⟪")]
    assert verdicts == [f"⟪{completeness_verdict(part.attribution).text}⟫" for part in parts[:3]]
    assert ": ⟪it failed; try⟫" in page.of("li")


def test_a_translation_may_hold_markup_and_quotes_that_stay_text():
    calm, odd = Page(made()), Page(made(translate=lambda text, **_: f"<b>{text[:3]}\"'&</b>"))
    assert calm.tags == odd.tags


def test_babel_finds_the_texts_of_the_template():
    with (ROOT / "igcore/report/page.html").open("rb") as file:
        found = [text for _, _, text, _ in babel_extract(file, ["_"], [], {})]
    assert len(found) > 20
    # Of a text with places, the values stand behind it.
    texts = [one if isinstance(one, str) else one[0] for one in found]
    assert all(isinstance(one, str) and one.strip() for one in texts)
    assert {"Where it looks", "Attribution by {name}"} <= {*texts}


def test_curves_hold_no_words():
    page = Page(made())
    assert all(re.fullmatch(r"[−\d.e¼½¾]+", text) for text in page.of("text"))


# The program.


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A Keras file of seven classes on 16 × 16 pixels."""
    tf.keras.utils.set_random_seed(1)
    layers = [tf.keras.layers.Conv2D(4, 3, activation="relu"), tf.keras.layers.GlobalAveragePooling2D()]
    built = tf.keras.Sequential([tf.keras.Input((*SIZE, 3)), *layers, tf.keras.layers.Dense(7)])
    path = tmp_path_factory.mktemp("models") / "small.keras"
    built.save(path)
    return str(path)


@pytest.mark.parametrize(
    "words", [[], ["--integrator", "adaptive"], ["--method", "lrp-epsilon"], ["--sign", "signed"]], ids=" ".join
)
def test_the_command_line_writes_a_report_of_any_run(run, network, tmp_path, words):
    names = {
        name: tmp_path / f"{name}.{end}" for name, end in (("report", "html"), ("out", "npz"), ("settings", "json"))
    }
    asked = ("--report", names["report"], "--out", names["out"], "--save-settings", names["settings"], "--json")
    code, out, err = run("explain", COFFEE, "--model", network, "--target", 2, *words, *asked)
    assert (code, err, out.count("\n")) == (0, "", 1)
    result = igcore.Attribution.load(names["out"])
    page = Page(names["report"].read_text("utf-8"))
    assert repr(result.sum) in page.numbers
    assert decoded(page.pictures[0]).shape == (*SIZE, 3)
    again = tmp_path / "again.html"
    sign = words if "--sign" in words else []
    words = ("--settings", names["settings"], "--model", network, *sign, "--report", again)
    assert run("explain", COFFEE, *words)[::2] == (0, "")
    seconds = re.compile(r'<data value="[\d.e-]+">[\d.]+</data></td><td class="quiet">What it took')
    assert seconds.sub("", again.read_text()) == seconds.sub("", names["report"].read_text())


def test_a_report_that_cannot_be_written_leaves_nothing(run, network, tmp_path):
    for path, says in (("/proc/a.html", "cannot write /proc/a.html"), (tmp_path / "none/a.html", "there is no folder")):
        words = ("--model", network, "--png", tmp_path / "a.png", "--out", tmp_path / "a.npz", "--report", path)
        code, out, err = run("explain", COFFEE, *words, "--json")
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert says in err
        assert not any(tmp_path.iterdir())


def test_who_offers_a_report_loads_no_library_for_it():
    script = (
        "import sys, igcore, igcore.cli, igcore.report\n"
        "igcore.write_report, igcore.report_html, igcore.make_recipe\n"
        "print(sorted({'jinja2', 'matplotlib', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


# In a browser.


@pytest.mark.browser
@pytest.mark.parametrize("kind", ["one", "several"])
@pytest.mark.parametrize("size", [(1200, 1600), NARROW], ids=["wide", "narrow"])
def test_a_report_opens_from_disk_without_a_network(browser, model, photo, tmp_path, kind, size):
    image = photo("coffee")
    keys = ("black", "white", "blur", "uniform-noise") if kind == "several" else ("black",)
    methods = [igcore.IntegratedGradients(key, "trapezoid", steps=8) for key in keys]
    parts = [Part(igcore.explain(model, image, method, 967), key) for key, method in zip(keys, methods, strict=True)]
    parts += [Part(None, "max-distance", "the worker died; run it again")] if kind == "several" else []
    path = tmp_path / "report.html"
    write_report(path, parts, ORIGIN, model.spec, model.scores(image[None])[0], date="1 May 2026")
    complaints, requests = [], []
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, offline=True)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    assert page.title().endswith("“espresso”")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth === 224)")
    charts = page.locator(".chart svg")
    assert charts.count() == 3
    for chart in charts.all():
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] > 200
        assert box["height"] > 100
    # Nothing sticks out of the figure that it is part of.
    for figure in page.locator("figure").all():
        assert figure.evaluate("one => one.scrollWidth - one.clientWidth") <= 1
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert printed.startswith(b"%PDF")
    assert re.search(rb"/MediaBox \[0 0 59[45](\.\d+)? 84[12](\.\d+)?\]", printed)
    assert len(re.findall(rb"/Type /Page\b", printed)) <= (2 if kind == "one" else 5)
    assert not complaints
    assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]
    folder = os.environ.get("IG_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"report-{kind}-{size[0]}.png", full_page=True)
        (Path(folder) / f"report-{kind}.pdf").write_bytes(printed)
    context.close()
