"""Keras models read into a graph of layers: the same outputs and gradients, and what each kind of layer promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

import igcore
from igcore.models.base import ModelSpec
from igcore.models.keras_graph import read_keras
from igcore.models.linear_layers import Add, AveragePool, Convolution, Dense, Depthwise, Scale
from igcore.models.network import TensorFlowModel
from tests.functions import assert_same_map

L = tf.keras.layers
SHAPE = (7, 9, 3)
IMAGES = np.random.default_rng(3).random((3, *SHAPE), dtype=np.float32)
SPEC = ModelSpec("small", "Small", "tests", "none", SHAPE[:2], ("one", "two", "three"), capability="layers")


def randomized(network, seed=0):
    """The network with random weights and statistics, and outputs of about one."""
    random = np.random.default_rng(seed)
    for weight in network.weights:
        if "variance" in weight.path:
            weight.assign(random.uniform(0.3, 2, weight.shape))
        else:
            weight.assign(random.normal(0.1, 1 / np.sqrt(max(1, np.prod(weight.shape[:-1]))), weight.shape))
    return network


def built(build, seed=0):
    image = tf.keras.Input(SHAPE)
    return randomized(tf.keras.Model(image, build(image)), seed)


def gradients(graph, images, start):
    """Carry what the outputs have back to the image by every layer's own gradient."""
    outputs = graph.activations(images)
    carried = graph.back(start, lambda _, node, value: node.backward(value, *(outputs[i] for i in node.inputs)))
    return carried[0] * graph.scale


def assert_reads(network, input_range=(0, 1), softmax=False):
    """Outputs and gradients are those of Keras; of a softmax that was cut, up to a constant in each row."""
    graph = read_keras(network, input_range)
    low, high = input_range
    images = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(images)
        expected = network(images * (high - low) + low)
        expected = tf.math.log(expected) if softmax else expected
    found = graph.activations(IMAGES)[-1]
    start = np.random.default_rng(4).normal(size=expected.shape).astype(np.float32)
    if softmax:  # both then lack the constant: it has no part in sums with weights that sum to zero
        start -= start.mean(axis=1, keepdims=True)
    slopes = tape.gradient(expected, images, start)
    if softmax:
        found, expected = (rows - np.mean(rows, axis=1, keepdims=True) for rows in (found, expected))
    assert_same_map(found, np.asarray(expected), 1e-4)
    assert_same_map(gradients(graph, IMAGES, start), slopes)
    return graph


def kinds(graph):
    return " ".join(type(node).__name__ for node in graph.nodes[1:])


def read_twice(first):
    """A convolution whose output two layers read."""

    def build(image):
        features = L.Conv2D(3, 3, padding="same")(image)
        return L.Add()([L.BatchNormalization()(first(features)), features])

    return build


SINGLE = {
    "valid": (lambda: L.Conv2D(4, (3, 2)), "Convolution"),
    "same": (lambda: L.Conv2D(4, (3, 2), padding="same"), "Convolution"),
    "valid, strides": (lambda: L.Conv2D(4, 3, strides=(1, 2)), "Convolution"),
    "same, strides": (lambda: L.Conv2D(4, 3, strides=2, padding="same"), "Convolution"),
    "dilation": (lambda: L.Conv2D(4, 3, dilation_rate=(2, 3)), "Convolution"),
    "dilation, same": (lambda: L.Conv2D(4, 3, dilation_rate=2, padding="same"), "Convolution"),
    "no bias": (lambda: L.Conv2D(4, 3, use_bias=False), "Convolution"),
    "relu": (lambda: L.Conv2D(4, 3, activation="relu"), "Convolution Rectifier"),
    "relu6": (lambda: L.Conv2D(4, 3, activation="relu6"), "Convolution Rectifier"),
    "linear": (lambda: L.Conv2D(4, 3, activation="linear"), "Convolution"),
    "depthwise": (lambda: L.DepthwiseConv2D((2, 3)), "Depthwise"),
    "depthwise, multiplier": (
        lambda: L.DepthwiseConv2D(3, depth_multiplier=2, activation="relu6"),
        "Depthwise Rectifier",
    ),
    "depthwise, strides": (
        lambda: L.DepthwiseConv2D(3, 2, "same", depth_multiplier=2, use_bias=False),
        "Depthwise",
    ),
    "depthwise, dilation": (lambda: L.DepthwiseConv2D(3, padding="same", dilation_rate=2), "Depthwise"),
    "dense of each pixel": (lambda: L.Dense(4), "Dense"),
    "dense, no bias": (lambda: L.Dense(4, use_bias=False, activation="relu"), "Dense Rectifier"),
    "average": (lambda: L.AveragePooling2D((2, 3)), "AveragePool"),
    "average, strides": (lambda: L.AveragePooling2D(3, strides=1), "AveragePool"),
    "average, same": (lambda: L.AveragePooling2D(2, padding="same"), "AveragePool"),
    "maximum": (lambda: L.MaxPooling2D((2, 3)), "MaxPool"),
    "maximum, strides": (lambda: L.MaxPooling2D(3, strides=(2, 1)), "MaxPool"),
    "maximum, same": (lambda: L.MaxPooling2D(2, padding="same"), "MaxPool"),
    "global average": (lambda: L.GlobalAveragePooling2D(), "AveragePool"),
    "global average, kept": (lambda: L.GlobalAveragePooling2D(keepdims=True), "AveragePool"),
    "global maximum": (lambda: L.GlobalMaxPooling2D(), "MaxPool"),
    "global maximum, kept": (lambda: L.GlobalMaxPooling2D(keepdims=True), "MaxPool"),
    "padding": (lambda: L.ZeroPadding2D(((1, 0), (2, 3))), "Pad"),
    "flatten": (lambda: L.Flatten(), "Flatten"),
    "reshape": (lambda: L.Reshape((9, 7, -1)), "Flatten"),
}


