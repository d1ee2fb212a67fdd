"""Methods that go through the layers: against numbers worked out by hand and slow loops, and by what they promise."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import igcore
from igcore.methods.base import Task
from igcore.methods.class_maps import GradCam, GradCamPlusPlus
from igcore.methods.deeplift import DeepLiftRescale, DeepLiftRevealCancel, DeepShap
from igcore.methods.guided_backprop import GuidedBackprop
from igcore.methods.lrp import DeepTaylor, LrpAlphaBeta, LrpComposite, LrpEpsilon, LrpGamma
from igcore.models.base import ModelSpec
from igcore.models.keras_graph import read_keras
from igcore.models.network import TensorFlowModel
from tests.functions import assert_same_map, constant, model_of

L = tf.keras.layers
KEYS = [key for key, spec in igcore.METHODS.items() if spec.needs == "layers"]
RELEVANCE = [key for key in KEYS if igcore.METHODS[key].sums == "relevance"]
RULES = (LrpEpsilon(0.25), LrpAlphaBeta(2.0), LrpAlphaBeta(1.0), LrpGamma(0.5), LrpComposite(0.1, 0.5))
DIFFERENCES = (DeepLiftRescale, DeepLiftRevealCancel)


def name(value):
    return value.key if hasattr(value, "key") else None


every_rule = pytest.mark.parametrize("method", RULES, ids=name)
by_difference = pytest.mark.parametrize("kind", DIFFERENCES, ids=name)


def picture(shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def opened(network, input_range=(0, 1)):
    """A Keras network as a model whose layers are open."""
    labels = tuple(f"class {index}" for index in range(network.output_shape[-1]))
    size, (low, high) = network.input_shape[1:3], input_range
    spec = ModelSpec("small", "Small", "tests", "none", size, labels, capability="layers")
    read = partial(read_keras, network, input_range)
    return TensorFlowModel(spec, lambda x: network(x * (high - low) + low), network, read_graph=read)


def sequential(shape, *layers, weights=None, seed=0):
    """Layers in a row, with given weights or random ones."""
    network = tf.keras.Sequential([tf.keras.Input(shape), *layers])
    if weights is None:
        randomize(network, seed)
    else:
        network.set_weights([np.float32(weight) for weight in weights])
    return network


def randomize(network, seed=0, biased=True):
    random = np.random.default_rng(seed)
    for weight in network.weights:
        size = 0.3 * biased if "bias" in weight.path else 1 / np.sqrt(np.prod(weight.shape[:-1]))
        weight.assign(random.normal(0, size, weight.shape))
    return network


def attribute(model, method, image, target=0, **facts):
    return method.attribute(Task(model, np.float32(image), target, **facts))


# By hand: three inputs, two hidden neurons, three classes. Contributions to the first hidden neuron are 2, −1 and 1
# with bias 1/2, to the second −1, 2 and −1/2 with bias −1/4.

X = np.reshape([1, 0.5, 0.25], (1, 1, 3))
FIRST, FIRST_BIAS = np.array([[2, -1], [-2, 4], [4, -2]]), np.array([0.5, -0.25])
LAST, LAST_BIAS = np.array([[2, 2, -1], [-4, 4, 0]]), np.array([1, -1, 0])


def by_hand(*between, factor=1.0, biases=FIRST_BIAS):
    """The network, with the first hidden neuron as many times as large."""
    weights = [FIRST * [factor, 1], biases * [factor, 1], LAST, LAST_BIAS]
    layers = [L.Flatten(), L.Dense(2), *between, L.Dense(3)]
    return opened(sequential((1, 1, 3), *layers, weights=weights))


HAND = {
    # The hidden layer is (5/2, 1/4) and the logits 5 = 5 − 1 + 1, 5 = 5 + 1 − 1 and −5/2.
    ("relu", LrpEpsilon(1.0), 0): np.array([64, -53, 32]) / 21,
    ("relu", LrpEpsilon(1.0), 2): np.array([-50, 25, -25]) / 49,
    ("relu", LrpAlphaBeta(2.0), 0): np.array([260, -385, 130]) / 21,
    ("relu", LrpAlphaBeta(2.0), 2): np.array([-20 / 7, 5 / 2, -10 / 7]),
    ("relu", LrpGamma(1.0), 0): np.array([320, -155, 160]) / 99,
    ("relu", LrpGamma(1.0), 2): np.array([-20, 5, -10]) / 12,
    ("relu", LrpComposite(1.0, 1.0), 0): np.array([25 / 12, 25 / 24 - 10 / 21, 25 / 24 - 5 / 14]),
    ("relu", DeepTaylor(), 1): np.array([350, 255, 235]) / 168,
    # Four times the first neuron: 10, which the ceiling makes 6; the logits are 12 = 12 − 1 + 1 and 12 = 12 + 1 − 1.
    ("relu6", LrpEpsilon(1.0), 0): np.array([1152 / 143 + 48 / 65, -576 / 143 - 96 / 65, 576 / 143 + 24 / 65]),
    ("relu6", LrpAlphaBeta(2.0), 0): np.array([2304 / 91 + 48 / 7, -288 / 13 - 24, 1152 / 91 + 24 / 7]),
    ("relu6", LrpGamma(1.0), 0): np.array([592, -208, 296]) / 75,
    ("relu6", DeepTaylor(), 1): np.array([72 / 13, 36 / 13 + 48 / 91, 36 / 13 + 36 / 91]),
    # Without a ReLU and with bias −5/4 the second neuron is −3/4: its negative contributions count 1 + γ times.
    ("none", LrpGamma(1.0), 0): np.array([212, -107, 106]) / 42,
}


@pytest.mark.parametrize(("between", "method", "target"), HAND, ids=name)
def test_relevance_is_what_was_worked_out_by_hand(between, method, target):
    model = {
        "relu": lambda: by_hand(L.ReLU()),
        "relu6": lambda: by_hand(L.ReLU(6), factor=4),
        "none": lambda: by_hand(biases=np.array([0.5, -1.25])),
    }[between]()
    result = attribute(model, method, X, target)
    assert_same_map(result.values.ravel(), HAND[between, method, target])
    assert result.score == pytest.approx(model.scores(np.float32(X[None]), "logit")[0, target], abs=1e-6)


def test_what_each_layer_absorbed_is_what_was_worked_out_by_hand():
    result = attribute(by_hand(L.ReLU()), LrpEpsilon(1.0), X)
    # Σⱼ Rⱼ (bⱼ + ε) / (zⱼ + ε): of 5 at the logit, then of 25/6 and −5/6.
    assert list(result.absorbed.values()) == pytest.approx([5 * 2 / 6, 25 / 6 * 1.5 / 3.5 - 5 / 6 * 0.75 / 1.25])


def test_contributions_of_one_sign_keep_all_relevance():
    # z = 1 + 1/2 + 1 + bias 0 and then 5/2 · 2: there is nothing for β, and α − β = 1 of what there is.
    weights = [[[1], [1], [4]], [0], [[2, -2]], [0, 0]]
    network = sequential((1, 1, 3), L.Flatten(), L.Dense(1), L.ReLU(), L.Dense(2), weights=weights)
    for target, sign in ((0, 1), (1, -1)):
        result = attribute(opened(network), LrpAlphaBeta(3.0), X, target)
        assert_same_map(result.values.ravel(), sign * np.array([2, 1, 2]))
        assert list(result.absorbed.values()) == pytest.approx([0, 0], abs=1e-6)


# By slow loops over the inputs i of each output j. A rule returns the share of each input in an output's relevance.


def epsilon_shares(epsilon, x, w, b):
    z = sum(xi * wi for xi, wi in zip(x, w, strict=True)) + b
    return [xi * wi / (z + epsilon if z >= 0 else z - epsilon) for xi, wi in zip(x, w, strict=True)]


def alpha_beta_shares(alpha, x, w, b):
    c = [xi * wi for xi, wi in zip(x, w, strict=True)]
    above = sum(ci for ci in c if ci > 0) + max(b, 0)
    below = sum(ci for ci in c if ci < 0) + min(b, 0)
    up, down = (alpha, alpha - 1) if above > 0 and below < 0 else (1, -1)
    return [up * ci / above if ci > 0 else -down * ci / below if ci < 0 else 0 for ci in c]


def gamma_shares(gamma, x, w, b):
    c = [xi * wi for xi, wi in zip(x, w, strict=True)]
    sign = 1 if sum(c) + b >= 0 else -1
    *counted, bias = [(1 + gamma) * ci if ci * sign > 0 else ci for ci in [*c, b]]
    return [ci / (sum(counted) + bias) for ci in counted]


def positive_shares(x, w, _):
    c = [max(xi * wi, 0) for xi, wi in zip(x, w, strict=True)]
    return [ci / sum(c) if sum(c) else 0 for ci in c]


def bounded_shares(low, high, x, w, _):
    c = [xi * wi - low * max(wi, 0) - high * min(wi, 0) for xi, wi in zip(x, w, strict=True)]
    return [ci / sum(c) for ci in c]


NETWORKS = {
    "dense": lambda: (L.Flatten(), L.Dense(6), L.ReLU(), L.Dense(5), L.ReLU(0.5), L.Dense(3)),
    "convolutions": lambda: (
        *(L.Conv2D(4, 3, strides=2, padding="same"), L.ReLU(0.5), L.DepthwiseConv2D(2, padding="same"), L.ReLU()),
        *(L.Conv2D(3, 2), L.Flatten(), L.Dense(4), L.ReLU(), L.Dense(3)),
    ),
}
#: With it, in both networks some values lie below zero and some beyond a ceiling, and every class has a gradient.
SEED = 38
every_network = pytest.mark.parametrize("layers", NETWORKS)


def matrices(network):
    """A network as dense layers: weights (i, j), biases, whether each was a convolution, and its ceiling or none."""
    found, shape = [], network.input_shape[1:]
    for layer in network.layers:
        if isinstance(layer, L.ReLU):
            found[-1][3] = np.inf if layer.max_value is None else layer.max_value
        elif not isinstance(layer, L.Flatten):
            units = np.eye(np.prod(shape), dtype=np.float32).reshape(-1, *shape)
            outputs, bias = np.asarray(layer(units), float), np.asarray(layer(0 * units[:1]), float)
            found.append([*(part.reshape(len(part), -1) for part in (outputs - bias, bias)), layer.name, None])
        shape = layer.output.shape[1:]
    return [(weights, bias[0], "conv" in kind, ceiling) for weights, bias, kind, ceiling in found]


def clipped(z, ceiling):
    return z if ceiling is None else np.clip(z, 0, ceiling)


def slow_relevance(network, x, target, rules):
    """The relevance of the outputs of every layer from the image on, and their values before the ReLU."""
    chain, values, outputs = matrices(network), [x.ravel().astype(float)], []
    for weights, bias, _, ceiling in chain:
        outputs.append(values[-1] @ weights + bias)
        values.append(clipped(outputs[-1], ceiling))
    levels = [np.where(np.arange(len(outputs[-1])) == target, outputs[-1], 0)]
    for depth in reversed(range(len(chain))):
        weights, bias, convolution, _ = chain[depth]
        rule = rules[0 if depth == 0 else 1 if convolution else 2]
        below = np.zeros(len(values[depth]))
        for j, relevance in enumerate(levels[0]):
            if relevance:
                below += relevance * np.array(rule(values[depth], weights[:, j], bias[j]))
        levels.insert(0, below)
    return levels, outputs


BOUNDED = partial(bounded_shares, -1, 1)
#: For the first layer, other convolutions, and dense layers.
SLOW = {
    LrpEpsilon(0.25): [partial(epsilon_shares, 0.25)] * 3,
    LrpAlphaBeta(2.0): [partial(alpha_beta_shares, 2)] * 3,
    LrpAlphaBeta(1.0): [partial(alpha_beta_shares, 1)] * 3,
    LrpGamma(0.5): [partial(gamma_shares, 0.5)] * 3,
    LrpComposite(0.1, 0.5): [BOUNDED, partial(gamma_shares, 0.5), partial(epsilon_shares, 0.1)],
    DeepTaylor(): [BOUNDED, positive_shares, positive_shares],
}


@pytest.mark.parametrize("method", SLOW, ids=name)
@every_network
def test_relevance_and_what_layers_absorb_are_those_of_slow_loops(layers, method):
    """The network takes −1 to 1, and what rescales the image hands relevance through."""
    network, image = sequential((4, 4, 3), *NETWORKS[layers](), seed=SEED), picture((4, 4, 3))
    model = opened(network, (-1, 1))
    target = int(model.scores(image[None])[0].argmax())
    levels, _ = slow_relevance(network, 2 * image - 1, target, SLOW[method])
    result = attribute(model, method, image, target)
    assert_same_map(result.values.ravel(), levels[0], 1e-4)
    sums = [level.sum() for level in levels[::-1]]
    assert list(result.absorbed.values()) == pytest.approx(-np.diff(sums), abs=1e-4 * np.abs(sums).max())
    assert result.score == pytest.approx(sums[0], rel=1e-5)
    assert result.sum + sum(result.absorbed.values()) == pytest.approx(result.score, rel=1e-4)
    assert not result.additive


@every_network
def test_lrp_epsilon_absorbs_the_shares_of_bias_and_stabilizer(layers):
    network, image, epsilon = sequential((4, 4, 3), *NETWORKS[layers](), seed=SEED), picture((4, 4, 3)), 0.1
    levels, outputs = slow_relevance(network, image, 1, [partial(epsilon_shares, epsilon)] * 3)
    expected = []
    for (_, bias, _, _), z, relevance in zip(matrices(network), outputs, levels[1:], strict=True):
        kept = np.where(z >= 0, epsilon, -epsilon)
        expected.insert(0, (relevance * (bias + kept) / (z + kept)).sum())
    result = attribute(opened(network), LrpEpsilon(epsilon), image, 1)
    assert list(result.absorbed.values()) == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_rescaling_layers_and_the_input_range_are_one_normalization():
    """As a layer, as the model's input range, and as both, the network sees 2 x − 1 and the values are the same."""
    layers = NETWORKS["convolutions"]
    weights = sequential((4, 4, 3), *layers(), seed=SEED).get_weights()
    inside = sequential((4, 4, 3), L.Rescaling(2, -1), *layers(), weights=weights)
    both = sequential((4, 4, 3), L.Rescaling(1 / 127.5, -1), *layers(), weights=weights)
    plain = sequential((4, 4, 3), *layers(), weights=weights)
    image = picture((4, 4, 3))
    for method in (*RULES, DeepTaylor(), DeepLiftRescale("gray"), GuidedBackprop()):
        target = int(opened(inside).scores(image[None])[0].argmax())
        expected = attribute(opened(plain, (-1, 1)), method, image, target).values
        assert_same_map(attribute(opened(inside), method, image, target).values, expected)
        assert_same_map(attribute(opened(both, (0, 255)), method, image, target).values, expected)


