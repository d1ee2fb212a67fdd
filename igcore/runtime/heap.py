"""The C library's heap in a process that answers questions by others: arrays come and go, and are to leave nothing."""

from __future__ import annotations

import ctypes
import sys

__all__ = ["give_back_arrays"]

#: glibc's name for the size from which it asks the system for memory of its own, and its first value of it, in bytes.
M_MMAP_THRESHOLD, FIRST_THRESHOLD = -3, 128 * 1024


def give_back_arrays() -> None:
    """Have every array's memory go back to the system when the array does.

    glibc raises the size from which it does so to that of the largest array it has seen go. From then on maps of half
    a megabyte lie among small objects that stay, and the heap of a server with many threads grows: thirty sessions
    took 2,370 MB instead of 2,100 (bench.load). Once the size is set it stays. Not for a process that computes: fresh
    memory for every operation would slow it.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_MMAP_THRESHOLD, FIRST_THRESHOLD)
