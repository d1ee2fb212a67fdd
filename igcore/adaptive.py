"""The adaptive integrator: gradients where the integrand changes most, until the map's own error is small.

It starts from an even grid and halves the panels in which the attribution changes most between the two ends, or in
which the score, known exactly at both ends, moved most without the gradients telling it. The map is the trapezoid sum
over all nodes. Its error is estimated from the same sum over every second node, for no gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from igcore.errors import Cancelled
from igcore.gradients import PathSums, node_gradients
from igcore.in_flight import evenly, in_order
from igcore.models.base import Model, Of
from igcore.node_grid import NodeGrid
from igcore.paths import StraightPath

__all__ = ["FIRST_GRID", "SAFETY", "Limits", "Refined", "refine"]

#: Nodes of the even grid that it starts from; every round then halves up to so many panels, and among them so many
#: because of their completeness error, whatever their change. One costs no gradient more on average, halves what is
#: left to correct, and finds a jump of the score that no gradient shows.
FIRST_GRID, ROUND, BY_SCORE = 9, 8, 1

#: A round shortly before the end is no larger than what is still expected, but not smaller than this: smaller chunks
#: cost more for each gradient. On the pairs of bench.integrators it saves 5 % of the time.
LEAST = 4

#: The error falls about like the gradients' number to this power.
ORDER = 2.0

#: The estimate scatters by some percent about the truth; stopping this much below the tolerance keeps the promise.
SAFETY = 1.075

#: What a tolerance of zero counts as where it is divided by.
TINY = 1e-9

#: Gradients that are kept; the panels between those let go are not halved any more.
HELD = 256

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """When to stop.

    Attributes
    ----------
    map_tolerance : float
        Of the map's estimated error, L1 over L1.
    tolerance : float
        With `corrected`, of the panels' completeness errors, summed up without sign, over the map's L1 norm: what a
        correction may at most have put there. Without, of the whole sum's completeness error over |F(x) − F(x′)|.
    corrected : bool
        Whether the map will be corrected, so that it is complete by construction.
    max_gradients : int
        `FIRST_GRID` or more.
    """

    map_tolerance: float
    tolerance: float
    corrected: bool
    max_gradients: int


@dataclass(frozen=True, slots=True, eq=False)
class Refined:
    """The map after a round.

    Attributes
    ----------
    sums : PathSums
        With one row; its first and last score are those of the path's ends.
    weights : (n,) float64
    map_error : float
        Estimated.
    converged : bool
        Whether all tolerances hold.
    expected : int
        Gradients that it may take in all, guessed from the error's fall.
    """

    sums: PathSums
    weights: Array
    map_error: float
    converged: bool
    expected: int


def refine(
    model: Model,
    path: StraightPath,
    target: int,
    of: Of,
    limits: Limits,
    on_round: Callable[[Refined], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Refined:
    """Take gradients until the limits' tolerances hold, no panel can be halved, or their number is spent.

    Parameters
    ----------
    model : Model
    path : StraightPath
    target : int
    of : {"probability", "logit"}
    limits : Limits
    on_round : callable, optional
        Told after each round but the last.
    should_stop : callable, optional
        Asked before each chunk.

    Returns
    -------
    Refined

    Raises
    ------
    Cancelled
        Where `should_stop` said so.
    ModelError
        Where a gradient is not finite.
    """
    grid = NodeGrid(path)
    nodes = np.linspace(0, 1, FIRST_GRID)
    while True:
        seen = in_order(lambda part: node_gradients(model, path, part, target, of), evenly(nodes, model.chunk))
        for part in seen:
            if should_stop is not None and should_stop():
                raise Cancelled(f"stopped after {grid.count} gradients")
            grid.take(part)
        map_error, incomplete = grid.errors(limits.corrected)
        converged = SAFETY * map_error <= limits.map_tolerance and incomplete <= limits.tolerance
        # Before the next nodes are chosen: a node that is let go keeps its weight, so its panels may not be halved.
        grid.let_go(HELD)
        off = max(SAFETY * map_error / max(limits.map_tolerance, TINY), incomplete / max(limits.tolerance, TINY))
        nodes = grid.next_nodes(min(_round(grid.count, off), limits.max_gradients - grid.count), BY_SCORE)
        if converged or not nodes.size:
            return Refined(*grid.sums(), map_error, converged, grid.count)
        if on_round is not None:
            expected = int(grid.count * min(map_error / max(limits.map_tolerance, TINY), limits.max_gradients))
            expected = min(max(expected, grid.count + nodes.size), limits.max_gradients)
            on_round(Refined(*grid.sums(), map_error, converged, expected))


def _round(count: int, off: float) -> int:
    """Return how many panels to halve next where the error is `off` times what is allowed: as many as may suffice.

    An even number, so that each of two calls in flight gets as many.
    """
    left = min(count * (off ** (1 / ORDER) - 1), ROUND)
    return max(2 * math.ceil(left / 2), LEAST)
