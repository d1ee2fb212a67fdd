"""Read a Keras model into a `Graph`; a layer that is not known is named, never passed through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from igcore.errors import ModelError
from igcore.models.graph import Graph
from igcore.models.layers import Flatten, Image, MaxPool, Node, Pad, Rectifier
from igcore.models.linear_layers import Add, AveragePool, Convolution, Dense, Depthwise, Scale

__all__ = ["read_keras"]

Array = NDArray[np.float32]

KNOWN = (
    "convolution, depthwise convolution, dense, batch normalization, rescaling, ReLU and ReLU6, addition, average and "
    "max pooling, zero padding, flatten, reshape, and a softmax at the end"
)


def read_keras(network: Any, input_range: tuple[float, float] = (0, 1)) -> Graph:
    """Read a built Keras model of one image input and one row of class scores.

    Parameters
    ----------
    network : keras.Model
        Functional or sequential, with models inside or without. It is not changed.
    input_range : (low, high)
        What the network takes for black and white.

    Returns
    -------
    Graph
        Up to the logits: a softmax at the end is left out. Batch normalizations are folded into the layers before
        them, and what rescales the image is the graph's own normalization.

    Raises
    ------
    ModelError
        Where a layer is of a kind or has a setting that is not known; it is named.
    """
    reader = _Reader()
    low, high = input_range
    reader.nodes.append(Image("image", ()))
    output = reader.read(network, [0])
    if output != len(reader.nodes) - 1:
        raise ModelError(f"the last layer of {network.name} is not its output; layer-wise methods cannot read it")
    return _normalized(reader.nodes, high - low, low)


class _Reader:
    """Collects nodes while it goes through a model's layers in order."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.ended: str | None = None

    def read(self, network: Any, sources: list[int]) -> int:
        """Add a model's layers and return the position of its output."""
        network = getattr(network, "_functional", None) or network
        depths = getattr(network, "_nodes_by_depth", None)
        if depths is None or len(network.inputs) != len(sources) or len(network.outputs) != 1:
            raise ModelError(
                f"{network.name} is not a functional or sequential Keras model of one input and one output; "
                "layer-wise methods cannot read it"
            )
        calls = [call for depth in sorted(depths, reverse=True) for call in depths[depth]]
        # What comes from outside may have readers there, so only a tensor of this model can be read by one layer alone.
        uses = Counter(id(tensor) for call in calls for tensor in call.input_tensors)
        uses.update(id(tensor) for tensor in network.inputs)
        where = {id(tensor): source for tensor, source in zip(network.inputs, sources, strict=True)}
        for call in calls:
            if not call.input_tensors:
                continue  # the layer that stands for the input
            if self.ended is not None:
                raise ModelError(f"layer {self.ended} is a softmax inside the network; layer-wise methods know {KNOWN}")
            inputs = [where[id(tensor)] for tensor in call.input_tensors]
            alone = all(uses[id(tensor)] == 1 for tensor in call.input_tensors)
            output = call.outputs[0]
            where[id(output)] = self.add(call.operation, inputs, alone, output.shape)
            if where[id(output)] == inputs[0] and not alone:
                uses[id(output)] += 1  # a layer that changes nothing shares its input's other readers
            if any(tensor.shape != output.shape for tensor in call.input_tensors[1:]):
                raise ModelError(f"layer {call.operation.name} joins unlike shapes; layer-wise methods know {KNOWN}")
        return where[id(network.outputs[0])]

    def add(self, layer: Any, inputs: list[int], alone: bool, shape: Any) -> int:
        """Add one layer and return the position of its output.

        Parameters
        ----------
        layer : keras.Layer
        inputs : list of int
        alone : bool
            Whether nothing else reads its inputs, so that it may be folded into the node before.
        shape : tuple
            Of its output, the batch first.
        """
        kind = type(layer).__name__
        if hasattr(layer, "_nodes_by_depth") or hasattr(layer, "_functional"):
            return self.read(layer, inputs)
        if kind in ("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "ActivityRegularization"):
            return inputs[0]
        if kind == "BatchNormalization":
            return self.normalize(layer, inputs[0], alone, len(shape))
        if kind in ("ReLU", "Activation", "Softmax"):
            return self.activate(layer, inputs[0])
        make = _MAKERS.get(kind)
        keras_own = getattr(tf.keras.layers, kind, None) is type(layer) or (kind == "Add" and len(inputs) > 1)
        if make is None or not keras_own:
            raise ModelError(f"layer {layer.name} is of kind {kind}, which layer-wise methods do not know: {KNOWN}")
        if getattr(layer, "data_format", "channels_last") != "channels_last":
            raise ModelError(f"layer {layer.name} has its channels first; layer-wise methods know channels_last")
        self.nodes.append(make(layer, tuple(inputs), shape))
        if getattr(layer, "activation", None) is None:
            return len(self.nodes) - 1
        return self.activate(layer, len(self.nodes) - 1)

    def activate(self, layer: Any, source: int) -> int:
        """Add a layer's activation."""
        kind = type(layer).__name__
        given = getattr(layer, "activation", None)
        name = kind.lower() if kind in ("ReLU", "Softmax") else getattr(given, "__name__", type(given).__name__)
        if name == "linear":
            return source
        if name == "softmax":
            self.ended = layer.name
            return source
        ceilings = {"relu": float("inf"), "relu6": 6.0}
        if name not in ceilings:
            raise ModelError(f"layer {layer.name} has activation {name}, which layer-wise methods do not know: {KNOWN}")
        ceiling = ceilings[name]
        if kind == "ReLU":
            if layer.negative_slope or layer.threshold:
                raise ModelError(f"layer {layer.name} is a ReLU with a slope below zero or a threshold; known: {KNOWN}")
            ceiling = ceiling if layer.max_value is None else float(layer.max_value)
        inline = kind not in ("ReLU", "Activation")
        self.nodes.append(Rectifier(f"{layer.name}_{name}" if inline else layer.name, (source,), ceiling))
        return len(self.nodes) - 1

    def normalize(self, layer: Any, source: int, alone: bool, rank: int) -> int:
        """Fold a batch normalization into the layer before it, or add it by itself."""
        axis = layer.axis if isinstance(layer.axis, int) else layer.axis[0]
        before = self.nodes[source]
        # In double precision, so that folding adds no rounding beyond that of the folded weights.
        mean, variance = (np.asarray(value, np.float64) for value in (layer.moving_mean, layer.moving_variance))
        if axis not in (-1, rank - 1):
            raise ModelError(f"layer {layer.name} normalizes axis {axis}; layer-wise methods know the last one")
        scale = 1 / np.sqrt(variance + layer.epsilon)
        scale = scale * np.asarray(layer.gamma) if layer.scale else scale
        offset = -mean * scale + (np.asarray(layer.beta) if layer.center else 0)
        if alone and isinstance(before, (Convolution, Depthwise, Dense)):
            self.nodes[source] = before.folded(scale, offset)
            return source
        self.nodes.append(Scale(layer.name, (source,), scale.astype(np.float32), offset.astype(np.float32)))
        return len(self.nodes) - 1


def _normalized(nodes: list[Node], scale: Any, offset: Any) -> Graph:
    """Take what rescales the image out of the nodes."""
    scale, offset = np.full(3, scale, np.float64), np.full(3, offset, np.float64)
    while len(nodes) > 1 and isinstance(nodes[1], Scale) and sum(0 in node.inputs for node in nodes) == 1:
        scale, offset = scale * nodes[1].weights, offset * nodes[1].weights + nodes[1].bias
        del nodes[1]
        nodes[1:] = [replace(node, inputs=tuple(max(0, index - 1) for index in node.inputs)) for node in nodes[1:]]
    return Graph(tuple(nodes), scale.astype(np.float32), offset.astype(np.float32))


def _bias(layer: Any, count: int) -> Array:
    return np.asarray(layer.bias, np.float32) if layer.use_bias else np.zeros(count, np.float32)


def _convolution(layer: Any, inputs: tuple[int, ...], _: Any) -> Node:
    if layer.groups != 1:
        raise ModelError(f"layer {layer.name} is a convolution in {layer.groups} groups; known: {KNOWN}")
    weights = np.asarray(layer.kernel, np.float32)
    rest = (layer.strides, layer.padding.upper(), layer.dilation_rate)
    return Convolution(layer.name, inputs, weights, _bias(layer, weights.shape[-1]), *rest)


def _depthwise(layer: Any, inputs: tuple[int, ...], _: Any) -> Node:
    weights = np.asarray(layer.kernel, np.float32)
    rest = (layer.strides, layer.padding.upper(), layer.dilation_rate)
    return Depthwise(layer.name, inputs, weights, _bias(layer, weights.shape[2] * weights.shape[3]), *rest)


def _dense(layer: Any, inputs: tuple[int, ...], _: Any) -> Node:
    weights = np.asarray(layer.kernel, np.float32)
    return Dense(layer.name, inputs, weights, _bias(layer, weights.shape[1]))


def _rescaling(layer: Any, inputs: tuple[int, ...], _: Any) -> Node:
    scale, offset = (np.asarray(value, np.float32).reshape(-1) for value in (layer.scale, layer.offset))
    return Scale(layer.name, inputs, scale, offset)


def _normalization(layer: Any, inputs: tuple[int, ...], _: Any) -> Node:
    mean, variance = (np.asarray(value, np.float64) for value in (layer.mean, layer.variance))
    if layer.invert or mean.size != mean.shape[-1]:
        raise ModelError(f"layer {layer.name} normalizes more than channels; known: {KNOWN}")
    scale = 1 / np.maximum(np.sqrt(variance.reshape(-1)), 1e-7)
    return Scale(layer.name, inputs, scale.astype(np.float32), (-mean.reshape(-1) * scale).astype(np.float32))


def _pool(kind: Any) -> Callable[..., Node]:
    def make(layer: Any, inputs: tuple[int, ...], _: Any) -> Node:
        node: Node = kind(layer.name, inputs, layer.pool_size, layer.strides, layer.padding.upper())
        return node

    return make


def _global_pool(kind: Any) -> Callable[..., Node]:
    def make(layer: Any, inputs: tuple[int, ...], _: Any) -> Node:
        node: Node = kind(layer.name, inputs, None, keeps=bool(layer.keepdims))
        return node

    return make


_MAKERS: dict[str, Callable[..., Node]] = {
    "Conv2D": _convolution,
    "DepthwiseConv2D": _depthwise,
    "Dense": _dense,
    "Rescaling": _rescaling,
    "Normalization": _normalization,
    "Add": lambda layer, inputs, _: Add(layer.name, inputs),
    "AveragePooling2D": _pool(AveragePool),
    "MaxPooling2D": _pool(MaxPool),
    "GlobalAveragePooling2D": _global_pool(AveragePool),
    "GlobalMaxPooling2D": _global_pool(MaxPool),
    "ZeroPadding2D": lambda layer, inputs, _: Pad(layer.name, inputs, layer.padding),
    "Flatten": lambda layer, inputs, shape: Flatten(layer.name, inputs, tuple(shape[1:])),
    "Reshape": lambda layer, inputs, shape: Flatten(layer.name, inputs, tuple(shape[1:])),
}
