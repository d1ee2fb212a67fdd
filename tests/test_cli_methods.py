"""The command line's methods: their list, their own parameters, and one line for each mistake."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import igcore
from igcore.registry import parameters
from tests.exports import SIZE, NotCallable, export, small_keras_file
from tests.test_cli import COFFEE, command, python, run

__all__ = ["run"]


#: What `explain --json` prints of every method, beside its settings.
FACTS = {
    *("model", "method", "target", "label", "score", "baseline_score", "sum", "completeness_error"),
    *("relative_completeness_error", "map_error", "correction", "converged", "additive", "by_construction"),
    *("absorbed", "gradient_count", "forward_count", "seconds"),
}

#: Methods as they are written on the command line, and the same in Python.
WRITTEN = {
    "gradient-x-input": (["--of", "logit"], {"of": "logit"}),
    "smoothgrad:samples=5,sigma=0.3": ([], {"samples": 5, "sigma": 0.3}),
    "ig:steps=6": (["--baseline", "white"], {"steps": 6, "baseline": "white"}),
    "expected-gradients:samples=7": (
        ["--baselines", "black", "white"],
        {"samples": 7, "baselines": ("black", "white")},
    ),
    "deep-shap": (
        ["--baselines", "gray", "blur:sigma=3"],
        {"baselines": ("gray", igcore.Blur(sigma=3))},
    ),
    "blur-ig:sigma=3,steps=6": ([], {"sigma": 3.0, "steps": 6}),
    "idgi": (["--steps", "5"], {"steps": 5}),
    "occlusion-patch:size=8,stride=4": (["--baseline", "gray"], {"size": 8, "stride": 4, "baseline": "gray"}),
    "shapley:segments=8,permutations=3": ([], {"segments": 8, "permutations": 3}),
    "lime:samples=30,width=0.5": (
        ["--baseline", "blur:sigma=3"],
        {"samples": 30, "width": 0.5, "baseline": igcore.Blur(sigma=3)},
    ),
    "grad-cam:layer=second": ([], {"layer": "second"}),
    "lrp-epsilon:epsilon=0.1": ([], {"epsilon": 0.1}),
    "lrp-composite": ([], {}),
}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return small_keras_file(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A SavedModel, whose layers cannot be read."""
    return export(NotCallable(), tmp_path_factory.mktemp("models") / "closed", signature="serving_default")


# The list.


def test_methods_are_listed_with_what_they_do_take_and_mean(run):
    code, out, err = run("methods")
    assert (code, err) == (0, "")
    for key, spec in igcore.METHODS.items():
        assert f"{key}  {spec.label} ({spec.reference})" in out
        assert spec.description in " ".join(out.split())
        takes = ",".join(f" {name}={known.default}" for name, known in parameters(spec.settings).items())
        assert not takes or f"    {key}:{takes.strip()}\n" in out
    assert all(len(line) <= 160 for line in out.splitlines())


