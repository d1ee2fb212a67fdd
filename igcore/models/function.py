"""A function of a few numbers behind the protocol of a classifier, so that what explains photos explains it, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from igcore.errors import InputError, ModelError
from igcore.models.base import ModelSpec, Of, PathChunk
from igcore.results import Attribution

__all__ = ["FunctionModel"]

Array = NDArray[np.float32]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FunctionModel:
    """A differentiable function F of n numbers; its one class is F, to be explained with ``of="logit"``.

    An image of it is (1, n, 3): number i lies in the red value of pixel i, where 0 stands for `low` and 1 for `high`.

    Attributes
    ----------
    name : str
    function : callable
        (B, n) float64 → (B,) float64.
    slopes : callable
        Its partial derivatives, (B, n) → (B, n); at a kink, those of one side.
    size : int
        n.
    low, high : float
        The range of every number.
    """

    name: str
    function: Callable[[Numbers], NDArray[np.floating]]
    slopes: Callable[[Numbers], NDArray[np.floating]]
    size: int = 1
    low: float = 0.0
    high: float = 1.0
    chunk: int = 4096

    @property
    def spec(self) -> ModelSpec:
        """What is known of the function, as of a network."""
        return ModelSpec("function", self.name, "a formula", "none", (1, self.size), (self.name,))

    @property
    def graph(self) -> Any:
        """Raise `ModelError`: a function has no layers."""
        raise ModelError("a function has no layers; choose a method that needs none")

    def image(self, *numbers: float) -> Array:
        """Return the image that stands for some numbers: (1, n, 3).

        Raises
        ------
        InputError
            Where they are too many, too few, or out of range.
        """
        values = np.asarray(numbers, np.float64)
        if values.shape != (self.size,) or not (np.all(values >= self.low) and np.all(values <= self.high)):
            raise InputError(f"numbers are {numbers}; expected {self.size} from {self.low:g} to {self.high:g}")
        image = np.zeros((1, self.size, 3), np.float32)
        image[0, :, 0] = (values - self.low) / (self.high - self.low)
        return image

    def shares(self, attribution: Attribution) -> Numbers:
        """Return each number's share of an attribution: (n,)."""
        return attribution.values[0, :, 0].astype(np.float64)

    def scores(self, images: Array, of: Of = "probability") -> Array:
        """Return F: (B, 1, n, 3) → (B, 1)."""
        _check(of)
        return self.function(self._numbers(images)).astype(np.float32)[:, None]

    def gradients(self, images: Array, target: int, of: Of = "probability") -> tuple[Array, Array]:
        """Return F (B,) and its derivatives with respect to the image (B, 1, n, 3)."""
        scores = self.scores(images, of)[:, target]
        found = np.zeros(images.shape, np.float32)
        found[:, 0, :, 0] = self.slopes(self._numbers(images)) * (self.high - self.low)
        return scores, found

    def path_chunk(self, baseline: Any, velocity: Any, alphas: Any, weights: Any, target: int, of: Of) -> PathChunk:
        """Weigh the gradients at baseline + α · velocity."""
        scores, gradients = self.gradients(baseline + np.reshape(alphas, (-1, 1, 1, 1)) * velocity, target, of)
        slopes = (gradients * velocity).sum(axis=(1, 2, 3))
        return PathChunk(np.tensordot(weights, gradients, 1), scores, slopes, gradients.mean(axis=(1, 2, 3)))

    def along(self, numbers: ArrayLike) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return F and its derivatives at numbers: (B, n) → (B,), (B, n)."""
        rows = np.asarray(numbers, np.float64)
        return self.function(rows), self.slopes(rows)

    def _numbers(self, images: Array) -> Numbers:
        return self.low + (self.high - self.low) * images[:, 0, :, 0].astype(np.float64)


def _check(of: Of) -> None:
    if of != "logit":
        raise InputError("a function has no probabilities; explain it with of=logit")
