"""Columns of explanations, row by row: baseline, mask, overlay, score along the path, numbers, blind spot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from igcore.checks import blind_pixels, entropy
from igcore.heatmaps import Drawing, full_scale, heat_map, marked_picture, mask_picture, overlay_picture
from igcore.report import Part
from igcore.results import Attribution
from igcore.runtime import Job
from igcore.runtime.questions import Explained
from ui import figures
from ui.columns import Column
from ui.language import _, line
from ui.markup import plain
from ui.pictures import Array, show
from ui.scene import predicted, shared_rules

__all__ = ["Seen", "grid", "part_of", "seen_of"]


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


def part_of(one: Seen) -> Part:
    """Return a column as a part of a report."""
    name = f"{one.number} {one.label}" if one.job is not None else one.label
    if not one.finished:
        return Part(None, name, error=one.job.error if one.job is not None else None)
    rules = shared_rules(one.job.value) if one.job is not None and isinstance(one.job.value, Explained) else ()
    return Part(one.result, name, rules=rules)


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
        _row(_("Compared with"), several, _baseline)
        _row(_("Mask"), several, lambda one: _mask(one, drawing, limit))
        _row(_("Overlay"), several, lambda one: _overlay(one, drawing, limit))
        _row(_("Score along the path"), several, lambda one: _curve(one, top))
        _row(_("Numbers"), several, _numbers)
        _row(_("Blind spot: pixels that equal the baseline"), several, _blind)


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
        st.caption(_("The mean of the maps beside it: Expected Gradients over exactly this set of baselines."))
        return
    column = one.column
    show(column.baseline, "", _("The baseline of {name}", name=one.label))
    scores = predicted(column.spec, column.baseline)
    if scores is not None:
        top = int(scores.argmax())
        st.caption(
            _(
                "seen as {name}, {score:.0%}; entropy {bits:.1f} bits",
                name=column.spec.label(top),
                score=scores[top],
                bits=entropy(scores),
            )
        )


def _waiting(one: Seen) -> bool:
    """Show a gray picture where nothing is known yet."""
    if one.result is not None:
        return False
    shape = one.column.question.image.shape if one.column is not None else (8, 8, 3)
    failed = one.job is not None and one.job.error
    text = f":red[{plain(line(one.job.error or ''))}]" if failed and one.job is not None else _("Waiting …")
    show(np.full(shape, 0.5, np.float32), text, _("{name}: not computed yet", name=one.label))
    return True


def _mask(one: Seen, drawing: Drawing, limit: float | None) -> None:
    if not _waiting(one) and one.result is not None:
        show(mask_picture(one.result.values, drawing, limit), "", _("Attribution by {name}", name=one.label))


def _overlay(one: Seen, drawing: Drawing, limit: float | None) -> None:
    if not _waiting(one) and one.result is not None:
        picture = overlay_picture(one.result.values, one.result.image, drawing, limit)
        show(picture, "", _("Attribution by {name} over the image", name=one.label))


def _curve(one: Seen, top: float) -> None:
    trace = one.result.trace if one.result is not None else None
    if trace is None:
        st.caption(_("Many paths, one from each baseline.") if one.column is None else "")
        return
    st.plotly_chart(
        figures.small_score_curve(trace.alphas, trace.scores, top),
        key=f"curve_{one.number}",
        config={"displayModeBar": False},
        alt=_("Score along the path of {name}", name=one.label),
    )


def _numbers(one: Seen) -> None:
    result = one.result
    if result is None:
        st.caption("–")
        return
    difference, relative, error = result.score_difference, result.relative_completeness_error, result.map_error
    lines = [f"F(x) − F(x′) **{difference:+.3f}**"]
    if result.correction is not None and difference:
        lines.append(_("corrected **{share:.1%}**", share=abs(result.correction / difference)))
    elif relative is not None:
        lines.append(_("sum is off **{share:.1%}**", share=relative))
    lines.append(_("map error –") if error is None else _("map error ≈ **{share:.1%}**", share=error))
    count = result.gradient_count
    lines.append(_("{count} gradients", count=count) if one.finished else _("{count} gradients so far", count=count))
    st.markdown(":small[" + "]  \n:small[".join(lines) + "]")


def _blind(one: Seen) -> None:
    pixels = blind_pixels(one.result) if one.result is not None else None
    if one.result is None or pixels is None:
        st.caption("–" if one.column is not None else _("No single baseline, so no pixel is blind in all of them."))
        return
    image: Array = one.result.image
    told = _("{share:.1%} of the image", share=pixels.mean())
    show(marked_picture(image, pixels), told, _("Blind spot of {name}", name=one.label))
