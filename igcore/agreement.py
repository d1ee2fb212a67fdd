"""How far two maps agree, and the mean of several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError
from igcore.results import Attribution

__all__ = ["Agreement", "average", "compare_maps", "map_distance", "spearman", "structural_similarity", "top_overlap"]

Map = NDArray[np.floating]

#: Share of the pixels that count as a map's most important ones.
TOP = 0.05


def map_distance(values: Map, reference: Map) -> float:
    """Return the L1 distance of a map from a reference over the reference's L1 norm; arrays of any equal shape."""
    size = np.abs(reference).sum(dtype=np.float64)
    distance = np.abs(values - reference).sum(dtype=np.float64)
    return float(distance / size) if size else float(distance and np.inf)


def spearman(a: Map, b: Map) -> float:
    """Return the rank correlation of two maps, from −1 to 1; NaN where one is the same everywhere."""
    from scipy.stats import rankdata

    first, second = (rankdata(heat, axis=None) for heat in (a, b))
    first, second = first - first.mean(), second - second.mean()
    size = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / size) if size else float("nan")


def structural_similarity(a: Map, b: Map, limit: float | None = None) -> float:
    """Return the mean structural similarity of two (H, W) maps; NaN where one is zero everywhere.

    Parameters
    ----------
    a, b : (H, W) float
    limit : float, optional
        Values are cut to ±limit before; without, each map is divided by its own 99th percentile.

    References
    ----------
    Wang, Bovik, Sheikh, Simoncelli, Image Quality Assessment, 2004, with its window of 11 × 11 Gaussian weights.
    """
    from skimage.metrics import structural_similarity as ssim

    from igcore.heatmaps import scaled

    if not a.any() or not b.any():
        return float("nan")
    first, second = (scaled(heat, 99.0, limit) for heat in (a, b))
    low = -1.0 if min(a.min(), b.min()) < 0 else 0.0
    return float(
        ssim(first, second, data_range=1.0 - low, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    )


def top_overlap(a: Map, b: Map, share: float = TOP) -> float:
    """Return which part of the pixels of largest size one map has in common with another, from 0 to 1.

    By chance it would be `share`; NaN where a map is zero everywhere.
    """
    if not a.any() or not b.any():
        return float("nan")
    count = max(1, round(share * a.size))
    tops = [set(np.argsort(-np.abs(heat), axis=None, kind="stable")[:count].tolist()) for heat in (a, b)]
    return len(tops[0] & tops[1]) / count


@dataclass(frozen=True, eq=False)
class Agreement:
    """Agreement of each of n maps with each: (n, n) float64, symmetric, NaN where a map is empty."""

    spearman: NDArray[np.float64]
    similarity: NDArray[np.float64]
    overlap: NDArray[np.float64]


def compare_maps(heats: Sequence[Map]) -> Agreement:
    """Compare each of several (H, W) maps of the same shape with each other.

    Raises
    ------
    InputError
        Where the shapes differ.
    """
    if len({heat.shape for heat in heats}) > 1:
        raise InputError(f"maps have shapes {sorted({heat.shape for heat in heats})}; expected one shape for all")
    tables = np.full((3, len(heats), len(heats)), np.nan)
    for row, a in enumerate(heats):
        for column, b in enumerate(heats[: row + 1]):
            pair = spearman(a, b), structural_similarity(a, b), top_overlap(a, b)
            tables[:, row, column] = tables[:, column, row] = pair
    return Agreement(*tables)


def average(attributions: Sequence[Attribution]) -> Attribution:
    """Return the mean over several baselines: Expected Gradients over exactly this set of baselines.

    Parameters
    ----------
    attributions : sequence of Attribution
        Of the same model, image and class, each complete towards its own baseline.

    Returns
    -------
    Attribution
        It sums to F(x) − mean F(x′); its baseline is None, since no single picture is.

    References
    ----------
    Erion, Janizek, Sturmfels, Lundberg, Lee, Improving performance of deep learning models with axiomatic attribution
    priors and expected gradients, 2021, equation 3 for a finite set of baselines.
    """
    if not attributions:
        raise InputError("there is no attribution to average; give at least one")
    without = next((one for one in attributions if one.baseline_score is None or not one.additive), None)
    if without is not None:
        raise InputError(f"method {without.method} compares with no baseline, so it has no mean over baselines")
    first = attributions[0]
    for other in attributions[1:]:
        same = (other.model, other.target, other.settings.get("of")) == (
            first.model,
            first.target,
            first.settings.get("of"),
        )
        if not same or not np.array_equal(other.image, first.image):
            raise InputError("only attributions of the same model, image, class and score have a mean")
    corrections = [one.correction for one in attributions]
    return replace(
        first,
        values=np.stack([one.values for one in attributions]).mean(axis=0, dtype=np.float64).astype(np.float32),
        baseline=None,
        method="expected-gradients",
        settings={**first.settings, "baseline": [one.settings["baseline"] for one in attributions]},
        baseline_score=sum(one.baseline_score or 0.0 for one in attributions) / len(attributions),
        gradient_count=sum(one.gradient_count for one in attributions),
        forward_count=sum(one.forward_count for one in attributions),
        seconds=sum(one.seconds for one in attributions),
        map_error=None,
        correction=None if None in corrections else float(np.mean(corrections)),  # type: ignore[arg-type]
        converged=None,
        trace=None,
    )
