"""Small SavedModels and Keras files, exported by the tests in the forms in which people publish them.

Each has the logits mean(x) · W over the three channels, so that its scores and gradients are known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

SIZE = (16, 16)


def kernel(classes: int) -> NDArray[np.float32]:
    """W (3, K): fixed weights, all different."""
    return np.random.default_rng(classes).normal(size=(3, classes)).astype(np.float32)


class Classifier(tf.Module):
    """The network itself, without an entry."""

    def __init__(self, classes: int = 7, softmax: bool = False) -> None:
        super().__init__()
        self.kernel = tf.Variable(kernel(classes))
        self.softmax = softmax

    def rows(self, images: Any) -> Any:
        logits = tf.reduce_mean(images, (1, 2)) @ self.kernel
        return tf.nn.softmax(logits) if self.softmax else logits


class Callable(Classifier):
    """Called with a batch and nothing else."""

    @tf.function
    def __call__(self, images: Any) -> Any:
        return self.rows(images)


class WithTrainingFlag(Classifier):
    """Called with a batch and a flag; gives zeros in training."""

    @tf.function
    def __call__(self, images: Any, training: bool = True) -> Any:
        return 0 * self.rows(images) if training else self.rows(images)


class WithDictionary(Classifier):
    """Gives features beside its logits, as a dictionary."""

    @tf.function
    def __call__(self, images: Any) -> Any:
        return {"features": tf.reduce_mean(images, (1, 2)), "logits": self.rows(images), "pixels": images}


class NotCallable(Classifier):
    """Has a signature only."""

    @tf.function
    def serve(self, images: Any) -> Any:
        return {"features": tf.reduce_mean(images, (1, 2)), "logits": self.rows(images)}


class CutGradient(Classifier):
    """Rounds its input to 8 bits, which has no gradient."""

    @tf.function
    def __call__(self, images: Any) -> Any:
        return self.rows(tf.cast(tf.cast(images * 255, tf.int32), tf.float32) / 255)


class NotFinite(Classifier):
    """Divides zero by zero."""

    @tf.function
    def __call__(self, images: Any) -> Any:
        return self.rows(images) * (0 * tf.reduce_sum(images) / 0)


def batch(size: tuple[int | None, int | None] = SIZE) -> Any:
    return tf.TensorSpec((None, *size, 3), tf.float32, name="images")


def export(module: Any, folder: Path, size: tuple[int | None, int | None] = SIZE, signature: str = "") -> str:
    """Save a module in one of the two forms; return the folder."""
    if signature:
        concrete = module.serve.get_concrete_function(batch(size))
        tf.saved_model.save(module, str(folder), signatures={signature: concrete})
        return str(folder)
    if isinstance(module, WithTrainingFlag):
        for training in (True, False):
            module.__call__.get_concrete_function(batch(size), training=training)
    else:
        module.__call__.get_concrete_function(batch(size))
    tf.saved_model.save(module, str(folder))
    return str(folder)


def small_keras_file(folder: Path) -> str:
    """A .keras file of seven classes, with two layers that have positions."""
    tf.keras.utils.set_random_seed(1)
    layers = tf.keras.layers
    first, second = (
        layers.Conv2D(width, 3, activation="relu", name=name) for width, name in ((4, "first"), (5, "second"))
    )
    end = [layers.GlobalAveragePooling2D(), layers.Dense(7, name="dense")]
    path = folder / "small.keras"
    tf.keras.Sequential([tf.keras.Input((*SIZE, 3)), first, second, *end]).save(path)
    return str(path)


def keras_network(classes: int = 7, *first: Any, softmax: bool = False) -> Any:
    """The same classifier as a Keras model."""
    layers = tf.keras.layers
    dense = layers.Dense(classes, use_bias=False, activation="softmax" if softmax else None)
    network = tf.keras.Sequential([tf.keras.Input((*SIZE, 3)), *first, layers.GlobalAveragePooling2D(), dense])
    dense.set_weights([kernel(classes)])
    return network
