"""Where a map has its mass: inside a box, and on how few pixels.

References
----------
Wang et al., Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks, 2020, section 4.3.
Hurley, Rickard, Comparing Measures of Sparsity, 2009.
Chalasani, Chen, Chowdhury, Wu, Jha, Concise Explanations of Neural Networks using Adversarial Training, 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError
from igcore.metrics.base import Again, Case, Measured, MetricSettings, MetricSpec, ordered
from igcore.registry import parameter

__all__ = ["SPECS", "EnergyInBox", "Gini", "gini"]


def _edge(default: float, label: str) -> float:
    edge: float = parameter(
        default, label=label, low=0.0, high=100.0, step=0.5, unit="%", help="Of the photo's height or width."
    )
    return edge


@dataclass(frozen=True)
class EnergyInBox(MetricSettings):
    """Settings of the energy inside a box.

    Parameters
    ----------
    top, left, bottom, right : float
        Edges of the box in percent of the image's height and width.

    Raises
    ------
    InputError
        Where the box has no inside.

    Notes
    -----
    Σ of the map inside over Σ of the whole map, of what speaks for the class (the positive part of the map; in the
    order "absolute" of all). By chance it is the share of the image that the box covers.

    References
    ----------
    Wang et al. 2020, section 4.3, the energy-based pointing game.
    """

    key: ClassVar[str] = "energy-in-box"
    top: float = _edge(25.0, label="Top")
    left: float = _edge(25.0, label="Left")
    bottom: float = _edge(75.0, label="Bottom")
    right: float = _edge(75.0, label="Right")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.top < self.bottom and self.left < self.right):
            raise InputError(
                f"{self.key}: the box from ({self.top:g}, {self.left:g}) to ({self.bottom:g}, {self.right:g}) is "
                "empty; its top lies above its bottom, and its left before its right"
            )

    def inside(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return which pixels of an image lie in the box, at least one: (H, W) bool."""
        found = np.zeros(shape[:2], bool)
        rows, columns = (
            _span(low, high, length)
            for low, high, length in ((self.top, self.bottom, shape[0]), (self.left, self.right, shape[1]))
        )
        found[rows, columns] = True
        return found

    def measure(self, case: Case, prepared: None, values: NDArray[np.floating], again: Again) -> Measured:  # noqa: ARG002
        """Return the share of the map inside the box: 0 … 1."""
        heat = np.maximum(ordered(values, case.order), 0)
        whole = heat.sum()
        return Measured(float(heat[self.inside(heat.shape)].sum() / whole) if whole else float("nan"))


def _span(low: float, high: float, length: int) -> slice:
    first = min(round(low / 100 * length), length - 1)
    return slice(first, max(round(high / 100 * length), first + 1))


def gini(heat: NDArray[np.floating]) -> float:
    """Return the Gini index of sizes: 0 where all are equal, towards 1 where one has everything; NaN for all zero."""
    sizes = np.sort(np.abs(heat), axis=None).astype(np.float64)
    whole = sizes.sum()
    if not whole:
        return float("nan")
    ranks = np.arange(1, sizes.size + 1)
    return float(((2 * ranks - sizes.size - 1) * sizes).sum() / (sizes.size * whole))


@dataclass(frozen=True)
class Gini(MetricSettings):
    """Settings of sparseness by the Gini index: there is nothing to set.

    Notes
    -----
    With the N sizes |Aᵢ| in ascending order: Σ (2i − N − 1) |Aᵢ| / (N Σ |Aᵢ|).

    References
    ----------
    Hurley, Rickard 2009, section II.
    """

    key: ClassVar[str] = "gini"

    def measure(self, case: Case, prepared: None, values: NDArray[np.floating], again: Again) -> Measured:  # noqa: ARG002
        """Return the Gini index of the map's sizes a pixel: 0 … 1."""
        return Measured(gini(ordered(values, case.order)))


SPECS = (
    MetricSpec(
        "energy-in-box",
        "Energy in the box",
        "The share of the map that lies inside a box around the object. It tells whether the map agrees with you, not "
        "whether it is right: a network may look at the background, and then a true map says so.",
        r"\frac{\sum_{i \in \text{box}} \max(A_i, 0)}{\sum_i \max(A_i, 0)}",
        True,
        EnergyInBox,
        "Wang et al. 2020, section 4.3",
    ),
    MetricSpec(
        "gini",
        "Sparseness (Gini)",
        "On how few pixels the map has its mass: 0 for the same everywhere, 1 for a single pixel. A sparse map is easy "
        "to read, and may still be wrong.",
        r"\frac{\sum_i (2i - N - 1)\, |A|_{(i)}}{N \sum_i |A|_{(i)}}",
        True,
        Gini,
        "Hurley, Rickard 2009, section II; Chalasani et al. 2020",
    ),
)
