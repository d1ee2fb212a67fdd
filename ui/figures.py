"""Plotly figures. Each takes numbers and returns a figure; none knows of Streamlit or the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from ui.language import N_, _

__all__ = [
    "agreement_table",
    "convergence_curves",
    "cumulative_curve",
    "gradient_curve",
    "local_error_bars",
    "prediction_bars",
    "score_curve",
    "small_score_curve",
]

ACCENT, SECOND, QUIET = "#ea580c", "#3b82f6", "rgba(128, 128, 128, 0.65)"
HEIGHT = 260

#: What is explained, as it stands at an axis.
SCORES = {"probability": N_("probability"), "logit": N_("logit")}

#: Of Okabe and Ito, safe for color-blind eyes, without black and yellow, which one of the themes would swallow.
COLORS = ("#e69f00", "#56b4e9", "#009e73", "#0072b2", "#d55e00", "#cc79a7", "#8c8c8c", "#ea0c5c")


def prediction_bars(names: Sequence[str], scores: Sequence[float], chosen: int | None) -> go.Figure:
    """Draw classes as horizontal bars, the most probable on top, the explained one in the accent color.

    Without names it is as high as it will be with them.
    """
    colors = [ACCENT if index == chosen else "rgba(128, 128, 128, 0.45)" for index in range(len(names))]
    bars = go.Bar(
        x=list(scores),
        y=list(names),
        orientation="h",
        marker_color=colors,
        text=[f"{score:.1%}" for score in scores],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.2%}<extra></extra>",
    )
    return go.Figure(
        bars,
        layout={
            "height": 32 * max(len(names), 5) + 10,
            "margin": {"l": 0, "r": 8, "t": 4, "b": 4},
            "bargap": 0.25,
            "xaxis": {"range": [0, 1.12], "visible": False, "fixedrange": True},
            "yaxis": {"visible": bool(names), "autorange": "reversed", "fixedrange": True, "ticksuffix": "  "},
        },
    )


def _curve(title: str, axis: str, alpha: float, line: go.Scatter, **layout: Any) -> go.Figure:
    """Draw one curve over α; all of the layout at once, since each update of a figure takes some milliseconds."""
    here = _rule("v", alpha, "dot", QUIET)
    return go.Figure(
        line,
        layout={
            "title": {"text": title, "font": {"size": 15}, "x": 0},
            "height": HEIGHT,
            "margin": {"l": 8, "r": 8, "t": 40, "b": 8},
            "showlegend": False,
            "hovermode": "x",
            # The same revision keeps a zoom while the curve grows.
            "uirevision": title,
            "xaxis": {"title": {"text": _("α, from baseline (0) to image (1)")}, "range": [-0.02, 1.02]},
            "yaxis": {"title": {"text": axis}, "automargin": True},
            **layout,
            "shapes": [here, *layout.get("shapes", ())],
        },
    )


def _rule(kind: str, at: float, dash: str, color: str) -> dict[str, Any]:
    """Return a straight line across the whole plot: vertical ("v") or horizontal ("h")."""
    along, across = ("x", "y") if kind == "v" else ("y", "x")
    place = {f"{along}0": at, f"{along}1": at, f"{across}0": 0, f"{across}1": 1}
    line = {"width": 1.5, "dash": dash, "color": color}
    return {"type": "line", f"{along}ref": along, f"{across}ref": f"{across} domain", **place, "line": line}


def _line(alphas: ArrayLike, values: ArrayLike, color: str, fill: bool = False) -> go.Scatter:
    count = np.size(alphas)
    return go.Scatter(
        x=np.asarray(alphas),
        y=np.asarray(values),
        mode="lines+markers" if count <= 120 else "lines",
        marker_size=4,
        line={"color": color, "width": 2},
        fill="tozeroy" if fill else None,
        fillcolor="rgba(234, 88, 12, 0.14)" if fill else None,
        hovertemplate="α = %{x:.3f}: %{y:.4g}<extra></extra>",
    )


def score_curve(
    alphas: NDArray[np.float64], scores: NDArray[np.float64], label: str, of: str, alpha: float
) -> go.Figure:
    """Draw the target's score along the path."""
    return _curve(_("Score of {name}", name=label), _(SCORES[of]), alpha, _line(alphas, scores, SECOND))


