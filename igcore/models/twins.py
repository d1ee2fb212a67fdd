"""Two small networks that compute the same function in different ways.

References
----------
Sundararajan, Taly, Yan, Axiomatic Attribution for Deep Networks, 2017, figure 7 and appendix B: the function
f(x₁, x₂) = ReLU(ReLU(x₁) − 1 − ReLU(x₂)), and g(x₁, x₂) = ReLU(ReLU(x₁ − 1) − ReLU(x₂)), which equals it everywhere.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from igcore.models.base import ModelSpec
from igcore.models.graph import Graph
from igcore.models.layers import Flatten, Image, Rectifier
from igcore.models.linear_layers import Dense
from igcore.models.network import TensorFlowModel

__all__ = ["LARGEST", "TWINS", "twin"]

#: Both inputs go from 0 to this.
LARGEST = 4.0

#: The offset of x₁ before the first rectifier, and that after it: this is all in which the two differ.
TWINS = {"f": (0.0, -1.0), "g": (-1.0, 0.0)}


@lru_cache
def twin(name: str) -> TensorFlowModel:
    """Build the network f or g.

    An image of it is (1, 1, 3) float32 in [0, 1]: red stands for x₁ and green for x₂, from 0 to `LARGEST`.
    """
    before, after = TWINS[name]
    inputs = np.array([[LARGEST, 0], [0, LARGEST], [0, 0]], np.float32)
    layers = (
        Image("image", ()),
        Flatten("flatten", (0,), (3,)),
        Dense("inputs", (1,), inputs, np.array([before, 0], np.float32)),
        Rectifier("rectified", (2,)),
        Dense("difference", (3,), np.array([[1], [-1]], np.float32), np.array([after], np.float32)),
        Rectifier("output", (4,)),
        Dense("logits", (5,), np.eye(1, dtype=np.float32), np.zeros(1, np.float32)),
    )
    source = "Sundararajan, Taly, Yan 2017, figure 7"
    spec = ModelSpec(f"twin-{name}", name, source, "none", (1, 1), (name,), capability="layers")
    return TensorFlowModel(spec, None, read_graph=lambda: Graph(layers))
