"""The adaptive integrator: where it takes gradients, when it stops, and that what it returns is what it took."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

import igcore
import igcore.adaptive
from igcore.agreement import map_distance
from igcore.in_flight import evenly
from igcore.paths import StraightPath
from igcore.quadrature import between_nodes
from tests.functions import (
    BLACK,
    assert_same_map,
    constant,
    exact,
    ig,
    model_of,
    monomial,
    picture,
    power,
    product_of_means,
    saturating,
    steep,
)

IMAGE, OTHER = picture(1), picture(2)
FORMS = {
    "cube": power(3),
    "seventh power": power(7),
    "product": product_of_means(),
    "p³·q²": monomial(3, 2),
    "saturating": saturating(0.25),
    "step": steep(IMAGE, 0.3, 0.01),
    "sharp step": steep(IMAGE, 0.71, 0.002),
}
#: Between the first grid's nodes 1/2 and 5/8, and so sharp that the gradient is zero at each of the nine.
HIDDEN = steep(IMAGE, 0.55, 1 / 4000)
UNREACHABLE = {"map_tolerance": 1e-3, "tolerance": 1e-5}

each_form = pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))


def adaptive(baseline="black", **options):
    return igcore.IntegratedGradients(baseline, "adaptive", of="logit", **options)


@cache
def model_for(form, chunk=8):
    return model_of(form, chunk=chunk)


def explain(form, baseline="black", chunk=8, **options):
    return igcore.explain(model_for(form, chunk), IMAGE, adaptive(baseline, **options), target=0)


@each_form
@pytest.mark.parametrize("correct", [True, False])
@pytest.mark.parametrize("tolerances", [(0.01, 0.05), (0.001, 0.005)], ids=str)
def test_it_converges_to_the_exact_attribution_within_its_tolerances(form, correct, tolerances):
    tolerance, map_tolerance = tolerances
    result = explain(form, tolerance=tolerance, map_tolerance=map_tolerance, correct=correct)
    assert result.converged is True
    assert map_distance(result.values, exact(form, IMAGE, BLACK)) <= map_tolerance
    assert result.map_error <= map_tolerance
    assert result.relative_completeness_error <= (1e-6 if correct else tolerance)


@pytest.mark.parametrize(("at", "width"), [(0.2, 0.01), (0.55, 0.01), (0.9, 0.002)])
def test_nodes_crowd_where_the_integrand_changes(at, width):
    result = explain(steep(IMAGE, at, width))
    near = np.abs(result.trace.alphas - at) < 0.1
    assert near.mean() > 0.6
    assert np.abs(result.trace.alphas - at).min() < width


def test_a_step_between_the_nodes_of_the_first_grid_is_found_from_the_scores_alone():
    first = explain(HIDDEN, correct=False, max_gradients=9)
    assert not first.trace.slopes.any()
    result = explain(HIDDEN)
    assert result.converged
    assert map_distance(result.values, exact(HIDDEN, IMAGE, BLACK)) < 0.05
    assert (np.abs(result.trace.alphas - 0.55) < 1 / 400).sum() > 10


@each_form
def test_every_gradient_is_taken_once_and_counted(form):
    model, taken = model_of(form, chunk=3), []
    original = model.path_chunk

    def path_chunk(baseline, velocity, alphas, *others):
        taken.append(alphas)
        return original(baseline, velocity, alphas, *others)

    model.path_chunk = path_chunk
    result = igcore.explain(model, IMAGE, adaptive(), target=0)
    alphas = np.concatenate(taken)
    assert max(map(len, taken)) <= 3
    assert np.unique(alphas).size == alphas.size == result.gradient_count == result.trace.alphas.size
    np.testing.assert_array_equal(np.sort(alphas), result.trace.alphas.astype(np.float32))
    np.testing.assert_allclose(result.trace.weights, between_nodes(result.trace.alphas).node_weights, atol=1e-15)


@pytest.mark.parametrize("form", [power(5), steep(IMAGE, 0.71, 0.02)], ids=["power", "step"])
def test_chunks_do_not_change_the_result_beyond_rounding(form):
    eight = explain(form, map_tolerance=0.005)
    for chunk in (1, 3, 16):
        other = explain(form, chunk=chunk, map_tolerance=0.005)
        np.testing.assert_array_equal(other.trace.alphas, eight.trace.alphas)
        assert_same_map(other.values, eight.values, 1e-6)


def test_it_depends_on_the_seed_only_through_the_baseline():
    model = model_for(power(5))
    noise = [igcore.explain(model, IMAGE, adaptive("uniform-noise"), 0, seed=seed) for seed in (3, 3, 4)]
    assert noise[0].values.tobytes() == noise[1].values.tobytes()
    assert noise[0].trace.slopes.tobytes() == noise[1].trace.slopes.tobytes()
    assert noise[0].values.tobytes() != noise[2].values.tobytes()
    black = [igcore.explain(model, IMAGE, adaptive(), 0, seed=seed) for seed in (3, 4)]
    assert black[0].values.tobytes() == black[1].values.tobytes()


@pytest.mark.parametrize("most", [9, 10, 17, 50])
@pytest.mark.parametrize("correct", [True, False])
def test_it_stops_at_the_most_gradients_and_says_that_it_has_not_converged(most, correct):
    result = explain(FORMS["sharp step"], max_gradients=most, correct=correct, **UNREACHABLE)
    assert result.gradient_count == most
    assert result.converged is False


def test_a_converged_result_spends_no_more_when_more_is_allowed():
    few, many = (explain(FORMS["step"], max_gradients=most) for most in (100, 10_000))
    assert few.gradient_count == many.gradient_count < 100
    assert few.values.tobytes() == many.values.tobytes()


def test_progress_grows_up_to_the_result():
    seen = []
    model = model_for(FORMS["sharp step"])
    result = igcore.explain(model, IMAGE, adaptive(map_tolerance=0.01), 0, on_progress=seen.append)
    assert len(seen) > 3
    assert all(earlier.done < later.done for earlier, later in pairwise(seen))
    assert all(each.done < each.total <= 512 for each in seen[:-1])
    assert seen[-1].done == seen[-1].total == result.gradient_count
    for each in seen:
        assert each.partial.gradient_count == each.done == each.partial.trace.alphas.size
        assert each.partial.values.any()
    for each in seen[:-1]:
        assert (each.partial.converged, each.partial.correction) == (None, None)
        assert each.partial.sum == pytest.approx(each.partial.trace.cumulative[-1], rel=1e-4)
    np.testing.assert_array_equal(seen[-1].partial.values, result.values)


@pytest.mark.parametrize("allowed", range(4))
def test_cancelling_stops_before_the_next_chunk(allowed):
    chunks = [part.size for count in (9, 8, 4) for part in evenly(np.zeros(count), 8)]
    taken, asked = sum(chunks[:allowed]), []

    def should_stop():
        asked.append(None)
        return len(asked) > allowed

    model = model_for(FORMS["seventh power"])
    with pytest.raises(igcore.Cancelled, match=f"after {taken} gradients"):
        igcore.explain(model, IMAGE, adaptive(), 0, should_stop=should_stop)
    assert igcore.explain(model, IMAGE, adaptive(), 0).gradient_count == 21


def test_its_own_nodes_score_both_ends():
    result = explain(power(7))
    assert (result.trace.alphas[0], result.trace.alphas[-1], result.forward_count) == (0, 1, 0)
    assert (result.baseline_score, result.score) == (result.trace.scores[0], result.trace.scores[-1])
    ends = model_for(power(7)).scores(np.stack([BLACK, IMAGE]), "logit")[:, 0]
    np.testing.assert_allclose((result.baseline_score, result.score), ends, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("correct", [True, False])
def test_an_image_that_equals_its_baseline_takes_nine_gradients_and_is_all_zeros(correct):
    with np.errstate(all="raise"):
        result = explain(power(3), IMAGE, correct=correct)
    assert result.gradient_count == 9
    assert not result.values.any()
    assert (result.converged, result.map_error, result.completeness_error) == (True, 0, 0)


@pytest.mark.parametrize("correct", [True, False])
def test_a_score_that_never_changes_gives_zeros(correct):
    with np.errstate(all="raise"):
        result = explain(constant(), correct=correct)
    assert result.gradient_count == 9
    assert not result.values.any()
    assert np.isfinite([result.map_error, result.sum, result.correction or 0.0]).all()


@pytest.mark.parametrize("form", [power(7), steep(IMAGE, 0.3, 0.05)], ids=["power", "step"])
@pytest.mark.parametrize("correct", [True, False])
@pytest.mark.parametrize(("most", "least"), [(16, 50), (igcore.adaptive.HELD, 500)], ids=["small", "as it is"])
def test_a_bounded_store_loses_no_gradient(monkeypatch, form, correct, most, least):
    held, let_go = [], igcore.adaptive.NodeGrid.let_go

    def spied(grid, most):
        let_go(grid, most)
        held.append(sum(gradient is not None for gradient in grid.gradients))

    monkeypatch.setattr(igcore.adaptive, "HELD", most)
    monkeypatch.setattr(igcore.adaptive.NodeGrid, "let_go", spied)
    limits = igcore.adaptive.Limits(0.0, 0.0, correct, 600)
    path = StraightPath(BLACK, IMAGE)
    seen = igcore.adaptive.refine(model_for(form), path, 0, "logit", limits)
    _, gradients = model_for(form).gradients(path.points(seen.sums.alphas), 0, "logit")
    assert max(held) <= most < least < seen.weights.size
    own = np.tensordot(seen.weights, gradients.astype(np.float64), 1) * path.velocity
    assert_same_map(seen.sums.attribution(0), own, 2e-6)
    np.testing.assert_allclose(seen.sums.attribution(0).sum(), seen.weights @ seen.sums.slopes, rtol=1e-5)
    assert map_distance(own, exact(form, IMAGE, BLACK)) < 0.03


@pytest.mark.parametrize(
    ("options", "says"),
    [
        *(({"tolerance": value}, "tolerance is .*expected a number") for value in (0, -1, math.nan, math.inf, "1")),
        *(({"map_tolerance": value}, "map_tolerance is .*expected a number") for value in (0, -0.1, math.nan, True)),
        *(({"max_gradients": value}, "max_gradients is .*whole number from 9") for value in (8, 2.5, True, 10**9)),
        *(({"correct": value}, "correct is .*expected True, False") for value in ("yes", 2, 0.5)),
    ],
    ids=str,
)
def test_settings_that_cannot_be_used_are_refused_in_one_line(options, says):
    with pytest.raises(igcore.InputError, match=says) as refusal:
        igcore.IntegratedGradients(integrator="adaptive", **options)
    assert "\n" not in str(refusal.value)


def test_it_has_no_nodes_beforehand_and_shares_none():
    with pytest.raises(igcore.InputError, match="adaptive chooses its nodes while it runs; take a fixed integrator"):
        igcore.INTEGRATORS["adaptive"].nodes_and_weights(32)
    for rules in (["adaptive"], ["left", "adaptive"]):
        with pytest.raises(igcore.InputError, match="adaptive chooses its nodes"):
            igcore.explain_by_rules(model_of(power(1)), IMAGE, ig("black", "left", 4), rules, target=0)


def test_the_result_says_what_it_was_made_with_and_not_what_was_not_read():
    told = explain(power(3), tolerance=0.02, steps=77).settings
    assert (told["tolerance"], told["map_tolerance"], told["max_gradients"], told["correct"]) == (0.02, 0.05, 512, True)
    assert "steps" not in told
