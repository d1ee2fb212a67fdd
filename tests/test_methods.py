"""The family as a whole: what every method of `METHODS` promises, at a small Keras model that opens all it has."""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import gaussian_filter

import igcore
from igcore.checks import completeness_verdict
from igcore.cli import main
from igcore.models.base import CAPABILITIES
from igcore.results import Attribution, PathTrace
from igcore.speed import PASS, Cost, Speed, measure_speed
from tests.exports import NotCallable, export
from tests.functions import SHAPE, model_of, power

L = tf.keras.layers
SIZE = (24, 24)

#: The keys of the public contract, in the order in which methods are offered.
CONTRACT = (
    *("gradient", "gradient-x-input", "smoothgrad", "vargrad", "ig", "expected-gradients", "guided-ig", "blur-ig"),
    *("idgi", "xrai", "occlusion-1", "occlusion-patch", "prediction-difference", "shapley", "rise", "lime"),
    *("grad-cam", "grad-cam-plus-plus", "guided-backprop", "lrp-epsilon", "lrp-alpha-beta", "lrp-gamma"),
    *("lrp-composite", "deep-taylor", "deeplift-rescale", "deeplift-reveal-cancel", "deep-shap"),
)

#: What fits a small image and takes little; the other methods have their defaults.
CHEAP = {
    "smoothgrad": {"samples": 6},
    "vargrad": {"samples": 6},
    "ig": {"steps": 12},
    "expected-gradients": {"samples": 12},
    "guided-ig": {"steps": 10},
    "blur-ig": {"sigma": 12.0, "steps": 12},
    "idgi": {"steps": 10},
    "xrai": {"steps": 4, "min_new": 1},
    "occlusion-patch": {"size": 8, "stride": 4},
    "prediction-difference": {"size": 8, "stride": 8, "samples": 2},
    "shapley": {"segments": 12, "permutations": 4},
    "rise": {"samples": 60, "cells": 4},
    "lime": {"segments": 12, "samples": 60},
}

#: Methods that draw at random, among them DeepSHAP, one of whose baselines is noise.
RANDOM = (
    *("smoothgrad", "vargrad", "expected-gradients", "prediction-difference", "shapley", "rise", "lime"),
    "deep-shap",
)

of_every_method = pytest.mark.parametrize("key", igcore.METHODS)
of_every_spec = pytest.mark.parametrize("spec", igcore.METHODS.values(), ids=list(igcore.METHODS))


def settings(key, **given):
    return igcore.METHODS[key].settings(**(CHEAP.get(key, {}) | given))


def keys(*, needs=None, sums=None):
    return [key for key, spec in igcore.METHODS.items() if needs in (None, spec.needs) and sums in (None, spec.sums)]


@pytest.fixture(scope="module")
def network():
    """Every kind of layer that a mobile network has; all logits are positive, as deep Taylor wants them."""
    image = tf.keras.Input((*SIZE, 3))
    first = L.BatchNormalization()(L.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(image))
    rectified = L.ReLU(6, name="rectified")(first)
    second = L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same")(rectified))
    pooled = L.MaxPooling2D(2)(L.Add()([rectified, second]))
    third = L.Conv2D(8, 3, activation="relu", padding="same")(pooled)
    built = tf.keras.Model(image, L.Dense(3)(L.GlobalAveragePooling2D()(L.AveragePooling2D(2)(third))))
    random = np.random.default_rng(5)
    for weight in built.weights:
        shape = weight.shape
        if "moving_variance" in weight.path or "gamma" in weight.path:
            weight.assign(random.uniform(0.5, 1.5, shape))
        else:
            weight.assign(random.normal(0, 1 / np.sqrt(max(1, np.prod(shape[:-1]))) if len(shape) > 1 else 0.3, shape))
    built.layers[-1].kernel.assign(8 * built.layers[-1].kernel)  # so that scores change by more than a little
    built.layers[-1].bias.assign([6.0, 6.0, 6.0])
    return built


