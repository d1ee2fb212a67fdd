"""What an evaluation finds: a row for each map, and how far each is ahead of the controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igcore.metrics import METRICS
from igcore.metrics.base import Measured, Metric, Order
from igcore.results import Attribution

__all__ = ["Advantage", "Evaluation", "Row", "facts_of"]

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Row:
    """What all metrics say of one map.

    Attributes
    ----------
    name : str
    values : (H, W, 3) float32
        The map.
    measured : dict of str to Measured
        By key of `METRICS`; a control has none of a metric that makes no sense for it.
    attribution : Attribution or None
        None for a control.
    favored : frozenset of str
        Keys of metrics that remove parts by a baseline that the explanation itself compares with.
    """

    name: str
    values: Array
    measured: dict[str, Measured]
    attribution: Attribution | None = None
    favored: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Advantage:
    """How much better a map is than controls; more than 0 is better, whichever direction the metric has.

    Attributes
    ----------
    over_random, over_edges : float
        Against the mean of the random maps, and against the photo's edges.
    spread : float
        Standard deviation of the random maps: an advantage within twice that may be chance.
    """

    over_random: float
    over_edges: float
    spread: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Explanations of one image and controls, tested.

    Attributes
    ----------
    model, label : str
    target : int
    image : (H, W, 3) float32 in [0, 1]
    metrics : dict of str to Metric
        By key of `METRICS`.
    order : {"signed", "absolute"}
    rows : tuple of Row
        Of the candidates, as far as they are done.
    random : tuple of Row
        Of the random maps; empty while they are not done.
    edges : Row or None
    seed : int
    seconds : float
    """

    model: str
    label: str
    target: int
    image: Array
    metrics: dict[str, Metric]
    order: Order
    rows: tuple[Row, ...]
    random: tuple[Row, ...]
    edges: Row | None
    seed: int
    seconds: float

    def at_random(self, key: str) -> tuple[float, float]:
        """Return mean and standard deviation of a metric over the random maps; NaN where it has no controls."""
        found = [row.measured[key].value for row in self.random if key in row.measured]
        return (float(np.mean(found)), float(np.std(found, ddof=1))) if len(found) > 1 else (float("nan"),) * 2

    def advantage(self, row: Row, key: str) -> Advantage | None:
        """Return a row's advantage over the controls; None where a metric has none."""
        if key not in row.measured or self.edges is None or key not in self.edges.measured:
            return None
        mean, spread = self.at_random(key)
        sign, value = 1 if METRICS[key].higher else -1, row.measured[key].value
        return Advantage(sign * (value - mean), sign * (value - self.edges.measured[key].value), spread)


def facts_of(found: Evaluation) -> dict[str, Any]:
    """Return an evaluation as plain values that JSON can hold: the candidates' rows, the controls', and the settings.

    The random maps are one row, of their mean; None stands for what is not known.
    """
    metrics = {
        key: {"higher_is_better": METRICS[key].higher, "settings": metric.describe()}
        for key, metric in found.metrics.items()
    }
    rows = [_row_facts(found, row) for row in found.rows]
    if found.random:
        at_random = {key: found.at_random(key) for key in found.random[0].measured}
        told = {key: _cell(mean, spread=spread) for key, (mean, spread) in at_random.items()}
        rows.append({"name": "random", "control": True, "metrics": told, "favored": []})
    if found.edges is not None:
        rows.append({**_row_facts(found, found.edges), "control": True})
    return {
        "model": found.model,
        "target": found.target,
        "label": found.label,
        "order": found.order,
        "seed": found.seed,
        "seconds": found.seconds,
        "metrics": metrics,
        "rows": rows,
    }


def _row_facts(found: Evaluation, row: Row) -> dict[str, Any]:
    told = {}
    for key, measured in row.measured.items():
        ahead = found.advantage(row, key)
        told[key] = _cell(
            measured.value,
            measured.error,
            *((None, None, None) if ahead is None else (ahead.over_random, ahead.over_edges, ahead.spread)),
        )
    result = row.attribution
    explained = {} if result is None else {"method": result.method, "settings": result.settings}
    return {"name": row.name, "control": False, **explained, "metrics": told, "favored": sorted(row.favored)}


def _cell(
    value: float,
    error: float | None = None,
    over_random: float | None = None,
    over_edges: float | None = None,
    spread: float | None = None,
) -> dict[str, float | None]:
    told = {"value": value, "error": error, "over_random": over_random, "over_edges": over_edges, "spread": spread}
    return {name: None if number is None or np.isnan(number) else float(number) for name, number in told.items()}
