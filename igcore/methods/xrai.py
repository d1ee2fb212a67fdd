"""XRAI: regions instead of pixels, the most important ones first.

References
----------
Kapishnikov, Bolukbasi, Viégas, Terry, XRAI: Better Attributions Through Regions, ICCV 2019, algorithm 1.
Felzenszwalb, Huttenlocher, Efficient Graph-Based Image Segmentation, 2004, for the regions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.gradients import PathSums, integrate
from igcore.integrators import FIXED
from igcore.methods.base import MethodSpec, Settings, Sums, Task, over_channels
from igcore.models.base import Of
from igcore.paths import StraightPath
from igcore.registry import parameter
from igcore.results import Attribution
from igcore.speed import Cost

__all__ = ["SPECS", "XRAI", "regions_by_attribution", "segments"]

#: The paper's six segmentations, from fine to coarse, and how far each region reaches over its edge.
SCALES = (50, 100, 150, 250, 500, 1200)
SIGMA = 0.8
MIN_SIZE = 150
REACH = 5

#: The values of the two flat baselines, black and white.
LEVELS = (0.0, 1.0)

#: Of the segmentations and regions, for each pixel; measured on two cores at 224 × 224.
SECONDS = 7e-6

Region = NDArray[np.intp]


@dataclass(frozen=True)
class XRAI(Settings):
    """Settings of XRAI.

    Parameters
    ----------
    steps : int
        Of the trapezoid, for each of the two baselines, black and white.
    min_new : int
        A region that would add fewer pixels than this is left out.
    of : {"probability", "logit"}
        The score that is explained.

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    With a the mean of the Integrated Gradients over black and over white, summed over channels, and C the pixels that
    are covered so far, the next region is the one of largest mean of a over s ∖ C, which becomes the value of these
    pixels.

    References
    ----------
    Kapishnikov et al. 2019, algorithm 1.
    """

    key: ClassVar[str] = "xrai"
    sums: ClassVar[Sums] = "none"
    steps: int = parameter(
        32,
        label="Steps",
        low=1,
        high=1_000,
        step=1,
        help="How finely the path from black, and that from white, is cut.",
    )
    min_new: int = parameter(
        50, label="Smallest addition", low=1, high=1_000, step=1, unit="px",
        help="A region that would add fewer pixels than this is left out.",
    )  # fmt: skip
    of: Of = "probability"

    def cost(self, size: tuple[int, int]) -> Cost:
        """Return what an explanation takes."""
        return Cost(forwards=1, gradients=len(LEVELS) * (self.steps + 1), seconds=SECONDS * size[0] * size[1])

    def attribute(self, task: Task) -> Attribution:
        """Compute the map: a heat map, the same over each part that a region has added."""
        task.check()
        [score] = task.score(task.image[None], self.of)
        # Before the gradients, so that what is told of progress ends when the work does.
        regions = segments(task.image)
        heat = self._pixel_attributions(task)
        values = over_channels(regions_by_attribution(heat, regions, self.min_new))
        count = len(LEVELS) * (self.steps + 1)
        return task.result(self, values, score, gradient_count=count, forward_count=1)

    def _pixel_attributions(self, task: Task) -> NDArray[np.float64]:
        """Return the mean over both baselines of Integrated Gradients, summed over channels: (H, W)."""
        nodes, weights = FIXED["trapezoid"].nodes_and_weights(self.steps)
        heat = np.zeros(task.image.shape[:2])
        for turn, level in enumerate(LEVELS):

            def on_chunk(sums: PathSums, before: int = turn * nodes.size) -> None:
                task.tell(before + sums.alphas.size, len(LEVELS) * nodes.size)

            path = StraightPath(np.full_like(task.image, level), task.image)
            sums = integrate(
                task.model, path, nodes, weights[None], task.target, self.of, on_chunk, should_stop=task.should_stop
            )
            heat += sums.attribution(0).sum(axis=-1, dtype=np.float64) / len(LEVELS)
        return heat


def segments(image: NDArray[np.float32]) -> list[Region]:
    """Cut an image into regions at six scales, each grown over its edge.

    Parameters
    ----------
    image : (H, W, 3) float32 in [0, 1]

    Returns
    -------
    list of (n,) intp
        Each region as its pixels' numbers in `image` (H·W of them), ascending. Regions overlap.
    """
    from scipy.ndimage import binary_dilation, find_objects
    from skimage.morphology import disk
    from skimage.segmentation import felzenszwalb

    height, width = image.shape[:2]
    numbers = np.arange(height * width).reshape(height, width)
    regions = []
    for scale in SCALES:
        labels = felzenszwalb(image, scale=scale, sigma=SIGMA, min_size=MIN_SIZE) + 1
        for label, box in enumerate(find_objects(labels), start=1):
            # The region's box, grown, holds the whole grown region; the picture is larger.
            part = tuple(slice(max(side.start - REACH, 0), side.stop + REACH) for side in box)
            regions.append(numbers[part][binary_dilation(labels[part] == label, disk(REACH))])
    return regions


def regions_by_attribution(
    heat: NDArray[np.floating], regions: Sequence[Region], fewest: int = 50
) -> NDArray[np.float64]:
    """Cover a map with regions, always with the one whose pixels that are still free have the largest mean.

    Parameters
    ----------
    heat : (H, W) float
        Attribution of each pixel.
    regions : sequence of (n,) intp
        Pixel numbers, each once in a region.
    fewest : int
        A region with fewer free pixels than this is left out.

    Returns
    -------
    (H, W) float64
        Each region's free pixels get their mean; at the end, so do all pixels that no region has covered. It sums to
        what `heat` sums to.

    Notes
    -----
    Each region's free sum and count are kept, and what a chosen region covers is taken off those that share it. As a
    pixel is covered once, the upkeep takes in all as many operations as the regions have pixels.
    """
    from scipy.sparse import csr_array

    flat = heat.astype(np.float64).ravel()
    values, free = np.zeros(flat.size), np.ones(flat.size, bool)
    counts = np.array([region.size for region in regions], np.int64)
    sums = np.array([flat[region].sum() for region in regions])
    members = np.repeat(np.arange(counts.size), counts)
    pixels = np.concatenate([*regions, np.empty(0, np.intp)]).astype(np.intp)
    # Row p: the regions that hold pixel p.
    holders = csr_array((np.ones(pixels.size, np.int64), (pixels, members)), shape=(flat.size, counts.size))
    while (counts >= max(fewest, 1)).any():
        means = np.where(counts >= max(fewest, 1), sums / np.maximum(counts, 1), -np.inf)
        best = regions[int(means.argmax())]
        added = best[free[best]]
        values[added], free[added] = flat[added].mean(), False
        shared = holders[added].tocoo()
        counts -= np.bincount(shared.col, minlength=counts.size)
        sums -= np.bincount(shared.col, weights=flat[added][shared.row], minlength=counts.size)
    if free.any():
        values[free] = flat[free].mean()
    return values.reshape(heat.shape)


SPECS = (
    MethodSpec(
        "xrai",
        "XRAI",
        "Cuts the image into regions and colors whole regions by the mean of their Integrated Gradients, the most "
        "important ones first, so that the map shows things instead of specks. The regions come from the colors of the "
        "image and not from the model, so an edge in the map is no edge that the model has seen.",
        r"s^* = \arg\max_s \frac{1}{\lvert s \setminus C \rvert} \sum_{i \in s \setminus C} A^{\text{IG}}_i, "
        r"\\ C \leftarrow C \cup s^*",
        XRAI,
        "gradients",
        "Kapishnikov, Bolukbasi, Viégas, Terry 2019, algorithm 1",
    ),
)
