"""Copies of a network whose weights are put in random order, one part after the other.

References
----------
Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, Sanity Checks for Saliency Maps, 2018, section 4.1. There each layer is
drawn anew. Here its weights are put in random order, which keeps their distribution whatever it is, so that signals
keep about their size, and keeps variances of batch normalizations above zero.
"""

from __future__ import annotations

import copy
import weakref
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from igcore.errors import InputError, ModelError
from igcore.in_flight import in_order
from igcore.models.base import SCORED, ModelSpec
from igcore.models.catalogue import entry_for
from igcore.models.graph import Graph
from igcore.models.layers import Array, Node
from igcore.models.linear_layers import Weighted
from igcore.models.loading import load_entry
from igcore.models.network import TensorFlowModel
from igcore.models.saved_model import variables_of

__all__ = ["Stage", "is_closed", "shuffled_copies", "variables_by_name", "weighted_layers"]

#: How often a model runs in chunks of one size before its copy does.
ENOUGH = 9

_settled: weakref.WeakSet[TensorFlowModel] = weakref.WeakSet()


@dataclass(frozen=True)
class Stage:
    """What is shuffled together.

    Attributes
    ----------
    name : str
    parts : tuple of str
        Names of layers, or of the variables of a network whose layers are closed; from the output down.
    weights : int
        How many numbers they hold.
    """

    name: str
    parts: tuple[str, ...]
    weights: int


def shuffled_copies(model: TensorFlowModel, stages: Sequence[Stage], seed: int) -> Iterator[TensorFlowModel]:
    """Yield a copy of a model as it is, and then after each stage.

    What is yielded is one network whose weights change: it is to be used before the next is asked for.

    Parameters
    ----------
    model : Model
        It is only read.
    stages : sequence of Stage
    seed : int
        Each part is shuffled by this and its own name, so that it comes out the same whatever else is shuffled.

    Raises
    ------
    ModelError
        Where the copy does not give what the model gives.
    """
    run = _over_variables if is_closed(model) else _over_graph
    for at, after in enumerate(run(model, stages, seed)):
        if at == 0:
            _compare(model, after)
        yield after


def is_closed(model: TensorFlowModel) -> bool:
    """Whether a model's layers cannot be read."""
    try:
        model.graph  # noqa: B018
    except ModelError:
        return True
    return False


def _shuffled(values: Array, name: str, seed: int) -> Array:
    """Return the numbers of an array in random order."""
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return random.permutation(values.ravel()).reshape(values.shape)


def _compare(model: TensorFlowModel, twin: TensorFlowModel) -> None:
    """Raise `ModelError` where two models differ."""
    image = np.random.default_rng(3).random((1, *model.spec.input_size, 3), dtype=np.float32)
    if not np.allclose(model.scores(image), twin.scores(image), rtol=1e-3, atol=1e-5):
        raise ModelError(
            f"a copy of model {model.spec.key} does not give what the model gives; where its files have changed, "
            "start anew"
        )


def _nameless(spec: ModelSpec) -> ModelSpec:
    """Return the facts of a copy: the digest is of the weights as they were trained."""
    return replace(spec, key=f"{spec.key}-randomized", sha256="")


# Open layers: a graph with variables in the place of weights is compiled once.


@dataclass(frozen=True, eq=False)
class _Exchangeable(Node):
    """A linear layer whose weights can be exchanged; only for what is compiled."""

    layer: Weighted
    weights: Any
    bias: Any

    def compute(self, *inputs: Any) -> Any:
        """See `Node`."""
        return self.layer.apply(inputs[0], self.weights) + self.bias


def weighted_layers(graph: Graph) -> dict[int, Weighted]:
    """Return the layers that hold weights, by position."""
    return {
        position: node
        for position, node in enumerate(graph.nodes)
        if isinstance(node, Weighted) and isinstance(node.weights, np.ndarray)
    }


def _settle(model: TensorFlowModel) -> None:
    """Run a model in chunks of every size until each thread has done so, once in a process.

    A thread keeps what the convolution library prepares for a layer's shapes, and shares it among networks. Prepared
    for weights that can be exchanged, it rounds differently: of a model that had hardly run before its copy did, the
    results then changed in their last bits from call to call (in 2 of 4 processes, and in 0 of 9 after this).
    """
    if model in _settled:
        return
    image = np.full((1, *model.spec.input_size, 3), 0.5, np.float32)
    gradients = [count for count in range(1, model.chunk + 1) for _ in range(ENOUGH)]
    scores = [count for count in range(1, SCORED + 1) for _ in range(ENOUGH // 3)]
    for run, counts in ((lambda images: model.gradients(images, 0), gradients), (model.scores, scores)):
        for _ in in_order(run, (image.repeat(count, axis=0) for count in counts)):
            pass
    _settled.add(model)


def _over_graph(model: TensorFlowModel, stages: Sequence[Stage], seed: int) -> Iterator[TensorFlowModel]:
    _settle(model)
    graph, layers = model.graph, weighted_layers(model.graph)
    held = {
        position: _Exchangeable(node.name, node.inputs, node, tf.Variable(node.weights), tf.Variable(node.bias))
        for position, node in layers.items()
    }
    open_graph = replace(graph, nodes=tuple(held.get(at, node) for at, node in enumerate(graph.nodes)))
    compiled = TensorFlowModel(_nameless(model.spec), None, chunk=model.chunk, read_graph=lambda: open_graph)
    nodes = list(graph.nodes)

    def staged() -> TensorFlowModel:
        # What goes from layer to layer reads their weights in a graph; what is compiled has the same in its variables.
        after = copy.copy(compiled)
        after.graph = replace(graph, nodes=tuple(nodes))
        return after

    yield staged()
    for stage in stages:
        for position in [at for at, node in layers.items() if node.name in stage.parts]:
            node = layers[position]
            weights = _shuffled(node.weights, f"{node.name}/weights", seed)
            bias = _shuffled(node.bias, f"{node.name}/bias", seed)
            changed: Any = {"weights": weights, "bias": bias}
            nodes[position] = replace(node, **changed)
            held[position].weights.assign(weights)
            held[position].bias.assign(bias)
        yield staged()


# Closed layers: the network is loaded once more from where it came.


def variables_by_name(model: TensorFlowModel) -> dict[str, Any]:
    """Return a network's variables by name, in the order in which images pass them."""
    if model.network is None:
        raise ModelError(
            f"model {model.spec.key} shows neither layers nor variables; choose a Keras model, or a SavedModel folder"
        )
    found: dict[str, Any] = {}
    for variable in getattr(model.network, "weights", None) or variables_of(model.network):
        name = str(getattr(variable, "path", variable.name)).partition(":")[0]
        if tf.as_dtype(variable.dtype).is_floating and np.prod(variable.shape) > 1:
            found[name if name not in found else f"{name}_{len(found)}"] = variable
    return found


def _over_variables(model: TensorFlowModel, stages: Sequence[Stage], seed: int) -> Iterator[TensorFlowModel]:
    key = model.spec.key
    try:
        twin = load_entry(entry_for(key), model.chunk)
    except InputError as error:
        raise ModelError(
            f"model {key} cannot be loaded a second time; load it by its key, folder or file, or choose a model with "
            "open layers"
        ) from error
    twin.spec = _nameless(twin.spec)
    variables = variables_by_name(twin)
    yield twin
    for stage in stages:
        for name in stage.parts:
            variables[name].assign(_shuffled(np.asarray(variables[name]), name, seed))
        yield twin
