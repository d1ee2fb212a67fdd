"""Where questions are answered: one interface, and the simplest way, on threads of this process."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from igcore.errors import IGError
from igcore.runtime.question import LANES, Lane, OnProgress, Question, ShouldStop
from igcore.runtime.worker import Worker

__all__ = ["BackEnd", "Fault", "Stalled", "Threads", "WorkerLost", "on_each_lane"]

Answer = TypeVar("Answer")


class WorkerLost(Exception):
    """A worker ended while it computed, whether this computation or another one in it was the cause."""


class Stalled(IGError):
    """A computation told nothing for too long, and its worker was ended."""


class Fault(Exception):
    """A worker met an error that nobody foresaw; it wrote it to the log."""


class BackEnd(Protocol):
    """Answers questions on one or more workers."""

    @property
    def slots(self) -> Mapping[Lane, int]:
        """How many computations run at once in each lane."""
        ...

    def run(
        self, question: Question[Any], told: OnProgress, should_stop: ShouldStop, slot: int, alone: bool = False
    ) -> Any:
        """Answer a question; called on a thread of its own for each slot of each lane.

        Parameters
        ----------
        question : Question
        told, should_stop : callable
        slot : int
            From 0 to `slots[question.lane]` − 1.
        alone : bool
            Whether to take a worker in which nothing else runs, since an earlier one ended with this question in it.

        Raises
        ------
        WorkerLost
            Where the worker ended.
        Stalled
            Where it told nothing for too long.
        Fault
            Where the worker failed in a way that nobody foresaw.
        IGError
            What the question raised on purpose.
        """
        ...

    def close(self) -> None:
        """End all workers."""
        ...


def on_each_lane(workers: int) -> dict[Lane, int]:
    """Give every lane one slot on each worker."""
    return dict.fromkeys(LANES, workers)


class Threads:
    """Answers on the calling threads: for tests, and where a server may be one process only.

    A computation that stalls, or that brings the process down, cannot be told apart here from the server itself.
    """

    def __init__(self) -> None:
        self.slots = on_each_lane(1)
        self.worker = Worker()

    def run(
        self, question: Question[Answer], told: OnProgress, should_stop: ShouldStop, slot: int, alone: bool = False
    ) -> Answer:
        """See `BackEnd`."""
        del slot, alone
        try:
            return self.worker.answer(question, told, should_stop)
        except IGError:
            raise
        except Exception as error:
            logging.getLogger("igcore.runtime").exception("a computation failed")
            raise Fault(str(error)) from error

    def close(self) -> None:
        """See `BackEnd`."""