# A network with every kind of branch and pooling.


def branched(biased=True, seed=0):
    image = tf.keras.Input((8, 8, 3))
    first = L.Conv2D(5, 3, padding="same", name="first")(image)
    second = L.DepthwiseConv2D(3, padding="same")(L.ReLU(0.8 if biased else None, name="rectified")(first))
    pooled = L.MaxPooling2D(3, strides=2, name="pooled")(L.Add(name="sum")([first, second]))
    third = L.ReLU(name="third")(L.Conv2D(6, 2, name="before")(L.ZeroPadding2D(((0, 1), (1, 0)))(pooled)))
    fourth = L.Add()([L.AveragePooling2D(2, 1, "same")(third), third])
    dense = L.Dense(4, activation="relu")(L.GlobalAveragePooling2D()(fourth))
    return randomize(tf.keras.Model(image, L.Dense(3)(dense)), seed, biased)


@every_rule
def test_relevance_is_what_reaches_the_pixels_and_what_layers_absorbed(method):
    result = attribute(opened(branched()), method, picture((8, 8, 3)), 1)
    assert result.sum + sum(result.absorbed.values()) == pytest.approx(result.score, rel=1e-3)
    assert abs(sum(result.absorbed.values())) > 1e-3  # there is something to tell


@pytest.mark.parametrize("method", [LrpEpsilon(1e-9), LrpAlphaBeta(2.0), LrpGamma(0.5)], ids=name)
def test_without_biases_all_relevance_reaches_the_pixels(method):
    result = attribute(opened(branched(biased=False), (-1, 1)), method, picture((8, 8, 3)), 1)
    scale = 1e-3 * abs(result.score)
    assert result.sum == pytest.approx(result.score, abs=scale)
    assert list(result.absorbed.values()) == pytest.approx([0] * len(result.absorbed), abs=scale)


