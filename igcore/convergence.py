"""How integrators converge on one path: their maps at growing numbers of steps.

Left, right, trapezoid and Simpson on m steps follow from the trapezoid map, its half and the gradients at both ends,
and a trapezoid on 2m steps is the mean of the trapezoid and the midpoint on m. So one climb from few steps to a dense
reference gives five integrators at every doubling, and costs the last level's gradients only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from igcore.adaptive import Limits, Refined, refine
from igcore.agreement import map_distance
from igcore.errors import InputError
from igcore.gradients import PathSums, integrate
from igcore.integrators import FIXED
from igcore.models.base import Model, Of
from igcore.paths import StraightPath

__all__ = ["Measured", "climb", "measure", "rounds"]

Array = NDArray[np.float64]
OnChunk = Callable[[int], None]
ShouldStop = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Measured:
    """One integrator's map at one number of steps.

    Attributes
    ----------
    integrator : str
    steps, gradients : int
    values : (H, W, 3) float32
    sum : float
        Before any correction.
    estimate : float or None
        The integrator's own estimate of the map's error.
    """

    integrator: str
    steps: int
    gradients: int
    values: NDArray[np.float32]
    sum: float
    estimate: float | None


def climb(
    model: Model,
    path: StraightPath,
    target: int,
    of: Of,
    first: int,
    last: int,
    on_chunk: OnChunk | None = None,
    should_stop: ShouldStop | None = None,
) -> Iterator[list[Measured]]:
    """Double the steps from `first` to `last`; yield at each level all integrators that it completes.

    Parameters
    ----------
    model, path, target, of, should_stop
        As in `igcore.gradients.integrate`.
    first : int
        Even; the climb itself begins with half of it.
    last : int
        `first` times a power of two.
    on_chunk : callable, optional
        Told the gradients taken by each chunk.

    Yields
    ------
    list of Measured
        Midpoint on half the level's steps; left, right, trapezoid and Simpson on all of them.
    """
    if first % 2 or first < 2 or last < first or math.log2(last / first) % 1:
        raise InputError(f"steps go from {first} to {last}; expected an even number and that times a power of two")

    def maps(nodes: Array, rows: Array) -> NDArray[np.floating]:
        return integrate(model, path, nodes, rows, target, of, _counted(on_chunk), should_stop).attributions

    steps = first // 2
    start = FIXED["trapezoid"].panels(steps)
    ends = np.zeros((2, steps + 1))
    ends[0, 0] = ends[1, -1] = 1
    whole, at_baseline, at_image = maps(start.nodes, np.concatenate([start.node_weights[None], ends]))
    slope = (at_baseline - at_image) / 2
    half = {"trapezoid": whole, "left": whole + slope / steps, "right": whole - slope / steps}
    while steps < last:
        between = FIXED["midpoint"].panels(steps)
        merged = between.merged_weights()
        rows = between.node_weights[None] if merged is None else np.stack([between.node_weights, merged])
        middle, *coarse = maps(between.nodes, rows)
        found = [_measured("midpoint", steps, middle, coarse[0] if coarse else None)] if steps >= first else []
        steps *= 2
        whole = (half["trapezoid"] + middle) / 2
        level = {"left": whole + slope / steps, "right": whole - slope / steps, "trapezoid": whole}
        level["simpson"] = (4 * whole - half["trapezoid"]) / 3
        yield found + [_measured(key, steps, values, half.get(key)) for key, values in level.items()]
        half = level


def measure(
    model: Model,
    path: StraightPath,
    target: int,
    of: Of,
    key: str,
    steps: int,
    seed: int = 0,
    on_chunk: OnChunk | None = None,
    should_stop: ShouldStop | None = None,
) -> Measured:
    """Take one fixed integrator's map at one number of steps."""
    panels = FIXED[key].panels(steps, seed)
    merged = panels.merged_weights()
    rows = panels.node_weights[None] if merged is None else np.stack([panels.node_weights, merged])
    sums = integrate(model, path, panels.nodes, rows, target, of, _counted(on_chunk), should_stop)
    values, *coarse = sums.attributions
    return _measured(key, steps, values, coarse[0] if coarse else None)


def rounds(
    model: Model,
    path: StraightPath,
    target: int,
    of: Of,
    most: int,
    on_chunk: OnChunk | None = None,
    should_stop: ShouldStop | None = None,
) -> Iterator[Measured]:
    """Let the adaptive integrator go on past its tolerances up to `most` gradients; give its map after each round.

    `on_chunk` is told the gradients of each round.
    """
    seen: list[Measured] = []

    def on_round(round_: Refined) -> None:
        values = round_.sums.attribution(0)
        count = round_.sums.alphas.size
        if on_chunk is not None:
            on_chunk(count - (seen[-1].gradients if seen else 0))
        seen.append(
            Measured("adaptive", count, count, values.astype(np.float32), float(values.sum()), round_.map_error)
        )

    on_round(refine(model, path, target, of, Limits(0, 0, True, most), on_round, should_stop))
    yield from seen


def _counted(on_chunk: OnChunk | None) -> Callable[[PathSums], None] | None:
    """Turn a report of all nodes so far into one of each chunk's."""
    if on_chunk is None:
        return None
    before = 0

    def told(sums: PathSums) -> None:
        nonlocal before
        on_chunk(sums.alphas.size - before)
        before = sums.alphas.size

    return told


def _measured(key: str, steps: int, values: NDArray[np.floating], coarse: NDArray[np.floating] | None) -> Measured:
    estimate = None if coarse is None else map_distance(coarse, values) / FIXED[key].coarse_ratio
    gradients = steps + (key in ("trapezoid", "simpson"))
    return Measured(key, steps, gradients, values.astype(np.float32), float(values.sum()), estimate)
