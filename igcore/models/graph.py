"""A network as a small graph of layers, for methods that go through it layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igcore.models.layers import Node, Rearrangement
from igcore.models.linear_layers import Weighted

__all__ = ["Graph"]

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Graph:
    """A network from the normalized image to the logits.

    Attributes
    ----------
    nodes : tuple of Node
        The first is the image, the last gives the logits; each reads only nodes before it.
    scale, offset : (C,) float32
        The network's own normalization: it sees scale · image + offset.
    """

    nodes: tuple[Node, ...]
    scale: Array = field(default_factory=lambda: np.ones(3, np.float32))
    offset: Array = field(default_factory=lambda: np.zeros(3, np.float32))

    def compute(self, normalized: Any) -> Any:
        """Return the logits of what the network sees: (B, H, W, C) tensor → (B, K) tensor."""
        found = [normalized]
        for node in self.nodes[1:]:
            found.append(node.compute(*(found[index] for index in node.inputs)))
        return found[-1]

    def outputs(self, images: Any) -> Any:
        """Return the logits of images: (B, H, W, C) tensor in [0, 1] → (B, K) tensor."""
        return self.compute(images * self.scale + self.offset)

    def activations(self, images: Array) -> list[Array]:
        """Return the output of every node, for (B, H, W, 3) images in [0, 1]."""
        found: list[Array] = [(images * self.scale + self.offset).astype(np.float32)]
        for node in self.nodes[1:]:
            found.append(node.forward(*(found[index] for index in node.inputs)))
        return found

    @cached_property
    def at_image(self) -> set[int]:
        """The positions of the layers with weights that read the image itself, padded or reshaped at most."""
        image, found = {0}, set()
        for position, node in enumerate(self.nodes):
            if node.inputs and image.issuperset(node.inputs):
                if isinstance(node, Rearrangement):
                    image.add(position)
                elif isinstance(node, Weighted):
                    found.add(position)
        return found

    def back(
        self, start: Array, step: Callable[[int, Node, Array], Sequence[Array]], until: int = 0
    ) -> dict[int, Array]:
        """Carry something from the logits back to the image, or to the node at position `until`.

        Parameters
        ----------
        start : array
            What the logits have of it.
        step : callable
            Told a node's position, the node and what its output has; returns what each of its inputs gets. What an
            input gets from several nodes adds up.

        Returns
        -------
        dict of int to array
            What the output of each node had, by position; the image's is at 0.
        """
        carried = {len(self.nodes) - 1: start}
        for position in range(len(self.nodes) - 1, until, -1):
            if position not in carried:
                continue
            node = self.nodes[position]
            for source, part in zip(node.inputs, step(position, node, carried[position]), strict=True):
                carried[source] = carried[source] + part if source in carried else part
        return carried
