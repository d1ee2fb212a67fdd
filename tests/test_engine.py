"""What the engine computes: closed forms, completeness, symmetry, chunks."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import igcore
from igcore.integrators import FIXED
from igcore.models.network import TensorFlowModel
from igcore.paths import StraightPath
from tests.functions import (
    BLACK,
    WEIGHTS,
    ClosedForm,
    assert_same_map,
    exact,
    ig,
    model_of,
    monomial,
    picture,
    power,
    product_of_means,
    saturating,
)

KEYS = list(igcore.INTEGRATORS)
RULES = list(FIXED)
SHARING = ["left", "right", "trapezoid", "simpson"]
SYMMETRIC = ["midpoint", "trapezoid", "simpson", "gauss-legendre", "adaptive"]
IMAGE, OTHER = picture(1), picture(2)

#: Class p − 1 is (w·x)ᵖ.
POWERS = [power(degree) for degree in range(1, 8)]


@pytest.fixture(scope="module")
def powers():
    return model_of(*POWERS, chunk=3)


def exact_power(key: str, steps: int) -> int:
    """The highest p for which the gradient of (w·x)ᵖ along the path is within the rule's degree."""
    degree = FIXED[key].degree
    return (2 * steps - 1 if degree is None else degree) + 1


def explain_power(model, degree, baseline, key, steps):
    return igcore.explain(model, IMAGE, ig(baseline, key, steps), target=degree - 1)


@pytest.mark.parametrize("steps", [2, 20])
@pytest.mark.parametrize("key", RULES)
def test_each_rule_is_exact_up_to_its_degree(powers, key, steps):
    for degree in range(1, min(exact_power(key, steps), len(POWERS)) + 1):
        result = explain_power(powers, degree, OTHER, key, steps)
        assert_same_map(result.values, exact(POWERS[degree - 1], IMAGE, OTHER))
        assert result.relative_completeness_error < 1e-4


@pytest.mark.parametrize("key", RULES)
def test_no_rule_is_exact_beyond_its_degree(powers, key):
    result = explain_power(powers, exact_power(key, 2) + 1, "black", key, 2)
    assert result.relative_completeness_error > 1e-3


def test_gauss_legendre_is_exact_for_a_high_power_where_trapezoid_is_not(powers):
    assert explain_power(powers, 7, "black", "gauss-legendre", 4).relative_completeness_error < 1e-4
    assert explain_power(powers, 7, "black", "trapezoid", 4).relative_completeness_error > 1e-2


@pytest.mark.parametrize(
    ("form", "baseline"),
    [
        (power(2), OTHER),
        (product_of_means(), OTHER),
        (monomial(1, 1), BLACK),
        (monomial(2, 1), BLACK),
        (monomial(3, 2), BLACK),
    ],
    ids=["square", "product", "p·q", "p²·q", "p³·q²"],
)
def test_attributions_equal_the_analytic_integral(form, baseline):
    result = igcore.explain(model_of(form), IMAGE, ig(baseline, "gauss-legendre", 5), target=0)
    assert_same_map(result.values, exact(form, IMAGE, baseline))


def test_a_saturated_function_has_no_gradient_but_an_attribution():
    model = model_of(saturating(0.25))
    gradient = igcore.explain(model, IMAGE, igcore.Gradient(of="logit"), target=0)
    attribution = igcore.explain(model, IMAGE, ig("black", "midpoint", 2000), target=0)
    assert gradient.score == 1
    assert not gradient.values.any()
    # The slope drops to zero at α = level / mean ≈ 0.5, which midpoints place to half a step: to 0.05 %.
    assert_same_map(attribution.values, exact(saturating(0.25), IMAGE, BLACK), 1e-3)


def test_the_trapezoid_loses_no_panel_between_chunks(powers):
    # Averages of neighbours taken within chunks of 3 would lose every third panel; weights summing to (m−1)/m, 5 %.
    result = explain_power(powers, 1, "black", "trapezoid", 20)
    assert_same_map(result.values, WEIGHTS * IMAGE)


