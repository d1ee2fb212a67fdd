"""Deletion and insertion: remove the photo, or bring it back, in the order of a heat map, and watch the score.

References
----------
Petsiuk, Das, Saenko, RISE: Randomized Input Sampling for Explanation of Black-box Models, 2018, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.metrics.base import Again, Case, Measured, MetricSettings, MetricSpec, fill_parameter, made_fill, ordered
from igcore.metrics.patches import PATCH_HELP, ranking, tiles
from igcore.registry import parameter
from igcore.speed import Cost

__all__ = ["SPECS", "STAGES", "Deletion", "Insertion", "removed_shares", "stage_images"]

Array = NDArray[np.float32]

#: Images that are scored, the first with nothing done and the last with everything.
STAGES = 50


def removed_shares() -> NDArray[np.float64]:
    """Return which share of the tiles is done at each stage, from 0 to 1: (STAGES,)."""
    return np.linspace(0, 1, STAGES)


def stage_images(start: Array, end: Array, heat: NDArray[np.floating], patch: int, stages: range) -> Array:
    """Return the images of some stages: `end` where the heat map's first tiles are, `start` in the others.

    Parameters
    ----------
    start, end : (H, W, 3) float32 in [0, 1]
    heat : (H, W) float
    patch : int
        Side of a tile in pixels.
    stages : range
        Within 0 … STAGES − 1.

    Returns
    -------
    (len(stages), H, W, 3) float32
    """
    labels = tiles(start.shape, patch)
    places = ranking(heat, labels)
    counts = np.round(removed_shares()[stages.start : stages.stop] * places.size)
    done = places[None] < counts[:, None]
    return np.where(done[:, labels][..., None], end, start).astype(np.float32, copy=False)


class _Perturbed(MetricSettings):
    """What deletion and insertion share."""

    key: ClassVar[str]
    patch: int
    fill: str

    def each(self, size: tuple[int, int], explanation: Cost) -> Cost:  # noqa: ARG002
        """Return what a map takes: a score for each stage."""
        return Cost(forwards=STAGES)

    def prepare(self, case: Case) -> Array:
        """Return the filling."""
        return made_fill(self.fill, case.task.image, case.task.seed)

    def ends(self, image: Array, filling: Array) -> tuple[Array, Array]:
        """Return the pictures of the first and of the last stage."""
        raise NotImplementedError

    def measure(self, case: Case, prepared: Array, values: NDArray[np.floating], again: Again) -> Measured:  # noqa: ARG002
        """Return the area below the curve of the class's probability over the share of tiles: 0 … 1."""
        start, end = self.ends(case.task.image, prepared)
        heat = ordered(values, case.order)
        scores = case.task.scores_of(
            STAGES, lambda stages: stage_images(start, end, heat, self.patch, stages), "probability"
        )
        shares = removed_shares()
        return Measured(float(np.trapezoid(scores, shares)), None, shares, scores)


@dataclass(frozen=True)
class Deletion(_Perturbed):
    """Settings of deletion.

    Parameters
    ----------
    patch : int
        Side of the squares that are removed together, in pixels.
    fill : {"black", "blur", "mean", "noise"}
        What a removed square shows.

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    Tiles are ranked by the mean of the map in them. Stage s of `STAGES` shows the filling in the first s / (STAGES − 1)
    of them. The value is the area below the probability of the class, by the trapezoid rule.

    References
    ----------
    Petsiuk, Das, Saenko 2018, section 4.2.
    """

    key: ClassVar[str] = "deletion"
    patch: int = parameter(8, label="Patch", low=1, high=112, step=1, unit="px", help=PATCH_HELP)
    fill: str = fill_parameter()

    def ends(self, image: Array, filling: Array) -> tuple[Array, Array]:
        """Return the image, and the filling that replaces it."""
        return image, filling


@dataclass(frozen=True)
class Insertion(_Perturbed):
    """Settings of insertion: as `Deletion`, from the filling to the image."""

    key: ClassVar[str] = "insertion"
    patch: int = parameter(8, label="Patch", low=1, high=112, step=1, unit="px", help=PATCH_HELP)
    fill: str = fill_parameter()

    def ends(self, image: Array, filling: Array) -> tuple[Array, Array]:
        """Return the filling, and the image that replaces it."""
        return filling, image


SPECS = (
    MetricSpec(
        "deletion",
        "Deletion",
        "Removes the parts of the photo that the map calls most important first, and draws the class's probability. "
        "A small area means that the map found what the network needs. A picture with holes is like nothing the "
        "network has learned from, so compare with the controls only.",
        r"\frac{1}{K} \sum_s F(x_{\text{first } s \text{ parts} \to \text{fill}})",
        False,
        Deletion,
        "Petsiuk, Das, Saenko 2018, section 4.2",
    ),
    MetricSpec(
        "insertion",
        "Insertion",
        "Starts from the filling and brings the photo back, what the map calls most important first. A large area "
        "means that little of the photo was enough. Which filling it starts from matters as much as the map.",
        r"\frac{1}{K} \sum_s F(\text{fill}_{\text{first } s \text{ parts} \to x})",
        True,
        Insertion,
        "Petsiuk, Das, Saenko 2018, section 4.2",
    ),
)
