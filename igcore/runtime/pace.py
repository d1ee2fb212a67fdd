"""How long computations take, learned from those that ended: what is told to those who wait."""

from __future__ import annotations

import time
from typing import Any

from igcore.runtime.jobs import Computation

__all__ = ["Pace"]

#: How much the newest computation counts.
NEWEST = 0.3


class Pace:
    """Seconds for each unit of effort, by kind of question; see `Question.effort`. Not safe for threads by itself."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def learn(self, computation: Computation[Any]) -> None:
        """Take note of a computation that has just ended well."""
        kind, effort = computation.question.effort
        newest = (time.monotonic() - (computation.began or 0.0)) / effort
        before = self._seconds.get(kind, newest)
        self._seconds[kind] = before + NEWEST * (newest - before)

    def remaining(self, computation: Computation[Any]) -> float | None:
        """Return the seconds for which it still runs, or would from its beginning where it waits.

        By its own progress where there is some; None where none of its kind has ended yet.
        """
        left = computation.seconds_left
        if left is not None:
            return left
        kind, effort = computation.question.effort
        if kind not in self._seconds:
            return None
        ran = time.monotonic() - computation.began if computation.began is not None else 0.0
        return max(self._seconds[kind] * effort - ran, 0.0)