def test_methods_are_listed_as_one_object(run):
    code, out, err = run("methods", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    rows = {row["key"]: row for row in json.loads(out)["methods"]}
    assert list(rows) == list(igcore.METHODS)
    for key, row in rows.items():
        spec = igcore.METHODS[key]
        for name in ("label", "description", "formula", "needs", "sums", "reference"):
            assert row[name] == getattr(spec, name)
        assert row["cost"] == str(spec.settings().cost((224, 224)))
        assert row["parameters"] == {name: known.default for name, known in parameters(spec.settings).items()}


def test_methods_are_listed_as_a_table(run):
    code, out, err = run("methods", "--markdown")
    assert (code, err) == (0, "")
    head, rule, *rows = out.splitlines()
    assert head == "| key | method | needs | values sum to | takes | reference |"
    assert set(rule) == {"|", "-"}
    for key, row in zip(igcore.METHODS, rows, strict=True):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 6
        assert cells[:2] == [f"`{key}`", igcore.METHODS[key].label]


def test_a_list_has_one_form(run):
    code, out, err = run("methods", "--json", "--markdown")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "--markdown: not allowed with argument --json" in err


@pytest.mark.parametrize("arguments", [["methods"], ["methods", "--json"], ["methods", "--markdown"]], ids=" ".join)
def test_a_list_needs_no_tensorflow(arguments):
    script = (
        f"import sys\nfrom igcore.cli import main\nassert main({arguments}) == 0\nsys.exit('tensorflow' in sys.modules)"
    )
    done = python("-c", script)
    assert (done.returncode, done.stderr) == (0, "")


# An explanation.


@pytest.mark.parametrize("written", WRITTEN)
def test_a_method_with_its_parameters_is_that_of_the_library(run, network, tmp_path, written):
    flags, given = WRITTEN[written]
    npz, png = tmp_path / "map.npz", tmp_path / "map.png"
    words = ("--model", network, "--method", written, *flags, "--target", 2, "--seed", 5, "--json")
    code, out, err = run("explain", COFFEE, *words, "--out", npz, "--png", png)
    assert (code, err, out.count("\n")) == (0, "", 1)
    method = igcore.METHODS[written.partition(":")[0]].settings(**given)
    result = igcore.explain(igcore.load_model(network), igcore.load_image(COFFEE, SIZE), method, 2, seed=5)
    saved, facts = igcore.Attribution.load(npz), json.loads(out)
    np.testing.assert_array_equal(saved.values, result.values)
    assert saved.settings == result.settings
    assert facts.keys() == FACTS | result.settings.keys()
    assert {name: facts[name] for name in result.settings} == result.settings
    told = ("method", "target", "label", "score", "baseline_score", "sum", "completeness_error", "map_error")
    for name in (*told, "additive", "by_construction", "gradient_count", "forward_count"):
        assert facts[name] == getattr(result, name), name
    absorbed = result.absorbed
    assert facts["absorbed"] == (None if absorbed is None else pytest.approx(sum(absorbed.values())))
    with Image.open(png) as picture:
        picture.load()
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", SIZE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.npz", "map.png"]


@pytest.mark.parametrize("spec", igcore.METHODS.values(), ids=list(igcore.METHODS))
def test_a_methods_settings_hide_no_fact(spec):
    assert not FACTS & {*spec.settings().describe(), "seed"}


@pytest.mark.parametrize(
    ("written", "says", "spent"),
    [
        ("grad-cam", "These values are a heat map", "1 gradient in"),
        ("lime:samples=30", "These values are a heat map", "30 forward passes in"),
        ("lrp-gamma", "biases and stabilizers absorbed", "1 forward pass in"),
        ("deeplift-rescale", "by construction, so it says nothing of the map", "2 forward passes in"),
        ("idgi:steps=4", "", "4 gradients and 1 forward pass in"),
    ],
)
def test_a_method_is_told_in_words_too(run, network, written, says, spent):
    code, out, _ = run("explain", COFFEE, "--model", network, "--method", written, "--target", 3)
    assert code == 0
    assert says in out
    assert spent in out
    assert ("F(x′) = " in out) == (written.partition(":")[0] in ("deeplift-rescale", "idgi"))


def test_a_baseline_of_a_set_may_be_a_file(run, network, tmp_path):
    cat = igcore.PHOTOS["cat"].path
    words = ("--method", "deep-shap", "--baselines", "black", f"image:{cat}", "--out", tmp_path / "a.npz")
    assert run("explain", COFFEE, "--model", network, *words)[0] == 0
    given = igcore.METHODS["deep-shap"].settings(baselines=("black", igcore.load_image(cat, SIZE)))
    result = igcore.explain(igcore.load_model(network), igcore.load_image(COFFEE, SIZE), given)
    saved = igcore.Attribution.load(tmp_path / "a.npz")
    np.testing.assert_array_equal(saved.values, result.values)
    assert saved.settings["baselines"] == result.settings["baselines"]


# Mistakes.

