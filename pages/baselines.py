"""Compare baselines, images, classes or models side by side."""

from collections.abc import Sequence

import streamlit as st

import igcore
from igcore.heatmaps import Drawing
from igcore.images import digest
from ui import frame, state
from ui.agreement_view import agreement_section
from ui.columns import Column, choose_columns
from ui.controls import choose_drawing
from ui.language import N_, _
from ui.progress import jobs_line
from ui.scene import follow, predicted
from ui.share import report_popover
from ui.side_by_side import Seen, grid, part_of, seen_of
from ui.widgets import toggle


def main() -> None:
    frame.open_page(
        N_("Compared with what?"),
        N_("The same picture explained against several baselines: what each of them shows, hides, and leaves blind."),
    )
    with frame.errors_as_lines():
        by, columns = choose_columns()
        if columns:
            compare(by, columns)
    state.write_address()


def compare(by: str, columns: list[Column]) -> None:
    jobs = follow(*(column.question for column in columns))
    running = not all(job.done for job in jobs)

    @st.fragment(run_every=frame.polling(running))
    def live() -> None:
        with frame.errors_as_lines():
            numbered = enumerate(zip(columns, jobs, strict=True), start=1)
            view(by, [seen_of(number, column, job) for number, (column, job) in numbered])
        if running and all(job.done for job in jobs):
            st.rerun()

    live()


def view(by: str, several: list[Seen]) -> None:
    jobs_line([one.job for one in several if one.job is not None], _spent(several))
    drawing = choose_drawing()
    shared = toggle(
        _("One color scale for all maps"),
        "shared_scale",
        default=True,
        help=_("With one scale, brightness can be compared between the maps. Without, each map shows its own range."),
    )
    average = averaged(by, several)
    grid(several + average, drawing, shared)
    report(several, average, drawing, shared)
    agreement_section(several, drawing, shared)
    state.write_address()


def report(several: Sequence[Seen], average: Sequence[Seen], drawing: Drawing, shared: bool) -> None:
    """Offer all columns as one report, once nothing is running, where they are of one image and one model."""
    columns = [one.column for one in several if one.column is not None]
    subjects = {(column.spec.key, digest(column.question.image)) for column in columns}
    if not any(one.finished for one in several) or any(one.job is not None and not one.job.done for one in several):
        return
    if len(subjects) > 1:
        st.caption(_("A report is of one image and one model; compare baselines or classes for one."))
        return
    first = columns[0]
    scores = predicted(first.spec, first.question.image)
    if scores is not None:
        parts = [part_of(one) for one in [*several, *average]]
        report_popover(f"{first.origin.name}_comparison", parts, first.origin, first.spec, scores, drawing, shared)


def _spent(several: Sequence[Seen]) -> str:
    known = [one.result for one in several if one.result is not None]
    gradients, seconds = sum(one.gradient_count for one in known), sum(one.seconds for one in known)
    return _(
        "{maps} maps, {gradients} gradients, {seconds:.1f} s", maps=len(known), gradients=gradients, seconds=seconds
    )


def averaged(by: str, several: Sequence[Seen]) -> list[Seen]:
    """Return the mean over the baselines as one more column, as soon as all are finished."""
    results = [one.result for one in several if one.finished and one.result is not None]
    if by != "baselines" or len(results) < len(several):
        return []
    return [Seen(len(several) + 1, None, _("Average"), igcore.average(results))]


main()
