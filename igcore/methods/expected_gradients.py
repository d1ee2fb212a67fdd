"""Expected Gradients: Integrated Gradients averaged over several baselines, one random point of a path at a time.

References
----------
Erion, Janizek, Sturmfels, Lundberg, Lee, Improving Performance of Deep Learning Models with Axiomatic Attribution
Priors and Expected Gradients, 2021, equation 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import Baseline
from igcore.errors import InputError
from igcore.methods.base import MethodSpec, Settings, Sums, Task, as_baselines
from igcore.models.base import Of
from igcore.paths import StraightPath
from igcore.registry import parameter
from igcore.results import Attribution
from igcore.speed import Cost

__all__ = ["SPECS", "ExpectedGradients"]


@dataclass(frozen=True)
class ExpectedGradients(Settings):
    """Settings of Expected Gradients.

    Parameters
    ----------
    baselines : tuple
        Each one a key, baseline settings or an (H, W, 3) array. Noise whose own seed is None is drawn anew for each
        sample.
    samples : int
        Gradients in all, shared out evenly between the baselines.
    of : {"probability", "logit"}
        The score that is explained.

    Raises
    ------
    InputError
        Where a setting cannot be used, or there are fewer samples than baselines.

    Notes
    -----
    The attribution is the expectation of (xᵢ − x′ᵢ) ∂F(x′ + α(x − x′))/∂xᵢ over the baselines x′ and α ~ U(0, 1).
    Sample k takes baseline k mod B and one random α in a stratum of its own, so each baseline's path is seen evenly.
    The exact map sums to F(x) less the mean of F(x′).

    References
    ----------
    Erion et al. 2021, equation 3.
    """

    key: ClassVar[str] = "expected-gradients"
    sums: ClassVar[Sums] = "integral"
    baselines: tuple[str | Baseline | NDArray[np.float32], ...] = ("black", "white", "blur", "uniform-noise")
    samples: int = parameter(
        100, label="Samples", low=4, high=10_000, step=1,
        help="How many gradients are taken in all, each at a random point between a baseline and the image.",
    )  # fmt: skip
    of: Of = "probability"

    def __post_init__(self) -> None:
        super().__post_init__()
        baselines = self.baselines
        if self.samples < len(baselines):
            raise InputError(
                f"{self.key}: samples is {self.samples}; expected at least {len(baselines)}, one for each baseline"
            )

    def cost(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what an explanation takes."""
        baselines = as_baselines(self.baselines)
        which, strata = _shared_out(self.samples, len(baselines))
        pictures = sum(int(count) if _is_drawn(one) else 1 for one, count in zip(baselines, strata, strict=True))
        return Cost(forwards=1 + pictures, gradients=which.size)

    def attribute(self, task: Task) -> Attribution:
        """Compute the attribution."""
        samples = _Samples(as_baselines(self.baselines), self.samples, task)
        still = [picture for picture in samples.still if picture is not None]
        score, *scores = task.score(np.stack([task.image, *still]), self.of)
        baseline_score, forwards = sum(scores) / len(samples.still), 1 + len(scores)
        values = np.zeros(task.image.shape)
        for chunk, _, gradients in task.gradients_of(self.samples, samples.points, self.of):
            paths = samples.paths(chunk)
            for sample, path, gradient in zip(chunk, paths, gradients, strict=True):
                values += samples.weights[sample] * gradient * path.velocity
            drawn = [sample for sample in chunk if samples.still[samples.which[sample]] is None]
            if drawn:
                pictures = np.stack([paths[sample - chunk.start].baseline for sample in drawn])
                baseline_score += float((samples.weights[drawn] * task.score(pictures, self.of)).sum())
                forwards += len(drawn)
        return task.result(
            self,
            values,
            score,
            baseline_score=float(baseline_score),
            gradient_count=self.samples,
            forward_count=forwards,
        )


class _Samples:
    """The path, the α and the weight of each sample; none depends on how samples are cut into chunks."""

    def __init__(self, baselines: tuple[Baseline, ...], count: int, task: Task) -> None:
        self.baselines, self.image, self.seed = baselines, task.image, task.seed
        self.still = [None if _is_drawn(one) else one.make(task.image, task.seed) for one in baselines]
        self.which, strata = _shared_out(count, len(baselines))
        # The same draws as the Monte Carlo integrator's, which this is where there is one baseline that stays.
        inside = np.random.default_rng(task.seed).random(count)
        self.alphas = (np.arange(count) // len(baselines) + inside) / strata[self.which]
        self.weights = 1 / (len(baselines) * strata[self.which])

    def path(self, sample: int) -> StraightPath:
        """Return the path that this sample is taken on."""
        picture = self.still[self.which[sample]]
        if picture is None:
            [seed] = np.random.SeedSequence([self.seed, sample]).generate_state(1, np.uint64)
            picture = self.baselines[self.which[sample]].make(self.image, int(seed))
        return StraightPath(picture, self.image)

    def paths(self, chunk: range) -> list[StraightPath]:
        """Return the paths of a chunk of samples."""
        return [self.path(sample) for sample in chunk]

    def points(self, chunk: range) -> NDArray[np.float32]:
        """Return the points of a chunk of samples: (len(chunk), H, W, 3)."""
        return np.concatenate([self.path(sample).points(self.alphas[sample]) for sample in chunk])


def _shared_out(samples: int, baselines: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which baseline each sample takes, and how many samples each baseline has."""
    which = np.arange(samples) % baselines
    return which, np.bincount(which, minlength=baselines)


def _is_drawn(baseline: Baseline) -> bool:
    """Whether another seed gives another picture: noise without a seed of its own."""
    return getattr(baseline, "seed", 0) is None


SPECS = (
    MethodSpec(
        "expected-gradients",
        "Expected Gradients",
        "Integrated Gradients averaged over several baselines, with one random point of a path for each gradient, so "
        "that no single baseline decides what is seen. The points are random, so another seed gives a slightly other "
        "map; more samples make it calmer.",
        r"A_i = \mathbb{E}_{x', \, \alpha} \left[ (x_i - x'_i) \, "
        r"\frac{\partial F(x' + \alpha (x - x'))}{\partial x_i} \right]",
        ExpectedGradients,
        "gradients",
        "Erion, Janizek, Sturmfels, Lundberg, Lee 2021, equation 3",
    ),
)
