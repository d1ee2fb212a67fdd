"""Square windows that together cover an image, for methods that change one at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError

__all__ = ["SIZE_HELP", "STRIDE_HELP", "check_fits", "mean_over_windows", "windows"]

SIZE_HELP = "Side of the window. A large window sees whole parts, a small one fine detail at a higher price."
STRIDE_HELP = (
    "How far the window moves each time, at most by itself. A small one gives a smoother map at a higher price."
)


def windows(shape: tuple[int, ...], size: int, stride: int) -> NDArray[np.intp]:
    """Return the top left corners of square windows that together cover an image.

    Parameters
    ----------
    shape : (height, width)
    size, stride : int
        A stride larger than `size`, which would leave pixels out, counts as `size`. The last window of a row or
        column ends at the border.

    Returns
    -------
    (n, 2) int
    """
    step = min(stride, size)
    rows, columns = ([*range(0, length - size, step), max(length - size, 0)] for length in shape[:2])
    return np.array([(row, column) for row in rows for column in columns], np.intp)


def mean_over_windows(
    shape: tuple[int, ...], corners: NDArray[np.intp], size: int, amounts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give each pixel the mean of the amounts of the windows that cover it: (n,) → (H, W)."""
    total, count = np.zeros(shape[:2]), np.zeros(shape[:2])
    for (row, column), amount in zip(corners, amounts, strict=True):
        total[row : row + size, column : column + size] += amount
        count[row : row + size, column : column + size] += 1
    return total / count


def check_fits(key: str, size: int, shape: tuple[int, ...]) -> None:
    """Raise `InputError` where a window is larger than the image."""
    if size > min(shape[:2]):
        raise InputError(
            f"{key}: size {size} is larger than the image of {shape[0]} × {shape[1]} pixels; "
            f"choose at most {min(shape[:2])}"
        )
