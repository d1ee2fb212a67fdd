"""What every attribution method costs, and how much of its map lies on the object.

Run as ``python -m bench.methods``. Each method explains the top class of two photos with its own settings; then the
attribution per pixel inside a box drawn by hand around the object is set against that outside. More than 1 says that
the map prefers the object, which a reader may expect; it does not say that the map is right, since the network may
well look at what surrounds the object.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

import igcore
from bench.timing import machine_line
from igcore.heatmaps import heat_map
from igcore.methods import METHODS
from igcore.speed import measure_speed

#: Around the cup with its handle and around the motorcycle: left, top, right, bottom, in pixels of 224 × 224.
BOXES = {"coffee": (41, 10, 173, 172), "motorcycle": (0, 34, 224, 202)}


def main() -> None:
    """Print a table with one row a method."""
    parser = argparse.ArgumentParser(prog="python -m bench.methods", description=__doc__.split("\n")[0])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), metavar="KEY")
    options = parser.parse_args()
    model = igcore.load_model()
    model.graph  # noqa: B018 # read once, and not in the first layer-wise method's time
    size = model.spec.input_size
    images = {name: igcore.load_image(igcore.PHOTOS[name].path, size) for name in BOXES}
    pace = measure_speed(model)
    print(machine_line())
    print(f"forward pass {pace.forward * 1e3:.1f} ms, gradient {pace.gradient * 1e3:.1f} ms an image in chunks")
    print(f"\n| method | cost | seconds | expected | {' | '.join(f'{name}: inside / outside' for name in BOXES)} |")
    print("|---|---|---|---|" + "---|" * len(BOXES))
    for key in options.methods:
        settings = METHODS[key].settings()
        cost = settings.cost(size)
        results = {name: igcore.explain(model, image, settings) for name, image in images.items()}
        seconds = np.mean([result.seconds for result in results.values()])
        ratios = [inside_over_outside(result.values, BOXES[name]) for name, result in results.items()]
        told = " | ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"| `{key}` | {cost} | {seconds:.2f} | {pace.seconds(cost):.2f} | {told} |", flush=True)


def inside_over_outside(values: NDArray[np.float32], box: tuple[int, int, int, int]) -> float:
    """Return the mean size of a pixel's attribution inside a box over the mean outside it."""
    left, top, right, bottom = box
    heat = heat_map(values).astype(np.float64)
    inside = np.zeros(heat.shape, bool)
    inside[top:bottom, left:right] = True
    return float(heat[inside].mean() / heat[~inside].mean())


if __name__ == "__main__":
    main()
