"""The questions that pages ask of a model itself: load, predict, and what it can do here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.errors import ModelError
from igcore.images import digest
from igcore.models import ModelSpec, catalogue, fetch
from igcore.runtime.question import Lane, Models, OnProgress, Question, ShouldStop, name_of
from igcore.speed import Speed, measure_speed

__all__ = ["Abilities", "Able", "Load", "Predict"]

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Load(Question[ModelSpec]):
    """A model of the catalogue; fetched where it is not here."""

    model: str
    lane: ClassVar[Lane] = "load"

    @property
    def key(self) -> str:
        """See `Question`."""
        return name_of("load", self.model)

    def answer(self, models: Models, _progress: OnProgress, _stop: ShouldStop) -> ModelSpec:
        """Return what is known of the model."""
        fetch(catalogue()[self.model])
        return models(self.model).spec

    def size(self, _answer: ModelSpec) -> int:
        """See `Question`."""
        return 100_000


@dataclass(frozen=True, eq=False)
class Predict(Question[Array]):
    """The scores of all classes for one image."""

    model: str
    image: Array

    @property
    def key(self) -> str:
        """See `Question`."""
        return name_of("predict", self.model, digest(self.image))

    def answer(self, models: Models, _progress: OnProgress, _stop: ShouldStop) -> Array:
        """Return (K,) probabilities."""
        return models(self.model).scores(self.image[None])[0]

    def size(self, answer: Array) -> int:
        """See `Question`."""
        return answer.nbytes


@dataclass(frozen=True, eq=False)
class Able:
    """What a model can do here: how fast it runs, and why its layers cannot be read, if they cannot."""

    speed: Speed
    closed: str | None


@dataclass(frozen=True, eq=False)
class Abilities(Question[Able]):
    """What a model can do here."""

    model: str

    @property
    def key(self) -> str:
        """See `Question`."""
        return name_of("abilities", self.model)

    def answer(self, models: Models, _progress: OnProgress, _stop: ShouldStop) -> Able:
        """Measure its pace, and read its layers."""
        model = models(self.model)
        closed = None
        try:
            model.graph  # noqa: B018
        except ModelError as error:
            closed = str(error)
        return Able(measure_speed(model), closed)

    def size(self, _answer: Able) -> int:
        """See `Question`."""
        return 1_000
