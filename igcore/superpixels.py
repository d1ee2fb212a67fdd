"""Superpixels: an image cut into patches, of similar color or by a grid, and the image with some of them taken away.

References
----------
Achanta, Shaji, Smith, Lucchi, Fua, Süsstrunk, SLIC Superpixels Compared to State-of-the-Art Superpixel Methods, 2012.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError

__all__ = ["few_superpixels", "gathered", "grid", "mixed", "spread", "superpixels"]

Array = NDArray[np.float32]

#: How much a straight border counts against a like color, as scikit-image proposes for CIELAB.
COMPACTNESS = 10.0

#: Patches from which few are joined.
FINE = 150


def superpixels(image: Array, count: int) -> NDArray[np.intp]:
    """Cut an image into about `count` patches of similar color.

    Parameters
    ----------
    image : (H, W, 3) float32 in [0, 1]
    count : int
        What is aimed at. SLIC starts from a regular grid and joins patches that turn out too small, so there are
        often fewer.

    Returns
    -------
    (H, W) int
        The patch of each pixel, from 0 to n − 1, each of which occurs.

    Notes
    -----
    Nothing in it is random: the same image gives the same patches.
    """
    from skimage.segmentation import slic

    found = slic(image, n_segments=count, compactness=COMPACTNESS, start_label=0)
    labels = np.unique(found, return_inverse=True)[1]
    return np.asarray(labels, np.intp).reshape(found.shape)


def few_superpixels(image: Array, count: int) -> NDArray[np.intp]:
    """Cut an image into at most `count` connected patches of similar color, and into as many where it can be.

    Parameters
    ----------
    image : (H, W, 3) float32 in [0, 1]
    count : int

    Returns
    -------
    (H, W) int
        The patch of each pixel, from 0 to n − 1 in the order in which they begin, row by row.

    Notes
    -----
    SLIC by itself gives what it likes where few are asked for. So the image is cut into `FINE` patches, and the two
    neighbors that are cheapest to join are joined until no more than `count` are left. Joining a and b costs
    |a| |b| / (|a| + |b|) · ‖color of a − color of b‖² in CIELAB, by which their colors' variance within patches grows.

    References
    ----------
    Ward, Hierarchical Grouping to Optimize an Objective Function, 1963, restricted to neighbors.
    """
    from skimage.color import rgb2lab

    labels = superpixels(image, FINE)
    sizes = gathered(np.ones(labels.shape), labels)
    color = rgb2lab(image)
    colors = np.stack([gathered(color[..., channel], labels) / sizes for channel in range(3)], axis=1)
    near = _neighbors(labels)
    into = np.arange(len(sizes))
    for _ in range(len(sizes) - count):
        pairs = np.argwhere(np.triu(near))
        if not len(pairs):
            break
        a, b = pairs.T
        costs = sizes[a] * sizes[b] / (sizes[a] + sizes[b]) * ((colors[a] - colors[b]) ** 2).sum(axis=1)
        a, b = pairs[costs.argmin()]
        colors[a] = (sizes[a] * colors[a] + sizes[b] * colors[b]) / (sizes[a] + sizes[b])
        sizes[a] += sizes[b]
        near[a] |= near[b]
        near[:, a] |= near[:, b]
        near[b] = near[:, b] = near[a, a] = False
        into[into == b] = a
    return _in_order(into[labels])


def _neighbors(labels: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which patches share a border: (n, n) bool, symmetric, False on its diagonal."""
    near = np.zeros((labels.max() + 1,) * 2, bool)
    for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        near[one, other] = near[other, one] = True
    np.fill_diagonal(near, False)
    return near


def _in_order(labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Number patches anew, from 0 on in the order in which they begin."""
    _, first, found = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[found].reshape(labels.shape)


def grid(shape: tuple[int, ...], count: int) -> NDArray[np.intp]:
    """Cut an image into exactly `count` rectangles of nearly the same size.

    Parameters
    ----------
    shape : (height, width)
    count : int

    Returns
    -------
    (H, W) int
        The rectangle of each pixel, row by row, from 0 to `count` − 1.

    Raises
    ------
    InputError
        Where the image has fewer pixels than that in a row or a column.

    Notes
    -----
    Of all numbers of rows, the one that makes the rectangles most square; a plain grid is preferred to rows that differ
    in length unless its rectangles are twice as long as those. So 6 are 2 × 3, and 7, which are no good plain grid,
    two rows of two above one of three.
    """
    height, width = shape[:2]
    if count < 1:
        raise InputError(f"{count} cells cannot be made; expected 1 or more")
    rows = min(range(1, count + 1), key=lambda one: _unlikeness(one, count, height, width))
    in_row = [(row + 1) * count // rows - row * count // rows for row in range(rows)]
    if rows > height or max(in_row) > width:
        raise InputError(f"an image of {height} × {width} pixels has no {count} cells; choose fewer")
    of_row = np.arange(height) * rows // height
    first = np.cumsum([0, *in_row[:-1]])
    columns = np.stack([np.arange(width) * cells // width for cells in in_row])
    return (first[of_row][:, None] + columns[of_row]).astype(np.intp)


def _unlikeness(rows: int, count: int, height: int, width: int) -> tuple[float, int]:
    """Return how far the cells of so many rows are from squares, as the logarithm of their sides' ratio, and the rows.

    Rounded, so that of 2 × 3 and 3 × 2 the same one is taken everywhere. Rows of different length count as a ratio of
    two more.
    """
    ratio = abs(np.log((height / rows) / (width * rows / count)))
    return round(float(ratio + (np.log(2) if count % rows else 0.0)), 9), rows


def mixed(image: Array, baseline: Array, labels: NDArray[np.intp], present: NDArray[np.bool_]) -> Array:
    """Show the image in the patches that are present and the baseline in the others.

    Parameters
    ----------
    image, baseline : (H, W, 3) float32 in [0, 1]
    labels : (H, W) int
    present : (m, n) bool
        For each of m pictures, which of the n patches are there.

    Returns
    -------
    (m, H, W, 3) float32
    """
    return np.where(present[:, labels][..., None], image, baseline).astype(np.float32, copy=False)


def spread(amounts: NDArray[np.float64], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """Spread each patch's amount evenly over its pixels: (n,) → (H, W), which sums to the same."""
    pixels = np.bincount(labels.ravel(), minlength=len(amounts))
    return (amounts / pixels)[labels]


def gathered(values: NDArray[np.floating], labels: NDArray[np.intp]) -> NDArray[np.float64]:
    """Sum a map over each patch: (H, W) → (n,), which sums to the same."""
    sums = np.bincount(labels.ravel(), weights=values.ravel())
    return sums.astype(np.float64, copy=False)
