"""Integrated Gradients by Captum on the same network and weights in PyTorch: a peer to measure against."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients
from captum.attr._utils.approximation_methods import approximation_parameters
from efficientnet_lite_pytorch import EfficientNet
from numpy.typing import NDArray

from igcore.models.efficientnet_lite import weight_file

__all__ = ["BATCHES", "Captum"]

#: Among which the benchmark chooses.
BATCHES = (1, 2, 4, 8, 16, 32)

Array = NDArray[np.float32]


class Captum:
    """Captum's own algorithm on EfficientNet-Lite0 as its authors wrote it for PyTorch."""

    name = "Captum"
    rules = ("gausslegendre", "riemann_trapezoid", "riemann_middle", "riemann_left", "riemann_right")

    def __init__(self) -> None:
        self.batch = BATCHES[0]
        self.network, self.double = _network(), _network().double()
        self._explainer = IntegratedGradients(lambda images: self._probabilities(self.network, images))

    @staticmethod
    def _probabilities(network: Any, images: Any) -> Any:
        return torch.softmax(network((images * 255 - 127) / 128), 1)

    def gradient_count(self, _rule: str, steps: int) -> int:
        """Return the gradients that so many steps take."""
        return steps

    def nodes_and_weights(self, rule: str, steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the quadrature that Captum uses."""
        sizes, nodes = approximation_parameters(rule)
        return np.asarray(nodes(steps), np.float64), np.asarray(sizes(steps), np.float64)

    def attribute(self, image: Array, baseline: Array, target: int, rule: str, steps: int) -> Array:
        """Return the map: (H, W, 3) float32."""
        ends = (_tensor(image)[None], _tensor(baseline)[None])
        found = self._explainer.attribute(
            *ends, target=target, n_steps=steps, method=rule, internal_batch_size=self.batch
        )
        values: Array = found.detach().numpy()[0].transpose(1, 2, 0).astype(np.float32)
        return values

    def scores(self, images: Array) -> Array:
        """Return all classes' probabilities: (B, H, W, 3) → (B, K)."""
        with torch.no_grad():
            scores: Array = self._probabilities(self.network, _tensor(images)).numpy()
        return scores

    def in_double(
        self, image: Array, baseline: Array, target: int, nodes: NDArray[np.float64], weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the map of a quadrature with the network in double precision: (H, W, 3)."""
        start, end = (_tensor(picture.astype(np.float64)) for picture in (baseline, image))
        total = torch.zeros_like(start)
        for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
            point = (start + node * (end - start))[None].requires_grad_()
            (gradient,) = torch.autograd.grad(self._probabilities(self.double, point)[0, target], point)
            total += weight * gradient[0]
        values: NDArray[np.float64] = (total * (end - start)).numpy().transpose(1, 2, 0)
        return values


def _network() -> Any:
    with contextlib.redirect_stdout(io.StringIO()):  # it prints that it has loaded
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weight_file()))
    return network.eval().requires_grad_(False)


def _tensor(pictures: NDArray[Any]) -> Any:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(pictures, -1, -3)))
