"""Plotly figures of evaluations: how far each explanation is ahead of chance, and the curves behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ui.figures import ACCENT, COLORS, QUIET
from ui.language import _

__all__ = ["advantage_bars", "score_curves"]

Numbers = NDArray[np.float64]


def advantage_bars(names: Sequence[str], ahead: Sequence[float], edges: float, spread: float, title: str) -> go.Figure:
    """Draw how far each is ahead of the random maps, with twice their spread as a band and the photo's edges as a line.

    Parameters
    ----------
    names : sequence of str
    ahead : sequence of float
        More is better.
    edges : float
        How far the photo's edges are ahead.
    spread : float
        Standard deviation of the random maps.
    title : str
    """
    band = {"type": "rect", "xref": "x", "x0": -2 * spread, "x1": 2 * spread, "yref": "paper", "y0": 0, "y1": 1}
    rule = {"type": "line", "xref": "x", "x0": edges, "x1": edges, "yref": "paper", "y0": 0, "y1": 1}
    colors = [ACCENT if value > 2 * spread else QUIET for value in ahead]
    bars = go.Bar(
        x=list(ahead),
        y=list(names),
        orientation="h",
        marker_color=colors,
        text=[f"{value:+.3f}" for value in ahead],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:+.4f}<extra></extra>",
    )
    reach = max([*map(abs, ahead), abs(edges), 2 * spread], default=1.0) * 1.35 or 1.0
    low = -reach if min([*ahead, edges], default=0.0) < -2 * spread else -max(0.15 * reach, 2.2 * spread)
    return go.Figure(
        bars,
        layout={
            "title": {"text": title, "font": {"size": 15}, "x": 0},
            "height": 100 + 30 * len(names),
            "margin": {"l": 8, "r": 8, "t": 40, "b": 8},
            "bargap": 0.3,
            "shapes": [
                {**band, "fillcolor": "rgba(128, 128, 128, 0.22)", "line": {"width": 0}, "layer": "below"},
                {**rule, "line": {"width": 1.5, "dash": "dash", "color": "#3b82f6"}},
            ],
            "xaxis": {
                "range": [low, reach],
                "zeroline": True,
                "fixedrange": True,
                "title": {"text": _("ahead of random")},
            },
            "yaxis": {"autorange": "reversed", "fixedrange": True, "automargin": True, "ticksuffix": "  "},
        },
    )


def score_curves(
    x: Numbers,
    curves: Sequence[tuple[str, Numbers]],
    chance: Sequence[Numbers],
    edges: Numbers | None,
    here: float | None,
    axes: tuple[str, str],
) -> go.Figure:
    """Draw each explanation's curve, and behind them the controls': the range of the random maps, and the edges.

    Parameters
    ----------
    x : (n,) float64
    curves : sequence of (name, (n,) float64)
    chance : sequence of (n,) float64
    edges : (n,) float64 or None
    here : float or None
        Where a vertical line marks the stage that is looked at.
    axes : tuple of str
        Titles.
    """
    figure = go.Figure(_controls(x, chance, edges))
    for index, (name, curve) in enumerate(curves):
        color = COLORS[index % len(COLORS)]
        figure.add_trace(
            go.Scatter(
                x=x,
                y=curve,
                name=name,
                mode="lines",
                line={"width": 2, "color": color, "dash": ("solid", "dot", "dashdot")[index // len(COLORS) % 3]},
                hovertemplate="%{x:.0%}: %{y:.3f}<extra>%{fullData.name}</extra>",
            )
        )
    if here is not None:
        figure.add_vline(x=here, line_width=1.5, line_dash="dot", line_color=QUIET)
    figure.update_layout(
        height=380,
        margin={"l": 8, "r": 8, "t": 12, "b": 8},
        legend={"orientation": "h", "yanchor": "top", "y": -0.22},
        uirevision=axes[0],
        hovermode="closest",
    )
    figure.update_xaxes(title=axes[0], tickformat=".0%", range=[-0.01, 1.01])
    figure.update_yaxes(title=axes[1], automargin=True)
    return figure


def _controls(x: Numbers, chance: Sequence[Numbers], edges: Numbers | None) -> list[go.Scatter]:
    """Return the range of the random maps, and the curve of the photo's edges."""
    traces = []
    if chance:
        low, high = np.min(chance, axis=0), np.max(chance, axis=0)
        traces.append(
            go.Scatter(
                x=np.concatenate([x, x[::-1]]),
                y=np.concatenate([high, low[::-1]]),
                fill="toself",
                mode="lines",
                line={"width": 0},
                fillcolor="rgba(128, 128, 128, 0.3)",
                name=_("Random order"),
                hoverinfo="skip",
            )
        )
    if edges is not None:
        line = {"width": 2, "dash": "dash", "color": "#8c8c8c"}
        traces.append(go.Scatter(x=x, y=edges, mode="lines", line=line, name=_("Edges of the photo")))
    return traces
