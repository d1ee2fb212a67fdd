"""Curves as SVG, without words: titles and legends stand around them, where any language and any class name may be.

Drawn by Matplotlib without its global figures. Numbers at the axes stay text, identifiers come from a fixed salt, and
no date is written, so that the same curves give the same bytes.
"""

from __future__ import annotations

import io
import logging
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Chart", "Curve", "draw_chart", "style"]

#: Of Okabe and Ito, safe for color-blind eyes, without the yellow that white paper swallows.
COLORS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
#: What tells curves apart that share a color, or that are printed without any.
DASHES = ("", "5 2", "1.5 1.5", "6 2 1.5 2")

#: Inches; a figure is scaled to whatever stands around it.
SIZE = (3.2, 2.1)
INK, GRID = "#4b5563", "#e5e7eb"

#: Nodes up to which each is marked.
MARKED = 60

SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "igcore",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": GRID,
    "axes.formatter.limits": (-3, 4),
    "axes.formatter.useoffset": False,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
}

#: Matplotlib's settings belong to the whole process.
_settings = threading.Lock()


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve over α: (n,) and (n,), and how it is drawn."""

    alphas: NDArray[np.floating]
    values: NDArray[np.floating]
    color: str
    dashes: str = ""


@dataclass(frozen=True)
class Chart:
    """An SVG without its outermost element: what is in it, and its view box."""

    view_box: str
    inner: str


def style(number: int) -> tuple[str, str]:
    """Return the color and the dashes of one of several curves, counted from 0."""
    return COLORS[number % len(COLORS)], DASHES[number // len(COLORS) % len(DASHES)]


def draw_chart(curves: Sequence[Curve], prefix: str, level: float | None = None, fill: bool = False) -> Chart:
    """Draw curves from α = 0 to 1.

    Parameters
    ----------
    curves : sequence of Curve
    prefix : str
        Of all identifiers, which several charts of one page must not share.
    level : float, optional
        Drawn as a dashed horizontal line.
    fill : bool
        Whether the area between a curve and zero is filled.
    """
    with _alone() as figure_of:
        figure = figure_of(figsize=SIZE, layout="constrained")
        axes = figure.add_subplot()
        for curve in curves:
            marker = "o" if len(curves) == 1 and curve.alphas.size <= MARKED else ""
            dashes = (0, tuple(map(float, curve.dashes.split()))) if curve.dashes else "-"
            axes.plot(curve.alphas, curve.values, color=curve.color, ls=dashes, lw=1.4, marker=marker, ms=2.2)
            if fill:
                axes.fill_between(curve.alphas, curve.values, color=curve.color, alpha=0.12, lw=0)
        if level is not None:
            axes.axhline(level, color=INK, lw=1, ls=(0, (4, 3)))
        axes.grid(color=GRID, lw=0.6)
        axes.set_axisbelow(True)
        axes.set_xlim(-0.02, 1.02)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "¼", "½", "¾", "1"])
        axes.yaxis.get_major_locator().set_params(nbins=5)
        axes.tick_params(labelcolor=INK)
        buffer = io.StringIO()
        # An entry without a value is left out, and with all of them the element that holds them.
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _cleaned(buffer.getvalue(), prefix)


@contextmanager
def _alone() -> Iterator[Any]:
    """Yield Matplotlib's figure class, under settings that no other thread and no file of the user's changes."""
    log = logging.getLogger("matplotlib")
    with _settings:
        before = log.level
        log.setLevel(logging.ERROR)  # it would tell that it lists the fonts
        try:
            import matplotlib
            from matplotlib.figure import Figure

            with matplotlib.rc_context():
                matplotlib.rcdefaults()
                matplotlib.rcParams.update(SETTINGS)
                yield Figure
        finally:
            log.setLevel(before)


def _cleaned(svg: str, prefix: str) -> Chart:
    """Take what is drawn, without declarations, without a style that would reach the whole page, with own names."""
    view_box = re.search(r'viewBox="([^"]+)"', svg)
    start = svg.index(">", svg.index("<svg")) + 1
    inner = svg[start : svg.rindex("</svg>")]
    inner = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", inner, flags=re.DOTALL)
    used = {*re.findall(r'href="#([^"]+)"', inner), *re.findall(r"url\(#([^)]+)\)", inner)}
    inner = re.sub(r' id="([^"]*)"', lambda found: f' id="{prefix}{found[1]}"' if found[1] in used else "", inner)
    inner = re.sub(r'xlink:href="#', f'href="#{prefix}', inner).replace("url(#", f"url(#{prefix}")
    return Chart(view_box[1] if view_box else "", re.sub(r"\n\s*", "\n", inner).strip())