def test_a_layer_that_is_called_twice_absorbs_twice():
    image = tf.keras.Input((8, 8, 3))
    layer = L.Conv2D(3, 3, padding="same", activation="relu")
    network = tf.keras.Model(image, L.Dense(3)(L.GlobalAveragePooling2D()(layer(layer(image)))))
    result = attribute(opened(randomize(network)), LrpEpsilon(0.1), picture((8, 8, 3)), 1)
    assert result.sum + sum(result.absorbed.values()) == pytest.approx(result.score, rel=1e-3)


@pytest.mark.parametrize("input_range", [(0, 1), (-1, 1)])
def test_without_biases_lrp_epsilon_is_gradient_times_input(input_range):
    """The input is that of the network, after its normalization."""
    network, image = branched(biased=False), picture((8, 8, 3))
    low, high = input_range
    seen = tf.constant(image[None] * (high - low) + low)
    with tf.GradientTape() as tape:
        tape.watch(seen)
        logit = network(seen)[0, 2]
    expected = (tape.gradient(logit, seen) * seen)[0]
    assert_same_map(attribute(opened(network, input_range), LrpEpsilon(1e-9), image, 2).values, expected, 1e-3)


@pytest.mark.parametrize("key", RELEVANCE)
def test_the_embedded_network_conserves_relevance(model, photo, key):
    result = igcore.explain(model, photo("cat"), key)
    assert result.sum + sum(result.absorbed.values()) == pytest.approx(result.score, rel=1e-3)
    assert abs(result.sum) > 1e-3 * result.score
    assert len(result.absorbed) == 60


