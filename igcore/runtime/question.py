"""What can be asked of the engine: named by all that its answer depends on, so that equal questions share one."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args

from igcore.models import Model
from igcore.results import Progress

__all__ = ["LANES", "Lane", "Models", "OnProgress", "Question", "ShouldStop", "name_of"]

#: One for explanations, one for studies that take a minute of them, one for what a slider waits for, and one for what
#: may take minutes to arrive. What waits in one does not hold up the others.
Lane = Literal["long", "study", "short", "load"]
LANES: tuple[Lane, ...] = get_args(Lane)

Models = Callable[[str], Model]
OnProgress = Callable[[Progress], None]
ShouldStop = Callable[[], bool]

Answer = TypeVar("Answer")


class Question(ABC, Generic[Answer]):
    """Something to compute; it travels to wherever a model is."""

    #: Which queue it waits in.
    lane: ClassVar[Lane] = "short"

    @property
    @abstractmethod
    def key(self) -> str:
        """A digest of the decoded pixels, the model and all settings."""

    @property
    def gradients(self) -> int:
        """How many gradients it may take at most, as far as its settings tell."""
        return 0

    @property
    def effort(self) -> tuple[str, float]:
        """A kind of question whose duration is in proportion to a number, and that number for this one."""
        return type(self).__name__, 1.0

    @abstractmethod
    def answer(self, models: Models, on_progress: OnProgress, should_stop: ShouldStop) -> Answer:
        """Compute it with a model of the catalogue, which `models` returns by its key."""

    @abstractmethod
    def size(self, answer: Answer) -> int:
        """Return the bytes that an answer takes in a cache."""


def name_of(kind: str, *parts: Any) -> str:
    """Name a question by its kind and all that its answer depends on."""
    return hashlib.sha256(json.dumps([kind, *parts]).encode()).hexdigest()