@pytest.mark.parametrize("case", SINGLE)
def test_every_layer_and_setting_is_read(case):
    make, expected = SINGLE[case]
    assert kinds(assert_reads(built(lambda image: make()(image)))) == expected


RECTIFIERS = {
    "relu": (lambda: L.ReLU(), float("inf")),
    "relu6": (lambda: L.ReLU(6), 6),
    "relu to 1.5": (lambda: L.ReLU(1.5), 1.5),
    "activation relu": (lambda: L.Activation("relu"), float("inf")),
    "activation relu6": (lambda: L.Activation("relu6"), 6),
}


@pytest.mark.parametrize("case", RECTIFIERS)
def test_rectifiers_keep_their_ceilings(case):
    make, ceiling = RECTIFIERS[case]
    network = built(lambda image: make()(L.Conv2D(8, 3, name="before")(image)))
    # Twenty times as large, some values go beyond the ceilings.
    network.get_layer("before").set_weights([20 * weight for weight in network.get_layer("before").get_weights()])
    graph = assert_reads(network)
    before, after = graph.activations(IMAGES)[-2:]
    assert before.min() < 0
    assert before.max() > 6
    assert graph.nodes[-1].ceiling == ceiling
    assert after.max() == min(ceiling, before.max())


FOLDED = {
    "after a convolution": (lambda x: L.BatchNormalization()(L.Conv2D(4, 3)(x)), "Convolution"),
    "after one without bias": (lambda x: L.BatchNormalization()(L.Conv2D(4, 3, use_bias=False)(x)), "Convolution"),
    "without scale": (lambda x: L.BatchNormalization(scale=False)(L.Conv2D(4, 3)(x)), "Convolution"),
    "without center": (lambda x: L.BatchNormalization(center=False, epsilon=0.1)(L.Conv2D(4, 3)(x)), "Convolution"),
    "after a depthwise": (lambda x: L.BatchNormalization()(L.DepthwiseConv2D(3, depth_multiplier=2)(x)), "Depthwise"),
    "after a dense": (lambda x: L.BatchNormalization()(L.Dense(4)(L.Flatten()(x))), "Flatten Dense"),
    "twice": (lambda x: L.BatchNormalization()(L.BatchNormalization()(L.Conv2D(4, 3)(x))), "Convolution"),
    "after a dropout": (lambda x: L.BatchNormalization()(L.Dropout(0.5)(L.Conv2D(4, 3)(x))), "Convolution"),
}
KEPT = {
    "after an addition": (lambda x: L.BatchNormalization()(L.Add()([L.ReLU()(x), x])), "Rectifier Add Scale"),
    "after a rectifier": (
        lambda x: L.BatchNormalization()(L.Conv2D(4, 3, activation="relu")(x)),
        "Convolution Rectifier Scale",
    ),
    "after what another layer reads": (read_twice(lambda x: x), "Convolution Scale Add"),
    "after a dropout of what another layer reads": (read_twice(lambda x: L.Dropout(0.5)(x)), "Convolution Scale Add"),
    "after a line through what another layer reads": (
        read_twice(lambda x: L.Activation("linear")(x)),
        "Convolution Scale Add",
    ),
    "first in a model inside": (
        lambda x: tf.keras.Sequential([L.BatchNormalization(), L.Conv2D(2, 3)])(L.Conv2D(4, 3)(x)),
        "Convolution Scale Convolution",
    ),
}
INPUT = {
    "batch normalization": (lambda x: L.Conv2D(4, 3)(L.BatchNormalization()(x)), "Convolution"),
    "rescaling": (lambda x: L.Conv2D(4, 3)(L.Rescaling(1 / 3, -0.7)(x)), "Convolution"),
    "rescaling by channel": (lambda x: L.Conv2D(4, 3)(L.Rescaling([1, 2, 3], [0.1, 0.2, 0.3])(x)), "Convolution"),
    "normalization": (
        lambda x: L.Conv2D(4, 3)(L.Normalization(mean=[0.4, 0.5, 0.6], variance=[0.1, 0.2, 0.3])(x)),
        "Convolution",
    ),
    "normalization of all": (lambda x: L.Conv2D(4, 3)(L.Normalization(None, mean=0.4, variance=0.1)(x)), "Convolution"),
    "two": (lambda x: L.Conv2D(4, 3)(L.Rescaling(2, -1)(L.Rescaling([1, 2, 3])(x))), "Convolution"),
    "read by two": (
        lambda x: (lambda scaled: L.Add()([L.Conv2D(3, 3, padding="same")(scaled), scaled]))(L.Rescaling(2, -1)(x)),
        "Convolution Add",
    ),
    "not all": (lambda x: L.Add()([L.Rescaling(2, -1)(x), L.Conv2D(3, 1)(x)]), "Scale Convolution Add"),
}


