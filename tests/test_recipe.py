"""Recipes: what an attribution depends on, the command that repeats it, and the same bytes again."""

from __future__ import annotations

import argparse
import json
import shlex
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import igcore
from igcore.baselines import BASELINES, GivenImage
from igcore.errors import InputError
from igcore.explain_command import add_explain
from igcore.images import digest
from igcore.integrators import FIXED, INTEGRATORS
from igcore.method_options import method_of
from igcore.methods import METHODS
from igcore.recipe import Origin, has_recipe, make_recipe
from igcore.recipe_file import MAX_BYTES, read_recipe
from igcore.registry import parameters
from igcore.results import Attribution
from igcore.runtime.questions import Explain
from tests.exports import SIZE, small_keras_file
from tests.test_cli import COFFEE, run

__all__ = ["run"]

IMAGE = np.random.default_rng(0).random((4, 5, 3), dtype=np.float32)
ORIGIN = Origin("coffee", "coffee")

#: What the first page wrote before recipes had a module of their own.
BEFORE = {
    *("igcore", "image", "fit", "model", "target", "label", "method", "baseline", "integrator", "steps", "correct"),
    *("of", "seed", "score", "baseline_score", "sum", "command"),
}


def explained(method, seed=0):
    """An attribution by a method, which nothing was computed for."""
    return Attribution(
        values=np.ones_like(IMAGE),
        image=IMAGE,
        baseline=None,
        target=7,
        label="a class",
        model="efficientnet-lite0",
        method=method.key,
        settings={**method.describe(), "seed": seed},
        score=0.5,
        baseline_score=None,
        additive=False,
        gradient_count=0,
        seconds=0.1,
    )


def parsed(command):
    """Read a printed command as the command line does."""
    parser = argparse.ArgumentParser()
    add_explain(parser.add_subparsers())
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "igcore"]
    return parser.parse_args(words[3:])


def written(told, path):
    path.write_text(json.dumps(told), "utf-8")
    return path


def value_of(known):
    """Values of one parameter."""
    if known.low is None and known.high is None:
        return st.sampled_from(["#12ab34", "teal"]) if known.default else st.sampled_from(["", "block_4a", "conv/2"])
    if isinstance(known.default, float):
        return st.floats(known.low, 1e6 if known.high is None else known.high)
    low, high = int(known.low), int(10**6 if known.high is None else known.high)
    whole = st.integers(low, high)
    return whole if known.default is not None else st.none() | whole


def made(settings_class, **more):
    known = parameters(settings_class)
    return st.fixed_dictionaries({**{name: value_of(one) for name, one in known.items()}, **more}).map(
        lambda values: attempt(settings_class, values)
    )


def attempt(settings_class, values):
    """Settings, or None where these values do not go together."""
    try:
        return settings_class(**values)
    except InputError:
        return None


baselines = st.sampled_from([key for key in BASELINES if key != "image"]).flatmap(
    lambda key: made(BASELINES[key].settings)
)


def methods(key):
    """Settings of a method, each value drawn from its range."""
    settings_class = METHODS[key].settings
    fields, more = settings_class.__dataclass_fields__, {}
    if "baseline" in fields:
        more["baseline"] = baselines
    if "baselines" in fields:
        more["baselines"] = st.lists(baselines, min_size=1, max_size=4).map(tuple)
    if "of" in fields:
        more["of"] = st.sampled_from(["probability", "logit"])
    if "integrator" in fields:
        more |= {"integrator": st.sampled_from(list(INTEGRATORS)), "correct": st.sampled_from([None, True, False])}
    return made(settings_class, **more)


# What a recipe says.


@pytest.mark.parametrize("key", METHODS)
@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_the_command_of_every_method_reads_back_as_equal_settings(key, data, seed):
    method = data.draw(methods(key))
    assume(method is not None)
    fit = data.draw(st.sampled_from(["crop", "pad", "stretch"]))
    recipe = make_recipe(explained(method, seed), Origin("holiday", None, fit, "my photo's.jpg"))
    options = parsed(recipe["command"])
    told = (options.image, options.model, options.fit, options.target, options.seed, options.out)
    assert told == ("my photo's.jpg", "efficientnet-lite0", fit, "7", seed, "attribution.npz")
    again = method_of(options, (8, 8))
    assert type(again) is type(method)
    assert again.describe() == method.describe()


