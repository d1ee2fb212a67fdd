"""Local errors: how far each panel's sum is from the change of the score over it, which scores tell exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError
from igcore.integrators import FIXED
from igcore.models.base import Model
from igcore.paths import StraightPath
from igcore.quadrature import Panels, between_nodes
from igcore.results import Attribution

__all__ = ["LocalErrors", "measure_local_errors"]

Array = NDArray[np.float64]

#: Points of a path that are made and scored at once.
AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class LocalErrors:
    """What went wrong where on a path.

    Attributes
    ----------
    edges : (P + 1,) float64
        Ends of the panels, ascending from 0 to 1.
    scores : (P + 1,) float64
        F at each of them.
    errors : (P,) float64
        The quadrature's sum over each panel minus the change of F over it. They sum to the completeness error before
        any correction.
    forward_passes : int
        Spent on edges at which the integrator has no node.
    """

    edges: Array
    scores: Array
    errors: Array
    forward_passes: int

    @property
    def hardest(self) -> tuple[float, float, float]:
        """The panel of the largest error: its ends, and its share of all errors' sizes, from 0 to 1."""
        sizes = np.abs(self.errors)
        at = int(sizes.argmax())
        total = sizes.sum()
        return float(self.edges[at]), float(self.edges[at + 1]), float(sizes[at] / total) if total else 0.0


def measure_local_errors(model: Model, attribution: Attribution) -> LocalErrors:
    """Compare each panel of a finished attribution with the exact change of the score over it; takes no gradient.

    Raises
    ------
    InputError
        Where the attribution comes without a path.
    """
    trace, baseline, settings = attribution.trace, attribution.baseline, attribution.settings
    if trace is None or baseline is None:
        raise InputError(f"method {attribution.method} follows no path, so it has no local errors")
    panels = _panels(settings, trace.alphas)
    at = np.searchsorted(trace.alphas, panels.edges).clip(max=trace.alphas.size - 1)
    known = trace.alphas[at] == panels.edges
    scores = trace.scores[at]
    if not known.all():
        path, unknown = StraightPath(baseline, attribution.image), np.flatnonzero(~known)
        for start in range(0, unknown.size, AT_ONCE):
            part = unknown[start : start + AT_ONCE]
            scores[part] = model.scores(path.points(panels.edges[part]), settings["of"])[:, attribution.target]
    errors = panels.sums(trace.slopes) - np.diff(scores)
    return LocalErrors(panels.edges, scores, errors, int((~known).sum()))


def _panels(settings: dict[str, object], alphas: Array) -> Panels:
    integrator = str(settings["integrator"])
    if integrator in FIXED:
        return FIXED[integrator].panels(int(str(settings["steps"])), int(str(settings["seed"])))
    return between_nodes(alphas)