MISTAKES = [
    (["--method", "occlusion"], "unknown method 'occlusion': did you mean 'occlusion-"),
    (["--method", "grad-cam++"], "unknown method 'grad-cam++': did you mean 'grad-cam"),
    (["--method", ""], "unknown method ''"),
    (["--method", ":size=3"], "unknown method ''"),
    (
        ["--method", "occlusion-patch:width=3"],
        "method occlusion-patch cannot take 'width=3'; it takes size=…, stride=…",
    ),
    (["--method", "occlusion-patch:size"], "method occlusion-patch cannot take 'size'"),
    (["--method", "guided-backprop:steps=3"], "it takes no parameters"),
    (["--method", "rise:baseline=white"], "method rise cannot take 'baseline=white'"),
    (["--method", "occlusion-patch:size=0"], "occlusion-patch: size is 0; expected a whole number from 1 to 512"),
    (["--method", "occlusion-patch:size=2.5"], "size is '2.5'; expected a whole number"),
    (["--method", "shapley:permutations=201"], "permutations is 201; expected a whole number from 2 to 200"),
    (["--method", "smoothgrad:sigma=nan"], "sigma is nan; expected a number from 0.0 to 1.0"),
    (["--method", "lrp-alpha-beta:alpha=0.5"], "alpha is 0.5; expected a number from 1.0 to 10.0"),
    (["--method", "lime:penalty=much"], "penalty is 'much'; expected a number"),
    (["--method", "ig:steps=20", "--steps", "10"], "steps is given twice, by --method and by --steps; leave one out"),
    (["--method", "ig:max_gradients=20", "--max-gradients", "20"], "max_gradients is given twice"),
    (["--method", "occlusion-patch:size=8,size=4"], "size is given twice"),
    (["--method", "rise", "--steps", "10"], "method rise takes no --steps; leave it out"),
    (["--method", "expected-gradients", "--steps", "10"], "method expected-gradients takes no --steps"),
    (["--method", "guided-ig", "--integrator", "simpson"], "method guided-ig takes no --integrator"),
    (["--method", "blur-ig", "--baseline", "white"], "method blur-ig takes no --baseline"),
    (["--method", "lrp-epsilon", "--of", "logit"], "method lrp-epsilon takes no --of"),
    (["--method", "idgi", "--no-correct"], "method idgi takes no --correct"),
    (["--method", "ig", "--baselines", "black", "white"], "method ig takes no --baselines"),
    (["--baselines", "black"], "method ig takes no --baselines"),
    (["--method", "deep-shap", "--baseline", "black"], "method deep-shap takes no --baseline"),
    (["--method", "deep-shap", "--baselines", "black", "sepia"], "unknown baseline 'sepia'"),
    (["--method", "deep-shap", "--baselines"], "--baselines: expected at least one argument"),
    (["--method", "deep-shap", "--baselines", "image"], "image:FILE"),
    (
        ["--method", "expected-gradients:samples=4", "--baselines", *["black"] * 5],
        "samples is 4; expected at least 5, one for each baseline",
    ),
    (["--method", "ig:tolerance=0.1"], "integrator trapezoid takes no --tolerance"),
]


@pytest.mark.parametrize(("words", "says"), MISTAKES, ids=lambda value: " ".join(value) if type(value) is list else "")
def test_a_mistake_is_one_line_and_leaves_nothing(run, network, tmp_path, words, says):
    code, out, err = run("explain", COFFEE, "--model", network, *words, "--out", tmp_path / "map.npz", "--json")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert says in err
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("grad-cam:layer=nothing", "there is no layer 'nothing' with positions; choose one of first"),
        ("occlusion-1:size=17", "size 17 is larger than the image of 16 × 16 pixels; choose at most 16"),
        ("prediction-difference:size=16", "choose at most 15"),
    ],
)
def test_what_does_not_fit_the_model_is_one_line_too(run, network, written, says):
    code, out, err = run("explain", COFFEE, "--model", network, "--method", written, "--json")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert says in err


@pytest.mark.parametrize("key", [key for key, spec in igcore.METHODS.items() if spec.needs == "layers"])
def test_a_method_through_the_layers_is_refused_at_a_saved_model(run, closed, key):
    code, out, err = run("explain", COFFEE, "--model", closed, "--method", key, "--json")
    assert (code, out) == (2, "")
    assert err.startswith(f"igcore: method {key} needs layers, which model ")
    assert len(err.splitlines()) == 1


def test_a_mistake_is_one_line_in_the_program_as_well():
    done = command("explain", "coffee", "--method", "occlusion-patch:size=0")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "igcore: occlusion-patch: size is 0; expected a whole number from 1 to 512\n"
