"""Paths from a baseline to an image: the point and the velocity at each α in [0, 1]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from igcore.images import check_image

__all__ = ["StraightPath"]


@dataclass(frozen=True, eq=False)
class StraightPath:
    """The straight line x′ + α(x − x′), the path of Integrated Gradients.

    Parameters
    ----------
    baseline, image : (H, W, 3) float32 in [0, 1]

    Raises
    ------
    InputError
        Where an array is not an image, or the two differ in shape.

    References
    ----------
    Sundararajan, Taly, Yan 2017, section 3.
    """

    baseline: NDArray[np.float32]
    image: NDArray[np.float32]

    def __post_init__(self) -> None:
        check_image(self.image, "image")
        check_image(self.baseline, "baseline", like=self.image)

    @property
    def velocity(self) -> NDArray[np.float32]:
        """x − x′, the same at every α: (H, W, 3) float32."""
        return self.image - self.baseline

    def points(self, alphas: ArrayLike) -> NDArray[np.float32]:
        """Return the images at `alphas` (n,): (n, H, W, 3) float32."""
        alpha = np.asarray(alphas, dtype=np.float32).reshape(-1, 1, 1, 1)
        return self.baseline + alpha * self.velocity
