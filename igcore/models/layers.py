"""The kinds of layers that a graph is made of: what each computes, and how to go back through it.

The linear ones, which have contributions, are in `igcore.models.linear_layers`.

Arrays are float32 with the batch first. Layers compute on tensors, in a compiled function or by themselves; for methods
that go from layer to layer, what comes and goes is NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

__all__ = ["Array", "Flatten", "Image", "MaxPool", "Node", "Pad", "Rearrangement", "Rectifier", "transposed"]

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Node:
    """A layer: its name, and the positions of the nodes that it reads."""

    name: str
    inputs: tuple[int, ...]

    def compute(self, *inputs: Any) -> Any:
        """Return the layer's output, of tensors."""
        raise NotImplementedError

    def forward(self, *inputs: Array) -> Array:
        """Return the layer's output, of arrays."""
        output: Array = self.compute(*map(tf.constant, inputs)).numpy()
        return output

    def backward(self, gradient: Array, *inputs: Array) -> tuple[Array, ...]:
        """Return the gradient with respect to each input, given the one with respect to the output."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Image(Node):
    """Where the network begins."""


def transposed(function: Callable[[Any], Any], gradient: Array, at: Array) -> Array:
    """Return a function's gradient at a point, times what comes from above."""
    point = tf.constant(np.broadcast_to(at, (len(gradient), *at.shape[1:])))
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(point)
        output = function(point)
    return tape.gradient(output, point, output_gradients=tf.constant(gradient, tf.float32)).numpy()


@dataclass(frozen=True, eq=False)
class MaxPool(Node):
    """The largest value of each window, or with size None of the whole picture."""

    size: tuple[int, int] | None
    strides: tuple[int, int] = (1, 1)
    padding: str = "VALID"
    keeps: bool = False

    def compute(self, *inputs: Any) -> Any:
        """See `Node`."""
        (x,) = inputs
        if self.size is not None:
            return tf.nn.max_pool2d(x, self.size, self.strides, self.padding)
        whole = tf.nn.max_pool2d(x, x.shape[1:3], (1, 1), "VALID")
        return whole if self.keeps else whole[:, 0, 0]

    def backward(self, gradient: Array, *inputs: Array) -> tuple[Array, ...]:
        """Hand each value to where its window was largest."""
        return (transposed(self.compute, gradient, inputs[0]),)


@dataclass(frozen=True, eq=False)
class Rectifier(Node):
    """min(max(x, 0), ceiling): ReLU without a ceiling, ReLU6 with one at 6."""

    ceiling: float = float("inf")

    def compute(self, *inputs: Any) -> Any:
        """See `Node`."""
        (x,) = inputs
        if self.ceiling == 6:
            return tf.nn.relu6(x)
        above = tf.nn.relu(x)
        return above if np.isinf(self.ceiling) else tf.minimum(above, np.float32(self.ceiling))

    def backward(self, gradient: Array, *inputs: Array) -> tuple[Array, ...]:
        """See `Node`."""
        return (gradient * self.slope(inputs[0]),)

    def slope(self, x: Array) -> Array:
        """Return the derivative: one between zero and the ceiling, and zero at both and beyond."""
        return ((x > 0) & (x < self.ceiling)).astype(np.float32)


class Rearrangement(Node):
    """A layer that moves values and changes none: what comes back goes where it came from."""


@dataclass(frozen=True, eq=False)
class Pad(Rearrangement):
    """Zeros around the picture: ((top, bottom), (left, right))."""

    sizes: tuple[tuple[int, int], tuple[int, int]]

    def compute(self, *inputs: Any) -> Any:
        """See `Node`."""
        return tf.pad(inputs[0], ((0, 0), *self.sizes, (0, 0)))

    def backward(self, gradient: Array, *inputs: Array) -> tuple[Array, ...]:
        """See `Node`."""
        (top, _), (left, _) = self.sizes
        height, width = inputs[0].shape[1:3]
        return (gradient[:, top : top + height, left : left + width],)


@dataclass(frozen=True, eq=False)
class Flatten(Rearrangement):
    """Another shape for the same values."""

    shape: tuple[int, ...]

    def compute(self, *inputs: Any) -> Any:
        """See `Node`."""
        return tf.reshape(inputs[0], (-1, *self.shape))

    def backward(self, gradient: Array, *inputs: Array) -> tuple[Array, ...]:
        """See `Node`."""
        return (gradient.reshape(len(gradient), *inputs[0].shape[1:]),)
