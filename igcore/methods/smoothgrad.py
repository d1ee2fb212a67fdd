"""The mean, and the variance, of the gradients at noisy copies of the image.

References
----------
Smilkov, Thorat, Kim, Viégas, Wattenberg, SmoothGrad: Removing Noise by Adding Noise, 2017, section 3.
Adebayo, Gilmer, Goodfellow, Kim, Local Explanation Methods for Deep Neural Networks Lack Sensitivity to Parameter
Values, 2018, for the variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.methods.base import MethodSpec, Settings, Sums, Task
from igcore.models.base import Of
from igcore.registry import parameter
from igcore.results import Attribution
from igcore.speed import Cost

__all__ = ["SPECS", "SmoothGrad", "VarGrad"]


@dataclass(frozen=True)
class SmoothGrad(Settings):
    """Settings of SmoothGrad.

    Parameters
    ----------
    samples : int
        Noisy copies of the image.
    sigma : float
        Standard deviation of the noise, of the full range of a value, which is 1. The copies are not cut to [0, 1].
    of : {"probability", "logit"}
        The score whose gradient is taken.

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    The map is (1/n) Σₖ ∇F(x + εₖ) with εₖ ~ N(0, σ²). The noise of copy k depends on the seed and on k only.

    References
    ----------
    Smilkov et al. 2017, section 3.
    """

    key: ClassVar[str] = "smoothgrad"
    sums: ClassVar[Sums] = "none"
    samples: int = parameter(
        25, label="Samples", low=1, high=1_000, step=1, help="How many noisy copies of the image are looked at."
    )
    sigma: float = parameter(
        0.15, label="Noise σ", low=0.0, high=1.0, step=0.01, unit="of full range",
        help="Standard deviation of the noise; the paper takes 0.1 to 0.2.",
    )  # fmt: skip
    of: Of = "probability"

    def cost(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what an explanation takes."""
        return Cost(forwards=1, gradients=self.samples)

    def attribute(self, task: Task) -> Attribution:
        """Compute the map: a heat map, not shares of the score."""
        [score] = task.score(task.image[None], self.of)

        def copies(chunk: range) -> NDArray[np.float32]:
            return np.stack([task.image + self._noise(task, sample) for sample in chunk])

        # Welford's recurrence: no gradient is kept, and a variance far smaller than the mean stays exact.
        mean, squares = np.zeros((2, *task.image.shape))
        for chunk, _, gradients in task.gradients_of(self.samples, copies, self.of):
            for sample, gradient in zip(chunk, gradients, strict=True):
                off = gradient - mean
                mean += off / (sample + 1)
                squares += off * (gradient - mean)
        values = self._values(mean, squares / self.samples)
        return task.result(self, values, score, gradient_count=self.samples, forward_count=1)

    def _noise(self, task: Task, sample: int) -> NDArray[np.float32]:
        generator = np.random.default_rng([task.seed, sample])
        noise: NDArray[np.float32] = generator.standard_normal(task.image.shape, dtype=np.float32)
        return np.float32(self.sigma) * noise

    def _values(self, mean: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: ARG002
        return mean


@dataclass(frozen=True)
class VarGrad(SmoothGrad):
    """Settings of VarGrad, the variance of the gradients whose mean is SmoothGrad; see `SmoothGrad`.

    Notes
    -----
    The map is (1/n) Σₖ (∇F(x + εₖ) − mean)², value by value, over the very copies that `SmoothGrad` looks at.

    References
    ----------
    Adebayo, Gilmer, Goodfellow, Kim 2018.
    """

    key: ClassVar[str] = "vargrad"
    samples: int = parameter(
        25, label="Samples", low=2, high=1_000, step=1, help="How many noisy copies of the image are looked at."
    )

    def _values(self, mean: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: ARG002
        return variance


SPECS = (
    MethodSpec(
        "smoothgrad",
        "SmoothGrad",
        "Adds noise to the image again and again and averages the gradients, so that what flickers cancels and what "
        "stays is seen. The noisy copies are no natural photos, and the map still tells of slopes, not of shares.",
        r"A_i = \frac{1}{n} \sum_{k=1}^{n} \frac{\partial F(x + \varepsilon_k)}{\partial x_i}, "
        r"\\ \varepsilon_k \sim \mathcal{N}(0, \sigma^2)",
        SmoothGrad,
        "gradients",
        "Smilkov, Thorat, Kim, Viégas, Wattenberg 2017, section 3",
    ),
    MethodSpec(
        "vargrad",
        "VarGrad",
        "Adds noise to the image again and again and shows where the gradient changes most from copy to copy. "
        "It has no sign: a bright pixel may speak for the class or against it.",
        r"A_i = \operatorname{Var}_k \left[ \frac{\partial F(x + \varepsilon_k)}{\partial x_i} \right], "
        r"\\ \varepsilon_k \sim \mathcal{N}(0, \sigma^2)",
        VarGrad,
        "gradients",
        "Adebayo, Gilmer, Goodfellow, Kim 2018, Local Explanation Methods for Deep Neural Networks Lack Sensitivity",
    ),
)
