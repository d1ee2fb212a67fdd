"""The one place that turns points on a path and weights into weighted gradient sums."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igcore.errors import Cancelled, InputError, ModelError
from igcore.in_flight import in_order
from igcore.models.base import Model, Of, PathChunk
from igcore.paths import StraightPath

__all__ = ["PathSums", "integrate", "node_gradients"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PathSums:
    """The nodes seen so far, in ascending α, and the sums over them.

    Attributes
    ----------
    alphas, scores, slopes, mean_gradients : (n,) float64
    weighted : (R, H, W, 3) float
        For each row of weights, Σ wₖ ∇F(xₖ).
    velocity : (H, W, 3) float32
        x − x′.

    Notes
    -----
    What is told while an integration goes on shares `weighted` with it, so take its attribution at once.
    """

    alphas: Array
    scores: Array
    slopes: Array
    mean_gradients: Array
    weighted: NDArray[np.floating]
    velocity: NDArray[np.float32]

    def attribution(self, row: int) -> NDArray[np.floating]:
        """Return Σ wₖ ∇F(xₖ) ∘ (x − x′) for one row of weights: (H, W, 3)."""
        product: NDArray[np.floating] = self.weighted[row] * self.velocity
        return product

    @property
    def attributions(self) -> NDArray[np.floating]:
        """The same for all rows: (R, H, W, 3)."""
        product: NDArray[np.floating] = self.weighted * self.velocity
        return product


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
    running = _Running(path, alphas, len(weights))
    starts = range(0, alphas.size, model.chunk)
    chunks = [slice(start, min(start + model.chunk, alphas.size)) for start in starts]
    parts = in_order(
        lambda chunk: _weighed(model, path, running.velocity, alphas[chunk], weights[:, chunk], target, of), chunks
    )
    for chunk in chunks:
        if should_stop is not None and should_stop():
            raise Cancelled(f"stopped after {chunk.start} of {alphas.size} gradients")
        running.add(chunk, next(parts))
        if on_chunk is not None:
            on_chunk(running.until(chunk.stop))
    return running.until(alphas.size)


class _Running:
    """The sums over a path's nodes while they come in, a chunk at a time from the left."""

    def __init__(self, path: StraightPath, alphas: Array, rows: int) -> None:
        self.alphas, self.velocity = alphas, path.velocity
        self._weighted = np.zeros((rows, *path.image.shape), np.float64)
        self._scores, self._slopes, self._means = np.empty((3, alphas.size), np.float64)

    def add(self, chunk: slice, part: PathChunk) -> None:
        """Add what the model gave for a chunk of the nodes."""
        self._weighted += part.weighted
        self._scores[chunk], self._slopes[chunk], self._means[chunk] = part.scores, part.slopes, part.mean_gradients

    def until(self, count: int) -> PathSums:
        """Return the sums over the first nodes, which must be all that were added."""
        scores, slopes, means = self._scores[:count], self._slopes[:count], self._means[:count]
        return PathSums(self.alphas[:count], scores, slopes, means, self._weighted, self.velocity)


def node_gradients(model: Model, path: StraightPath, alphas: Array, target: int, of: Of = "probability") -> PathSums:
    """Take the gradients at a few nodes, at most `model.chunk`, each by itself.

    Parameters and errors as in `integrate`.

    Returns
    -------
    PathSums
        Row k of `attributions` is ∇F(xₖ) ∘ (x − x′).
    """
    velocity = path.velocity
    part = _weighed(model, path, velocity, alphas, np.eye(alphas.size), target, of)
    return PathSums(
        alphas,
        part.scores.astype(np.float64),
        part.slopes.astype(np.float64),
        part.mean_gradients.astype(np.float64),
        part.weighted,
        velocity,
    )


def _weighed(
    model: Model, path: StraightPath, velocity: Any, alphas: Array, weights: Array, target: int, of: Of
) -> PathChunk:
    part = model.path_chunk(path.baseline, velocity, alphas.astype(np.float32), weights.astype(np.float32), target, of)
    if not np.isfinite(part.weighted).all():
        raise ModelError("the model's gradient is not finite on this path; choose another baseline or of=probability")
    return part