@pytest.fixture(scope="module")
def small(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "small.keras"
    network.save(path)
    return igcore.load_model(str(path))


@pytest.fixture(scope="module")
def image():
    """Patches of color with some noise: smooth enough for superpixels and regions."""
    random = np.random.default_rng(3)
    smooth = gaussian_filter(random.random((*SIZE, 3)), (3, 3, 0))
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return np.clip(smooth + random.normal(0, 0.02, smooth.shape), 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def explained(small, image):
    """The explanation of class 1 with seed 3 by a method, computed once for all tests that only look at it."""
    known = {}

    def get(key):
        if key not in known:
            known[key] = igcore.explain(small, image, settings(key), 1, seed=3)
        return known[key]

    return get


def content(result):
    """Everything of a result but the time it took."""
    return replace(result, seconds=0.0).to_bytes()


# What stands in the registry.


def test_the_keys_are_those_of_the_contract():
    assert tuple(igcore.METHODS) == CONTRACT


@of_every_spec
def test_an_entry_tells_what_it_is(spec):
    assert len(re.findall(r"[.!?](?=\s|$)", spec.description)) == 2, "not two sentences"
    assert spec.description.endswith(".")
    assert re.search(r"\b(19|20)\d\d\b", spec.reference), "no year"
    assert spec.needs in CAPABILITIES
    assert spec.sums in ("integral", "construction", "relevance", "none")
    assert spec.settings().key == spec.settings.key == spec.key
    assert hash(spec.settings()) == hash(spec.settings())


@of_every_spec
def test_a_formula_is_one_that_can_be_set(spec):
    plain = re.sub(r"\\[{}]", "", spec.formula.replace(r"\\", " "))  # without new lines and braces that are drawn
    depths = np.cumsum([(letter == "{") - (letter == "}") for letter in plain])
    assert spec.formula.strip() == spec.formula != ""
    assert depths.min() >= 0, "a brace closes what none has opened"
    assert depths[-1] == 0, "a brace stays open"
    assert len(re.findall(r"\\left\b", plain)) == len(re.findall(r"\\right\b", plain))
    assert "$" not in plain


def test_the_readme_has_the_table_that_the_command_line_prints(capsys):
    assert main(["methods", "--markdown"]) == 0
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    found = re.search(r"^<!-- methods -->\n(.*?)^<!-- /methods -->$", readme, re.DOTALL | re.MULTILINE)
    assert found, "the README has no table of methods"
    table = capsys.readouterr().out
    assert found[1].strip() == table.strip()
    assert [re.match(r"\| `(.+?)` \|", line)[1] for line in table.splitlines()[2:]] == list(CONTRACT)


# What every result is.


@of_every_method
def test_a_map_has_the_images_shape_and_says_something(explained, image, key):
    result = explained(key)
    assert (result.values.shape, result.values.dtype) == (image.shape, np.float32)
    assert np.isfinite(result.values).all()
    assert np.ptp(result.values) > 0
    np.testing.assert_array_equal(result.image, image)
    if result.baseline is not None:
        assert (result.baseline.shape, result.baseline.dtype) == (image.shape, np.float32)
    if result.standard_error is not None:
        assert (result.standard_error.shape, result.standard_error.dtype) == (image.shape[:2], np.float32)
        assert result.standard_error.min() >= 0
        assert np.isfinite(result.standard_error).all()


@of_every_method
def test_a_result_says_what_it_is_of(explained, small, image, key):
    result, method = explained(key), settings(key)
    assert (result.method, result.model) == (key, small.spec.key)
    assert (result.target, result.label) == (1, small.spec.label(1))
    assert result.settings == {**method.describe(), "seed": 3}
    assert json.loads(json.dumps(result.settings)) == result.settings
    of = result.settings["of"]
    assert of == ("logit" if igcore.METHODS[key].needs == "layers" else "probability")
    assert result.score == pytest.approx(float(small.scores(image[None], of)[0, 1]), rel=1e-4)
    assert (result.baseline_score is None) == (result.completeness_error is None) == (not result.additive)
    assert 0 < result.seconds < 100


@of_every_method
def test_what_the_values_sum_to_is_what_the_registry_says(explained, key):
    result, sums = explained(key), igcore.METHODS[key].sums
    assert result.additive == (sums in ("integral", "construction"))
    assert result.by_construction == (sums == "construction")
    assert (result.absorbed is not None) == (sums == "relevance")
    if result.by_construction:
        assert result.relative_completeness_error < 1e-4
    if result.absorbed is not None:
        assert result.sum + sum(result.absorbed.values()) == pytest.approx(result.score, rel=1e-3)


#: Coarse and fine settings of methods whose sum comes nearer the finer they are.
REFINED = {
    "ig": ({"steps": 4}, {"steps": 64}),
    "expected-gradients": ({"samples": 8}, {"samples": 400}),
    "guided-ig": ({"steps": 4}, {"steps": 64}),
    "blur-ig": ({"sigma": 3.0, "steps": 4}, {"sigma": 3.0, "steps": 64}),
}


@pytest.mark.parametrize("key", keys(sums="integral"))
def test_an_integrals_sum_converges_on_a_smooth_function(key):
    model = model_of(power(3))
    smooth = gaussian_filter(np.random.default_rng(2).random(SHAPE, dtype=np.float32), (1.5, 1.5, 0))
    coarse, fine = (
        igcore.explain(model, smooth, igcore.METHODS[key].settings(of="logit", **given)).relative_completeness_error
        for given in REFINED[key]
    )
    assert fine < 0.05
    assert fine < coarse / 4


@of_every_method
def test_the_same_seed_gives_the_same_bytes(explained, small, image, key):
    assert content(igcore.explain(small, image, settings(key), 1, seed=3)) == content(explained(key))


@of_every_method
def test_another_seed_gives_another_map_where_something_is_drawn(explained, small, image, key):
    other = igcore.explain(small, image, settings(key), 1, seed=4)
    assert other.settings["seed"] == 4
    assert np.array_equal(other.values, explained(key).values) == (key not in RANDOM)


@of_every_method
def test_another_class_gives_another_map(explained, small, image, key):
    first, *others = (explained(key), *(igcore.explain(small, image, settings(key), target, 3) for target in (0, 2)))
    for other in others:
        assert np.abs(other.values - first.values).max() > 1e-3 * np.abs(first.values).max()
        assert other.score != first.score


@of_every_method
def test_image_and_model_stay_as_they_are(small, image, key):
    given = image.copy()
    weights = [weight.numpy().copy() for weight in small.network.weights]
    scores = small.scores(image[None], "logit")
    igcore.explain(small, given, settings(key), 1)
    np.testing.assert_array_equal(given, image)
    np.testing.assert_array_equal(small.scores(image[None], "logit"), scores)
    for weight, before in zip(small.network.weights, weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), before, weight.path)


@of_every_method
def test_a_saved_result_comes_back_whole(explained, tmp_path, key):
    result = explained(key)
    result.save(tmp_path / "map.npz")
    loaded = Attribution.load(tmp_path / "map.npz")
    assert loaded.to_bytes() == result.to_bytes()
    for part in fields(Attribution):
        ours, theirs = getattr(result, part.name), getattr(loaded, part.name)
        if isinstance(ours, np.ndarray):
            assert theirs.dtype == ours.dtype
            np.testing.assert_array_equal(theirs, ours)
        elif isinstance(ours, PathTrace):
            for name in (one.name for one in fields(PathTrace)):
                np.testing.assert_array_equal(getattr(theirs, name), getattr(ours, name))
        else:
            assert theirs == ours, part.name


# What every method does on its way.


@of_every_method
def test_progress_only_rises_and_ends_at_its_total(small, image, key):
    told = []
    igcore.explain(small, image, settings(key), 1, on_progress=told.append)
    done = [one.done for one in told]
    assert done, "nothing was told"
    assert done == sorted(set(done))
    assert len({one.total for one in told}) == 1
    assert done[-1] == told[-1].total


@of_every_method
def test_each_stops_when_asked(small, image, key):
    with pytest.raises(igcore.Cancelled):
        igcore.explain(small, image, settings(key), 1, should_stop=lambda: True)


@of_every_method
def test_the_cost_told_before_is_what_was_spent(explained, key):
    result, cost = explained(key), settings(key).cost(SIZE)
    assert cost.about == (key == "shapley")
    if not cost.about:
        assert (cost.forwards, cost.gradients) == (result.forward_count, result.gradient_count)
    assert result.forward_count + result.gradient_count > 0
    assert (cost.passes > 0) <= (igcore.METHODS[key].needs == "layers")
    assert cost.seconds >= 0
    assert str(cost)


def test_the_adaptive_integrators_cost_is_a_guess():
    cost = settings("ig", integrator="adaptive").cost(SIZE)
    assert cost.about
    assert str(cost).startswith("about ")


@pytest.mark.parametrize("key", keys(needs="layers"))
def test_a_method_through_the_layers_is_refused_where_they_are_closed(tmp_path_factory, key):
    folder = export(NotCallable(), tmp_path_factory.mktemp("models") / "closed", signature="serving_default")
    model = igcore.load_model(folder)
    with pytest.raises(igcore.InputError) as refusal:
        igcore.explain(model, np.full((16, 16, 3), 0.5, np.float32), key)
    assert str(refusal.value) == f"method {key} needs layers, which model {model.spec.key} does not open"


@pytest.mark.parametrize("key", [key for key in igcore.METHODS if key not in keys(needs="layers")])
def test_a_method_that_needs_no_layers_serves_a_closed_model(tmp_path_factory, key):
    folder = export(NotCallable(), tmp_path_factory.mktemp("models") / "closed", signature="serving_default")
    picture = np.random.default_rng(0).random((16, 16, 3), dtype=np.float32)
    result = igcore.explain(igcore.load_model(folder), picture, settings(key), 1)
    assert np.isfinite(result.values).all()
    # A mean over all pixels has one gradient everywhere, whose variance is next to nothing; all else is seen.
    assert result.values.any()


# Cost and speed.


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (Cost(gradients=1), "1 gradient"),
        (Cost(gradients=25, forwards=1), "25 gradients and 1 forward pass"),
        (Cost(forwards=3137), "3,137 forward passes"),
        (Cost(gradients=2, in_turn=True, seconds=3.0), "2 gradients"),
        (Cost(forwards=982, about=True), "about 982 forward passes"),
        (Cost(passes=1), "1 pass through the layers"),
        (Cost(forwards=8, passes=16), "8 forward passes and 16 passes through the layers"),
        (Cost(2, 1, passes=4), "1 gradient and 2 forward passes and 4 passes through the layers"),
        (Cost(), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_cost_is_told_in_words(cost, text):
    assert str(cost) == text


def test_a_models_speed_turns_a_cost_into_seconds():
    speed = Speed(forward=0.5, gradient=2.0, gradient_in_turn=7.0)
    assert speed.seconds(Cost()) == 0
    assert speed.seconds(Cost(forwards=3)) == 1.5
    assert speed.seconds(Cost(gradients=3)) == 6
    assert speed.seconds(Cost(gradients=3, in_turn=True)) == 21
    assert speed.seconds(Cost(forwards=2, in_turn=True)) == 1
    assert speed.seconds(Cost(passes=2)) == 2 * PASS * 2.0
    assert speed.seconds(Cost(2, 3, passes=1, seconds=0.25)) == 1 + 6 + PASS * 2.0 + 0.25


def test_a_models_speed_is_measured_here(small):
    speed = measure_speed(small)
    for taken in (speed.forward, speed.gradient, speed.gradient_in_turn):
        assert math.isfinite(taken)
        assert 0 < taken < 10
    # A score of a chunk's image cannot take as long as a gradient by itself.
    assert speed.forward < speed.gradient_in_turn


# What the numbers beside a map say.


def judged(**facts):
    """The verdict on a map that sums to 0.6, of F(x) − F(x′) = 0.5."""
    values = np.full((4, 4, 3), 0.6 / 48, np.float32)
    images = {"image": np.ones((4, 4, 3), np.float32), "baseline": np.zeros((4, 4, 3), np.float32)}
    told = {"score": 0.75, "baseline_score": 0.25, "additive": True, "settings": {"of": "probability"}}
    rest = {"target": 0, "label": "cat", "model": "m", "method": "x", "gradient_count": 1, "seconds": 1.0}
    return completeness_verdict(Attribution(values=values, **(images | told | rest | facts)))


STEPS, SAMPLES, INTEGRATED = (
    {"settings": {"of": "probability", **own}} for own in ({"steps": 9}, {"samples": 9}, {"integrator": "left"})
)


@pytest.mark.parametrize(
    ("facts", "level", "text"),
    [
        (
            {"by_construction": True},
            "unknown",
            "The sum equals F(x) − F(x′) by construction, so it says nothing of the map.",
        ),
        (
            {"additive": False, "baseline": None, "baseline_score": None, "absorbed": {"a": 0.25, "b": -0.1}},
            "unknown",
            "Of F(x) = 0.75 the pixels hold +0.6; on the way down, biases and stabilizers absorbed +0.15.",
        ),
        (
            {"additive": False, "baseline": None, "baseline_score": None},
            "unknown",
            "These values are a heat map, not shares of the score; there is nothing to sum to.",
        ),
        (STEPS, "poor", "Not complete: the sum is 20.0% off. More steps may bring it nearer."),
        (SAMPLES, "poor", "Not complete: the sum is 20.0% off. More samples may bring it nearer."),
        (INTEGRATED, "poor", "Not complete: the sum is 20.0% off. Take more steps or a sharper integrator."),
        (STEPS | {"score": 0.83}, "fair", "Nearly complete: the sum is 3.4% off. More steps may bring it nearer."),
        (SAMPLES | {"score": 0.83}, "fair", "Nearly complete: the sum is 3.4% off. More samples may bring it nearer."),
        (INTEGRATED | {"score": 0.83}, "fair", "Nearly complete: the sum is 3.4% off. More steps make it exact."),
        (SAMPLES | {"score": 0.85}, "good", "Complete: the sum is within 0.1% of F(x) − F(x′)."),
        (
            {"by_construction": True, "baseline": np.ones((4, 4, 3), np.float32)},
            "unknown",
            "The image equals its baseline, so every attribution is zero; choose another baseline.",
        ),
    ],
)
def test_a_verdict_is_one_sentence_that_fits_the_method(facts, level, text):
    verdict = judged(**facts)
    assert (verdict.level, verdict.text) == (level, text)


@of_every_method
def test_the_verdict_on_a_method_fits_what_its_values_sum_to(explained, key):
    result = explained(key)
    text = completeness_verdict(result).text
    said = {
        "none": "These values are a heat map",
        "relevance": "biases and stabilizers absorbed",
        "construction": "by construction, so it says nothing of the map",
        "integral": "the sum is",
    }
    assert said[igcore.METHODS[key].sums] in text
    assert "\n" not in text
