"""Formulas of a few numbers: polynomials, and small ReLU networks made of branches.

A picture holds the numbers, one in the red value of each pixel, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from igcore.errors import ModelError

__all__ = ["SHAPE", "Branch", "Formula", "Network", "Polynomial", "numbers_of", "pictures"]

#: Rows and columns of the picture.
SHAPE = (2, 3)

Array = NDArray[np.float32]
Numbers = NDArray[np.float64]

#: A rectified unit: its weights, by the number from 1 of what it reads, and its bias.
Unit = tuple[dict[int, float], float]


class Formula(Protocol):
    """What computes a function of the numbers."""

    def values(self, numbers: Numbers) -> Numbers:
        """Return F: (B, n) → (B,)."""
        ...

    def along(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """Return F and its derivatives: (B, n) → (B,), (B, n)."""
        ...

    @property
    def graph(self) -> Any:
        """The layers, where it has any; raises `ModelError` otherwise."""
        ...


@dataclass(frozen=True, eq=False)
class Polynomial:
    """A sum of monomials c · Π xᵢ^aᵢ.

    Attributes
    ----------
    coefficients : (m,) float64
    powers : (m, n) int
    """

    coefficients: Numbers
    powers: NDArray[np.intp]

    @property
    def graph(self) -> Any:
        """Raise `ModelError`: a polynomial has no layers."""
        raise ModelError("a polynomial has no layers; choose a method that needs none")

    def values(self, numbers: Numbers) -> Numbers:
        """See `Formula`."""
        values: Numbers = (numbers[:, None, :] ** self.powers).prod(axis=2) @ self.coefficients
        return values

    def along(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """See `Formula`."""
        factors = numbers[:, None, :] ** self.powers
        # The derivative by one input leaves the other inputs' factors as they are; where its power is 0 it is 0.
        slopes = np.empty(numbers.shape)
        for index, power in enumerate(self.powers.T):
            own = power * numbers[:, None, index] ** np.maximum(power - 1, 0)
            slopes[:, index] = (own * np.delete(factors, index, axis=2).prod(axis=2)) @ self.coefficients
        return self.values(numbers), slopes


@dataclass(frozen=True)
class Branch:
    """The part of a network that computes one term: one or two layers of rectified units, and how they are read.

    Attributes
    ----------
    inner : tuple of (weights, bias)
        Units that read the numbers: relu(Σ weight · x + bias), weights by input from 1.
    readout : tuple of float
        What each unit of the last layer counts.
    outer : tuple of (weights, bias)
        Units that read `inner`, weights by its unit from 1; empty where `inner` is read as it is.
    """

    inner: tuple[Unit, ...]
    readout: tuple[float, ...]
    outer: tuple[Unit, ...] = ()


@dataclass(frozen=True, eq=False)
class Network:
    """A ReLU network: a 1 × 1 convolution of the picture, two layers of branches side by side, and a linear readout."""

    branches: tuple[Branch, ...]

    @cached_property
    def graph(self) -> Any:
        """The layers: an `igcore.models.graph.Graph` with one output."""
        from igcore.models.graph import Graph
        from igcore.models.layers import Flatten, Image, Rectifier
        from igcore.models.linear_layers import Convolution, Dense

        size = SHAPE[0] * SHAPE[1]
        red = np.array([1, 0, 0], np.float32).reshape(1, 1, 3, 1)
        units = [branch.outer or _passed_on(branch) for branch in self.branches]
        readout = np.concatenate([branch.readout for branch in self.branches]).astype(np.float32)[:, None]
        zero = np.zeros(1, np.float32)
        return Graph(
            (
                Image("image", ()),
                Convolution("numbers", (0,), red, zero, (1, 1), "VALID"),
                Rectifier("positions", (1,)),
                Flatten("flatten", (2,), (size,)),
                Dense("inner", (3,), *_weights([branch.inner for branch in self.branches], size)),
                Rectifier("inner_rectified", (4,)),
                Dense("outer", (5,), *_weights(units, [len(branch.inner) for branch in self.branches])),
                Rectifier("outer_rectified", (6,)),
                Dense("logit", (7,), readout, zero),
            )
        )

    def values(self, numbers: Numbers) -> Numbers:
        """See `Formula`."""
        values: Numbers = self.graph.activations(pictures(numbers))[-1][:, 0].astype(np.float64)
        return values

    def along(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """See `Formula`."""
        outputs = self.graph.activations(pictures(numbers))
        carried = self.graph.back(
            np.ones_like(outputs[-1]),
            lambda _, node, value: node.backward(value, *(outputs[index] for index in node.inputs)),
        )
        return outputs[-1][:, 0].astype(np.float64), numbers_of(carried[0])


def _passed_on(branch: Branch) -> tuple[Unit, ...]:
    return tuple(({unit: 1.0}, 0.0) for unit in range(1, len(branch.inner) + 1))


def _weights(groups: Sequence[tuple[Unit, ...]], inputs: int | list[int]) -> tuple[Array, Array]:
    """Return weights (in, out) and biases of units that all read the same inputs, or each group its own."""
    starts = [0] * len(groups) if isinstance(inputs, int) else [sum(inputs[:at]) for at in range(len(inputs))]
    rows = [(start, *unit) for start, group in zip(starts, groups, strict=True) for unit in group]
    weights = np.zeros((inputs if isinstance(inputs, int) else sum(inputs), len(rows)), np.float32)
    for column, (start, given, _) in enumerate(rows):
        for number, weight in given.items():
            weights[start + number - 1, column] = weight
    return weights, np.array([bias for _, _, bias in rows], np.float32)


def pictures(numbers: Numbers) -> Array:
    """Put numbers into pictures: (B, n) → (B, H, W, 3)."""
    images = np.zeros((len(numbers), *SHAPE, 3), np.float32)
    images[..., 0] = numbers.reshape(-1, *SHAPE)
    return images


def numbers_of(images: NDArray[np.floating]) -> Numbers:
    """Read the numbers of pictures: (B, H, W, 3) → (B, n)."""
    return images[..., 0].reshape(len(images), -1).astype(np.float64)
