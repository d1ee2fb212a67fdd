"""Linear layers: what each computes, and how its contributions z = w x go forth and back.

As in `igcore.models.layers`, layers compute on tensors, and what goes from layer to layer is NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from igcore.models.convolutions import convolve, convolve_each
from igcore.models.layers import Array, Node, transposed

__all__ = ["Add", "AveragePool", "Convolution", "Dense", "Depthwise", "Linear", "Scale", "Weighted"]


class Linear(Node):
    """A layer zⱼ = Σᵢ wᵢⱼ xᵢ + bⱼ. A contribution is one product wᵢⱼ xᵢ."""

    bias: Any

    def split(self, *inputs: Array) -> tuple[Array, Array]:
        """Return for each output the sum of its positive and of its negative contributions, without the bias."""
        raise NotImplementedError

    def spread(self, positive: Array, negative: Array, *inputs: Array) -> tuple[Array, ...]:
        """Return for each xᵢ the factor Σⱼ wᵢⱼ cⱼ, with c from `positive` where the contribution is, else `negative`.

        Where xᵢ is zero its contributions are neither, and c is the mean of both.
        """
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Add(Linear):
    """The sum of its inputs: all weights are one."""

    bias: float = 0.0

    def compute(self, *inputs: Any) -> Any:
        """See `Node`."""
        return sum(inputs[1:], start=inputs[0])

    def backward(self, gradient: Array, *inputs: Array) -> tuple[Array, ...]:
        """See `Node`."""
        return tuple(gradient for _ in inputs)

    def split(self, *inputs: Array) -> tuple[Array, Array]:
        """See `Linear`."""
        return np.sum([np.maximum(x, 0) for x in inputs], axis=0), np.sum([np.minimum(x, 0) for x in inputs], axis=0)

    def spread(self, positive: Array, negative: Array, *inputs: Array) -> tuple[Array, ...]:
        """See `Linear`."""
        return tuple(_by_sign(x, positive, negative, np.float32(0.5) * (positive + negative)) for x in inputs)


def _by_sign(x: Array, positive: Array, negative: Array, zero: Array) -> Array:
    return np.where(x > 0, positive, np.where(x < 0, negative, zero))


class Weighted(Linear):
    """A linear layer of one input."""

    weights: Any

    def apply(self, x: Any, weights: Any) -> Any:
        """Return the layer's output without its bias, of a tensor with other weights of the same shape."""
        raise NotImplementedError

    def folded(self, factor: NDArray[np.float64], offset: NDArray[np.float64]) -> Any:
        """Return the layer with a factor and an offset after it, one for each channel, in the place of both."""
        changed: Any = {
            "weights": (self.weights * factor.reshape(self._channels)).astype(np.float32),
            "bias": (self.bias * factor + offset).astype(np.float32),
        }
        return replace(self, **changed)

    @property
    def _channels(self) -> tuple[int, ...]:
        return (-1,)

    def compute(self, *inputs: Any) -> Any:
        """See `Node`."""
        return self.apply(inputs[0], self.weights) + self.bias

    def backward(self, gradient: Array, *inputs: Array) -> tuple[Array, ...]:
        """See `Node`."""
        return (self.transpose(gradient, self.weights, inputs[0]),)

    def transpose(self, gradient: Array, weights: Any, like: Array) -> Array:
        """Return Σⱼ wᵢⱼ gⱼ for the inputs, which are shaped like `like`."""
        return transposed(lambda x: self.apply(x, weights), gradient, np.zeros(like.shape, np.float32))

    @property
    def parts(self) -> tuple[Any, Any]:
        """The positive and the negative weights, zero elsewhere."""
        return np.maximum(self.weights, 0), np.minimum(self.weights, 0)

    def split(self, *inputs: Array) -> tuple[Array, Array]:
        """See `Linear`."""
        above, below = (tf.constant(part(inputs[0], 0)) for part in (np.maximum, np.minimum))
        plus, minus = self.parts
        positive = self.apply(above, plus) + self.apply(below, minus)
        negative = self.apply(above, minus) + self.apply(below, plus)
        return positive.numpy(), negative.numpy()

    def spread(self, positive: Array, negative: Array, *inputs: Array) -> tuple[Array, ...]:
        """See `Linear`."""
        (x,) = inputs
        plus, minus = self.parts
        where_above = self.transpose(positive, plus, x) + self.transpose(negative, minus, x)
        where_below = self.transpose(positive, minus, x) + self.transpose(negative, plus, x)
        return (_by_sign(x, where_above, where_below, np.float32(0.5) * (where_above + where_below)),)


@dataclass(frozen=True, eq=False)
class _Window(Weighted):
    """A layer that moves a window of weights over the picture."""

    weights: Array
    bias: Array
    strides: tuple[int, int]
    padding: str
    dilations: tuple[int, int] = (1, 1)

    def compute(self, *inputs: Any) -> Any:
        """See `Node`."""
        return tf.nn.bias_add(self._product(inputs[0]), self.bias)

    def _product(self, x: Any) -> Any:
        """Return what `apply` does of its own weights, with the quicker gradient."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Convolution(_Window):
    """A convolution: weights (height, width, in, out), bias (out,)."""

    def _product(self, x: Any) -> Any:
        return convolve(x, self.weights, self.strides, self.padding, self.dilations)

    def apply(self, x: Any, weights: Any) -> Any:
        """See `Weighted`."""
        return tf.nn.convolution(x, weights, self.strides, self.padding, dilations=self.dilations)


@dataclass(frozen=True, eq=False)
class Depthwise(_Window):
    """A convolution of each channel by itself: weights (height, width, in, multiplier), bias (in · multiplier,)."""

    def _product(self, x: Any) -> Any:
        return convolve_each(x, self.weights, self.strides, self.padding, self.dilations)

    @property
    def _channels(self) -> tuple[int, ...]:
        return self.weights.shape[2:]

    def apply(self, x: Any, weights: Any) -> Any:
        """See `Weighted`."""
        return tf.nn.depthwise_conv2d(x, weights, (1, *self.strides, 1), self.padding, dilations=self.dilations)


@dataclass(frozen=True, eq=False)
class Dense(Weighted):
    """A fully connected layer: weights (in, out), bias (out,)."""

    weights: Array
    bias: Array

    def apply(self, x: Any, weights: Any) -> Any:
        """See `Weighted`."""
        return tf.tensordot(x, weights, 1)


@dataclass(frozen=True, eq=False)
class Scale(Weighted):
    """A factor and an offset for each channel, such as a batch normalization by itself."""

    weights: Array
    bias: Array

    def apply(self, x: Any, weights: Any) -> Any:
        """See `Weighted`."""
        return x * weights


@dataclass(frozen=True, eq=False)
class AveragePool(Weighted):
    """The mean of each window, or with size None of the whole picture; its weights are the windows' shares."""

    size: tuple[int, int] | None
    strides: tuple[int, int] = (1, 1)
    padding: str = "VALID"
    keeps: bool = False
    weights: float = 1.0
    bias: float = 0.0

    def apply(self, x: Any, weights: Any) -> Any:
        """See `Weighted`."""
        if self.size is None:
            return tf.reduce_mean(x, (1, 2), keepdims=self.keeps) * weights
        return tf.nn.avg_pool2d(x, self.size, self.strides, self.padding) * weights
