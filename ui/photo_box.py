"""A photo over which a person drags a rectangle, or sets it by two sliders."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from igcore.images import digest
from ui.figures import ACCENT
from ui.language import _
from ui.pictures import Array, data_url

__all__ = ["Box", "drag_box"]

#: Top, left, bottom and right in pixels; the last two are the first that no longer belong to it, as in a slice.
Box = tuple[int, int, int, int]

#: How many transparent markers lie over a side of the photo. A picture by itself tells nobody what was dragged.
MARKERS = 24


def drag_box(image: Array, key: str, boxes: Sequence[Box] = (), height: int = 380) -> Box | None:
    """Show a photo over which a rectangle can be dragged, and return the rectangle.

    Parameters
    ----------
    image : (H, W, 3) float32 in [0, 1]
    key : str
        Under which the session keeps the box; who wants none sets it to None, before this is called. The chart is
        called `{key}_chart`, the sliders `{key}_rows` and `{key}_columns`.
    boxes : sequence of Box
        Drawn as numbered rectangles, from 1.
    height : int
        Of the picture on the page, in pixels.

    Returns
    -------
    (top, left, bottom, right) or None
        So that ``image[top:bottom, left:right]`` is inside; never empty. None where nothing was chosen. What is too
        small to drag, less than a marker's distance, can be set by the sliders.
    """
    shape = (image.shape[0], image.shape[1])
    box = _clipped(st.session_state.get(key), shape)
    st.plotly_chart(
        _figure(data_url(digest(image), image), shape, box, boxes, height),
        key=f"{key}_chart",
        on_select=partial(_dragged, key, shape),
        selection_mode="box",
        config={"displayModeBar": False},
        alt=_("The photo; drag a rectangle over it, or set one by its rows and columns below"),
    )
    with st.expander(_("Rows and columns"), key=f"{key}_numbers"):
        for name, label, low, high, whole in (
            ("rows", _("Rows (px from the top)"), 0, 2, shape[0]),
            ("columns", _("Columns (px from the left)"), 1, 3, shape[1]),
        ):
            now = (0, whole) if box is None else (box[low], box[high])
            st.session_state[f"{key}_{name}"] = now
            st.slider(label, 0, whole, now, key=f"{key}_{name}", on_change=_slid, args=(key, shape))
    return box


def _clipped(box: Box | None, shape: tuple[int, int]) -> Box | None:
    """Keep a box within an image of another size than it was drawn on; None where nothing is left."""
    if box is None:
        return None
    top, left, bottom, right = (max(0, min(at, limit)) for at, limit in zip(box, shape * 2, strict=True))
    return (top, left, bottom, right) if top < bottom and left < right else None


def _dragged(key: str, shape: tuple[int, int]) -> None:
    """Take what was dragged."""
    dragged = st.session_state[f"{key}_chart"]["selection"]["box"]
    if dragged:
        st.session_state[key] = _between(dragged[-1]["y"], dragged[-1]["x"], shape)


def _slid(key: str, shape: tuple[int, int]) -> None:
    """Take what the sliders say."""
    st.session_state[key] = _between(st.session_state[f"{key}_rows"], st.session_state[f"{key}_columns"], shape)


def _between(rows: Sequence[float], columns: Sequence[float], shape: tuple[int, int]) -> Box:
    """Return the box of whole pixels next to two edges each, at least one pixel of the image."""
    ends = []
    for edges, limit in ((rows, shape[0]), (columns, shape[1])):
        start = max(0, min(round(min(edges)), limit - 1))
        ends.append((start, max(start + 1, min(round(max(edges)), limit))))
    (top, bottom), (left, right) = ends
    return top, left, bottom, right


def _figure(source: str, shape: tuple[int, int], box: Box | None, boxes: Sequence[Box], height: int) -> go.Figure:
    """Draw the photo with pixels as units, markers that can be selected over it, and the rectangles."""
    rows, columns = shape
    x, y = np.meshgrid(*((np.arange(MARKERS) + 0.5) * side / MARKERS for side in (columns, rows)))
    markers = go.Scatter(
        x=x.ravel(),
        y=y.ravel(),
        mode="markers",
        marker={"size": 1, "color": "rgba(0, 0, 0, 0)"},
        unselected={"marker": {"opacity": 0}},
        hoverinfo="skip",
    )
    shapes = [shape for number, one in enumerate(boxes, 1) for shape in _rectangle(one, "#ffffff", str(number))]
    if box is not None:
        shapes += _rectangle(box, ACCENT)
    place = {"xref": "x", "yref": "y", "x": 0, "y": 0, "sizex": columns, "sizey": rows}
    axis: dict[str, Any] = {"visible": False, "fixedrange": True, "constrain": "domain"}
    return go.Figure(
        markers,
        layout={
            "height": height,
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "dragmode": "select",
            "images": [{"source": source, "layer": "below", "sizing": "stretch", **place}],
            "shapes": shapes,
            # What was dragged is drawn as a rectangle of ours, which the sliders can move as well.
            "newselection": {"line": {"color": ACCENT, "width": 1}},
            "xaxis": {**axis, "range": [0, columns], "constraintoward": "left"},
            "yaxis": {**axis, "range": [rows, 0], "scaleanchor": "x", "constraintoward": "top"},
        },
    )


def _rectangle(box: Box, color: str, text: str = "") -> list[dict[str, Any]]:
    """Draw a rectangle twice, so that it is seen over dark and bright parts of a photo."""
    top, left, bottom, right = box
    place = {"type": "rect", "x0": left, "x1": right, "y0": top, "y1": bottom}
    font = {"color": color, "size": 15, "weight": "bold", "shadow": "0 0 4px #000000, 0 0 2px #000000"}
    return [
        {**place, "line": {"color": "rgba(0, 0, 0, 0.6)", "width": 4}},
        {
            **place,
            "line": {"color": color, "width": 2},
            "label": {"text": text, "textposition": "top left", "font": font},
        },
    ]
