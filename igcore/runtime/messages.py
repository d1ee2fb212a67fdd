"""What a runtime and a worker elsewhere tell each other about one computation, and how long silence may last."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from igcore.errors import IGError
from igcore.results import Progress
from igcore.runtime.back_end import Fault, Stalled, WorkerLost
from igcore.runtime.question import OnProgress, Question, ShouldStop
from igcore.runtime.worker import Worker

__all__ = ["LOOK_SECONDS", "Failed", "Mailbox", "Silence", "answered_by", "outcome"]

#: How often a waiting runtime looks whether to stop.
LOOK_SECONDS = 0.05

#: How often a worker tells its progress; what it knows so far may take megabytes.
TELL_SECONDS = 0.2


@dataclass(frozen=True)
class Failed:
    """Why there is no answer: an error raised on purpose, or None for one that the log explains."""

    error: IGError | None


def answered_by(worker: Worker, question: Question[Any], told: OnProgress, should_stop: ShouldStop) -> Any:
    """Answer a question on the worker's side; return the answer or `Failed`."""
    try:
        return worker.answer(question, _seldom(told), should_stop)
    except IGError as error:
        return Failed(error)
    except Exception:
        logging.getLogger("igcore.runtime").exception("a computation failed")
        return Failed(None)


def outcome(result: Any) -> Any:
    """Return an answer on the runtime's side, or raise what `Failed` holds."""
    if isinstance(result, Failed):
        raise result.error or Fault("the worker's log has the details")
    return result


def _seldom(told: OnProgress) -> OnProgress:
    """Tell the first progress, and from then on no more than a few a second."""
    last = float("-inf")

    def now_and_then(progress: Progress) -> None:
        nonlocal last
        if time.monotonic() - last >= TELL_SECONDS:
            told(progress)
            last = time.monotonic()

    return now_and_then


class Silence:
    """Ends a worker that has told nothing for too long.

    Parameters
    ----------
    seconds : float
    end : callable
        Ends the worker.
    """

    def __init__(self, seconds: float, end: Callable[[], None]) -> None:
        self.seconds, self._end = seconds, end
        self.heard()

    def heard(self) -> None:
        """Begin to count anew."""
        self._since = time.monotonic()

    def check(self) -> None:
        """Raise `Stalled`, after ending the worker, where it was silent for too long."""
        if time.monotonic() - self._since > self.seconds:
            self._end()
            raise Stalled(
                f"nothing came of this for {self.seconds:.0f} s, so it was ended and its worker started anew; try "
                "again, or choose a smaller model"
            )


class Mailbox:
    """What came from a worker for one computation, in order."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()

    def put(self, kind: str, content: Any = None) -> None:
        """Add what came: "told" with a progress, "answer" with what `answered_by` returned, or "lost"."""
        self._items.put((kind, content))

    def wait(self, told: OnProgress, should_stop: ShouldStop, stop: Callable[[], None], silence: Silence) -> Any:
        """Return the answer when it comes; pass progress on, and the wish to stop back.

        Raises
        ------
        WorkerLost, Stalled, Fault, IGError
        """
        stopping = False
        while True:
            if should_stop() and not stopping:
                stop()
                stopping = True
            try:
                kind, content = self._items.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                silence.check()
                continue
            silence.heard()
            if kind == "told":
                told(content)
            elif kind == "lost":
                raise WorkerLost
            else:
                return outcome(content)
