"""What lessons compute: closed forms, two networks with one function, and a network that has learned nothing."""

from __future__ import annotations

import numpy as np
import pytest

import igcore
from igcore.models.function import FunctionModel
from igcore.models.randomized import randomized_efficientnet_lite0
from igcore.models.twins import LARGEST, TWINS, twin
from igcore.runtime.lesson_questions import TWIN_METHODS, Twins
from ui.lessons import completeness, functions

FUNCTIONS = {
    "clipped": functions.CLIPPED,
    "saturated": functions.SATURATED,
    "steep": functions.STEEP,
    "product": functions.PRODUCT,
    "average": functions.AVERAGE,
    "bumps": functions.BUMPS,
    "clipped sum": functions.clipped_sum(1.0, 0.5),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_slopes_are_those_of_the_function(name):
    model, step = FUNCTIONS[name], 1e-6
    points = np.random.default_rng(3).uniform(model.low + 0.01, model.high - 0.01, (50, model.size))
    slopes = model.along(points)[1]
    for at in range(model.size):
        moved = step * np.eye(model.size)[at]
        rise = (model.along(points + moved)[0] - model.along(points - moved)[0]) / (2 * step)
        np.testing.assert_allclose(slopes[:, at], rise, atol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("integrator", ["midpoint", "gauss-legendre", "adaptive"])
def test_shares_add_up(name, integrator):
    model = FUNCTIONS[name]
    high, low = (model.high,) * model.size, (model.low,) * model.size
    method = igcore.IntegratedGradients(model.image(*low), integrator, 2000, "logit", max_gradients=2000)
    result = igcore.explain(model, model.image(*high), method, 0)
    rise = model.along([high])[0][0] - model.along([low])[0][0]
    assert result.score_difference == pytest.approx(rise, abs=1e-6)
    assert model.shares(result).sum() == pytest.approx(rise, abs=2e-3)


def test_the_gradient_gives_nothing_where_integrated_gradients_give_all():
    assert functions.slope(functions.SATURATED, 2.0) == pytest.approx([0.0])
    result = functions.integrate(functions.SATURATED, (2.0,), (0.0,))
    assert functions.SATURATED.shares(result) == pytest.approx([1.0], abs=1e-3)


def test_a_slope_is_per_unit_of_the_input():
    assert functions.slope(functions.SATURATED, 0.5) == pytest.approx([1.0])
    assert functions.slope(functions.clipped_sum(0.5, -1.0), 0.1, 0.2) == pytest.approx([0.5, -1.0])


def test_two_inputs_share_a_saturated_sum_by_their_weights():
    model = functions.clipped_sum(1.0, 0.5)
    shares = model.shares(functions.integrate(model, (1.0, 1.0), (0.0, 0.0)))
    assert shares == pytest.approx([2 / 3, 1 / 3], abs=1e-3)


def test_a_product_and_a_mean_get_the_same_shares():
    for model in (functions.PRODUCT, functions.AVERAGE):
        assert model.shares(functions.integrate(model, (1.0, 1.0), (0.0, 0.0))) == (pytest.approx([0.5, 0.5], abs=1e-5))


def test_six_panels_are_complete_and_wrong():
    result = functions.integrate(functions.BUMPS, (1.0, 1.0), (0.0, 0.0), "right", functions.WAVES)
    assert result.completeness_error == pytest.approx(0, abs=1e-5)
    assert functions.BUMPS.shares(result) == pytest.approx([2.0, 0.0], abs=1e-4)
    assert functions.BUMPS.shares(functions.integrate(functions.BUMPS, (1.0, 1.0), (0.0, 0.0), "right", 7)) == (
        pytest.approx([1.0, 1.0], abs=1e-4)
    )


def test_errors_fall_as_the_lesson_says():
    trapezoid, left = ([functions.error_of(rule, steps) for steps in (20, 40)] for rule in ("trapezoid", "left"))
    assert trapezoid[1] / trapezoid[0] <= 0.26
    assert left[1] / left[0] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("rule", completeness.RULES)
@pytest.mark.parametrize("steps", [2, 5, 50])
def test_the_panels_that_are_drawn_make_the_sum(rule, steps):
    result = functions.integrate(functions.STEEP, (1.0,), (0.0,), rule, steps)
    edges, heights = completeness._corners(rule, steps, result.trace.weights, result.trace.slopes)
    areas = np.diff(edges) * np.mean(heights, axis=1)
    assert edges[[0, -1]] == pytest.approx([0, 1])
    assert areas.sum() == pytest.approx(result.sum, rel=1e-5)


def test_a_function_says_what_it_cannot():
    model = FunctionModel("x", lambda x: x[:, 0], np.ones_like)
    for numbers in ((0.5, 0.5), (1.5,), (-0.1,), (float("nan"),)):
        with pytest.raises(igcore.InputError, match="expected 1 from 0 to 1"):
            model.image(*numbers)
    with pytest.raises(igcore.InputError, match="no probabilities"):
        igcore.explain(model, model.image(0.5), igcore.IntegratedGradients(), 0)
    with pytest.raises(igcore.ModelError, match="no layers"):
        _ = model.graph
    with pytest.raises(igcore.InputError, match="needs layers"):
        igcore.explain(model, model.image(0.5), igcore.METHODS["lrp-epsilon"].settings(), 0)


def test_twins_are_one_function():
    numbers = np.random.default_rng(0).random((200, 1, 1, 3), dtype=np.float32)
    f, g = (twin(name).scores(numbers, "logit") for name in TWINS)
    np.testing.assert_allclose(f, g, atol=1e-5)
    x1, x2 = LARGEST * numbers[:, 0, 0, 0], LARGEST * numbers[:, 0, 0, 1]
    np.testing.assert_allclose(f[:, 0], np.maximum(x1 - 1 - x2, 0), atol=1e-5)


def test_twins_get_the_shares_that_the_paper_gives():
    """Sundararajan, Taly, Yan 2017, figure 7: x₁ = 3, x₂ = 1."""
    seen = Twins(3.0, 1.0).answer(None, None, None)
    for one in seen.values():
        assert one.output == pytest.approx(1.0, abs=1e-6)
        assert one.shares["ig"] == pytest.approx([1.5, -0.5], abs=2e-3)
        assert one.shares["gradient"] == pytest.approx([1.0, -1.0], abs=1e-5)
    assert seen["f"].shares["deeplift-rescale"] == pytest.approx([1.5, -0.5], abs=1e-5)
    assert seen["g"].shares["deeplift-rescale"] == pytest.approx([2.0, -1.0], abs=1e-5)
    assert {*seen["f"].shares} == {*TWIN_METHODS}


def test_a_shuffled_network_keeps_its_numbers_and_knows_nothing(model, photo):
    image = photo("coffee")
    before = model.scores(image[None])
    other = randomized_efficientnet_lite0(model.spec, 0)
    trained, shuffled = (network.graph.nodes[-1].weights for network in (model, other))
    assert not np.array_equal(trained, shuffled)
    np.testing.assert_array_equal(np.sort(trained, axis=None), np.sort(shuffled, axis=None))
    assert other.scores(image[None]).argmax() != before.argmax()
    np.testing.assert_array_equal(model.scores(image[None]), before)
    again = randomized_efficientnet_lite0.__wrapped__(model.spec, 0)
    np.testing.assert_array_equal(again.graph.nodes[-1].weights, shuffled)
