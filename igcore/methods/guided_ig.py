"""Guided Integrated Gradients: a path that moves first what the score depends on least.

References
----------
Kapishnikov, Venugopalan, Avci, Wedin, Terry, Bolukbasi, Guided Integrated Gradients: an Adaptive Path Method for
Removing Noise, CVPR 2021, algorithm 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import Baseline, as_baseline
from igcore.errors import ModelError
from igcore.methods.base import MethodSpec, Settings, Sums, Task
from igcore.models.base import Of
from igcore.paths import StraightPath
from igcore.registry import parameter
from igcore.results import Attribution
from igcore.speed import Cost

__all__ = ["SPECS", "GuidedIG"]

#: How near a step comes to its distance from the image, over the whole distance.
CLOSE = 1e-9

#: Of a step, for each pixel; measured on two cores at 224 × 224.
SECONDS = 8e-8

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GuidedIG(Settings):
    """Settings of Guided Integrated Gradients.

    Parameters
    ----------
    baseline : str, baseline settings or (H, W, 3) array
    steps : int
        Gradients, each taken where the step before has ended.
    fraction : float
        Which part of the values, those of smallest |∂F/∂xᵢ|, moves at a time.
    max_dist : float
        How far, as a part of the whole way, a value may be ahead of or behind the straight path; 0 is the straight
        path itself.
    of : {"probability", "logit"}
        The score that is explained.

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    The attribution of value i is Σₜ ∂F(xₜ₋₁)/∂xᵢ (xₜ − xₜ₋₁)ᵢ. Step t leads to where the L1 distance to the image is
    1 − t/T of that of the baseline, as on the straight path, and moves the values of smallest gradient first.
    The integral sums to F(x) − F(x′), but each step counts with the gradient at its start, and a path that turns to
    where that gradient is small leaves it as soon as it grows: on networks the sum may be off by more than itself.

    References
    ----------
    Kapishnikov et al. 2021, algorithm 1.
    """

    key: ClassVar[str] = "guided-ig"
    sums: ClassVar[Sums] = "integral"
    baseline: str | Baseline | NDArray[np.float32] = "black"
    steps: int = parameter(100, label="Steps", low=1, high=1_000, step=1, help="How finely the path is cut.")
    fraction: float = parameter(
        0.25, label="Fraction", low=0.05, high=1.0, step=0.05, unit="of the values",
        help="How many values move at a time: those on which the score depends least.",
    )  # fmt: skip
    max_dist: float = parameter(
        0.02, label="Distance", low=0.0, high=1.0, step=0.01, unit="of the way",
        help="How far a value may be ahead of or behind the straight path.",
    )  # fmt: skip
    of: Of = "probability"

    def cost(self, size: tuple[int, int]) -> Cost:
        """Return what an explanation takes."""
        return Cost(forwards=2, gradients=self.steps, in_turn=True, seconds=self.steps * SECONDS * size[0] * size[1])

    def attribute(self, task: Task) -> Attribution:
        """Compute the attribution, one gradient after the other; none where the baseline is the image."""
        path = StraightPath(as_baseline(self.baseline).make(task.image, task.seed), task.image)
        score, baseline_score = task.score(np.stack([path.image, path.baseline]), self.of)
        walk = _Walk(path, self)
        values = np.zeros(task.image.shape)
        steps = self.steps if walk.length else 0
        for step in range(1, steps + 1):
            task.check()
            _, gradients = task.model.gradients(walk.point[None], task.target, self.of)
            if not np.isfinite(gradients).all():
                raise ModelError("the model's gradient is not finite on this path; choose another baseline")
            values += walk.move(step, gradients[0]) * gradients[0]
            task.tell(step, steps)
        if not steps:
            task.tell(self.steps, self.steps)
        return task.result(
            self,
            values,
            score,
            baseline=path.baseline,
            baseline_score=float(baseline_score),
            gradient_count=steps,
            forward_count=2,
        )


class _Walk:
    """Where the path is. `done` says of each value which part of its own way lies behind it, from 0 to 1."""

    def __init__(self, path: StraightPath, method: GuidedIG) -> None:
        self.method = method
        self.shape = path.image.shape
        self.start = path.baseline.astype(np.float64).ravel()
        self.way = path.image.ravel() - self.start
        self.size = np.abs(self.way)
        self.length = float(self.size.sum())
        # A value that has no way to go has gone it.
        self.done = np.where(self.size > 0, 0.0, 1.0)
        # The quantile is one over all values; those that may not move any more count as infinitely steep.
        self.rank = math.floor(method.fraction * (self.size.size - 1))

    @property
    def point(self) -> NDArray[np.float32]:
        """The image at which the path is: (H, W, 3)."""
        point: NDArray[np.float32] = (self.start + self.done * self.way).astype(np.float32).reshape(self.shape)
        return point

    def move(self, step: int, gradient: NDArray[np.float32]) -> Array:
        """Go one step, and return by how much each value has changed: (H, W, 3)."""
        before = self.done.copy()
        even = step / self.method.steps
        low, high = max(even - self.method.max_dist, 0.0), min(even + self.method.max_dist, 1.0)
        np.maximum(self.done, low, out=self.done)
        left_over = float(np.einsum("i,i", self.size, 1 - self.done)) - self.length * (1 - even)
        self._spend(left_over, high, np.abs(gradient).ravel())
        return ((self.done - before) * self.way).reshape(self.shape)

    def _spend(self, left_over: float, high: float, steepness: NDArray[np.float32]) -> None:
        """Move values toward `high`, the flattest first, until they have gone `left_over` together."""
        waiting = np.flatnonzero(self.done < high)
        steepness = steepness[waiting]
        while left_over > CLOSE * self.length and waiting.size:
            if self.rank < waiting.size:
                chosen = steepness <= np.partition(steepness, self.rank)[self.rank]
            else:
                chosen = np.ones(waiting.size, bool)
            moved = waiting[chosen]
            room = high - self.done[moved]
            most = float(np.einsum("i,i", self.size[moved], room))
            if most > left_over:
                self.done[moved] += left_over / most * room
                return
            self.done[moved] = high
            left_over -= most
            waiting, steepness = waiting[~chosen], steepness[~chosen]


SPECS = (
    MethodSpec(
        "guided-ig",
        "Guided IG",
        "Integrated Gradients on a bent path: the pixels on which the score depends least change first, which avoids "
        "steep places that only add noise. The path depends on the model and bends sharply, so the sum can miss the "
        "score's change by far, and more steps need not mend it.",
        r"A_i = \int_0^1 \frac{\partial F(\gamma(\alpha))}{\partial x_i} \, "
        r"\frac{\partial \gamma_i(\alpha)}{\partial \alpha} \, d\alpha, \\ \gamma(0) = x', \; \gamma(1) = x",
        GuidedIG,
        "gradients",
        "Kapishnikov, Venugopalan, Avci, Wedin, Terry, Bolukbasi 2021, algorithm 1",
    ),
)