# Deep Taylor.


def test_deep_taylor_is_nowhere_negative_and_refuses_what_the_network_does_not_see(model, photo):
    image = photo("cat")
    result = igcore.explain(model, image, "deep-taylor")
    assert result.values.min() >= -1e-6 * result.values.max()
    logits = model.scores(image[None], "logit")[0]
    with pytest.raises(igcore.InputError, match="explains positive logits only") as refusal:
        igcore.explain(model, image, "deep-taylor", int(logits.argmin()))
    assert "\n" not in str(refusal.value)
    with pytest.raises(igcore.InputError, match=r"logit of class 2 is -2\.50"):
        attribute(by_hand(L.ReLU()), DeepTaylor(), X, 2)


@pytest.mark.parametrize("method", [DeepTaylor(), LrpComposite(1e-9)], ids=name)
def test_all_layers_that_read_the_image_go_by_its_bounds(method):
    """The sum of two networks, each of which a ReLU keeps positive, has the sum of their maps."""
    image, last = tf.keras.Input((4, 4, 3)), L.Dense(2, kernel_initializer="ones")
    one, two = (L.Conv2D(2, 2, activation="relu")(image) for _ in range(2))
    networks = [tf.keras.Model(image, last(L.GlobalAveragePooling2D()(end))) for end in (one, two, L.Add()([one, two]))]
    for seed, network in enumerate(networks[:2]):
        network.layers[1].set_weights([np.random.default_rng(seed).normal(size=(2, 2, 3, 2)), np.array([0.1, 0.2])])
    maps = [attribute(opened(network, (-1, 1)), method, picture((4, 4, 3))).values for network in networks]
    assert_same_map(maps[2], maps[0] + maps[1])


