"""The command line: one object or one line, the right exit code, nothing left behind."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import igcore
from igcore.cli import main
from tests.exports import SIZE, NotCallable, export

KEYS = {
    *("model", "target", "label", "score", "baseline_score", "sum", "completeness_error"),
    *("relative_completeness_error", "map_error", "gradient_count", "seconds", "correction", "converged"),
}
SETTINGS = {"baseline", "integrator", "steps", "correct", "of", "seed"}
ADAPTIVE = {"baseline", "integrator", "tolerance", "map_tolerance", "max_gradients", "correct", "of", "seed"}
ROOT = Path(__file__).parents[1]
COFFEE = str(igcore.PHOTOS["coffee"].path)


def python(*words: object) -> subprocess.CompletedProcess[str]:
    """Run Python as a person would: without the tests' setting that silences TensorFlow."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, *map(str, words)], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    return python("-m", "igcore", *arguments)


@pytest.fixture
def run(capfd):
    """Run the command in this process: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        return code, *capfd.readouterr()

    return run


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A network of ImageNet's classes on 16 × 16 pixels, which loads in no time."""
    return export(NotCallable(1000), tmp_path_factory.mktemp("models") / "tiny", signature="serving_default")


@pytest.mark.parametrize("arguments", [["--help"], ["explain", "--help"], ["models"]], ids=" ".join)
def test_words_come_in_half_a_second_and_without_tensorflow(arguments):
    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert command(*arguments).returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # Seconds of the processor, which other work on the machine does not add to as it does to those of the clock.
    assert min(seconds() for _ in range(3)) < 0.5
    script = (
        "import sys\nfrom igcore.cli import main\n"
        f"try: main({arguments})\nexcept SystemExit: pass\nsys.exit('tensorflow' in sys.modules)"
    )
    assert python("-c", script).returncode == 0


def test_models_lists_the_catalogue(run, monkeypatch, tmp_path):
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path))
    code, out, err = run("models", "--json")
    rows = {row["key"]: row for row in json.loads(out)["models"]}
    assert (code, err) == (0, "")
    assert list(rows) == list(igcore.catalogue())
    assert (rows["efficientnet-lite0"]["available"], rows["efficientnet-lite0"]["why_not"]) == (True, None)
    assert rows["inception-v1"]["available"] is False
    assert "igcore fetch inception-v1" in rows["inception-v1"]["why_not"]
    code, out, err = run("models")
    assert (code, err) == (0, "")
    assert all(key in out and rows[key]["licence"] in out for key in rows)
    assert rows["inception-v1"]["why_not"] in out


