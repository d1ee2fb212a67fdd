"""Pictures of regions, and the figure of their effects."""

from __future__ import annotations

from collections.abc import Collection
from math import comb

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ui.figures import ACCENT, QUIET
from ui.language import _
from ui.pictures import Array

__all__ = ["order_bars", "region_picture"]

#: How much larger than the photo a picture is, so that borders and numbers are fine.
SCALE = 3

#: What is left of a region's brightness that is not lit.
DIMMED = 0.22

#: Of a number, in pixels of the picture: on the page it is about half as high.
FONT = 30


def region_picture(image: Array, labels: NDArray[np.intp], lit: Collection[int] | None = None) -> Array:
    """Draw a photo with its regions' borders and their numbers, from 1; some of them lit and the others dimmed.

    Parameters
    ----------
    image : (H, W, 3) float32 in [0, 1]
    labels : (H, W) int
    lit : collection of int, optional
        All without.

    Returns
    -------
    (3 H, 3 W, 3) float32 in [0, 1]
    """
    large = labels.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    shown = np.ones(len(labels), bool) if lit is None else np.isin(large, list(lit))
    picture = image.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    if lit is not None:
        gray = picture.mean(axis=2, keepdims=True) * DIMMED
        picture = np.where(shown[..., None], picture, gray)
    border = np.zeros(large.shape, bool)
    border[1:] |= large[1:] != large[:-1]
    border[:, 1:] |= large[:, 1:] != large[:, :-1]
    wide = border.copy()
    for step in (-1, 1):
        wide |= np.roll(border, step, axis=0) | np.roll(border, step, axis=1)
    picture[wide] = 0.1
    picture[border] = 1.0
    return _numbered(picture, labels, lit)


def _numbered(picture: Array, labels: NDArray[np.intp], lit: Collection[int] | None) -> Array:
    drawn = Image.fromarray(np.rint(picture * 255).astype(np.uint8))
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(FONT)
    for region in range(int(labels.max()) + 1):
        bright = lit is None or region in lit
        row, column = _inside(labels == region)
        # Not so near to an edge that it would be cut off.
        sides = ((column + 0.5) * SCALE, drawn.width), ((row + 0.5) * SCALE, drawn.height)
        x, y = (min(max(at, 0.7 * FONT), side - 0.7 * FONT) for at, side in sides)
        color = (255, 255, 255) if bright else (150, 150, 150)
        pen.text((x, y), str(region + 1), color, font, anchor="mm", stroke_width=3, stroke_fill=(0, 0, 0))
    return np.asarray(drawn, np.float32) / np.float32(255)


def _inside(region: NDArray[np.bool_]) -> tuple[int, int]:
    """Return the pixel of a region that is farthest from its border."""
    from scipy.ndimage import distance_transform_edt

    far = distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(far.argmax()), far.shape)
    return int(row), int(column)


def order_bars(sums: NDArray[np.float64], sizes: NDArray[np.float64]) -> go.Figure:
    """Draw the effects of all sets of 1 … n regions: their sum, and their sizes regardless of sign.

    Parameters
    ----------
    sums, sizes : (n,) float64
        NaN where not known.
    """
    players = len(sums)
    numbers = [str(order) for order in range(1, players + 1)]
    counts = [comb(players, order) for order in range(1, players + 1)]
    told = _("{order} together, {count} sets: {value}", order="%{x}", count="%{customdata}", value="%{y:+.4f}")
    known = np.isfinite(sums)
    bars = [
        go.Bar(
            x=numbers,
            y=np.where(known, values, np.nan),
            name=name,
            customdata=counts,
            marker_color=color,
            hovertemplate=f"{told}<extra></extra>",
        )
        for name, values, color in ((_("sum"), sums, ACCENT), (_("sizes regardless of sign"), sizes, QUIET))
    ]
    return go.Figure(
        bars,
        layout={
            "height": 320,
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "barmode": "group",
            "bargap": 0.3,
            "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
            "uirevision": "order bars",
            "xaxis": {"title": {"text": _("regions in the set")}, "type": "category", "fixedrange": True},
            "yaxis": {"title": {"text": _("effect on the score")}, "automargin": True, "fixedrange": True},
        },
    )
