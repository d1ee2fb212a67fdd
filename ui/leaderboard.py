"""The leaderboard of a photo: all tested explanations and the controls in one table and one plot."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import streamlit as st

from igcore.metrics import METRICS
from igcore.metrics.rows import Evaluation, Row, facts_of
from ui.evaluation_figures import advantage_bars
from ui.language import _, several
from ui.markup import for_files
from ui.metric_set import FILL_NAMES

__all__ = ["leaderboard"]


def leaderboard(found: Evaluation, fill: str, name: str | None, waiting: int) -> None:
    """Draw the table, the plot of advantages, and what is to be known of them.

    Parameters
    ----------
    found : Evaluation
        Its rows by their names in the page's language.
    fill : str
        Key of `FILLS`.
    name : str or None
        Of the photo and the class, for the download; None for no download, which waits until nothing is computed.
    waiting : int
        How many explanations are not tested yet.
    """
    _favors(found, fill)
    st.dataframe(_table(found), column_config=_formats(found), hide_index=True, key=f"leaderboard_{fill}")
    told = _(
        "A click on a column sorts by it. ↓ and ↑ say which direction is better. Read how far an explanation is ahead "
        "of random maps, and hold it against what chance may do; the edges of the photo know nothing of the network."
    )
    if waiting:
        told += " " + several("{count} is not tested yet.", "{count} are not tested yet.", waiting)
    st.caption(told)
    _bars(found, fill)
    if name is None:
        return
    st.download_button(
        _("Leaderboard (CSV)"),
        _written(found),
        f"{for_files(name)}_tests_{fill}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"download_leaderboard_{fill}",
    )


def _favors(found: Evaluation, fill: str) -> None:
    names = [row.name for row in found.rows if row.favored]
    if names:
        told = _(
            "{fill} fills the removed parts and is the baseline of {names}: that favors them. A second filling stands "
            "beside it.",
            fill=_(FILL_NAMES[fill]),
            names=", ".join(names),
        )
        st.warning(told, icon=":material/balance:")


def _rows(found: Evaluation) -> list[tuple[str, Row | None]]:
    """Return what stands in the table; None is the mean of the random maps."""
    rows: list[tuple[str, Row | None]] = [(row.name, row) for row in found.rows]
    if found.random:
        rows.append((_("Random maps, the mean of {count}", count=len(found.random)), None))
    if found.edges is not None:
        rows.append((_("Edges of the photo"), found.edges))
    return rows


def _name(key: str) -> str:
    return f"{_(METRICS[key].label)} {'↑' if METRICS[key].higher else '↓'}"


def _table(found: Evaluation) -> dict[str, list[Any]]:
    rows = _rows(found)
    table: dict[str, list[Any]] = {_("Explanation"): [name for name, _row in rows]}
    for key in found.metrics:
        mean, _spread = found.at_random(key)
        table[_name(key)] = [_value(row, key, mean) for _label, row in rows]
        errors = [row.measured[key].error if row is not None and key in row.measured else None for _label, row in rows]
        if any(error is not None for error in errors):
            table[f"± {_(METRICS[key].label)}"] = errors
        if found.edges is not None and key in found.edges.measured:
            # The random maps' mean is ahead of itself by nothing.
            ahead = [found.advantage(row, key) if row is not None else None for _label, row in rows]
            table[_("{metric}: ahead of random", metric=_(METRICS[key].label))] = [
                0.0 if one is None else one.over_random for one in ahead
            ]
    return table


def _value(row: Row | None, key: str, mean: float) -> float | None:
    value = mean if row is None else row.measured[key].value if key in row.measured else float("nan")
    return None if np.isnan(value) else value


def _formats(found: Evaluation) -> dict[str, Any]:
    plain, signed = st.column_config.NumberColumn(format="%.3f"), st.column_config.NumberColumn(format="%+.3f")
    formats: dict[str, Any] = {}
    for key in found.metrics:
        formats |= {_name(key): plain, f"± {_(METRICS[key].label)}": plain}
        formats[_("{metric}: ahead of random", metric=_(METRICS[key].label))] = signed
    return formats


def _bars(found: Evaluation, fill: str) -> None:
    """Draw a chart for each test that has controls, two beside each other."""
    edges = found.edges
    keys = [key for key in found.metrics if edges is not None and key in edges.measured]
    if edges is None or not found.rows or not keys:
        return
    for start in range(0, len(keys), 2):
        for column, key in zip(st.columns(2, gap="medium"), keys[start : start + 2], strict=False):
            of_edges = found.advantage(edges, key)
            ahead = [(row.name, found.advantage(row, key)) for row in found.rows]
            known = [
                (name, one.over_random) for name, one in ahead if one is not None and not np.isnan(one.over_random)
            ]
            if of_edges is None or not known:
                continue
            known.sort(key=lambda pair: -pair[1])
            names, values = zip(*known, strict=True)
            column.plotly_chart(
                advantage_bars(names, values, of_edges.over_random, of_edges.spread, _(METRICS[key].label)),
                key=f"advantage_{key}_{fill}",
                config={"displayModeBar": False},
                alt=_("How far each explanation is ahead of random maps by {metric}", metric=_(METRICS[key].label)),
            )
    st.caption(
        _("Gray band: twice the spread of random maps. Dashed: the edges of the photo. Orange: ahead of chance.")
    )


def _written(found: Evaluation) -> str:
    """Write the table for a spreadsheet: a line for each explanation and test, names of the columns in English."""
    buffer = io.StringIO()
    names = ("value", "error", "over_random", "over_edges", "spread")
    writer = csv.writer(buffer)
    writer.writerow(["explanation", "control", "metric", *names, "favored"])
    for row in facts_of(found)["rows"]:
        for key, cell in row["metrics"].items():
            numbers = ["" if cell[name] is None else cell[name] for name in names]
            writer.writerow([row["name"], row["control"], key, *numbers, key in row["favored"]])
    return buffer.getvalue()
