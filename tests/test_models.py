"""Models that the tests export themselves: every published form loads, and what cannot be used is refused."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import igcore
from tests.exports import (
    SIZE,
    Callable,
    CutGradient,
    NotCallable,
    NotFinite,
    WithDictionary,
    WithTrainingFlag,
    batch,
    export,
    keras_network,
    kernel,
)

IMAGE = np.random.default_rng(5).random((*SIZE, 3), dtype=np.float32)


def expected_logits(classes: int, image: np.ndarray = IMAGE) -> np.ndarray:
    return image.mean(axis=(0, 1)) @ kernel(classes)


def refused(handle: str, kind: type[Exception] = igcore.ModelError) -> str:
    """The one line with which a model is refused."""
    with pytest.raises(kind) as refusal:
        igcore.load_model(handle)
    message = str(refusal.value)
    assert "\n" not in message
    assert len(message) < 500
    return message


FORMS = {
    "callable": lambda folder: export(Callable(), folder, (None, None)),
    "training flag": lambda folder: export(WithTrainingFlag(), folder, (None, None)),
    "dictionary": lambda folder: export(WithDictionary(), folder, (None, None)),
    "serving_default": lambda folder: export(NotCallable(), folder, signature="serving_default"),
    "default": lambda folder: export(NotCallable(), folder, signature="default"),
    "other signature": lambda folder: export(NotCallable(), folder, signature="classify"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_saved_model_gives_its_scores_and_gradient(tmp_path, form):
    model = igcore.load_model(FORMS[form](tmp_path / "model"))
    assert model.spec.outputs == "logits"
    assert model.spec.labels == tuple(f"class {index}" for index in range(7))
    assert model.spec.can("gradients")
    assert not model.spec.can("layers")
    image = np.random.default_rng(6).random((*model.spec.input_size, 3), dtype=np.float32)
    np.testing.assert_allclose(model.scores(image[None], "logit")[0], expected_logits(7, image), atol=1e-5)
    _, gradients = model.gradients(image[None], 2, "logit")
    slope = kernel(7)[:, 2] / image[:, :, 0].size
    np.testing.assert_allclose(gradients[0], np.broadcast_to(slope, image.shape), rtol=1e-5)


def test_a_keras_export_loads(tmp_path):
    keras_network().export(str(tmp_path / "model"), verbose=False)
    model = igcore.load_model(str(tmp_path / "model"))
    assert model.spec.input_size == SIZE
    np.testing.assert_allclose(model.scores(IMAGE[None], "logit")[0], expected_logits(7), atol=1e-6)


def test_the_input_size_is_that_of_the_signature(tmp_path):
    for name in ("serving_default", "classify"):
        export(NotCallable(), tmp_path / name, (24, 32), signature=name)
        assert igcore.load_model(str(tmp_path / name)).spec.input_size == (24, 32)


@pytest.mark.parametrize("signature", ["", "serving_default"])
def test_an_unknown_input_size_is_taken_as_224(tmp_path, signature):
    module = NotCallable() if signature else Callable()
    export(module, tmp_path / "model", (None, None), signature=signature)
    assert igcore.load_model(str(tmp_path / "model")).spec.input_size == (224, 224)


@pytest.mark.parametrize(("classes", "first"), [(1000, "tench"), (1001, "background"), (7, "class 0")])
def test_classes_are_named_by_their_number(tmp_path, classes, first):
    model = igcore.load_model(export(NotCallable(classes), tmp_path / "model", signature="serving_default"))
    assert len(model.spec.labels) == classes
    assert model.spec.label(0) == first
    if classes > 7:
        assert model.spec.find("espresso") == 967 + (classes == 1001)


@pytest.mark.parametrize("softmax", [True, False])
def test_probabilities_are_told_from_logits(tmp_path, softmax):
    model = igcore.load_model(export(NotCallable(7, softmax), tmp_path / "model", signature="serving_default"))
    assert model.spec.outputs == ("probabilities" if softmax else "logits")
    logits = expected_logits(7).astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(model.scores(IMAGE[None])[0], shares, rtol=1e-5)
    # Of a model that gives probabilities, the logit is the log-probability.
    expected = np.log(shares) if softmax else logits
    np.testing.assert_allclose(model.scores(IMAGE[None], "logit")[0], expected, rtol=1e-5, atol=1e-6)
    _, gradients = model.gradients(IMAGE[None], 2, "logit")
    slope = kernel(7)[:, 2] - (kernel(7) @ shares if softmax else 0)
    np.testing.assert_allclose(gradients[0, 0, 0] * SIZE[0] * SIZE[1], slope, rtol=1e-4, atol=1e-6)


def test_an_opaque_model_is_explained_completely(tmp_path):
    model = igcore.load_model(export(NotCallable(7, softmax=True), tmp_path / "model", signature="serving_default"))
    result = igcore.explain(model, IMAGE, igcore.IntegratedGradients(integrator="gauss-legendre", steps=8))
    assert result.relative_completeness_error < 1e-4
    assert result.target == expected_logits(7).argmax()


def test_a_cut_gradient_is_refused(tmp_path):
    message = refused(export(CutGradient(), tmp_path / "model", (224, 224)))
    assert "no gradient with respect to its input" in message


def test_values_that_are_not_finite_are_refused(tmp_path):
    assert "NaN" in refused(export(NotFinite(), tmp_path / "model", (224, 224)))


class Sequence(tf.Module):
    """A model of word numbers, not of images."""

    @tf.function(input_signature=[tf.TensorSpec((None, 10), tf.int32)])
    def __call__(self, words):
        return tf.cast(words, tf.float32)


class TwoInputs(tf.Module):
    @tf.function(input_signature=[batch(), tf.TensorSpec((), tf.float32)])
    def serve(self, images, factor):
        return {"logits": tf.reduce_mean(images, (1, 2)) * factor}


class Segmenter(tf.Module):
    """Gives a score for each pixel."""

    @tf.function(input_signature=[batch((224, 224))])
    def __call__(self, images):
        return images


def test_models_of_something_else_are_refused(tmp_path):
    for module in (Sequence(), Segmenter()):
        folder = tmp_path / type(module).__name__
        tf.saved_model.save(module, str(folder))
        assert str(folder) in refused(str(folder))
    two = TwoInputs()
    tf.saved_model.save(two, str(tmp_path / "two"), signatures={"serving_default": two.serve})
    assert "expected one batch of images" in refused(str(tmp_path / "two"))
    tf.saved_model.save(tf.Module(), str(tmp_path / "nothing"))
    assert "neither callable nor has a signature" in refused(str(tmp_path / "nothing"))


def test_folders_that_hold_no_model_are_refused(tmp_path):
    empty, damaged = tmp_path / "empty", tmp_path / "damaged"
    empty.mkdir()
    damaged.mkdir()
    (damaged / "saved_model.pb").write_bytes(b"not a model")
    assert "holds no saved_model.pb" in refused(str(empty), igcore.ModelUnavailable)
    assert "not a SavedModel folder that can be loaded" in refused(str(damaged))
    with pytest.raises(igcore.UnknownKeyError, match="unknown model"):
        igcore.load_model(str(tmp_path / "no such folder"))


@pytest.mark.parametrize("softmax", [True, False])
def test_a_keras_file_loads_and_opens_its_layers(tmp_path, softmax):
    path = tmp_path / "model.keras"
    keras_network(softmax=softmax).save(path)
    model = igcore.load_model(str(path))
    assert model.spec.input_size == SIZE
    assert model.spec.outputs == ("probabilities" if softmax else "logits")
    assert model.spec.can("layers")
    assert model.network.count_params() == 21
    shares = np.exp(expected_logits(7)) / np.exp(expected_logits(7)).sum()
    np.testing.assert_allclose(model.scores(IMAGE[None])[0], shares, rtol=1e-5)


def test_a_keras_file_with_code_is_refused_and_nothing_runs(tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "model.keras"
    # Keras stores the bytecode of a lambda only; of a function with a name, just the name.
    where = str(marker)
    layer = tf.keras.layers.Lambda(lambda images: (__import__("pathlib").Path(where).touch(), images)[1])
    keras_network(7, layer).save(path)
    marker.unlink()  # building the model ran the layer
    assert "Lambda" in refused(str(path))
    assert not marker.exists()
    # The same file is live: loaded without safe mode, it runs.
    tf.keras.models.load_model(path, compile=False, safe_mode=False)
    assert marker.exists()


def test_a_damaged_keras_file_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(b"PK\x03\x04 not a zip")
    assert str(path) in refused(str(path))


@pytest.mark.parametrize("chunk", [0, -1])
def test_a_chunk_of_no_images_is_a_mistake_of_the_caller(chunk):
    with pytest.raises(igcore.InputError, match="chunk is"):
        igcore.load_model(chunk=chunk)