def gradient_curve(
    alphas: NDArray[np.float64], means: NDArray[np.float64], normalized: bool, alpha: float
) -> go.Figure:
    """Draw the gradient's mean over all pixels along the path, raw or scaled to [0, 1] as the tutorial does."""
    axis = _("scaled to 0 … 1") if normalized else _("per unit of pixel value")
    if normalized and means.size:
        spread = means.max() - means.min()
        means = (means - means.min()) / spread if spread > 0 else np.zeros_like(means)
    return _curve(_("Mean gradient"), axis, alpha, _line(alphas, means, ACCENT))


def cumulative_curve(
    alphas: NDArray[np.float64], collected: NDArray[np.float64], difference: float, alpha: float
) -> go.Figure:
    """Draw the attribution collected up to each α, and the F(x) − F(x′) at which it should end."""
    told = {"x": 0.01, "y": difference, "text": "F(x) − F(x′)", "showarrow": False, "xanchor": "left", "yshift": -11}
    return _curve(
        _("Attribution collected so far"),
        _("sum over all pixels"),
        alpha,
        _line(alphas, collected, ACCENT, fill=True),
        shapes=[_rule("h", difference, "dash", SECOND)],
        annotations=[{**told, "font": {"color": SECOND}}],
    )


def small_score_curve(alphas: NDArray[np.float64], scores: NDArray[np.float64], top: float) -> go.Figure:
    """Draw the score along one path small, from 0 to a `top` that several share."""
    figure = go.Figure(_line(alphas, scores, SECOND))
    figure.update_layout(height=110, margin={"l": 2, "r": 2, "t": 4, "b": 2}, showlegend=False, hovermode="x")
    figure.update_xaxes(range=[-0.03, 1.03], tickvals=[0, 1], fixedrange=True)
    low = min(0.0, float(np.min(scores))) if np.size(scores) else 0.0
    figure.update_yaxes(range=[1.05 * low, 1.05 * top], nticks=3, fixedrange=True, automargin=True)
    return figure


def agreement_table(numbered: dict[int, str], values: NDArray[np.float64], title: str, low: float) -> go.Figure:
    """Draw a table of agreement, (n, n) from `low` to 1, as colored cells that can be clicked.

    Parameters
    ----------
    numbered : dict of int to str
        What stands for each of the n in the margins, and its name.
    values : (n, n) float64
    title : str
    low : float
    """
    numbers, names = [f"{number}" for number in numbered], list(numbered.values())
    text = [["–" if np.isnan(value) else f"{value:.2f}" for value in row] for row in values]
    figure = go.Figure(
        go.Heatmap(
            x=numbers, y=numbers, z=values, zmin=low, zmax=1, colorscale="Viridis", showscale=False, hoverinfo="skip"
        )
    )
    # A heat map's cells cannot be selected; these squares lie over them, and can.
    rows, columns = np.indices(values.shape)
    bright = np.nan_to_num(values, nan=low) > low + 0.55 * (1 - low)
    figure.add_trace(
        go.Scatter(
            x=[numbers[i] for i in columns.flat],
            y=[numbers[i] for i in rows.flat],
            mode="markers+text",
            marker={"symbol": "square", "size": 34, "color": "rgba(0, 0, 0, 0)"},
            text=[cell for row in text for cell in row],
            textfont={"size": 12, "color": ["#111111" if one else "#ffffff" for one in bright.flat]},
            hovertext=[f"{a}<br>{b}" for a in names for b in names],
            hovertemplate="%{hovertext}: %{text}<extra></extra>",
            selected={"textfont": {"color": ACCENT}},
            unselected={"marker": {"opacity": 1}},
        )
    )
    figure.update_layout(
        title={"text": title, "font": {"size": 15}, "x": 0},
        height=90 + 38 * len(names),
        margin={"l": 8, "r": 8, "t": 40, "b": 8},
        showlegend=False,
    )
    figure.update_xaxes(type="category", fixedrange=True, showgrid=False)
    figure.update_yaxes(type="category", fixedrange=True, showgrid=False, autorange="reversed")
    return figure


