"""Plotly figures. Each takes numbers and returns a figure; none knows of Streamlit or the engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

__all__ = ["cumulative_curve", "gradient_curve", "prediction_bars", "score_curve"]

ACCENT, SECOND, QUIET = "#ea580c", "#3b82f6", "rgba(128, 128, 128, 0.65)"
HEIGHT = 260


def prediction_bars(names: Sequence[str], scores: Sequence[float], chosen: int | None) -> go.Figure:
    """Draw classes as horizontal bars, the most probable on top, the explained one in the accent color."""
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
    figure = go.Figure(bars)
    figure.update_layout(height=32 * len(names) + 10, margin={"l": 0, "r": 8, "t": 4, "b": 4}, bargap=0.25)
    figure.update_xaxes(range=[0, 1.12], visible=False, fixedrange=True)
    figure.update_yaxes(autorange="reversed", fixedrange=True, ticksuffix="  ")
    return figure


def _curve(title: str, axis: str, alpha: float) -> go.Figure:
    figure = go.Figure()
    figure.update_layout(
        title={"text": title, "font": {"size": 15}, "x": 0},
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 40, "b": 8},
        showlegend=False,
        hovermode="x",
        # The same revision keeps a zoom while the curve grows.
        uirevision=title,
    )
    figure.update_xaxes(title="α, from baseline (0) to image (1)", range=[-0.02, 1.02])
    figure.update_yaxes(title=axis, automargin=True)
    figure.add_vline(x=alpha, line_width=1.5, line_dash="dot", line_color=QUIET)
    return figure


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
    figure = _curve(f"Score of {label}", of, alpha)
    figure.add_trace(_line(alphas, scores, SECOND))
    return figure


def gradient_curve(
    alphas: NDArray[np.float64], means: NDArray[np.float64], normalized: bool, alpha: float
) -> go.Figure:
    """Draw the gradient's mean over all pixels along the path, raw or scaled to [0, 1] as the tutorial does."""
    figure = _curve("Mean gradient", "scaled to 0 … 1" if normalized else "per unit of pixel value", alpha)
    if normalized and means.size:
        spread = means.max() - means.min()
        means = (means - means.min()) / spread if spread > 0 else np.zeros_like(means)
    figure.add_trace(_line(alphas, means, ACCENT))
    return figure


def cumulative_curve(
    alphas: NDArray[np.float64], collected: NDArray[np.float64], difference: float, alpha: float
) -> go.Figure:
    """Draw the attribution collected up to each α, and the F(x) − F(x′) at which it should end."""
    figure = _curve("Attribution collected so far", "sum over all pixels", alpha)
    figure.add_trace(_line(alphas, collected, ACCENT, fill=True))
    figure.add_hline(y=difference, line_width=1.5, line_dash="dash", line_color=SECOND)
    figure.add_annotation(
        x=0.01, y=difference, text="F(x) − F(x′)", showarrow=False, xanchor="left", yshift=-11, font={"color": SECOND}
    )
    return figure
