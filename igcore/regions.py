"""Score all 2ⁿ combinations of a photo's regions, none left out.

References
----------
Harsanyi, A Simplified Bargaining Model for the n-Person Cooperative Game, 1963.
Shapley, A Value for n-Person Games, 1953.
Grabisch, Roubens, An Axiomatic Approach to the Concept of Interaction among Players in Cooperative Games, 1999.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import Baseline, as_baseline, describe_baseline
from igcore.errors import InputError
from igcore.explanation import as_task
from igcore.games import members, orders
from igcore.in_flight import in_order
from igcore.methods.base import OnProgress, ShouldStop, Task
from igcore.models.base import SCORED, Model, Of, check_of
from igcore.region_effects import RegionEffects, region_cost
from igcore.superpixels import mixed

__all__ = ["explain_regions"]

Array = NDArray[np.float32]
Numbers = NDArray[np.float64]


def explain_regions(
    model: Model,
    image: Array,
    labels: NDArray[np.integer],
    baseline: str | Baseline | Array = "black",
    target: int | str | None = None,
    of: Of = "probability",
    seed: int = 0,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> RegionEffects:
    """Compute the exact independent effect of each region and the exact interaction of each set of regions.

    Parameters
    ----------
    model : Model
    image : (H, W, 3) float32 in [0, 1]
    labels : (H, W) int
        The region of each pixel, from 0 to n − 1, each of which occurs; 2 ≤ n ≤ `LARGEST`. See `igcore.superpixels`.
    baseline : str, baseline settings or (H, W, 3) array
        What an absent region shows.
    target : int or str, optional
        A class index or name; the top class without.
    of : {"probability", "logit"}
    seed : int
    on_progress : callable, optional
        Told a `Progress` after each chunk; `partial` is a `RegionEffects` of the largest order that is complete.
    should_stop : callable, optional
        Asked before each chunk; where it says True, `Cancelled` is raised.

    Returns
    -------
    RegionEffects

    Raises
    ------
    InputError
        Where an argument cannot be used.
    Cancelled
        Where `should_stop` said so.

    Notes
    -----
    The game is v(S) = F(x in the regions S, x′ elsewhere). Its dividend d(S) = Σ over T ⊆ S of (−1)^(|S| − |T|) v(T)
    is the independent effect of a single region, and for more the interaction that none of their subsets has. All of
    them sum to F(x) − F(x′). Sets of few regions are scored first, so that what is known when it stops is exact.

    References
    ----------
    Harsanyi 1963; Shapley 1953; on interaction among players, Grabisch, Roubens 1999.
    """
    check_of(of)
    task = as_task(model, image, target, seed, on_progress, should_stop)
    labels = _checked(labels, task.image.shape[:2])
    settings = as_baseline(baseline)
    told = {"baseline": describe_baseline(settings), "of": of, "seed": task.seed}
    return _Work(task, labels, settings.make(task.image, task.seed), of, told).run()


def _checked(labels: NDArray[np.integer], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return labels as the engine takes them; raise `InputError` unless they number all regions of the image."""
    if not isinstance(labels, np.ndarray) or labels.shape != shape:
        got = getattr(labels, "shape", type(labels).__name__)
        raise InputError(f"labels have shape {got}; expected {shape}, the number of a region for each pixel")
    if labels.dtype.kind not in "iu":
        raise InputError(f"labels have dtype {labels.dtype}; expected whole numbers from 0 to n − 1")
    numbers = np.unique(labels)
    if numbers[0] != 0 or numbers[-1] != len(numbers) - 1:
        raise InputError(
            f"labels are {len(numbers)} numbers from {numbers[0]} to {numbers[-1]}; expected every number from 0 to "
            f"{len(numbers) - 1}, which np.unique(labels, return_inverse=True) gives"
        )
    region_cost(len(numbers))
    return labels.astype(np.intp)


@dataclass(frozen=True, eq=False)
class _Work:
    """Scores combinations, and makes results of what is scored so far."""

    task: Task
    labels: NDArray[np.intp]
    baseline: Array
    of: Of
    settings: dict[str, Any]

    def run(self) -> RegionEffects:
        """Score all combinations, those of few regions first."""
        regions = int(self.labels.max()) + 1
        sizes = orders(regions)
        sequence = np.argsort(sizes, kind="stable")
        # How many combinations are done with when those of 0, 1, … n regions are.
        ends = np.cumsum(np.bincount(sizes))
        score, baseline_score = map(float, self.task.score(np.stack([self.task.image, self.baseline]), self.of))
        worths = np.full(len(sequence), np.nan)

        def known(order: int, count: int) -> RegionEffects:
            told = worths.copy()
            told.flags.writeable = False
            return self._result(told, order, score, baseline_score, count)

        partial: RegionEffects | None = None
        for chunk, found in self._scored(sequence, members(regions)):
            worths[sequence[chunk.start : chunk.stop]] = found
            order = int(np.searchsorted(ends, chunk.stop, side="right")) - 1
            if order >= 1 and (partial is None or order > partial.known_order):
                partial = known(order, chunk.stop)
            self.task.tell(chunk.stop, len(sequence), partial)
        return known(regions, len(sequence))

    def _scored(self, sequence: NDArray[np.intp], who: NDArray[np.bool_]) -> Iterator[tuple[range, Numbers]]:
        """Score the combinations in this sequence, a chunk at a time, some chunks ahead of the reader."""
        image, count = self.task.image, len(sequence)
        chunks = [range(start, min(start + SCORED, count)) for start in range(0, count, SCORED)]
        pictures = (mixed(image, self.baseline, self.labels, who[sequence[one.start : one.stop]]) for one in chunks)
        results = in_order(lambda images: self.task.score(images, self.of), pictures)
        for chunk in chunks:
            self.task.check()
            yield chunk, next(results)

    def _result(self, worths: Numbers, order: int, score: float, baseline_score: float, count: int) -> RegionEffects:
        task = self.task
        return RegionEffects(
            labels=self.labels,
            image=task.image,
            baseline=self.baseline,
            worths=worths,
            known_order=order,
            target=task.target,
            label=task.model.spec.label(task.target),
            model=task.model.spec.key,
            settings=self.settings,
            score=score,
            baseline_score=baseline_score,
            forward_count=count,
            seconds=time.perf_counter() - task.started,
        )