def local_error_bars(
    nodes: tuple[NDArray[np.float64], NDArray[np.float64]],
    edges: NDArray[np.float64],
    errors: NDArray[np.float64],
    label: str,
    of: str,
) -> go.Figure:
    """Draw the score through the nodes (α, score), and under it each panel's error as a bar as wide as the panel."""
    hover = _(
        "from {start} to {end}: {error}", start="%{customdata[0]:.4f}", end="%{customdata[1]:.4f}", error="%{y:+.4f}"
    )
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.6, 0.4], vertical_spacing=0.06)
    alphas, scores = nodes
    figure.add_trace(_line(alphas, scores, SECOND), row=1, col=1)
    figure.add_trace(
        go.Scatter(
            x=alphas, y=np.zeros_like(alphas), mode="markers", hoverinfo="skip",
            marker={"symbol": "line-ns-open", "size": 9, "color": QUIET},
        ),
        row=1, col=1,
    )  # fmt: skip
    figure.add_trace(
        go.Bar(
            x=(edges[:-1] + edges[1:]) / 2,
            y=errors,
            width=np.diff(edges),
            marker={"color": np.where(errors > 0, ACCENT, "#7c3aed"), "line": {"width": 0.4, "color": QUIET}},
            customdata=np.stack([edges[:-1], edges[1:]], axis=1),
            hovertemplate=f"{hover}<extra></extra>",
        ),
        row=2, col=1,
    )  # fmt: skip
    figure.update_layout(
        height=430, margin={"l": 8, "r": 8, "t": 12, "b": 8}, showlegend=False, uirevision="local errors", bargap=0
    )
    figure.update_yaxes(title=_("{score} of {name}", score=_(SCORES[of]), name=label), automargin=True, row=1, col=1)
    figure.update_yaxes(title=_("panel's error"), automargin=True, zeroline=True, row=2, col=1)
    figure.update_xaxes(range=[-0.02, 1.02])
    figure.update_xaxes(title=_("α, from baseline (0) to image (1)"), row=2, col=1)
    return figure


def convergence_curves(
    curves: Sequence[tuple[str, NDArray[np.intp], NDArray[np.float64], float | None]], title: str, goal: float
) -> go.Figure:
    """Draw errors over gradients, both logarithmic.

    Parameters
    ----------
    curves : sequence of (name, gradients, errors, fitted order or None)
    title : str
    goal : float
        Drawn as a dashed line.
    """
    figure = go.Figure()
    for index, (name, gradients, errors, order) in enumerate(curves):
        hover = _("{name}, {count} gradients: {error}", name=name, count="%{x}", error="%{y:.2%}")
        fitted = "" if order is None else f", p = {order:.1f}"
        figure.add_trace(
            go.Scatter(
                x=gradients,
                y=np.where(errors > 0, errors, np.nan),
                name=f"{name}{fitted}",
                mode="lines+markers",
                marker={"size": 6, "symbol": index},
                line={"width": 2, "color": COLORS[index % len(COLORS)]},
                hovertemplate=f"{hover}<extra></extra>",
            )
        )
    figure.add_hline(y=goal, line_width=1.5, line_dash="dash", line_color=QUIET)
    figure.update_layout(
        title={"text": title, "font": {"size": 15}, "x": 0},
        height=470,
        margin={"l": 8, "r": 8, "t": 40, "b": 8},
        legend={"orientation": "h", "yanchor": "top", "y": -0.24},
        uirevision=title,
    )
    ticks = [8, 16, 32, 64, 128, 256, 512]
    figure.update_xaxes(type="log", title=_("gradients"), tickvals=ticks)
    shares = [0.0001, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
    figure.update_yaxes(type="log", tickformat="~%", tickvals=shares, automargin=True)
    return figure
