"""Convolutions whose gradient is written as a convolution, against TensorFlow's own gradient."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from igcore.models.convolutions import convolve, convolve_each

RANDOM = np.random.default_rng(5)
KERNELS = [(1, 1), (3, 3), (5, 5), (3, 1), (2, 2), (4, 3)]
SETTINGS = [
    ((1, 1), "SAME", (1, 1)),
    ((1, 1), "VALID", (1, 1)),
    ((2, 2), "SAME", (1, 1)),
    ((2, 2), "VALID", (1, 1)),
    ((1, 1), "SAME", (2, 2)),
    ((1, 1), "VALID", (2, 2)),
]


def normal(*shape):
    return RANDOM.standard_normal(shape).astype(np.float32)


def gradient(function, x, seed):
    """The output, and the gradient of its products with fixed random numbers."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        output = function(x)
        above = np.random.default_rng(seed).standard_normal(output.shape).astype(np.float32)
        total = tf.reduce_sum(output * above)
    return output.numpy(), tape.gradient(total, x).numpy()


def assert_same(ours, plain):
    for mine, theirs in zip(ours, plain, strict=True):
        assert theirs.any()
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=3e-6 * np.abs(theirs).max())


@pytest.mark.parametrize(("strides", "padding", "dilations"), SETTINGS)
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("compiled", [False, True])
def test_over_all_channels(kernel, strides, padding, dilations, compiled):
    x, weights = normal(2, 11, 9, 3), normal(*kernel, 3, 5)

    def ours(x):
        return convolve(x, weights, strides, padding, dilations)

    def plain(x):
        return tf.nn.convolution(x, weights, strides, padding, dilations=dilations)

    assert_same(gradient(tf.function(ours) if compiled else ours, x, 1), gradient(plain, x, 1))


@pytest.mark.parametrize("multiplier", [1, 2])
@pytest.mark.parametrize(("strides", "padding", "dilations"), SETTINGS)
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("compiled", [False, True])
def test_each_channel_by_itself(kernel, strides, padding, dilations, multiplier, compiled):
    x, weights = normal(2, 11, 9, 4), normal(*kernel, 4, multiplier)

    def ours(x):
        return convolve_each(x, weights, strides, padding, dilations)

    def plain(x):
        return tf.nn.depthwise_conv2d(x, weights, (1, *strides, 1), padding, dilations=dilations)

    assert_same(gradient(tf.function(ours) if compiled else ours, x, 2), gradient(plain, x, 2))
