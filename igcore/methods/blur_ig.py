"""Blur Integrated Gradients: from the blurred image to the sharp one.

References
----------
Xu, Venugopalan, Sundararajan, Attribution in Scale and Space, CVPR 2020, equation 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from igcore.agreement import map_distance
from igcore.integrators import FIXED
from igcore.methods.base import MethodSpec, Settings, Sums, Task
from igcore.models.base import Of
from igcore.paths import BlurPath
from igcore.registry import parameter
from igcore.results import Attribution, PathTrace
from igcore.speed import Cost

__all__ = ["SPECS", "BlurIG"]

#: Of a node, for each pixel; measured on two cores at 224 × 224.
SECONDS = 6e-8

RULE = FIXED["trapezoid"]


@dataclass(frozen=True)
class BlurIG(Settings):
    """Settings of Blur Integrated Gradients.

    Parameters
    ----------
    sigma : float
        Of the Gaussian blur at the start of the path, in pixels.
    steps : int
        Of the trapezoid, on steps + 1 nodes at equal distances in σ.
    of : {"probability", "logit"}
        The score that is explained.

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    The attribution of value i is the integral of ∂F/∂xᵢ(σ) · ∂xᵢ(σ)/∂σ over σ from `sigma` down to 0, where x(σ) is the
    image blurred by σ; see `igcore.paths.BlurPath`. The exact integral sums to F(x) − F(x(sigma)).

    References
    ----------
    Xu, Venugopalan, Sundararajan 2020, equation 7.
    """

    key: ClassVar[str] = "blur-ig"
    sums: ClassVar[Sums] = "integral"
    sigma: float = parameter(
        50.0, label="Largest blur σ", low=0.5, high=200.0, step=0.5, unit="px",
        help="Standard deviation of the Gaussian blur at which the path starts.",
    )  # fmt: skip
    steps: int = parameter(100, label="Steps", low=1, high=1_000, step=1, help="How finely the path is cut.")
    of: Of = "probability"

    def cost(self, size: tuple[int, int]) -> Cost:
        """Return what an explanation takes."""
        nodes = self.steps + 1
        return Cost(forwards=2, gradients=nodes, seconds=nodes * SECONDS * size[0] * size[1])

    def attribute(self, task: Task) -> Attribution:
        """Compute the attribution."""
        path = BlurPath(task.image, self.sigma)
        baseline = np.clip(path.points([0.0])[0], 0, 1)
        score, baseline_score = task.score(np.stack([task.image, baseline]), self.of)
        alphas, weights = RULE.nodes_and_weights(self.steps)
        # The same nodes with the steps merged in pairs tell how far the map still moves.
        merged = RULE.panels(self.steps).merged_weights()
        maps = np.zeros((2, *task.image.shape))
        scores, slopes, means = np.empty((3, alphas.size))
        nodes = task.gradients_of(alphas.size, lambda chunk: path.points(alphas[chunk.start : chunk.stop]), self.of)
        for chunk, found, gradients in nodes:
            scores[chunk.start : chunk.stop] = found
            velocities = path.velocities(alphas[chunk.start : chunk.stop])
            for node, gradient, velocity in zip(chunk, gradients, velocities, strict=True):
                change = gradient.astype(np.float64) * velocity
                slopes[node], means[node] = change.sum(), gradient.mean(dtype=np.float64)
                maps[0] += weights[node] * change
                if merged is not None and merged[node]:
                    maps[1] += merged[node] * change
        return task.result(
            self,
            maps[0],
            score,
            baseline=baseline,
            baseline_score=float(baseline_score),
            gradient_count=alphas.size,
            forward_count=2,
            map_error=None if merged is None else map_distance(maps[1], maps[0]) / RULE.coarse_ratio,
            trace=PathTrace(alphas, weights, scores, slopes, means),
        )


SPECS = (
    MethodSpec(
        "blur-ig",
        "Blur IG",
        "Starts from the blurred image and brings its detail back little by little, so that no foreign color comes in "
        "and each pixel gets its share of the score's change. What the blurred image still shows, such as large even "
        "areas, gets next to nothing.",
        r"A_i = \int_{\sigma_{\max}}^{0} \frac{\partial F(x_\sigma)}{\partial x_i} \, "
        r"\frac{\partial x_{\sigma, i}}{\partial \sigma} \, d\sigma, \\ x_\sigma = G_\sigma * x",
        BlurIG,
        "gradients",
        "Xu, Venugopalan, Sundararajan 2020, equation 7",
    ),
)
