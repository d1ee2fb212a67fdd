"""The queue in front of the engine: fair between clients, one computation for equal questions, answers kept a while."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from cachetools import LRUCache

from igcore.errors import Cancelled, IGError
from igcore.runtime.back_end import BackEnd, Fault, WorkerLost
from igcore.runtime.client import Client
from igcore.runtime.fair_queue import FairQueue
from igcore.runtime.jobs import Computation, Job
from igcore.runtime.limits import Limits
from igcore.runtime.pace import Pace
from igcore.runtime.question import LANES, Lane, Question

__all__ = ["Busy", "Runtime"]

#: Seconds for which a client may be away, for instance while its page is loaded anew, before its jobs are given up.
AWAY = 5.0

#: How often, in seconds, clients are looked after.
WATCH = 1.0

Answer = TypeVar("Answer")

log = logging.getLogger("igcore.runtime")


class Busy(IGError):
    """Too much waits already."""


class Runtime:
    """Answers the questions of many clients.

    Parameters
    ----------
    back_end : BackEnd
    limits : Limits

    Notes
    -----
    One thread for each slot of each lane takes computations from the lane's queue, one at a time, so no more run at
    once than the back end has slots. A computation belongs to all who asked for it, and stops when none of them wants
    it any more.
    """

    def __init__(self, back_end: BackEnd, limits: Limits) -> None:
        self.back_end, self.limits = back_end, limits
        self._changed = threading.Condition()
        self._queues: dict[Lane, FairQueue[Computation[Any]]] = {lane: FairQueue() for lane in LANES}
        self._under_way: dict[str, Computation[Any]] = {}
        self._answers: LRUCache[str, tuple[Any, int]] = LRUCache(
            limits.cache_megabytes * 1e6, getsizeof=lambda entry: entry[1]
        )
        self._pace = Pace()
        self._clients: weakref.WeakSet[Client] = weakref.WeakSet()
        #: Jobs of clients that are no more. A finalizer may run anywhere, so it takes no lock and leaves them here.
        self.forgotten: SimpleQueue[list[Job[Any]]] = SimpleQueue()
        self._closing = threading.Event()
        self._counts: dict[Lane, list[int]] = {lane: [0, 0] for lane in LANES}
        for lane, slots in back_end.slots.items():
            for slot in range(slots):
                self._start(f"{lane}-{slot}", self._serve, lane, slot)
        self._start("watch", self._watch)

    def _start(self, name: str, work: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=work, args=arguments, name=f"runtime-{name}", daemon=True).start()

    def client(self, connected: Callable[[], bool] = lambda: True) -> Client:
        """Return a new client, whose jobs are given up when it is away for more than a few seconds.

        Parameters
        ----------
        connected : callable
            Whether somebody is there to see the answers.
        """
        client = Client(self, connected)
        with self._changed:
            self._clients.add(client)
        return client

    def ask(self, client: int, question: Question[Answer]) -> Job[Answer]:
        """Have a question answered: at once where the answer is known, together with others who ask the same, or anew.

        Parameters
        ----------
        client : int
            Who takes turns with the others.
        question : Question
        """
        with self._changed:
            count = self._counts[question.lane]
            count[0] += 1
            entry = self._answers.get(question.key)
            computation = self._under_way.get(question.key)
            if entry is None and computation is not None and not computation.unwanted:
                count[1] += 1
            else:
                computation = Computation(question, self.limits.explanation_seconds)
            job: Job[Answer] = Job(
                question,
                computation,
                lambda: self._place(computation),
                lambda: self._seconds_to_go(computation),
                lambda job: self._leave(client, job),
            )
            if entry is not None:
                count[1] += 1
                computation.future.set_result(entry[0])
                return job
            refused = None if computation.jobs else self._refusal(client, question)
            if refused is not None:
                computation.future.set_exception(refused)
                return job
            computation.jobs.add(job)
            if computation.began is None:
                self._under_way[question.key] = computation
                self._queues[question.lane].put(client, computation)
                self._changed.notify_all()
        return job

    def _refusal(self, client: int, question: Question[Any]) -> IGError | None:
        limits = self.limits
        if question.gradients > limits.explanation_gradients:
            return Busy(
                f"this takes {question.gradients:,} gradients, more than the {limits.explanation_gradients:,} that "
                "this server allows; choose fewer steps or samples"
            )
        own = sum(queue.waiting(client) for queue in self._queues.values())
        if own >= limits.queue_waiting_a_session:
            return Busy(f"{own} of your computations wait already; try again when some of them are finished")
        waiting = sum(map(len, self._queues.values()))
        if waiting >= limits.queue_waiting:
            return Busy(f"{waiting} computations wait on this server already; try again in a minute")
        return None

    def known(self, question: Question[Answer]) -> Answer | None:
        """Return the answer where it was found before and is still kept; compute nothing."""
        with self._changed:
            entry = self._answers.get(question.key)
        return entry[0] if entry is not None else None

    @property
    def under_way(self) -> int:
        """How many computations wait or run."""
        with self._changed:
            return len(self._under_way)

    @property
    def cached_bytes(self) -> int:
        """What the kept answers take."""
        with self._changed:
            return int(self._answers.currsize)

    def counts(self, lane: Lane) -> tuple[int, int]:
        """Return how often a question was asked in a lane, and how often another's or an earlier answer served."""
        with self._changed:
            asked, shared = self._counts[lane]
        return asked, shared

    def close(self) -> None:
        """Stop what runs, answer nothing more, and end all workers."""
        self._closing.set()
        for lane in LANES:
            log.info("lane %s: %d asked, %d from shared work", lane, *self.counts(lane))
        with self._changed:
            for computation in self._under_way.values():
                computation.jobs.clear()
            self._changed.notify_all()
        self.back_end.close()

    def _place(self, computation: Computation[Any]) -> int | None:
        with self._changed:
            ahead = self._queues[computation.question.lane].ahead(computation)
        return None if ahead is None else len(ahead)

    def _seconds_to_go(self, computation: Computation[Any]) -> float | None:
        """Return the seconds until it has ended, what runs or is taken before it included; None where unknown."""
        lane = computation.question.lane
        with self._changed:
            own = self._pace.remaining(computation)
            ahead = self._queues[lane].ahead(computation)
            if own is None or ahead is None:
                return own
            here = (one for one in self._under_way.values() if one.question.lane == lane and not one.unwanted)
            running = [one for one in here if one.began is not None]
            total = 0.0
            for one in (*running, *ahead):
                seconds = self._pace.remaining(one)
                if seconds is None:
                    return None
                total += seconds
        return own + total / self.back_end.slots[lane]

    def _leave(self, client: int, job: Job[Any]) -> None:
        computation = job.computation
        with self._changed:
            computation.jobs.discard(job)
            queue = self._queues[computation.question.lane]
            queue.withdraw(client, computation)
            if computation.unwanted and computation.began is None:
                queue.discard(computation)
                self._finish(computation)
                computation.future.set_exception(Cancelled("stopped before it began"))

    def _finish(self, computation: Computation[Any]) -> None:
        if self._under_way.get(computation.question.key) is computation:
            del self._under_way[computation.question.key]

    def _serve(self, lane: Lane, slot: int) -> None:
        while not self._closing.is_set():
            with self._changed:
                computation = self._queues[lane].take()
                if computation is None:
                    self._changed.wait()
                    continue
                computation.begin()
            self._run(computation, slot)

    def _run(self, computation: Computation[Any], slot: int) -> None:
        question, answer = computation.question, None
        failure: Exception | None = None
        try:
            answer = self.back_end.run(
                question, computation.told, computation.should_stop, slot, alone=computation.alone
            )
        except WorkerLost:
            if not computation.alone and not computation.unwanted and not self._closing.is_set():
                self._run_again_alone(computation)
                return
            failure = Fault("its worker ended while it computed")
        except Cancelled as error:
            failure = computation.overrun() if computation.overdue else error
        except (IGError, Fault) as error:
            failure = error
        except Exception as error:
            log.exception("the queue failed")
            failure = error
        with self._changed:
            self._finish(computation)
            if failure is None:
                self._keep(question, answer)
                self._pace.learn(computation)
        if failure is None:
            computation.future.set_result(answer)
        else:
            computation.future.set_exception(failure)
        # They know it, too: a ring would keep the answer until Python looks for rings.
        computation.jobs.clear()

    def _run_again_alone(self, computation: Computation[Any]) -> None:
        """Try once more what was under way when a worker ended, in one where it can take nobody else along."""
        log.warning("a worker ended; its computation begins again by itself")
        with self._changed:
            computation.wait_again_alone()
            self._queues[computation.question.lane].put_first(computation)
            self._changed.notify_all()

    def _keep(self, question: Question[Any], answer: Any) -> None:
        size = question.size(answer)
        if size <= self._answers.maxsize:
            self._answers[question.key] = (answer, size)

    def _watch(self) -> None:
        """Give up the jobs of clients that went away or are forgotten."""
        while not self._closing.is_set():
            with suppress(Empty):
                for job in self.forgotten.get(timeout=WATCH):
                    job.cancel()
            self._look_after_clients()

    def _look_after_clients(self) -> None:
        with self._changed:
            clients = list(self._clients)
        for client in clients:
            client.look(AWAY)
