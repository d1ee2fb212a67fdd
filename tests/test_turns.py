"""Turns at drawing, and how often a page looks at work under way."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from tests.runtime_questions import until
from ui import frame, service, turns


class Drawers:
    """Threads that draw until they are let go, and who draws now."""

    def __init__(self, count: int) -> None:
        self.now: set[int] = set()
        self.most = 0
        self.go = [threading.Event() for _ in range(count)]
        self.waits = [threading.Event() for _ in range(count)]
        self.threads = [threading.Thread(target=self._draw, args=(number,), daemon=True) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def _draw(self, number: int) -> None:
        with turns.drawing(), turns.drawing():  # a part within a page takes no turn of its own
            self._begin(number)
            if self.waits[number].wait(60):
                self.now.discard(number)
                with turns.aside():
                    self.go[number].wait(60)
                self._begin(number)
            self.now.discard(number)

    def _begin(self, number: int) -> None:
        self.now.add(number)
        self.most = max(self.most, len(self.now))


def test_a_few_are_drawn_at_a_time_and_who_waits_lets_others_draw():
    drawers = Drawers(4)
    until(lambda: len(drawers.now) == turns.AT_ONCE)
    first = next(iter(drawers.now))
    drawers.waits[first].set()
    until(lambda: first not in drawers.now and len(drawers.now) == turns.AT_ONCE)
    for event in (*drawers.waits, *drawers.go):
        event.set()
    for thread in drawers.threads:
        thread.join(60)
        assert not thread.is_alive()
    assert drawers.most == turns.AT_ONCE
    with turns.drawing():  # every turn was given back
        pass


def test_a_turn_is_given_back_by_what_fails():
    for _ in range(turns.AT_ONCE + 1):
        with pytest.raises(ValueError, match="drawn wrong"), turns.drawing():
            raise ValueError("drawn wrong")
        with pytest.raises(ValueError, match="never came"), turns.drawing(), turns.aside():
            raise ValueError("never came")


@pytest.mark.parametrize(("under_way", "seconds"), [(0, 0.6), (4, 0.6), (8, 1.2), (100, 3.0)])
def test_pages_of_a_crowded_server_look_less_often(monkeypatch, under_way, seconds):
    monkeypatch.setattr(service, "runtime", lambda: SimpleNamespace(under_way=under_way))
    assert frame.polling(True) == pytest.approx(seconds)
    assert frame.polling(False) is None
