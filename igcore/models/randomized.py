"""The embedded network with its weights shuffled: it has learned nothing.

References
----------
Adebayo et al., Sanity Checks for Saliency Maps, 2018, section 4.1: a map that hardly changes when the weights do cannot
tell what the model has learned.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from igcore.models.base import ModelSpec
from igcore.models.efficientnet_lite import build_efficientnet_lite0, read_weights, weight_file
from igcore.models.network import TensorFlowModel

__all__ = ["randomized_efficientnet_lite0"]


@lru_cache(maxsize=1)
def randomized_efficientnet_lite0(spec: ModelSpec, seed: int = 0) -> TensorFlowModel:
    """Build the embedded network with the numbers of each convolution and of the last layer in random order.

    Shuffled, each layer keeps the distribution of its weights; normalizations stay as they were trained.

    Parameters
    ----------
    spec : ModelSpec
        Of the trained network, whose class names it shares.
    seed : int
    """
    rng = np.random.default_rng(seed)
    weights = {
        name: rng.permutation(values.ravel()).reshape(values.shape) if values.ndim > 1 else values
        for name, values in read_weights(weight_file()).items()
    }
    graph = build_efficientnet_lite0(weights)
    # The digest is of the weights as they were trained.
    return TensorFlowModel(replace(spec, key=f"{spec.key}-randomized", sha256=""), None, read_graph=lambda: graph)
