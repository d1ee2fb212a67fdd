"""Turns at drawing: of thirty pages that are to be drawn at once, a few are drawn at a time, one after the other.

All pages of a server share Python's lock. Thirty threads that draw at once take as long together as one after the
other, but each is finished last; they wait for each other's locks inside Streamlit, and the loop that talks to the
browsers gets its share of one in thirty-one.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["aside", "drawing"]

#: Pages drawn at a time: one holds Python's lock, another packs a picture without it.
AT_ONCE = 2

_turns = threading.BoundedSemaphore(AT_ONCE)
_mine = threading.local()


@contextmanager
def drawing() -> Iterator[None]:
    """Draw a page, or a part of one within it, when it is this thread's turn."""
    if getattr(_mine, "has_turn", False):
        yield
        return
    with _turns:
        _mine.has_turn = True
        try:
            yield
        finally:
            _mine.has_turn = False


@contextmanager
def aside() -> Iterator[None]:
    """Let others draw while this thread waits for something; it waits for its turn afterwards."""
    if not getattr(_mine, "has_turn", False):
        yield
        return
    _mine.has_turn = False
    _turns.release()
    try:
        yield
    finally:
        _turns.acquire()
        _mine.has_turn = True