@pytest.mark.parametrize("case", FOLDED)
def test_a_batch_normalization_is_folded(case):
    build, expected = FOLDED[case]
    assert kinds(assert_reads(built(build))) == expected


@pytest.mark.parametrize("case", KEPT)
def test_a_batch_normalization_is_kept_where_folding_would_change_what_others_read(case):
    build, expected = KEPT[case]
    assert kinds(assert_reads(built(build))) == expected


@pytest.mark.parametrize("input_range", [(0, 1), (-1, 1), (0, 255)])
@pytest.mark.parametrize("case", INPUT)
def test_what_rescales_the_image_is_the_normalization_of_the_graph(case, input_range):
    build, expected = INPUT[case]
    network = built(build)
    graph = assert_reads(network, input_range)
    assert sorted(kinds(graph).split()) == sorted(expected.split())


def test_the_normalization_is_scale_times_image_plus_offset():
    network = built(lambda x: L.Conv2D(4, 3)(L.Rescaling([1, 2, 3], [0.1, 0.2, 0.3])(x)))
    graph = read_keras(network, (-1, 1))  # (2 x − 1) · (1, 2, 3) + (0.1, 0.2, 0.3)
    np.testing.assert_allclose(graph.scale, [2, 4, 6], rtol=1e-6)
    np.testing.assert_allclose(graph.offset, [-0.9, -1.8, -2.7], rtol=1e-6)


def residual(x):
    first = L.Conv2D(4, 3, padding="same", name="first")(x)
    second = L.DepthwiseConv2D(3, padding="same")(L.ReLU(6)(L.BatchNormalization()(first)))
    third = L.Conv2D(4, 1)(second)
    return L.Dense(3)(L.GlobalAveragePooling2D()(L.ReLU()(L.Add()([first, second, third]))))


def nested(x):
    """Models inside of models, one of them called twice."""
    inner = tf.keras.Sequential([tf.keras.Input((7, 9, 4)), L.Conv2D(4, 3, padding="same"), L.ReLU()])
    within = tf.keras.Input((7, 9, 3))
    outer = tf.keras.Model(within, L.BatchNormalization()(inner(L.Conv2D(4, 1)(within))))
    return L.Dense(3)(L.Flatten()(inner(outer(x))))


def shared(x):
    """A layer that is called twice."""
    layer = L.Conv2D(3, 3, padding="same", activation="relu")
    return L.Add()([layer(layer(x)), x])


