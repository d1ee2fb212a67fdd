"""Cascading randomization: what is shuffled and in which order, what stays, and what maps make of it."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from streamlit.testing.v1 import AppTest

import igcore
from igcore.heatmaps import heat_map
from igcore.models.base import ModelSpec
from igcore.models.cascade import MOST, cascade_of
from igcore.models.function import FunctionModel
from igcore.models.graph import Graph
from igcore.models.layers import Flatten, Image
from igcore.models.linear_layers import Dense
from igcore.models.network import TensorFlowModel
from igcore.models.saved_model import variables_of
from igcore.randomization import STEPS, first_settings, gradient_equivalents, randomization_seconds
from igcore.randomized_maps import KEPT, REST, Randomization, ShuffledStage
from igcore.runtime.randomization_questions import Randomize, Stages
from igcore.speed import Speed
from tests.exports import SIZE, batch, small_keras_file
from tests.functions import assert_same_map, constant, model_of

IMAGE = np.random.default_rng(11).random((*SIZE, 3), dtype=np.float32)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Two convolutions and a dense layer, all open."""
    return igcore.load_model(small_keras_file(tmp_path_factory.mktemp("small")))


class Scoped(tf.Module):
    """Two layers in scopes of their own, below one that they share."""

    def __init__(self) -> None:
        super().__init__()
        random = np.random.default_rng(2)
        shapes = {"net/first/kernel": (3, 5), "net/first/bias": (5,), "net/second/kernel": (5, 7), "net/steps": ()}
        self.held = {
            name: tf.Variable(random.normal(size=shape).astype(np.float32), name=name) for name, shape in shapes.items()
        }

    @tf.function(input_signature=[batch()])
    def __call__(self, images):
        kernel, bias, second, steps = self.held.values()
        features = tf.nn.relu(tf.tensordot(images, kernel, 1) + bias)
        return tf.reduce_mean(features, (1, 2)) @ second + 0 * steps


class Frozen(tf.Module):
    """Keeps its weights as constants."""

    @tf.function(input_signature=[batch()])
    def __call__(self, images):
        return tf.reduce_mean(images, (1, 2)) @ tf.eye(3)


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """A SavedModel, of which nothing is known but its variables."""
    folder = tmp_path_factory.mktemp("closed") / "model"
    tf.saved_model.save(Scoped(), str(folder))
    return igcore.load_model(str(folder))


@pytest.fixture(scope="module")
def unknown_layers(tmp_path_factory):
    """A Keras file with an activation that layer-wise methods do not know."""
    tf.keras.utils.set_random_seed(3)
    layers = tf.keras.layers
    convolution = layers.Conv2D(4, 3, activation="swish", name="block1_conv")
    norm = layers.BatchNormalization(name="block1_norm")
    end = [layers.GlobalAveragePooling2D(), layers.Dense(7, name="head")]
    path = tmp_path_factory.mktemp("unknown") / "swish.keras"
    tf.keras.Sequential([tf.keras.Input((*SIZE, 3)), convolution, norm, *end]).save(path)
    return igcore.load_model(str(path))


def chain(names, width=3):
    """Dense layers one after the other."""
    random = np.random.default_rng(5)
    nodes = [Image("image", ()), Flatten("flat", (0,), (3,))]
    for name in names:
        weights, bias = random.normal(size=(width, width)), random.normal(size=width)
        nodes.append(Dense(name, (len(nodes) - 1,), weights.astype(np.float32), bias.astype(np.float32)))
    spec = ModelSpec("chain", "Chain", "tests", "none", (1, 1), ("a", "b", "c"), capability="layers")
    return TensorFlowModel(spec, None, read_graph=lambda: Graph(tuple(nodes)))


def names_of(model, by="block"):
    return [stage.name for stage in cascade_of(model, by).stages]


def fingerprint(model):
    """What a model's layers and variables hold."""
    told = hashlib.sha256()
    network = model.network
    held = getattr(network, "weights", None) or (variables_of(network) if network is not None else ())
    for weight in (*held, *(weights_of(model.graph).values() if model.spec.can("layers") and not held else ())):
        told.update(np.asarray(weight).tobytes())
    return told.hexdigest()


def _photo(model):
    return igcore.load_image(igcore.PHOTOS["cat"].path, size=model.spec.input_size)


def weights_of(graph):
    return {node.name: node.weights for node in graph.nodes if isinstance(getattr(node, "weights", None), np.ndarray)}


# Stages.


