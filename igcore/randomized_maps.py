"""What becomes of maps while a network forgets, and what it means where nothing does.

References
----------
Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, Sanity Checks for Saliency Maps, 2018, section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from igcore.heatmaps import Sign
from igcore.methods import METHODS

__all__ = ["KEPT", "LATE", "REST", "Randomization", "ShuffledStage"]

#: Size of the signed rank correlation from which on two maps count as much the same.
KEPT = 0.5

#: Share of the weights that may be shuffled before a map that depends on them should have changed.
LATE = 0.5

#: Rank correlation of absolute values that is worth a word where the signed one is gone.
REST = 0.2

Array = NDArray[np.float32]


@dataclass(frozen=True)
class ShuffledStage:
    """The network after one more stage.

    Attributes
    ----------
    name : str
        What was shuffled last; empty for the network as it was trained.
    weights : int
        Numbers that are shuffled by now.
    probability : float
        What it gives the target.
    """

    name: str
    weights: int
    probability: float


@dataclass(frozen=True, eq=False)
class Randomization:
    """What is known so far of M methods after S stages, the trained network included as the first.

    Attributes
    ----------
    methods : tuple of str
        Keys of `METHODS`.
    stages : tuple of ShuffledStage
    maps : (M, S, H, W) float32
        Heat maps; all zero where a method has none, such as one that explains positive scores only.
    signed, absolute : (M, S) float64
        Rank correlation with the trained network's map, of values summed over the channels, with and without signs;
        NaN where a map is the same everywhere.
    similarity : (M, S) float64
        Structural similarity of the heat maps; NaN where one is zero everywhere.
    sign : str
        Of the heat maps, as `heat_map` takes it.
    weights : int
        Numbers that are shuffled in the end.
    target : int
    label : str
    seed : int
    gradient_count, forward_count : int
    seconds : float
    """

    methods: tuple[str, ...]
    stages: tuple[ShuffledStage, ...]
    maps: Array
    signed: NDArray[np.float64]
    absolute: NDArray[np.float64]
    similarity: NDArray[np.float64]
    sign: Sign
    weights: int
    target: int
    label: str
    seed: int
    gradient_count: int
    forward_count: int
    seconds: float

    @property
    def finished(self) -> bool:
        """Whether all weights are shuffled."""
        return self.stages[-1].weights == self.weights

    @property
    def shares(self) -> NDArray[np.float64]:
        """Which part of the weights is shuffled after each stage: (S,)."""
        return np.array([stage.weights for stage in self.stages]) / self.weights

    def verdict(self, method: str) -> str:
        """Say whether a method's map notices, and what it means where it does not.

        It counts as changed from the first stage after which the signed rank correlation is smaller in size than
        `KEPT`. Where that takes more than the share `LATE` of the weights, the map hardly depends on them.
        """
        row, name = self.methods.index(method), METHODS[method].label
        kept = np.abs(self.signed[row]) >= KEPT  # of an empty map it is NaN: changed
        if not kept[0]:
            return f"{name}: its map is the same everywhere from the start, so there is nothing to compare."
        changed = None if kept.all() else int(np.argmin(kept))
        late = int(np.argmax(self.shares > LATE)) if self.shares[-1] > LATE else len(kept)
        if late < (len(kept) if changed is None else changed):
            return self._fails(row, name, late, changed)
        if changed is None:
            return f"{name}: nothing can be said yet; {self.shares[-1]:.0%} of the weights are random."
        return self._passes(row, name, changed)

    def _fails(self, row: int, name: str, late: int, changed: int | None) -> str:
        until = ", and so it stays to the end" if self.finished else ""
        if changed is not None:
            until = f", until {self.stages[changed].name} is random, too"
        return (
            f"{name} fails: with {self.shares[late]:.0%} of the weights random its map is still much the same (rank "
            f"correlation {self.signed[row, late]:.2f}){until}. A map that hardly changes cannot tell what the model "
            "has learned."
        )

    def _passes(self, row: int, name: str, changed: int) -> str:
        share, left, rest = self.shares[changed], self.signed[row, changed], self.absolute[row, -1]
        if np.isnan(left):
            return (
                f"{name} passes: its map is empty when {share:.0%} of the weights are random, so it depends on what "
                "the model has learned."
            )
        told = (
            f"{name} passes: its map has changed when {share:.0%} of the weights are random (rank correlation "
            f"{left:.2f}), so it depends on what the model has learned."
        )
        if not self.finished or not rest >= REST or np.array_equal(self.absolute[row], self.signed[row]):
            return told
        return f"{told} Without signs, {rest:.2f} remains at the end: the picture itself has a part in it, too."
