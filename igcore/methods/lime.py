"""LIME: a linear model of the network near the image, in which superpixels are there or not.

References
----------
Ribeiro, Singh, Guestrin, "Why Should I Trust You?" Explaining the Predictions of Any Classifier, 2016, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import Baseline, as_baseline
from igcore.methods.base import MethodSpec, Settings, Sums, Task, over_channels
from igcore.models.base import Of
from igcore.registry import parameter
from igcore.results import Attribution
from igcore.speed import Cost
from igcore.superpixels import mixed, spread, superpixels

__all__ = ["SPECS", "Lime", "proximity", "weighted_ridge"]


def proximity(present: NDArray[np.bool_], width: float) -> NDArray[np.float64]:
    """Weigh samples by how near the whole image they are: (m, n) bool → (m,) in (0, 1].

    Notes
    -----
    exp(−D²/width²), where D is the cosine distance to the vector of ones, 1 − √(share present).
    """
    distance = 1 - np.sqrt(present.mean(axis=1))
    return np.asarray(np.exp(-((distance / width) ** 2)))


def weighted_ridge(
    rows: NDArray[Any], values: NDArray[np.float64], weights: NDArray[np.float64], penalty: float
) -> tuple[NDArray[np.float64], float]:
    """Fit a line by weighted least squares, with a penalty on its coefficients and none on its intercept.

    Parameters
    ----------
    rows : (m, n)
    values, weights : (m,) float64
    penalty : float
        Above 0.

    Returns
    -------
    coefficients : (n,) float64
    intercept : float

    Notes
    -----
    The smallest Σ wₖ (yₖ − b − zₖ · β)² + penalty · |β|². Weighted means are taken off first, which solves for b.
    """
    share = weights / weights.sum()
    center, mean = np.einsum("k,ki->i", share, rows), float((share * values).sum())
    away = rows - center
    weighed = away * weights[:, None]
    # einsum, since a matrix product would wake BLAS threads, which disturb TensorFlow's.
    normal = np.einsum("ki,kj->ij", weighed, away)
    normal[np.diag_indices_from(normal)] += penalty
    coefficients = np.linalg.solve(normal, np.einsum("ki,k->i", weighed, values - mean))
    return coefficients, mean - float((center * coefficients).sum())


@dataclass(frozen=True)
class Lime(Settings):
    """Settings of LIME on superpixels.

    Parameters
    ----------
    segments : int
        Superpixels to aim at; see `igcore.superpixels.superpixels`.
    samples : int
        Pictures with a random half of the superpixels; the first is the whole image.
    width : float
        Of the kernel that weighs a sample by how much of the image it shows.
    penalty : float
        Of the ridge regression.
    baseline : str, baseline settings or (H, W, 3) array
        What an absent superpixel shows.
    of : {"probability", "logit"}

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    The coefficients β of the smallest Σₖ π(zₖ) (F(x_zₖ) − b − zₖ · β)² + penalty · |β|², with
    π(z) = exp(−D(z)²/width²) and D the cosine distance to the whole image. Each coefficient is spread evenly over its
    superpixel's pixels and channels. The authors' program takes the root of π for the same width.

    References
    ----------
    Ribeiro, Singh, Guestrin 2016, equation 2 and section 3.4. All superpixels stay in the linear model; the paper
    first chooses a few.
    """

    key: ClassVar[str] = "lime"
    sums: ClassVar[Sums] = "none"
    segments: int = parameter(
        50, label="Segments", low=4, high=300, step=1,
        help="About how many superpixels the linear model has; an image of large even areas gives fewer.",
    )  # fmt: skip
    samples: int = parameter(
        500, label="Samples", low=10, high=10_000, step=10,
        help="Pictures with random superpixels; take several times as many as there are segments.",
    )  # fmt: skip
    width: float = parameter(
        0.25, label="Kernel width", low=0.05, high=10.0, step=0.05,
        help="How fast a sample loses weight as it shows less of the image; a small one stays close to the image.",
    )  # fmt: skip
    penalty: float = parameter(
        1.0, label="Penalty", low=1e-6, high=1000.0, choices=(0.001, 0.01, 0.1, 1.0, 10.0, 100.0),
        help="Of the ridge regression: a larger one makes all coefficients smaller and steadier.",
    )  # fmt: skip
    baseline: str | Baseline | NDArray[np.float32] = "mean"
    of: Of = "probability"

    def cost(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what an explanation takes: a score for each sample."""
        return Cost(forwards=self.samples)

    def attribute(self, task: Task) -> Attribution:
        """Compute the map: a heat map, not shares of the score."""
        labels = superpixels(task.image, self.segments)
        baseline = as_baseline(self.baseline).make(task.image, task.seed)
        generator = np.random.default_rng(task.seed)
        present = generator.random((self.samples, int(labels.max()) + 1)) < 0.5
        present[0] = True

        def make(chunk: range) -> NDArray[np.float32]:
            return mixed(task.image, baseline, labels, present[chunk.start : chunk.stop])

        scores = task.scores_of(self.samples, make, self.of)
        coefficients, _ = weighted_ridge(present, scores, proximity(present, self.width), self.penalty)
        heat = spread(coefficients, labels)
        return task.result(self, over_channels(heat), scores[0], forward_count=self.samples)


SPECS = (
    MethodSpec(
        "lime",
        "LIME",
        "Hides random patches of the image many times and fits a straight line that says how much each patch raises "
        "the score. A line is only a sketch of the network: another seed, kernel width or cut into patches can give "
        "another map.",
        r"A_i = \frac{\beta_j}{|S_j|}, \; i \in S_j, \\ \min_{\beta, b} \; \sum_k w_k "
        r"\left( F(x_{z_k}) - b - z_k \cdot \beta \right)^2 + \lambda \|\beta\|^2, \\ w_k = e^{-D(z_k)^2 / \sigma^2}",
        Lime,
        "scores",
        "Ribeiro, Singh, Guestrin 2016, section 3",
    ),
)
