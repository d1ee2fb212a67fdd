"""IDGI: the score's change in each step of a straight path, shared out by the squared gradient.

References
----------
Yang, Wang, Bilgic, IDGI: A Framework to Eliminate Explanation Noise from Integrated Gradients, CVPR 2023, algorithm 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import Baseline, as_baseline
from igcore.methods.base import MethodSpec, Settings, Sums, Task
from igcore.models.base import Of
from igcore.paths import StraightPath
from igcore.registry import parameter
from igcore.results import Attribution
from igcore.speed import Cost

__all__ = ["IDGI", "SPECS"]


@dataclass(frozen=True)
class IDGI(Settings):
    """Settings of IDGI, "important direction gradient integration".

    Parameters
    ----------
    baseline : str, baseline settings or (H, W, 3) array
    steps : int
        Pieces of the path, each with one gradient at its start.
    of : {"probability", "logit"}
        The score that is explained.

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    With the gradient gⱼ and the score fⱼ at x′ + (j/n)(x − x′), the attribution is Σⱼ (gⱼ∘gⱼ / ‖gⱼ‖²)(fⱼ₊₁ − fⱼ) for
    j < n. It sums to F(x) − F(x′) at any number of steps, since the differences telescope; only a step whose gradient
    is zero is lost.

    References
    ----------
    Yang, Wang, Bilgic 2023, algorithm 1.
    """

    key: ClassVar[str] = "idgi"
    sums: ClassVar[Sums] = "construction"
    baseline: str | Baseline | NDArray[np.float32] = "black"
    steps: int = parameter(50, label="Steps", low=1, high=1_000, step=1, help="How finely the path is cut.")
    of: Of = "probability"

    def cost(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what an explanation takes."""
        return Cost(forwards=1, gradients=self.steps)

    def attribute(self, task: Task) -> Attribution:
        """Compute the attribution."""
        path = StraightPath(as_baseline(self.baseline).make(task.image, task.seed), task.image)
        [last] = task.score(task.image[None], self.of)

        def points(chunk: range) -> NDArray[np.float32]:
            return path.points(np.array(chunk) / self.steps)

        values, share = np.zeros((2, *task.image.shape))
        scores: list[float] = []
        for _, found, gradients in task.gradients_of(self.steps, points, self.of):
            for score, gradient in zip(found, gradients, strict=True):
                # A step's change is known only with the score at its end.
                if scores:
                    values += share * (score - scores[-1])
                scores.append(float(score))
                share = _shares(gradient)
        values += share * (last - scores[-1])
        return task.result(
            self,
            values,
            last,
            baseline=path.baseline,
            baseline_score=scores[0],
            gradient_count=self.steps,
            forward_count=1,
        )


def _shares(gradient: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return each value's part of the squared gradient; zeros where there is no gradient to share by."""
    squares = gradient.astype(np.float64) ** 2
    total = squares.sum()
    return squares / total if total else squares


SPECS = (
    MethodSpec(
        "idgi",
        "IDGI",
        "Walks from the baseline to the image and shares out each step's true change of the score by the squared "
        "gradient, so that slopes across the way add no noise. It sums to the score's change however few steps are "
        "taken, so a correct sum is no sign that the map has converged.",
        r"A_i = \sum_{j=0}^{n-1} \frac{g_{j,i}^2}{\lVert g_j \rVert^2} \, \bigl( F(x_{j+1}) - F(x_j) \bigr), "
        r"\\ x_j = x' + \tfrac{j}{n} (x - x'), \; g_j = \nabla F(x_j)",
        IDGI,
        "gradients",
        "Yang, Wang, Bilgic 2023, algorithm 1",
    ),
)
