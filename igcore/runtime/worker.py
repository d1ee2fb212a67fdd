"""What answers questions: models, each loaded once, and a way on when memory runs short."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, TypeVar

from igcore.errors import ModelError
from igcore.models import catalogue, load_model
from igcore.runtime.question import OnProgress, Question, ShouldStop

if TYPE_CHECKING:
    from igcore.models.network import TensorFlowModel

__all__ = ["Worker"]

Answer = TypeVar("Answer")

log = logging.getLogger("igcore.runtime")


class Worker:
    """Holds models, and answers questions with them, on any number of threads.

    Parameters
    ----------
    while_loading : callable
        Makes a context in which models are loaded.
    """

    def __init__(self, while_loading: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        self._while_loading = while_loading
        self._models: dict[str, TensorFlowModel] = {}
        self._loading = threading.Lock()

    def model(self, key: str) -> TensorFlowModel:
        """Return a model, loaded once.

        Only keys of the catalogue are taken: a model is code, so a browser must not name a path or an address.

        Raises
        ------
        UnknownKeyError, ModelError
        """
        with self._loading:
            if key not in self._models:
                with self._while_loading():
                    self._models[key] = load_model(catalogue()[key].key)
                _keep_compiled()
            return self._models[key]

    def answer(self, question: Question[Answer], on_progress: OnProgress, should_stop: ShouldStop) -> Answer:
        """Answer a question; where memory runs short, once more from its start with chunks of half the size.

        Raises
        ------
        ModelError
            Where memory does not suffice for a single image either.
        """
        chunk: int | None = None

        def model(key: str) -> TensorFlowModel:
            nonlocal chunk
            whole = self.model(key)
            chunk = whole.chunk if chunk is None else chunk
            return whole.with_chunk(min(chunk, whole.chunk))

        while True:
            try:
                return question.answer(model, on_progress, should_stop)
            except Exception as error:
                if not _out_of_memory(error):
                    raise
                if chunk is None or chunk <= 1:
                    raise ModelError(
                        "memory does not suffice for a single image here; choose a smaller model, or try again when "
                        "less runs"
                    ) from error
                chunk //= 2
                log.warning("memory runs short; going on with chunks of %d", chunk)
            gc.collect()


def _out_of_memory(error: BaseException) -> bool:
    # By its name: whoever asks about a model need not have TensorFlow loaded.
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def _keep_compiled() -> None:
    """Keep compiled functions and loaded modules out of Streamlit's cleaning, where it runs in the same process.

    After each run of a page Streamlit calls Keras's clear_session, which empties TensorFlow's kernel cache, so that
    every compiled function is built anew, in the middle of a running explanation: measured, four to eight times the
    time. It also collects garbage, which walks over all that TensorFlow has loaded. Loading leaves none to collect.
    """
    keras = sys.modules.get("keras")
    if keras is not None:
        setattr(keras.backend, "clear_session", lambda *_, **__: None)  # noqa: B010
    gc.freeze()
