"""A study of one path: what each integrator's accuracy costs here, and what to take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from igcore.adaptive import SAFETY
from igcore.agreement import map_distance
from igcore.convergence import Measured, ShouldStop, climb, measure, rounds
from igcore.errors import InputError
from igcore.integrators import FIXED, INTEGRATORS
from igcore.models.base import Model, Of
from igcore.paths import StraightPath
from igcore.results import Progress

__all__ = ["GOAL", "LARGEST", "REFERENCE", "Curve", "Goal", "Study", "study_cost", "study_integrators"]

#: Steps of the dense reference.
REFERENCE = 1024

#: Steps of the shortest rules that are compared, and what the longest ones can be.
FIRST, LARGEST = 8, (64, 128, 256, 512)

#: Gradients that the adaptive integrator's curve goes up to.
ADAPTIVE = 129

#: Integrators whose nodes are their own; the others share those of the climb to the reference.
ALONE = ("gauss-legendre", "monte-carlo")

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Goal:
    """What counts as reached: relative completeness error, and the map's error, L1 over L1."""

    completeness: float = 0.01
    map_error: float = 0.05

    def __str__(self) -> str:
        return f"{100 * self.completeness:g}% completeness error and {100 * self.map_error:g}% map error"


GOAL = Goal()


@dataclass(frozen=True, eq=False)
class Curve:
    """One integrator's errors over its gradients, in ascending order; all arrays are (k,).

    `completeness` is relative, before any correction; NaN where F(x) = F(x′). `estimate` is the integrator's own of
    the map's error; NaN where it has none.
    """

    integrator: str
    steps: NDArray[np.intp]
    gradients: NDArray[np.intp]
    completeness: Array
    map_error: Array
    estimate: Array

    def order(self, errors: Array) -> float | None:
        """Fit p in error ∝ gradients ** −p by least squares on logarithms; None for fewer than three points."""
        seen = (errors > 0) & np.isfinite(errors)
        if seen.sum() < 3:
            return None
        return -float(np.polyfit(np.log(self.gradients[seen]), np.log(errors[seen]), 1)[0])

    def reached(self, goal: Goal = GOAL) -> int | None:
        """Return the index of the first point that meets the goal; None where none does.

        The adaptive integrator, which corrects its map, meets it where it would stop by itself.
        """
        if INTEGRATORS[self.integrator].corrects:
            good = SAFETY * self.estimate <= goal.map_error
        else:
            good = (self.map_error <= goal.map_error) & (self.completeness <= goal.completeness)
        return int(np.argmax(good)) if good.any() else None


@dataclass(frozen=True, eq=False)
class Study:
    """What is known so far.

    Attributes
    ----------
    curves : tuple of Curve
        In the order of `INTEGRATORS`; an integrator without a point yet is not among them.
    reference_steps : int
        Trapezoid steps of the map that errors are measured from: `REFERENCE`, or fewer while the study runs.
    score_difference : float
        F(x) − F(x′).
    """

    curves: tuple[Curve, ...]
    reference_steps: int
    score_difference: float

    def advice(self, goal: Goal = GOAL) -> str:
        """Say which fixed integrator reaches the goal with the fewest gradients, and what the adaptive one needs."""
        if not self.score_difference:
            return "The score is the same at both ends of this path; choose another class or baseline."
        reached = {curve.integrator: (curve, at) for curve in self.curves if (at := curve.reached(goal)) is not None}
        needs = {key: int(curve.gradients[at]) for key, (curve, at) in reached.items()}
        best = min((key for key in needs if key in FIXED), default=None, key=lambda key: needs[key])
        adaptive = needs.get("adaptive")
        if best is None:
            told = f"No fixed integrator reaches {goal} here with up to {self._longest} steps"
            return f"{told}; adaptive stops after {adaptive}." if adaptive else f"{told}, nor does adaptive."
        curve, at = reached[best]
        told = (
            f"Here {INTEGRATORS[best].label} with {curve.steps[at]} steps ({needs[best]} gradients) is the "
            f"cheapest fixed integrator that reaches {goal}"
        )
        return f"{told}; adaptive stops by itself after {adaptive}." if adaptive else f"{told}."

    @property
    def _longest(self) -> int:
        return max((int(curve.steps[-1]) for curve in self.curves if curve.integrator in FIXED), default=0)


