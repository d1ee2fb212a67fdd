"""This engine beside the TensorFlow tutorial's algorithm and Captum: same network, weights, photos and goal.

Run as ``python -m bench.peers``; with ``pip install -r bench/requirements.txt`` Captum takes part. For each of the
pairs of `bench.integrators` (photo, baseline, one of the two most probable classes) it counts the steps with which each
peer reaches a completeness error of at most 1 % and a true map error of at most 5 %, then times all in turn in one run:
to that goal, and at 50 nodes. The engine's own way to the goal is the adaptive integrator. Captum computes with
whichever of its rules needs the fewest gradients on that very pair, and with its fastest batch. It takes an hour and
writes bench/results/peers.json and the README's table.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

import igcore
from bench import integrators
from bench.integrators import STEPS
from bench.keras_efficientnet import build_keras_efficientnet_lite0
from bench.timing import machine_line, save, seconds, spread, write_table
from bench.tutorial import Tutorial
from igcore.agreement import map_distance
from igcore.convergence import climb
from igcore.gradients import integrate
from igcore.models.base import Model
from igcore.paths import StraightPath
from igcore.study import GOAL, REFERENCE

NODES = 50
ENGINE = "this engine"

Array = NDArray[np.float32]
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Pair:
    """A path to explain one class on, its exact change of the score, and a dense reference map.

    `rank` is the class's among the image's scores: 1 for the most probable.
    """

    name: str
    path: StraightPath
    target: int
    rank: int
    difference: float
    reference: Array

    def reached(self, values: NDArray[Any]) -> bool:
        """Whether a map is at the goal."""
        off = abs(float(values.sum(dtype=np.float64)) - self.difference)
        complete = off <= GOAL.completeness * abs(self.difference)
        return complete and map_distance(values, self.reference) <= GOAL.map_error


def main() -> None:
    """Measure all pairs, print the table and write it."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__.split("\n")[0])
    parser.add_argument("--photos", type=int, default=5, help="how many of the bundled photos (default: 5)")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each pair (default: 3)")
    parser.add_argument("--dry", action="store_true", help="print only, write nothing")
    options = parser.parse_args()
    model = igcore.load_model()
    peers = [Tutorial(build_keras_efficientnet_lite0()), *_captum(model)]
    rows = []
    for pair in pairs(model, options.photos):
        rows.append(measured(model, peers, pair, options.runs))
        print(f"{len(rows)}: {told(rows[-1])}", file=sys.stderr, flush=True)
    found = {"pairs": rows, "summary": summary(rows)}
    if len(peers) > 1:
        found["captum batch"] = peers[1].batch
    print(table(found))
    print(machine_line())
    if not options.dry:
        print(f"written: {save('peers', found)} and the README's table")
        write_table("peers", table(found))


def _captum(model: Model) -> list[Any]:
    """Return Captum with its fastest batch, where it is installed."""
    try:
        from bench.captum_peer import BATCHES, Captum
    except ImportError as error:
        print(f"without Captum ({error}); pip install -r bench/requirements.txt brings it", file=sys.stderr)
        return []
    captum = Captum()
    image = igcore.load_image(igcore.PHOTOS["coffee"].path, model.spec.input_size)
    ours, theirs = model.scores(image[None]), captum.scores(image[None])
    if not np.allclose(ours, theirs, atol=1e-4):
        raise SystemExit("the two networks give different scores: there is nothing to compare")
    times: dict[int, list[float]] = {batch: [] for batch in BATCHES}
    for _ in range(3):
        for batch in BATCHES:
            captum.batch = batch
            times[batch].append(seconds(lambda: captum.attribute(image, 0 * image, 0, "gausslegendre", 32)))
    captum.batch = min(times, key=lambda batch: min(times[batch]))
    return [captum]


def pairs(model: Model, photos: int) -> Iterator[Pair]:
    """Go through the pairs of `bench.integrators`."""
    for name, path, target in integrators.pairs(model, photos):
        levels = chain.from_iterable(climb(model, path, target, "probability", 8, REFERENCE))
        dense = next(one for one in levels if (one.integrator, one.steps) == ("trapezoid", REFERENCE))
        ends = model.scores(np.stack([path.image, path.baseline])).astype(np.float64)
        rank = 1 + int((ends[0] > ends[0, target]).sum())
        yield Pair(name, path, target, rank, float(ends[0, target] - ends[1, target]), dense.values)


