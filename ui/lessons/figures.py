"""Plotly figures of the lessons. Each takes numbers and returns a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from ui.figures import ACCENT, COLORS, QUIET, SECOND
from ui.language import _

__all__ = ["curve_and_area", "error_bars", "panels", "path_of_network", "share_bars"]

Numbers = NDArray[np.floating]

#: Of inputs, in pairs: the same input by two networks.
SHARES = (COLORS[1], COLORS[3], COLORS[0], COLORS[4])

AREA, FLAT = "rgba(234, 88, 12, 0.28)", "rgba(128, 128, 128, 0.16)"
MARGIN = {"l": 8, "r": 8, "t": 40, "b": 8}


def curve_and_area(
    x: Numbers, values: Numbers, slopes: Numbers, ends: tuple[float, float], flat: tuple[float, float], told: bool
) -> go.Figure:
    """Draw a function, and beside it its slope with the area between two points filled.

    Parameters
    ----------
    x, values, slopes : (n,) float64
    ends : (float, float)
        Baseline and input.
    flat : (float, float)
        Where the function is saturated.
    told : bool
        Whether slopes and area, which are the answer, are shown.
    """
    figure = make_subplots(1, 2, subplot_titles=[_("The function"), _("Its slope, and the area below it")])
    line = {"width": 2.5, "color": SECOND}
    figure.add_trace(_line(x, values, line, "f(%{x:.2f}) = %{y:.3f}"), 1, 1)
    points = np.interp(ends, x, values)
    figure.add_trace(
        go.Scatter(
            x=ends, y=points, mode="markers+text", text=["x′", "x"], textposition="top center",
            marker={"size": 11, "color": [QUIET, ACCENT]}, hoverinfo="skip",
        ),
        1, 1,
    )  # fmt: skip
    if told:
        between = (x >= min(ends)) & (x <= max(ends))
        figure.add_trace(_line(x[between], slopes[between], {"width": 0}, "", fill="tozeroy", fillcolor=AREA), 1, 2)
        figure.add_trace(_line(x, slopes, {**line, "color": ACCENT, "shape": "hv"}, "%{x:.2f}: %{y:.3f}"), 1, 2)
    for column in (1, 2):
        figure.add_vrect(*flat, fillcolor=FLAT, line_width=0, row=1, col=column)
    figure.update_layout(height=300, margin=MARGIN, showlegend=False)
    figure.update_xaxes(title="x")
    figure.update_yaxes(range=[-0.08, 1.18])
    return figure


def share_bars(shares: Mapping[str, NDArray[np.floating]], names: Sequence[str], title: str = "") -> go.Figure:
    """Draw what each method gives to each input: groups by method, a bar for each input."""
    figure = go.Figure(
        [
            go.Bar(
                x=list(shares),
                y=[values[at] for values in shares.values()],
                name=name,
                marker_color=SHARES[at] if len(names) > 2 else SHARES[2 * at],
                text=[f"{round(float(values[at]), 3) + 0.0:+.3g}" for values in shares.values()],
                textposition="outside",
                cliponaxis=False,
                hovertemplate="%{x}, " + name + ": %{y:+.3f}<extra></extra>",
            )
            for at, name in enumerate(names)
        ]
    )
    every = [0.0, *(value for values in shares.values() for value in values)]
    room = 0.15 * (max(every) - min(every)) or 1.0
    figure.update_layout(
        title={"text": title, "font": {"size": 15}, "x": 0},
        height=300,
        margin=MARGIN,
        barmode="group",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
    )
    figure.update_yaxes(range=[min(every) - room * (min(every) < 0), max(every) + room], zeroline=True)
    return figure


def panels(
    x: Numbers, slopes: Numbers, edges: Numbers, heights: Sequence[tuple[float, float]], nodes: tuple[Numbers, Numbers]
) -> go.Figure:
    """Draw a slope and the panels with which an integrator fills the area below it.

    Parameters
    ----------
    x, slopes : (n,) float64
    edges : (m + 1,) float64
    heights : sequence of (float, float)
        Of each panel's left and right corner; a rectangle has the same twice.
    nodes : (α, slope)
        Where the integrator looks.
    """
    figure = go.Figure()
    corners_x, corners_y = [], []
    for (left, right), start, end in zip(heights, edges[:-1], edges[1:], strict=True):
        corners_x += [start, start, end, end, None]
        corners_y += [0, left, right, 0, None]
    figure.add_trace(
        go.Scatter(
            x=corners_x, y=corners_y, mode="lines", fill="toself", fillcolor=AREA, line={"width": 1, "color": ACCENT},
            hoverinfo="skip",
        )
    )  # fmt: skip
    figure.add_trace(_line(x, slopes, {"width": 2.5, "color": SECOND}, "α = %{x:.2f}: %{y:.3f}"))
    figure.add_trace(
        go.Scatter(x=nodes[0], y=nodes[1], mode="markers", marker={"size": 7, "color": SECOND}, hoverinfo="skip")
    )
    figure.update_layout(
        title={"text": _("Slope along the path, and the panels that fill it"), "font": {"size": 15}, "x": 0},
        height=280, margin=MARGIN, showlegend=False,
    )  # fmt: skip
    figure.update_xaxes(title=_("α, from baseline (0) to input (1)"), range=[-0.02, 1.02])
    return figure


def error_bars(steps: Sequence[int], errors: Numbers, now: int) -> go.Figure:
    """Draw the error of the sum over the steps, with the chosen number of steps in the accent color."""
    colors = [ACCENT if one == now else "rgba(128, 128, 128, 0.45)" for one in steps]
    hover = _("{steps} steps: {error} off", steps="%{x}", error="%{y:.3%}")
    figure = go.Figure(
        go.Bar(x=[str(one) for one in steps], y=errors, marker_color=colors, hovertemplate=f"{hover}<extra></extra>"),
        layout={"title": {"text": _("How far the sum is off"), "font": {"size": 15}, "x": 0}},
    )
    figure.update_layout(height=210, margin=MARGIN, showlegend=False, bargap=0.2)
    figure.update_yaxes(type="log", tickformat="~%", range=[-6.2, 0.2], dtick=2)
    figure.update_xaxes(title=_("steps"), type="category")
    return figure


def path_of_network(alphas: Numbers, scores: Numbers, slopes: Numbers, dead: float, told: bool) -> go.Figure:
    """Draw a network's score along the path, and beside it its slope; slopes up to `dead` count as none."""
    figure = make_subplots(1, 2, subplot_titles=[_("The class's score along the path"), _("Its slope along the path")])
    figure.add_trace(_line(alphas, scores, {"width": 2.5, "color": SECOND}, "α = %{x:.3f}: %{y:.3f}"), 1, 1)
    if told:
        figure.add_trace(
            _line(alphas, slopes, {"width": 2.5, "color": ACCENT}, "α = %{x:.3f}: %{y:.3f}", fill="tozeroy",
                  fillcolor=AREA), 1, 2,
        )  # fmt: skip
        figure.add_hrect(-dead, dead, fillcolor=FLAT, line_width=0, row=1, col=2)
    figure.update_layout(height=300, margin=MARGIN, showlegend=False)
    figure.update_xaxes(title="α", range=[-0.02, 1.02])
    return figure


def _line(x: Any, y: Any, line: dict[str, Any], hover: str, **more: Any) -> go.Scatter:
    told = {"hovertemplate": f"{hover}<extra></extra>"} if hover else {"hoverinfo": "skip"}
    return go.Scatter(x=x, y=y, mode="lines", line=line, **told, **more)
