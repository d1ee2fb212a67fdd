"""Functions whose effects are known exactly, each term by itself and all together.

Such a function is F(x) = Σ f_T(x) over sets T of inputs. Each term is a pure effect from the baseline 0: it vanishes as
soon as one input of T is 0. A term of one input is an independent effect, one of several an interaction. Its size is
f_T(x).

References
----------
Deng, Zou, Du, Chen, Feng, Yang, Li, Zhang, Unifying Fourteen Post-Hoc Attribution Methods With Taylor Interactions,
2024, for the decomposition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igcore.models.base import ModelSpec, Of, PathChunk, check_of
from igcore.models.formulas import SHAPE, Formula, Network, numbers_of, pictures

__all__ = ["POINT", "Term", "TermFunction", "TermModel"]

#: Where functions are explained: six numbers of which no two are equal, none is 0 or 1, and none is a kink.
POINT = (0.83, 0.61, 0.92, 0.47, 0.74, 0.55)

Array = NDArray[np.float32]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TermModel:
    """A formula behind the protocol of a classifier; its one class is F, which counts as the class's log-odds.

    An image of it is (2, 3, 3) float32 in [0, 1]: number i lies in the red value of pixel i, row by row.
    """

    name: str
    formula: Formula
    chunk: int = 1024

    @property
    def spec(self) -> ModelSpec:
        """What is known of the function, as of a network."""
        capability = "layers" if isinstance(self.formula, Network) else "gradients"
        return ModelSpec("term-function", self.name, "a formula", "none", SHAPE, (self.name,), capability=capability)

    @property
    def graph(self) -> Any:
        """The layers; raises `ModelError` where there are none."""
        return self.formula.graph

    def scores(self, images: Array, of: Of = "probability") -> Array:
        """Return F, or the probability 1 / (1 + exp(−F)): (B, H, W, 3) → (B, 1) float32."""
        check_of(of)
        return _score(self.formula.values(numbers_of(images)), of).astype(np.float32)[:, None]

    def gradients(self, images: Array, target: int, of: Of = "probability") -> tuple[Array, Array]:
        """Return the score (B,) and its derivatives with respect to the image (B, H, W, 3)."""
        check_of(of)
        self.spec.find(target)
        values, slopes = self.formula.along(numbers_of(images))
        scores = _score(values, of)
        if of == "probability":
            slopes = slopes * (scores * (1 - scores))[:, None]
        return scores.astype(np.float32), pictures(slopes)

    def path_chunk(self, baseline: Any, velocity: Any, alphas: Any, weights: Any, target: int, of: Of) -> PathChunk:
        """Weigh the gradients at baseline + α · velocity."""
        scores, gradients = self.gradients(baseline + np.reshape(alphas, (-1, 1, 1, 1)) * velocity, target, of)
        slopes = (gradients * velocity).sum(axis=(1, 2, 3))
        return PathChunk(np.tensordot(weights, gradients, 1), scores, slopes, gradients.mean(axis=(1, 2, 3)))


def _score(values: Numbers, of: Of) -> Numbers:
    return values if of == "logit" else 1 / (1 + np.exp(-values))


@dataclass(frozen=True, eq=False)
class Term:
    """One effect.

    Attributes
    ----------
    formula : str
        In LaTeX, with its sign where that is negative.
    members : tuple of int
        The inputs that take part in it, from 0; none of them for what the network computes and takes away again.
    model : TermModel
        The term alone.
    """

    formula: str
    members: tuple[int, ...]
    model: TermModel


@dataclass(frozen=True, eq=False)
class TermFunction:
    """A function with its terms.

    Attributes
    ----------
    key, label : str
    description : str
        One sentence: what it is there for.
    terms : tuple of Term
    whole : TermModel
        Their sum, as one function.
    """

    key: str
    label: str
    description: str
    terms: tuple[Term, ...]
    whole: TermModel

    @property
    def formula(self) -> str:
        """F in LaTeX."""
        signed = [term.formula if term.formula.startswith("-") else f"+ {term.formula}" for term in self.terms]
        return " ".join(signed).removeprefix("+ ")

    @property
    def is_network(self) -> bool:
        """Whether it has layers."""
        return self.whole.spec.can("layers")

    @property
    def image(self) -> Array:
        """The picture of `POINT`: (2, 3, 3) float32 in [0, 1]."""
        return pictures(np.array([POINT]))[0]

    def effects(self) -> Numbers:
        """Return the size of each effect, f_T(x) − f_T(0): (T,)."""
        ends = np.stack([self.image, np.zeros_like(self.image)])
        scores = np.array([term.model.scores(ends, "logit")[:, 0] for term in self.terms], np.float64)
        return scores[:, 0] - scores[:, 1]