@pytest.mark.parametrize("method", [DeepTaylor(), LrpComposite()], ids=name)
def test_a_network_that_begins_with_an_addition_is_explained_or_refused(method):
    image = tf.keras.Input((4, 4, 3))
    added = L.Add()([L.MaxPooling2D(2, 1, "same")(image), image])
    network = randomize(tf.keras.Model(image, L.Dense(2)(L.Flatten()(added))), 1)
    model = opened(network)
    target = int(model.scores(picture((4, 4, 3))[None])[0].argmax())
    try:
        result = attribute(model, method, picture((4, 4, 3)), target)
    except igcore.IGError:
        return
    assert result.sum + sum(result.absorbed.values()) == pytest.approx(result.score, rel=1e-3)


# DeepLIFT, by hand. From black, the first hidden neuron goes from 1/2 to 5/2 by +3 and −1 and the second from −1/4 to
# 1/4 by +2 and −3/2; the logit goes from 2 to 5.


@pytest.mark.parametrize(
    ("kind", "ceiling", "expected"),
    [
        (DeepLiftRescale, None, [6, -6, 3]),  # multipliers 1 and 1/2
        (DeepLiftRevealCancel, None, [17 / 3, -11 / 2, 17 / 6]),  # 11/12 for + and 3/4 for −; 1/2 for both
        # The first neuron times 4, from 2 to 10 and, with the ceiling, to 6; the logit from 5 to 12.
        (DeepLiftRescale, 6, [10, -8, 5]),  # multiplier 1/2
        (DeepLiftRevealCancel, 6, [26 / 3, -6, 13 / 3]),  # 5/12 for +12 and 1/4 for −4
    ],
)
def test_differences_are_what_was_worked_out_by_hand(kind, ceiling, expected):
    result = attribute(by_hand(L.ReLU(ceiling), factor=4 if ceiling else 1), kind(), X)
    assert_same_map(result.values.ravel(), expected)
    assert result.score_difference == pytest.approx(7 if ceiling else 3, abs=1e-5)
    assert result.by_construction


def two_neurons(first, second, biases=(0, 0), sign=1):
    """A ReLU of the image's first two values p and q, and plus or minus another."""
    weights = [np.transpose([[*first, 0], [*second, 0]]), biases, [[1, 0], [sign, 1]], [0, 0]]
    return opened(sequential((1, 1, 3), L.Flatten(), L.Dense(2), L.ReLU(), L.Dense(2), weights=weights))