@pytest.mark.parametrize("key", METHODS)
@given(data=st.data(), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_the_recipe_of_every_method_reads_back_as_equal_settings(tmp_path_factory, key, data, seed):
    method = data.draw(methods(key))
    assume(method is not None)
    path = written(make_recipe(explained(method, seed), ORIGIN), tmp_path_factory.mktemp("recipes") / "run.json")
    recipe = read_recipe(path)
    assert (recipe.model, recipe.fit, recipe.target, recipe.seed) == ("efficientnet-lite0", "crop", 7, seed)
    assert (recipe.method, recipe.image_sha256, recipe.version) == (key, digest(IMAGE), igcore.__version__)
    again = recipe.method_settings({})
    assert (type(again), again.describe()) == (type(method), method.describe())
    # To the type of each number, since they are written into the saved attribution.
    assert json.dumps(again.describe()) == json.dumps(method.describe())


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_a_recipe_has_every_key_that_the_first_page_wrote(integrator):
    method = igcore.IntegratedGradients(igcore.Blur(sigma=4.0), integrator)
    recipe = make_recipe(explained(method, 3), ORIGIN, model_sha256="ab" * 32)
    takes = INTEGRATORS[integrator].takes
    assert recipe.keys() == (BEFORE - {"steps"}) | {"model_sha256", *takes}
    assert recipe["image"] == {"name": "coffee", "bundled": "coffee", "decoded_sha256": digest(IMAGE)}
    assert recipe["baseline"] == {"key": "blur", "sigma": 4.0}
    assert (recipe["seed"], recipe["score"], recipe["sum"]) == (3, 0.5, IMAGE.size)
    assert recipe["model_sha256"] == "ab" * 32
    assert "explain coffee --model efficientnet-lite0" in recipe["command"]
    assert "--baseline 'blur:sigma=4.0'" in recipe["command"]
    assert json.loads(json.dumps(recipe)) == recipe


def test_no_setting_has_a_name_that_a_recipe_uses_otherwise():
    own = {*make_recipe(explained(METHODS["gradient"].settings()), ORIGIN)} - {"of", "seed"} | {"rules"}
    for spec in METHODS.values():
        assert not own & {*spec.settings().describe()}


def test_rules_that_shared_their_nodes_are_part_of_recipe_and_command():
    method = igcore.IntegratedGradients(integrator="left", steps=6)
    recipe = make_recipe(explained(method), ORIGIN, ("left", "right", "trapezoid"))
    assert recipe["rules"] == ["left", "right", "trapezoid"]
    assert parsed(recipe["command"]).rules == "left,right,trapezoid"
    for alone in ((), ("left",)):
        assert "rules" not in make_recipe(explained(method), ORIGIN, alone)
    for wrong in (("right", "trapezoid"), ("left", "adaptive"), ("left", "euler")):
        with pytest.raises(InputError, match="expected fixed integrators, left among them"):
            make_recipe(explained(method), ORIGIN, wrong)


@pytest.mark.parametrize(
    "method",
    [
        igcore.IntegratedGradients(igcore.Color("rgb(1, 2, 3)")),
        METHODS["expected-gradients"].settings(baselines=("black", igcore.Color("rgb(1,2,3)"))),
        METHODS["grad-cam"].settings(layer="block,4"),
    ],
    ids=["color", "set", "layer"],
)
def test_what_no_option_can_spell_is_repeated_from_the_settings(tmp_path, method):
    recipe = make_recipe(explained(method), Origin("x", file="x.png"))
    assert recipe["command"] == "python -m igcore explain x.png --settings settings.json --out attribution.npz"
    assert read_recipe(written(recipe, tmp_path / "a.json")).method_settings({}).describe() == method.describe()


@pytest.mark.parametrize(
    ("origin", "image"),
    [
        (Origin("Espresso", "coffee"), "coffee"),
        (Origin("holiday"), "FILE"),
        (Origin("a", file='it\'s $(rm) `x`; "y".jpg'), 'it\'s $(rm) `x`; "y".jpg'),
        (Origin("a", file="-o.png"), "./-o.png"),
        (Origin("a", file="Shot at 3.04\u202fPM.png"), "Shot at 3.04\u202fPM.png"),
        (Origin("a", file="a\nb.png"), "FILE"),
        (Origin("a", file="\u202egnp.exe"), "FILE"),
        (Origin("a", file="\udcff.png"), "FILE"),
    ],
)
def test_the_command_names_the_image_so_that_a_shell_takes_it_as_one_word(origin, image):
    command = make_recipe(explained(METHODS["gradient"].settings()), origin)["command"]
    assert parsed(command).image == image
    assert not {*"\n\u202e\udcff"} & {*command}


def test_a_name_that_cannot_be_shown_is_told_without_what_cannot():
    recipe = make_recipe(explained(METHODS["gradient"].settings()), Origin("a\u202eb\udcff\n猫"))
    assert recipe["image"]["name"] == "a\ufffdb\ufffd\ufffd猫"
    json.dumps(recipe, ensure_ascii=False).encode()


def test_an_average_has_no_recipe():
    parts = [
        replace(explained(igcore.IntegratedGradients(key)), baseline_score=0.1, additive=True)
        for key in ("black", "white")
    ]
    mean = igcore.average(parts)
    assert all(map(has_recipe, parts))
    assert not has_recipe(mean)
    assert not has_recipe(replace(parts[0], method="of-another-program"))
    with pytest.raises(InputError, match="no single run of method expected-gradients gives this map"):
        make_recipe(mean, ORIGIN)


# The same bytes again.


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return small_keras_file(tmp_path_factory.mktemp("models"))


def assert_same_bytes(one, two):
    """All that two saved attributions hold, but for the seconds that they took."""
    with np.load(one) as a, np.load(two) as b:
        assert set(a) == set(b)
        for name in set(a) - {"facts"}:
            assert (a[name].tobytes(), a[name].dtype, a[name].shape) == (
                b[name].tobytes(),
                b[name].dtype,
                b[name].shape,
            )
        facts = [json.loads(str(file["facts"])) for file in (a, b)]
    for told in facts:
        assert told.pop("seconds") > 0
    assert json.dumps(facts[0]) == json.dumps(facts[1])


RUNS = [
    ["--integrator", "left", "--steps", "7", "--rules", "left,right,trapezoid"],
    ["--integrator", "right", "--steps", "6", "--rules", "simpson,left,right"],
    ["--baseline", "uniform-noise", "--seed", "5"],
    ["--baseline", "gaussian-noise:sigma=0.3,seed=9", "--integrator", "gauss-legendre", "--steps", "5", "--correct"],
    ["--integrator", "monte-carlo", "--steps", "9", "--seed", "3", "--of", "logit"],
    ["--integrator", "adaptive", "--map-tolerance", "0.02", "--no-correct", "--target", "2"],
    ["--method", "smoothgrad:samples=6", "--seed", "4"],
    ["--method", "expected-gradients:samples=9", "--baselines", "black", "uniform-noise", "--seed", "2"],
    ["--method", "occlusion-patch:size=5,stride=3", "--baseline", "mean", "--fit", "pad"],
    ["--method", "shapley:segments=6,permutations=4", "--fit", "stretch"],
    ["--method", "lrp-gamma:gamma=0.5"],
    ["--method", "grad-cam:layer=second"],
]


@pytest.mark.parametrize("words", RUNS, ids=" ".join)
def test_settings_give_the_same_bytes_as_the_run_that_wrote_them(run, network, tmp_path, words):
    first, again, command = (tmp_path / f"{name}.npz" for name in ("first", "again", "command"))
    settings_file = tmp_path / "run.json"
    code, _, err = run("explain", COFFEE, "--model", network, *words, "--out", first, "--save-settings", settings_file)
    assert (code, err) == (0, "")
    code, out, err = run(
        "explain", "--settings", settings_file, COFFEE, "--model", network, "--json", "--out", again, "--png",
        tmp_path / "again.png",
    )  # fmt: skip
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert_same_bytes(first, again)
    # The printed command does the same, from where the image is.
    asked = shlex.split(json.loads(settings_file.read_text())["command"])[3:]
    assert asked[1] == "coffee.png"
    code, _, err = run(*(COFFEE if word == "coffee.png" else word for word in asked[:-1]), command)
    assert (code, err) == (0, "")
    assert_same_bytes(first, command)


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["left", "simpson"])
def test_the_command_line_repeats_what_the_page_computed_on_shared_nodes(run, model, photo, tmp_path, rule):
    method = igcore.IntegratedGradients("uniform-noise", rule, steps=10)
    question = Explain("efficientnet-lite0", photo("coffee"), method, 967, seed=6)
    by_rule = question.answer(lambda _: model, None, None).by_rule
    by_rule[rule].save(tmp_path / "page.npz")
    recipe = make_recipe(by_rule[rule], ORIGIN, tuple(by_rule), model.spec.sha256)
    code, _, err = run(
        "explain", "coffee", "--settings", written(recipe, tmp_path / "run.json"), "--out", tmp_path / "a"
    )
    assert (code, err) == (0, "")
    assert_same_bytes(tmp_path / "page.npz", tmp_path / "a")
    # The page takes answers that others have asked for, too, who began with another rule; so the order is kept.
    asked = shlex.split(recipe["command"])[3:-1]
    assert run(*asked, tmp_path / "b")[0] == 0
    assert_same_bytes(tmp_path / "page.npz", tmp_path / "b")
    turned = {**recipe, "rules": recipe["rules"][::-1]}
    assert read_recipe(written(turned, tmp_path / "turned.json")).rules == tuple(by_rule)[::-1]
    assert parsed(make_recipe(by_rule[rule], ORIGIN, turned["rules"])["command"]).rules == ",".join(turned["rules"])


