"""The embedded network: what it is made of, and that it sees what it should in real photos."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import igcore
from igcore.agreement import map_distance
from igcore.models.efficientnet_lite import read_weights, weight_file
from igcore.models.keras_graph import read_keras
from igcore.models.layers import Rectifier
from igcore.models.linear_layers import Convolution, Depthwise
from igcore.models.network import TensorFlowModel


@pytest.fixture(scope="module")
def weights():
    return read_weights(weight_file())


def top(model, image, count=3):
    scores = model.scores(image[None])[0]
    return [(int(index), float(scores[index])) for index in scores.argsort()[::-1][:count]]


def test_the_cat_is_a_cat_and_tabbies_come_next(model, photo):
    (first, score), *others = top(model, photo("cat"))
    assert first == 285
    assert 0.36 < score < 0.41
    assert [index for index, _ in others] == [282, 281]
    assert model.spec.label(285) == "Egyptian cat"


@pytest.mark.parametrize(("key", "target", "least"), [("coffee", 967, 0.85), ("motorcycle", 665, 0.6)])
def test_photos_get_their_class(model, photo, key, target, least):
    [(first, score)] = top(model, photo(key), 1)
    assert first == target == model.spec.find({967: "espresso", 665: "moped"}[target])
    assert score > least


def test_the_weight_file_holds_every_tensor(weights):
    # 49 normalizations of 5 tensors each (one of them a counter), 49 convolutions, and the dense layer's two.
    assert len(weights) == 49 * 5 + 49 + 2
    counters = [name for name in weights if name.endswith("num_batches_tracked")]
    assert len(counters) == 49
    assert all(weights[name].dtype == np.int64 and weights[name].shape == () for name in counters)
    assert all(tensor.dtype == np.float32 for name, tensor in weights.items() if name not in counters)
    assert weights["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert weights["_blocks.3._depthwise_conv.weight"].shape == (144, 1, 5, 5)
    assert weights["_conv_head.weight"].shape == (1280, 320, 1, 1)
    assert weights["_fc.weight"].shape == (1000, 1280)
    assert all(np.isfinite(tensor).all() for tensor in weights.values())


def test_the_network_has_the_published_size(network, weights):
    learned = [name for name in weights if "running" not in name and "num_batches" not in name]
    assert sum(weights[name].size for name in learned) == 4_652_008
    moments = sum(tensor.size for name, tensor in weights.items() if "running" in name)
    assert network.count_params() == 4_652_008 + moments


def test_the_network_has_the_published_layers(model):
    nodes = model.graph.nodes
    assert Counter(type(node).__name__ for node in nodes) == {
        "Image": 1,
        "Convolution": 2 + 15 + 16,  # stem and head; expansions, of which the first block has none; projections
        "Depthwise": 16,
        "Rectifier": 2 + 15 + 16,
        "Add": 0 + 1 + 1 + 2 + 2 + 3 + 0,  # the repeats of each stage after its first block
        "AveragePool": 1,
        "Dense": 1,
    }
    depthwise = [node for node in nodes if isinstance(node, Depthwise)]
    assert [len(node.weights) for node in depthwise] == [3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3]
    assert [node.strides[0] for node in depthwise] == [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]
    assert {node.ceiling for node in nodes if isinstance(node, Rectifier)} == {6.0}


def test_the_input_is_scaled_as_in_training(model):
    image = np.random.default_rng(0).random((224, 224, 3), dtype=np.float32)
    scaled = image * model.graph.scale + model.graph.offset
    np.testing.assert_allclose(scaled, (255 * image - 127) / 128, atol=1e-6)


def test_its_layers_are_those_that_keras_has(model, network):
    read = read_keras(network)
    for ours, theirs in zip(model.graph.nodes, read.nodes, strict=True):
        assert (type(ours), ours.name, ours.inputs) == (type(theirs), theirs.name, theirs.inputs)
        for name, value in vars(ours).items():
            if name in ("weights", "bias"):
                np.testing.assert_allclose(value, getattr(theirs, name), rtol=1e-6, atol=1e-7)
            else:
                assert value == getattr(theirs, name), (ours.name, name)


@pytest.mark.parametrize("of", ["logit", "probability"])
@pytest.mark.parametrize("key", ["coffee", "cat", "motorcycle"])
def test_scores_and_maps_are_those_of_the_network_in_keras(model, network, photo, key, of):
    """The engine compiles the folded layers with gradients written anew; this takes Keras' own, chunk by chunk.

    Rounding moves some of the five million activations across a kink of ReLU6, and each that crosses changes the
    gradient by a jump. Two implementations in single precision differ by as much as each does from double precision,
    5e-4 of a map's L1 norm on average (bench.peers); a wrong factor anywhere shows as more.
    """
    closed = TensorFlowModel(model.spec, lambda images: network(images, training=False), network)
    with pytest.raises(igcore.ModelError):
        _ = closed.graph
    image, settings = photo(key), igcore.IntegratedGradients(steps=20, of=of)
    ours, theirs = (igcore.explain(each, image, settings) for each in (model, closed))
    assert ours.target == theirs.target
    np.testing.assert_allclose(ours.trace.scores, theirs.trace.scores, rtol=1e-4, atol=1e-6)
    assert map_distance(ours.values, theirs.values) < 5e-3
    assert abs(ours.sum - theirs.sum) < 1e-3 * np.abs(theirs.values).sum() / 50


def test_the_network_cannot_be_changed_by_a_run(model, photo):
    before = [node.weights.copy() for node in model.graph.nodes if isinstance(node, Convolution)]
    igcore.explain(model, photo("cat"), igcore.IntegratedGradients(steps=8))
    after = [node.weights for node in model.graph.nodes if isinstance(node, Convolution)]
    assert all(map(np.array_equal, before, after))


def test_probabilities_are_the_softmax_of_the_logits(model, photo):
    images = np.stack([photo("cat"), photo("coffee"), photo("rocket")])
    logits, probabilities = (model.scores(images, of).astype(np.float64) for of in ("logit", "probability"))
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(probabilities, shares / shares.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_gradients_give_the_scores_of_their_class(model, photo):
    images = np.stack([photo("cat"), photo("coffee")])
    for of in ("logit", "probability"):
        scores, gradients = model.gradients(images, 285, of)
        assert gradients.shape == images.shape
        np.testing.assert_allclose(scores, model.scores(images, of)[:, 285], rtol=1e-4)


def slopes(model, image, direction, of, h):
    """The central difference of the score along a unit vector, in double precision."""
    step = np.float32(h) * direction.astype(np.float32)
    ahead, behind = model.scores(np.stack([image + step, image - step]), of)[:, 967].astype(np.float64)
    return (ahead - behind) / (2 * h)


@pytest.mark.parametrize("of", ["logit", "probability"])
def test_the_gradient_agrees_with_finite_differences_in_random_directions(model, photo, of):
    # A random direction is nearly at right angles to the gradient: its slope is |∇F|/388, about 0.05 for the logit.
    # A step of h = 0.001 crosses few kinks of ReLU6, and the rounding of the score, 1e-6 over 2h, costs 1 % of one
    # slope; over 20 directions that averages out, so a wrong factor of 3 % shows.
    image = photo("coffee")
    gradient = model.gradients(image[None], 967, of)[1][0].astype(np.float64)
    expected, seen = [], []
    for seed in range(20):
        direction = np.random.default_rng(seed).standard_normal(image.shape)
        direction /= np.linalg.norm(direction)
        expected.append((gradient * direction).sum())
        seen.append(slopes(model, image, direction, of, 1e-3))
    assert np.corrcoef(expected, seen)[0, 1] > 0.995
    assert np.dot(expected, seen) / np.dot(expected, expected) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("of", ["logit", "probability"])
def test_the_gradient_agrees_with_finite_differences_along_random_halves_of_itself(model, photo, of):
    # Here the slope is 0.7 |∇F|, so rounding is 1e-4 of it at h = 0.0001; kinks bend the score by 0.5 % within that.
    image = photo("coffee")
    gradient = model.gradients(image[None], 967, of)[1][0].astype(np.float64)
    for seed in range(4):
        half = gradient * (np.random.default_rng(seed).random(image.shape) < 0.5)
        length = np.linalg.norm(half)
        assert slopes(model, image, half / length, of, 1e-4) == pytest.approx(length, rel=0.01)


@pytest.mark.slow
def test_attributions_are_complete_on_a_photo(model, photo):
    result = igcore.explain(
        model, photo("coffee"), igcore.IntegratedGradients(baseline="blur", integrator="trapezoid", steps=400)
    )
    assert (result.target, result.label) == (967, "espresso")
    assert result.gradient_count == 401
    assert result.score_difference > 0.5
    assert result.relative_completeness_error < 0.01
    assert result.sum - result.score_difference == result.completeness_error


def test_the_attribution_lies_on_the_cup(model, photo):
    # The cup fills the middle of the photo; the table's corners say nothing of espresso.
    values = np.abs(
        igcore.explain(model, photo("coffee"), igcore.IntegratedGradients(baseline="blur", steps=50)).values
    ).sum(axis=-1)
    corners = np.mean([values[rows, columns].mean() for rows in np.s_[:40, -40:] for columns in np.s_[:40, -40:]])
    assert values[62:162, 62:162].mean() > 2 * corners


@pytest.mark.slow
@pytest.mark.parametrize(("key", "baseline"), [("cat", "blur"), ("motorcycle", "black")])
def test_map_error_is_close_to_the_distance_from_a_dense_reference(model, photo, key, baseline):
    rules = ("trapezoid", "simpson", "left", "right")
    dense = igcore.explain(model, photo(key), igcore.IntegratedGradients(baseline, "trapezoid", 512)).values
    method = igcore.IntegratedGradients(baseline, "trapezoid", 64)
    results = igcore.explain_by_rules(model, photo(key), method, rules)
    for rule, steps in (("midpoint", 64), ("gauss-legendre", 64), ("monte-carlo", 64), ("trapezoid", 65)):
        alone = igcore.IntegratedGradients(baseline, rule, steps)
        results[f"{rule} on {steps}"] = igcore.explain(model, photo(key), alone)
    for rule, result in results.items():
        truth = np.abs(result.values - dense).sum() / np.abs(dense).sum()
        assert result.map_error == pytest.approx(truth, rel=0.25), rule


@pytest.mark.slow
@pytest.mark.parametrize("baseline", ["black", "blur"])
def test_the_adaptive_map_is_as_close_to_a_dense_reference_as_it_says(model, photo, baseline):
    dense = igcore.explain(model, photo("coffee"), igcore.IntegratedGradients(baseline, "trapezoid", 1024)).values
    corrected, raw = (
        igcore.explain(model, photo("coffee"), igcore.IntegratedGradients(baseline, "adaptive", correct=correct))
        for correct in (None, False)
    )
    for result in (corrected, raw):
        truth = map_distance(result.values, dense)
        assert result.converged
        assert truth <= 0.05
        assert result.map_error == pytest.approx(truth, rel=0.25)
    assert corrected.relative_completeness_error < 1e-4
    assert abs(corrected.correction) < 0.01 * np.abs(corrected.values).sum()
    assert raw.relative_completeness_error < 0.01
    # The map is that of the nodes it shows: its sum is what their slopes add up to.
    assert raw.sum == pytest.approx(raw.trace.cumulative[-1], rel=1e-4)
    missing = corrected.score_difference - corrected.trace.cumulative[-1]
    assert corrected.correction == pytest.approx(missing, abs=1e-4 * abs(corrected.score_difference))


@pytest.mark.parametrize("key", igcore.PHOTOS)
def test_every_bundled_photo_is_there_and_scored(model, photo, key):
    scores = model.scores(photo(key)[None])[0]
    assert scores.sum() == pytest.approx(1, abs=1e-4)
    assert scores.max() > 0.1
