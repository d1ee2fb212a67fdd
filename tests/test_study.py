"""Studies of one path: the climb to a dense reference, every integrator's curve, and what is advised."""

from __future__ import annotations

import math
import re
from functools import cache
from itertools import chain, pairwise

import numpy as np
import pytest

import igcore
from igcore.adaptive import SAFETY
from igcore.agreement import map_distance
from igcore.convergence import climb, measure, rounds
from igcore.integrators import FIXED
from igcore.paths import StraightPath
from igcore.study import REFERENCE, Curve, Goal, Study, study_cost, study_integrators
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
    saturating,
    steep,
)

IMAGE = picture(1)
PATH = StraightPath(BLACK, IMAGE)
FORMS = {
    "power": power(7),
    "monomial": monomial(3, 2),
    "kink": saturating(0.35),
    "step": steep(IMAGE, 0.3, 0.01),
    "sharp step": steep(IMAGE, 0.3, 0.002),
    "constant": constant(),
}
TARGET = {key: index for index, key in enumerate(FORMS)}


@pytest.fixture(scope="module")
def model():
    return model_of(*FORMS.values())


@pytest.fixture(scope="module")
def studied(model):
    """A study of each function, made once, with all that was told on the way."""
    kept = {}

    def studied(key):
        if key not in kept:
            told = []
            study = study_integrators(model, PATH, TARGET[key], "logit", 64, seed=3, on_progress=told.append)
            kept[key] = study, told
        return kept[key]

    return studied


@cache
def explain(model, key, integrator, steps, seed=0):
    return igcore.explain(model, IMAGE, ig("black", integrator, steps), TARGET[key], seed=seed)


