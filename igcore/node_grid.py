"""The nodes that an integrator chose so far: what is known at each, how far the map is, and where it is worth more."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from igcore.gradients import PathSums
from igcore.paths import StraightPath
from igcore.quadrature import between_nodes

__all__ = ["COARSE_RATIO", "NodeGrid"]

#: Distance between the maps of all and of every second node, over the map's own error: √3 is what panel errors that
#: add like independent ones give, and what was measured (see `bench.integrators`).
COARSE_RATIO = 3**0.5

#: Values of the map on which panels are compared and the error is estimated: a sample, since both are averages.
SAMPLE = 15_000

#: Nodes that there is room for at first.
ROOM = 64

#: Panels are not halved below this width: single precision would no longer tell their ends apart.
NARROWEST = 2.0**-16

Array = NDArray[np.float64]
Vector = NDArray[np.float32]


class NodeGrid:
    """Nodes in the order in which they were taken, with what is known at each.

    Parameters
    ----------
    path : StraightPath

    Notes
    -----
    Between two nodes that follow each other in α lies a panel; the map is the trapezoid sum over all panels.
    """

    def __init__(self, path: StraightPath) -> None:
        self.velocity = path.velocity
        size = self.velocity.size
        self.sampled = _sampled(size)
        self.moves = self.velocity.ravel()[self.sampled]
        self.scale = size / self.sampled.size
        self.alphas, self.scores, self.slopes, self.means = (np.empty(0) for _ in range(4))
        self._samples = np.empty((ROOM, self.sampled.size), np.float32)
        self.gradients: list[Vector | None] = []
        self.settled = np.zeros(size)
        self.changes: dict[tuple[int, int], float] = {}

    @property
    def count(self) -> int:
        """Gradients taken."""
        return self.alphas.size

    @property
    def order(self) -> NDArray[np.intp]:
        """Indices of the nodes in ascending α."""
        return np.argsort(self.alphas)

    def take(self, seen: PathSums) -> None:
        """Add nodes, with one row of sums for each."""
        rows = seen.weighted.reshape(seen.alphas.size, -1).astype(np.float32, copy=False)
        end = self.count + len(rows)
        if end > len(self._samples):
            self._samples = np.concatenate([self._samples, np.empty_like(self._samples)])
        np.multiply(np.take(rows, self.sampled, axis=1), self.moves, out=self._samples[self.count : end])
        self.gradients += [row.copy() for row in rows]
        self.alphas = np.concatenate([self.alphas, seen.alphas])
        self.scores = np.concatenate([self.scores, seen.scores])
        self.slopes = np.concatenate([self.slopes, seen.slopes])
        self.means = np.concatenate([self.means, seen.mean_gradients])

    @property
    def samples(self) -> Vector:
        """Each node's attribution at the sampled values: (n, samples)."""
        return self._samples[: self.count]

    def weights(self) -> Array:
        """Trapezoid weights in the order of the nodes' arrival."""
        weights = np.empty(self.count)
        weights[self.order] = between_nodes(np.sort(self.alphas)).node_weights
        return weights

    def errors(self, corrected: bool) -> tuple[float, float]:
        """Return the map's L1 error over its L1 norm, estimated, and what `Limits.tolerance` bounds."""
        order = self.order
        panels = between_nodes(self.alphas[order])
        rows = np.zeros((2, self.count), np.float32)
        rows[0, order], rows[1, order] = panels.node_weights, panels.merged_weights()
        # Not a matrix product: NumPy's BLAS threads go on spinning after it, on the cores that TensorFlow needs next,
        # which made a gradient a fifth dearer.
        fine, coarse = np.einsum("rn,ns->rs", rows, self.samples)
        size, local = float(np.abs(fine).sum(dtype=np.float64)), self.local_errors()
        map_error = float(np.abs(fine - coarse).sum(dtype=np.float64) / (COARSE_RATIO * size)) if size else 0.0
        if corrected:
            incomplete, whole = float(np.abs(local).sum()), self.scale * size
        else:
            incomplete = float(abs(local.sum()))
            whole = float(abs(self.scores[order[-1]] - self.scores[order[0]]))
        return map_error, incomplete / whole if whole else float(incomplete and np.inf)

    def local_errors(self) -> Array:
        """Each panel's sum minus the change of the score over it, in ascending α."""
        order = self.order
        return between_nodes(self.alphas[order]).sums(self.slopes[order]) - np.diff(self.scores[order])

    def panel_changes(self) -> Array:
        """How much the attribution changes over each panel, L1 norm times width, in ascending α."""
        order = self.order
        pairs = list(zip(order[:-1].tolist(), order[1:].tolist(), strict=True))
        self.changes = {pair: self.changes.get(pair) or self._change(*pair) for pair in pairs}
        return np.array([self.changes[pair] for pair in pairs]) * np.diff(self.alphas[order])

    def _change(self, a: int, b: int) -> float:
        return float(np.abs(self.samples[a] - self.samples[b]).sum(dtype=np.float64))

    def next_nodes(self, most: int, by_score: int) -> Array:
        """Return the middles of the panels to halve, in ascending α: `most` of them, `by_score` for their error."""
        order = self.order
        alphas, changes, errors = self.alphas[order], self.panel_changes(), np.abs(self.local_errors())
        held = np.array([self.gradients[node] is not None for node in order])
        can = held[:-1] & held[1:] & (np.diff(alphas) > NARROWEST)
        chosen = _largest(np.where(can, errors, 0), min(by_score, most))
        changes[chosen] = 0
        chosen = np.sort(np.concatenate([chosen, _largest(np.where(can, changes, 0), most - chosen.size)]))
        return (alphas[chosen] + alphas[chosen + 1]) / 2

    def let_go(self, most: int) -> None:
        """Keep so many gradients; those beside the panels of least change go into the map with the weight they have."""
        held = [node for node in self.order.tolist() if self.gradients[node] is not None]
        if len(held) <= most:
            return
        beside = np.zeros(self.count)
        changes = self.panel_changes()
        beside[self.order] = np.maximum(np.append(changes, 0), np.insert(changes, 0, 0))
        weights = self.weights()
        for node in sorted(held, key=lambda node: beside[node])[: len(held) - most]:
            gradient = self.gradients[node]
            assert gradient is not None
            self.settled += weights[node] * gradient
            self.gradients[node] = None

    def sums(self) -> tuple[PathSums, Array]:
        """Return the map of all nodes, as one row of sums, and the nodes' weights (n,)."""
        order, weights = self.order, self.weights()
        total, part = self.settled.astype(np.float32), np.empty(self.settled.size, np.float32)
        for weight, gradient in zip(weights.astype(np.float32), self.gradients, strict=True):
            if gradient is not None:
                total += np.multiply(gradient, weight, out=part)
        known = (self.alphas[order], self.scores[order], self.slopes[order], self.means[order])
        return PathSums(*known, total.reshape(1, *self.velocity.shape), self.velocity), weights[order]


@lru_cache(maxsize=8)
def _sampled(size: int) -> NDArray[np.intp]:
    """Choose the values of a map to compare: always the same, in ascending order."""
    chosen = np.sort(np.random.default_rng(0).choice(size, min(SAMPLE, size), replace=False))
    chosen.flags.writeable = False
    return chosen


def _largest(values: Array, most: int) -> NDArray[np.intp]:
    """Return where the largest values above zero are, at most so many; of equal ones the first."""
    ranked = np.argsort(-values, kind="stable")[: max(most, 0)]
    return ranked[values[ranked] > 0]