@pytest.mark.slow
@pytest.mark.parametrize("key", ["ig", "smoothgrad", "occlusion-patch", "blur-ig"])
def test_the_embedded_network_gives_the_same_bytes_again(run, tmp_path, key):
    method = {"ig": "ig:steps=5", "smoothgrad": "smoothgrad:samples=5", "blur-ig": "blur-ig:steps=5"}.get(key, key)
    words = ("explain", "rocket", "--method", method, "--out", tmp_path / "a", "--save-settings", tmp_path / "a.json")
    assert run(*words)[0] == 0
    assert run("explain", "rocket", "--settings", tmp_path / "a.json", "--out", tmp_path / "b")[0] == 0
    assert_same_bytes(tmp_path / "a", tmp_path / "b")


# Images of one's own as baselines.


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A recipe that compares with the photo of a cat, and one with a set that it is in."""
    folder = tmp_path_factory.mktemp("recipes")
    cat = igcore.load_image(igcore.PHOTOS["cat"].path, SIZE)
    one = igcore.IntegratedGradients(cat, steps=4)
    several = METHODS["deep-shap"].settings(baselines=("black", cat))
    return {
        name: written(
            {**make_recipe(explained(method), Origin("x")), "model": "small", "target": 3}, folder / f"{name}.json"
        )
        for name, method in (("one", one), ("several", several))
    }


@pytest.fixture
def small(network, tmp_path, monkeypatch):
    """The small network in a catalogue."""
    (tmp_path / "models.toml").write_text(f'[small]\nkind = "keras-file"\nhandle = "{network}"')
    monkeypatch.setenv("IGCORE_CATALOGUE", str(tmp_path / "models.toml"))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("one", ["--baseline", "image:{cat}"]),
        ("several", ["--baselines", "image:{cat}"]),
        ("several", ["--baselines", "black", "image:{cat}"]),
    ],
)
def test_a_baseline_image_is_named_beside_the_settings(run, other, tmp_path, name, words):
    cat = igcore.PHOTOS["cat"].path
    named = [word.format(cat=cat) for word in words]
    code, _, err = run("explain", COFFEE, "--settings", other[name], *named, "--out", tmp_path / "a.npz")
    assert code == 0
    assert "is not the image of" in err
    saved = igcore.Attribution.load(tmp_path / "a.npz")
    sha256 = GivenImage(igcore.load_image(cat, SIZE)).digest
    told = saved.settings["baseline"] if name == "one" else saved.settings["baselines"][1]
    assert told == {"key": "image", "sha256": sha256}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("name", "words", "says"),
    [
        ("one", [], "name its file by --baseline image:FILE"),
        ("several", [], "name its file by --baselines image:FILE"),
        ("one", ["--baseline", "image:{clock}"], "is not the picture of"),
        ("several", ["--baselines", "image:{clock}"], "is not the picture of"),
        ("one", ["--baseline", "image:nothing.png"], "no image at 'nothing.png'"),
        ("one", ["--baseline", "white"], "--baseline contradicts"),
        ("one", ["--baselines", "image:{cat}"], "--baselines contradicts"),
        ("several", ["--baselines", "black"], "--baselines contradicts"),
        ("several", ["--baselines", "white", "image:{cat}"], "--baselines contradicts"),
    ],
)
def test_a_baseline_image_that_is_missing_or_another_is_one_line(run, other, tmp_path, name, words, says):
    photos = {key: igcore.PHOTOS[key].path for key in ("cat", "clock")}
    named = [word.format(**photos) for word in words]
    code, out, err = run("explain", COFFEE, "--settings", other[name], *named, "--out", tmp_path / "a.npz")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert says in err
    assert not (tmp_path / "a.npz").exists()


# What differs, and what contradicts.


def recipe_of(model, **changes):
    method = igcore.IntegratedGradients(igcore.Blur(sigma=3.0), "simpson", steps=4)
    image = igcore.load_image(COFFEE, SIZE)
    told = make_recipe(replace(explained(method, 5), image=image, target=3), Origin("coffee"), (), "")
    return {**told, "model": model, **changes}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("changes", "image", "says"),
    [
        ({}, "cat", "'{image}' is not the image of '{file}': its decoded SHA-256 differs"),
        ({"model_sha256": "0" * 64}, "coffee", "model small has other weights than that of '{file}'"),
        (
            {"igcore": "0.1.0"},
            "coffee",
            f"'{{file}}' was written by igcore \"0.1.0\", and this is {igcore.__version__}",
        ),
    ],
)
def test_what_is_not_as_it_was_is_one_line_of_warning(run, tmp_path, changes, image, says):
    file, path = written(recipe_of("small", **changes), tmp_path / "run.json"), igcore.PHOTOS[image].path
    code, out, err = run("explain", path, "--settings", file, "--json")
    assert (code, len(err.splitlines()), out.count("\n")) == (0, 1, 1)
    assert err.startswith(f"igcore: warning: {says.format(image=path, file=file)}")
    assert json.loads(out)["target"] == 3


SAME = [
    *("--model", "small", "--fit", "crop", "--method", "ig", "--baseline", "blur:sigma=3", "--integrator", "simpson"),
    *("--steps", "4", "--no-correct", "--of", "probability", "--target", "class 3", "--seed", "5"),
]


@pytest.mark.usefixtures("small")
def test_options_that_say_the_same_as_the_settings_are_welcome(run, tmp_path):
    file = written(recipe_of("small"), tmp_path / "run.json")
    assert run("explain", COFFEE, "--settings", file, *SAME, "--json")[::2] == (0, "")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--model", "efficientnet-lite0"], "--model contradicts {file}, which says small; leave the option out"),
        (["--fit", "pad"], "--fit contradicts {file}, which says crop"),
        (["--method", "gradient"], "--method contradicts {file}, which says ig"),
        (["--method", "ig:steps=5"], "--method contradicts {file}, which says 4"),
        (["--method", "euler"], "unknown method 'euler'"),
        (["--baseline", "black"], "--baseline contradicts {file}, which says blur"),
        (["--baseline", "blur:sigma=4"], "--baseline contradicts {file}, which says blur"),
        (["--baseline", f"image:{COFFEE}"], "--baseline contradicts {file}, which says blur"),
        (["--baselines", "black"], "--baselines contradicts {file}, which says nothing of it"),
        (["--integrator", "left"], "--integrator contradicts {file}, which says simpson"),
        (["--steps", "6"], "--steps contradicts {file}, which says 4"),
        (["--correct"], "--correct contradicts {file}, which says False"),
        (["--of", "logit"], "--of contradicts {file}, which says probability"),
        (["--tolerance", "0.1"], "--tolerance contradicts {file}, which says nothing of it"),
        (["--max-gradients", "99"], "--max-gradients contradicts {file}, which says nothing of it"),
        (["--rules", "simpson,left"], "--rules contradicts {file}, which says none"),
        (["--seed", "0"], "--seed contradicts {file}, which says 5"),
        (["--target", "4"], "--target contradicts {file}, which says 3"),
        (["--target", "no such class"], "unknown class 'no such class'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_option_that_contradicts_the_settings_is_named_in_one_line(run, tmp_path, words, says):
    file = written(recipe_of("small"), tmp_path / "run.json")
    code, out, err = run("explain", COFFEE, "--settings", file, *words, "--out", tmp_path / "a.npz", "--json")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert says.format(file=repr(str(file))) in err
    assert not (tmp_path / "a.npz").exists()


def test_a_model_outside_of_the_catalogue_is_loaded_only_where_a_person_names_it(run, network, tmp_path):
    sha256 = igcore.load_model(network).spec.sha256
    file = written(recipe_of("/somewhere/else.keras", model_sha256=sha256), tmp_path / "run.json")
    code, out, err = run("explain", COFFEE, "--settings", file, "--json")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "which the catalogue does not hold; a model is code, so if you trust it, name it by --model" in err
    # The same file may lie elsewhere, but it has to be the same.
    assert run("explain", COFFEE, "--settings", file, "--model", network, "--json")[::2] == (0, "")
    for wrong in ({"model_sha256": "0" * 64}, {"model_sha256": None}):
        file = written(recipe_of("/somewhere/else.keras", **wrong), tmp_path / "run.json")
        code, out, err = run("explain", COFFEE, "--settings", file, "--model", network, "--json")
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert "--model contradicts" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--rules", "left,trapezoid,euler"], "integrator euler shares no nodes"),
        (["--rules", "left,simpson", "--steps", "5"], "simpson needs an even number of steps"),
        (["--rules", "left", "--integrator", "adaptive"], "integrator adaptive shares no nodes"),
        (["--rules", "left", "--method", "gradient"], "method gradient takes no --rules"),
        (["--report", "{out}"], "two files to write have one name"),
        (["--save-settings", "/nowhere/run.json"], "there is no folder '/nowhere'"),
        (["--save-settings", "/proc/run.json"], "cannot write /proc/run.json"),
    ],
)
def test_a_mistake_beside_new_options_is_one_line(run, network, tmp_path, words, says):
    named = [word.format(out=tmp_path / "a.npz") for word in words]
    code, out, err = run("explain", COFFEE, "--model", network, *named, "--out", tmp_path / "a.npz", "--json")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert says in err
    assert not any(tmp_path.iterdir())


# Files that are no recipes.

GOOD = recipe_of("efficientnet-lite0")


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


MALFORMED = {
    "nothing": (b"", "is not JSON"),
    "text": (b"steps = 50", "is not JSON"),
    "binary": (bytes(range(256)), "is not JSON"),
    "cut off": (json.dumps(GOOD).encode()[:80], "is not JSON"),
    "utf-16": (json.dumps(GOOD).encode("utf-16"), "is not JSON"),
    "a number": (b"3", "it holds 3; expected an object"),
    "a list": (b"[]", "it holds a list"),
    "null": (b"null", "it holds null"),
    "nothing in it": (b"{}", "it leaves out model"),
    "huge": (b" " * MAX_BYTES + b"{}", "is larger than 1 MB"),
    "deep": (b"[" * 200_000 + b"]" * 200_000, "is nested too deeply"),
    "deep in a value": (b'{"model": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}", "is nested too deeply"),
    "twice": (json.dumps(GOOD).encode()[:-1] + b', "steps": 8}', 'it says "steps" twice'),
    "nan": (json.dumps({**GOOD, "steps": float("nan")}).encode(), "it holds NaN"),
    "digits": (b'{"steps": ' + b"9" * 5000 + b"}", ""),
    **{f"no {name}": (without(name), f"it leaves out {name}") for name in ("fit", "target", "method", "seed")},
    **{
        f"no {name} at all": (without(name), f"it leaves out {name}") for name in ("baseline", "steps", "of", "correct")
    },
    "unknown key": ({**GOOD, "stepss": 3}, 'it says "stepss", which is no setting of method ig'),
    "unknown long key": ({**GOOD, "x" * 10_000: 3}, "which is no setting of method ig"),
    "other integrator's key": ({**GOOD, "tolerance": 0.1}, 'it says "tolerance"'),
    "unknown method": ({**GOOD, "method": "magic"}, "unknown method 'magic'"),
    "long method": ({**GOOD, "method": "x" * 100_000}, "expected a text of at most"),
    "method of no text": ({**GOOD, "method": ["ig"]}, "method is a list"),
    "unknown integrator": ({**GOOD, "integrator": "euler"}, "unknown integrator 'euler'"),
    "integrator of no text": ({**GOOD, "integrator": {}}, "integrator is an object"),
    "unknown fit": ({**GOOD, "fit": "squeeze"}, 'fit is "squeeze"; expected one of crop'),
    "fit of no text": ({**GOOD, "fit": None}, "fit is null"),
    "target of no number": ({**GOOD, "target": "espresso"}, 'target is "espresso"'),
    "target true": ({**GOOD, "target": True}, "target is true"),
    "target below 0": ({**GOOD, "target": -1}, "target is -1"),
    "target too large": ({**GOOD, "target": 1000}, "class 1000 does not exist"),
    "seed of no whole number": ({**GOOD, "seed": 1.5}, "seed is 1.5"),
    "seed below 0": ({**GOOD, "seed": -3}, "seed is -3"),
    "seed without end": ({**GOOD, "seed": 10**4000}, "seed is 1000"),
    "model of no text": ({**GOOD, "model": 5}, "model is 5"),
    "model unknown": ({**GOOD, "model": "magic"}, "which the catalogue does not hold"),
    "model of the web": ({**GOOD, "model": "https://example.org/model"}, "a model is code"),
    "steps of text": ({**GOOD, "steps": "50"}, 'steps is "50"; expected a number'),
    "steps of half": ({**GOOD, "steps": 4.5}, "steps is 4.5"),
    "steps odd": ({**GOOD, "steps": 5}, "simpson needs an even number of steps"),
    "steps out of range": ({**GOOD, "steps": 10**9}, "steps is 1000000000"),
    "steps without end": ({**GOOD, "steps": 10**4000}, "steps is"),
    "steps true": ({**GOOD, "steps": True}, "steps is true"),
    "correct of a number": ({**GOOD, "correct": 1}, "correct is 1; expected true or false"),
    "correct null": ({**GOOD, "correct": None}, "correct is null"),
    "of unknown": ({**GOOD, "of": "softmax"}, "of is 'softmax'"),
    "of a list": ({**GOOD, "of": ["logit"]}, "of is a list"),
    "baseline of text": ({**GOOD, "baseline": "black"}, 'baseline is "black"; expected an object'),
    "baseline unknown": ({**GOOD, "baseline": {"key": "pink"}}, "unknown baseline 'pink'"),
    "baseline without key": ({**GOOD, "baseline": {}}, "baseline is an object"),
    "baseline of a list": ({**GOOD, "baseline": {"key": []}}, "key of a baseline is a list"),
    "baseline with more": ({**GOOD, "baseline": {"key": "black", "sigma": 1}}, "baseline black says"),
    "baseline with less": ({**GOOD, "baseline": {"key": "blur"}}, "baseline blur says"),
    "baseline out of range": ({**GOOD, "baseline": {"key": "blur", "sigma": 1e9}}, "sigma is 1000000000.0"),
    "baseline without end": ({**GOOD, "baseline": {"key": "blur", "sigma": 10**400}}, "expected a smaller number"),
    "baseline of no number": ({**GOOD, "baseline": {"key": "blur", "sigma": []}}, "sigma is a list"),
    "baseline of no color": ({**GOOD, "baseline": {"key": "color", "color": "x" * 900}}, "color is"),
    "image without digest": ({**GOOD, "baseline": {"key": "image"}}, "baseline image says"),
    "image of a wrong digest": ({**GOOD, "baseline": {"key": "image", "sha256": "abc"}}, "expected a SHA-256"),
    "baselines of ig": ({**GOOD, "baselines": []}, 'it says "baselines"'),
    "rules of text": ({**GOOD, "rules": "left"}, 'rules is "left"'),
    "rules without its own": ({**GOOD, "rules": ["left", "right"]}, "that of the settings among them"),
    "rules twice": ({**GOOD, "rules": ["simpson", "simpson"]}, "each integrator once"),
    "rules unknown": ({**GOOD, "rules": ["simpson", "adaptive"]}, "rules is a list"),
    "rules of anything": ({**GOOD, "rules": [["simpson"]]}, "rules is a list"),
    "image of text": ({**GOOD, "image": "cat"}, 'image is "cat"'),
    "image with more": ({**GOOD, "image": {"path": "x"}}, "image is an object"),
    "image digest": ({**GOOD, "image": {"decoded_sha256": "Z" * 64}}, "decoded_sha256 is"),
    "model digest": ({**GOOD, "model_sha256": 3}, "model_sha256 is 3"),
    "version": ({**GOOD, "igcore": {}}, "igcore is an object"),
    "label": ({**GOOD, "label": 3}, "label is 3"),
    "sum": ({**GOOD, "sum": "much"}, 'sum is "much"'),
    "only logits": (
        {**without("integrator"), "method": "lrp-epsilon", "epsilon": 0.1, "of": "probability"},
        "which is no setting of method lrp-epsilon",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_file_that_is_no_recipe_is_one_line(run, tmp_path, name):
    held, says = MALFORMED[name]
    file = tmp_path / "run.json"
    file.write_bytes(held if isinstance(held, bytes) else json.dumps(held).encode())
    code, out, err = run("explain", COFFEE, "--settings", file, "--out", tmp_path / "a.npz", "--json")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert len(err) < 1000
    assert err.startswith("igcore: ")
    assert says in err
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(("of", "says"), [("probability", "explains the logit only"), ("logit", None)])
def test_a_method_that_explains_one_score_refuses_the_other(tmp_path, of, says):
    recipe = make_recipe(explained(METHODS["lrp-epsilon"].settings()), ORIGIN)
    file = written({**recipe, "of": of}, tmp_path / "run.json")
    if says is None:
        assert read_recipe(file).settings == {"epsilon": 0.01, "of": "logit"}
    else:
        with pytest.raises(InputError, match=says):
            read_recipe(file)


@given(told=st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(), lambda inner: st.lists(
    inner) | st.dictionaries(st.sampled_from([*GOOD, "x"]), inner)))  # fmt: skip
@settings(deadline=None, max_examples=150)
def test_whatever_a_file_says_it_is_refused_in_one_line(tmp_path_factory, told):
    changed = {**GOOD, **told} if isinstance(told, dict) else told
    file = written(changed, tmp_path_factory.mktemp("any") / "run.json")
    lines = []
    try:
        read_recipe(file)
    except InputError as error:
        lines = str(error).splitlines()
    assert len(lines) <= 1


def test_a_file_that_cannot_be_read_is_one_line(run, tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        code, out, err = run("explain", COFFEE, "--settings", path)
        assert (code, out, len(err.splitlines())) == (2, "", 1)
        assert f"cannot read '{path}'" in err


def test_whole_numbers_stand_for_floats_and_a_mark_at_the_start_does_not_matter(tmp_path):
    told = {**GOOD, "baseline": {"key": "blur", "sigma": 3}}
    file = tmp_path / "run.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(told).encode())
    sigma = read_recipe(file).settings["baseline"]["sigma"]
    assert (sigma, type(sigma)) == (3.0, float)


def test_every_fixed_integrator_may_share_its_nodes(tmp_path):
    rules = [key for key in FIXED if key != "simpson"]
    told = {**GOOD, "integrator": "left", "rules": rules}
    assert read_recipe(written(told, tmp_path / "run.json")).rules == tuple(rules)
