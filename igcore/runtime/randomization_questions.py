"""The questions of cascading randomization: which stages a network has, and what maps become of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

import igcore
from igcore.images import digest
from igcore.randomization import first_settings, gradient_equivalents
from igcore.randomized_maps import Randomization
from igcore.runtime.question import Lane, Models, OnProgress, Question, ShouldStop, name_of

if TYPE_CHECKING:
    from igcore.models.cascade import By

__all__ = ["Randomize", "Stages"]

Array = NDArray[np.float32]

#: Stages that a cascade has at most, as far as nobody has looked at the network.
EXPECTED = {"block": 20, "layer": 100}


@dataclass(frozen=True, eq=False)
class Stages(Question[tuple[tuple[str, int], ...]]):
    """What can be shuffled in a model, from the output down: each stage's name, and how many numbers it holds."""

    model: str
    by: By = "block"

    @property
    def key(self) -> str:
        """See `Question`."""
        return name_of("stages", self.model, self.by)

    def answer(self, models: Models, _progress: OnProgress, _stop: ShouldStop) -> tuple[tuple[str, int], ...]:
        """List it; nothing is shuffled."""
        from igcore.models.cascade import cascade_of

        # As plain values: the class of stages comes with TensorFlow, which pages do without.
        return tuple((stage.name, stage.weights) for stage in cascade_of(models(self.model), self.by).stages)

    def size(self, _answer: tuple[tuple[str, int], ...]) -> int:
        """See `Question`."""
        return 20_000


@dataclass(frozen=True, eq=False)
class Randomize(Question[Randomization]):
    """How the maps of several methods change while a copy of the model loses its weights."""

    model: str
    image: Array
    methods: tuple[str, ...]
    target: int
    seed: int = 0
    by: By = "block"
    lane: ClassVar[Lane] = "study"

    @property
    def key(self) -> str:
        """See `Question`."""
        settings = [(key, first_settings(key).describe()) for key in self.methods]
        return name_of("randomize", self.model, digest(self.image), settings, self.target, self.seed, self.by)

    @property
    def gradients(self) -> int:
        """See `Question`."""
        return (EXPECTED[self.by] + 1) * gradient_equivalents(self.methods, self.image.shape[:2])

    @property
    def effort(self) -> tuple[str, float]:
        """See `Question`."""
        return f"{self.model}:randomize", float(max(self.gradients, 1))

    def answer(self, models: Models, on_progress: OnProgress, should_stop: ShouldStop) -> Randomization:
        """Compute it; progress carries the stages that are done."""
        told = (self.target, self.seed, "absolute", on_progress, should_stop, self.by)
        return igcore.randomize(models(self.model), self.image, self.methods, *told)

    def size(self, answer: Randomization) -> int:
        """See `Question`."""
        return answer.maps.nbytes + 20_000
