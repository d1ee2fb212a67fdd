"""Guided backpropagation.

References
----------
Springenberg, Dosovitskiy, Brox, Riedmiller, Striving for Simplicity: The All Convolutional Net, 2015, section 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from igcore.methods.base import MethodSpec, Settings, Sums, Task
from igcore.models.base import Of
from igcore.results import Attribution
from igcore.speed import Cost

__all__ = ["SPECS", "GuidedBackprop"]


@dataclass(frozen=True)
class GuidedBackprop(Settings):
    """Settings of guided backpropagation: a gradient that passes a ReLU only where it is positive itself.

    A ReLU6 passes what its own derivative passes: nothing below zero, and nothing from its ceiling on.
    """

    key: ClassVar[str] = "guided-backprop"
    sums: ClassVar[Sums] = "none"
    only_of: ClassVar[Of | None] = "logit"

    def cost(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what an explanation takes."""
        return Cost(gradients=1, seconds=0.15)

    def attribute(self, task: Task) -> Attribution:
        """Compute the map: a heat map, not shares of the score."""
        from igcore.models.layers import Rectifier

        graph = task.model.graph
        outputs = graph.activations(task.image[None])
        start = np.zeros_like(outputs[-1])
        start[0, task.target] = 1

        def step(_: int, node: Any, gradient: Any) -> Any:
            task.check()
            passed = np.maximum(gradient, 0) if isinstance(node, Rectifier) else gradient
            return node.backward(passed, *(outputs[index] for index in node.inputs))

        values = graph.back(start, step)[0][0] * graph.scale
        task.tell(1, 1)
        return task.result(self, values, float(outputs[-1][0, task.target]), gradient_count=1)


SPECS = (
    MethodSpec(
        "guided-backprop",
        "Guided backpropagation",
        "A gradient from which all that is negative is dropped at every ReLU on its way back, which gives crisp maps. "
        "Crisp is not true: it mostly repeats the image's edges and hardly depends on the class.",
        r"R^{l} = \mathbb{1}[x^{l} > 0] \; \mathbb{1}[R^{l+1} > 0] \; R^{l+1}",
        GuidedBackprop,
        "layers",
        "Springenberg, Dosovitskiy, Brox, Riedmiller 2015, section 3.4",
    ),
)
