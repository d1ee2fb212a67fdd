"""How an attribution method shares out effects that are known: what it misses, misplaces, and gives too much or little.

References
----------
Deng, Zou, Du, Chen, Feng, Yang, Li, Zhang, Unifying Fourteen Post-Hoc Attribution Methods With Taylor Interactions,
IEEE TPAMI 2024, for the three criteria; they are stated there as principles, and measured here as numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["TOLERANCE", "Allocation"]

Array = NDArray[np.float64]

#: Up to which a measure counts as 0: above float32 rounding and the error of a fine integral (see `igcore.criteria`),
#: and far below what a method gives away that does not meet a criterion.
TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Allocation:
    """How a method shares the effects of a function out.

    Attributes
    ----------
    members : tuple of tuple of int
        The inputs that take part in each of T effects, from 0.
    effects : (T,) float64
        f_T(x) − f_T(0).
    shares : (T, n) float64
        What each input gets of each effect: the method's attribution of that term alone.
    attribution : (n,) float64
        The method's attribution of the whole function.
    """

    members: tuple[tuple[int, ...], ...]
    effects: Array
    shares: Array
    attribution: Array

    @property
    def total(self) -> float:
        """Σ |f_T|, in which measures are given."""
        return float(np.abs(self.effects).sum())

    @property
    def uncovered(self) -> float:
        """The part of Σ |f_T| whose terms give nothing to any input; 0 is ideal."""
        given = np.abs(self.shares).sum(axis=1) > TOLERANCE * np.abs(self.effects)
        return float(np.abs(self.effects)[~given].sum()) / self.total

    @property
    def residual(self) -> float:
        """Σᵢ |aᵢ − Σ_T w_iT| over Σ |f_T|: how far the whole attribution is from the sum of the terms'; 0 is ideal."""
        return float(np.abs(self.attribution - self.shares.sum(axis=0)).sum()) / self.total

    @property
    def coverage(self) -> float:
        """Criterion 1, as what it misses: `uncovered` + `residual`; 0 is ideal.

        Every effect must give something to somebody, and what it gives must reach the attribution of the whole.
        """
        return self.uncovered + self.residual

    @property
    def outsiders(self) -> float:
        """Criterion 2: Σ_T Σ over i ∉ T of |w_iT|, over Σ_T Σᵢ |w_iT|; 0 is ideal, and holds where nothing is given."""
        sizes = np.abs(self.shares)
        outside = np.ones(sizes.shape, bool)
        for row, members in zip(outside, self.members, strict=True):
            row[list(members)] = False
        given = float(sizes.sum())
        return float(sizes[outside].sum()) / given if given else 0.0

    @property
    def completeness(self) -> float:
        """Criterion 3: Σ_T |Σᵢ w_iT − f_T| over Σ |f_T|; 0 is ideal."""
        return float(np.abs(self.shares.sum(axis=1) - self.effects).sum()) / self.total

    @property
    def measures(self) -> tuple[float, float, float]:
        """Coverage, outsiders and completeness."""
        return self.coverage, self.outsiders, self.completeness
