"""Quadrature rules on [0, 1], cut into panels: pieces of the interval that are integrated one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Panels",
    "Rule",
    "between_nodes",
    "gauss_legendre",
    "left",
    "midpoint",
    "monte_carlo",
    "right",
    "simpson",
    "trapezoid",
]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Panels:
    """A rule, panel by panel.

    Attributes
    ----------
    edges : (P + 1,) float64, ascending from 0 to 1
        Panel p is [edges[p], edges[p + 1]].
    nodes : (n,) float64, ascending in [0, 1]
    weights : (P, w) float64
        Of the w nodes that each panel uses; a panel's weights sum to its width.
    stride : int
        Panel p uses the nodes from stride · p on; neighbours may share one.
    keeps : int
        Which of two neighbouring single nodes serves both panels when they are merged.
    """

    edges: Array
    nodes: Array
    weights: Array
    stride: int = 1
    keeps: int = 0

    @property
    def node_weights(self) -> Array:
        """Weights of the whole rule: (n,) float64, summing to 1."""
        return self._gathered(self._indices, self.weights)

    def sums(self, values: Array) -> Array:
        """Integrate over each panel: values at the nodes (n,) → (P,)."""
        return (self.weights * values[self._indices]).sum(axis=1)

    def merged_weights(self) -> Array | None:
        """Return the node weights of the same rule on panels twice as wide: every second node, the others zero.

        A last panel without a partner stays as it is; None where there is only one panel.
        """
        pairs = len(self.weights) // 2
        if pairs == 0:
            return None
        paired, width = 2 * pairs, self.weights.shape[1]
        start = 2 * self.stride * np.arange(pairs)[:, None]
        indices = start + (2 * np.arange(width) if width > 1 else self.keeps)
        total = self._gathered(indices, self.weights[0:paired:2] + self.weights[1:paired:2])
        return total + self._gathered(self._indices[paired:], self.weights[paired:])

    @property
    def _indices(self) -> NDArray[np.intp]:
        count, width = self.weights.shape
        return self.stride * np.arange(count)[:, None] + np.arange(width)

    def _gathered(self, indices: NDArray[np.intp], weights: Array) -> Array:
        total = np.zeros(self.nodes.size)
        np.add.at(total, indices, weights)
        return total


Rule = Callable[[int, np.random.Generator], Panels]


def _grid(steps: int) -> Array:
    return np.arange(steps + 1) / steps


def _one_node(nodes: Array, weights: Array, keeps: int = 0) -> Panels:
    edges = np.concatenate([[0.0], np.cumsum(weights)])
    edges[-1] = 1.0
    return Panels(edges, nodes, weights[:, None], keeps=keeps)


def left(steps: int, _: np.random.Generator) -> Panels:
    """One node at the left end of each panel."""
    return Panels(_grid(steps), np.arange(steps) / steps, np.full((steps, 1), 1 / steps))


def right(steps: int, _: np.random.Generator) -> Panels:
    """One node at the right end of each panel."""
    return Panels(_grid(steps), np.arange(1, steps + 1) / steps, np.full((steps, 1), 1 / steps), keeps=1)


def midpoint(steps: int, _: np.random.Generator) -> Panels:
    """One node in the middle of each panel."""
    return Panels(_grid(steps), (np.arange(steps) + 0.5) / steps, np.full((steps, 1), 1 / steps))


def trapezoid(steps: int, _: np.random.Generator) -> Panels:
    """Both ends of each panel."""
    return Panels(_grid(steps), _grid(steps), np.full((steps, 2), 0.5 / steps))


def simpson(steps: int, _: np.random.Generator) -> Panels:
    """Both ends and the middle of each panel, which is two steps wide."""
    weights = np.tile(np.array([1.0, 4.0, 1.0]) / (3 * steps), (steps // 2, 1))
    return Panels(_grid(steps)[::2], _grid(steps), weights, stride=2)


def gauss_legendre(steps: int, _: np.random.Generator) -> Panels:
    """One node in each panel, the panels as wide as the weights, which lies within (Szegő 1939, section 3.41)."""
    from scipy.special import roots_legendre

    nodes, weights = roots_legendre(steps)
    return _one_node((nodes + 1) / 2, weights / 2)


def monte_carlo(steps: int, generator: np.random.Generator) -> Panels:
    """One random node in each of so many panels of the same width."""
    nodes = (np.arange(steps) + generator.random(steps)) / steps
    return Panels(_grid(steps), nodes, np.full((steps, 1), 1 / steps))


def between_nodes(nodes: Array) -> Panels:
    """The trapezoid on any ascending nodes from 0 to 1: both ends of each panel."""
    widths = np.diff(nodes)
    return Panels(nodes, nodes, np.repeat(widths[:, None] / 2, 2, axis=1))
