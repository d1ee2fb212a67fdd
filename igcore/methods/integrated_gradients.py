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
        started = time.perf_counter()
        baseline = as_baseline(self.baseline).make(task.image, task.seed)
        path = StraightPath(baseline, task.image)
        ends = task.model.scores(np.stack([task.image, baseline]), self.of)[:, task.target]
        nodes, weights = shared_nodes(rules, self.steps, task.seed)

        def result(sums: PathSums, row: int) -> Attribution:
            count = sums.alphas.size
            used = weights[row, :count] != 0
            return Attribution(
                values=sums.attributions[row].astype(np.float32),
                image=task.image,
                baseline=baseline,
                target=task.target,
                label=task.model.spec.label(task.target),
                model=task.model.spec.key,
                method=self.key,
                settings={**replace(self, integrator=rules[row]).describe(), "seed": task.seed},
                score=float(ends[0]),
                baseline_score=float(ends[1]),
                additive=True,
                gradient_count=count,
                seconds=time.perf_counter() - started,
                trace=PathTrace(
                    sums.alphas[used],
                    weights[row, :count][used],
                    sums.scores[used],
                    sums.slopes[used],
                    sums.mean_gradients[used],
                ),
            )

        def on_chunk(sums: PathSums) -> None:
            if task.on_progress is not None:
                task.on_progress(Progress(sums.alphas.size, nodes.size, result(sums, 0)))

        sums = integrate(task.model, path, nodes, weights, task.target, self.of, on_chunk, task.should_stop)
        return {rule: result(sums, row) for row, rule in enumerate(rules)}
