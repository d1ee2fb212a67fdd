"""Calls in flight: order, bound, errors, and stopping."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from igcore.in_flight import IN_FLIGHT, evenly, in_order


@pytest.fixture
def gate():
    """Lets calls through one by one, and counts those under way."""
    return threading.Semaphore(0)


@pytest.mark.parametrize("most", [1, 2])
def test_results_come_in_the_order_of_the_items(most):
    # The earlier an item, the longer it takes.
    assert list(in_order(lambda n: time.sleep((5 - n) / 200) or n, range(5), most)) == list(range(5))


def test_so_many_calls_are_under_way_at_once():
    both = threading.Barrier(2, timeout=10)
    assert list(in_order(lambda n: both.wait() is not None and n, range(4), 2)) == list(range(4))


def test_items_are_read_no_further_ahead_than_calls_are_in_flight():
    read = []
    results = in_order(lambda n: n, (read.append(n) or n for n in range(9)), 2)
    assert not read
    for count in range(6):
        assert next(results) == count
        assert len(read) == count + 3
    results.close()
    assert len(read) == 8


def test_a_reader_that_stops_begins_no_further_call(gate):
    begun = []
    results = in_order(lambda n: begun.append(n) or gate.acquire(timeout=10), range(9), 2)
    gate.release()
    next(results)
    results.close()
    for _ in range(9):
        gate.release()
    time.sleep(0.05)
    assert len(begun) <= 3


@pytest.mark.parametrize("most", [1, 2])
def test_a_failure_reaches_the_reader_in_its_turn(most):
    results = in_order(lambda n: 1 / (n - 2), range(5), most)
    assert [next(results), next(results)] == [-0.5, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert list(in_order(str, range(3), most)) == ["0", "1", "2"], "works on after a failure"


def test_with_one_core_everything_runs_on_the_calling_thread():
    assert set(in_order(lambda _: threading.get_ident(), range(3), 1)) == {threading.get_ident()}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 9, 50])
@pytest.mark.parametrize("most", [1, 3, 4])
def test_parts_are_alike_and_in_order(count, most):
    parts = evenly(np.arange(float(count)), most)
    sizes = [part.size for part in parts]
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(count))
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) >= min(IN_FLIGHT, count // 2)
    assert min(sizes) >= 2 or most == 1 or count in (1, 3)
