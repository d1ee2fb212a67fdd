"""The plain gradient at the image, and the gradient times the image.

References
----------
Simonyan, Vedaldi, Zisserman, Deep Inside Convolutional Networks: Visualising Image Classification Models and
Saliency Maps, 2014, section 3.
Shrikumar, Greenside, Shcherbina, Kundaje, Not Just a Black Box: Learning Important Features Through Propagating
Activation Differences, 2016, section 2, for the gradient times the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from igcore.methods.base import MethodSpec, Settings, Sums, Task
from igcore.models.base import Of
from igcore.results import Attribution
from igcore.speed import Cost

__all__ = ["SPECS", "Gradient", "GradientXInput"]


@dataclass(frozen=True)
class Gradient(Settings):
    """Settings of the plain gradient ∂F(x)/∂xᵢ.

    Parameters
    ----------
    of : {"probability", "logit"}
        The score whose gradient is taken.
    """

    key: ClassVar[str] = "gradient"
    sums: ClassVar[Sums] = "none"
    of: Of = "probability"

    def cost(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what an explanation takes."""
        return Cost(gradients=1)

    def attribute(self, task: Task) -> Attribution:
        """Compute the map: a heat map, not shares of the score."""
        task.check()
        scores, gradients = task.model.gradients(task.image[None], task.target, self.of)
        task.tell(1, 1)
        return task.result(self, gradients[0] * self._factor(task), scores[0], gradient_count=1)

    def _factor(self, _: Task) -> Any:
        return 1


@dataclass(frozen=True)
class GradientXInput(Gradient):
    """Settings of the gradient times the image, xᵢ ∂F(x)/∂xᵢ; see `Gradient`."""

    key: ClassVar[str] = "gradient-x-input"

    def _factor(self, task: Task) -> Any:
        return task.image


SPECS = (
    MethodSpec(
        "gradient",
        "Gradient",
        "The slope of the score at the image itself: which pixels would change it most if they changed a little. "
        "Where the score is saturated the slope is small and noisy, although the pixel matters.",
        r"A_i = \frac{\partial F(x)}{\partial x_i}",
        Gradient,
        "gradients",
        "Simonyan, Vedaldi, Zisserman 2014, section 3",
    ),
    MethodSpec(
        "gradient-x-input",
        "Gradient × Input",
        "The slope times the pixel's own value: a guess, from here alone, of what the pixel has added since black. "
        "It is Integrated Gradients over black with one node, so black pixels get nothing and saturation misleads it.",
        r"A_i = x_i \, \frac{\partial F(x)}{\partial x_i}",
        GradientXInput,
        "gradients",
        "Shrikumar, Greenside, Shcherbina, Kundaje 2016, section 2",
    ),
)