def needed(model: Model, peers: list[Any], pair: Pair) -> dict[str, tuple[str, int | None]]:
    """Return for each peer the rule that reaches the goal with the fewest steps, and those; None where none does.

    The peers' own nodes and weights are used, and this engine's gradients, since they are quicker; rules share the
    nodes that they have in common.
    """
    found: dict[str, tuple[str, int | None]] = {}
    for steps in STEPS:
        rules = [(peer, rule) for peer in peers if peer.name not in found for rule in peer.rules]
        if not rules:
            break
        quadratures = [peer.nodes_and_weights(rule, steps) for peer, rule in rules]
        nodes, where = np.unique(np.concatenate([own for own, _ in quadratures]), return_inverse=True)
        rows, start = np.zeros((len(rules), nodes.size)), 0
        for row, (own, weights) in zip(rows, quadratures, strict=True):
            row[where[start : start + own.size]] = weights
            start += own.size
        maps = integrate(model, pair.path, nodes, rows, pair.target).attributions
        for (peer, rule), values in zip(rules, maps, strict=True):
            if peer.name not in found and pair.reached(values):
                found[peer.name] = rule, steps
    return {peer.name: found.get(peer.name, (peer.rules[0], None)) for peer in peers}


def measured(model: Model, peers: list[Any], pair: Pair, runs: int) -> Row:
    """Count what each needs on one pair, and time all in turn."""
    image, baseline, target = pair.path.image, pair.path.baseline, pair.target
    adaptive = igcore.IntegratedGradients(baseline, "adaptive")
    fixed = igcore.IntegratedGradients(baseline, "midpoint", NODES)
    images = np.repeat(image[None], NODES, axis=0)

    def forward() -> None:
        for start in range(0, NODES, model.chunk):
            model.scores(images[start : start + model.chunk])

    maps: dict[str, Callable[[], Any]] = {
        f"{ENGINE}: goal": lambda: igcore.explain(model, image, adaptive, target),
        f"{ENGINE}: {NODES}": lambda: igcore.explain(model, image, fixed, target),
        "forward": forward,
    }
    row: Row = {"pair": pair.name, "rank": pair.rank, "need": {}, "rule": {}, "own map at goal": {}}
    needs = needed(model, peers, pair)
    for peer in peers:
        rule, steps = needs[peer.name]
        most = steps or STEPS[-1]
        row["need"][peer.name] = peer.gradient_count(rule, steps) if steps else None
        row["rule"][peer.name] = rule
        own = NODES - peer.gradient_count(rule, 0)
        maps[f"{peer.name}: goal"] = _call(peer, pair, rule, most)
        maps[f"{peer.name}: {NODES}"] = _call(peer, pair, rule, own)
    values = {name: work() for name, work in maps.items()}  # not timed: whatever is compiled is compiled here
    times: dict[str, list[float]] = {name: [] for name in maps}
    for _ in range(runs):
        for name, work in maps.items():
            times[name].append(seconds(work))
    result = values[f"{ENGINE}: goal"]
    row["need"][ENGINE] = result.gradient_count if result.converged else None
    row["own map at goal"] = {ENGINE: pair.reached(result.values)}
    row["own map at goal"] |= {peer.name: pair.reached(values[f"{peer.name}: goal"]) for peer in peers}
    row["seconds"] = {name: spread(each) for name, each in times.items()}
    row["apart"] = _apart(model, peers, pair)
    return row


def _call(peer: Any, pair: Pair, rule: str, steps: int) -> Callable[[], Array]:
    return lambda: peer.attribute(pair.path.image, pair.path.baseline, pair.target, rule, steps)


def _apart(model: Model, peers: list[Any], pair: Pair) -> dict[str, float]:
    """Compare maps of the same 50 nodes, L1 over L1: with each other, and with the network in double precision."""
    tutorial, *others = peers
    nodes, weights = tutorial.nodes_and_weights("trapezoid", NODES - 1)
    ours = integrate(model, pair.path, nodes, weights[None], pair.target).attribution(0)
    theirs = _call(tutorial, pair, "trapezoid", NODES - 1)()
    apart = {f"{ENGINE} from {tutorial.name}": map_distance(ours, theirs)}
    for captum in others:
        exact = captum.in_double(pair.path.image, pair.path.baseline, pair.target, nodes, weights)
        apart |= {f"{ENGINE} from double precision": map_distance(ours, exact)}
        apart |= {f"{tutorial.name} from double precision": map_distance(theirs, exact)}
    return apart


