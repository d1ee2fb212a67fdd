"""Cover a window of the image, see what the score does, and go on to the next window.

References
----------
Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import Baseline, as_baseline
from igcore.methods.base import MethodSpec, Settings, Sums, Task, over_channels
from igcore.models.base import Of
from igcore.registry import parameter
from igcore.results import Attribution
from igcore.speed import Cost
from igcore.windows import SIZE_HELP, STRIDE_HELP, check_fits, mean_over_windows, windows

__all__ = ["SPECS", "Occlusion1", "OcclusionPatch"]


class _Covered(Settings):
    """What the two occlusions share: windows that show the baseline."""

    key: ClassVar[str]
    sums: ClassVar[Sums]
    size: int
    stride: int
    baseline: str | Baseline | NDArray[np.float32]
    of: Of

    def cost(self, size: tuple[int, int]) -> Cost:
        """Return what an explanation takes: a score for each window, and the image's."""
        return Cost(forwards=len(windows(size, self.size, self.stride)) + 1)

    def attribute(self, task: Task) -> Attribution:
        """Compute the map: a heat map, not shares of the score."""
        shape, size = task.image.shape, self.size
        check_fits(self.key, size, shape)
        corners = windows(shape, size, self.stride)
        baseline = as_baseline(self.baseline).make(task.image, task.seed)

        def make(chunk: range) -> NDArray[np.float32]:
            images = np.repeat(task.image[None], len(chunk), axis=0)
            for picture, number in zip(images, chunk, strict=True):
                if number:  # the first one is the image as it is
                    row, column = corners[number - 1]
                    part = np.s_[row : row + size, column : column + size]
                    picture[part] = baseline[part]
            return images

        scores = task.scores_of(len(corners) + 1, make, self.of)
        heat = mean_over_windows(shape, corners, size, scores[0] - scores[1:])
        return task.result(self, over_channels(heat), scores[0], forward_count=len(scores))


@dataclass(frozen=True)
class Occlusion1(_Covered):
    """Settings of occlusion by small windows side by side, down to a single pixel.

    Parameters
    ----------
    size : int
        Side of the window in pixels, which is also how far it moves.
    baseline : str, baseline settings or (H, W, 3) array
        What the window shows instead of the image.
    of : {"probability", "logit"}

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    See `OcclusionPatch`; the stride is the size, so that windows overlap at the far borders only.
    """

    key: ClassVar[str] = "occlusion-1"
    sums: ClassVar[Sums] = "none"
    size: int = parameter(
        4, label="Window", low=1, high=64, step=1, unit="px",
        help="Side of the smallest part that is covered; 1 = single pixel, which takes a score for each.",
    )  # fmt: skip
    baseline: str | Baseline | NDArray[np.float32] = "black"
    of: Of = "probability"

    @property
    def stride(self) -> int:  # type: ignore[override]
        """How far the window moves: by itself."""
        return self.size


@dataclass(frozen=True)
class OcclusionPatch(_Covered):
    """Settings of occlusion by a large window that slides over the image.

    Parameters
    ----------
    size, stride : int
        Side of the window and how far it moves, in pixels.
    baseline : str, baseline settings or (H, W, 3) array
        What the window shows instead of the image.
    of : {"probability", "logit"}

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    A pixel gets the mean of F(x) − F(x with W replaced by x′) over the windows W that cover it.

    References
    ----------
    Zeiler, Fergus 2014, section 4.3. They draw the score itself at the window's place; the difference, averaged where
    windows overlap, says the same with the sign of the other maps here.
    """

    key: ClassVar[str] = "occlusion-patch"
    sums: ClassVar[Sums] = "none"
    size: int = parameter(32, label="Window", low=1, high=512, step=1, unit="px", help=SIZE_HELP)
    stride: int = parameter(16, label="Stride", low=1, high=512, step=1, unit="px", help=STRIDE_HELP)
    baseline: str | Baseline | NDArray[np.float32] = "black"
    of: Of = "probability"


SPECS = (
    MethodSpec(
        "occlusion-1",
        "Occlusion-1",
        "Covers one small window after the other with the baseline and notes how much the score drops. "
        "A single small window hardly changes what the network sees, so parts that only matter together stay dark.",
        r"A_i = F(x) - F(x_{W \to x'}), \; i \in W",
        Occlusion1,
        "scores",
        "Zeiler, Fergus 2014, section 4.3, with the smallest windows",
    ),
    MethodSpec(
        "occlusion-patch",
        "Occlusion (patch)",
        "Slides a window filled with the baseline over the image and gives each pixel the mean drop of the score while "
        "it was covered. The map is as coarse as the window, and the covered image looks like no photo the network "
        "has learned from.",
        r"A_i = \operatorname{mean}_{W \ni i} \left[ F(x) - F(x_{W \to x'}) \right]",
        OcclusionPatch,
        "scores",
        "Zeiler, Fergus 2014, section 4.3",
    ),
)
