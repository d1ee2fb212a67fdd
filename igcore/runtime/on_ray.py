"""Questions answered by Ray actors, on one machine or many: an optional extra (requirements-ray.txt)."""

from __future__ import annotations

import itertools
import logging
import threading
from pathlib import Path
from typing import Any

import igcore
from igcore.errors import InputError
from igcore.noise import quiet
from igcore.results import Progress
from igcore.runtime.back_end import WorkerLost, on_each_lane
from igcore.runtime.messages import LOOK_SECONDS, Silence, answered_by, outcome
from igcore.runtime.question import LANES, OnProgress, Question, ShouldStop
from igcore.runtime.worker import Worker

__all__ = ["RayActors"]

#: Calls that an actor takes at once: a question of each lane, and what is told about them meanwhile.
AT_ONCE = 4 * len(LANES)


class _Actor:
    """A worker in an actor's process."""

    def __init__(self) -> None:
        self._worker = Worker(quiet)
        self._told: dict[int, Progress] = {}
        self._stops: dict[int, threading.Event] = {}

    def ready(self) -> None:
        """Answer at once."""

    def answer(self, number: int, question: Question[Any]) -> Any:
        """Answer a question; see `answered_by`."""
        stop = self._stops.setdefault(number, threading.Event())
        try:
            return answered_by(
                self._worker, question, lambda progress: self._told.update({number: progress}), stop.is_set
            )
        finally:
            self._told.pop(number, None)
            self._stops.pop(number, None)

    def told(self, number: int) -> Progress | None:
        """Return the newest progress once."""
        return self._told.pop(number, None)

    def stop(self, number: int) -> None:
        """Stop a question at its next chunk."""
        stop = self._stops.get(number)
        if stop is not None:
            stop.set()


class RayActors:
    """Actors that hold models, one for every so many cores of a cluster.

    Parameters
    ----------
    address : str or None
        Of a cluster; None starts one on this machine.
    cores : int
        That each actor computes on; TensorFlow's threads are set so before its first operation.
    stalled_seconds : float
        See `Processes`.

    Raises
    ------
    InputError
        Where Ray is not installed, does not answer, or has fewer cores.
    """

    def __init__(self, address: str | None, cores: int, stalled_seconds: float, workers: int | None = None) -> None:
        try:
            import ray
        except ImportError:
            raise InputError("Ray is not installed; run pip install -r requirements-ray.txt") from None
        self._ray, self._cores, self._stalled_seconds = ray, cores, stalled_seconds
        self._own = not ray.is_initialized()
        if self._own:
            try:
                ray.init(
                    address=address,
                    include_dashboard=False,
                    log_to_driver=True,
                    logging_level=logging.WARNING,
                    # Other machines get this very engine, not one that happens to be installed there.
                    runtime_env={"py_modules": [str(Path(igcore.__file__).parent)]},
                )
            except Exception as error:
                reason = (str(error) or type(error).__name__).split("\n")[0]
                raise InputError(f"no Ray cluster at {address}: {reason}; check IGCORE_RAY_ADDRESS") from error
        there = int(ray.cluster_resources().get("CPU", 0))
        if there < cores:
            raise InputError(f"the Ray cluster has {there} cores, a worker takes {cores}; set IGCORE_RAY_CORES")
        self._actors = [self._start(cores) for _ in range(min(workers or there, there // cores))]
        self.slots = on_each_lane(len(self._actors))
        self._numbers = itertools.count()

    def _start(self, reserved: int, restarts: int = -1) -> Any:
        variables = {"IGCORE_CORES": str(self._cores), "TF_CPP_MIN_LOG_LEVEL": "3"}
        kind = self._ray.remote(_Actor).options(
            num_cpus=reserved, max_concurrency=AT_ONCE, max_restarts=restarts, runtime_env={"env_vars": variables}
        )
        return kind.remote()

    def run(
        self, question: Question[Any], told: OnProgress, should_stop: ShouldStop, slot: int, alone: bool = False
    ) -> Any:
        """See `BackEnd`."""
        if not alone:
            return self._run(self._actors[slot], question, told, should_stop)
        spare = self._start(0, restarts=0)
        try:
            return self._run(spare, question, told, should_stop)
        finally:
            self._ray.kill(spare)

    def _run(self, actor: Any, question: Question[Any], told: OnProgress, should_stop: ShouldStop) -> Any:
        number, stopping = next(self._numbers), False
        seconds = self._stalled_seconds if question.lane != "load" else float("inf")
        silence = Silence(seconds, lambda: self._ray.kill(actor, no_restart=False))
        try:
            asked = actor.answer.remote(number, question)
            news = actor.told.remote(number)
            while not self._ray.wait([asked], timeout=LOOK_SECONDS)[0]:
                if should_stop() and not stopping:
                    actor.stop.remote(number)
                    stopping = True
                if self._ray.wait([news], timeout=0)[0]:
                    progress = self._ray.get(news)
                    news = actor.told.remote(number)
                    if progress is not None:
                        silence.heard()
                        told(progress)
                silence.check()
            return outcome(self._ray.get(asked))
        except self._ray.exceptions.RayActorError as error:
            raise WorkerLost from error

    @property
    def process_ids(self) -> list[int]:
        """Of the actors, which may run on other machines."""
        return [self._ray.get(actor.__ray_call__.remote(_process_id)) for actor in self._actors]

    def close(self) -> None:
        """See `BackEnd`."""
        for actor in self._actors:
            self._ray.kill(actor)
        if self._own:
            self._ray.shutdown()


def _process_id(_actor: Any) -> int:
    import os

    return os.getpid()
