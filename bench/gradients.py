"""What a gradient costs over a forward pass, by chunk size and chunks in flight, and what memory it takes.

Run as ``python -m bench.gradients``, with ``--model`` for any model of the catalogue. Everything is timed in turn in
one run, so that a machine whose speed drifts slows all alike; each ratio is that of a run to the forward passes of the
same run, called one after another in chunks of the same size. An input gradient cannot cost less than about one more
forward pass. Where the model's layers are open, the network as it comes is timed, too: closed, as a SavedModel is.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import igcore
from bench.timing import machine_line, save, seconds, spread
from igcore.in_flight import IN_FLIGHT, in_order
from igcore.models import DEFAULT_MODEL
from igcore.models.base import Model
from igcore.models.network import TensorFlowModel

IMAGES = 48
CHUNKS = (1, 2, 4, 8, 16)
NODES = (50, 300, 1000)

MEMORY = r"""
import re, sys, igcore
model = igcore.load_model(sys.argv[1])
image = igcore.load_image(igcore.PHOTOS["coffee"].path, model.spec.input_size)
igcore.explain(model, image, igcore.IntegratedGradients("black", "midpoint", int(sys.argv[2])), 0)
# Not getrusage: what that tells of a new process includes the one that started it.
print(re.search(r"VmHWM:\s*(\d+) kB", open("/proc/self/status").read())[1])
"""


def main() -> None:
    """Measure, print and write bench/results/gradients.json."""
    parser = argparse.ArgumentParser(prog="python -m bench.gradients", description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--dry", action="store_true", help="print only, write nothing")
    options = parser.parse_args()
    model = igcore.load_model(options.model)
    found: dict[str, Any] = {"model": options.model, "as the engine runs it": costs(model, options.runs)}
    print(f"{model.spec.title}: {IMAGES} images or nodes, {options.runs} runs in turn; the engine takes {model.chunk}")
    print(table(found["as the engine runs it"]))
    closed = as_it_comes(model)
    if closed is not None:
        found["as the network comes"] = costs(closed, options.runs, (model.chunk,))
        print("the network as it comes, closed:")
        print(table(found["as the network comes"]))
    found["peak memory in MB"] = {nodes: memory(options.model, nodes) for nodes in NODES}
    print(
        "peak memory: " + ", ".join(f"{size:.0f} MB at {n:,} nodes" for n, size in found["peak memory in MB"].items())
    )
    print(machine_line())
    if not options.dry:
        print(f"written: {save('gradients', found)}")


def as_it_comes(model: TensorFlowModel) -> TensorFlowModel | None:
    """Return the network without its layers, the way a user of TensorFlow calls it."""
    network = model.network
    if model.spec.key == DEFAULT_MODEL:
        from bench.keras_efficientnet import build_keras_efficientnet_lite0

        network = build_keras_efficientnet_lite0()
    if network is None or model.spec.capability != "layers":
        return None
    return TensorFlowModel(model.spec, lambda images: network(images, training=False), network, model.chunk)


def costs(model: Model, runs: int, chunks: tuple[int, ...] = CHUNKS) -> dict[str, Any]:
    """Time forward passes and gradients of every chunk size, and gradients with every number of chunks in flight."""
    image = igcore.load_image(igcore.PHOTOS["coffee"].path, model.spec.input_size)
    alphas = np.linspace(0, 1, IMAGES, dtype=np.float32)
    points = alphas[:, None, None, None] * image
    target = int(model.scores(image[None])[0].argmax())

    def score(start: int, chunk: int) -> None:
        model.scores(points[start : start + chunk])

    def weigh(start: int, chunk: int) -> None:
        some = alphas[start : start + chunk]
        model.path_chunk(0 * image, image, some, np.ones((1, some.size), np.float32), target, "probability")

    work: dict[str, Callable[[], object]] = {}
    for chunk in chunks:
        starts = range(0, IMAGES, chunk)
        work[f"forward, chunk {chunk}"] = partial(_all, partial(score, chunk=chunk), starts, 1)
        for flying in range(1, IN_FLIGHT + 1):
            name = f"gradient, chunk {chunk}, {flying} in flight"
            work[name] = partial(_all, partial(weigh, chunk=chunk), starts, flying)
    times: dict[str, list[float]] = {name: [] for name in work}
    for run in range(runs + 1):
        for name, each in work.items():
            taken = 1000 * seconds(each) / IMAGES
            if run:  # in the first everything is compiled
                times[name].append(taken)
    found: dict[str, Any] = {name: spread(several) for name, several in times.items()}
    for name, several in times.items():
        if name.startswith("gradient"):
            forward = times[f"forward, {name.split(', ')[1]}"]
            found[name]["over forward"] = median(one / other for one, other in zip(several, forward, strict=True))
    return found


def _all(work: Callable[[int], None], starts: range, flying: int) -> None:
    for _ in in_order(work, starts, flying):
        pass


def table(found: dict[str, Any]) -> str:
    """Write times as lines."""
    lines = []
    for name, each in found.items():
        ratio = f"   {each['over forward']:.2f} forward passes" if "over forward" in each else ""
        lines.append(f"  {name:<34}{each['median']:6.2f} ms (from {each['min']:.2f} to {each['max']:.2f}){ratio}")
    return "\n".join(lines)


def memory(model: str, nodes: int) -> float:
    """Return the largest memory in MB of a process that explains one image."""
    command = [sys.executable, "-c", MEMORY, model, str(nodes)]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    return int(done.stdout) / 1024


if __name__ == "__main__":
    main()
