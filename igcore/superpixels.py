"""Superpixels: an image cut into patches of similar color, and the image with some of them taken away.

References
----------
Achanta, Shaji, Smith, Lucchi, Fua, Süsstrunk, SLIC Superpixels Compared to State-of-the-Art Superpixel Methods, 2012.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mixed", "spread", "superpixels"]

Array = NDArray[np.float32]

#: How much a straight border counts against a like color, as scikit-image proposes for CIELAB.
COMPACTNESS = 10.0


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
