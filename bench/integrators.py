"""How many gradients each integrator needs, over bundled photos, baselines and classes.

Run as ``python -m bench.integrators``. For each pair of photo, baseline and class, every integrator's map is compared
with a dense reference of 1,025 nodes. What counts is the smallest number of gradients with which the completeness
error is at most 1 % and the map's true error at most 5 %, both relative. The adaptive integrator stops by itself; where
it says that it is within its tolerances, that is checked. The two forward passes that score both ends are counted
where they are taken.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

import igcore
from bench.timing import machine_line
from igcore.agreement import map_distance
from igcore.baselines import as_baseline
from igcore.convergence import Measured, climb, measure
from igcore.files import write_whole
from igcore.models.base import Model
from igcore.paths import StraightPath
from igcore.study import GOAL, REFERENCE

BASELINES = ("black", "white", "blur", "uniform-noise")
CLASSES = 2
#: Steps that are tried: half-octaves from 8 to 512.
STEPS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
#: A forward pass costs about 0.5 of a gradient (bench.gradients).
FORWARD = 0.5
#: A fixed integrator scores both ends by themselves; the adaptive one has them among its nodes.
ENDS = 2 * FORWARD

Row = dict[str, Any]


def main() -> None:
    """Measure all pairs and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.integrators", description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=5, help="how many of the bundled photos (default: 5)")
    parser.add_argument("--json", metavar="FILE", help="write what was measured for each pair")
    options = parser.parse_args()
    model = igcore.load_model()
    started = time.perf_counter()
    rows: list[Row] = []
    for name, path, target in pairs(model, options.photos):
        rows.append({"pair": name, **needs(model, path, target)})
        told = f"{len(rows)}: {name}, adaptive {rows[-1]['adaptive']['gradients']}, "
        print(told + f"trapezoid {rows[-1]['need']['trapezoid']}", file=sys.stderr, flush=True)
        if options.json:
            write_whole(options.json, json.dumps(rows, indent=1).encode())
    report(rows)
    print(f"{len(rows)} pairs in {(time.perf_counter() - started) / 60:.0f} minutes; {machine_line()}")


def pairs(model: Model, photos: int) -> Iterator[tuple[str, StraightPath, int]]:
    """Go through photos, baselines and the most probable classes."""
    for photo in list(igcore.PHOTOS)[:photos]:
        image = igcore.load_image(igcore.PHOTOS[photo].path, size=model.spec.input_size)
        classes = model.scores(image[None])[0].argsort()[::-1][:CLASSES]
        for key in BASELINES:
            path = StraightPath(as_baseline(key).make(image, 0), image)
            for target in classes:
                yield f"{photo}, {key}, {model.spec.label(int(target))}", path, int(target)


def needs(model: Model, path: StraightPath, target: int) -> Row:
    """Measure one pair."""
    levels = list(chain.from_iterable(climb(model, path, target, "probability", 8, REFERENCE)))
    reference = next(one.values for one in levels if (one.integrator, one.steps) == ("trapezoid", REFERENCE))
    # Midpoints on 384 steps come with the trapezoid on twice as many.
    levels += chain.from_iterable(climb(model, path, target, "probability", 12, 2 * STEPS[-2]))
    scores = model.scores(np.stack([path.image, path.baseline]))[:, target]
    difference = float(scores[0]) - float(scores[1])
    found: dict[str, list[Measured]] = {
        key: [one for one in levels if one.integrator == key and one.steps in STEPS]
        for key in ("left", "right", "midpoint", "trapezoid", "simpson")
    }
    for key in ("gauss-legendre", "monte-carlo"):
        found[key] = []
        for steps in STEPS:
            found[key].append(measure(model, path, target, "probability", key, steps))
            if steps >= 128 and good(found[key][-1], reference, difference):
                break
    row: Row = {"need": {}, "corrected": {}, "ratio": {}, "difference": difference}
    for key, several in found.items():
        several.sort(key=lambda one: one.steps)
        error = {one.steps: map_distance(one.values, reference) for one in several}
        row["need"][key] = next((one.gradients for one in several if good(one, reference, difference)), None)
        row["corrected"][key] = next((one.gradients for one in several if error[one.steps] <= GOAL.map_error), None)
        row["ratio"][key] = [
            one.estimate / error[one.steps] for one in several if 32 <= one.steps <= 256 and one.estimate is not None
        ]
    row["adaptive"] = adaptive(model, path, target, reference)
    return row


