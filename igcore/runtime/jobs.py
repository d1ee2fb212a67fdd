"""A question under way: computed once, whoever asked for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from igcore.errors import IGError
from igcore.results import Progress
from igcore.runtime.question import Question

__all__ = ["Computation", "Job", "Overdue"]

Answer = TypeVar("Answer")


class Overdue(IGError):
    """A computation took longer than the server lets it."""


@dataclass(eq=False)
class Computation(Generic[Answer]):
    """One computation, for all jobs that want its answer.

    Attributes
    ----------
    question : Question
    jobs : set of Job
        Who wants it; without any it stops at its next chunk.
    seconds : float
        That it may run.
    """

    question: Question[Answer]
    seconds: float
    jobs: set[Job[Answer]] = field(default_factory=set)
    future: Future[Answer] = field(default_factory=Future)
    progress: Progress | None = None
    began: float | None = None
    alone: bool = False
    _first_told: tuple[float, int] | None = None

    @property
    def unwanted(self) -> bool:
        """Whether nobody wants its answer any more."""
        return not self.jobs

    @property
    def overdue(self) -> bool:
        """Whether it has run longer than it may."""
        return self.began is not None and time.monotonic() - self.began > self.seconds

    def begin(self) -> None:
        """Start the clock."""
        self.began = time.monotonic()

    def wait_again_alone(self) -> None:
        """Go back to before the beginning: its worker ended, and next time it shall have one by itself."""
        self.alone, self.began, self.progress, self._first_told = True, None, None, None

    def should_stop(self) -> bool:
        """Tell whoever computes it whether to go on."""
        return self.unwanted or self.overdue

    def told(self, progress: Progress) -> None:
        """Take a progress report."""
        if self._first_told is None:
            self._first_told = (time.monotonic(), progress.done)
        self.progress = progress

    @property
    def seconds_left(self) -> float | None:
        """Remaining time by the pace since the first chunk; None before there is one."""
        if self.progress is None or self._first_told is None:
            return None
        then, had = self._first_told
        gained = self.progress.done - had
        if gained <= 0:
            return None
        return (time.monotonic() - then) / gained * max(self.progress.total - self.progress.done, 0)

    def overrun(self) -> Overdue:
        """Return the line for a computation that is overdue."""
        return Overdue(
            f"this took longer than {self.seconds:.0f} s, which is the limit of this server; choose fewer steps or "
            "samples, or ask whoever runs it"
        )


@dataclass(eq=False)
class Job(Generic[Answer]):
    """What one client has of a computation.

    Attributes
    ----------
    question : Question
    computation : Computation
    ahead : callable
        Returns how many computations are taken before this one; None where it does not wait.
    seconds_to_go : callable
        Returns the seconds until it has ended, which the runtime estimates; None where it cannot.
    leave : callable
        Called once when the client wants the answer no more.
    """

    question: Question[Answer]
    computation: Computation[Answer]
    ahead: Callable[[], int | None] = lambda: None
    seconds_to_go: Callable[[], float | None] = lambda: None
    leave: Callable[[Any], None] = lambda _job: None
    stopped: bool = False
    _stopping: threading.Lock = field(default_factory=threading.Lock)

    @property
    def done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.stopped or self.computation.future.done()

    @property
    def value(self) -> Answer | None:
        """The answer, or None where it is not there or failed."""
        future = self.computation.future
        return future.result() if future.done() and not future.exception() and not self.stopped else None

    @property
    def error(self) -> str | None:
        """One line of what went wrong; None while running, and after success."""
        if self.stopped:
            return "stopped before it was finished"
        future = self.computation.future
        failure = future.exception() if future.done() else None
        if failure is None:
            return None
        if isinstance(failure, IGError):
            return str(failure)
        return "This could not be computed because of a fault in the program; the log has the details. Try again."

    @property
    def progress(self) -> Progress | None:
        """How far it is; None before the first report."""
        return self.computation.progress

    @property
    def place(self) -> int | None:
        """How many computations are taken before this one; None where it does not wait."""
        return None if self.done or self.computation.began is not None else self.ahead()

    @property
    def seconds_left(self) -> float | None:
        """Seconds until it has ended, those included for which it waits; None where unknown."""
        return None if self.done else self.seconds_to_go()

    def cancel(self) -> None:
        """Want it no more; what nobody else wants stops at its next chunk."""
        with self._stopping:
            if self.done:
                return
            self.stopped = True
        self.leave(self)

    def wait(self, seconds: float) -> bool:
        """Wait for its end, but not longer than this; return whether it ended."""
        if self.stopped:
            return True
        try:
            self.computation.future.exception(timeout=seconds)
        except NotYet:
            return self.stopped
        return True
