"""The runtime on every back end: turns, sharing, stopping, failing, and what a killed worker costs."""

from __future__ import annotations

import gc
import os
import platform
import signal
import subprocess
import sys
import time
import weakref
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import igcore
import igcore.runtime
from igcore.agreement import map_distance
from igcore.models import DEFAULT_MODEL
from igcore.runtime import Runtime, read_limits
from igcore.runtime.back_end import Threads
from igcore.runtime.processes import Processes
from igcore.runtime.questions import Explain, Explained
from tests import runtime_questions
from tests.runtime_questions import (
    Cores,
    Deadly,
    Failing,
    Hungry,
    Map,
    Paced,
    Quick,
    Silent,
    Steps,
    happened,
    until,
)

LIMITS = read_limits()


def back_end(kind: str, stalled_seconds: float = 60.0, workers: int = 1):
    if kind == "threads":
        return Threads()
    if kind == "processes":
        return Processes(workers, 2 // workers, stalled_seconds)
    ray = pytest.importorskip("ray")
    from igcore.runtime.on_ray import RayActors

    ray.cloudpickle.register_pickle_by_value(runtime_questions)
    return RayActors(None, 2 // workers, stalled_seconds, workers)


@contextmanager
def running(kind: str, limits=LIMITS, **options):
    runtime = Runtime(back_end(kind, **options), limits)
    try:
        yield runtime
    finally:
        runtime.close()


KINDS = ["threads", "processes", pytest.param("ray", marks=pytest.mark.slow)]
APART = KINDS[1:]  # back ends whose workers are processes


class One:
    """The runtime that runs now; one at a time, since each takes all cores, and two Ray workers would want them."""

    def __init__(self):
        self.kind, self.runtime = "", None

    def of(self, kind: str) -> Runtime:
        if kind != self.kind:
            self.close()
            self.kind, self.runtime = kind, Runtime(back_end(kind), LIMITS)
        return self.runtime

    def close(self) -> None:
        if self.runtime is not None:
            self.runtime.close()
        self.kind, self.runtime = "", None


@pytest.fixture(scope="module")
def one():
    one = One()
    yield one
    one.close()


# Of the module, so that all tests of one kind follow each other.
@pytest.fixture(scope="module", params=KINDS)
def any_kind(request):
    return request.param


@pytest.fixture(scope="module", params=APART)
def kind(request):
    return request.param


@pytest.fixture
def runtime(one, any_kind):
    yield from until_idle(one.of(any_kind))


@pytest.fixture
def apart(one, kind):
    yield from until_idle(one.of(kind))


def until_idle(runtime):
    """Give a test the runtime, and the next one a runtime in which nothing of it is left."""
    yield runtime
    until(lambda: not runtime.under_way)


@pytest.fixture
def folder(tmp_path):
    return str(tmp_path)


@pytest.fixture(autouse=True)
def clients():
    """Keep clients until the test ends: their jobs end with them."""
    kept.clear()
    yield
    kept.clear()


kept = []


def asked(runtime, question):
    kept.append(runtime.client())
    return kept[-1].ask(question)


def opened(path, gate="gate"):
    (path / gate).touch()


def test_a_question_is_answered(runtime, tmp_path, folder):
    job = asked(runtime, Steps(folder, "one", 3, 0.3))
    assert job.wait(60)
    assert (job.value, job.error, job.stopped, job.place) == ("one", None, False, None)
    assert (job.progress.done, job.progress.total) in {(n, 3) for n in (1, 2, 3)}
    assert happened(tmp_path) == ["one begins", "one ends"]


def test_who_asks_for_one_does_not_wait_for_who_asks_for_ten(runtime, tmp_path, folder):
    many, one = runtime.client(), runtime.client()
    several = [many.ask(Steps(folder, f"many {n}", 1, gate="gate")) for n in range(10)]
    until(lambda: happened(tmp_path))
    single = one.ask(Steps(folder, "single", 1))
    assert [job.place for job in several] == [None, 0, *range(2, 10)]
    assert single.place == 1
    opened(tmp_path)
    assert all(job.wait(60) for job in (*several, single))
    begun = [line.removesuffix(" begins") for line in happened(tmp_path) if line.endswith("begins")]
    assert begun == ["many 0", "many 1", "single", *(f"many {n}" for n in range(2, 10))]


def test_who_waits_is_told_how_long_by_the_work_of_those_before(runtime, folder):
    client = runtime.client()
    assert client.ask(Steps(folder, "first", 1)).wait(60)  # a worker's start is not the pace of its work
    unheard_of = client.ask(Paced(folder, "short", 2, 0.05))
    assert unheard_of.seconds_left is None
    assert unheard_of.wait(60)
    running, before, last = (client.ask(Paced(folder, f"of {count}", count, 0.05)) for count in (40, 20, 10))
    until(lambda: running.progress is not None)
    asked, told = time.monotonic(), last.seconds_left
    assert running.seconds_left < before.seconds_left < last.seconds_left
    assert last.wait(60)
    took = time.monotonic() - asked
    assert took / 1.5 < told < 1.5 * took
    assert last.seconds_left is None


def test_what_is_told_follows_the_gradients_where_they_are_known(photo):
    def effort(method):
        return Explain("a model", photo("cat"), method, 1).effort

    fewer, more = (effort(igcore.IntegratedGradients(integrator="trapezoid", steps=steps)) for steps in (10, 50))
    adaptive = effort(igcore.IntegratedGradients(integrator="adaptive"))
    assert (fewer[0], more[1] - fewer[1]) == (more[0], 40)
    assert adaptive[1] == 1
    assert adaptive[0] != fewer[0]


def test_a_newer_request_takes_the_place_of_the_older_that_waits(runtime, tmp_path, folder):
    dragging, other = runtime.client(), runtime.client()
    blocking = other.ask(Steps(folder, "blocking", 1, gate="gate"))
    until(lambda: happened(tmp_path))
    older = [dragging.follow(Steps(folder, f"drag {n}", 1))[0] for n in range(20)]
    behind = other.ask(Steps(folder, "behind", 1))
    (newest,) = dragging.follow(Steps(folder, "newest", 1))
    assert all(job.done and job.stopped for job in older)
    assert (newest.place, behind.place) == (0, 1)
    opened(tmp_path)
    assert all(job.wait(60) for job in (blocking, newest, behind))
    assert [line for line in happened(tmp_path) if "drag" in line] == []
    assert newest.value == "newest"


def test_stopping_takes_one_chunk(runtime, tmp_path, folder):
    client = runtime.client()
    job = client.ask(Steps(folder, "long", 1000, 0.05))
    until(lambda: job.progress is not None)
    job.cancel()
    asked = time.monotonic()
    assert (job.done, job.stopped, job.value) == (True, True, None)
    until(lambda: any("stops" in line for line in happened(tmp_path)))
    # A chunk, and how often a runtime looks.
    assert time.monotonic() - asked < 0.05 + 1.0
    after = client.ask(Steps(folder, "after", 1))
    assert after.wait(60)
    assert after.value == "after"


def test_equal_questions_share_one_computation(runtime, tmp_path, folder):
    clients = [runtime.client() for _ in range(5)]
    _, before = runtime.counts("long")
    jobs = [client.ask(Steps(folder, "same", gate="gate")) for client in clients]
    until(lambda: happened(tmp_path))
    jobs[0].cancel()  # what others still want goes on
    opened(tmp_path)
    assert all(job.wait(60) for job in jobs)
    assert [job.value for job in jobs] == [None, *["same"] * 4]
    later = clients[0].ask(Steps(folder, "same", gate="gate"))
    assert later.value == "same"
    assert happened(tmp_path) == ["same begins", "same ends"]
    assert runtime.counts("long")[1] - before == 5


def test_what_nobody_wants_any_more_stops_and_may_be_asked_again(runtime, tmp_path, folder):
    clients = [runtime.client() for _ in range(2)]
    jobs = [client.ask(Steps(folder, "same", gate="gate")) for client in clients]
    until(lambda: happened(tmp_path))
    for job in jobs:
        job.cancel()
    again = clients[0].ask(Steps(folder, "same", gate="gate"))
    opened(tmp_path)
    assert again.wait(60)
    assert again.value == "same"
    assert [line.split()[1] for line in happened(tmp_path)] == ["begins", "stops", "begins", "ends"] or happened(
        tmp_path
    )[-1] == "same ends"


def test_lanes_do_not_wait_for_each_other(runtime, tmp_path, folder):
    client = runtime.client()
    long = client.ask(Steps(folder, "long", 1, gate="gate"))
    short = client.ask(Quick(folder, "short", 1))
    assert short.wait(60)
    assert not long.done
    opened(tmp_path)
    assert long.wait(60)


def test_a_failure_is_one_line_and_not_tried_again_unasked(runtime, tmp_path, folder):
    client = runtime.client()
    for name, fault, line in (("a", False, "this cannot be; choose something else"), ("b", True, "a fault in the")):
        job = client.ask(Failing(folder, name, fault))
        assert job.wait(60)
        assert line in job.error
        assert "\n" not in job.error
        client.keep_failure(job)
        assert client.ask(Failing(folder, name, fault)) is job
    client.forget_failures()
    assert client.ask(Failing(folder, "a")).wait(60)
    assert happened(tmp_path) == ["a begins", "b begins", "a begins"]


def test_who_is_gone_leaves_no_work_behind(runtime, tmp_path, folder):
    there = [True]
    leaving = runtime.client(lambda: there[0])
    job, waiting = leaving.follow(*(Steps(folder, name, 1000, 0.01) for name in ("runs", "waits")))
    until(lambda: happened(tmp_path))
    there[0] = False
    leaving.look(0.0)
    assert (job.stopped, waiting.stopped) == (True, True)
    until(lambda: any("runs stops" in line for line in happened(tmp_path)))
    assert not any("waits" in line for line in happened(tmp_path))
    there[0] = True  # back again: what it follows is asked anew
    (again,) = leaving.follow(Steps(folder, "runs", 1000, 0.01))
    assert not again.done
    again.cancel()


def test_a_client_that_is_forgotten_leaves_no_work_behind(runtime, tmp_path, folder):
    client = runtime.client()
    client.ask(Steps(folder, "orphan", 1000, 0.01))
    until(lambda: happened(tmp_path))
    del client
    until(lambda: any("stops" in line for line in happened(tmp_path)))


def test_memory_pressure_halves_the_chunk_and_goes_on(runtime, tmp_path, folder):
    client = runtime.client()
    job = client.ask(Hungry(folder, "hungry", 1))
    assert job.wait(120)
    assert job.value == 1
    assert happened(tmp_path) == [f"hungry tries {chunk}" for chunk in (4, 2, 1)]
    hopeless = client.ask(Hungry(folder, "hopeless", 0))
    assert hopeless.wait(60)
    assert "memory does not suffice for a single image" in hopeless.error


def test_results_equal_those_computed_alone(apart, photo, tmp_path):
    words = ["--baseline", "blur", "--integrator", "gauss-legendre", "--steps", "8", "--target", "282"]
    command = [sys.executable, "-m", "igcore", "explain", "cat", *words, "--out", str(tmp_path / "alone.npz")]
    subprocess.run(command, cwd=Path(__file__).parents[1], check=True, capture_output=True)
    alone = igcore.Attribution.load(tmp_path / "alone.npz")
    method = igcore.IntegratedGradients("blur", "gauss-legendre", 8)
    jobs = [asked(apart, Explain(DEFAULT_MODEL, photo("cat"), method, 282)) for _ in range(3)]
    assert all(job.wait(120) for job in jobs)
    for job in jobs:
        found: Explained = job.value
        np.testing.assert_array_equal(found.by_rule["gauss-legendre"].values, alone.values)


def test_half_the_chunk_gives_the_same_map(model, photo):
    image, method = photo("cat"), igcore.IntegratedGradients("blur", "trapezoid", 8)
    whole, halved = (igcore.explain(one, image, method, 282) for one in (model, model.with_chunk(2)))
    # Rounding moves a few activations across kinks, so that two chunk sizes agree no better than this (bench/README).
    assert map_distance(halved.values, whole.values) < 2e-3


# What only workers in processes of their own can survive.


def test_a_killed_worker_costs_time_but_no_result(apart, tmp_path, folder):
    client = apart.client()
    job = client.ask(Steps(folder, "long", 1, gate="gate"))
    until(lambda: happened(tmp_path))
    for number in apart.back_end.process_ids:
        os.kill(number, signal.SIGKILL)
    until(lambda: len(happened(tmp_path)) == 2)
    opened(tmp_path)
    assert job.wait(60)
    assert job.value == "long"
    assert happened(tmp_path) == ["long begins", "long begins", "long ends"]


def test_what_kills_its_worker_fails_alone(apart, tmp_path, folder):
    client, other = apart.client(), apart.client()
    bystander = other.ask(Quick(folder, "bystander", 1, gate="gate"))
    until(lambda: happened(tmp_path))
    deadly = client.ask(Deadly(folder, "deadly"))
    assert deadly.wait(120)
    assert "a fault in the program" in deadly.error
    opened(tmp_path)
    assert bystander.wait(60)
    assert bystander.value == "bystander"
    assert [line for line in happened(tmp_path) if "deadly" in line] == ["deadly begins"] * 2
    after = client.ask(Steps(folder, "after", 1))
    assert after.wait(60)
    assert after.value == "after"


def test_what_kills_its_worker_once_succeeds_alone(apart, folder):
    job = asked(apart, Deadly(folder, "once", 1))
    assert job.wait(120)
    assert job.value == "once"


def test_what_stalls_is_ended(one, kind, folder):
    one.close()
    with running(kind, stalled_seconds=10.0) as runtime:
        client = runtime.client()
        assert client.ask(Steps(folder, "first", 1)).wait(60)
        began = time.monotonic()
        job = client.ask(Silent(folder, "silent", 600))
        assert job.wait(60)
        assert "nothing came of this for 10 s" in job.error
        assert time.monotonic() - began < 40
        # What tells how far it is may take longer than that.
        slow = client.ask(Steps(folder, "slow", 4, 3.0))
        assert slow.wait(60)
        assert slow.value == "slow"


def test_each_of_two_workers_computes_on_its_own_core(one, kind, folder):
    one.close()
    with running(kind, workers=2) as runtime:
        jobs = [asked(runtime, Cores(folder, f"{n}")) for n in range(2)]
        assert all(job.wait(120) for job in jobs)
        assert [job.value for job in jobs] == [(1, 1)] * 2


HEAP = """
import ctypes, sys
import numpy as np
from igcore.runtime.heap import give_back_arrays
class Info(ctypes.Structure):  # malloc.h: struct mallinfo2
    _fields_ = [(str(n), ctypes.c_size_t) for n in range(3)] + [("own", ctypes.c_size_t)]
    _fields_ += [(str(n), ctypes.c_size_t) for n in range(4, 10)]
libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
if sys.argv[1] == "give back":
    give_back_arrays()
for _ in range(3):
    np.ones(4_000_000, np.uint8)
before = libc.mallinfo2().own
kept = np.ones(600_000, np.uint8)
print(libc.mallinfo2().own - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc")
@pytest.mark.parametrize(("given", "own"), [("give back", 1), ("as it is", 0)])
def test_a_map_has_memory_of_its_own_after_larger_arrays_went(given, own):
    run = subprocess.run(
        [sys.executable, "-c", HEAP, given], cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) == own


def test_workers_end_with_their_server():
    with running("processes") as runtime:
        back = runtime.back_end
        job = asked(runtime, Steps("/", "none", 0))
        until(lambda: back.process_ids or job.done)
        (number,) = back.process_ids
    until(lambda: not _alive(number))


def _alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


# Limits.


def test_too_many_waiting_computations_are_refused(tmp_path, folder):
    with running("threads", replace(LIMITS, queue_waiting=5, queue_waiting_a_session=3)) as runtime:
        one, two = runtime.client(), runtime.client()
        runs = one.ask(Steps(folder, "runs", 1, gate="gate"))
        until(lambda: happened(tmp_path))
        mine = [one.ask(Steps(folder, f"mine {n}", 1)) for n in range(4)]
        assert [job.done for job in mine] == [False, False, False, True]
        assert "3 of your computations wait already" in mine[-1].error
        yours = [two.ask(Steps(folder, f"yours {n}", 1)) for n in range(3)]
        assert "5 computations wait on this server already" in yours[-1].error
        assert two.ask(Steps(folder, "mine 0", 1)).error is None  # shared, so it adds nothing
        opened(tmp_path)
        assert all(job.wait(60) for job in (runs, *mine, *yours))


def test_what_takes_too_many_gradients_is_refused(photo):
    with running("threads", replace(LIMITS, explanation_gradients=100)) as runtime:
        for method, refused in (
            (igcore.IntegratedGradients("black", "trapezoid", 100), "102 gradients"),
            (igcore.IntegratedGradients("black", "adaptive"), "512 gradients"),
        ):
            job = asked(runtime, Explain(DEFAULT_MODEL, photo("cat"), method, 0))
            assert job.done
            assert f"this takes {refused}, more than the 100" in job.error


def test_what_takes_too_long_stops_at_its_next_chunk(tmp_path, folder):
    with running("threads", replace(LIMITS, explanation_seconds=0.3)) as runtime:
        job = asked(runtime, Steps(folder, "long", 1000, 0.01))
        assert job.wait(30)
        assert "took longer than 0 s, which is the limit" in job.error
        assert "stops" in happened(tmp_path)[-1]


def test_kept_answers_stay_within_their_bound(one, any_kind, folder):
    one.close()
    with running(any_kind, replace(LIMITS, cache_megabytes=0.01)) as runtime:
        client = runtime.client()
        for n in range(30):
            assert client.ask(Steps(folder, f"{n}", 1, 0)).wait(60)
            assert runtime.cached_bytes <= 10_000
        assert runtime.known(Steps(folder, "29", 1, 0)) == "29"
        assert runtime.known(Steps(folder, "0", 1, 0)) is None
        assert runtime.cached_bytes == 10_000


def test_an_answer_that_is_not_kept_goes_with_its_last_job(one, any_kind, folder):
    def seen(client, name):
        job = client.ask(Map(folder, name))
        assert job.wait(60)
        return weakref.ref(job.value)

    one.close()
    with running(any_kind, replace(LIMITS, cache_megabytes=0.0001)) as runtime:
        client = runtime.client()
        gc.disable()
        try:
            answers = [seen(client, name) for name in "abc"]
            # Threads that hand answers over may hold the last one.
            assert [answer() for answer in answers[:2]] == [None, None]
        finally:
            gc.enable()


def test_limits_come_from_one_file_that_another_changes(tmp_path, monkeypatch):
    own = tmp_path / "own.toml"
    monkeypatch.setenv("IGCORE_LIMITS", str(own))
    own.write_text("[upload]\nmegabytes = 3.5\n")
    assert read_limits() == replace(LIMITS, upload_megabytes=3.5)
    for text, line in (
        ("[upload]\nmegabites = 3", r"name \[upload\] megabites, which there is not"),
        ("[queue]\nwaiting = 1.5", "waiting to 1.5; expected a whole number above 0"),
        ("[queue]\nwaiting = 0", "expected a whole number above 0"),
        ("[upload]\nmegabytes = true", "to True; expected a number above 0"),
        ("waiting = 3", "have waiting outside of a table"),
        ("[", "not valid TOML"),
    ):
        own.write_text(text)
        with pytest.raises(igcore.InputError, match=line):
            read_limits()
    own.unlink()
    with pytest.raises(igcore.InputError, match="check IGCORE_LIMITS"):
        read_limits()


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [("IGCORE_RUNTIME", "cloud", "expected processes, threads or ray")],
)
def test_an_unknown_runtime_is_refused(monkeypatch, variable, value, line):
    monkeypatch.setenv(variable, value)
    with pytest.raises(igcore.InputError, match=line):
        igcore.runtime.start_runtime()
