"""The plain gradient at the image.

References
----------
Simonyan, Vedaldi, Zisserman, Deep Inside Convolutional Networks: Visualising Image Classification Models and
Saliency Maps, 2014, section 3.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, ClassVar

from igcore.methods.base import Task
from igcore.models.base import Of, check_of
from igcore.results import Attribution

__all__ = ["Gradient"]


@dataclass(frozen=True)
class Gradient:
    """Settings of the plain gradient ∂F(x)/∂xᵢ.

    Parameters
    ----------
    of : {"probability", "logit"}
        The score whose gradient is taken.
    """

    key: ClassVar[str] = "gradient"
    of: Of = "probability"

    def __post_init__(self) -> None:
        check_of(self.of)

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return {"of": self.of}

    def attribute(self, task: Task) -> Attribution:
        """Compute the gradient: a heat map, not shares of the score."""
        started = time.perf_counter()
        scores, gradients = task.model.gradients(task.image[None], task.target, self.of)
        return Attribution(
            values=gradients[0],
            image=task.image,
            baseline=None,
            target=task.target,
            label=task.model.spec.label(task.target),
            model=task.model.spec.key,
            method=self.key,
            settings={**self.describe(), "seed": task.seed},
            score=float(scores[0]),
            baseline_score=None,
            additive=False,
            gradient_count=1,
            seconds=time.perf_counter() - started,
        )
