"""RISE: the score under many soft random masks, averaged where each mask let the image through.

References
----------
Petsiuk, Das, Saenko, RISE: Randomized Input Sampling for Explanation of Black-box Models, 2018, section 3.
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

__all__ = ["SPECS", "Masks", "Rise"]

#: Seconds it takes to make a mask and to show the image through it; measured at 224 × 224.
MASK_SECONDS = 0.0005


class Masks:
    """Random masks, held as small grids and shifts; a mask has its full size only while it is used.

    Parameters
    ----------
    shape : (height, width)
    samples, cells : int
    share : float
        Probability that a node of the grid lets the image through.
    generator : numpy.random.Generator

    Notes
    -----
    A grid of (cells + 1)² zeros and ones is stretched linearly so that its corners lie at the corners of a picture of
    (cells + 1)⌈H/cells⌉ × (cells + 1)⌈W/cells⌉ pixels, from which H × W are cut at a random shift of at most one cell.
    All grids and shifts are drawn at once, so a mask does not depend on how many are made together. Its mean over all
    grids is `share` at every pixel, since the weights of a pixel's neighbors in the grid sum to one.
    """

    def __init__(
        self, shape: tuple[int, ...], samples: int, cells: int, share: float, generator: np.random.Generator
    ) -> None:
        self.shape = shape[:2]
        steps = [-(-length // cells) for length in self.shape]
        self.grids = (generator.random((samples, cells + 1, cells + 1)) < share).astype(np.float32)
        self.shifts = generator.integers(np.array(steps) + 1, size=(samples, 2))
        self._rows, self._columns = (_stretching((cells + 1) * step, cells + 1) for step in steps)

    def __len__(self) -> int:
        return len(self.grids)

    def __getitem__(self, index: int) -> NDArray[np.float32]:
        """Return one mask: (H, W) float32 in [0, 1]."""
        (top, left), (height, width) = self.shifts[index], self.shape
        rows, columns = self._rows[top : top + height], self._columns[left : left + width]
        # einsum, since a matrix product would wake BLAS threads, which disturb TensorFlow's.
        mask = np.einsum("hj,wj->hw", np.einsum("hi,ij->hj", rows, self.grids[index]), columns)
        return np.clip(mask, 0, 1)  # rounding may go a little over one

    def weighed_sum(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return Σₖ weightₖ Mₖ: (samples,) → (H, W).

        Masks are linear in their grids, so the grids of one vertical shift are stretched sideways, added, and
        stretched upright together, which takes far less than to make each mask again.
        """
        height, width = self.shape
        flat = np.zeros((self.shifts[:, 0].max() + 1, self.grids.shape[1], width))
        for weight, grid, (top, left) in zip(weights, self.grids, self.shifts, strict=True):
            flat[top] += weight * np.einsum("ij,wj->iw", grid, self._columns[left : left + width])
        total = np.zeros(self.shape)
        for top, part in enumerate(flat):
            total += np.einsum("hi,iw->hw", self._rows[top : top + height], part)
        return total


def _stretching(pixels: int, nodes: int) -> NDArray[np.float32]:
    """Return the weight of each node for each pixel in linear interpolation: (pixels, nodes)."""
    places = np.linspace(0, nodes - 1, pixels)
    return np.clip(1 - np.abs(places[:, None] - np.arange(nodes)), 0, None).astype(np.float32)


@dataclass(frozen=True)
class Rise(Settings):
    """Settings of RISE.

    Parameters
    ----------
    samples : int
        Random masks.
    cells : int
        Cells of the coarse grid along each side.
    share : float
        Probability that a cell stays.
    baseline : str, baseline settings or (H, W, 3) array
        What shows where a mask takes the image away; black is the paper's x ⊙ M.
    of : {"probability", "logit"}

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    A pixel gets Σₖ (Fₖ − F̄) Mₖ / (samples · share), where Fₖ = F(x ⊙ Mₖ + x′ ⊙ (1 − Mₖ)), F̄ is their mean and the
    masks Mₖ are as in `Masks`. The paper does not subtract F̄. It gives a pixel without influence the mean score, the
    same as every other pixel gets on top, and would let the unevenness of the masks show through; without it zero
    means "no difference", as in the other maps.

    References
    ----------
    Petsiuk, Das, Saenko 2018, equation 6, and section 3.2 for the masks.
    """

    key: ClassVar[str] = "rise"
    sums: ClassVar[Sums] = "none"
    samples: int = parameter(
        1000, label="Masks", low=10, high=20_000, step=10,
        help="Random masks; four times as many halve the noise of the map.",
    )  # fmt: skip
    cells: int = parameter(
        7, label="Cells", low=2, high=32, step=1,
        help="Cells of a mask along each side; more of them show finer detail and need more masks.",
    )  # fmt: skip
    share: float = parameter(
        0.5, label="Share shown", low=0.05, high=0.95, step=0.05,
        help="Probability that a cell lets the image through.",
    )  # fmt: skip
    baseline: str | Baseline | NDArray[np.float32] = "black"
    of: Of = "probability"

    def cost(self, size: tuple[int, int]) -> Cost:
        """Return what an explanation takes: a score for each mask, and the image's."""
        seconds = self.samples * MASK_SECONDS * size[0] * size[1] / 224**2
        return Cost(forwards=self.samples + 1, seconds=seconds)

    def attribute(self, task: Task) -> Attribution:
        """Compute the map: a heat map, not shares of the score."""
        masks = Masks(task.image.shape, self.samples, self.cells, self.share, np.random.default_rng(task.seed))
        baseline = as_baseline(self.baseline).make(task.image, task.seed)

        def make(chunk: range) -> NDArray[np.float32]:
            images = np.repeat(task.image[None], len(chunk), axis=0)
            for picture, number in zip(images, chunk, strict=True):
                if number:  # the first one is the image as it is
                    mask = masks[number - 1][..., None]
                    picture[:] = mask * task.image + (1 - mask) * baseline
            return images

        scores = task.scores_of(self.samples + 1, make, self.of)
        heat = masks.weighed_sum(scores[1:] - scores[1:].mean()) / (self.samples * self.share)
        return task.result(self, over_channels(heat), scores[0], forward_count=len(scores))


SPECS = (
    MethodSpec(
        "rise",
        "RISE",
        "Looks at the image through many random soft masks and adds up the masks, each weighed by how much more score "
        "than the mean it left. The masks are random and coarse, so the map is noisy unless there are many, and never "
        "sharper than their cells.",
        r"A_i = \frac{1}{N p} \sum_{k=1}^{N} (F_k - \bar F) \, M_{k,i}, \\ "
        r"F_k = F(x \odot M_k + x' \odot (1 - M_k))",
        Rise,
        "scores",
        "Petsiuk, Das, Saenko 2018, equation 6, less the mean score",
    ),
)
