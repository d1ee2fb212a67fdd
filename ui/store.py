"""Caches shared by all sessions, and the one function through which pages reach the engine.

A page asks a question and gets a job; the job runs off the script's thread, so that the page stays usable, and
makes no Streamlit call. A shared queue can take this module's place without a change to any page.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar, get_args

from cachetools import LRUCache

import igcore
from igcore.errors import Cancelled, IGError
from igcore.models import Model
from igcore.results import Progress

__all__ = ["Job", "Lane", "Question", "ask", "forget", "known", "model"]

#: What finished answers may take of memory, over all sessions.
ANSWER_BYTES = 400_000_000

Lane = Literal["long", "study", "short", "load"]

Answer = TypeVar("Answer")
Answer_co = TypeVar("Answer_co", covariant=True)

log = logging.getLogger("igcore.ui")


class Question(Protocol[Answer_co]):
    """Something to compute: named by all that its answer depends on."""

    @property
    def key(self) -> str:
        """A digest of the decoded pixels, the model and all settings."""
        ...

    @property
    def lane(self) -> Lane:
        """Which queue it waits in."""
        ...

    def answer(self, on_progress: Callable[[Progress], None], should_stop: Callable[[], bool]) -> Answer_co:
        """Compute it."""
        ...

    def size(self, answer: Any) -> int:
        """Return the bytes that an answer takes."""
        ...


@dataclass(eq=False)
class Job(Generic[Answer]):
    """A question under way, or done."""

    question: Question[Answer]
    progress: Progress | None = None
    first_told: tuple[float, int] | None = None
    future: Future[Answer] = field(default_factory=Future)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.future.done()

    @property
    def stopped(self) -> bool:
        """Whether somebody asked it to stop."""
        return self.stop.is_set()

    @property
    def value(self) -> Answer | None:
        """The answer, or None where it is not there or failed."""
        return self.future.result() if self.done and not self.error else None

    @property
    def error(self) -> str | None:
        """One line of what went wrong; None while running, and after success."""
        if not self.done:
            return None
        failure = self.future.exception()
        if failure is None:
            return None
        if isinstance(failure, IGError):
            return str(failure)
        return "This could not be computed because of a fault in the program; the log has the details. Try again."

    @property
    def seconds_left(self) -> float | None:
        """Remaining time by the pace since the first chunk; None before there is one."""
        if self.progress is None or self.first_told is None:
            return None
        then, had = self.first_told
        gained = self.progress.done - had
        if gained <= 0:
            return None
        return (time.monotonic() - then) / gained * (self.progress.total - self.progress.done)

    def cancel(self) -> None:
        """Ask it to stop at the next chunk."""
        self.stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end, but not longer than this; return whether it ended."""
        try:
            self.future.exception(timeout=seconds)
        except NotYet:
            return False
        return True

    def told(self, progress: Progress) -> None:
        """Take a progress report."""
        if self.first_told is None:
            self.first_told = (time.monotonic(), progress.done)
        self.progress = progress

    def run(self) -> None:
        """Compute the answer; called once, by a worker."""
        try:
            if self.stopped:
                raise Cancelled("stopped before it began")
            answer = self.question.answer(self.told, self.stop.is_set)
        except BaseException as failure:
            if not isinstance(failure, IGError):
                log.exception("a computation failed")
            self.future.set_exception(failure)
            return
        _keep(self.question, answer)
        self.future.set_result(answer)


#: One lane for explanations, one for studies that take a minute of them, one for what a slider waits for, and one for
#: what may take minutes to arrive.
_LANES = {lane: ThreadPoolExecutor(1, thread_name_prefix=lane) for lane in get_args(Lane)}

_lock = threading.Lock()
_answers: LRUCache[str, tuple[Any, int]] = LRUCache(ANSWER_BYTES, getsizeof=lambda entry: entry[1])


def _keep(question: Question[Any], answer: Any) -> None:
    size = question.size(answer)
    with _lock:
        if size <= _answers.maxsize:
            _answers[question.key] = (answer, size)


def ask(question: Question[Answer]) -> Job[Answer]:
    """Have a question answered: at once where the answer is known, else by a worker."""
    job: Job[Answer] = Job(question)
    answer = known(question)
    if answer is not None:
        job.future.set_result(answer)
    else:
        _LANES[question.lane].submit(job.run)
    return job


def known(question: Question[Answer]) -> Answer | None:
    """Return the answer where it was found before and is still kept; compute nothing."""
    with _lock:
        entry = _answers.get(question.key)
    return entry[0] if entry is not None else None


_loading = threading.Lock()
_models: dict[str, Model | IGError] = {}


def model(key: str) -> Model:
    """Return a model of the catalogue, loaded once for all sessions.

    Only keys of the catalogue are taken: a model is code, so a browser must not name a path or an address.
    """
    if key not in _models:
        _load(key)
    known = _models[key]
    if isinstance(known, IGError):
        raise known
    return known


def _load(key: str) -> None:
    with _loading:
        if key not in _models:
            try:
                loaded = igcore.load_model(igcore.catalogue()[key].key)
                _keep_compiled()
                _models[key] = loaded
            except IGError as error:
                # Remembered, so that a page's every rerun does not try again; `forget` clears it.
                _models[key] = error


def _keep_compiled() -> None:
    """Keep compiled functions and loaded modules out of Streamlit's cleaning after each run of a page.

    Streamlit then calls Keras's clear_session, which empties TensorFlow's kernel cache, so that every compiled
    function is built anew, in the middle of a running explanation: measured, four to eight times the time. It also
    collects garbage, which walks over all that TensorFlow has loaded. Loading leaves no garbage to collect before.
    """
    keras = sys.modules.get("keras")
    if keras is not None:
        setattr(keras.backend, "clear_session", lambda *_, **__: None)  # noqa: B010
    gc.freeze()


def forget(key: str) -> None:
    """Try a model that could not be loaded again on its next use."""
    if isinstance(_models.get(key), IGError):
        _models.pop(key, None)
