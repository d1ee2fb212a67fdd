"""Independent effects and interactions of a photo's regions, by the score of each combination of them.

References
----------
Harsanyi, A Simplified Bargaining Model for the n-Person Cooperative Game, 1963.
Shapley, A Value for n-Person Games, 1953.
Grabisch, Roubens, An Axiomatic Approach to the Concept of Interaction among Players in Cooperative Games, 1999.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError
from igcore.games import dividends, members, orders, shapley_values
from igcore.speed import Cost

__all__ = ["LARGEST", "Interaction", "RegionEffects", "region_cost"]

#: Regions whose combinations are scored at most: 65,536 forward passes.
LARGEST = 16

#: What rounding may change a score by, over the largest score. By two ways of convolving, one for single images and
#: one for chunks, the embedded network's probabilities of 200 combinations differed by up to this.
ROUNDING = 24 * 2.0**-23

Array = NDArray[np.float32]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Interaction:
    """What a set of two regions or more adds beyond what all its smaller sets explain.

    Attributes
    ----------
    regions : tuple of int
        In ascending order.
    effect : float
        Its Harsanyi dividend.
    """

    regions: tuple[int, ...]
    effect: float


@dataclass(frozen=True, eq=False)
class RegionEffects:
    """The effects of regions and of their sets on one class's score.

    A set's number, in binary, tells its regions, as in `igcore.games`.

    Attributes
    ----------
    labels : (H, W) int
        The region of each pixel, from 0 to n − 1.
    image, baseline : (H, W, 3) float32 in [0, 1]
    worths : (2ⁿ,) float64
        The score with these regions of the image over the baseline; NaN where that was not scored.
    known_order : int
        Up to which number of regions all sets were scored, so that their dividends are exact; n where all were.
    target : int
    label : str
    model : str
        Key of the model.
    settings : dict
        Baseline, score and seed, as plain values.
    score, baseline_score : float
        F(x) and F(x′), scored apart from the combinations.
    forward_count : int
        Combinations scored; the two of `score` and `baseline_score` are not counted.
    seconds : float
    """

    labels: NDArray[np.intp]
    image: Array
    baseline: Array
    worths: Numbers
    known_order: int
    target: int
    label: str
    model: str
    settings: dict[str, Any]
    score: float
    baseline_score: float
    forward_count: int
    seconds: float

    @property
    def regions(self) -> int:
        """How many regions there are, n."""
        return len(self.worths).bit_length() - 1

    @property
    def complete(self) -> bool:
        """Whether every combination was scored."""
        return self.known_order == self.regions

    @property
    def score_difference(self) -> float:
        """F(x) − F(x′), which all dividends sum to."""
        return self.score - self.baseline_score

    @cached_property
    def dividends(self) -> Numbers:
        """Harsanyi dividends, (2ⁿ,): F(x′), then effects; NaN for sets of more regions than `known_order`."""
        return np.where(self._orders <= self.known_order, dividends(self.worths), np.nan)

    @property
    def independent(self) -> Numbers:
        """The effect of each region alone, (n,)."""
        return self.dividends[1 << np.arange(self.regions)]

    @property
    def order_sums(self) -> Numbers:
        """The sum of the dividends of all sets of 1 … n regions, (n,); NaN where not known."""
        return _by_order(self.dividends)

    @property
    def order_sizes(self) -> Numbers:
        """The same regardless of sign: the sums of |dividends|, (n,)."""
        return _by_order(np.abs(self.dividends))

    @cached_property
    def shapley_values(self) -> Numbers | None:
        """The exact Shapley value of each region, (n,); None unless `complete`."""
        return shapley_values(self.dividends) if self.complete else None

    @property
    def sum_error(self) -> float | None:
        """Σ dividends − (F(x) − F(x′)), signed; None unless `complete`."""
        return float(self.dividends[1:].sum()) - self.score_difference if self.complete else None

    @property
    def rounding(self) -> Numbers:
        """What rounding of the scores may at worst make of a dividend of each number of regions 0 … n, (n + 1,).

        A dividend of k regions adds and subtracts 2ᵏ scores, each rounded to float32: 2ᵏ · `ROUNDING` · max |score|.
        An estimate, since what a network rounds on its way is not known.
        """
        return np.nanmax(np.abs(self.worths)) * ROUNDING * 2.0 ** np.arange(self.regions + 1)

    def strongest(self, count: int) -> list[Interaction]:
        """Return the interactions of largest size, at most so many; those that may be mere rounding are left out."""
        shown = (self._orders >= 2) & (np.abs(self.dividends) > self.rounding[self._orders])
        sizes = np.where(shown, np.abs(self.dividends), 0.0)
        found = np.argsort(-sizes, kind="stable")[: min(count, int(shown.sum()))]
        who = members(self.regions)
        return [Interaction(tuple(map(int, np.flatnonzero(who[one]))), float(self.dividends[one])) for one in found]

    @property
    def _orders(self) -> NDArray[np.intp]:
        return orders(self.regions)


def _by_order(effects: Numbers) -> Numbers:
    """Sum over all sets of 1 … n regions each: (2ⁿ,) → (n,)."""
    sizes = orders(len(effects).bit_length() - 1)
    return np.bincount(sizes, effects)[1:].astype(np.float64, copy=False)


def region_cost(regions: int) -> Cost:
    """Return what the effects of so many regions take.

    Raises
    ------
    InputError
        Where there are fewer than two, or more than `LARGEST`.
    """
    if regions < 2:
        raise InputError(f"there is {regions} region; expected 2 to {LARGEST}, since one has nothing to interact with")
    if regions > LARGEST:
        passes = f"{1 << regions:,}" if regions < 64 else f"2^{regions}"
        raise InputError(
            f"{regions:,} regions take {passes} forward passes; join some: at most {LARGEST} can be explained"
        )
    return Cost(forwards=1 << regions)
