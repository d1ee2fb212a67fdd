"""A queue in which clients take turns, so that who asks for much waits behind who asks for little."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["FairQueue"]

Item = TypeVar("Item", bound=Hashable)


class FairQueue(Generic[Item]):
    """One line of items for each client; the next item is the first of the client whose turn it is.

    An item may stand in the lines of several clients, who share it; it is taken from all of them at the first one's
    turn. Not safe for threads by itself.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[Hashable, deque[Item]] = OrderedDict()

    def __len__(self) -> int:
        return len({item for line in self._lines.values() for item in line})

    def put(self, client: Hashable, item: Item) -> None:
        """Let an item stand at the end of a client's line; a client without one gets its turn after all others."""
        line = self._lines.setdefault(client, deque())
        if item not in line:
            line.append(item)

    def put_first(self, item: Item) -> None:
        """Let an item be taken next, whoever's turn it is."""
        self._lines[item] = deque([item])
        self._lines.move_to_end(item, last=False)

    def waiting(self, client: Hashable) -> int:
        """Count the items of a client."""
        return len(self._lines.get(client, ()))

    def take(self) -> Item | None:
        """Remove the next item; None where there is none."""
        if not self._lines:
            return None
        client, line = next(iter(self._lines.items()))
        item = line[0]
        self._lines.move_to_end(client)
        self.discard(item)
        return item

    def discard(self, item: Item) -> None:
        """Remove an item from every line in which it stands."""
        for client in list(self._lines):
            self.withdraw(client, item)

    def withdraw(self, client: Hashable, item: Item) -> None:
        """Remove an item from one client's line, where it stands there."""
        line = self._lines.get(client)
        if line is not None and item in line:
            line.remove(item)
            if not line:
                del self._lines[client]

    def ahead(self, item: Item) -> list[Item] | None:
        """Return what is taken before this item, in order, as the lines stand now; None where it does not wait."""
        if not any(item in line for line in self._lines.values()):
            return None
        rehearsal: FairQueue[Item] = FairQueue()
        rehearsal._lines = OrderedDict((client, deque(line)) for client, line in self._lines.items())
        before = []
        while (one := rehearsal.take()) is not None and one != item:
            before.append(one)
        return before
