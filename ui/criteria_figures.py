"""How a method shares effects out, as a table of colored cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ui.language import _

__all__ = ["allocation_table"]

#: From what is taken away to what is given; dark enough for white text in both themes. Nothing has no color.
SCALE = ((0.0, "#1e40af"), (0.4999, "#4a76c9"), (0.5001, "#c2622d"), (1.0, "#9a3412"))

#: What is written as 0.
NOTHING = 5e-3

QUIET = "rgba(128, 128, 128, 0.9)"


def allocation_table(
    names: Sequence[str],
    members: Sequence[tuple[int, ...]],
    effects: NDArray[np.float64],
    shares: NDArray[np.float64],
    attribution: NDArray[np.float64],
) -> go.Figure:
    """Draw what each input gets of each effect, with the sum and the effect beside it and the whole below.

    Parameters
    ----------
    names : sequence of str
        Of the T terms.
    members : sequence of tuple of int
        The inputs that take part in each; their cells have a frame.
    effects : (T,) float64
    shares : (T, n) float64
    attribution : (n,) float64
    """
    inputs = [f"x{chr(ord('₁') + index)}" for index in range(shares.shape[1])]
    columns = [*inputs, _("Sum"), _("Effect")]
    rows = [*names, _("All terms"), _("Whole F")]
    sums = shares.sum(axis=0)
    shown = np.vstack([
        np.column_stack([shares, shares.sum(axis=1), effects]),
        [*sums, sums.sum(), effects.sum()],
        [*attribution, attribution.sum(), effects.sum()],
    ])  # fmt: skip
    limit = max(float(np.abs(shares).max()), float(np.abs(effects).max()), 1e-9)
    frames = [
        {"type": "rect", "x0": at - 0.48, "x1": at + 0.48, "y0": row - 0.47, "y1": row + 0.47,
         "line": {"width": 1.5, "color": QUIET}}
        for row, taking in enumerate(members) for at in taking
    ]  # fmt: skip
    return go.Figure(
        [_cells(inputs, names, shares, limit), *_numbers(columns, rows, shown, shares)],
        layout={
            "height": 70 + 38 * len(rows),
            "margin": {"l": 8, "r": 8, "t": 30, "b": 8},
            "showlegend": False,
            "shapes": frames,
            "xaxis": {"type": "category", "categoryarray": columns, "categoryorder": "array", "side": "top",
                      "fixedrange": True, "showgrid": False, "range": [-0.5, len(columns) - 0.5]},
            "yaxis": {"type": "category", "categoryarray": rows, "categoryorder": "array", "automargin": True,
                      "fixedrange": True, "showgrid": False, "range": [len(rows) - 0.5, -0.5]},
        },
    )  # fmt: skip


def _cells(columns: Sequence[str], rows: Sequence[str], values: NDArray[np.float64], limit: float) -> go.Heatmap:
    given = np.where(np.abs(values) < NOTHING, np.nan, values)
    return go.Heatmap(
        x=list(columns), y=list(rows), z=given, zmin=-limit, zmax=limit, colorscale=SCALE, showscale=False,
        xgap=2, ygap=2, hoverinfo="skip",
    )  # fmt: skip


def _numbers(
    columns: Sequence[str], rows: Sequence[str], values: NDArray[np.float64], shares: NDArray[np.float64]
) -> list[go.Scatter]:
    """Write the numbers: in white where a cell is colored, and in the theme's own color elsewhere."""
    colored = np.zeros(values.shape, bool)
    colored[: shares.shape[0], : shares.shape[1]] = np.abs(shares) >= NOTHING
    return [
        go.Scatter(
            x=[columns[column] for column in at],
            y=[rows[row] for row in of],
            mode="text",
            text=["0" if abs(value) < NOTHING else f"{value:.2f}" for value in values[of, at]],
            textfont={"size": 11, "color": color},
            customdata=values[of, at],
            hovertemplate="%{y}, %{x}: %{customdata:.4f}<extra></extra>",
        )
        for chosen, color in ((colored, "#ffffff"), (~colored, None))
        for of, at in [tuple(part.tolist() for part in np.nonzero(chosen))]
    ]
