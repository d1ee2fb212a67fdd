"""Local errors: each panel against the exact change of the score over it."""

from __future__ import annotations

import numpy as np
import pytest

import igcore
from igcore.integrators import FIXED
from igcore.paths import StraightPath
from tests.functions import BLACK, ig, model_of, picture, power, steep

IMAGE = picture(1)
each_integrator = pytest.mark.parametrize("integrator", igcore.INTEGRATORS)
#: Class p − 1 is (w·x)ᵖ, and those after it are steps at α = 0.33.
POWERS = 4
STEP, SHARP = POWERS, POWERS + 1


@pytest.fixture(scope="module")
def model():
    return model_of(
        *(power(degree) for degree in range(1, POWERS + 1)), steep(IMAGE, 0.33, 0.01), steep(IMAGE, 0.33, 0.001)
    )


@each_integrator
@pytest.mark.parametrize("steps", [1, 2, 7, 30])
@pytest.mark.parametrize("correct", [True, False])
def test_they_sum_to_the_completeness_error_before_any_correction(model, integrator, steps, correct):
    steps += steps % getattr(FIXED.get(integrator), "multiple", 1)
    method = igcore.IntegratedGradients("black", integrator, steps, "logit", max_gradients=9 + steps, correct=correct)
    result = igcore.explain(model, IMAGE, method, target=STEP, seed=3)
    local = igcore.measure_local_errors(model, result)
    raw = result.trace.cumulative[-1] - result.score_difference
    assert local.errors.sum() == pytest.approx(raw, abs=1e-6)
    assert correct or result.correction is None
    assert local.edges.shape == local.scores.shape == (local.errors.size + 1,)
    assert (local.edges[0], local.edges[-1]) == (0, 1)
    at_edges = model.scores(StraightPath(BLACK, IMAGE).points(local.edges), "logit")[:, STEP]
    np.testing.assert_allclose(local.scores, at_edges, rtol=0, atol=1e-5)


@each_integrator
def test_they_vanish_where_each_panel_is_exact(model, integrator):
    # A panel of Gauss–Legendre has one node that is not its middle; only the whole rule is exact beyond constants.
    known = getattr(FIXED.get(integrator), "degree", 1) or 0
    for degree in range(1, POWERS + 1):
        result = igcore.explain(model, IMAGE, ig("black", integrator, 6), target=degree - 1)
        errors = np.abs(igcore.measure_local_errors(model, result).errors)
        change = np.abs(np.diff(result.trace.scores)).sum()
        if degree <= known + 1:
            assert errors.max() < 1e-5 * change
        elif degree == known + 2:
            assert errors.max() > 1e-4 * change


@each_integrator
@pytest.mark.parametrize("steps", [4, 10, 20])
def test_the_hardest_panel_is_where_the_score_jumps(model, integrator, steps):
    method = igcore.IntegratedGradients("black", integrator, steps, "logit", max_gradients=9)
    result = igcore.explain(model, IMAGE, method, target=SHARP)
    local = igcore.measure_local_errors(model, result)
    low, high, share = local.hardest
    assert low <= 0.33 <= high
    assert 0.4 < share <= 1
    at = np.abs(local.errors).argmax()
    assert (low, high) == (local.edges[at], local.edges[at + 1])
    assert share == pytest.approx(np.abs(local.errors[at]) / np.abs(local.errors).sum())


@pytest.mark.parametrize(
    ("integrator", "passes"),
    [
        *(("trapezoid", 0), ("simpson", 0), ("adaptive", 0)),
        *(("left", 1), ("right", 1)),  # the end of the path that it has no node at
        *(("midpoint", 13), ("gauss-legendre", 13), ("monte-carlo", 13)),
    ],
)
def test_only_edges_without_a_node_cost_a_forward_pass_and_none_a_gradient(integrator, passes):
    model, scored = model_of(power(5)), []
    result = igcore.explain(model, IMAGE, ig("black", integrator, 12), target=0)
    original = model.scores

    def scores(images, of="probability"):
        scored.append(len(images))
        return original(images, of)

    def path_chunk(*_):
        raise AssertionError("a gradient was taken")

    model.scores, model.path_chunk = scores, path_chunk
    local = igcore.measure_local_errors(model, result)
    assert local.forward_passes == sum(scored) == passes


def test_edges_are_scored_a_few_at_a_time(model):
    # 1,000 steps on a photo are 600 MB of points; the engine promises not to grow with the number of nodes.
    result = igcore.explain(model, IMAGE, ig("black", "midpoint", 1000), target=2)
    made, points = [], StraightPath.points

    def spied(path, alphas):
        made.append(len(alphas))
        return points(path, alphas)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StraightPath, "points", spied)
        local = igcore.measure_local_errors(model, result)
    assert sum(made) == local.forward_passes == 1001
    assert max(made) <= 128


def test_rules_that_share_nodes_have_their_own_local_errors(model):
    rules = ["left", "right", "trapezoid", "simpson"]
    shared = igcore.explain_by_rules(model, IMAGE, ig("black", "left", 8), rules, target=3)
    for rule, result in shared.items():
        alone = igcore.explain(model, IMAGE, ig("black", rule, 8), target=3)
        one, other = (igcore.measure_local_errors(model, each) for each in (result, alone))
        np.testing.assert_array_equal(one.edges, other.edges)
        np.testing.assert_allclose(one.errors, other.errors, rtol=0, atol=1e-9)


@pytest.mark.parametrize("integrator", ["monte-carlo", "adaptive"])
def test_a_result_from_a_file_has_the_same_local_errors(model, tmp_path, integrator):
    method = igcore.IntegratedGradients("uniform-noise", integrator, 7, "logit")
    result = igcore.explain(model, IMAGE, method, target=2, seed=4)
    result.save(tmp_path / "a.npz")
    one, other = (igcore.measure_local_errors(model, r) for r in (result, igcore.Attribution.load(tmp_path / "a.npz")))
    assert one.errors.any()
    np.testing.assert_array_equal(one.errors, other.errors)
    np.testing.assert_array_equal(one.edges, other.edges)


def test_an_image_that_equals_its_baseline_has_no_hard_part(model):
    result = igcore.explain(model, IMAGE, ig(IMAGE, "trapezoid", 4), target=2)
    local = igcore.measure_local_errors(model, result)
    assert not local.errors.any()
    assert local.hardest == (0, 0.25, 0)


def test_what_follows_no_path_has_no_local_errors(model):
    gradient = igcore.explain(model, IMAGE, igcore.Gradient(of="logit"), target=0)
    results = [igcore.explain(model, IMAGE, ig(one, "left", 2), target=0) for one in ("black", "white")]
    for result, name in ((gradient, "gradient"), (igcore.average(results), "expected-gradients")):
        with pytest.raises(igcore.InputError, match=f"method {name} follows no path") as refusal:
            igcore.measure_local_errors(model, result)
        assert "\n" not in str(refusal.value)