@pytest.mark.parametrize("chunk", [1, 3, 16])
def test_chunks_do_not_change_a_closed_form(chunk):
    eight, other = model_of(power(5)), model_of(power(5), chunk=chunk)
    for key in KEYS:
        settings = ig(OTHER, key, 20)
        expected = igcore.explain(eight, IMAGE, settings, target=0).values
        assert_same_map(igcore.explain(other, IMAGE, settings, target=0).values, expected, 1e-6)


@pytest.mark.parametrize("chunk", [1, 3, 16])
def test_chunks_do_not_change_a_photo(model, photo, chunk):
    other = TensorFlowModel(model.spec, None, chunk=chunk, read_graph=lambda: model.graph)
    settings = igcore.IntegratedGradients(baseline="blur", steps=10)
    usual, result = (igcore.explain(each, photo("coffee"), settings, target=967) for each in (model, other))
    # Exactly the weighted sum of the gradients that the network gives in batches of this size …
    path = StraightPath(result.baseline, result.image)
    _, gradients = other.gradients(path.points(result.trace.alphas), 967)
    assert_same_map(result.values, np.tensordot(result.trace.weights, gradients, 1) * path.velocity, 1e-6)
    # … and the same map as in chunks of the usual size. TensorFlow convolves a single image by another algorithm, whose
    # rounding moves scores by 2e-6 and now and then a value across a kink of ReLU6, which is worth 1e-4 of the map.
    np.testing.assert_allclose(result.trace.scores, usual.trace.scores, rtol=1e-5)
    assert_same_map(result.values, usual.values, 1e-3 if chunk == 1 else 2e-6)


def test_points_of_weight_zero_have_no_effect():
    model = model_of(power(3))
    weights = np.array([[0.5, 0.5, 0, 0, 0, 0, 0, 0]], np.float32)
    results = [
        model.path_chunk(OTHER, IMAGE - OTHER, np.array([0.2, 0.7, *[fill] * 6], np.float32), weights, 0, "logit")
        for fill in (0.0, 0.4, 1.0)
    ]
    for other in results[1:]:
        np.testing.assert_array_equal(other.weighted, results[0].weighted)
        np.testing.assert_array_equal(other.slopes[:2], results[0].slopes[:2])


def test_a_chunk_is_not_filled_with_points_that_the_rule_avoids():
    # The gradient is infinite at white only, which open rules never visit.
    white = np.ones_like(IMAGE)
    form = ClosedForm(lambda images: tf.sqrt(tf.reduce_mean(1 - images, (1, 2, 3))), lambda *_: BLACK)
    settings = ig(white, "midpoint", 9)
    whole, filled = (igcore.explain(model_of(form, chunk=chunk), IMAGE, settings, 0) for chunk in (9, 8))
    assert_same_map(filled.values, whole.values)


@pytest.mark.parametrize("key", SYMMETRIC)
def test_swapping_image_and_baseline_negates_the_map(key):
    model = model_of(power(5))
    there = igcore.explain(model, IMAGE, ig(OTHER, key, 10), target=0)
    back = igcore.explain(model, OTHER, ig(IMAGE, key, 10), target=0)
    assert_same_map(back.values, -there.values)
    assert back.score == there.baseline_score


def test_swapping_photo_and_baseline_negates_the_map(model, photo):
    cat, coffee = photo("cat"), photo("coffee")
    there = igcore.explain(model, cat, ig(coffee, "midpoint", 8), target=285)
    back = igcore.explain(model, coffee, ig(cat, "midpoint", 8), target=285)
    # x′ + α(x − x′) rounds differently from both ends, which moves a few ReLU6 kinks of the network.
    difference = np.abs(there.values + back.values).sum() / np.abs(there.values).sum()
    assert difference < 1e-3


