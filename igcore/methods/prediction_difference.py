"""The prediction difference: how much evidence goes when a window shows something else of the same image.

References
----------
Robnik-Šikonja, Kononenko, Explaining Classifications for Individual Instances, 2008, for the weight of evidence.
Zintgraf, Cohen, Adel, Welling, Visualizing Deep Neural Network Decisions: Prediction Difference Analysis, 2017.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError
from igcore.methods.base import MethodSpec, Settings, Sums, Task, over_channels
from igcore.models.base import Of
from igcore.registry import parameter
from igcore.results import Attribution
from igcore.speed import Cost
from igcore.windows import SIZE_HELP, STRIDE_HELP, check_fits, mean_over_windows, windows

__all__ = ["SPECS", "PredictionDifference"]

#: How close to 0 and 1 a probability may come before its odds are taken, so that they stay finite.
CLIP = 1e-7


@dataclass(frozen=True)
class PredictionDifference(Settings):
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
    only_of: ClassVar[Of | None] = "probability"
    size: int = parameter(32, label="Window", low=1, high=512, step=1, unit="px", help=SIZE_HELP)
    stride: int = parameter(16, label="Stride", low=1, high=512, step=1, unit="px", help=STRIDE_HELP)
    samples: int = parameter(4, label="Samples", low=1, high=100, step=1, help="Replacements tried in each window.")

    def cost(self, size: tuple[int, int]) -> Cost:
        """Return what an explanation takes: a score for each replacement, and the image's."""
        return Cost(forwards=len(windows(size, self.size, self.stride)) * self.samples + 1)

    def attribute(self, task: Task) -> Attribution:
        """Compute the map: a heat map in bits of evidence, not shares of the score."""
        shape, size = task.image.shape, self.size
        check_fits(self.key, size, shape)
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
