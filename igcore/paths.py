"""Paths from a baseline to an image: the point and the velocity at each α in [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from igcore.errors import InputError
from igcore.images import check_image

__all__ = ["BlurPath", "StraightPath"]


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


@dataclass(frozen=True, eq=False)
class BlurPath:
    """The image blurred less and less: σ(α) = (1 − α) `sigma`, the path of Blur Integrated Gradients.

    Parameters
    ----------
    image : (H, W, 3) float32 in [0, 1]
    sigma : float
        Standard deviation of the Gaussian at α = 0, in pixels.

    Raises
    ------
    InputError
        Where the array is not an image, or `sigma` is not a positive number.

    Notes
    -----
    The picture is mirrored at its edges, so its cosine transform (DCT-II) is the one in which a blur is a product:
    x(σ) has the coefficients exp(−σ²ω²/2) c, with ω² = ω₁² + ω₂² and ωₖ = πk/N on an axis of N pixels. The derivative
    with respect to σ is therefore exact, −σω² exp(−σ²ω²/2) c.

    References
    ----------
    Xu, Venugopalan, Sundararajan 2020, section 3, for the path.
    Lindeberg, Scale-Space for Discrete Signals, 1990, for scale spaces by their frequencies.
    """

    image: NDArray[np.float32]
    sigma: float = 50.0
    _coefficients: NDArray[np.float32] = field(init=False, repr=False)
    _squares: tuple[NDArray[np.float64], NDArray[np.float64]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        from scipy.fft import dctn

        check_image(self.image, "image")
        if not 0 < self.sigma < math.inf:
            raise InputError(f"sigma is {self.sigma}; expected a positive number of pixels")
        coefficients = dctn(self.image.astype(np.float32), type=2, axes=(0, 1), norm="ortho")
        rows, columns = ((np.pi * np.arange(size) / size) ** 2 for size in self.image.shape[:2])
        object.__setattr__(self, "_coefficients", coefficients)
        object.__setattr__(self, "_squares", (rows, columns))

    def points(self, alphas: ArrayLike) -> NDArray[np.float32]:
        """Return the blurred images at `alphas` (n,): (n, H, W, 3) float32, in [0, 1] up to rounding."""
        return self._picture(self._decay(self._sigmas(alphas)))

    def velocities(self, alphas: ArrayLike) -> NDArray[np.float32]:
        """Return their derivatives with respect to α: (n, H, W, 3) float32."""
        sigmas = self._sigmas(alphas)
        squares = np.add.outer(*self._squares)
        # dσ/dα = −sigma turns the sign.
        return self._picture(self.sigma * sigmas[:, None, None] * squares * self._decay(sigmas))

    def _sigmas(self, alphas: ArrayLike) -> NDArray[np.float64]:
        sigmas: NDArray[np.float64] = self.sigma * (1 - np.asarray(alphas, np.float64).reshape(-1))
        return sigmas

    def _decay(self, sigmas: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what a blur leaves of each coefficient: (n, H, W)."""
        rows, columns = (np.exp(np.multiply.outer(sigmas**2, axis) / -2) for axis in self._squares)
        return rows[:, :, None] * columns[:, None, :]

    def _picture(self, factors: NDArray[np.float64]) -> NDArray[np.float32]:
        from scipy.fft import idctn

        coefficients = factors.astype(np.float32)[..., None] * self._coefficients
        pictures: NDArray[np.float32] = idctn(coefficients, type=2, axes=(1, 2), norm="ortho", overwrite_x=True)
        return pictures
