"""Convolutions with constant weights whose gradient is itself a convolution.

A convolution's gradient with respect to its input is a convolution with the weights turned around. Written as one, it
runs faster on CPUs than TensorFlow's own gradient: the library below keeps constant weights in the order that it
computes in, but orders those of a gradient anew in every call (bench/README.md has the figures).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

__all__ = ["convolve", "convolve_each"]

Array = NDArray[np.float32]
Pair = tuple[int, int]


def convolve(x: Any, weights: Array, strides: Pair, padding: str, dilations: Pair = (1, 1)) -> Any:
    """Convolve over all channels.

    Parameters
    ----------
    x : (B, H, W, in) float32 tensor
    weights : (height, width, in, out) float32
    strides, dilations : (rows, columns)
    padding : {"SAME", "VALID"}

    Returns
    -------
    (B, h, w, out) tensor
    """

    def forward(x: Any) -> Any:
        return tf.nn.convolution(x, weights, strides, padding, dilations=dilations)

    if _is_centered(weights, strides, padding):
        turned = np.ascontiguousarray(weights[::-1, ::-1].swapaxes(2, 3))
        return _with_gradient(x, forward, lambda g: tf.nn.convolution(g, turned, 1, padding, dilations=dilations))
    return forward(x)


def convolve_each(x: Any, weights: Array, strides: Pair, padding: str, dilations: Pair = (1, 1)) -> Any:
    """Convolve each channel by itself; parameters as in `convolve`, with weights (height, width, in, multiplier)."""

    def forward(x: Any) -> Any:
        return tf.nn.depthwise_conv2d(x, weights, (1, *strides, 1), padding, dilations=dilations)

    if _is_centered(weights, strides, padding) and weights.shape[3] == 1:
        turned = np.ascontiguousarray(weights[::-1, ::-1])
        ones = (1, 1, 1, 1)
        return _with_gradient(
            x, forward, lambda g: tf.nn.depthwise_conv2d(g, turned, ones, padding, dilations=dilations)
        )
    return forward(x)


def _is_centered(weights: Array, strides: Pair, padding: str) -> bool:
    """Whether the output has the input's size and each weight its mirror image about the middle."""
    height, width = weights.shape[:2]
    return strides == (1, 1) and padding == "SAME" and height % 2 == 1 and width % 2 == 1


def _with_gradient(x: Any, forward: Callable[[Any], Any], backward: Callable[[Any], Any]) -> Any:
    @tf.custom_gradient
    def run(x: Any) -> Any:
        return forward(x), backward

    return run(x)
