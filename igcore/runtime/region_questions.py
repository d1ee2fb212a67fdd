"""The question that a page asks about regions: what each of them does alone, and what they do together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

import igcore
from igcore.baselines import Baseline, describe_baseline
from igcore.images import digest
from igcore.models import Of
from igcore.region_effects import LARGEST, RegionEffects
from igcore.runtime.question import Lane, Models, OnProgress, Question, ShouldStop, name_of

__all__ = ["Regions"]


@dataclass(frozen=True, eq=False)
class Regions(Question[RegionEffects]):
    """All effects and interactions of an image's regions."""

    model: str
    image: NDArray[np.float32]
    labels: NDArray[np.intp]
    baseline: Baseline
    target: int
    of: Of = "probability"
    seed: int = 0
    lane: ClassVar[Lane] = "study"

    @property
    def key(self) -> str:
        """See `Question`."""
        regions = digest(self.labels.astype(np.float32))
        settings = (describe_baseline(self.baseline), self.of, self.target, self.seed)
        return name_of("regions", self.model, digest(self.image), regions, *settings)

    @property
    def forwards(self) -> int:
        """How many forward passes it takes."""
        # More are refused, so that they cost nothing.
        regions = int(self.labels.max()) + 1
        return 1 << regions if regions <= LARGEST else 0

    @property
    def gradients(self) -> int:
        """Count two forward passes as one gradient."""
        return self.forwards // 2

    @property
    def effort(self) -> tuple[str, float]:
        """See `Question`."""
        return f"{self.model}:regions", max(self.forwards, 1)

    def answer(self, models: Models, on_progress: OnProgress, should_stop: ShouldStop) -> RegionEffects:
        """Compute them; progress carries what is exact so far."""
        asked = (self.image, self.labels, self.baseline, self.target, self.of, self.seed)
        return igcore.explain_regions(models(self.model), *asked, on_progress, should_stop)

    def size(self, answer: RegionEffects) -> int:
        """Count all arrays, the dividends that it computes from the worths included."""
        return 2 * answer.worths.nbytes + answer.image.nbytes + answer.baseline.nbytes + answer.labels.nbytes
