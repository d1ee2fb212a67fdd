"""Controls: maps that know nothing of the model, with which every metric is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["RANDOM_SEEDS", "Control", "EdgeControl", "RandomControl", "controls"]

Array = NDArray[np.float32]

#: Random maps, of which mean and spread are told.
RANDOM_SEEDS = 5


class Control(Protocol):
    """A map that is made without the model."""

    @property
    def key(self) -> str:
        """What it is called in tables."""
        ...

    def values(self, image: Array) -> Array:
        """Return the map: (H, W, 3) float32."""
        ...


@dataclass(frozen=True)
class RandomControl:
    """A random number for each pixel, the same for every image."""

    number: int
    seed: int = 0

    @property
    def key(self) -> str:
        """What it is called in tables."""
        return f"random-{self.number + 1}"

    def values(self, image: Array) -> Array:
        """Return the map: (H, W, 3) float32 in [0, 1)."""
        generator = np.random.default_rng([self.seed, self.number])
        return np.repeat(generator.random((*image.shape[:2], 1), np.float32), 3, axis=-1)


@dataclass(frozen=True)
class EdgeControl:
    """The edges of the photo: Sobel's gradient of its brightness."""

    key: ClassVar[str] = "edges"

    def values(self, image: Array) -> Array:
        """Return the map: (H, W, 3) float32, 0 or more."""
        from skimage.color import rgb2gray
        from skimage.filters import sobel

        return np.repeat(sobel(rgb2gray(image))[..., None], 3, axis=-1).astype(np.float32)


def controls(seed: int) -> tuple[Control, ...]:
    """Return all controls: the random ones, then the edges."""
    return (*(RandomControl(number, seed) for number in range(RANDOM_SEEDS)), EdgeControl())
