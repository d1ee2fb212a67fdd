"""Maps corrected to be complete: what is added, where, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import igcore
from igcore.checks import completeness_verdict
from igcore.methods.integrated_gradients import corrected
from tests.functions import BLACK, assert_same_map, model_of, picture, power, steep, weighed

IMAGE = picture(1)
each_integrator = pytest.mark.parametrize("integrator", igcore.INTEGRATORS)
finite = st.floats(-100, 100).map(lambda value: 0.0 if abs(value) < 1e-3 else value)


def method(integrator, baseline="black", **options):
    return igcore.IntegratedGradients(baseline, integrator, of="logit", **options)


@each_integrator
def test_a_correction_adds_what_the_sum_misses_and_leaves_zeros_and_signs(integrator):
    baseline = BLACK.copy()
    baseline[:4] = IMAGE[:4]
    model = model_of(steep(IMAGE, 0.7, 0.05))
    result = igcore.explain(model, IMAGE, method(integrator, baseline, steps=6, correct=True), target=0)
    raw = weighed(model, result)
    assert result.sum == pytest.approx(result.score_difference, rel=1e-6)
    missing = result.score_difference - result.trace.cumulative[-1]
    assert abs(missing) > 1e-4
    assert result.correction == pytest.approx(missing, abs=1e-6)
    assert not result.values[:4].any()
    assert {-1, 1} == set(np.unique(np.sign(raw[4:])))
    np.testing.assert_array_equal(np.sign(result.values), np.sign(raw))
    # Each value moves by the same share of its size.
    added = result.correction * np.abs(raw) / np.abs(raw).sum()
    assert_same_map(result.values, raw + added, 1e-6)
    assert np.abs(added).max() > 1e-5 * np.abs(raw).max()


@each_integrator
def test_fixed_integrators_correct_only_when_asked_and_adaptive_unless_told_not_to(integrator):
    model = model_of(power(5))
    none, no = (igcore.explain(model, IMAGE, method(integrator, steps=6, correct=c), 0) for c in (None, False))
    assert no.correction is None
    assert no.settings["correct"] is False
    assert (none.correction is not None) == (integrator == "adaptive") == none.settings["correct"]
    assert (none.converged is None) == (no.converged is None) == (integrator != "adaptive")
    assert_same_map(no.values, weighed(model, no), 1e-6)


def test_rules_that_share_nodes_are_each_corrected_by_what_they_miss():
    model, rules = model_of(power(5)), ["left", "right", "trapezoid", "simpson"]
    results = igcore.explain_by_rules(model, IMAGE, method("left", steps=8, correct=True), rules, target=0)
    for result in results.values():
        assert result.sum == pytest.approx(result.score_difference, rel=1e-6)
    missing = [result.score_difference - result.trace.cumulative[-1] for result in results.values()]
    assert [result.correction for result in results.values()] == pytest.approx(missing, abs=1e-8)
    assert np.unique(np.sign(missing)).size == 2


def test_only_the_finished_map_is_corrected():
    seen = []
    model = model_of(power(5))
    igcore.explain(model, IMAGE, method("left", steps=20, correct=True), 0, on_progress=seen.append)
    *partial, last = (each.partial for each in seen)
    assert [one.correction for one in partial] == [None] * 2
    assert all(one.sum == pytest.approx(one.trace.cumulative[-1], rel=1e-4) for one in partial)
    assert last.sum == pytest.approx(last.score_difference, rel=1e-6)


@settings(deadline=None)
@given(values=arrays(np.float64, (3, 2, 3), elements=finite), share=st.floats(-0.99, 0.99))
def test_a_corrected_map_has_the_sum_asked_for_and_the_signs_it_had(values, share):
    residual = share * np.abs(values).sum()
    before = values.copy()
    result, correction = corrected(values, values.sum() + residual)
    np.testing.assert_array_equal(values, before)
    assert correction == pytest.approx(residual, abs=1e-9)
    assert result.sum() == pytest.approx(values.sum() + residual, abs=1e-9)
    np.testing.assert_array_equal(np.sign(result), np.sign(values))


@pytest.mark.parametrize(
    "settings",
    [method("adaptive", max_gradients=9), method("midpoint", steps=2, correct=True)],
    ids=["adaptive", "midpoint"],
)
def test_a_residual_larger_than_the_map_is_left_and_said(settings):
    # The curve is steep only between the nodes, so most of F(x) − F(x′) is missing; the map has both signs.
    model = model_of(steep(IMAGE, 0.5625, 0.01))
    result = igcore.explain(model, IMAGE, settings, target=0)
    raw = weighed(model, result)
    assert {-1, 1} == set(np.unique(np.sign(raw)))
    assert result.score_difference - raw.sum() > np.abs(raw).sum()
    assert result.correction is None
    assert_same_map(result.values, raw, 1e-6)
    assert completeness_verdict(result).level == "poor"


@pytest.mark.parametrize(
    "settings",
    [method("adaptive", max_gradients=9), method("midpoint", steps=4, correct=True)],
    ids=["adaptive", "midpoint"],
)
def test_a_map_of_zeros_that_misses_the_whole_score_is_not_said_to_be_complete(settings):
    # No node is near the step, so there is nothing that a correction could be spread over.
    result = igcore.explain(model_of(steep(IMAGE, 0.55, 1 / 4000)), IMAGE, settings, target=0)
    assert not result.values.any()
    assert result.relative_completeness_error == 1
    verdict = completeness_verdict(result)
    assert "exact" not in verdict.text
    assert verdict.level not in ("good", "fair")


@pytest.mark.parametrize(("error", "level"), [(None, "unknown"), (0.05, "good"), (0.1, "fair"), (0.2, "poor")])
def test_the_verdict_of_a_corrected_map_follows_its_map_error_and_not_its_sum(error, level):
    result = igcore.explain(model_of(power(2)), IMAGE, method("left", steps=1, correct=True), 0)
    scaled = replace(result, score=1.0, baseline_score=0.0, correction=-0.25, map_error=error)
    verdict = completeness_verdict(scaled)
    assert verdict.level == level
    assert "Corrected by 25.0% of F(x) − F(x′)" in verdict.text
    assert "no evidence" in verdict.text
    assert error is None or f"about {error:.1%} from the limit" in verdict.text