@pytest.mark.parametrize(
    ("bias", "rescale", "reveal"),
    [(0.25, 0.5, 0.5), (-0.25, 0.5, 0.375), (-0.75, 0, 0.125)],  # z is 3/4, 1/4 and −1/4, at both ends
)
@by_difference
def test_without_a_difference_rescale_goes_by_the_gradient(kind, bias, rescale, reveal):
    """Both p and q rise by 1/2, and p − q not at all."""
    expected = rescale if kind is DeepLiftRescale else reveal
    reference = kind(np.float32([[[0.5, 0, 0.5]]]))
    found = attribute(two_neurons([1, -1], [0, 0], (bias, 0)), reference, [[[1, 0.5, 0.5]]]).values.ravel()
    np.testing.assert_allclose(found, [expected, -expected, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("second", "sign", "rescale", "reveal"),
    [
        # min(p, q) = p − relu(p − q): the ReLU rises by 3/4 for p and falls by 1/4 for q, over both orders.
        ([1, -1], -1, [0, 0.5], [0.25, 0.25]),
        # max(p, q) = p + relu(q − p): for p the ReLU falls by 1/4, and for q it rises by 1/4.
        ([-1, 1], 1, [1, 0], [0.75, 0.25]),
    ],
)
def test_reveal_cancel_sees_what_rescale_does_not(second, sign, rescale, reveal):
    model = two_neurons([1, 0], second, sign=sign)
    for kind, expected in zip(DIFFERENCES, (rescale, reveal), strict=True):
        assert_same_map(attribute(model, kind(), [[[1, 0.5, 0]]]).values.ravel(), [*expected, 0])


@by_difference
def test_max_pooling_credits_where_the_larger_maximum_stood(kind):
    """Red is larger in the image, green in the reference, and blue in both the same at another place."""
    weights = [[[2, 0], [4, 0], [8, 0]], [0, 0]]
    network = sequential((1, 2, 3), L.GlobalMaxPooling2D(), L.Dense(2), weights=weights)
    image, reference = ([[0.75, 0.25, 0.5], [0.25, 0.125, 0.25]], [[0.5, 0.5, 0.25], [0.125, 0.75, 0.5]])
    found = attribute(opened(network), kind(np.float32([reference])), [image]).values
    np.testing.assert_allclose(found, [[[0.5, 0, 0], [0, -2, 0]]], atol=1e-6)


def quotient(change, of, otherwise):
    return change / of if abs(of) > 1e-7 else otherwise


def slow_deeplift(network, image, reference, target, reveals):
    chain, seen = matrices(network), [np.stack([image.ravel(), reference.ravel()]).astype(float)]
    for weights, bias, _, ceiling in chain:
        seen.append(clipped(seen[-1] @ weights + bias, ceiling))
    above = np.eye(seen[-1].shape[1])[target]  # what a unit of each output's difference makes of the logit's
    for (weights, bias, _, ceiling), (x, x0) in zip(chain[::-1], seen[-2::-1], strict=True):
        f, below = partial(clipped, ceiling=ceiling), np.zeros(len(x))
        for j, multiplier in enumerate(above):
            c = (x - x0) * weights[:, j]
            z, up, down = x0 @ weights[:, j] + bias[j], c[c > 0].sum(), c[c < 0].sum()
            slope = float(ceiling is None or 0 < z + up + down < ceiling)
            for_up = for_down = quotient(f(z + up + down) - f(z), up + down, slope)
            if reveals:
                for_up = quotient((f(z + up) - f(z) + f(z + up + down) - f(z + down)) / 2, up, slope)
                for_down = quotient((f(z + down) - f(z) + f(z + up + down) - f(z + up)) / 2, down, slope)
            for i, ci in enumerate(c):
                share = for_up if ci > 0 else for_down if ci < 0 else (for_up + for_down) / 2
                below[i] += weights[i, j] * share * multiplier
        above = below
    return above * (seen[0][0] - seen[0][1])


@by_difference
@every_network
def test_differences_are_those_of_slow_loops(layers, kind):
    network, (image, reference) = sequential((4, 4, 3), *NETWORKS[layers](), seed=SEED), picture((2, 4, 4, 3), 1)
    expected = slow_deeplift(network, 2 * image - 1, 2 * reference - 1, 1, kind is DeepLiftRevealCancel)
    assert_same_map(attribute(opened(network, (-1, 1)), kind(reference), image, 1).values.ravel(), expected, 1e-4)


@pytest.mark.parametrize("seed", range(3))
@by_difference
def test_differences_sum_to_that_of_the_logits(kind, seed):
    model, (image, reference) = opened(branched(seed=seed), (-1, 1)), picture((2, 8, 8, 3), seed)
    result = attribute(model, kind(reference), image, seed)
    logits = model.scores(np.stack([image, reference]), "logit")[:, seed]
    assert [result.score, result.baseline_score] == pytest.approx(logits, abs=1e-5)
    assert result.sum == pytest.approx(logits[0] - logits[1], abs=1e-5 * float(np.abs(result.values).sum()))


@pytest.mark.parametrize(("key", "baseline"), [("cat", "black"), ("coffee", "blur"), ("cat", "uniform-noise")])
@by_difference
def test_differences_sum_to_that_of_the_embedded_networks_logits(model, photo, kind, key, baseline):
    result = igcore.explain(model, photo(key), kind(baseline))
    logits = model.scores(np.stack([result.image, result.baseline]), "logit")[:, result.target]
    assert result.sum == pytest.approx(logits[0] - logits[1], rel=1e-4)


@by_difference
def test_of_a_linear_network_differences_are_weights_times_differences(kind):
    network = sequential((4, 4, 3), L.Conv2D(4, 2), L.AveragePooling2D(2, 1), L.Flatten(), L.Dense(3))
    image, reference = picture((2, 4, 4, 3), 1)
    units = np.eye(48, dtype=np.float32).reshape(48, 4, 4, 3)
    slopes = (np.asarray(network(units)) - np.asarray(network(0 * units)))[:, 1].reshape(4, 4, 3)
    expected = slopes * (image - reference)
    assert_same_map(attribute(opened(network), kind(reference), image, 1).values, expected)
    assert_same_map(attribute(opened(network, (-1, 1)), kind(reference), image, 1).values, 2 * expected)


def test_deepshap_is_the_mean_over_its_baselines():
    model, image = opened(branched()), picture((8, 8, 3))
    baselines = ("black", "blur", picture((8, 8, 3), 1))
    singles = [attribute(model, DeepLiftRescale(baseline), image, 1) for baseline in baselines]
    result = attribute(model, DeepShap(baselines), image, 1)
    assert_same_map(result.values, np.mean([single.values for single in singles], axis=0))
    assert result.score == singles[0].score
    assert result.baseline_score == pytest.approx(np.mean([single.baseline_score for single in singles]))
    assert result.sum == pytest.approx(result.score_difference, abs=1e-5)
    assert result.baseline is None


def test_rescale_changes_its_sign_when_image_and_baseline_change_places():
    model, (image, reference) = opened(branched(), (-1, 1)), picture((2, 8, 8, 3), 2)
    forth = attribute(model, DeepLiftRescale(reference), image, 1).values
    assert_same_map(attribute(model, DeepLiftRescale(image), reference, 1).values, -forth)


@by_difference
def test_the_image_against_itself_differs_nowhere(kind):
    image = picture((8, 8, 3))
    assert not attribute(opened(branched()), kind(image), image).values.any()


# Class activation maps.


def features_and_gradient(network, layer, image, target):
    cut = tf.keras.Model(network.inputs[0], [network.get_layer(layer).output, network.output])
    with tf.GradientTape() as tape:
        features, logits = cut(image[None])
        logit = logits[0, target]
    return np.asarray(features[0], float), np.asarray(tape.gradient(logit, features)[0], float)


def grad_cam(features, gradient):
    heat = np.zeros(features.shape[:2])
    for k in range(features.shape[2]):
        heat += gradient[:, :, k].mean() * features[:, :, k]
    return np.maximum(heat, 0)


def grad_cam_plus_plus(features, gradient):
    heat = np.zeros(features.shape[:2])
    for k in range(features.shape[2]):
        weight = 0.0
        for g in gradient[:, :, k].ravel():
            if g > 0:  # others have no part: their weight is α · relu(g)
                weight += g**2 / (2 * g**2 + g**3 * features[:, :, k].sum()) * g
        heat += weight * features[:, :, k]
    return np.maximum(heat, 0)


MAPS = {GradCam: grad_cam, GradCamPlusPlus: grad_cam_plus_plus}
every_map = pytest.mark.parametrize("kind", MAPS, ids=name)


@pytest.mark.parametrize("target", range(3))
@pytest.mark.parametrize("layer", ["first", "rectified", "pooled", "third"])
@every_map
def test_class_maps_are_those_of_their_definition(kind, layer, target):
    """Of layers of the image's own size, and of smaller ones enlarged."""
    network, image = branched(seed=2), picture((8, 8, 3))
    heat = MAPS[kind](*features_and_gradient(network, layer, image, target))
    size = {"first": 8, "rectified": 8, "pooled": 3, "third": 3}[layer]
    assert heat.shape == (size, size)
    if size < 8:
        heat = np.asarray(Image.fromarray(heat.astype(np.float32)).resize((8, 8), Image.Resampling.BILINEAR))
    result = attribute(opened(network), kind(layer), image, target)
    np.testing.assert_allclose(result.values.sum(axis=-1), heat, atol=1e-5 * max(1, heat.max()))
    np.testing.assert_array_equal(result.values, np.repeat(result.values[..., :1], 3, axis=-1))
    assert result.values.min() >= 0


def test_class_maps_are_not_all_zero():
    model = opened(branched(seed=2))
    layers = ("first", "rectified", "pooled", "third")
    maps = [
        attribute(model, k(layer), picture((8, 8, 3)), t).values for k in MAPS for layer in layers for t in range(3)
    ]
    assert sum(heat.any() for heat in maps) > len(maps) / 2


def test_a_class_map_is_that_of_the_last_layer_with_positions_unless_another_is_named():
    network, image = branched(seed=2), picture((8, 8, 3))
    model = opened(network)
    last = [layer.name for layer in network.layers if len(layer.output.shape) == 4][-1]
    for target in range(3):
        expected = attribute(model, GradCam(last), image, target)
        np.testing.assert_array_equal(attribute(model, GradCam(), image, target).values, expected.values)
    assert attribute(model, GradCam(last), image).settings["layer"] == last


@every_map
def test_a_wrong_layer_is_answered_with_those_there_are(kind):
    network = branched()
    with pytest.raises(igcore.InputError, match="'nothing'") as refusal:
        attribute(opened(network), kind("nothing"), picture((8, 8, 3)))
    names = [layer.name for layer in network.layers[1:] if len(layer.output.shape) == 4]
    assert sorted(str(refusal.value).split("choose one of ")[1].split(", ")) == sorted(names)


@every_map
def test_a_network_without_positions_has_no_class_map(kind):
    with pytest.raises(igcore.IGError):
        attribute(by_hand(L.ReLU()), kind(), X)


@every_map
def test_class_maps_of_the_embedded_network(model, photo, kind):
    result = igcore.explain(model, photo("cat"), kind())
    assert result.values.min() >= 0
    assert result.values.max() > 0


# Guided backpropagation.


def guided(ceiling):
    @tf.custom_gradient
    def rectify(x):
        def back(upstream):
            passes = (x > 0) & (x < ceiling) & (upstream > 0)
            return tf.where(passes, upstream, 0.0)

        return tf.clip_by_value(x, 0.0, ceiling), back

    return rectify


@pytest.mark.parametrize("target", range(3))
@every_network
def test_guided_backprop_is_the_gradient_through_guided_rectifiers(layers, target):
    network, image = sequential((4, 4, 3), *NETWORKS[layers](), seed=SEED), picture((4, 4, 3))
    seen, ceilings = tf.constant(image[None]), []
    with tf.GradientTape() as tape:
        tape.watch(seen)
        value = 2 * seen - 1
        for layer in network.layers:
            rectifies = isinstance(layer, L.ReLU)
            ceilings.append(rectifies and layer.max_value and bool((value > layer.max_value).numpy().any()))
            value = guided(layer.max_value or np.inf)(value) if rectifies else layer(value)
        logit = value[0, target]
    assert any(ceilings)  # values beyond a ceiling, which pass nothing
    found = attribute(opened(network, (-1, 1)), GuidedBackprop(), image, target)
    assert_same_map(found.values, tape.gradient(logit, seen)[0])
    assert found.score == pytest.approx(float(logit), abs=1e-5)


def test_guided_backprop_is_the_gradient_where_nothing_is_rectified(model, photo):
    network = sequential((4, 4, 3), L.Conv2D(4, 2), L.MaxPooling2D(2, 1), L.Flatten(), L.Dense(3))
    small, image = opened(network, (-1, 1)), picture((4, 4, 3))
    _, gradients = small.gradients(image[None], 1, "logit")
    assert_same_map(attribute(small, GuidedBackprop(), image, 1).values, gradients[0])
    image = photo("cat")
    result = igcore.explain(model, image, "guided-backprop")
    _, gradients = model.gradients(image[None], result.target, "logit")
    assert np.corrcoef(result.values.ravel(), gradients[0].ravel())[0, 1] < 0.9


# What all of them promise.


def settings_of(key):
    return igcore.METHODS[key].settings()


def seen_class(model, image):
    return int(model.scores(image[None])[0].argmax())


@pytest.fixture(scope="module")
def small():
    return opened(branched(seed=1))


@pytest.mark.parametrize("key", KEYS)
def test_the_same_call_gives_the_same_bytes(small, key):
    image = picture((8, 8, 3))
    first, second = (replace(igcore.explain(small, image, key, seed=3), seconds=0.0) for _ in range(2))
    assert first.to_bytes() == second.to_bytes()


@pytest.mark.parametrize("key", ["lrp-composite", "deeplift-reveal-cancel", "guided-backprop"])
def test_the_same_call_of_the_embedded_network_gives_the_same_values(model, photo, key):
    first, second = (igcore.explain(model, photo("coffee"), key) for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)


@pytest.mark.parametrize("key", KEYS)
def test_the_cost_is_what_was_spent(small, key):
    method, image = settings_of(key), picture((8, 8, 3))
    result = attribute(small, method, image, seen_class(small, image))
    cost = method.cost((8, 8))
    assert (cost.forwards, cost.gradients) == (result.forward_count, result.gradient_count)
    assert not cost.about


@pytest.mark.parametrize("key", KEYS)
def test_progress_only_rises_and_ends_at_the_total(small, key):
    told, image = [], picture((8, 8, 3))
    igcore.explain(small, image, key, on_progress=told.append)
    assert len({progress.total for progress in told}) == 1
    done = [progress.done for progress in told]
    assert done == sorted(set(done))
    assert done[-1] == told[-1].total
    if key in RELEVANCE:
        assert len(done) == len(small.graph.nodes) - 1


@pytest.mark.parametrize("key", KEYS)
def test_each_stops_when_asked(small, key):
    """At once, and where it goes layer by layer or baseline by baseline, also on its way."""
    in_turn = key in (*RELEVANCE, "guided-backprop", "deep-shap")
    for patience in (0, 2) if in_turn else (0,):
        asked = []
        with pytest.raises(igcore.Cancelled):
            igcore.explain(small, picture((8, 8, 3)), key, should_stop=lambda: asked.append(0) or len(asked) > patience)  # noqa: B023
        assert len(asked) == patience + 1


@pytest.mark.parametrize("key", RELEVANCE)
def test_what_was_absorbed_is_kept_in_the_file(small, tmp_path, key):
    result = igcore.explain(small, picture((8, 8, 3)), key)
    assert result.absorbed
    result.save(tmp_path / "result.npz")
    loaded = igcore.Attribution.load(tmp_path / "result.npz")
    assert loaded.absorbed == result.absorbed
    assert list(loaded.absorbed) == list(result.absorbed)
    assert loaded.forward_count == result.forward_count


@pytest.mark.parametrize("key", KEYS)
def test_a_model_without_layers_is_refused(key):
    with pytest.raises(igcore.InputError, match=f"method {key} needs layers, which model closed-form") as refusal:
        igcore.explain(model_of(constant()), picture((8, 8, 3)), key)
    assert "\n" not in str(refusal.value)
    with pytest.raises(igcore.ModelError, match="choose a Keras model"):
        igcore.explain(model_of(constant(), capability="layers"), picture((8, 8, 3)), key)
