"""What a model is to the rest of the program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError
from igcore.models.labels import find_label, short_names

__all__ = ["CAPABILITIES", "SCORED", "Model", "ModelSpec", "Of", "PathChunk", "check_of"]

Of = Literal["probability", "logit"]
Array = NDArray[np.float32]

#: Images that are scored in one call.
SCORED = 16

#: In three steps: a model that can do one can do those before it.
CAPABILITIES = ("scores", "gradients", "layers")


def check_of(of: str) -> None:
    """Raise `InputError` unless `of` names a score that a model can give."""
    if of not in get_args(Of):
        raise InputError(f"of is {of!r}; expected probability or logit")


@dataclass(frozen=True)
class ModelSpec:
    """What is known of a model without running it.

    Attributes
    ----------
    key, title, source, licence : str
    input_size : (height, width)
    labels : tuple of str
        One full name for each output, synonyms separated by ", ".
    outputs : {"logits", "probabilities"}
        What the network itself returns.
    capability : {"scores", "gradients", "layers"}
    sha256 : str
        Of the files that hold the network, or of its weights (see `igcore.models.digests`); empty where not known.
    """

    key: str
    title: str
    source: str
    licence: str
    input_size: tuple[int, int]
    labels: tuple[str, ...] = field(repr=False)
    outputs: Literal["logits", "probabilities"] = "logits"
    capability: str = "gradients"
    sha256: str = ""

    def can(self, capability: str) -> bool:
        """Whether the model has this capability."""
        return CAPABILITIES.index(capability) <= CAPABILITIES.index(self.capability)

    def label(self, index: int) -> str:
        """Return the first of a class's names, with its number where two classes share that name."""
        return short_names(self.labels)[index]

    def find(self, target: int | str) -> int:
        """Return the index of a class given by index or by any of its names.

        Raises
        ------
        InputError
            Where there is no such class, or more than one.
        """
        return find_label(self.labels, target)


@dataclass(frozen=True)
class PathChunk:
    """What one chunk of points on a straight path gives.

    Attributes
    ----------
    weighted : (R, H, W, 3) float32
        For each row of weights, Σ wₖ ∇F(xₖ) over the chunk.
    scores, slopes, mean_gradients : (n,) float32
        F(xₖ), ∇F(xₖ) · (x − x′), and the mean of ∇F(xₖ) over pixels and channels.
    """

    weighted: Array
    scores: Array
    slopes: Array
    mean_gradients: Array


class Model(Protocol):
    """An image classifier on (B, H, W, 3) float32 RGB in [0, 1]."""

    @property
    def spec(self) -> ModelSpec:
        """What is known of the model."""
        ...

    @property
    def chunk(self) -> int:
        """Points to hand to one call of `path_chunk`."""
        ...

    @property
    def graph(self) -> Any:
        """The network's layers, an `igcore.models.graph.Graph`; raises `ModelError` where they cannot be had."""
        ...

    def scores(self, images: Array, of: Of = "probability") -> Array:
        """Return the scores of all classes: (B, H, W, 3) → (B, K)."""
        ...

    def gradients(self, images: Array, target: int, of: Of = "probability") -> tuple[Array, Array]:
        """Return the target's scores (B,) and their gradients (B, H, W, 3)."""
        ...

    def path_chunk(self, baseline: Any, velocity: Any, alphas: Any, weights: Any, target: int, of: Of) -> PathChunk:
        """Weigh the gradients at baseline + α · velocity, for at most `chunk` values of α."""
        ...
