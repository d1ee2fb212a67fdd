"""The catalogue: an administrator's file adds models, and each mistake in it is one clear line."""

from __future__ import annotations

import hashlib
import shutil

import numpy as np
import pytest

import igcore
from igcore.models import DEFAULT_MODEL, CatalogueEntry, entry_for, missing
from igcore.models.download import cached, hub_folder
from tests.exports import SIZE, Callable, NotCallable, export, keras_network, kernel


@pytest.fixture
def catalogue_file(tmp_path, monkeypatch):
    """Write the extra catalogue and name it in the environment."""

    def write(text: str):
        path = tmp_path / "models.toml"
        path.write_text(text, "utf-8")
        monkeypatch.setenv("IGCORE_CATALOGUE", str(path))
        return path

    return write


@pytest.fixture
def nothing_cached(tmp_path, monkeypatch):
    """Empty caches, and no way out to the network."""
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "hub"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    return tmp_path


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory):
    return export(NotCallable(), tmp_path_factory.mktemp("models") / "seven", signature="serving_default")


def test_the_package_has_four_models():
    assert list(igcore.catalogue()) == ["efficientnet-lite0", "inception-v1", "mobilenet-v2", "keras-mobilenet-v2"]
    assert DEFAULT_MODEL == "efficientnet-lite0"
    for entry in igcore.catalogue().values():
        assert (entry.licence, entry.input_size) == ("Apache-2.0", (224, 224))


def test_a_file_adds_and_replaces(catalogue_file):
    catalogue_file(
        '[mine]\nkind = "saved-model"\nhandle = "/models/mine"\n'
        '[mobilenet-v2]\nkind = "keras-file"\nhandle = "m.keras"\n'
    )
    known = igcore.catalogue()
    assert list(known)[-1] == "mine"
    assert known["mine"].title == "mine"
    assert known["mobilenet-v2"].kind == "keras-file"
    assert len(known) == 5


def test_relative_paths_count_from_the_catalogue(catalogue_file, tmp_path, monkeypatch, saved_model):
    catalogue_file(
        '[mine]\ntitle = "Mine"\nkind = "saved-model"\nhandle = "models/mine"\nlabels = "names.txt"\nlicence = "MIT"\n'
        '[file]\nkind = "keras-file"\nhandle = "network.keras"\n'
    )
    shutil.copytree(saved_model, tmp_path / "models" / "mine")
    (tmp_path / "names.txt").write_text("# of the tests\nred, scarlet\n\ngreen\nblue\ncyan\npink\nteal\ngray\n")
    keras_network().save(tmp_path / "network.keras")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    spec = igcore.load_model("mine").spec
    assert (spec.key, spec.title, spec.licence) == ("mine", "Mine", "MIT")
    assert spec.labels == ("red, scarlet", "green", "blue", "cyan", "pink", "teal", "gray")
    assert spec.find("Scarlet") == 0
    assert igcore.load_model("file").spec.can("layers")


def test_the_input_range_is_that_of_the_network(catalogue_file, saved_model):
    catalogue_file(f'[mine]\nkind = "saved-model"\nhandle = "{saved_model}"\ninput_range = [-1, 1]')
    model = igcore.load_model("mine")
    image = np.random.default_rng(0).random((1, *SIZE, 3), dtype=np.float32)
    expected = (2 * image - 1).mean(axis=(1, 2)) @ kernel(7)
    np.testing.assert_allclose(model.scores(image, "logit"), expected, atol=1e-6)
    _, gradients = model.gradients(image, 3, "logit")
    np.testing.assert_allclose(gradients[0, 5, 6], 2 * kernel(7)[:, 3] / (SIZE[0] * SIZE[1]), rtol=1e-5)


def test_a_callable_of_another_size_than_224_loads_once_the_catalogue_states_it(catalogue_file, tmp_path):
    folder = export(Callable(), tmp_path / "model")
    with pytest.raises(igcore.ModelError, match=r"failed on a test image of 224 × 224.*state its input_size"):
        igcore.load_model(folder)
    catalogue_file(f'[mine]\nkind = "saved-model"\nhandle = "{folder}"\ninput_size = [16, 16]')
    assert igcore.load_model("mine").spec.input_size == SIZE


def test_outputs_and_size_can_be_overridden(catalogue_file, tmp_path):
    folder = export(NotCallable(7, softmax=True), tmp_path / "model", (None, None), signature="serving_default")
    catalogue_file(f'[mine]\nkind = "saved-model"\nhandle = "{folder}"\noutputs = "logits"\ninput_size = [20, 30]')
    spec = igcore.load_model("mine").spec
    assert (spec.outputs, spec.input_size) == ("logits", (20, 30))


