"""Questions whose course a test can watch and steer through files, wherever they are answered."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from igcore.errors import Cancelled, InputError
from igcore.models import DEFAULT_MODEL
from igcore.results import Progress
from igcore.runtime.question import Question, name_of


class _Seen(Question[Any]):
    """Writes what happens to it, a line each, to the file `log` in a folder."""

    folder: str
    name: str

    @property
    def key(self) -> str:
        return name_of(type(self).__name__, self.folder, self.name)

    def size(self, answer):
        return 1000

    def note(self, what: str) -> None:
        with (Path(self.folder) / "log").open("a") as file:
            file.write(f"{self.name} {what}\n")


@dataclass(frozen=True)
class Steps(_Seen):
    """Takes so many chunks; with `gate`, the first waits for a file of that name."""

    folder: str
    name: str
    chunks: int = 3
    seconds: float = 0.02
    gate: str = ""
    lane: ClassVar[Any] = "long"

    def answer(self, models, on_progress, should_stop):
        self.note("begins")
        for chunk in range(self.chunks):
            if should_stop():
                self.note(f"stops after {chunk}")
                raise Cancelled(f"stopped after {chunk} chunks")
            deadline = time.monotonic() + 60
            while self.gate and not (Path(self.folder) / self.gate).exists() and not should_stop():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(self.seconds)
            on_progress(Progress(chunk + 1, self.chunks))
        self.note("ends")
        return self.name


@dataclass(frozen=True)
class Quick(Steps):
    """The same in the lane of what a slider waits for."""

    lane: ClassVar[Any] = "short"


@dataclass(frozen=True)
class Paced(Steps):
    """The same, taking longer the more chunks there are."""

    @property
    def effort(self):
        return f"chunks of {self.folder}", float(self.chunks)


@dataclass(frozen=True)
class Deadly(_Seen):
    """Ends the process that it runs in, so many times."""

    folder: str
    name: str
    times: int = 1000
    lane: ClassVar[Any] = "long"

    def answer(self, models, on_progress, should_stop):
        self.note("begins")
        if (Path(self.folder) / "log").read_text().count(f"{self.name} begins") <= self.times:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.name


@dataclass(frozen=True)
class Silent(_Seen):
    """Tells nothing and does not listen."""

    folder: str
    name: str
    seconds: float

    def answer(self, models, on_progress, should_stop):
        time.sleep(self.seconds)
        return self.name


@dataclass(frozen=True)
class Failing(_Seen):
    """Fails on purpose or by a fault."""

    folder: str
    name: str
    fault: bool = False

    def answer(self, models, on_progress, should_stop):
        self.note("begins")
        if self.fault:
            return [][1]
        raise InputError("this cannot be; choose something else")


@dataclass(frozen=True)
class Hungry(_Seen):
    """Has memory enough for chunks of at most `enough` images, and answers with the size of the chunk."""

    folder: str
    name: str
    enough: int

    def answer(self, models, on_progress, should_stop):
        chunk = models(DEFAULT_MODEL).chunk
        self.note(f"tries {chunk}")
        if chunk > self.enough:
            raise MemoryError
        return chunk


@dataclass(frozen=True)
class Map(_Seen):
    """Answers with an array."""

    folder: str
    name: str

    def answer(self, models, on_progress, should_stop):
        return np.zeros((4, 4, 3), np.float32)


@dataclass(frozen=True)
class Cores(_Seen):
    """Tells what its worker computes on."""

    folder: str
    name: str

    def answer(self, models, on_progress, should_stop):
        import tensorflow as tf

        from igcore.in_flight import IN_FLIGHT

        models(DEFAULT_MODEL)
        return IN_FLIGHT, tf.config.threading.get_intra_op_parallelism_threads()


def happened(folder: Path) -> list[str]:
    """What the questions of a folder noted, in order."""
    log = folder / "log"
    return log.read_text().splitlines() if log.exists() else []


def until(condition, seconds: float = 60) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