def summary(rows: list[Row]) -> Row:
    """Return medians over all pairs, and ratios to the engine pair by pair; also for each rank of the class."""
    names = [name for name in rows[0]["need"] if name != ENGINE]

    def times(what: str) -> list[float]:
        return [row["seconds"][what]["median"] for row in rows]

    def by_rank(name: str) -> dict[str, float]:
        over: dict[str, list[float]] = {}
        for row, ratio in zip(rows, map(_over, times(f"{name}: goal"), times(f"{ENGINE}: goal")), strict=True):
            over.setdefault(str(row["rank"]), []).append(ratio)
        return {rank: statistics.median(each) for rank, each in sorted(over.items())}

    def entry(name: str) -> Row:
        goal, fixed, needs = times(f"{name}: goal"), times(f"{name}: {NODES}"), [row["need"][name] for row in rows]
        counts = [float("inf") if need is None else need for need in needs]
        typical = float(np.percentile(counts, 50, method="inverted_cdf"))
        return {
            "gradients": None if np.isinf(typical) else int(typical),
            "not reached": sum(need is None for need in needs),
            "seconds to goal": statistics.median(goal),
            f"seconds at {NODES}": statistics.median(fixed),
            "milliseconds a gradient": 1000 * statistics.median(fixed) / NODES,
            "goal over engine": statistics.median(map(_over, goal, times(f"{ENGINE}: goal"))),
            "goal over engine, by class": by_rank(name),
            f"{NODES} over engine": statistics.median(map(_over, fixed, times(f"{ENGINE}: {NODES}"))),
        }

    forward = times("forward")
    each = [row["seconds"]["forward"] for row in rows]
    apart = {key: spread([row["apart"][key] for row in rows]) for key in rows[0]["apart"]}
    return {
        "peers": {name: entry(name) for name in (ENGINE, *names)},
        "milliseconds a forward pass": 1000 * statistics.median(forward) / NODES,
        "gradient over forward pass": statistics.median(map(_over, times(f"{ENGINE}: {NODES}"), forward)),
        "noise": {
            "forward pass, largest over smallest of all": max(one["max"] for one in each)
            / min(one["min"] for one in each),
            "forward pass, largest over smallest within a pair, median": statistics.median(
                one["max"] / one["min"] for one in each
            ),
        },
        "apart at 50 nodes": apart,
    }


def _over(value: float, other: float) -> float:
    return value / other


def told(row: Row) -> str:
    """Write one pair in a line."""
    parts = [f"{name} {row['need'][name]} in {row['seconds'][f'{name}: goal']['median']:.2f} s" for name in row["need"]]
    return f"{row['pair']}: " + ", ".join(parts)


def table(found: Row) -> str:
    """Write the summary as a table in Markdown."""
    all_of = found["summary"]
    goal = f"{100 * GOAL.completeness:g} % completeness and {100 * GOAL.map_error:g} % map error"
    lines = [
        f"| {len(found['pairs'])} pairs | gradients to {goal} | seconds | over ours (by class) "
        f"| seconds at {NODES} nodes | over ours | ms a gradient |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, entry in all_of["peers"].items():
        count = entry["gradients"] if entry["gradients"] is not None else f"more than {STEPS[-1]}"
        missed = f" (not by {STEPS[-1]}: {entry['not reached']})" if entry["not reached"] else ""
        ranks = ", ".join(f"{rank}: {ratio:.1f}" for rank, ratio in entry["goal over engine, by class"].items())
        lines.append(
            f"| {name} | {count}{missed} | {entry['seconds to goal']:.2f} "
            f"| {entry['goal over engine']:.1f} × ({ranks}) | {entry[f'seconds at {NODES}']:.2f} "
            f"| {entry[f'{NODES} over engine']:.2f} × | {entry['milliseconds a gradient']:.1f} |"
        )
    noise = all_of["noise"]["forward pass, largest over smallest within a pair, median"]
    lines += [
        "",
        "Medians; class 1 is the most probable one of a photo, 2 the next. "
        f"A forward pass takes {all_of['milliseconds a forward pass']:.1f} ms, so a gradient of this engine costs "
        f"{all_of['gradient over forward pass']:.2f} of them. Of the same work the slowest run took {noise:.2f} "
        f"times the fastest on a typical pair.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    started = time.perf_counter()
    main()
    print(f"{(time.perf_counter() - started) / 60:.0f} minutes")