def good(one: Measured, reference: NDArray[np.float32], difference: float) -> bool:
    """Whether a fixed integrator reached the goal."""
    complete = abs(one.sum - difference) <= GOAL.completeness * abs(difference)
    return complete and map_distance(one.values, reference) <= GOAL.map_error


def adaptive(model: Model, path: StraightPath, target: int, reference: NDArray[np.float32]) -> Row:
    """Let the adaptive integrator stop by itself, and check what it says."""
    method = igcore.IntegratedGradients(path.baseline, "adaptive")
    result = igcore.explain(model, path.image, method, target)
    truth = map_distance(result.values, reference)
    relative = result.relative_completeness_error
    kept = truth <= method.map_tolerance and (relative is None or relative <= method.tolerance)
    return {
        "gradients": result.gradient_count,
        "forwards": result.forward_count,
        "converged": result.converged,
        "kept": bool(kept),
        "error": truth,
        "ratio": (result.map_error or 0.0) / truth,
        "correction": abs(result.correction or 0.0) / abs(result.score_difference or 1.0),
    }


def report(rows: list[Row]) -> None:
    """Print medians, 90th percentiles, and what the adaptive integrator saves."""
    goal = f"completeness error ≤ {GOAL.completeness:.0%} and true map error ≤ {GOAL.map_error:.0%}"
    print(f"Cost in gradients (a forward pass is 0.5) to {goal}, {len(rows)} pairs")
    print(f"{'':<16}{'median':>8}{'90 %':>8}{'not by 512':>12}   corrected: median, 90 %   estimate / true map error")
    costs = {key: [_cost(row["need"][key]) for row in rows] for key in rows[0]["need"]}
    corrected = {key: [_cost(row["corrected"][key]) for row in rows] for key in rows[0]["need"]}
    own = [row["adaptive"] for row in rows]
    costs["adaptive"] = [
        one["gradients"] + FORWARD * one["forwards"] if one["converged"] else float("inf") for one in own
    ]
    for key, values in costs.items():
        ratios = [ratio for row in rows for ratio in row["ratio"].get(key, [])] or [one["ratio"] for one in own]
        low, middle, high = np.percentile(ratios, [5, 50, 95])
        within = np.mean([0.75 <= ratio <= 1.25 for ratio in ratios])
        missing = sum(np.isinf(value) for value in values)
        aside = f"{shown(corrected[key], 50):>11}{shown(corrected[key], 90):>8}" if key in corrected else " " * 19
        print(
            f"{key:<16}{shown(values, 50):>8}{shown(values, 90):>8}{missing:>12}   {aside:<23}   "
            f"{middle:.2f} ({low:.2f} to {high:.2f}; within 25 %: {within:.0%})"
        )
    for other in ("trapezoid", "gauss-legendre"):
        shares = [share(costs["adaptive"], costs[other], percent) for percent in (50, 90)]
        print(f"adaptive over {other}: {shares[0]} at the median, {shares[1]} at the 90th percentile")
    stopped = [one for one in own if one["converged"]]
    kept = sum(one["kept"] for one in stopped)
    worst = max(one["error"] for one in stopped)
    print(
        f"adaptive says that it converged on {len(stopped)} of {len(own)}; true on {kept} (worst map error {worst:.1%})"
    )


def _cost(need: int | None) -> float:
    """Return what a fixed integrator took in gradients; infinite where it did not reach the goal."""
    return float("inf") if need is None else need + ENDS


def at_percentile(values: list[float], percent: float) -> float:
    """Return a percentile of costs."""
    return float(np.percentile(values, percent, method="inverted_cdf"))


def share(values: list[float], others: list[float], percent: float) -> str:
    """Write one percentile of costs over another."""
    own, other = at_percentile(values, percent), at_percentile(others, percent)
    return f"less than {own / STEPS[-1]:.2f}" if np.isinf(other) else f"{own / other:.2f}"


def shown(values: list[float], percent: float) -> str:
    """Write a percentile of costs."""
    value = at_percentile(values, percent)
    return "> 512" if np.isinf(value) else f"{value:.0f}"


if __name__ == "__main__":
    main()
