"""The embedded network as a Keras model: what a user of TensorFlow would write, for peers and tests to compare with."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from igcore.models.efficientnet_lite import CLASSES, HEAD, INPUT_SIZE, STAGES, STEM, read_weights, weight_file

__all__ = ["build_keras_efficientnet_lite0"]

layers = tf.keras.layers
Weights = dict[str, Any]


def build_keras_efficientnet_lite0() -> Any:
    """Build the Keras model with its trained weights.

    Returns
    -------
    keras.Model
        (B, 224, 224, 3) float32 RGB in [0, 1] → (B, 1000) logits.
    """
    weights = read_weights(weight_file())
    image = tf.keras.Input((*INPUT_SIZE, 3), name="image")
    x = layers.Rescaling(255 / 128, offset=-127 / 128, name="rescale")(image)
    x = _convolution(x, weights, "_conv_stem", STEM, kernel=3, stride=2)
    x = _normalize(x, weights, "_bn0", "stem_norm", activate=True)
    block, channels = 0, STEM
    for repeats, kernel, stride, width, expansion in STAGES:
        for repeat in range(repeats):
            x = _inverted_residual(x, weights, block, kernel, stride if repeat == 0 else 1, channels, width, expansion)
            block, channels = block + 1, width
    x = _convolution(x, weights, "_conv_head", HEAD)
    x = _normalize(x, weights, "_bn1", "head_norm", activate=True)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    dense = layers.Dense(CLASSES, name="logits")
    logits = dense(x)
    dense.set_weights([weights["_fc.weight"].T, weights["_fc.bias"]])
    network = tf.keras.Model(image, logits, name="efficientnet_lite0")
    network.trainable = False
    return network


def _inverted_residual(
    x: Any, weights: Weights, block: int, kernel: int, stride: int, channels: int, width: int, expansion: int
) -> Any:
    """Expand, filter each channel by itself, project; add the input where the shapes agree."""
    source, name = f"_blocks.{block}.", f"block{block}_"
    y = x
    if expansion != 1:
        y = _convolution(y, weights, f"{source}_expand_conv", channels * expansion, name=f"{name}expand")
        y = _normalize(y, weights, f"{source}_bn0", f"{name}expand_norm", activate=True)
    depthwise = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False, name=f"{name}depthwise")
    y = depthwise(y)
    depthwise.set_weights([weights[f"{source}_depthwise_conv.weight"].transpose(2, 3, 0, 1)])
    y = _normalize(y, weights, f"{source}_bn1", f"{name}depthwise_norm", activate=True)
    y = _convolution(y, weights, f"{source}_project_conv", width, name=f"{name}project")
    y = _normalize(y, weights, f"{source}_bn2", f"{name}project_norm")
    return layers.Add(name=f"{name}add")([y, x]) if stride == 1 and channels == width else y


def _convolution(
    x: Any, weights: Weights, source: str, width: int, kernel: int = 1, stride: int = 1, name: str | None = None
) -> Any:
    name = name or source.strip("_")
    layer = layers.Conv2D(width, kernel, stride, padding="same", use_bias=False, name=name)
    y = layer(x)
    layer.set_weights([weights[f"{source}.weight"].transpose(2, 3, 1, 0)])
    return y


def _normalize(x: Any, weights: Weights, source: str, name: str, activate: bool = False) -> Any:
    layer = layers.BatchNormalization(epsilon=1e-3, name=name)
    y = layer(x)
    layer.set_weights([weights[f"{source}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")])
    return layers.ReLU(6.0, name=name.replace("norm", "relu6"))(y) if activate else y
