"""What an explanation costs over the forward passes of as many images.

Run as ``python -m bench.gradients``. The two are timed in turn in one run, so that a machine whose speed drifts
slows both; the ratio of the medians is what counts. An input gradient needs at least about one more forward pass.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np

import igcore
from igcore.models import DEFAULT_MODEL

NODES = 50


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Time both in turn and print medians, spreads and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m bench.gradients", description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    model = igcore.load_model(options.model)
    image = igcore.load_image(igcore.PHOTOS["coffee"].path, model.spec.input_size)
    method = igcore.IntegratedGradients("black", "midpoint", NODES)
    target = int(model.scores(image[None])[0].argmax())
    images = np.repeat(image[None], NODES, axis=0)

    def forward() -> None:
        for start in range(0, NODES, model.chunk):
            model.scores(images[start : start + model.chunk])

    def explanation() -> None:
        igcore.explain(model, image, method, target)

    forward()
    explanation()
    pairs = [(seconds(forward), seconds(explanation)) for _ in range(options.runs)]
    print(f"{model.spec.title}, {NODES} images or nodes in chunks of {model.chunk}, {options.runs} runs in turn")
    versions = f"TensorFlow {version('tensorflow')}, Python {platform.python_version()}"
    print(f"{os.cpu_count()} cores, {platform.machine()}, {versions}")
    for name, times in zip(("forward", "explanation"), zip(*pairs, strict=True), strict=True):
        each = [1000 * value / NODES for value in times]
        print(f"{name:<12} {statistics.median(each):6.1f} ms each (from {min(each):.1f} to {max(each):.1f})")
    ratios = [explained / forwarded for forwarded, explained in pairs]
    print(f"{'ratio':<12} {statistics.median(ratios):6.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
