"""Square patches that tile an image, and the order in which a heat map takes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError

__all__ = ["PATCH_HELP", "patch_sums", "ranking", "tiles"]

PATCH_HELP = (
    "Side of the squares that are removed together; 1 = single pixels. Single pixels disturb a network as noise does."
)


def tiles(shape: tuple[int, ...], size: int) -> NDArray[np.intp]:
    """Tile an image with squares, smaller ones at the far borders where the side does not fit.

    Returns
    -------
    (H, W) int
        The tile of each pixel, from 0, row by row.

    Raises
    ------
    InputError
        Where a tile is larger than the image.
    """
    height, width = shape[:2]
    if not 1 <= size <= min(height, width):
        raise InputError(f"patch is {size}; expected 1 to {min(height, width)}, the image's shorter side")
    rows, columns = np.arange(height) // size, np.arange(width) // size
    labels: NDArray[np.intp] = rows[:, None] * (columns[-1] + 1) + columns[None]
    return labels


def patch_sums(heat: NDArray[np.floating], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """Sum a map over each tile: (H, W) → (n,)."""
    return np.bincount(labels.ravel(), np.asarray(heat, np.float64).ravel()).astype(np.float64)


def ranking(heat: NDArray[np.floating], labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the place of each tile when a heat map orders them, its highest mean first: (H, W) → (n,) from 0.

    Tiles of one value, whole superpixels for instance, come in a scattered order that is always the same: from the
    top down they would add a bias of their own.
    """
    means = patch_sums(heat, labels) / np.bincount(labels.ravel())
    scattered = np.random.default_rng(0).permutation(means.size)
    places = np.empty(means.size, np.intp)
    places[scattered[np.argsort(-means[scattered], kind="stable")]] = np.arange(means.size)
    return places
