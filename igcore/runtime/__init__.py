"""Jobs: one queue in front of the engine for all who use it, and the workers behind it.

`start_runtime` reads from the environment where questions are answered:

IGCORE_RUNTIME
    "processes" (default): worker processes on this machine. "threads": this process. "ray": a Ray cluster.
IGCORE_CORES
    Cores of this machine that are used; all of them without.
IGCORE_RAY_ADDRESS, IGCORE_RAY_CORES
    Of the cluster, "auto" for the one that this machine belongs to; a cluster of this machine alone without. Cores
    that each of its workers computes on: 2 without.
IGCORE_LIMITS
    A file that changes some of the numbers in limits.toml.
"""

from __future__ import annotations

import os

from igcore.errors import InputError
from igcore.in_flight import MOST_IN_FLIGHT, cores
from igcore.runtime.back_end import BackEnd, Threads
from igcore.runtime.client import Client
from igcore.runtime.heap import give_back_arrays
from igcore.runtime.jobs import Job
from igcore.runtime.limits import Limits, read_limits
from igcore.runtime.question import Question
from igcore.runtime.service import Runtime

__all__ = ["Client", "Job", "Limits", "Question", "Runtime", "read_limits", "start_back_end", "start_runtime"]


def start_runtime() -> Runtime:
    """Start the runtime that the environment asks for.

    Raises
    ------
    InputError
        Where a variable of the environment cannot be used.
    """
    limits = read_limits()
    return Runtime(start_back_end(limits), limits)


def start_back_end(limits: Limits) -> BackEnd:
    """Start the back end that the environment asks for."""
    kind = os.environ.get("IGCORE_RUNTIME") or "processes"
    if kind == "threads":
        return Threads()
    give_back_arrays()
    if kind == "processes":
        from igcore.runtime.processes import Processes

        # A worker has use for so many calls in flight; a larger machine gets more workers, which load a model each.
        workers = -(-cores() // MOST_IN_FLIGHT)
        return Processes(workers, cores() // workers, limits.explanation_stalled_seconds)
    if kind == "ray":
        from igcore.runtime.on_ray import RayActors

        address = os.environ.get("IGCORE_RAY_ADDRESS") or None
        return RayActors(address, _whole("IGCORE_RAY_CORES", 2), limits.explanation_stalled_seconds)
    raise InputError(f"IGCORE_RUNTIME is {kind!r}; expected processes, threads or ray")


def _whole(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{name} is {text!r}; expected a whole number of 1 or more")
    return int(text)
