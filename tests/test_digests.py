"""Digests of models: the same wherever the files lie, another where one weight is."""

from __future__ import annotations

import hashlib
import shutil

import numpy as np
import pytest

import igcore
from igcore.models.digests import file_digest, folder_digest, weights_digest
from tests.exports import NotCallable, export, keras_network


def test_the_embedded_network_is_named_by_the_file_that_it_was_read_from(model):
    from igcore.models.efficientnet_lite import weight_file

    assert model.spec.sha256 == file_digest(weight_file())
    assert "sha256" in repr(model.spec)


def test_shuffled_weights_do_not_go_by_the_digest_of_the_trained_ones(model):
    from igcore.models.randomized import randomized_efficientnet_lite0

    assert randomized_efficientnet_lite0(model.spec).spec.sha256 == ""


@pytest.mark.parametrize("size", [0, 1, 2**20 - 1, 2**20, 2**20 + 1])
def test_the_digest_of_a_file_is_its_sha_256(tmp_path, size):
    (tmp_path / "a").write_bytes(b"x" * size)
    assert file_digest(tmp_path / "a") == hashlib.sha256(b"x" * size).hexdigest()


def test_a_saved_model_is_named_by_its_program_and_variables_wherever_it_lies(tmp_path):
    first = tmp_path / "one"
    export(NotCallable(), first, signature="serving_default")
    sha256 = folder_digest(first)
    assert igcore.load_model(str(first)).spec.sha256 == sha256
    second = tmp_path / "two" / "deep"
    shutil.copytree(first, second)
    (second / "notes.txt").write_text("nothing")
    assert folder_digest(second) == sha256
    for name in ("saved_model.pb", next(path.name for path in (second / "variables").iterdir())):
        path = next(second.rglob(name))
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert folder_digest(second) != sha256
        path.write_bytes(data)
    (second / "variables" / "more").write_bytes(b"")
    assert folder_digest(second) != sha256


def test_a_keras_file_is_named_by_its_bytes(tmp_path):
    keras_network().save(tmp_path / "a.keras")
    spec = igcore.load_model(str(tmp_path / "a.keras")).spec
    assert spec.sha256 == hashlib.sha256((tmp_path / "a.keras").read_bytes()).hexdigest()


def test_weights_are_named_by_shapes_and_values():
    one, same, other = keras_network(), keras_network(), keras_network()
    other.set_weights([other.get_weights()[0] + np.float32(1e-6)])
    turned = keras_network()
    turned.get_weights = lambda: [one.get_weights()[0].reshape(-1)]
    assert weights_digest(one) == weights_digest(same)
    assert len({weights_digest(network) for network in (one, other, turned)}) == 3