@pytest.mark.parametrize("first", [2, 4, 6])
@pytest.mark.parametrize("key", ["power", "monomial", "kink"])
def test_a_climb_gives_the_maps_of_separate_runs_at_every_level(model, key, first):
    levels = list(climb(model, PATH, TARGET[key], "logit", first, 8 * first))
    steps = [first, 2 * first, 4 * first, 8 * first]
    assert [{one.integrator: one.steps for one in level} for level in levels] == [
        {**({"midpoint": m // 2} if m > first else {}), **dict.fromkeys(("left", "right", "trapezoid", "simpson"), m)}
        for m in steps
    ]
    for one in chain.from_iterable(levels):
        alone = explain(model, key, one.integrator, one.steps)
        assert_same_map(one.values, alone.values, 3e-6)
        assert one.sum == pytest.approx(alone.sum, rel=1e-5)
        assert one.gradients == alone.gradient_count
        if one.estimate is not None:
            assert one.estimate == pytest.approx(alone.map_error, rel=1e-3, abs=1e-6)
    # Only Simpson's first level has nothing below it that it could be compared with.
    unknown = {(one.integrator, one.steps) for one in chain.from_iterable(levels) if one.estimate is None}
    assert unknown <= {("simpson", first), ("midpoint", 1)}


@pytest.mark.parametrize(("first", "last"), [(2, 2), (4, 64), (6, 48), (8, 1024)])
def test_a_climb_takes_the_gradients_of_its_last_level_only(model, first, last):
    taken = []
    for _ in climb(model, PATH, 0, "logit", first, last, taken.append):
        pass
    assert sum(taken) == last + 1
    assert max(taken) <= model.chunk


@pytest.mark.parametrize(("first", "last"), [(0, 8), (3, 12), (-2, 4), (8, 4), (4, 12)])
def test_a_climb_that_does_not_double_is_refused(model, first, last):
    with pytest.raises(igcore.InputError, match=f"steps go from {first} to {last}; expected an even number"):
        next(climb(model, PATH, 0, "logit", first, last))


@pytest.mark.parametrize("integrator", FIXED)
def test_one_measurement_is_a_run_of_the_engine(model, integrator):
    one = measure(model, PATH, TARGET["monomial"], "logit", integrator, 12, seed=5)
    alone = explain(model, "monomial", integrator, 12, seed=5)
    np.testing.assert_array_equal(one.values, alone.values)
    assert (one.gradients, one.estimate) == (alone.gradient_count, alone.map_error)


def test_the_adaptive_rounds_are_runs_with_that_many_gradients(model):
    taken = []
    found = list(rounds(model, PATH, TARGET["sharp step"], "logit", 129, taken.append))
    assert sum(taken) == found[-1].gradients == 129
    for one in found[:4]:
        method = igcore.IntegratedGradients(
            "black", "adaptive", of="logit", correct=False, tolerance=1e-5, map_tolerance=1e-3, max_gradients=one.steps
        )
        alone = igcore.explain(model, IMAGE, method, TARGET["sharp step"])
        assert (alone.converged, alone.gradient_count) == (False, one.gradients)
        np.testing.assert_array_equal(one.values, alone.values)
        assert one.estimate == alone.map_error


@pytest.mark.parametrize("key", ["power", "monomial", "step"])
def test_the_errors_of_a_study_are_those_of_separate_runs_against_the_same_reference(model, studied, key):
    study, _ = studied(key)
    reference = explain(model, key, "trapezoid", REFERENCE)
    assert study.reference_steps == REFERENCE
    assert study.score_difference == reference.score_difference
    assert [curve.integrator for curve in study.curves] == list(igcore.INTEGRATORS)
    for curve in study.curves:
        assert (np.diff(curve.gradients) > 0).all()
        if curve.integrator in FIXED:
            assert curve.steps.tolist() == [8, 16, 32, 64]
            for at, steps in enumerate(curve.steps.tolist()):
                alone = explain(model, key, curve.integrator, steps, seed=3)
                assert curve.gradients[at] == alone.gradient_count
                assert curve.completeness[at] == pytest.approx(alone.relative_completeness_error, rel=1e-3, abs=1e-6)
                truth = map_distance(alone.values, reference.values)
                assert curve.map_error[at] == pytest.approx(truth, rel=1e-3, abs=1e-6)
        else:
            assert (curve.gradients[0], curve.gradients[-1]) == (9, 129)


def test_the_reference_is_close_to_the_exact_attribution(model):
    reference = explain(model, "monomial", "trapezoid", REFERENCE)
    assert_same_map(reference.values, exact(FORMS["monomial"], IMAGE, BLACK), 1e-5)


def test_orders_are_fitted_to_the_errors(studied):
    curves = {curve.integrator: curve for curve in studied("power")[0].curves}

    def order(key, at_most=64):
        curve = curves[key]
        return curve.order(np.where(curve.steps <= at_most, curve.completeness, np.nan))

    assert order("trapezoid") == pytest.approx(2, rel=0.1)
    assert order("midpoint") == pytest.approx(2, rel=0.1)
    # Beyond 32 steps Simpson's error is that of single precision.
    assert order("simpson", 32) == pytest.approx(4, rel=0.1)
    assert order("left") == pytest.approx(1, rel=0.1)


def curve(integrator, gradients, completeness, map_error):
    gradients, completeness, map_error = map(np.array, (gradients, completeness, map_error))
    return Curve(integrator, gradients, gradients, completeness, map_error, map_error / SAFETY)


def test_an_order_needs_three_points_above_zero():
    gradients = np.array([8, 16, 32, 64])
    known = curve("left", gradients, 3.0 * gradients**-2.5, [1, 0, np.nan, np.inf])
    assert known.order(known.completeness) == pytest.approx(2.5)
    assert known.order(known.map_error) is None


def test_a_goal_is_reached_where_both_errors_are_small_and_adaptive_where_it_stops_by_itself():
    errors = [8, 16, 32], [0.001, 0.3, 0.01], [0.06, 0.04, 0.05]
    assert curve("left", *errors).reached() == 2
    assert curve("adaptive", *errors).reached() == 1
    assert curve("left", *errors).reached(Goal(0.5, 0.5)) == 0
    assert curve("left", *errors).reached(Goal(0.001, 0.05)) is None


@pytest.mark.parametrize("key", [key for key in FORMS if key != "constant"])
@pytest.mark.parametrize("goal", [Goal(), Goal(0.05, 0.2), Goal(0.001, 0.001)], ids=str)
def test_the_advice_names_the_cheapest_fixed_integrator_that_really_reaches_the_goal(model, studied, key, goal):
    study, _ = studied(key)
    reference = explain(model, key, "trapezoid", REFERENCE).values
    runs = [explain(model, key, rule, steps, seed=3) for rule in FIXED for steps in (8, 16, 32, 64)]
    good = [
        (run.gradient_count, run.settings["integrator"], run.settings["steps"])
        for run in runs
        if run.relative_completeness_error <= goal.completeness
        and map_distance(run.values, reference) <= goal.map_error
    ]
    advice = study.advice(goal)
    assert str(goal) in advice
    if not good:
        assert f"No fixed integrator reaches {goal} here with up to 64 steps" in advice
    else:
        gradients = min(good)[0]
        named = [f"{FIXED[rule].label} with {steps} steps" for count, rule, steps in good if count == gradients]
        assert any(f"Here {name} ({gradients} gradients) is the cheapest fixed" in advice for name in named)
    adaptive = study.curves[-1]
    at = np.flatnonzero(SAFETY * adaptive.estimate <= goal.map_error)
    stops = re.search(r"adaptive stops (?:by itself )?after (\d+)\.$", advice)
    assert (stops and int(stops[1])) == (adaptive.gradients[at[0]] if at.size else None)
    assert ("nor does adaptive" in advice) == (not good and not at.size)


def test_some_functions_have_a_fixed_integrator_that_serves_and_some_have_none(studied):
    # Otherwise the test above would prove less than it seems to.
    told = {key: studied(key)[0].advice() for key in FORMS}
    assert told["power"].startswith("Here Gauss–Legendre with 8 steps (8 gradients)")
    assert told["sharp step"].startswith("No fixed integrator reaches 1% completeness error and 5% map error")
    assert "adaptive stops after" in told["sharp step"]
    assert "nor does adaptive" in studied("step")[0].advice(Goal(1e-9, 1e-9))


@pytest.mark.parametrize("key", ["power", "sharp step"])
def test_progress_counts_up_to_the_cost_and_shows_what_is_known(studied, key):
    study, told = studied(key)
    assert told[-1].done == study_cost(64) == REFERENCE + 1 + 129 + 2 * (8 + 16 + 32 + 64)
    assert {each.total for each in told} == {study_cost(64)}
    assert all(0 < later.done - earlier.done <= 9 for earlier, later in pairwise(told))
    assert all(isinstance(each.partial, Study) and each.partial.advice() for each in told)
    points = [sum(curve.steps.size for curve in each.partial.curves) for each in told]
    assert points == sorted(points)
    assert points[0] == 0 < points[-1] <= sum(curve.steps.size for curve in study.curves)
    assert {each.partial.reference_steps for each in told} == {0, *(8 << power for power in range(8))}


@pytest.mark.parametrize("allowed", [0, 3, 150])
def test_a_study_can_be_cancelled(model, allowed):
    asked = []

    def should_stop():
        asked.append(None)
        return len(asked) > allowed

    with pytest.raises(igcore.Cancelled):
        study_integrators(model, PATH, 0, "logit", 64, should_stop=should_stop)
    assert len(asked) == allowed + 1


@pytest.mark.parametrize("largest", [0, 8, 100, 1024, -64])
def test_lengths_that_are_not_offered_are_refused(model, largest):
    with pytest.raises(igcore.InputError, match=f"largest is {largest}; expected one of 64, 128, 256, 512"):
        study_integrators(model, PATH, 0, "logit", largest)


def test_a_score_that_never_changes_is_no_fault(studied):
    study, told = studied("constant")
    assert study.score_difference == 0
    for curve in study.curves:
        assert np.isnan(curve.completeness).all()
        assert not curve.map_error.any()
        assert curve.order(curve.completeness) is None
    assert "the same at both ends" in study.advice()
    assert not any(one.label in study.advice() for one in FIXED.values())
    assert all(each.done <= each.total for each in told)


def test_an_image_that_equals_its_baseline_is_no_fault(model):
    study = study_integrators(model, StraightPath(IMAGE, IMAGE), 0, "logit", 64)
    assert not math.isfinite(study.curves[0].completeness[0])
    assert study.advice()
