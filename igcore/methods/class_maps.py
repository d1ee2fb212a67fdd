"""Class activation maps: Grad-CAM and Grad-CAM++.

References
----------
Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra, Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization, 2017.
Chattopadhay, Sarkar, Howlader, Balasubramanian, Grad-CAM++: Generalized Gradient-based Visual Explanations for Deep
Convolutional Networks, 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError
from igcore.methods.base import MethodSpec, Settings, Sums, Task, over_channels
from igcore.models.base import Of
from igcore.registry import parameter
from igcore.results import Attribution
from igcore.speed import Cost

__all__ = ["SPECS", "GradCam", "GradCamPlusPlus"]

Array = NDArray[np.floating]


@dataclass(frozen=True)
class GradCam(Settings):
    """Settings of Grad-CAM: the channels of a layer, weighed by the mean of the logit's gradient over each.

    Parameters
    ----------
    layer : str
        Name of a layer whose output has positions; empty for the last one.

    References
    ----------
    Selvaraju et al. 2017, equations 1 and 2.
    """

    key: ClassVar[str] = "grad-cam"
    sums: ClassVar[Sums] = "none"
    only_of: ClassVar[Of | None] = "logit"
    layer: str = parameter("", label="Layer", help="Empty for the last layer whose output still has positions.")

    def cost(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what an explanation takes."""
        return Cost(gradients=1)

    def attribute(self, task: Task) -> Attribution:
        """Compute the map of the layer, enlarged to the image; a heat map without negative values."""
        task.check()
        graph = task.model.graph
        outputs = graph.activations(task.image[None])
        position = _position(graph, outputs, self.layer)
        start = np.zeros_like(outputs[-1])
        start[0, task.target] = 1
        carried = graph.back(
            start, lambda _, node, value: node.backward(value, *(outputs[index] for index in node.inputs)), position
        )
        gradient = carried.get(position, np.zeros_like(outputs[position]))
        heat = np.maximum(self.combine(outputs[position][0], gradient[0]), 0)
        task.tell(1, 1)
        values = over_channels(_enlarged(heat, task.image.shape[:2]))
        return task.result(self, values, float(outputs[-1][0, task.target]), gradient_count=1)

    def combine(self, features: Array, gradient: Array) -> Array:
        """Return Σₖ αₖ Aₖ with αₖ the mean of ∂y/∂Aₖ: (h, w, K), (h, w, K) → (h, w)."""
        return np.einsum("hwk,k->hw", features, gradient.mean(axis=(0, 1)))


@dataclass(frozen=True)
class GradCamPlusPlus(GradCam):
    """Settings of Grad-CAM++: each channel weighed by its positive gradients, by position.

    Parameters
    ----------
    layer : str
        As in `GradCam`.

    References
    ----------
    Chattopadhay et al. 2018, equations 5 and 19, for the exponential of the logit.
    """

    key: ClassVar[str] = "grad-cam-plus-plus"

    def combine(self, features: Array, gradient: Array) -> Array:
        """Return Σₖ wₖ Aₖ with wₖ = Σ α relu(g) and α = g² / (2 g² + g³ Σ A); the exponential's own size drops out."""
        square = gradient**2
        bottom = 2 * square + gradient**3 * features.sum(axis=(0, 1))
        alpha = np.where(bottom != 0, square / np.where(bottom != 0, bottom, 1), 0)
        return np.einsum("hwk,k->hw", features, (alpha * np.maximum(gradient, 0)).sum(axis=(0, 1)))


def _position(graph: Any, outputs: list[Array], layer: str) -> int:
    """Return the position of the layer to look at."""
    fitting = [
        index for index, output in enumerate(outputs) if index and output.ndim == 4 and output[0, :, :, 0].size > 1
    ]
    if not fitting:
        raise InputError(
            "no layer of this network has positions, which class activation maps need; choose another method"
        )
    if not layer:
        return fitting[-1]
    named = [index for index in fitting if graph.nodes[index].name == layer]
    if not named:
        names = [graph.nodes[index].name for index in fitting]
        raise InputError(f"there is no layer {layer!r} with positions; choose one of {', '.join(names)}")
    return named[0]


def _enlarged(heat: Array, size: tuple[int, int]) -> Array:
    """Enlarge a map bilinearly: (h, w) → (H, W)."""
    from PIL import Image

    picture = Image.fromarray(heat.astype(np.float32))
    return np.asarray(picture.resize(size[::-1], Image.Resampling.BILINEAR), np.float32)


SPECS = (
    MethodSpec(
        "grad-cam",
        "Grad-CAM",
        "Adds up the feature maps of the last layer that still knows where things are, each weighed by how much it "
        "raises the class. It shows where, as a coarse blob, and nothing of what speaks against the class.",
        r"L = \mathrm{ReLU}\Big( \sum_k \alpha_k A^k \Big), \\ "
        r"\alpha_k = \frac1Z \sum_{ij} \frac{\partial y}{\partial A^k_{ij}}",
        GradCam,
        "layers",
        "Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra 2017, equations 1 and 2",
    ),
    MethodSpec(
        "grad-cam-plus-plus",
        "Grad-CAM++",
        "Grad-CAM with weights that count only rising gradients, position by position, so that several objects of a "
        "class all show. As coarse as Grad-CAM.",
        r"w_k = \sum_{ij} \frac{g_{ij}^2}{2 g_{ij}^2 + g_{ij}^3 \sum_{ab} A^k_{ab}} \, \mathrm{ReLU}(g_{ij}), "
        r"\\ g = \frac{\partial y}{\partial A^k}",
        GradCamPlusPlus,
        "layers",
        "Chattopadhay, Sarkar, Howlader, Balasubramanian 2018, equations 5 and 19",
    ),
)
