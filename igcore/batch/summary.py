"""What many explanations say together: where attribution falls, and which image disagrees with its class."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClassSummary", "Falls", "by_class", "where_it_falls"]

#: The border is so much of the height and width on each side, the center so much in the middle.
BORDER, CENTER = 1 / 8, 1 / 2

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Falls:
    """Where the attribution of one image falls.

    Attributes
    ----------
    center : float
        Share of Σ|A| in the middle half of height and width, which is a quarter of the area.
    border : float
        Share in the outer eighth on each side, which is 44 % of the area.
    entropy : float
        Of |A| / Σ|A| over all pixels, over its largest possible value: 0 for a single pixel, 1 for all alike.
    """

    center: float
    border: float
    entropy: float


@dataclass(frozen=True, eq=False)
class ClassSummary:
    """The images of one class.

    Attributes
    ----------
    label : str
    names : list of str
    mean : (H, W) float64
        Mean of the images' maps |A| / Σ|A|: sums to 1.
    agreement : list of float
        For each image, the correlation of its map with the mean of the others of its class, as it is when both are
        looked at from afar (in cells of an eighth); NaN for a class of one.
    """

    label: str
    names: list[str]
    mean: NDArray[np.float64]
    agreement: list[float]

    @property
    def by_disagreement(self) -> list[tuple[str, float]]:
        """Names and agreements, those that agree least first."""
        return sorted(zip(self.names, self.agreement, strict=True), key=lambda pair: (pair[1], pair[0]))


def where_it_falls(values: Array) -> Falls | None:
    """Measure where an attribution falls.

    Parameters
    ----------
    values : (H, W, 3) float32

    Returns
    -------
    Falls or None
        None where all values are zero.
    """
    share = _shares(values)
    if share is None:
        return None
    center, inner = _middle(share, CENTER), _middle(share, 1 - 2 * BORDER)
    seen = share[share > 0]
    surprise = -(seen * np.log(seen)).sum()
    return Falls(float(center.sum()), float(share.sum() - inner.sum()), float(surprise / np.log(share.size)))


def _shares(values: Array) -> NDArray[np.float64] | None:
    """Return |A| / Σ|A|, channels summed: (H, W, 3) → (H, W); None where all values are zero."""
    size: NDArray[np.float64] = np.abs(values.sum(axis=-1, dtype=np.float64))
    total = size.sum()
    return size / total if total else None


def by_class(maps: Iterable[tuple[str, str, Array]]) -> list[ClassSummary]:
    """Sum up images by the class that was explained, the largest class first.

    Parameters
    ----------
    maps : iterable of (name, label, (H, W, 3) float32)
        Maps that are all zero are left out.
    """
    sums: dict[str, NDArray[np.float64]] = {}
    afar: dict[str, list[tuple[str, NDArray[np.float64]]]] = {}
    for name, label, values in maps:
        share = _shares(values)
        if share is not None:
            sums[label] = sums.get(label, 0) + share
            afar.setdefault(label, []).append((name, _cells(share)))
    found = []
    for label, several in afar.items():
        total = sum(cells for _, cells in several)
        agreement = [_correlation(cells, total - cells) if len(several) > 1 else float("nan") for _, cells in several]
        found.append(ClassSummary(label, [name for name, _ in several], sums[label] / len(several), agreement))
    return sorted(found, key=lambda one: (-len(one.names), one.label))


def _middle(share: NDArray[np.float64], part: float) -> NDArray[np.float64]:
    top, left = (round(size * (1 - part) / 2) for size in share.shape)
    return share[top : share.shape[0] - top, left : share.shape[1] - left]


def _cells(share: NDArray[np.float64], count: int = 8) -> NDArray[np.float64]:
    """Sum over a grid of cells: (H, W) → (count, count)."""
    rows = np.add.reduceat(share, np.arange(count) * share.shape[0] // count, axis=0)
    found: NDArray[np.float64] = np.add.reduceat(rows, np.arange(count) * share.shape[1] // count, axis=1)
    return found


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    if one.std() == 0 or other.std() == 0:
        return float("nan")
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])
