"""Cover a window of the image, see what the score does, and go on to the next window.

References
----------
Zeiler, Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.3.
Robnik-Šikonja, Kononenko, Explaining Classifications for Individual Instances, 2008, for the weight of evidence.
Zintgraf, Cohen, Adel, Welling, Visualizing Deep Neural Network Decisions: Prediction Difference Analysis, 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import Baseline, as_baseline
from igcore.errors import InputError
from igcore.methods.base import MethodSpec, Sums, Task, described, over_channels
from igcore.models.base import Of, check_of
from igcore.registry import check_parameters, parameter
from igcore.results import Attribution
from igcore.speed import Cost

__all__ = ["SPECS", "Occlusion1", "OcclusionPatch", "PredictionDifference", "mean_over_windows", "windows"]

#: How close to 0 and 1 a probability may come before its odds are taken, so that they stay finite.
CLIP = 1e-7

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


def _check_fits(key: str, size: int, shape: tuple[int, ...]) -> None:
    if size > min(shape[:2]):
        raise InputError(
            f"{key}: size {size} is larger than the image of {shape[0]} × {shape[1]} pixels; "
            f"choose at most {min(shape[:2])}"
        )


class _Covered:
    """What the two occlusions share: windows that show the baseline."""

    key: ClassVar[str]
    sums: ClassVar[Sums]
    size: int
    stride: int
    baseline: str | Baseline | NDArray[np.float32]
    of: Of

    def __post_init__(self) -> None:
        check_parameters(self)
        check_of(self.of)
        object.__setattr__(self, "baseline", as_baseline(self.baseline))

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return described(self)

    def cost(self, size: tuple[int, int]) -> Cost:
        """Return what an explanation takes: a score for each window, and the image's."""
        return Cost(forwards=len(windows(size, self.size, self.stride)) + 1)

    def attribute(self, task: Task) -> Attribution:
        """Compute the map: a heat map, not shares of the score."""
        shape, size = task.image.shape, self.size
        _check_fits(self.key, size, shape)
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


@dataclass(frozen=True)
class PredictionDifference:
    """Settings of the prediction difference: a window is replaced by others of the same image.

    Parameters
    ----------
    size, stride : int
        Side of the window and how far it moves, in pixels.
    samples : int
        Replacements that are tried in each window.

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    With p̄ the mean probability over the replacements, a window's weight of evidence is
    log₂ odds(p(c|x)) − log₂ odds(p̄), odds(p) = p / (1 − p); a pixel gets the mean over the windows that cover it.
    Probabilities are kept 10⁻⁷ away from 0 and 1, where the papers use a Laplace correction that needs the size of the
    training set.

    References
    ----------
    Zintgraf, Cohen, Adel, Welling 2017, equations 1 to 3; equation 4 is a finer model of what may stand in a window
    than the samples from elsewhere in the image that are taken here.
    Robnik-Šikonja, Kononenko 2008, section 3.
    """

    key: ClassVar[str] = "prediction-difference"
    sums: ClassVar[Sums] = "none"
    size: int = parameter(32, label="Window", low=1, high=512, step=1, unit="px", help=SIZE_HELP)
    stride: int = parameter(16, label="Stride", low=1, high=512, step=1, unit="px", help=STRIDE_HELP)
    samples: int = parameter(4, label="Samples", low=1, high=100, step=1, help="Replacements tried in each window.")

    def __post_init__(self) -> None:
        check_parameters(self)

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain values."""
        return {**described(self), "of": "probability"}

    def cost(self, size: tuple[int, int]) -> Cost:
        """Return what an explanation takes: a score for each replacement, and the image's."""
        return Cost(forwards=len(windows(size, self.size, self.stride)) * self.samples + 1)

    def attribute(self, task: Task) -> Attribution:
        """Compute the map: a heat map in bits of evidence, not shares of the score."""
        shape, size = task.image.shape, self.size
        _check_fits(self.key, size, shape)
        corners = windows(shape, size, self.stride)
        sources = _other_places(shape, size, corners, self.samples, np.random.default_rng(task.seed))

        def make(chunk: range) -> NDArray[np.float32]:
            images = np.repeat(task.image[None], len(chunk), axis=0)
            for picture, number in zip(images, chunk, strict=True):
                if number:  # the first one is the image as it is
                    window, sample = divmod(number - 1, self.samples)
                    (row, column), (top, left) = corners[window], sources[window, sample]
                    picture[row : row + size, column : column + size] = task.image[top : top + size, left : left + size]
            return images

        scores = task.scores_of(len(corners) * self.samples + 1, make, "probability")
        replaced = scores[1:].reshape(len(corners), self.samples).mean(axis=1)
        heat = mean_over_windows(shape, corners, size, _log_odds(scores[0]) - _log_odds(replaced))
        return task.result(self, over_channels(heat), scores[0], forward_count=len(scores))


def _log_odds(probability: Any) -> Any:
    kept = np.clip(probability, CLIP, 1 - CLIP)
    return np.log2(kept) - np.log2(1 - kept)


def _other_places(
    shape: tuple[int, ...], size: int, corners: NDArray[np.intp], samples: int, generator: np.random.Generator
) -> NDArray[np.intp]:
    """Draw for each window corners of windows elsewhere in the image: (n, samples, 2) int, never the window itself."""
    columns = shape[1] - size + 1
    places = (shape[0] - size + 1) * columns
    if places == 1:
        raise InputError(
            f"prediction-difference: a window of size {size} fills the image of {shape[0]} × {shape[1]} pixels and "
            f"has no other place to be replaced from; choose at most {size - 1}"
        )
    drawn = generator.integers(places - 1, size=(len(corners), samples))
    own = corners[:, :1] * columns + corners[:, 1:]
    return np.stack(np.divmod(drawn + (drawn >= own), columns), axis=-1)


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
    MethodSpec(
        "prediction-difference",
        "Prediction difference",
        "Replaces each window by pieces from elsewhere in the image and measures in bits how much evidence for the "
        "class is lost. The pieces are drawn at random, so a few samples give a noisy map, and where the probability "
        "is very near 0 or 1 small changes of it count for many bits.",
        r"A_i = \operatorname{mean}_{W \ni i} \left[ \log_2 \frac{p}{1 - p} - \log_2 \frac{\bar p_W}{1 - \bar p_W} "
        r"\right], \\ \bar p_W = \frac{1}{S} \sum_{s=1}^{S} p(c \mid x_{W \to x_{W_s}})",
        PredictionDifference,
        "scores",
        "Zintgraf, Cohen, Adel, Welling 2017, equations 1 to 3; Robnik-Šikonja, Kononenko 2008",
    ),
)
