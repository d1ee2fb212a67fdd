"""The questions that lessons ask: two networks with one function, and a network that has learned nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

import igcore
from igcore.images import digest
from igcore.methods import METHODS, IntegratedGradients
from igcore.models import DEFAULT_MODEL
from igcore.results import Attribution
from igcore.runtime.question import Lane, Models, OnProgress, Question, ShouldStop, name_of

__all__ = ["TWIN_METHODS", "Randomized", "TwinSeen", "Twins"]

#: What is compared on the two networks: three methods that ask only for outputs and gradients, two that go through the
#: layers.
TWIN_METHODS = ("gradient", "gradient-x-input", "ig", "deeplift-rescale", "lrp-alpha-beta")

#: Enough for Integrated Gradients of piecewise linear functions to three digits.
STEPS = 1000


@dataclass(frozen=True, eq=False)
class TwinSeen:
    """A network's output at two inputs, and each input's share by method: (2,) float64."""

    output: float
    shares: dict[str, NDArray[np.float64]]


@dataclass(frozen=True, eq=False)
class Twins(Question[dict[str, TwinSeen]]):
    """What methods say of the two networks of `igcore.models.twins`, against inputs of zero."""

    x1: float
    x2: float

    @property
    def key(self) -> str:
        """See `Question`."""
        return name_of("twins", self.x1, self.x2)

    def answer(self, _models: Models, _progress: OnProgress, _stop: ShouldStop) -> dict[str, TwinSeen]:
        """Explain both networks, by name."""
        from igcore.models.twins import LARGEST, TWINS, twin

        image = np.array([[[self.x1 / LARGEST, self.x2 / LARGEST, 0]]], np.float32)
        own = {"ig": IntegratedGradients("black", "midpoint", STEPS, "logit")}
        found = {}
        for name in TWINS:
            network, shares = twin(name), {}
            for key in TWIN_METHODS:
                method = own.get(key) or _raw(METHODS[key].settings())
                shares[key] = igcore.explain(network, image, method, 0).values[0, 0, :2].astype(np.float64)
            # A gradient is per unit of the image; an input's unit is as large as `LARGEST` fits into it.
            shares["gradient"] /= LARGEST
            found[name] = TwinSeen(float(network.scores(image[None], "logit")[0, 0]), shares)
        return found

    def size(self, _answer: dict[str, TwinSeen]) -> int:
        """See `Question`."""
        return 2_000


def _raw(method: igcore.Method) -> igcore.Method:
    """Return a method that explains the raw output, where it lets one choose."""
    return replace(method, of="logit") if hasattr(method, "of") else method


@dataclass(frozen=True, eq=False)
class Randomized(Question[Attribution]):
    """Integrated Gradients of the embedded network with its weights shuffled."""

    image: NDArray[np.float32]
    method: IntegratedGradients
    target: int
    seed: int = 0
    lane: ClassVar[Lane] = "long"

    @property
    def key(self) -> str:
        """See `Question`."""
        return name_of("randomized", digest(self.image), self.method.describe(), self.target, self.seed)

    @property
    def gradients(self) -> int:
        """See `Question`."""
        return self.method.cost(self.image.shape[:2]).gradients

    def answer(self, models: Models, on_progress: OnProgress, should_stop: ShouldStop) -> Attribution:
        """Shuffle the weights, and explain."""
        from igcore.models.randomized import randomized_efficientnet_lite0

        model = randomized_efficientnet_lite0(models(DEFAULT_MODEL).spec, self.seed)
        return igcore.explain(model, self.image, self.method, self.target, self.seed, on_progress, should_stop)

    def size(self, answer: Attribution) -> int:
        """Count values, image and baseline."""
        return 3 * answer.values.nbytes