@pytest.mark.parametrize("build", [residual, nested, shared], ids=lambda build: build.__name__)
def test_branches_and_models_inside_are_read(build):
    assert_reads(built(build), (-1, 1))


def test_a_sequential_model_is_read_and_not_changed():
    layers = [L.Conv2D(4, 3), L.BatchNormalization(), L.Activation("linear"), L.Dropout(0.5), L.Flatten(), L.Dense(3)]
    network = randomized(tf.keras.Sequential([tf.keras.Input(SHAPE), *layers]))
    before = network.get_weights()
    assert kinds(assert_reads(network)) == "Convolution Flatten Dense"
    assert all(map(np.array_equal, before, network.get_weights()))


SOFTMAX = {
    "layer": lambda x: L.Softmax()(L.Dense(3)(x)),
    "activation layer": lambda x: L.Activation("softmax")(L.Dense(3)(x)),
    "activation": lambda x: L.Dense(3, activation="softmax")(x),
    "in a model inside": lambda x: tf.keras.Sequential([L.Dense(3), L.Softmax()])(x),
}


@pytest.mark.parametrize("case", SOFTMAX)
def test_a_softmax_at_the_end_is_left_out(case):
    graph = assert_reads(built(lambda x: SOFTMAX[case](L.GlobalMaxPooling2D()(x))), softmax=True)
    assert kinds(graph) == "MaxPool Dense"


# What each linear layer promises, against its matrix, which is built from its outputs for unit vectors.

RANDOM = np.random.default_rng(8)


