"""Integrated Gradients.

References
----------
Sundararajan, Taly, Yan, Axiomatic Attribution for Deep Networks, ICML 2017, equations 1 and 3.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import Baseline, as_baseline, describe_baseline
from igcore.gradients import PathSums, integrate
from igcore.integrators import INTEGRATORS, shared_nodes
from igcore.methods.base import Task
from igcore.models.base import Of, check_of
from igcore.paths import StraightPath
from igcore.registry import check_parameters, parameter
from igcore.results import Attribution, PathTrace, Progress

__all__ = ["IntegratedGradients"]


@dataclass(frozen=True)
class IntegratedGradients:
    """Settings of Integrated Gradients.

    Parameters
    ----------
    baseline : str, baseline settings or (H, W, 3) array
    integrator : str
        Key of `INTEGRATORS`.
    steps : int
    of : {"probability", "logit"}
        The score that is explained.

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
    baseline: str | Baseline | NDArray[np.float32] = "black"
    integrator: str = "trapezoid"
    steps: int = parameter(50, label="Steps", low=1, high=10_000, step=1, help="How finely the path is cut.")
    of: Of = "probability"

    def __post_init__(self) -> None:
        check_parameters(self)
        check_of(self.of)
        INTEGRATORS[self.integrator].check_steps(self.steps)
        object.__setattr__(self, "baseline", as_baseline(self.baseline))

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return {
            "baseline": describe_baseline(as_baseline(self.baseline)),
            "integrator": self.integrator,
            "steps": self.steps,
            "of": self.of,
        }

    def attribute(self, task: Task) -> Attribution:
        """Compute the attribution with this integrator."""
        return self.attribute_by_rules(task, (self.integrator,))[self.integrator]

    def attribute_by_rules(self, task: Task, rules: Sequence[str]) -> dict[str, Attribution]:
        """Compute the attribution with several integrators from one pass over the nodes they share.

        Progress is told of the first of `rules`.

        Returns
        -------
        dict of str to Attribution
            One for each rule; each counts the gradients of the whole pass.
        """
        run = _Pass(self, task, tuple(rules))

        def on_chunk(sums: PathSums) -> None:
            if task.on_progress is not None:
                task.on_progress(Progress(sums.alphas.size, run.nodes.size, run.result(sums, 0)))

        rows = np.concatenate([run.weights, run.coarse])
        sums = integrate(task.model, run.path, run.nodes, rows, task.target, self.of, on_chunk, task.should_stop)
        return {rule: run.result(sums, row) for row, rule in enumerate(rules)}


class _Pass:
    """One pass over the nodes that several rules share."""

    def __init__(self, method: IntegratedGradients, task: Task, rules: tuple[str, ...]) -> None:
        self.started = time.perf_counter()
        self.method, self.task, self.rules = method, task, rules
        self.path = StraightPath(as_baseline(method.baseline).make(task.image, task.seed), task.image)
        ends = np.stack([self.path.image, self.path.baseline])
        self.score, self.baseline_score = map(float, task.model.scores(ends, method.of)[:, task.target])
        self.nodes, self.weights = shared_nodes(rules, method.steps, task.seed)
        # A second row for each rule, from every second of its nodes, tells how far its map still moves.
        self.coarse = np.zeros_like(self.weights)
        for row, rule in enumerate(rules):
            weights = INTEGRATORS[rule].coarse_weights(method.steps)
            if weights is not None:
                self.coarse[row, self.weights[row] != 0] = weights

    def result(self, sums: PathSums, row: int) -> Attribution:
        """Return what the nodes seen so far give by one of the rules."""
        count = sums.alphas.size
        weights = self.weights[row, :count]
        used = weights != 0
        settings = replace(self.method, integrator=self.rules[row]).describe()
        return Attribution(
            values=sums.attributions[row].astype(np.float32),
            image=self.path.image,
            baseline=self.path.baseline,
            target=self.task.target,
            label=self.task.model.spec.label(self.task.target),
            model=self.task.model.spec.key,
            method=self.method.key,
            settings={**settings, "seed": self.task.seed},
            score=self.score,
            baseline_score=self.baseline_score,
            additive=True,
            gradient_count=count,
            seconds=time.perf_counter() - self.started,
            map_error=self.map_error(sums, row),
            trace=PathTrace(
                sums.alphas[used], weights[used], sums.scores[used], sums.slopes[used], sums.mean_gradients[used]
            ),
        )

    def map_error(self, sums: PathSums, row: int) -> float | None:
        """Estimate the map's L1 error over its L1 norm from the coarse map; None before the end or without one."""
        if sums.alphas.size < self.nodes.size or not self.coarse[row].any():
            return None
        values, coarse = sums.attributions[row], sums.attributions[len(self.rules) + row]
        size = np.abs(values).sum()
        return (
            float(np.abs(values - coarse).sum() / (INTEGRATORS[self.rules[row]].coarse_ratio * size)) if size else 0.0
        )
