"""Calls of a model that overlap: one for each core is under way, and their results come in order.

TensorFlow releases Python's lock while it computes. One call alone leaves cores idle between its operations and in
the small ones, which the next call fills.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["IN_FLIGHT", "MOST_IN_FLIGHT", "cores", "evenly", "in_order"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Count the cores that this process may use: those it has, or as many of them as IGCORE_CORES says."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("IGCORE_CORES", "")
    return min(max(int(wanted), 1), there) if wanted.isdecimal() else there


#: Calls under way at once: more than the cores gain nothing, and each takes a chunk's memory.
MOST_IN_FLIGHT = 8
IN_FLIGHT = min(cores(), MOST_IN_FLIGHT)

_workers = ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="in-flight")


def in_order(work: Callable[[Item], Result], items: Iterable[Item], most: int = IN_FLIGHT) -> Iterator[Result]:
    """Call `work` on each item, some at once, and yield the results in the order of the items.

    Parameters
    ----------
    work : callable
        Run on another thread. It must not call this function itself.
    items : iterable
        Read on the calling thread, `most` items ahead at the furthest.
    most : int
        Calls under way at once; with 1 they run on the calling thread.

    Yields
    ------
    results of `work`

    Raises
    ------
    Exception
        What `work` raised. Then, and where the reader stops reading, no further call begins.
    """
    if most == 1:
        yield from map(work, items)
        return
    left = iter(items)
    waiting = deque(_workers.submit(work, item) for item in islice(left, most))
    try:
        while waiting:
            result = waiting.popleft().result()
            # Before the reader gets the result, so that no core waits for the reader.
            waiting.extend(_workers.submit(work, item) for item in islice(left, 1))
            yield result
    finally:
        for future in waiting:
            future.cancel()


def evenly(values: NDArray[np.float64], most: int) -> list[NDArray[np.float64]]:
    """Cut values into parts alike in size: at most `most` each, and one for each call in flight.

    None is of a single value where there are more: TensorFlow convolves a single image by another algorithm, which is
    slower and rounds differently.
    """
    parts = max(-(-values.size // most), min(IN_FLIGHT, values.size // 2), 1)
    return np.array_split(values, parts)
