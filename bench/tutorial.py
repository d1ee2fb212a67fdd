"""Integrated Gradients as the TensorFlow tutorial computes it, written out anew: a peer to measure against.

All gradients of the trapezoid's points are taken in batches of 32 by a compiled function, kept, joined, averaged in
neighbouring pairs, and multiplied by the image's distance from the baseline.

References
----------
TensorFlow tutorial "Integrated gradients", sections "Compute gradients" and "Numerical approximation".
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

__all__ = ["BATCH", "Tutorial"]

BATCH = 32

Array = NDArray[np.float32]


class Tutorial:
    """The tutorial's algorithm on a Keras network that returns logits."""

    name = "TensorFlow tutorial"
    rules = ("trapezoid",)

    def __init__(self, network: Any) -> None:
        picture, some = tf.TensorSpec((None, None, 3), tf.float32), tf.TensorSpec((None,), tf.float32)

        @tf.function(input_signature=(picture, picture, some, tf.TensorSpec((), tf.int32)))
        def gradients_of_batch(baseline: Any, image: Any, alphas: Any, target: Any) -> Any:
            points = baseline[None] + alphas[:, None, None, None] * (image - baseline)[None]
            with tf.GradientTape() as tape:
                tape.watch(points)
                scores = tf.nn.softmax(network(points, training=False))[:, target]
            return tape.gradient(scores, points)

        self._gradients_of_batch = gradients_of_batch

    def gradient_count(self, _rule: str, steps: int) -> int:
        """Return the gradients that so many steps take."""
        return steps + 1

    def nodes_and_weights(self, _rule: str, steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return what it computes as a quadrature."""
        weights = np.full(steps + 1, 1 / steps)
        weights[[0, -1]] /= 2
        return np.linspace(0, 1, steps + 1), weights

    def attribute(self, image: Array, baseline: Array, target: int, _rule: str, steps: int) -> Array:
        """Return the map: (H, W, 3) float32."""
        ends = tf.constant(baseline), tf.constant(image)
        index = tf.constant(target, tf.int32)
        alphas = tf.linspace(0.0, 1.0, steps + 1)
        parts = [
            self._gradients_of_batch(*ends, alphas[start : start + BATCH], index)
            for start in range(0, steps + 1, BATCH)
        ]
        gradients = tf.concat(parts, 0)
        mean = tf.reduce_mean((gradients[:-1] + gradients[1:]) / 2, 0)
        values: Array = ((ends[1] - ends[0]) * mean).numpy()
        return values
