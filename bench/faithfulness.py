"""How far every method is ahead of chance, and of the photo's edges, by deletion and insertion.

Run as ``python -m bench.faithfulness``. Each method with its own settings explains the top class of each bundled photo;
its map is then tested as `igcore.evaluate` does, read both ways: what speaks for the class first, and the largest sizes
first. More than 0 is better than the mean of five random maps, whichever direction the metric has. What stands behind ±
is the standard deviation over the photos; the row of the random maps has their own standard deviation about their mean.
It writes ``bench/results/faithfulness.json`` and the README's table, unless ``--dry`` is given.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

import igcore
from bench.timing import machine_line, save, write_table
from igcore.explanation import as_task
from igcore.methods import METHODS
from igcore.metrics import ORDERS, Case, Deletion, Insertion, Order
from igcore.metrics.controls import EdgeControl, RandomControl, controls
from igcore.photos import PHOTOS

TESTS = {"deletion": -1, "insertion": 1}

#: What a cell says, by test and order: ahead of random and of edges, a number for each photo.
Ahead = dict[str, dict[str, list[float]]]


def main() -> None:
    """Test all methods on all photos, print a table, and keep it."""
    parser = argparse.ArgumentParser(prog="python -m bench.faithfulness", description=__doc__.split("\n")[0])
    parser.add_argument("--methods", nargs="+", default=list(METHODS), metavar="KEY")
    parser.add_argument("--photos", nargs="+", default=list(PHOTOS), metavar="KEY")
    parser.add_argument("--fill", default="blur", help="what removed parts show (default: blur)")
    parser.add_argument("--patch", type=int, default=8, help="side of what is removed together, in pixels (default: 8)")
    parser.add_argument("--dry", action="store_true", help="write no file")
    options = parser.parse_args()
    model = igcore.load_model()
    found: dict[str, Ahead] = {key: {} for key in (*options.methods, "random", "edges")}
    for name in options.photos:
        image = igcore.load_image(PHOTOS[name].path, model.spec.input_size)
        photo = _Photo(model, image, Deletion(options.patch, options.fill), Insertion(options.patch, options.fill))
        for key in options.methods:
            photo.add(found[key], igcore.explain(model, image, key, photo.task.target).values)
        for control in controls(0):
            if isinstance(control, RandomControl):
                photo.add(found["random"], control.values(image))
            elif isinstance(control, EdgeControl):
                photo.add(found["edges"], control.values(image))
        print(f"{name}: {photo.task.model.spec.label(photo.task.target)}", flush=True)
    told = table(found)
    print(f"\n{told}\n\n{machine_line()}")
    if not options.dry:
        facts = {"fill": options.fill, "patch": options.patch, "photos": options.photos, "ahead": found}
        print(f"written: {save('faithfulness', facts)}")
        write_table("faithfulness", told)


class _Photo:
    """One photo with its controls measured."""

    def __init__(self, model: Any, image: NDArray[np.float32], *metrics: Deletion | Insertion) -> None:
        self.task = as_task(model, image)
        self.metrics = metrics
        self.prepared = {metric.key: metric.prepare(Case(self.task)) for metric in metrics}
        made = controls(0)
        self.random = [self.areas(one.values(image), "signed") for one in made if isinstance(one, RandomControl)]
        self.edges = self.areas(EdgeControl().values(image), "signed")

    def areas(self, values: NDArray[np.floating], order: Order) -> dict[str, float]:
        """Return a map's area by each test."""
        case = Case(self.task, order=order)
        return {
            one.key: one.measure(case, self.prepared[one.key], values, lambda image: image).value
            for one in self.metrics
        }

    def add(self, ahead: Ahead, values: NDArray[np.floating]) -> None:
        """Add how far a map is ahead of the controls on this photo."""
        for order in ORDERS:
            areas = self.areas(values, order)
            for key, sign in TESTS.items():
                chance = float(np.mean([one[key] for one in self.random]))
                cell = ahead.setdefault(f"{key} {order}", {"random": [], "edges": []})
                cell["random"].append(sign * (areas[key] - chance))
                cell["edges"].append(sign * (areas[key] - self.edges[key]))


def table(found: dict[str, Ahead]) -> str:
    """Write the table, the methods that are furthest ahead by insertion first."""
    head = [
        *("method", "deletion: over random", "over edges", "insertion: over random", "over edges"),
        *("by size: deletion over random", "insertion over random"),
    ]
    keys = sorted((key for key in found if key in METHODS), key=lambda key: -_mean(found[key], "insertion signed"))
    lines = [f"| {' | '.join(head)} |", "|---|" + "---|" * (len(head) - 1)]
    for key in [*keys, "edges", "random"]:
        ahead = found[key]
        cells = [
            _told(ahead[f"{test} {order}"][over])
            for test, order, over in (
                *((test, "signed", over) for test in TESTS for over in ("random", "edges")),
                *((test, "absolute", "random") for test in TESTS),
            )
        ]
        name = {"edges": "edges of the photo", "random": "random maps"}.get(key, f"`{key}`")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mean(ahead: Ahead, cell: str) -> float:
    return float(np.mean(ahead[cell]["random"]))


def _told(values: list[float]) -> str:
    """Write mean and spread over the photos; of the random maps, over all of them."""
    spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
    mean = float(np.mean(values))
    return f"{0.0 if abs(mean) < 5e-4 else mean:+.3f} ± {spread:.3f}"


if __name__ == "__main__":
    main()