def test_predict_gives_the_top_classes(run, tiny):
    model = igcore.load_model(tiny)
    scores = model.scores(igcore.load_image(COFFEE, SIZE)[None])[0]
    code, out, err = run("predict", COFFEE, "--model", tiny, "--top", 3, "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    top = json.loads(out)["top"]
    assert [row["target"] for row in top] == scores.argsort()[::-1][:3].tolist()
    assert [row["score"] for row in top] == pytest.approx(np.sort(scores)[::-1][:3].tolist(), rel=1e-6)
    assert [row["label"] for row in top] == [model.spec.label(row["target"]) for row in top]
    code, out, err = run("predict", COFFEE, "--model", tiny)
    assert (code, err, len(out.splitlines())) == (0, "", 5)
    assert top[0]["label"] in out.splitlines()[0]


@pytest.mark.slow
def test_the_program_explains_a_photo_and_gives_the_same_bytes_again(tmp_path):
    outputs = []
    for name in ("one", "two"):
        npz, png = tmp_path / f"{name}.npz", tmp_path / f"{name}.png"
        done = command(
            *("explain", COFFEE, "--json", "--baseline", "uniform-noise", "--integrator", "monte-carlo", "--steps", 12),
            *("--seed", 7, "--target", "Espresso", "--out", npz, "--png", png),
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("\n") == 1
        facts = json.loads(done.stdout)
        assert facts.keys() >= KEYS | SETTINGS
        assert (facts["model"], facts["target"], facts["label"]) == ("efficientnet-lite0", 967, "espresso")
        assert facts["baseline"] == {"key": "uniform-noise", "seed": None}
        assert (facts["integrator"], facts["steps"], facts["seed"]) == ("monte-carlo", 12, 7)
        assert facts["gradient_count"] == 12
        saved = igcore.Attribution.load(npz)
        assert saved.values.shape == (224, 224, 3)
        numbers = ("sum", "score", "baseline_score", "completeness_error", "relative_completeness_error", "map_error")
        assert [getattr(saved, name) for name in numbers] == [facts[name] for name in numbers]
        outputs.append((saved.values.tobytes(), png.read_bytes(), {**facts, "seconds": None}))
    assert outputs[0] == outputs[1]
    with Image.open(tmp_path / "one.png") as picture:
        picture.load()
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (224, 224))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.npz", "one.png", "two.npz", "two.png"]


def test_explain_is_the_library_with_the_same_settings(run, tiny, tmp_path):
    code, out, err = run(
        *("explain", COFFEE, "--model", tiny, "--baseline", "blur:sigma=4", "--integrator", "simpson", "--steps", 10),
        *("--of", "logit", "--target", 12, "--fit", "pad", "--out", tmp_path / "a.npz", "--json"),
    )
    assert (code, err) == (0, "")
    method = igcore.IntegratedGradients(baseline=igcore.Blur(sigma=4), integrator="simpson", steps=10, of="logit")
    image = igcore.load_image(COFFEE, SIZE, "pad")
    result = igcore.explain(igcore.load_model(tiny), image, method, target=12)
    saved, facts = igcore.Attribution.load(tmp_path / "a.npz"), json.loads(out)
    np.testing.assert_array_equal(saved.values, result.values)
    np.testing.assert_array_equal(saved.baseline, result.baseline)
    assert saved.settings == result.settings == {name: facts[name] for name in SETTINGS}
    assert facts["baseline"] == {"key": "blur", "sigma": 4.0}
    assert facts["sum"] == result.sum
    code, out, _ = run("explain", COFFEE, "--model", tiny, "--baseline", "blur:sigma=4", "--steps", 10)
    assert code == 0
    assert "F(x) = " in out
    assert "11 gradients and 2 forward passes in" in out


@pytest.mark.parametrize("most", [512, 9])
def test_an_adaptive_explanation_says_whether_and_where_it_stopped(run, tiny, tmp_path, most):
    words = ["explain", COFFEE, "--model", tiny, "--integrator", "adaptive", "--baseline", "uniform-noise"]
    words += ["--tolerance", 1e-5, "--map-tolerance", 0.002, "--max-gradients", most]
    code, out, err = run(*words, "--out", tmp_path / "a.npz", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    facts = json.loads(out)
    assert facts.keys() >= KEYS | ADAPTIVE
    assert "steps" not in facts
    settings = {"tolerance": 1e-5, "map_tolerance": 0.002, "max_gradients": most}
    assert {name: facts[name] for name in settings} == settings
    method = igcore.IntegratedGradients("uniform-noise", "adaptive", **settings)
    result = igcore.explain(igcore.load_model(tiny), igcore.load_image(COFFEE, SIZE), method)
    saved = igcore.Attribution.load(tmp_path / "a.npz")
    np.testing.assert_array_equal(saved.values, result.values)
    for name in ("correction", "converged", "map_error", "gradient_count", "sum"):
        assert facts[name] == getattr(result, name) == getattr(saved, name), name
    assert facts["converged"] == (most == 512)
    assert 9 <= facts["gradient_count"] <= most
    assert facts["correct"] is True
    code, out, _ = run(*words)
    assert code == 0
    verdict = "Converged: it stopped by itself" if most == 512 else "Not within its tolerances after 9 gradients"
    assert verdict in out
    assert "complete by construction, which is no evidence" in out
    assert f"{facts['gradient_count']} gradients in" in out


@pytest.mark.parametrize(
    ("integrator", "flag", "corrected"),
    [
        *(("left", "--correct", True), ("left", "--no-correct", False), ("left", None, False)),
        *(("adaptive", None, True), ("adaptive", "--no-correct", False), ("adaptive", "--correct", True)),
    ],
)
def test_a_sum_is_corrected_when_asked_and_left_when_asked(run, tiny, integrator, flag, corrected):
    words = ["explain", COFFEE, "--model", tiny, "--integrator", integrator, "--baseline", "uniform-noise"]
    words += [flag] if flag else []
    code, out, _ = run(*words, "--json")
    facts = json.loads(out)
    assert (code, facts["correct"], facts["correction"] is not None) == (0, corrected, corrected)
    assert (facts["relative_completeness_error"] < 1e-5) == corrected
    assert ("no evidence" in run(*words)[1]) == corrected


def test_an_image_file_is_a_baseline(run, tiny, tmp_path):
    cat = igcore.PHOTOS["cat"].path
    code, out, _ = run(
        *("explain", COFFEE, "--model", tiny, "--baseline", f"image:{cat}", "--steps", 4, "--of", "logit"),
        *("--out", tmp_path / "a.npz", "--json"),
    )
    assert code == 0
    saved = igcore.Attribution.load(tmp_path / "a.npz")
    np.testing.assert_array_equal(saved.baseline, igcore.load_image(cat, SIZE))
    assert json.loads(out)["baseline"] == {"key": "image", "sha256": igcore.baselines.GivenImage(saved.baseline).digest}


def test_the_plain_gradient_has_no_baseline(run, tiny):
    code, out, _ = run("explain", COFFEE, "--model", tiny, "--method", "gradient", "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["method"], facts["baseline_score"], facts["completeness_error"]) == ("gradient", None, None)
    assert facts["gradient_count"] == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{tmp}/none.jpg"], "no image at"),
        (["{tmp}/text.jpg"], "not a JPEG, PNG or WebP"),
        (["{tmp}"], "cannot read"),
        ([COFFEE, "--model", "{tiny}", "--target", "no such class"], "unknown class"),
        ([COFFEE, "--model", "{tiny}", "--target", "1000"], "class 1000 does not exist"),
        ([COFFEE, "--model", "{tiny}", "--target", "-1"], "class -1 does not exist"),
        ([COFFEE, "--steps", "0"], "steps is 0"),
        ([COFFEE, "--steps", "1000000000"], "steps is 1000000000"),
        ([COFFEE, "--steps", "many"], "--steps"),
        ([COFFEE, "--integrator", "simpson", "--steps", "51"], "even"),
        ([COFFEE, "--integrator", "euler"], "gauss-legendre"),
        ([COFFEE, "--integrator", "adaptive", "--steps", "50"], "integrator adaptive takes no --steps"),
        ([COFFEE, "--tolerance", "0.01"], "integrator trapezoid takes no --tolerance"),
        ([COFFEE, "--integrator", "simpson", "--map-tolerance", "0.1"], "takes no --map-tolerance"),
        ([COFFEE, "--max-gradients", "100"], "takes no --max-gradients; leave it out, or take --integrator adaptive"),
        ([COFFEE, "--integrator", "adaptive", "--max-gradients", "8"], "max_gradients is 8"),
        ([COFFEE, "--integrator", "adaptive", "--max-gradients", "9.5"], "--max-gradients"),
        ([COFFEE, "--integrator", "adaptive", "--tolerance", "0"], "tolerance is 0.0"),
        ([COFFEE, "--integrator", "adaptive", "--tolerance", "nan"], "tolerance is nan"),
        ([COFFEE, "--integrator", "adaptive", "--map-tolerance", "-0.1"], "map_tolerance is -0.1"),
        ([COFFEE, "--integrator", "adaptive", "--map-tolerance", "little"], "--map-tolerance"),
        ([COFFEE, "--method", "gradient", "--correct"], "method gradient takes no --correct"),
        ([COFFEE, "--method", "gradient", "--map-tolerance", "0.1"], "method gradient takes no --map-tolerance"),
        ([COFFEE, "--baseline", "pink"], "unknown baseline 'pink'"),
        ([COFFEE, "--baseline", "blur:sigma=lots"], "sigma is 'lots'"),
        ([COFFEE, "--baseline", "blur:sigma=-1"], "sigma is -1"),
        ([COFFEE, "--baseline", "blur:radius=3"], "takes sigma="),
        ([COFFEE, "--baseline", "color:color=nocolor"], "color is 'nocolor'"),
        ([COFFEE, "--baseline", "image"], "image:FILE"),
        ([COFFEE, "--baseline", "image:{tmp}/none.png"], "no image at"),
        ([COFFEE, "--model", "no-such-model"], "unknown model"),
        ([COFFEE, "--model", "{tiny}", "--out", "/proc/out.npz"], "cannot write /proc/out.npz"),
        ([COFFEE, "--model", "{tiny}", "--out", "{tmp}"], "cannot write"),
        ([COFFEE, "--model", "{tiny}", "--out", "{tmp}/a.npz", "--png", "/proc/a.png"], "cannot write /proc/a.png"),
        ([COFFEE, "--out", "{tmp}/none/out.npz"], "there is no folder"),
        ([COFFEE, "--png", "{tmp}/none/out.png"], "there is no folder"),
        ([COFFEE, "--method", "gradient", "--steps", "5"], "method gradient takes no --steps"),
        ([COFFEE, "--method", "gradient", "--baseline", "black"], "method gradient takes no --baseline"),
        ([COFFEE, "--seed", "-1"], "--seed is -1"),
        ([COFFEE, "--of", "softmax"], "--of"),
        ([COFFEE, "--fit", "squeeze"], "--fit"),
        ([], "IMAGE"),
    ],
    ids=lambda value: " ".join(value).replace(COFFEE, "PHOTO") if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_leaves_nothing(run, tiny, tmp_path, arguments, says):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "text.jpg").write_text("not an image\n")
    given = [argument.format(tmp=folder, tiny=tiny) for argument in arguments]
    code, out, err = run("explain", *given, "--json")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert says in err
    assert sorted(tmp_path.rglob("*")) == [folder, folder / "text.jpg"]


def test_a_mistake_is_one_line_in_the_program_as_well(tmp_path):
    done = command("explain", tmp_path / "none.jpg", "--out", tmp_path / "a.npz")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"igcore: no image at '{tmp_path}/none.jpg'; check the path\n"


def test_a_model_that_cannot_be_had_is_not_the_callers_mistake(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("IGCORE_DOWNLOAD_SECONDS", "0.2")
    (tmp_path / "empty").mkdir()
    for model, says in (("inception-v1", "did not arrive"), (tmp_path / "empty", "holds no saved_model.pb")):
        code, out, err = run("explain", COFFEE, "--model", model, "--json")
        assert (code, out) == (1, "")
        assert len(err.splitlines()) == 1
        assert says in err


def test_a_wrong_catalogue_is_one_line(run, tmp_path, monkeypatch):
    (tmp_path / "models.toml").write_text('[mine]\nkind = "onnx"\nhandle = "x"')
    monkeypatch.setenv("IGCORE_CATALOGUE", str(tmp_path / "models.toml"))
    for words in (["models"], ["predict", COFFEE], ["fetch", "mine"]):
        code, out, err = run(*words)
        assert (code, out) == (1, "")
        assert err.startswith("igcore: catalogue entry 'mine': kind is 'onnx'")
        assert len(err.splitlines()) == 1


def test_fetch_of_what_is_here_does_nothing(run):
    assert run("fetch", "efficientnet-lite0") == (0, "EfficientNet-Lite0 is here already\n", "")


@pytest.mark.parametrize("top", [0, -3])
def test_predict_refuses_to_show_nothing(run, top):
    code, out, err = run("predict", COFFEE, "--top", top)
    assert (code, out) == (2, "")
    assert f"--top is {top}" in err