def normal(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


LINEAR = {
    "valid": Convolution("n", (0,), normal(3, 2, 2, 3), normal(3), (1, 1), "VALID"),
    "same": Convolution("n", (0,), normal(3, 2, 2, 3), normal(3), (2, 2), "SAME"),
    "dilated": Convolution("n", (0,), normal(2, 2, 2, 3), normal(3), (1, 1), "VALID", (2, 2)),
    "depthwise": Depthwise("n", (0,), normal(3, 3, 2, 2), normal(4), (1, 1), "VALID"),
    "depthwise, same": Depthwise("n", (0,), normal(3, 3, 2, 1), normal(2), (2, 2), "SAME"),
    "dense": Dense("n", (0,), normal(2, 3), normal(3)),
    "scale": Scale("n", (0,), normal(2), normal(2)),
    "average": AveragePool("n", (0,), (2, 2), (2, 2)),
    "average, same": AveragePool("n", (0,), (2, 2), (2, 2), "SAME"),
    "average of all": AveragePool("n", (0,), None),
    "average of all, kept": AveragePool("n", (0,), None, keeps=True),
    "addition": Add("n", (0, 1)),
    "addition of three": Add("n", (0, 1, 2)),
}
every_linear_layer = pytest.mark.parametrize("node", LINEAR.values(), ids=LINEAR)


def some_inputs(node):
    """Values of both signs, and zeros."""
    inputs = [normal(2, 5, 4, 2) for _ in node.inputs]
    for x in inputs:
        x[RANDOM.random(x.shape) < 0.2] = 0
    return inputs


def matrix(node, inputs):
    """The weights (inputs, outputs), column by column, of all inputs together."""
    sizes = [x[0].size for x in inputs]
    units = np.split(np.eye(sum(sizes), dtype=np.float32), np.cumsum(sizes)[:-1], axis=1)
    units = [unit.reshape(-1, *x.shape[1:]) for unit, x in zip(units, inputs, strict=True)]
    outputs = node.forward(*units) - node.forward(*(np.zeros_like(unit) for unit in units))
    return outputs.reshape(len(outputs), -1)


@every_linear_layer
def test_split_is_the_sum_of_the_positive_and_of_the_negative_contributions(node):
    inputs = some_inputs(node)
    positive, negative = node.split(*inputs)
    assert (positive >= 0).all()
    assert (negative <= 0).all()
    np.testing.assert_allclose(positive + negative, node.forward(*inputs) - node.bias, atol=1e-5)
    rows = np.concatenate([x.reshape(2, -1) for x in inputs], axis=1)
    contributions = rows[:, :, None] * matrix(node, inputs)
    np.testing.assert_allclose(positive.reshape(2, -1), np.maximum(contributions, 0).sum(axis=1), atol=1e-5)
    np.testing.assert_allclose(negative.reshape(2, -1), np.minimum(contributions, 0).sum(axis=1), atol=1e-5)


@every_linear_layer
def test_spread_takes_each_contribution_by_its_sign(node):
    inputs = some_inputs(node)
    above, below = (normal(*node.forward(*inputs).shape) for _ in range(2))
    weights = matrix(node, inputs)
    rows = np.concatenate([x.reshape(2, -1) for x in inputs], axis=1)
    assert (rows == 0).any()
    expected = np.zeros_like(rows)
    for b, row in enumerate(rows):
        plus, minus = above[b].ravel(), below[b].ravel()
        for i, x in enumerate(row):
            contribution = x * weights[i]
            factor = np.where(contribution > 0, plus, np.where(contribution < 0, minus, (plus + minus) / 2))
            expected[b, i] = weights[i] @ factor
    found = np.concatenate([part.reshape(2, -1) for part in node.spread(above, below, *inputs)], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@every_linear_layer
def test_spread_of_one_factor_is_the_gradient(node):
    inputs = some_inputs(node)
    factor = normal(*node.forward(*inputs).shape)
    parts, expected = node.spread(factor, factor, *inputs), node.backward(factor, *inputs)
    for part, gradient in zip(parts, expected, strict=True):
        np.testing.assert_allclose(part, gradient, atol=1e-5)


# What is not known is named, in one line.


class Twice(tf.keras.Model):
    """A model written as a class, whose layers cannot be followed."""

    def call(self, x):
        return 2 * x


UNKNOWN = {
    "LayerNormalization": lambda x: L.LayerNormalization(name="odd")(x),
    "Conv2DTranspose": lambda x: L.Conv2DTranspose(2, 3, name="odd")(x),
    "SeparableConv2D": lambda x: L.SeparableConv2D(2, 3, name="odd")(x),
    "LeakyReLU": lambda x: L.LeakyReLU(name="odd")(x),
    "Multiply": lambda x: L.Multiply(name="odd")([x, x]),
    "Concatenate": lambda x: L.Concatenate(name="odd")([x, x]),
    "slope below zero": lambda x: L.ReLU(negative_slope=0.1, name="odd")(x),
    "threshold": lambda x: L.ReLU(threshold=0.1, name="odd")(x),
    "groups": lambda x: L.Conv2D(2, 3, groups=2, name="odd")(L.Conv2D(2, 1)(x)),
    "swish": lambda x: L.Activation("swish", name="odd")(x),
    "swish of a dense": lambda x: L.Dense(2, activation="swish", name="odd")(x),
    "a layer as activation": lambda x: L.Dense(2, activation=L.LeakyReLU(), name="odd")(x),
    "a layer in an activation layer": lambda x: L.Activation(L.LeakyReLU(), name="odd")(x),
    "softmax inside": lambda x: L.Dense(2)(L.Softmax(name="odd")(x)),
    "softmax of a layer inside": lambda x: L.Flatten()(L.Dense(3, activation="softmax", name="odd")(x)),
    "normalization of rows": lambda x: L.BatchNormalization(axis=1, name="odd")(x),
    "normalization of a dense's rows": lambda x: L.BatchNormalization(axis=1, name="odd")(L.Dense(2)(x)),
    "normalization of pixels": lambda x: L.Normalization((1, 2, 3), mean=0.5, variance=1.0, name="odd")(x),
    "channels first": lambda x: L.ZeroPadding2D(1, data_format="channels_first", name="odd")(x),
    "a class inside": lambda x: Twice(name="odd")(x),
    "addition of a constant": lambda x: L.Conv2D(2, 3)(x) + 1.0,
    "addition of other shapes": lambda x: L.Add(name="odd")([x, L.GlobalMaxPooling2D(keepdims=True)(x)]),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_not_known_is_named(case):
    network = built(UNKNOWN[case])
    with pytest.raises(igcore.ModelError, match=r"^layer (odd|add(_\d+)?) ") as refusal:
        read_keras(network)
    assert "\n" not in str(refusal.value)


def several():
    image, other = tf.keras.Input(SHAPE), tf.keras.Input(SHAPE)
    return {
        "two inputs": tf.keras.Model([image, other], L.Add()([image, other]), name="odd"),
        "two outputs": tf.keras.Model(image, [L.ReLU()(image), L.Flatten()(image)], name="odd"),
        "a class": Twice(name="odd"),
        "not built": tf.keras.Sequential([L.Flatten()], name="odd"),
    }


@pytest.mark.parametrize("case", several())
def test_a_model_that_is_no_chain_from_an_image_to_scores_is_named(case):
    with pytest.raises(igcore.ModelError, match="odd") as refusal:
        read_keras(several()[case])
    assert "\n" not in str(refusal.value)


# The graph of a model: proven, and read once.


def classifier(seed=0, scale=1.0, activation=None):
    network = built(lambda x: L.Dense(3, activation=activation)(L.Flatten()(x)), seed)
    network.set_weights([scale * weight for weight in network.get_weights()])
    return network


def model_of(network, read, **facts):
    return TensorFlowModel(replace(SPEC, **facts), network, read_graph=read)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_the_graph_is_proven_and_read_once(activation):
    network, seen = classifier(activation=activation), []
    outputs = "probabilities" if activation else "logits"
    model = model_of(network, lambda: seen.append(0) or read_keras(network), outputs=outputs)
    assert model.graph is model.graph
    assert len(seen) == 1


def test_a_wrong_graph_is_refused():
    right, wrong = classifier(), classifier(seed=1)
    two_classes = built(lambda x: L.Dense(2)(L.Flatten()(x)))
    for read in (
        lambda: read_keras(wrong),
        lambda: read_keras(two_classes),
        lambda: read_keras(right, (-1, 1)),
        lambda: replace(read_keras(right), offset=np.full(3, 0.1, np.float32)),
    ):
        with pytest.raises(igcore.ModelError, match=r"layers of model small do not give what the model gives") as error:
            _ = model_of(right, read).graph
        assert "\n" not in str(error.value)


def test_a_confident_network_is_read_as_well():
    # Its least probability is below the smallest that a logarithm is taken of.
    network = classifier(scale=100.0, activation="softmax")
    logits = read_keras(network).activations(IMAGES)[-1]
    assert np.ptp(logits, axis=1).max() > 80
    assert model_of(network, lambda: read_keras(network), outputs="probabilities").graph.nodes


def test_a_model_that_opens_no_layers_says_so():
    with pytest.raises(igcore.ModelError, match=r"model small .* choose a Keras model"):
        _ = model_of(classifier(), None).graph


@pytest.mark.parametrize("key", ["coffee", "cat"])
def test_the_embedded_network_is_the_same_layer_by_layer(model, photo, key):
    image = photo(key)[None]
    outputs = model.graph.activations(image)
    expected = model.scores(image, "logit")
    np.testing.assert_allclose(outputs[-1], expected, atol=1e-4)
    target = int(expected.argmax())
    start = np.eye(expected.shape[1], dtype=np.float32)[target][None]
    _, slopes = model.gradients(image, target, "logit")
    assert_same_map(gradients(model.graph, image, start), slopes, 1e-4)


def test_what_is_compiled_is_made_of_the_layers_where_they_are_known():
    network = classifier()
    known = model_of(network, lambda: read_keras(network))
    closed = TensorFlowModel(SPEC, network)
    image = IMAGES[0]
    alphas, weights = np.array([0.2, 0.7], np.float32), np.array([[0.5, 0.5], [1, 0]], np.float32)
    chunks = [model.path_chunk(1 - image, 2 * image - 1, alphas, weights, 1, "logit") for model in (known, closed)]
    for field in ("weighted", "scores", "slopes", "mean_gradients"):
        ours, plain = (getattr(chunk, field) for chunk in chunks)
        np.testing.assert_allclose(ours, plain, atol=1e-5 * np.abs(plain).max(), err_msg=field)
    _, (ours, plain) = zip(*(model.gradients(IMAGES, 1, "logit") for model in (known, closed)), strict=True)
    np.testing.assert_allclose(ours, plain, atol=1e-5 * np.abs(plain).max())


def test_a_network_whose_layers_are_wrong_or_unknown_runs_as_it_is():
    right, wrong = classifier(), classifier(seed=1)
    swish = built(lambda x: L.Dense(3)(L.Flatten()(L.Conv2D(2, 3, activation="swish")(x))))
    for network, read in ((right, lambda: read_keras(wrong)), (swish, lambda: read_keras(swish))):
        model = model_of(network, read)
        np.testing.assert_allclose(model.scores(IMAGES, "logit"), network(IMAGES).numpy(), atol=1e-5)
        with pytest.raises(igcore.ModelError):
            _ = model.graph
