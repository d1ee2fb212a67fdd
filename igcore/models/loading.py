"""From a catalogue entry to a proven model: one builder for each kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from igcore.errors import ModelError, ModelUnavailable
from igcore.models.base import ModelSpec
from igcore.models.catalogue import CatalogueEntry
from igcore.models.digests import file_digest, folder_digest, weights_digest
from igcore.models.download import fetch, hub_folder
from igcore.models.efficientnet_lite import CLASSES, SHA256, build_efficientnet_lite0
from igcore.models.graph import Graph
from igcore.models.keras_graph import read_keras
from igcore.models.labels import imagenet_labels, labels_for, read_labels
from igcore.models.network import TensorFlowModel
from igcore.models.saved_model import open_saved_model, stated_input_size

__all__ = ["load_entry"]

DEFAULT_SIZE = (224, 224)


@dataclass(frozen=True)
class _Opened:
    """A network that was found: what computes, what keeps it alive, its digest, and what it states of itself.

    `forward` is None where the layers that are read are all there is.
    """

    forward: Callable[[Any], Any] | None
    network: Any
    sha256: str
    input_size: tuple[int, int] | None
    read_graph: Callable[[tuple[float, float]], Graph] | None = None


def load_entry(entry: CatalogueEntry, chunk: int) -> TensorFlowModel:
    """Load the model of a catalogue entry and prove one image's scores and gradient.

    Raises
    ------
    ModelUnavailable
        Where its files are not here and could not be fetched.
    ModelError
        Where it cannot be used.
    """
    opened = _OPENERS[entry.kind](entry)
    size = entry.input_size or opened.input_size or DEFAULT_SIZE
    forward = None if opened.forward is None else _scaled(opened.forward, entry.input_range)
    count, outputs = (CLASSES, entry.outputs) if forward is None else _probe(entry, forward, size)
    spec = ModelSpec(
        key=entry.key,
        title=entry.title,
        source=entry.source,
        licence=entry.licence,
        input_size=size,
        labels=_labels(entry, count),
        outputs=outputs if entry.outputs == "auto" else entry.outputs,  # type: ignore[arg-type]
        capability="layers" if opened.read_graph else "gradients",
        sha256=opened.sha256,
    )
    read = partial(opened.read_graph, entry.input_range) if opened.read_graph else None
    return TensorFlowModel(spec, forward, opened.network, chunk, read)


def _open_embedded(_: CatalogueEntry) -> _Opened:
    # Nothing else gets past the reading of the weights.
    return _Opened(None, None, SHA256, None, lambda _: build_efficientnet_lite0())


def _open_hub(entry: CatalogueEntry) -> _Opened:
    fetch(entry)
    return _open_folder(hub_folder(entry.handle))


def _open_saved_model(entry: CatalogueEntry) -> _Opened:
    folder = entry.path(entry.handle)
    if not (folder / "saved_model.pb").is_file():
        raise ModelUnavailable(f"{folder} is not a SavedModel folder: it holds no saved_model.pb; check the path")
    return _open_folder(folder)


def _open_folder(folder: Path) -> _Opened:
    loaded, forward = open_saved_model(folder)
    return _Opened(forward, loaded, folder_digest(folder), stated_input_size(loaded))


def _open_application(entry: CatalogueEntry) -> _Opened:
    make = getattr(tf.keras.applications, entry.handle, None)
    if make is None:
        raise ModelError(f"tf.keras.applications has no {entry.handle!r}; check the catalogue entry {entry.key!r}")
    fetch(entry)
    try:
        network = make(weights="imagenet")
        # Of several files in Keras's cache only Keras knows which one it read.
        return _opened_keras(network, weights_digest(network))
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise ModelError(
            f"the weights of {entry.title} cannot be read ({reason}); delete them from Keras's cache and fetch again"
        ) from error


def _open_keras_file(entry: CatalogueEntry) -> _Opened:
    path = entry.path(entry.handle)
    if not path.is_file():
        raise ModelUnavailable(f"there is no file {path}; check the catalogue entry {entry.key!r}")
    try:
        return _opened_keras(tf.keras.models.load_model(path, compile=False, safe_mode=True), file_digest(path))
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise ModelError(f"{path} cannot be loaded as a .keras file in safe mode ({reason})") from error


def _opened_keras(network: Any, sha256: str) -> _Opened:
    shape = network.input_shape
    size = (shape[1], shape[2]) if isinstance(shape, tuple) and len(shape) == 4 and shape[1] and shape[2] else None
    return _Opened(lambda images: network(images, training=False), network, sha256, size, partial(read_keras, network))


_OPENERS: dict[str, Callable[[CatalogueEntry], _Opened]] = {
    "embedded": _open_embedded,
    "tf-hub": _open_hub,
    "saved-model": _open_saved_model,
    "keras-application": _open_application,
    "keras-file": _open_keras_file,
}


def _scaled(forward: Callable[[Any], Any], input_range: tuple[float, float]) -> Callable[[Any], Any]:
    low, high = input_range
    if (low, high) == (0, 1):
        return forward
    return lambda images: forward(images * (high - low) + low)


def _probe(entry: CatalogueEntry, forward: Callable[[Any], Any], size: tuple[int, int]) -> tuple[int, str]:
    """Run two images to learn the number of classes and whether the outputs are probabilities."""
    images = np.random.default_rng(1).random((2, *size, 3), dtype=np.float32)
    images[1] = 0.5
    try:
        rows = np.asarray(forward(tf.constant(images)))
    except ModelError:
        raise
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise ModelError(
            f"model {entry.key} failed on a test image of {size[0]} × {size[1]}: {reason}; "
            "state its input_size in a catalogue"
        ) from error
    if rows.ndim != 2 or len(rows) != 2 or rows.shape[1] < 1:
        raise ModelError(f"model {entry.key} returned shape {rows.shape} for two images; expected (2, classes)")
    probabilities = (rows >= 0).all() and (rows <= 1 + 1e-5).all() and np.allclose(rows.sum(axis=1), 1, atol=1e-3)
    return rows.shape[1], "probabilities" if probabilities else "logits"


def _labels(entry: CatalogueEntry, count: int) -> tuple[str, ...]:
    if entry.labels == "auto":
        return labels_for(count)
    if entry.labels == "imagenet-1000":
        labels = imagenet_labels()
    elif entry.labels == "imagenet-1001":
        labels = ("background", *imagenet_labels())
    else:
        labels = read_labels(entry.path(entry.labels))
    if len(labels) != count:
        raise ModelError(f"model {entry.key} has {count} classes and its labels name {len(labels)}; mend the catalogue")
    return labels
