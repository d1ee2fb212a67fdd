"""One person's side of the queue: what is followed, what failed, and what ends with them."""

from __future__ import annotations

import itertools
import time
import weakref
from collections.abc import Callable, MutableSet
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from igcore.runtime.jobs import Job
from igcore.runtime.question import Question

if TYPE_CHECKING:
    from igcore.runtime.service import Runtime

__all__ = ["Client"]

Answer = TypeVar("Answer")

_numbers = itertools.count(1)


class Client:
    """Asks questions on behalf of one person, of one page at a time.

    Made by `Runtime.client`. Its jobs end with it.

    Attributes
    ----------
    followed : dict of str to Job
        What the page asks now, by the questions' keys.
    """

    def __init__(self, runtime: Runtime, connected: Callable[[], bool]) -> None:
        self.runtime = runtime
        self.connected = connected
        self.number = next(_numbers)
        self.followed: dict[str, Job[Any]] = {}
        self._failed: dict[str, Job[Any]] = {}
        self._jobs: MutableSet[Job[Any]] = weakref.WeakSet()
        self._last_seen = time.monotonic()
        self._lost: set[Job[Any]] = set()
        weakref.finalize(self, _forget, self._jobs, runtime.forgotten)

    def ask(self, question: Question[Answer]) -> Job[Answer]:
        """Have a question answered; what failed before fails again without being computed, until `forget_failures`."""
        before = self._failed.get(question.key)
        if before is not None:
            return before
        job = self.runtime.ask(self.number, question)
        self._jobs.add(job)
        return job

    def keep_failure(self, job: Job[Any]) -> None:
        """Remember that a job failed, so that a page's every rerun does not try it again."""
        if job.error and not job.stopped:
            self._failed[job.question.key] = job

    def known(self, question: Question[Answer]) -> Answer | None:
        """Return the answer where it is still kept; compute nothing."""
        return self.runtime.known(question)

    def follow(self, *questions: Question[Any]) -> list[Job[Any]]:
        """Return the jobs for what is asked now; those no longer wanted stop at their next chunk.

        What was given up because its client was away is asked anew.
        """
        wanted = {question.key: question for question in questions}
        for key, question in wanted.items():
            job = self.followed.get(key)
            if job is None or job in self._lost:
                # Before the older ones are withdrawn, so that who changes his mind keeps his turn.
                self.followed[key] = self.ask(question)
        for key in [key for key in self.followed if key not in wanted]:
            self.followed.pop(key).cancel()
        self._lost &= set(self.followed.values())
        return [self.followed[question.key] for question in questions]

    def forget_failures(self) -> None:
        """Forget what stopped or failed, so that it is asked anew."""
        self._failed.clear()
        for key in [key for key, job in self.followed.items() if job.error]:
            del self.followed[key]

    def give_up(self) -> None:
        """Stop all that is under way."""
        for job in list(self._jobs):
            if not job.done:
                job.cancel()
                self._lost.add(job)

    def look(self, away: float) -> None:
        """Give up where nobody has been there for so many seconds."""
        now = time.monotonic()
        if self.connected():
            self._last_seen = now
        elif now - self._last_seen > away:
            self.give_up()


def _forget(jobs: MutableSet[Job[Any]], forgotten: SimpleQueue[list[Job[Any]]]) -> None:
    forgotten.put(list(jobs))
