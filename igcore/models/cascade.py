"""A network with its weights shuffled from its output down, on a copy, one stage after the other.

References
----------
Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, Sanity Checks for Saliency Maps, 2018, section 4.1: cascading
randomization.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np

from igcore.errors import InputError, ModelError
from igcore.models.base import Model
from igcore.models.network import TensorFlowModel
from igcore.models.shuffling import Stage, is_closed, shuffled_copies, variables_by_name, weighted_layers

__all__ = ["MOST", "By", "Cascade", "Stage", "cascade_of"]

By = Literal["block", "layer"]

#: Stages of a cascade by blocks; of more blocks, neighbors near the image, where layers are small, share a stage.
MOST = 20

#: What begins the names of all layers of a block, such as block3_expand, block_3_expand and conv2_block3_1_conv.
BLOCK = re.compile(r".*?block_?\d+[a-z]?(?![a-z0-9])")


@dataclass(frozen=True, eq=False)
class Cascade:
    """A model's stages from the output down, and the model after each.

    Attributes
    ----------
    model : Model
        It is only read.
    stages : tuple of Stage
    seed : int
        Each part is shuffled by this and its own name, so that it comes out the same whatever else is shuffled.
    """

    model: TensorFlowModel
    stages: tuple[Stage, ...]
    seed: int

    def models(self) -> Iterator[TensorFlowModel]:
        """Yield a copy of the model as it is, and then after each stage.

        What is yielded is one network whose weights change: it is to be used before the next is asked for.

        Raises
        ------
        ModelError
            Where the copy does not give what the model gives.
        """
        yield from shuffled_copies(self.model, self.stages, self.seed)


def cascade_of(model: Model, by: By = "block", seed: int = 0) -> Cascade:
    """List what can be shuffled in a model, from the output down.

    Parameters
    ----------
    model : Model
        With open layers, or one that can be loaded a second time: of the catalogue, a folder or a file.
    by : {"block", "layer"}
        Layers whose names begin with the same block are one stage, or each is its own. Variables of a closed network
        belong to one layer where they share their scope, and to one block where they share its outermost part.
    seed : int

    Raises
    ------
    ModelError
        Where the model has neither.
    """
    if by not in get_args(By):
        raise InputError(f"by is {by!r}; expected one of {', '.join(get_args(By))}")
    if not isinstance(model, TensorFlowModel):
        raise ModelError(f"model {model.spec.key} is no network and has no weights to shuffle; choose a network")
    if is_closed(model):
        parts = [(name, int(np.prod(variable.shape))) for name, variable in variables_by_name(model).items()]
        groups = _scopes([name for name, _ in parts], by)
    else:
        nodes = weighted_layers(model.graph).values()
        parts = [(node.name, node.weights.size + np.size(node.bias)) for node in nodes]
        groups = [node.name for node in nodes]
    if not parts:
        raise ModelError(
            f"model {model.spec.key} keeps its weights as constants, which cannot be shuffled; choose a Keras model "
            "or a SavedModel with variables"
        )
    return Cascade(model, _stages(parts, groups, by), seed)


def _stages(parts: Sequence[tuple[str, int]], layers: Sequence[str], by: By) -> tuple[Stage, ...]:
    """Turn parts around, which come from the image up, and group them by layer or block."""
    groups: dict[str, list[tuple[str, int]]] = {}
    for part, layer in reversed(list(zip(parts, layers, strict=True))):
        block = BLOCK.match(layer) if by == "block" else None
        groups.setdefault(block[0] if block else layer, []).append(part)
    return tuple(
        Stage(
            some[0] if len(some) == 1 else f"{some[0]} … {some[-1]}",
            tuple(name for group in some for name, _ in groups[group]),
            sum(count for group in some for _, count in groups[group]),
        )
        for some in _together(list(groups), MOST if by == "block" else len(groups))
    )


def _together(names: list[str], most: int) -> list[list[str]]:
    """Share out names over so many stages at most: the first, the output's, by itself, and later ones the fuller."""
    if len(names) <= most:
        return [[name] for name in names]
    cuts = [1 + part * (len(names) - 1) // (most - 1) for part in range(most)]
    return [names[:1], *(names[start:end] for start, end in pairwise(cuts))]


def _scopes(names: Sequence[str], by: By) -> list[str]:
    """Return each variable's scope, or of it the outermost part that not all variables have."""
    if by == "layer":
        return [name.rpartition("/")[0] or name for name in names]
    paths = [name.split("/") for name in names]
    common = 0
    while all(len(path) > common + 2 for path in paths) and len({path[common] for path in paths}) == 1:
        common += 1
    return [path[common] for path in paths]
