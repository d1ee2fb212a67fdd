"""A worker process: answers what comes over one connection, and ends when it closes."""

from __future__ import annotations

import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any

from igcore.models import import_without_keras
from igcore.noise import quiet
from igcore.results import Progress
from igcore.runtime.messages import answered_by
from igcore.runtime.question import Question
from igcore.runtime.worker import Worker

__all__ = ["main"]


class _Desk:
    """Takes messages, and has one thread for each question under way."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self.connection = connection
        self.worker = Worker(quiet)
        self.stops: dict[int, threading.Event] = {}
        self.threads = ThreadPoolExecutor(32, thread_name_prefix="question")
        self._sending = threading.Lock()

    def serve(self) -> None:
        """Take messages until the other side is gone."""
        while True:
            kind, number, *content = self.connection.recv()
            if kind == "ask":
                self.stops[number] = threading.Event()
                self.threads.submit(self._answer, number, content[0])
            elif number in self.stops:
                self.stops[number].set()

    def _answer(self, number: int, question: Question[Any]) -> None:
        def told(progress: Progress) -> None:
            self._send("told", number, progress)

        answer = answered_by(self.worker, question, told, self.stops[number].is_set)
        del self.stops[number]
        self._send("answer", number, answer)

    def _send(self, *message: Any) -> None:
        with self._sending:
            self.connection.send(message)


def main() -> None:
    """Serve the connection whose file descriptor is given."""
    logging.basicConfig(format="%(asctime)s worker %(process)d: %(message)s")
    with quiet():
        import_without_keras()
    desk = _Desk(Connection(int(sys.argv[1])))
    try:
        desk.serve()
    except (EOFError, OSError):
        os._exit(0)  # without waiting for what nobody is there to hear


if __name__ == "__main__":
    main()
