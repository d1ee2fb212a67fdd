"""The one place that turns points on a path and weights into weighted gradient sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from igcore.errors import Cancelled, InputError, ModelError
from igcore.models.base import Model, Of
from igcore.paths import StraightPath

__all__ = ["PathSums", "integrate"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PathSums:
    """The nodes seen so far, in ascending α, and the sums over them.

    Attributes
    ----------
    alphas, scores, slopes, mean_gradients : (n,) float64
    attributions : (R, H, W, 3) float64
        For each row of weights, Σ wₖ ∇F(xₖ) ∘ (x − x′).
    """

    alphas: Array
    scores: Array
    slopes: Array
    mean_gradients: Array
    attributions: Array


def integrate(
    model: Model,
    path: StraightPath,
    alphas: Array,
    weights: Array,
    target: int,
    of: Of = "probability",
    on_chunk: Callable[[PathSums], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> PathSums:
    """Weigh the gradients at the nodes of a path, a chunk at a time.

    No gradient is kept beyond its chunk, so memory does not grow with the number of nodes.

    Parameters
    ----------
    model : Model
    path : StraightPath
    alphas : (n,) float64, ascending in [0, 1]
    weights : (R, n) float64
        Several rows share the gradients of the same nodes.
    target : int
    of : {"probability", "logit"}
    on_chunk : callable, optional
        Told after each chunk what is known by then.
    should_stop : callable, optional
        Asked before each chunk.

    Returns
    -------
    PathSums

    Raises
    ------
    Cancelled
        Where `should_stop` said so.
    InputError
        Where weights do not match nodes.
    ModelError
        Where a gradient is not finite.
    """
    if weights.ndim != 2 or weights.shape[1] != alphas.size:
        raise InputError(f"weights have shape {weights.shape}; expected (rows, {alphas.size}), one column a node")
    total = np.zeros((len(weights), *path.image.shape), np.float64)
    scores, slopes, mean_gradients = np.empty((3, alphas.size), np.float64)
    velocity = path.velocity

    def seen(count: int) -> PathSums:
        attributions: Array = total * velocity
        return PathSums(alphas[:count], scores[:count], slopes[:count], mean_gradients[:count], attributions)

    for start in range(0, alphas.size, model.chunk):
        if should_stop is not None and should_stop():
            raise Cancelled(f"stopped after {start} of {alphas.size} gradients")
        stop = min(start + model.chunk, alphas.size)
        part = model.path_chunk(
            path.baseline,
            velocity,
            alphas[start:stop].astype(np.float32),
            weights[:, start:stop].astype(np.float32),
            target,
            of,
        )
        if not np.isfinite(part.weighted).all():
            raise ModelError(
                "the model's gradient is not finite on this path; choose another baseline or of=probability"
            )
        total += part.weighted
        scores[start:stop] = part.scores
        slopes[start:stop] = part.slopes
        mean_gradients[start:stop] = part.mean_gradients
        if on_chunk is not None:
            on_chunk(seen(stop))
    return seen(alphas.size)
