"""The queue by itself: turns, shared items, and what comes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from igcore.runtime.fair_queue import FairQueue

Puts = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), max_size=40)


def filled(puts) -> FairQueue[int]:
    queue: FairQueue[int] = FairQueue()
    for client, item in puts:
        queue.put(client, item)
    return queue


def emptied(queue: FairQueue[int]) -> list[int]:
    return list(iter(queue.take, None))


def test_one_of_each_client_in_turn():
    queue = filled([("many", n) for n in range(5)] + [("one", 10), ("two", 20), ("two", 21)])
    assert emptied(queue) == [0, 10, 20, 1, 21, 2, 3, 4]
    assert queue.take() is None


def test_who_was_served_waits_for_all_others_even_when_it_comes_back():
    queue = filled([("a", 1), ("b", 2), ("c", 3)])
    assert queue.take() == 1
    queue.put("a", 4)
    assert emptied(queue) == [2, 3, 4]


def test_a_client_that_changes_its_mind_keeps_its_turn():
    queue = filled([("a", 1), ("b", 2)])
    queue.put("a", 3)
    queue.withdraw("a", 1)
    assert emptied(queue) == [3, 2]


def test_a_shared_item_comes_at_the_first_sharers_turn_and_once():
    queue = filled([("many", 1), ("many", 2), ("many", 9), ("one", 9)])
    assert queue.ahead(9) == [1]
    assert emptied(queue) == [1, 9, 2]


def test_it_stays_for_the_others_when_one_withdraws():
    queue = filled([("a", 9), ("b", 9)])
    queue.withdraw("a", 9)
    assert (len(queue), queue.waiting("a"), queue.waiting("b")) == (1, 0, 1)
    queue.withdraw("b", 9)
    assert (len(queue), queue.take()) == (0, None)


def test_what_begins_again_comes_first():
    queue = filled([("a", 1), ("b", 2)])
    queue.put_first(7)
    assert queue.ahead(7) == []
    assert emptied(queue) == [7, 1, 2]


@given(Puts)
def test_every_item_comes_once_after_what_was_told(puts):
    queue = filled(puts)
    told = {item: queue.ahead(item) for _, item in puts}
    taken = emptied(queue)
    assert sorted(taken) == sorted({item for _, item in puts})
    assert told == {item: taken[:place] for place, item in enumerate(taken)}


@given(st.lists(st.integers(1, 30), min_size=2, max_size=6))
def test_nobody_waits_for_more_than_one_item_of_each_other_client_before_his_first(counts):
    queue = filled([(client, 100 * client + n) for client, count in enumerate(counts) for n in range(count)])
    taken = emptied(queue)
    for client in range(len(counts)):
        assert taken.index(100 * client) == client


def test_what_is_discarded_stands_in_no_line_whoever_put_it_there():
    queue = filled([("a", 1), ("b", 1), ("b", 2)])
    queue.put_first(1)
    queue.discard(1)
    assert queue.ahead(1) is None
    assert emptied(queue) == [2]