def test_stages_go_from_the_output_down_and_hold_every_weight(small):
    stages = cascade_of(small).stages
    assert [stage.name for stage in stages] == ["dense", "second", "first"]
    assert [stage.weights for stage in stages] == [5 * 7 + 7, 3 * 3 * 4 * 5 + 5, 3 * 3 * 3 * 4 + 4]
    assert sum(stage.weights for stage in stages) == small.network.count_params()


def test_the_embedded_network_goes_by_blocks_or_by_layers(model):
    blocks, layers = (cascade_of(model, by).stages for by in ("block", "layer"))
    assert [stage.name for stage in blocks] == [
        "logits",
        "conv_head",
        *(f"block{n}" for n in range(15, -1, -1)),
        "conv_stem",
    ]
    assert blocks[2].parts == ("block15_project", "block15_depthwise", "block15_expand")
    assert [stage.name for stage in layers] == [part for stage in blocks for part in stage.parts]
    assert sum(stage.weights for stage in blocks) == sum(stage.weights for stage in layers) > 4.6e6


def test_blocks_are_told_by_the_names_of_layers():
    names = [
        "stem",
        "block_1_expand",
        "block_1_project",
        "conv2_block1_1_conv",
        "conv2_block1_2_conv",
        "block12_a",
        "top",
    ]
    assert names_of(chain(names)) == ["top", "block12", "conv2_block1", "block_1", "stem"]
    assert names_of(chain(names), "layer") == names[::-1]
    assert names_of(chain(["block1", "block10", "blockade"])) == ["blockade", "block10", "block1"]


@pytest.mark.parametrize("count", [MOST, MOST + 1, 3 * MOST + 5])
def test_of_many_layers_neighbors_share_a_stage(count):
    names = [f"dense_{index}" for index in range(count)]
    stages = cascade_of(chain(names)).stages
    assert len(stages) == MOST
    assert [part for stage in stages for part in stage.parts] == names[::-1]
    assert stages[0].parts == (names[-1],)
    sizes = [len(stage.parts) for stage in stages[1:]]
    assert max(sizes) - min(sizes) <= 1
    assert stages[-1].name == (names[0] if count == MOST else f"{stages[-1].parts[0]} … {names[0]}")
    assert len(cascade_of(chain(names), "layer").stages) == count


# What is shuffled.


def test_every_layer_keeps_its_numbers_in_another_order(small):
    models = list(cascade_of(small).models())
    before, after = weights_of(small.graph), weights_of(models[-1].graph)
    assert before.keys() == after.keys() == {"first", "second", "dense"}
    for name, values in before.items():
        assert not np.array_equal(values, after[name])
        np.testing.assert_array_equal(np.sort(values, axis=None), np.sort(after[name], axis=None))


def test_a_stage_leaves_what_lies_below_and_does_not_depend_on_others(small):
    trained = weights_of(small.graph)
    by_one = [weights_of(one.graph) for one in cascade_of(small).models()]
    for count, found in enumerate(by_one):
        for place, name in enumerate(["dense", "second", "first"]):
            # Shuffled from its own stage on, and always in the same way.
            expected = by_one[-1][name] if place < count else trained[name]
            np.testing.assert_array_equal(found[name], expected)


