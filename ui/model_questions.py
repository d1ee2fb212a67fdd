"""The questions that pages ask of a model itself: load, predict, and what it can do here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igcore.errors import ModelError
from igcore.models import ModelSpec, catalogue, fetch
from igcore.results import Progress
from igcore.speed import Speed, measure_speed
from ui import store
from ui.pictures import digest

__all__ = ["Abilities", "Able", "Load", "Predict", "name_of"]

Array = NDArray[np.float32]


def name_of(kind: str, *parts: Any) -> str:
    """Name a question by its kind and all that its answer depends on."""
    return hashlib.sha256(json.dumps([kind, *parts]).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Load:
    """A model of the catalogue; fetched where it is not here."""

    model: str
    lane: store.Lane = "load"

    @property
    def key(self) -> str:
        """See `store.Question`."""
        return name_of("load", self.model)

    def answer(self, _progress: Callable[[Progress], None], _stop: Callable[[], bool]) -> ModelSpec:
        """Return what is known of the model."""
        fetch(catalogue()[self.model])
        return store.model(self.model).spec

    def size(self, _answer: ModelSpec) -> int:
        """See `store.Question`."""
        return 100_000


@dataclass(frozen=True, eq=False)
class Predict:
    """The scores of all classes for one image."""

    model: str
    image: Array
    lane: store.Lane = "short"

    @property
    def key(self) -> str:
        """See `store.Question`."""
        return name_of("predict", self.model, digest(self.image))

    def answer(self, _progress: Callable[[Progress], None], _stop: Callable[[], bool]) -> Array:
        """Return (K,) probabilities."""
        return store.model(self.model).scores(self.image[None])[0]

    def size(self, answer: Array) -> int:
        """See `store.Question`."""
        return answer.nbytes


@dataclass(frozen=True, eq=False)
class Able:
    """What a model can do here: how fast it runs, and why its layers cannot be read, if they cannot."""

    speed: Speed
    closed: str | None


@dataclass(frozen=True, eq=False)
class Abilities:
    """What a model can do here."""

    model: str
    lane: store.Lane = "short"

    @property
    def key(self) -> str:
        """See `store.Question`."""
        return name_of("abilities", self.model)

    def answer(self, _progress: Callable[[Progress], None], _stop: Callable[[], bool]) -> Able:
        """Measure its pace, and read its layers."""
        model = store.model(self.model)
        closed = None
        try:
            model.graph  # noqa: B018
        except ModelError as error:
            closed = str(error)
        return Able(measure_speed(model), closed)

    def size(self, _answer: Able) -> int:
        """See `store.Question`."""
        return 1_000