def study_cost(largest: int) -> int:
    """Return the gradients that a study takes."""
    return REFERENCE + 1 + ADAPTIVE + len(ALONE) * sum(_rungs(largest))


def study_integrators(
    model: Model,
    path: StraightPath,
    target: int,
    of: Of = "probability",
    largest: int = LARGEST[-1],
    seed: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: ShouldStop | None = None,
) -> Study:
    """Measure every integrator from 8 steps up, and the adaptive one round by round, against a dense reference.

    Parameters
    ----------
    model, path, target, of, should_stop
        As in `igcore.gradients.integrate`.
    largest : int
        Steps of the longest rules that are compared: one of `LARGEST`.
    seed : int
    on_progress : callable, optional
        Told after each chunk; `partial` is the study as far as it is known.

    Returns
    -------
    Study

    Raises
    ------
    InputError, Cancelled, ModelError
    """
    if largest not in LARGEST:
        raise InputError(f"largest is {largest}; expected one of {', '.join(map(str, LARGEST))}")
    image_score, baseline_score = map(float, model.scores(np.stack([path.image, path.baseline]), of)[:, target])
    table = _Table(image_score - baseline_score, largest)
    done, total = 0, study_cost(largest)

    def on_chunk(count: int) -> None:
        nonlocal done, total
        done += count
        if on_progress is not None:
            on_progress(Progress(done, total, table.study))

    for level in climb(model, path, target, of, FIRST, REFERENCE, on_chunk, should_stop):
        table.climbed(level)
    before = done
    table.add(rounds(model, path, target, of, ADAPTIVE, on_chunk, should_stop))
    total -= ADAPTIVE - (done - before)  # on a path without change it runs out of panels
    for key in ALONE:
        for steps in _rungs(largest):
            table.add([measure(model, path, target, of, key, steps, seed, on_chunk, should_stop)])
    return table.study


def _rungs(largest: int) -> list[int]:
    return [FIRST << power for power in range((largest // FIRST).bit_length())]


class _Table:
    """All maps measured so far, and their errors."""

    def __init__(self, difference: float, largest: int) -> None:
        self.difference, self.largest = difference, largest
        self.measured: list[Measured] = []
        self.errors: list[float] = []
        self.reference: Measured | None = None
        self.study = Study((), 0, difference)

    def climbed(self, level: list[Measured]) -> None:
        """Take one level of the climb; its trapezoid is the reference until the next."""
        self.reference = next(one for one in level if one.integrator == "trapezoid")
        self.errors = [map_distance(one.values, self.reference.values) for one in self.measured]
        self.add(one for one in level if one.steps <= self.largest)

    def add(self, found: Iterable[Measured]) -> None:
        """Take maps."""
        assert self.reference is not None
        for one in found:
            self.measured.append(one)
            self.errors.append(map_distance(one.values, self.reference.values))
        curves = [self._curve(key) for key in INTEGRATORS]
        shown = tuple(curve for curve in curves if curve.steps.size)
        self.study = Study(shown, self.reference.steps, self.difference)

    def _curve(self, key: str) -> Curve:
        own = [(one, error) for one, error in zip(self.measured, self.errors, strict=True) if one.integrator == key]
        # Against a provisional reference, what is nearly as fine as it says nothing.
        assert self.reference is not None
        own = [(one, error) for one, error in own if 2 * one.steps <= self.reference.steps or key not in FIXED]
        relative = [
            abs(one.sum - self.difference) / abs(self.difference) if self.difference else float("nan") for one, _ in own
        ]
        return Curve(
            key,
            np.array([one.steps for one, _ in own], np.intp),
            np.array([one.gradients for one, _ in own], np.intp),
            np.array(relative, float),
            np.array([error for _, error in own], float),
            np.array([float("nan") if one.estimate is None else one.estimate for one, _ in own], float),
        )
