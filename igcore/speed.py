"""What an explanation takes: a count of the network's runs, and from a measured pace, seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from igcore.models.base import Model

__all__ = ["SCORED", "Cost", "Speed", "measure_speed"]

#: Variants of an image that methods score in one call.
SCORED = 32


@dataclass(frozen=True)
class Cost:
    """What an explanation takes.

    Attributes
    ----------
    forwards : int
        Scores of images, without a gradient.
    gradients : int
    in_turn : bool
        Whether each gradient waits for the one before, so that they cannot be taken in chunks.
    passes : int
        Ways through the layers, one layer at a time.
    seconds : float
        Of everything else, on two cores.
    about : bool
        Whether the counts are a guess, since the method finds out on its way.
    """

    forwards: int = 0
    gradients: int = 0
    in_turn: bool = False
    passes: int = 0
    seconds: float = 0.0
    about: bool = False

    def __str__(self) -> str:
        counted = (
            (self.gradients, "gradient"),
            (self.forwards, "forward pass"),
            (self.passes, "pass through the layers"),
        )
        parts = [_count(count, name) for count, name in counted if count]
        return ("about " if self.about else "") + " and ".join(parts)


def _count(count: int, name: str) -> str:
    plural = name.replace("pass", "passes") if "pass" in name else f"{name}s"
    return f"{count:,} {name if count == 1 else plural}"


@dataclass(frozen=True)
class Speed:
    """Seconds that a model takes on this machine for an image.

    Attributes
    ----------
    forward : float
        In chunks.
    gradient : float
        In chunks.
    gradient_in_turn : float
        One by one.
    """

    forward: float
    gradient: float
    gradient_in_turn: float

    def seconds(self, cost: Cost) -> float:
        """Return how long an explanation of this cost should take."""
        gradient = self.gradient_in_turn if cost.in_turn else self.gradient
        layers = cost.passes * PASS * self.gradient
        return cost.forwards * self.forward + cost.gradients * gradient + layers + cost.seconds


#: A pass through the layers, which looks at each by itself, over a gradient. Measured on the embedded network.
PASS = 12.0


def measure_speed(model: Model) -> Speed:
    """Measure a model's pace: the faster of two runs over one chunk each, after one that does not count."""
    images = np.full((SCORED, *model.spec.input_size, 3), 0.5, np.float32)

    def fastest(run: Callable[[Any], Any], count: int) -> float:
        times = []
        for _ in range(3):
            started = time.perf_counter()
            run(images[:count])
            times.append(time.perf_counter() - started)
        return min(times[1:]) / count

    def gradients(some: Any) -> Any:
        return model.gradients(some, 0)

    return Speed(fastest(model.scores, SCORED), fastest(gradients, model.chunk), fastest(gradients, 1))