def test_attribution_is_zero_exactly_where_image_equals_baseline(model, photo):
    for subject, network, target in ((IMAGE, model_of(power(3)), 0), (photo("cat"), model, 285)):
        baseline = subject.copy()
        same = np.zeros(subject.shape, bool)
        same[: len(subject) // 2] = True
        baseline[~same] = 1 - baseline[~same]
        values = igcore.explain(network, subject, ig(baseline, "midpoint", 4), target=target).values
        assert not values[same].any()
        assert (values[~same] != 0).mean() > 0.9


@pytest.mark.parametrize("of", ["probability", "logit"])
def test_an_image_that_equals_its_baseline_has_no_attribution(model, photo, of):
    cat = photo("cat")
    result = igcore.explain(model, cat, igcore.IntegratedGradients(baseline=cat, steps=3, of=of))
    assert result.values.shape == cat.shape
    assert not result.values.any()  # NaN counts as true
    assert result.completeness_error == 0
    assert result.relative_completeness_error is None
    assert np.isfinite(result.trace.mean_gradients).all()


@pytest.mark.parametrize("chunk", [3, 8])
def test_rules_that_share_nodes_equal_separate_runs(chunk):
    model = model_of(power(5), chunk=chunk)
    shared = igcore.explain_by_rules(model, IMAGE, ig(OTHER, "midpoint", 20), SHARING, target=0)
    assert list(shared) == SHARING
    for key, result in shared.items():
        alone = igcore.explain(model, IMAGE, ig(OTHER, key, 20), target=0)
        assert_same_map(result.values, alone.values, 1e-6)
        assert result.gradient_count == 21
        assert result.settings == alone.settings
        np.testing.assert_array_equal(result.trace.alphas, alone.trace.alphas)
        np.testing.assert_allclose(result.trace.cumulative, alone.trace.cumulative, rtol=1e-5)


def test_rules_that_share_nodes_equal_separate_runs_on_a_photo(model, photo):
    settings = igcore.IntegratedGradients(baseline="blur", steps=10)
    shared = igcore.explain_by_rules(model, photo("coffee"), settings, ["simpson", "left"], target=967)
    for key, result in shared.items():
        alone = igcore.IntegratedGradients(baseline="blur", steps=10, integrator=key)
        expected = igcore.explain(model, photo("coffee"), alone, target=967).values
        assert_same_map(result.values, expected, 2e-5)


@pytest.mark.parametrize("key", ["trapezoid", "simpson"])
def test_a_map_has_the_same_bytes_whatever_is_computed_beside_it(model, photo, key):
    settings = igcore.IntegratedGradients("blur", key, 10)
    alone = igcore.explain(model, photo("coffee"), settings, target=967)
    for beside in (["left"], ["left", "right"], [one for one in SHARING if one != key]):
        shared = igcore.explain_by_rules(model, photo("coffee"), settings, [*beside, key], target=967)[key]
        np.testing.assert_array_equal(shared.values, alone.values)


def test_the_trace_is_that_of_the_path():
    result = igcore.explain(model_of(power(2)), IMAGE, ig(OTHER, "trapezoid", 20), target=0)
    trace = result.trace
    np.testing.assert_allclose(trace.alphas, np.arange(21) / 20)
    assert trace.weights.sum() == pytest.approx(1)
    assert trace.scores[0] == pytest.approx(result.baseline_score, rel=1e-6)
    assert trace.scores[-1] == pytest.approx(result.score, rel=1e-6)
    assert trace.cumulative[-1] == pytest.approx(result.sum, rel=1e-5)
    # Of a square the slope is a straight line, so its trapezoids are the steps of the score.
    panels = (trace.slopes[1:] + trace.slopes[:-1]) / 2 / 20
    np.testing.assert_allclose(panels, np.diff(trace.scores), rtol=1e-3, atol=1e-7)
    ends = 2 * np.array([(WEIGHTS * end).sum() for end in (OTHER, IMAGE)]) * WEIGHTS.mean()
    np.testing.assert_allclose(trace.mean_gradients[[0, -1]], ends, rtol=1e-4)


def test_scores_of_a_photo_are_those_of_its_path(model, photo):
    cat = photo("cat")
    result = igcore.explain(model, cat, igcore.IntegratedGradients(steps=10), target=285)
    points = result.trace.alphas[:, None, None, None].astype(np.float32) * cat
    np.testing.assert_allclose(result.trace.scores, model.scores(points)[:, 285], rtol=1e-4, atol=1e-7)
