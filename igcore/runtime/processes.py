"""Questions answered in worker processes, which may fail, stall or be killed without taking the server along."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from igcore.errors import ModelError
from igcore.runtime.back_end import on_each_lane
from igcore.runtime.messages import Mailbox, Silence
from igcore.runtime.question import OnProgress, Question, ShouldStop

__all__ = ["Processes"]


class Processes:
    """Worker processes on this machine; one that ends is started anew when it is needed.

    Parameters
    ----------
    workers : int
    cores : int
        That each worker computes on.
    stalled_seconds : float
        Of silence, after which a worker is ended. Loading a model, which may fetch it, is not counted.
    """

    def __init__(self, workers: int, cores: int, stalled_seconds: float) -> None:
        self.slots = on_each_lane(workers)
        self.stalled_seconds = stalled_seconds
        self._workers = [_Process(cores) for _ in range(workers)]
        self._cores = cores
        self._alone: set[_Process] = set()

    def run(
        self, question: Question[Any], told: OnProgress, should_stop: ShouldStop, slot: int, alone: bool = False
    ) -> Any:
        """See `BackEnd`."""
        if not alone:
            return self._run(self._workers[slot], question, told, should_stop)
        worker = _Process(self._cores)
        self._alone.add(worker)
        try:
            return self._run(worker, question, told, should_stop)
        finally:
            worker.end()
            self._alone.discard(worker)

    def _run(self, worker: _Process, question: Question[Any], told: OnProgress, should_stop: ShouldStop) -> Any:
        number, mailbox = worker.ask(question)
        seconds = self.stalled_seconds if question.lane != "load" else float("inf")
        return mailbox.wait(told, should_stop, lambda: worker.stop(number), Silence(seconds, worker.end))

    @property
    def process_ids(self) -> list[int]:
        """Of the workers that run now."""
        return [worker.process.pid for worker in self._workers if worker.process is not None]

    def close(self) -> None:
        """See `BackEnd`."""
        for worker in (*self._workers, *self._alone):
            worker.end()


class _Process:
    """One worker process and what is under way in it."""

    def __init__(self, cores: int) -> None:
        self.cores = cores
        self.process: subprocess.Popen[bytes] | None = None
        self._connection: Connection[Any, Any] | None = None
        self._mailboxes: dict[int, Mailbox] = {}
        self._numbers = itertools.count()
        self._lock = threading.RLock()

    def ask(self, question: Question[Any]) -> tuple[int, Mailbox]:
        """Send a question, to a new process where none runs."""
        with self._lock:
            if self.process is None:
                self._start()
            number, mailbox = next(self._numbers), Mailbox()
            self._mailboxes[number] = mailbox
            self._send("ask", number, question)
        return number, mailbox

    def stop(self, number: int) -> None:
        """Tell a computation to stop at its next chunk."""
        with self._lock:
            if number in self._mailboxes:
                self._send("stop", number)

    def end(self) -> None:
        """End the process; what is under way in it is lost."""
        with self._lock:
            if self.process is not None:
                self.process.kill()
                self._lose()

    def _send(self, *message: Any) -> None:
        assert self._connection is not None
        try:
            self._connection.send(message)
        except OSError:
            self._lose()

    def _start(self) -> None:
        ours, theirs = Pipe()
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ, "IGCORE_CORES": str(self.cores)}
        root = str(Path(__file__).parents[2])
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH")]))
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "igcore.runtime.process_main", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,  # so that Ctrl-C reaches the server alone, which ends its workers
            )
        except OSError as error:
            raise ModelError(f"no worker could be started ({error.strerror}); close other programs") from error
        finally:
            theirs.close()
        self._connection = ours
        threading.Thread(
            target=self._read, args=(self.process, ours, self._mailboxes), name="worker-reader", daemon=True
        ).start()

    def _read(
        self, process: subprocess.Popen[bytes], connection: Connection[Any, Any], mailboxes: dict[int, Mailbox]
    ) -> None:
        try:
            while True:
                kind, number, content = connection.recv()
                with self._lock:
                    mailbox = mailboxes.pop(number, None) if kind == "answer" else mailboxes.get(number)
                if mailbox is not None:
                    mailbox.put(kind, content)
        except (EOFError, OSError):
            with self._lock:
                if self.process is process:
                    self._lose()
        finally:
            connection.close()
            process.wait()

    def _lose(self) -> None:
        self.process = self._connection = None
        lost, self._mailboxes = self._mailboxes, {}
        for mailbox in lost.values():
            mailbox.put("lost")
