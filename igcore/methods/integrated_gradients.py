"""Integrated Gradients.

References
----------
Sundararajan, Taly, Yan, Axiomatic Attribution for Deep Networks, ICML 2017, equations 1 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.adaptive import FIRST_GRID, Limits, Refined, refine
from igcore.agreement import map_distance
from igcore.baselines import Baseline, as_baseline, describe_baseline
from igcore.errors import InputError
from igcore.gradients import PathSums, integrate
from igcore.integrators import FIXED, INTEGRATORS, FixedIntegrator, shared_nodes
from igcore.methods.base import MethodSpec, Settings, Sums, Task
from igcore.models.base import Of
from igcore.paths import StraightPath
from igcore.registry import parameter
from igcore.results import Attribution, PathTrace, Progress
from igcore.speed import Cost

__all__ = ["SPECS", "IntegratedGradients"]

#: What the adaptive integrator takes at its own tolerances, by bench.integrators.
ADAPTIVE_MEDIAN = 41


@dataclass(frozen=True)
class IntegratedGradients(Settings):
    """Settings of Integrated Gradients.

    Parameters
    ----------
    baseline : str, baseline settings or (H, W, 3) array
    integrator : str
        Key of `INTEGRATORS`; it reads only the settings that its entry names in `takes`.
    steps : int
        Of the fixed integrators.
    of : {"probability", "logit"}
        The score that is explained.
    tolerance, map_tolerance : float
        Where the adaptive integrator stops: completeness, and estimated map error (see `igcore.adaptive.Limits`).
    max_gradients : int
        Where it stops in any case.
    correct : bool or None
        Spread what the sum is off over all values, in proportion to their size, so that the map is complete by
        construction; None leaves it to the integrator: the adaptive one does it, the fixed ones do not.

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    The attribution of value i is (xᵢ − x′ᵢ) Σₖ wₖ ∂F(x′ + αₖ(x − x′))/∂xᵢ, with the integrator's nodes αₖ
    and weights wₖ; the exact integral sums to F(x) − F(x′).
    """

    key: ClassVar[str] = "ig"
    sums: ClassVar[Sums] = "integral"
    baseline: str | Baseline | NDArray[np.float32] = "black"
    integrator: str = "trapezoid"
    steps: int = parameter(50, label="Steps", low=1, high=10_000, step=1, help="How finely the path is cut.")
    of: Of = "probability"
    tolerance: float = parameter(
        0.01, label="Completeness", low=1e-5, high=1.0, choices=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05),
        help="How far the sum may be off; where it is corrected, how much of the map a correction may have put there.",
    )  # fmt: skip
    map_tolerance: float = parameter(
        0.05, label="Map error", low=1e-3, high=1.0, choices=(0.01, 0.02, 0.03, 0.05, 0.1, 0.2),
        help="How far the map may be from the converged one, estimated: size of the difference over size of the map.",
    )  # fmt: skip
    max_gradients: int = parameter(
        512, label="At most", low=FIRST_GRID, high=10_000, step=1, unit="gradients",
        choices=(16, 32, 64, 128, 256, 512, 1024, 2048),
        help="Stops here, whether the tolerances hold or not.",
    )  # fmt: skip
    correct: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        integrator = INTEGRATORS[self.integrator]
        if isinstance(integrator, FixedIntegrator):
            integrator.check_steps(self.steps)
        if self.correct not in (None, True, False):
            raise InputError(f"correct is {self.correct!r}; expected True, False, or None for the integrator's own way")

    @property
    def corrects(self) -> bool:
        """Whether the map is corrected to be complete."""
        return INTEGRATORS[self.integrator].corrects if self.correct is None else bool(self.correct)

    def describe(self) -> dict[str, Any]:
        """Return the settings that count as plain values."""
        return {
            "baseline": describe_baseline(as_baseline(self.baseline)),
            "integrator": self.integrator,
            **{name: getattr(self, name) for name in INTEGRATORS[self.integrator].takes},
            "correct": self.corrects,
            "of": self.of,
        }

    def cost(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what an explanation takes; of the adaptive integrator its median (bench.integrators)."""
        if self.integrator not in FIXED:
            return Cost(0, min(ADAPTIVE_MEDIAN, self.max_gradients), about=True)
        return Cost(2, FIXED[self.integrator].nodes_and_weights(self.steps)[0].size)

    def attribute(self, task: Task) -> Attribution:
        """Compute the attribution with this integrator."""
        if self.integrator in FIXED:
            return self.attribute_by_rules(task, (self.integrator,))[self.integrator]
        return self._attribute_adaptively(task)

    def attribute_by_rules(self, task: Task, rules: Sequence[str]) -> dict[str, Attribution]:
        """Compute the attribution with several fixed integrators from one pass over the nodes they share.

        Progress is told of the first of `rules`.

        Returns
        -------
        dict of str to Attribution
            One for each rule; each counts the gradients of the whole pass.
        """
        run = _Run(self, task)
        ends = run.ends()
        nodes, weights = shared_nodes(rules, self.steps, task.seed)
        # A second row for each rule, with its panels merged in pairs, tells how far its map still moves.
        coarse = np.zeros_like(weights)
        for row, rule in enumerate(rules):
            merged = FIXED[rule].panels(self.steps, task.seed).merged_weights()
            if merged is not None:
                coarse[row, weights[row] != 0] = merged

        def result(sums: PathSums, row: int) -> Attribution:
            whole = sums.alphas.size == nodes.size
            error = None
            if whole and coarse[row].any():
                distant = sums.attribution(len(rules) + row)
                error = map_distance(distant, sums.attribution(row)) / FIXED[rules[row]].coarse_ratio
            used = weights[row, : sums.alphas.size]
            return run.result(rules[row], sums, row, used, error, ends, final=whole, forward_count=2)

        def on_chunk(sums: PathSums) -> None:
            if task.on_progress is not None:
                task.on_progress(Progress(sums.alphas.size, nodes.size, result(sums, 0)))

        rows = np.concatenate([weights, coarse])
        sums = integrate(task.model, run.path, nodes, rows, task.target, self.of, on_chunk, task.should_stop)
        return {rule: result(sums, row) for row, rule in enumerate(rules)}

    def _attribute_adaptively(self, task: Task) -> Attribution:
        run = _Run(self, task)
        limits = Limits(self.map_tolerance, self.tolerance, self.corrects, self.max_gradients)

        def result(seen: Refined, final: bool) -> Attribution:
            # Its nodes include both ends, so their scores are known.
            ends = float(seen.sums.scores[-1]), float(seen.sums.scores[0])
            told = run.result(self.integrator, seen.sums, 0, seen.weights, seen.map_error, ends, final)
            return replace(told, converged=seen.converged) if final else told

        def on_round(seen: Refined) -> None:
            task.tell(seen.sums.alphas.size, seen.expected, result(seen, final=False))

        told = None if task.on_progress is None else on_round
        seen = refine(task.model, run.path, task.target, self.of, limits, told, task.should_stop)
        final = result(seen, final=True)
        if task.on_progress is not None:
            task.on_progress(Progress(final.gradient_count, final.gradient_count, final))
        return final


