"""The question that tests an explanation, or the controls beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

import igcore
from igcore.evaluation import Candidate, effort_of, evaluation_costs
from igcore.images import digest
from igcore.methods import Method
from igcore.metrics import Metric, Order
from igcore.metrics.rows import Evaluation
from igcore.models import Of
from igcore.runtime.question import Lane, Models, OnProgress, Question, ShouldStop, name_of

__all__ = ["Evaluate"]


@dataclass(frozen=True, eq=False)
class Evaluate(Question[Evaluation]):
    """One explanation of an image, tested; without a method, the controls."""

    model: str
    image: NDArray[np.float32]
    method: Method | None
    metrics: Mapping[str, Metric]
    target: int
    of: Of
    order: Order
    seed: int = 0
    lane: ClassVar[Lane] = "study"

    @property
    def candidates(self) -> list[Candidate]:
        """What is tested beside controls."""
        return [] if self.method is None else [Candidate(self.method.key, self.method)]

    @property
    def key(self) -> str:
        """See `Question`."""
        told = None if self.method is None else (self.method.key, self.method.describe())
        metrics = [(key, metric.describe()) for key, metric in self.metrics.items()]
        parts = (self.model, digest(self.image), told, metrics, self.target, self.of, self.order, self.seed)
        return name_of("evaluate", *parts)

    @property
    def gradients(self) -> int:
        """See `Question`."""
        return round(self.effort[1] / 2)

    @property
    def effort(self) -> tuple[str, float]:
        """Name its duration by forward passes."""
        costs = evaluation_costs(self.candidates, self.metrics, self.image.shape[:2], self.method is None)
        return f"{self.model}:evaluate", max(effort_of(costs.values()), 1.0)

    def answer(self, models: Models, on_progress: OnProgress, should_stop: ShouldStop) -> Evaluation:
        """Compute it."""
        return igcore.evaluate(
            models(self.model),
            self.image,
            self.candidates,
            list(self.metrics.values()),
            self.target,
            self.of,
            self.order,
            self.seed,
            controlled=self.method is None,
            on_progress=on_progress,
            should_stop=should_stop,
        )

    def size(self, answer: Evaluation) -> int:
        """Count the maps, and image and baseline of the explanation."""
        maps = [*answer.rows, *answer.random, *([answer.edges] if answer.edges is not None else [])]
        return sum(3 * row.values.nbytes for row in maps)
