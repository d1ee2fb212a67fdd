"""Columns of explanations, row by row: baseline, mask, overlay, score along the path, numbers, blind spot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from igcore.checks import blind_pixels, entropy
from igcore.heatmaps import Drawing, full_scale, heat_map, marked_picture, mask_picture, overlay_picture
from igcore.results import Attribution
from igcore.runtime import Job
from igcore.runtime.questions import Explained
from ui import figures
from ui.columns import Column
from ui.markup import plain
from ui.pictures import Array, show
from ui.scene import predicted

__all__ = ["Seen", "grid", "seen_of"]


@dataclass(frozen=True, eq=False)
class Seen:
    """A column, counted from 1, and what is known of its explanation by now; the average has no column."""

    number: int
    column: Column | None
    label: str
    result: Attribution | None
    job: Job[Any] | None = None

    @property
    def finished(self) -> bool:
        """Whether the result is the final one."""
        return self.result is not None and (self.job is None or self.job.value is not None)


def seen_of(number: int, column: Column, job: Job[Any]) -> Seen:
    """Return the column with its result, or the beginning of it."""
    explained: Explained | None = job.value
    if explained is not None:
        return Seen(number, column, column.label, explained.by_rule[column.question.method.integrator], job)
    return Seen(number, column, column.label, job.progress.partial if job.progress is not None else None, job)


def grid(several: Sequence[Seen], drawing: Drawing, shared: bool) -> None:
    """Draw the columns; with `shared`, one color scale serves all maps."""
    known = [one.result for one in several if one.result is not None]
    limit = None
    if shared and known:
        limit = full_scale(np.concatenate([heat_map(one.values, drawing.sign).ravel() for one in known]), drawing.clip)
    traces = [one.trace.scores for one in known if one.trace is not None and one.trace.scores.size]
    top = max((float(scores.max()) for scores in traces), default=1.0)
    with st.container(key="grid"):
        _row("", several, _name)
        _row("Compared with", several, _baseline)
        _row("Mask", several, lambda one: _mask(one, drawing, limit))
        _row("Overlay", several, lambda one: _overlay(one, drawing, limit))
        _row("Score along the path", several, lambda one: _curve(one, top))
        _row("Numbers", several, _numbers)
        _row("Blind spot: pixels that equal the baseline", several, _blind)


def _row(title: str, several: Sequence[Seen], draw: Callable[[Seen], None]) -> None:
    if title:
        st.caption(title)
    for column, one in zip(st.columns(len(several), gap="small"), several, strict=True):
        with column:
            draw(one)


def _name(one: Seen) -> None:
    st.markdown(f"{one.number} **{one.label}**" if one.column is not None else f"**{one.label}**")


def _baseline(one: Seen) -> None:
    if one.column is None:
        st.caption("The mean of the maps beside it: Expected Gradients over exactly this set of baselines.")
        return
    column = one.column
    show(column.baseline, "", f"The baseline of {one.label}")
    scores = predicted(column.spec, column.baseline)
    if scores is not None:
        top = int(scores.argmax())
        st.caption(f"seen as {column.spec.label(top)}, {scores[top]:.0%}; entropy {entropy(scores):.1f} bits")


def _waiting(one: Seen) -> bool:
    """Show a gray picture where nothing is known yet."""
    if one.result is not None:
        return False
    shape = one.column.question.image.shape if one.column is not None else (8, 8, 3)
    failed = one.job is not None and one.job.error
    text = f":red[{plain(one.job.error or '')}]" if failed and one.job is not None else "Waiting …"
    show(np.full(shape, 0.5, np.float32), text, f"{one.label}: not computed yet")
    return True


def _mask(one: Seen, drawing: Drawing, limit: float | None) -> None:
    if not _waiting(one) and one.result is not None:
        show(mask_picture(one.result.values, drawing, limit), "", f"Attribution by {one.label}")


def _overlay(one: Seen, drawing: Drawing, limit: float | None) -> None:
    if not _waiting(one) and one.result is not None:
        picture = overlay_picture(one.result.values, one.result.image, drawing, limit)
        show(picture, "", f"Attribution by {one.label} over the image")


def _curve(one: Seen, top: float) -> None:
    trace = one.result.trace if one.result is not None else None
    if trace is None:
        st.caption("Many paths, one from each baseline." if one.column is None else "")
        return
    st.plotly_chart(
        figures.small_score_curve(trace.alphas, trace.scores, top),
        key=f"curve_{one.number}",
        config={"displayModeBar": False},
        alt=f"Score along the path of {one.label}",
    )


def _numbers(one: Seen) -> None:
    result = one.result
    if result is None:
        st.caption("–")
        return
    difference, relative, error = result.score_difference, result.relative_completeness_error, result.map_error
    lines = [f"F(x) − F(x′) **{difference:+.3f}**"]
    if result.correction is not None and difference:
        lines.append(f"corrected **{abs(result.correction / difference):.1%}**")
    elif relative is not None:
        lines.append(f"sum is off **{relative:.1%}**")
    lines.append("map error " + ("–" if error is None else f"≈ **{error:.1%}**"))
    lines.append(f"{result.gradient_count} gradients" + ("" if one.finished else " so far"))
    st.markdown(":small[" + "]  \n:small[".join(lines) + "]")


def _blind(one: Seen) -> None:
    pixels = blind_pixels(one.result) if one.result is not None else None
    if one.result is None or pixels is None:
        st.caption("–" if one.column is not None else "No single baseline, so no pixel is blind in all of them.")
        return
    image: Array = one.result.image
    show(marked_picture(image, pixels), f"{pixels.mean():.1%} of the image", f"Blind spot of {one.label}")