MINE = '[mine]\nkind = "saved-model"\nhandle = "x"\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[mine", "not valid TOML"),
        ('mine = "x"', "'mine' is not a table"),
        ('[mine]\nhandle = "x"', "'mine': kind is missing"),
        ('[mine]\nkind = "onnx"\nhandle = "x"', "'mine': kind is 'onnx'; expected one of embedded"),
        ('[mine]\nkind = 3\nhandle = "x"', "'mine': kind is 3"),
        ('[mine]\nkind = "saved-model"', "'mine': handle is missing"),
        (MINE + "sise = 3", "'mine': unknown setting 'sise'; known are"),
        (MINE + "folder = 'x'", "'mine': unknown setting 'folder'"),
        (MINE + "title = 3", "'mine': title is 3; expected a text"),
        (MINE + 'outputs = "scores"', "'mine': outputs is 'scores'"),
        (MINE + "input_size = 224", "'mine': input_size is 224; expected"),
        (MINE + 'input_size = "224"', "'mine': input_size is"),
        (MINE + "input_size = [224]", "'mine': input_size is"),
        (MINE + "input_size = [224, 0]", "'mine': input_size is"),
        (MINE + "input_size = [224.5, 224]", "'mine': input_size is"),
        (MINE + "input_size = [[1], [2]]", "'mine': input_size is"),
        (MINE + "input_range = 1", "'mine': input_range is 1; expected"),
        (MINE + "input_range = [1, -1]", "'mine': input_range is"),
        (MINE + 'input_range = ["a", "b"]', "'mine': input_range is"),
        (MINE + "input_range = [0, 1, 2]", "'mine': input_range is"),
        (MINE + "input_range = [0, inf]", "'mine': input_range is"),
        (MINE + "input_range = [false, true]", "'mine': input_range is"),
    ],
)
def test_each_mistake_is_one_clear_line(catalogue_file, text, says):
    catalogue_file(text)
    with pytest.raises(igcore.ModelError) as refusal:
        igcore.catalogue()
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_catalogue_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "latin.toml").write_bytes(b'[mine]\ntitle = "Caf\xe9"')
    for name, says in (("none.toml", "No such file"), (".", "directory"), ("latin.toml", "not valid TOML")):
        monkeypatch.setenv("IGCORE_CATALOGUE", str(tmp_path / name))
        with pytest.raises(igcore.ModelError, match=says) as refusal:
            igcore.catalogue()
        assert str(tmp_path) in str(refusal.value)


def test_labels_that_do_not_fit_are_refused(catalogue_file, tmp_path, saved_model):
    (tmp_path / "names.txt").write_text("red\ngreen\n")
    for labels, says in (("names.txt", "name 2"), ("imagenet-1000", "name 1000"), ("none.txt", "cannot read")):
        catalogue_file(f'[mine]\nkind = "saved-model"\nhandle = "{saved_model}"\nlabels = "{labels}"')
        with pytest.raises(igcore.ModelError, match=says):
            igcore.load_model("mine")


def test_handles_are_told_apart_by_their_form(tmp_path, saved_model):
    (tmp_path / "network.keras").touch()
    assert entry_for("https://tfhub.dev/a/b/1").kind == "tf-hub"
    assert "a/b" in entry_for("https://tfhub.dev/a/b/1").title, "people are shown the title"
    assert entry_for(saved_model).kind == "saved-model"
    assert entry_for(str(tmp_path / "network.keras")).kind == "keras-file"
    with pytest.raises(igcore.UnknownKeyError, match="did you mean 'mobilenet-v2'"):
        entry_for("mobilenet-v3")


def test_what_is_missing_is_said_for_every_kind(nothing_cached, saved_model):
    tmp_path = nothing_cached
    (tmp_path / "network.keras").touch()
    (tmp_path / "empty").mkdir()
    here = [
        entry_for(DEFAULT_MODEL),
        CatalogueEntry("a", "A", "saved-model", saved_model),
        CatalogueEntry("a", "A", "keras-file", str(tmp_path / "network.keras")),
    ]
    assert [missing(entry) for entry in here] == [None] * 3
    for key in ("inception-v1", "mobilenet-v2", "keras-mobilenet-v2"):
        assert missing(entry_for(key)) == f"not downloaded; run python -m igcore fetch {key}"
    for kind, name in (("saved-model", "none"), ("saved-model", "empty"), ("keras-file", "none.keras")):
        reason = missing(CatalogueEntry("a", "A", kind, str(tmp_path / name)))
        assert reason is not None
        assert str(tmp_path / name) in reason


def test_a_hub_model_in_the_cache_needs_no_network(nothing_cached, saved_model):
    handle = "https://tfhub.dev/tests/seven/1"
    name = hashlib.sha1(handle.encode()).hexdigest()
    shutil.copytree(saved_model, nothing_cached / "hub" / name)
    assert missing(entry_for(handle)) is None
    model = igcore.load_model(handle)
    assert model.spec.source == handle
    assert model.spec.input_size == SIZE


def test_the_hub_cache_is_the_same_folder_from_every_folder(tmp_path, monkeypatch):
    # A download runs in another process and folder than the caller.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TFHUB_CACHE_DIR", "cache")
    assert hub_folder("https://tfhub.dev/a/b/1").parent.resolve() == tmp_path / "cache"
    assert hub_folder("https://tfhub.dev/a/b/1").is_absolute()


@pytest.mark.parametrize(
    ("application", "file", "here"),
    [
        ("MobileNetV2", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5", True),
        ("MobileNetV2", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5", False),
        ("MobileNet", "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5", False),
        ("MobileNet", "mobilenet_1_0_224_tf.h5", True),
        ("ResNet50", "resnet50v2_weights_tf_dim_ordering_tf_kernels.h5", False),
        ("ResNet50", "resnet50_weights_tf_dim_ordering_tf_kernels.h5", True),
        ("MobileNetV3Small", "weights_mobilenet_v3_small_224_1.0_float.h5", True),
        ("EfficientNetV2B0", "efficientnetv2-b0.h5", True),
    ],
)
def test_weights_of_an_application_are_found_by_the_name_that_keras_gives_them(nothing_cached, application, file, here):
    (nothing_cached / "keras" / "models").mkdir(parents=True)
    (nothing_cached / "keras" / "models" / file).touch()
    assert cached(CatalogueEntry("a", "A", "keras-application", application)) is here