class _Run:
    """What all integrators have in common: the path, the scores at its ends, and the result's form."""

    def __init__(self, method: IntegratedGradients, task: Task) -> None:
        self.method, self.task = method, task
        self.path = StraightPath(as_baseline(method.baseline).make(task.image, task.seed), task.image)

    def ends(self) -> tuple[float, float]:
        """Score image and baseline, by two forward passes."""
        score, baseline_score = self.task.score(np.stack([self.path.image, self.path.baseline]), self.method.of)
        if not self.path.velocity.any():  # equal images of one batch may be rounded differently
            baseline_score = score
        return float(score), float(baseline_score)

    def result(
        self,
        rule: str,
        sums: PathSums,
        row: int,
        weights: NDArray[np.float64],
        map_error: float | None,
        ends: tuple[float, float],
        final: bool,
        forward_count: int = 0,
    ) -> Attribution:
        """Return what the nodes seen so far give by one integrator; only a final map is corrected."""
        used = weights != 0
        method = replace(self.method, integrator=rule)
        score, baseline_score = ends
        values, correction = sums.attribution(row), None
        if final and method.corrects:
            values, correction = corrected(values, score - baseline_score)
        return self.task.result(
            method,
            values,
            score,
            baseline=self.path.baseline,
            baseline_score=baseline_score,
            gradient_count=sums.alphas.size,
            forward_count=forward_count,
            map_error=map_error,
            correction=correction,
            trace=PathTrace(
                sums.alphas[used], weights[used], sums.scores[used], sums.slopes[used], sums.mean_gradients[used]
            ),
        )


def corrected(values: NDArray[np.floating], difference: float) -> tuple[NDArray[np.floating], float | None]:
    """Make a map sum to `difference`, and say what was added in all.

    The residual is spread over the values in proportion to their size, which changes no sign and leaves zeros zero.
    A residual as large as the whole map would turn its signs, and a map of zeros has nothing to spread it over; such a
    map stays as it is, and None says so.
    """
    size = np.abs(values)
    total = float(size.sum(dtype=np.float64))
    residual = float(difference - values.sum(dtype=np.float64))
    if residual == 0:
        return values, 0.0
    return (values + size * (residual / total), residual) if abs(residual) < total else (values, None)


SPECS = (
    MethodSpec(
        "ig",
        "Integrated Gradients",
        "The slopes on the way from a baseline to the image, summed, so that each pixel gets its share of the score's "
        "change. What it shows depends on the baseline: pixels that equal it get nothing.",
        r"A_i = (x_i - x'_i) \int_0^1 \frac{\partial F(x' + \alpha (x - x'))}{\partial x_i} \, d\alpha",
        IntegratedGradients,
        "gradients",
        "Sundararajan, Taly, Yan 2017, equation 1",
    ),
)
