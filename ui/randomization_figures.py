"""The figure of cascading randomization: how much of each method's map is left after each stage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ui.figures import COLORS, QUIET
from ui.language import _

__all__ = ["cascade_curves"]

Numbers = NDArray[np.float64]


def cascade_curves(
    stages: Sequence[str],
    shares: Numbers,
    curves: Sequence[tuple[str, Numbers]],
    probability: tuple[str, Sequence[float]],
    revision: str,
) -> go.Figure:
    """Draw agreement with the first map over the stages; a gap is where there is none.

    Parameters
    ----------
    stages : sequence of str
        Names, the trained network's first.
    shares : (S,) float64
        Of the weights that are random after each.
    curves : sequence of (name, (S,) float64)
        From −1 to 1 or NaN.
    probability : (name, (S,) float)
        Of the target, drawn dotted.
    revision : str
        The same one keeps a zoom while the curves grow.
    """
    at = list(range(len(stages)))
    told = [
        _("{name}, {share:.1%} of the weights random", name=one, share=s) for one, s in zip(stages, shares, strict=True)
    ]
    figure = go.Figure()
    for index, (name, values) in enumerate(curves):
        figure.add_trace(
            go.Scatter(
                x=at,
                y=values,
                name=name,
                mode="lines+markers",
                marker={"size": 6, "symbol": index},
                line={"width": 2, "color": COLORS[index % len(COLORS)]},
                customdata=told,
                hovertemplate="%{customdata}: %{y:.2f}<extra>%{fullData.name}</extra>",
            )
        )
    name, given = probability
    figure.add_trace(
        go.Scatter(
            x=at, y=list(given), name=name, mode="lines", line={"width": 1.5, "dash": "dot", "color": QUIET},
            customdata=told, hovertemplate="%{customdata}: %{y:.2%}<extra>%{fullData.name}</extra>",
        )
    )  # fmt: skip
    lowest = min([0.0, *(float(np.nanmin(values)) for _name, values in curves if not np.isnan(values).all())])
    figure.update_layout(
        height=420,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        # Names of stages stand below, so that the legend stands above; its height changes with the window's width.
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
        uirevision=revision,
    )
    figure.update_xaxes(tickvals=at, ticktext=list(stages), tickangle=-50, automargin=True, showgrid=False)
    figure.update_yaxes(range=[1.08 * lowest - 0.03, 1.05], zeroline=True, automargin=True)
    return figure