def test_blocks_and_layers_end_at_the_same_network():
    names = ["block1_a", "block1_b", "block2_a", "block2_b", "top"]
    ends = [list(cascade_of(chain(names), by).models())[-1] for by in ("block", "layer")]
    for one, other in zip(*(weights_of(end.graph).values() for end in ends), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_compiled_and_what_layers_hold_are_in_step(small, model):
    for network, image in ((small, IMAGE), (model, _photo(model))):
        seen = []
        for after in cascade_of(network).models():
            logits = after.graph.activations(image[None])[-1]
            np.testing.assert_allclose(after.scores(image[None], "logit"), logits, rtol=1e-4, atol=1e-3)
            seen.append(logits)
        assert all(np.abs(one - other).max() > 1e-3 for one, other in itertools.pairwise(seen))


@pytest.mark.parametrize("which", ["small", "closed", "unknown_layers", "model"])
def test_the_model_itself_is_never_touched(request, which):
    network = request.getfixturevalue(which)
    before, image = fingerprint(network), IMAGE if network.spec.input_size == SIZE else _photo(network)
    assert before != hashlib.sha256().hexdigest()
    first, scores = igcore.explain(network, image, "gradient"), network.scores(image[None])
    for number, after in enumerate(cascade_of(network).models()):
        assert after is not network
        assert fingerprint(network) == before
        if number == 0:  # nothing is shuffled yet
            np.testing.assert_allclose(after.scores(image[None]), network.scores(image[None]), atol=1e-5)
            assert_same_map(igcore.explain(after, image, "gradient", first.target).values, first.values, 1e-4)
    assert np.abs(after.scores(image[None]) - network.scores(image[None])).max() > 1e-3
    # Up to the last bits, which a copy with weights that can be exchanged may change; see `shuffling._settle`.
    np.testing.assert_allclose(network.scores(image[None]), scores, atol=1e-6)
    assert_same_map(igcore.explain(network, image, "gradient").values, first.values, 1e-5)


# Closed networks.


def test_variables_of_a_closed_network_go_by_scope(closed):
    assert names_of(closed) == ["second", "first"]
    assert names_of(closed, "layer") == ["net/second", "net/first"]
    assert [stage.weights for stage in cascade_of(closed).stages] == [35, 20]  # a single number has no order


def test_closed_keras_layers_go_by_their_names(unknown_layers):
    with pytest.raises(igcore.ModelError, match=r"silu|swish"):
        unknown_layers.graph  # noqa: B018
    assert names_of(unknown_layers) == ["head", "block1"]
    assert names_of(unknown_layers, "layer") == ["head", "block1_norm", "block1_conv"]
    assert sum(stage.weights for stage in cascade_of(unknown_layers).stages) == unknown_layers.network.count_params()


def test_a_closed_network_changes_stage_by_stage(closed):
    scores = [after.scores(IMAGE[None])[0] for after in cascade_of(closed).models()]
    assert len(scores) == 3
    assert all(np.abs(one - other).max() > 1e-3 for one, other in itertools.pairwise(scores))
    again = [after.scores(IMAGE[None])[0] for after in cascade_of(closed).models()]
    np.testing.assert_array_equal(scores, again)


def refused(model):
    """The one line with which a cascade is refused."""
    with pytest.raises(igcore.ModelError) as refusal:
        list(cascade_of(model).models())
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_models_without_weights_are_refused_with_a_way_out(tmp_path, closed):
    function = FunctionModel("square", lambda x: x[:, 0] ** 2, lambda x: 2 * x)
    assert "no weights to shuffle; choose a network" in refused(function)
    assert "choose a Keras model, or a SavedModel folder" in refused(model_of(constant()))
    tf.saved_model.save(Frozen(), str(tmp_path / "frozen"))
    assert "as constants" in refused(igcore.load_model(str(tmp_path / "frozen")))
    stray = igcore.load_model(closed.spec.key)
    stray.spec = replace(stray.spec, key="from nowhere")
    assert "cannot be loaded a second time; load it by its key" in refused(stray)


def test_files_that_have_changed_are_noticed(tmp_path, closed):
    folder = tmp_path / "model"
    shutil.copytree(closed.spec.key, folder)
    model = igcore.load_model(str(folder))
    shutil.rmtree(folder)
    other = Scoped()
    other.held["net/second/kernel"].assign(-other.held["net/second/kernel"])
    tf.saved_model.save(other, str(folder))
    assert "does not give what the model gives" in refused(model)


def test_an_unknown_kind_of_stages_is_a_mistake(small):
    with pytest.raises(igcore.InputError, match="by is 'weights'; expected one of block, layer"):
        cascade_of(small, "weights")


# Maps.

METHODS = ("gradient", "ig", "guided-backprop")


@pytest.fixture(scope="module")
def run(small):
    return igcore.randomize(small, IMAGE, METHODS)


def test_randomizing_nothing_gives_correlation_one(run, small):
    for table in (run.signed, run.absolute, run.similarity):
        assert table.shape == (3, 4)
        assert table.dtype == np.float64
        assert (table[:, 0] == 1).all()
        assert (np.abs(table) <= 1).all()
    assert run.maps.shape == (3, 4, *SIZE)
    for row, key in enumerate(METHODS):
        own = igcore.explain(small, IMAGE, first_settings(key), run.target)
        assert_same_map(run.maps[row, 0], heat_map(own.values), 1e-4)


def test_the_tables_are_those_of_the_maps(small):
    signed = igcore.randomize(small, IMAGE, METHODS, sign="signed")
    absolute = igcore.randomize(small, IMAGE, METHODS)
    from igcore.agreement import spearman, structural_similarity

    for row in range(3):
        for at in range(4):
            for found, table in ((signed, signed.signed), (absolute, absolute.absolute)):
                assert table[row, at] == spearman(found.maps[row, 0], found.maps[row, at])
                assert found.similarity[row, at] == structural_similarity(found.maps[row, 0], found.maps[row, at])
    np.testing.assert_array_equal(signed.absolute, absolute.absolute)


def test_the_stages_tell_how_much_is_random(run, small):
    assert [stage.name for stage in run.stages] == ["", "dense", "second", "first"]
    assert [stage.weights for stage in run.stages] == [0, 42, 227, 339]
    assert run.weights == small.network.count_params()
    np.testing.assert_allclose(run.shares, np.array([0, 42, 227, 339]) / 339)
    assert run.stages[0].probability == pytest.approx(float(small.scores(IMAGE[None])[0, run.target]), abs=1e-6)
    assert run.target == int(small.scores(IMAGE[None])[0].argmax())
    assert run.finished
    assert run.gradient_count == 4 * (1 + STEPS + 1 + 1)


def test_the_same_seed_gives_the_same_bytes(run, small):
    again = igcore.randomize(small, IMAGE, METHODS)
    assert run.maps.tobytes() == again.maps.tobytes()
    assert run.signed.tobytes() == again.signed.tobytes()
    other = igcore.randomize(small, IMAGE, METHODS, seed=1)
    np.testing.assert_array_equal(run.maps[:, 0], other.maps[:, 0])
    assert not np.array_equal(run.maps[0, -1], other.maps[0, -1])


def test_a_method_by_itself_gives_what_it_gives_among_others(run, small):
    alone = igcore.randomize(small, IMAGE, ["ig"], by="layer")
    np.testing.assert_array_equal(alone.maps[0], run.maps[1])
    np.testing.assert_array_equal(alone.similarity[0], run.similarity[1])


def test_progress_counts_gradients_and_carries_finished_stages(small):
    told = []
    found = igcore.randomize(small, IMAGE, METHODS, on_progress=told.append)
    assert {one.total for one in told} == {4 * gradient_equivalents(METHODS, SIZE)}
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert told[-1].done == told[-1].total
    assert told[-1].partial is found
    assert {len(one.partial.stages) for one in told if one.partial is not None} == {1, 2, 3, 4}


def test_stopping_keeps_the_stages_that_are_finished(run, small):
    told = []
    with pytest.raises(igcore.Cancelled):
        igcore.randomize(
            small, IMAGE, METHODS, on_progress=told.append,
            should_stop=lambda: bool(told) and told[-1].partial is not None and len(told[-1].partial.stages) == 3,
        )  # fmt: skip
    kept = told[-1].partial
    assert not kept.finished
    assert [stage.name for stage in kept.stages] == ["", "dense", "second"]
    np.testing.assert_array_equal(kept.maps, run.maps[:, :3])
    np.testing.assert_array_equal(kept.signed, run.signed[:, :3])


def test_what_cannot_be_asked_is_refused_before_work_begins(small, closed):
    for methods in ([], ["ig", igcore.IntegratedGradients()], "ig"):
        with pytest.raises(igcore.InputError, match="expected one or more, each once"):
            igcore.randomize(small, IMAGE, methods)
    with pytest.raises(igcore.InputError, match="needs layers"):
        igcore.randomize(closed, IMAGE, ["gradient", "grad-cam", "ig"])
    with pytest.raises(igcore.InputError, match="sign is"):
        igcore.randomize(small, IMAGE, ["gradient"], sign="both")
    with pytest.raises(igcore.InputError, match="unknown method"):
        igcore.randomize(small, IMAGE, ["gradients"])


def test_a_method_without_a_map_of_a_stage_has_an_empty_one(small):
    # Deep Taylor decomposition explains positive logits only; shuffled, this network gives negative ones, too.
    positive = [target for target in range(7) if small.scores(IMAGE[None], "logit")[0, target] > 0]
    cases = [(target, seed) for target in positive for seed in range(2)]
    found = [igcore.randomize(small, IMAGE, ["deep-taylor"], target=target, seed=seed) for target, seed in cases]
    missing = [(one, at) for one in found for at in range(4) if not one.maps[0, at].any()]
    assert missing
    for one, at in missing:
        assert at > 0
        assert np.isnan([one.signed[0, at], one.absolute[0, at], one.similarity[0, at]]).all()


def test_a_closed_network_is_randomized_by_what_needs_no_layers(closed):
    found = igcore.randomize(closed, IMAGE, ["gradient", "ig"], target=2)
    assert [stage.name for stage in found.stages] == ["", "second", "first"]
    assert (found.signed[:, 0] == 1).all()
    assert found.target == 2
    assert not np.array_equal(found.maps[:, 0], found.maps[:, 2])


# The embedded network.


@pytest.fixture(scope="module")
def cat(model, photo):
    return igcore.randomize(model, photo("cat"), METHODS)


def test_integrated_gradients_forget_and_guided_backpropagation_does_not(cat):
    gradient, ig, guided = range(3)
    assert (cat.signed[:, 0] == 1).all()
    assert (np.abs(cat.signed[[gradient, ig], -5:]) < 0.1).all()
    assert np.abs(cat.signed[:, -1]).max() < 0.1
    # Without signs the plain gradient is gone, too; the factor x − x′ of Integrated Gradients stays.
    assert np.abs(cat.absolute[gradient, -1]) < REST
    assert cat.absolute[gradient, -1] < cat.absolute[ig, -1] < KEPT
    # Where nine tenths of the weights are random, guided backpropagation still draws nearly the same.
    late = cat.shares > 0.9
    assert late.sum() > 8
    assert (cat.signed[guided, ~late] > 0.95).all()
    for table in (np.abs(cat.signed), cat.absolute, cat.similarity):
        assert (table[guided, 1:-3] > table[gradient, 1:-3]).all()
    assert cat.stages[-1].probability < 0.01 < cat.stages[0].probability


def test_the_verdicts_say_so(cat):
    assert cat.verdict("gradient").startswith("Gradient passes: its map has changed when 28% of the weights are random")
    assert "Without signs" in cat.verdict("ig")
    assert "Without signs" not in cat.verdict("gradient")
    failed = cat.verdict("guided-backprop")
    assert failed.startswith("Guided backpropagation fails: with 60% of the weights random")
    assert failed.endswith("A map that hardly changes cannot tell what the model has learned.")


# Verdicts, by hand.


def made(signed, weights, absolute=None, total=100):
    """A result of one method, Gradient, with these correlations."""
    table = np.array([signed], float)
    stages = tuple(ShuffledStage(f"stage {at}" if at else "", count, 0.5) for at, count in enumerate(weights))
    sizes = table if absolute is None else np.array([absolute], float)
    maps = np.zeros((1, len(weights), 2, 2), np.float32)
    return Randomization(("gradient",), stages, maps, table, sizes, sizes, "absolute", total, 0, "a", 0, 0, 0, 0.0)


NAN = float("nan")


@pytest.mark.parametrize(
    ("result", "told"),
    [
        (made([1, 0.1, 0.9], [0, 60, 100]), "passes: its map has changed when 60% of the weights are random"),
        (made([1, 0.9, 0.1], [0, 40, 100]), "passes: its map has changed when 100%"),
        (made([1, NAN, 0.1], [0, 30, 100]), "passes: its map is empty when 30% of the weights are random"),
        (made([1, 0.9, 0.8, 0.1], [0, 40, 60, 100]), "fails: with 60% of the weights random its map is still much the"),
        (made([1, 0.9, 0.8, 0.1], [0, 40, 60, 100]), "(rank correlation 0.80), until stage 3 is random, too. A map"),
        (made([1, -0.9, -0.8], [0, 60, 100]), "(rank correlation -0.90), and so it stays to the end. A map"),
        (made([1, 0.9], [0, 60]), "(rank correlation 0.90). A map that hardly changes"),
        (made([1], [0]), "nothing can be said yet; 0% of the weights are random"),
        (made([1, 0.9], [0, 40]), "nothing can be said yet; 40% of the weights are random"),
        (made([NAN, NAN], [0, 40]), "the same everywhere from the start"),
        (made([1, 0.1, 0.0], [0, 40, 100], [1, 0.5, 0.3]), "learned. Without signs, 0.30 remains at the end"),
    ],
)
def test_a_verdict_tells_when_the_map_changed(result, told):
    assert told in result.verdict("gradient")


@pytest.mark.parametrize(
    "result",
    [
        made([1, 0.1, 0.3], [0, 40, 100]),  # a map without signs
        made([1, 0.1, 0.0], [0, 40, 100], [1, 0.5, 0.1]),
        made([1, 0.1], [0, 40], [1, 0.5]),  # not at its end
        made([1, 0.1, 0.0], [0, 40, 100], [1, 0.5, NAN]),
    ],
)
def test_a_verdict_speaks_of_signs_only_where_something_remains(result):
    assert "passes" in result.verdict("gradient")
    assert "Without signs" not in result.verdict("gradient")


# Settings, costs, questions, and the view.


def test_every_method_explains_the_logit_here():
    for key in igcore.METHODS:
        method = first_settings(key)
        assert method.key == key
        assert method.describe().get("of", "logit") == (method.only_of or "logit")
    assert first_settings("ig").steps == STEPS


def test_the_cost_is_that_of_all_methods_for_each_stage():
    one, other = (gradient_equivalents([key], SIZE) for key in ("ig", "gradient"))
    assert (one, other) == (STEPS + 1 + 1, 1)  # the two scores at the path's ends count as one gradient
    assert gradient_equivalents(["ig", "gradient"], SIZE) == one + other
    taken = [randomization_seconds(["ig"], stages, SIZE, Speed(0.1, 1.0, 1.0)) for stages in (1, 2, 3)]
    assert taken[1] - taken[0] == pytest.approx(taken[2] - taken[1])
    assert taken[1] - taken[0] == pytest.approx(STEPS + 1, rel=0.3)


def test_a_question_is_named_by_all_that_its_answer_depends_on(small):
    asked = Randomize(small.spec.key, IMAGE, ("gradient",), 1)
    others = [
        replace(asked, methods=("ig",)), replace(asked, target=2), replace(asked, seed=1), replace(asked, by="layer"),
        replace(asked, image=1 - IMAGE), replace(asked, model="other"),
    ]  # fmt: skip
    assert len({one.key for one in (asked, *others)}) == 7
    assert asked.key == replace(asked, image=IMAGE.copy()).key
    found = asked.answer(lambda _key: small, lambda _progress: None, lambda: False)
    assert found.maps.tobytes() == igcore.randomize(small, IMAGE, ["gradient"], 1).maps.tobytes()
    assert asked.size(found) > found.maps.nbytes
    assert asked.gradients >= found.gradient_count
    assert asked.effort == (f"{small.spec.key}:randomize", float(asked.gradients))


def test_stages_are_told_as_plain_values(small):
    question = Stages(small.spec.key)
    found = question.answer(lambda _key: small, lambda _progress: None, lambda: False)
    assert found == (("dense", 42), ("second", 185), ("first", 112))
    assert question.key != Stages(small.spec.key, "layer").key
    assert question.size(found) > 0


def _page():
    from igcore.runtime.model_questions import Abilities
    from ui import state
    from ui.randomization_view import randomization_view
    from ui.scene import answered, choose_subject

    state.begin()
    subject = choose_subject()
    able = answered(Abilities(subject.spec.key), "")
    randomization_view(subject, subject.top, able)
    state.write_address()


def opened(**query):
    page = AppTest.from_function(_page, default_timeout=300)
    page.query_params.update({"image": "cat", **query})
    page.run()
    assert not page.exception
    assert all(job.wait(300) for job in page.session_state["client"].followed.values())
    page.run()
    assert not page.exception
    assert [*page.error] == []
    return page


def test_the_view_asks_before_it_takes_long():
    page = opened(stages="layer", shuffled="ig;lrp-composite")
    assert page.button(key="shuffle").label.startswith("Shuffle 50 stages: ")
    assert not page.session_state["client"].followed
    page = opened(shuffled="")
    assert [one.value for one in page.info] == ["Choose one or more methods above."]


def test_the_view_shows_verdicts_curves_and_a_strip_of_maps():
    page = opened(shuffled="gradient")
    (job,) = page.session_state["client"].followed.values()
    assert isinstance(job.question, Randomize)
    told = "\n".join(one.value for one in page.markdown)
    assert f"- {job.value.verdict('gradient')}" in told
    (chart,) = page.get("plotly_chart")
    assert chart.proto.alt == "Rank correlation with the trained network's map over the stages, for Gradient"
    images = [image for one in page.get("image") for image in one.proto.imgs]
    pictures = [one for one in images if one.alt.startswith("Map by Gradient, ")]
    assert len(pictures) == 20
    assert any("**conv_stem**" in one.value and "100.0% random" in one.value for one in page.caption)
    page.segmented_control(key="agreement").set_value("similarity").run()
    (chart,) = page.get("plotly_chart")
    assert chart.proto.alt.startswith("Structural similarity (SSIM)")
    assert page.query_params["agreement"] == "similarity"
