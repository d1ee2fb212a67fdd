"""What an explanation takes: a count of the network's runs, and from a measured pace, seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from igcore.in_flight import IN_FLIGHT, in_order
from igcore.models.base import SCORED, Model

__all__ = ["Cost", "Speed", "measure_speed"]


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
    """Measure a model's pace: the faster of two runs over a few chunks in flight, after one that does not count."""

    def fastest(run: Callable[[Any], Any], chunk: int, in_flight: int) -> float:
        images = np.full((chunk, *model.spec.input_size, 3), 0.5, np.float32)
        times = []
        for _ in range(3):
            started = time.perf_counter()
            list(in_order(run, [images] * in_flight, in_flight))
            times.append(time.perf_counter() - started)
        return min(times[1:]) / (chunk * in_flight)

    def gradients(some: Any) -> Any:
        return model.gradients(some, 0)

    return Speed(
        forward=fastest(model.scores, SCORED, IN_FLIGHT),
        gradient=fastest(gradients, model.chunk, IN_FLIGHT),
        gradient_in_turn=fastest(gradients, 1, 1),
    )
