"""What a batch shows: how far it is, its pictures, its numbers, and what its images say together."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from igcore.batch import ClassSummary, by_class
from igcore.batch.record import Row
from igcore.heatmaps import Drawing, mask_picture
from ui import state
from ui.batch_run import Run
from ui.language import N_, _, line
from ui.markup import plain
from ui.pictures import show
from ui.service import client
from ui.widgets import select

__all__ = ["class_section", "downloads", "gallery", "progress_line", "table"]

#: Pictures that are shown while a run goes on: the newest.
NEWEST = 6

ORDERS = {
    "given": N_("As they were given"),
    "class": N_("By class"),
    "score": N_("Lowest score first"),
    "error": N_("Largest map error first"),
    "border": N_("Most attribution at the border first"),
}


def progress_line(run: Run) -> None:
    """Show how far it is, with a way to stop it, and to go on."""
    done, total = run.done, len(run.sources)
    with st.container(horizontal=True, vertical_alignment="center", key="batch_progress"):
        if run.running:
            st.progress(done / total, text=_so_far(run, done))
            st.button(_("Stop"), icon=":material/stop_circle:", key="batch_stop", on_click=run.stop)
            return
        if run.finished:
            st.markdown(f":green[:material/check_circle:] {_in_the_end(run)}")
            return
        stopped = _("Stopped after {done} of {total} images; what was finished stays.", done=done, total=total)
        what = f":orange[:material/stop_circle:] {stopped}"
        if run.error:
            what = f":red[:material/error:] {plain(line(run.error))}"
        st.markdown(what, width="content")
        if st.button(_("Go on"), icon=":material/play_arrow:", key="batch_go_on"):
            run.go_on(client())
            st.rerun()


def _so_far(run: Run, done: int) -> str:
    """Say how far a run under way is."""
    failed, left = run.record.failed, run.seconds_left
    told = [_("{done} of {total} images", done=done, total=len(run.sources))]
    if failed:
        told.append(_("{count} failed", count=failed))
    if left is not None:
        told.append(_("{seconds:.0f} s left", seconds=left))
    return " · ".join(told)


def _in_the_end(run: Run) -> str:
    """Say what became of a run that is finished."""
    failed, total = run.record.failed, len(run.sources)
    told = _(
        "{good} of {total} images, {gradients:,} gradients, {seconds:.0f} s",
        good=total - failed,
        total=total,
        gradients=sum(row["gradient_count"] or 0 for row in run.rows),
        seconds=sum(row["seconds"] or 0 for row in run.rows),
    )
    if failed:
        told = _("{told}; {count} could not be explained, the table says why", told=told, count=failed)
    return told


def gallery(run: Run) -> None:
    """Show the overlays: the newest while it runs, all of them afterwards, in an order that somebody chooses."""
    rows = [row for row in run.rows if row["overlay"]]
    if not rows:
        return
    if run.running:
        newest = [row for row in list(run.record.rows.values()) if row["overlay"]][-NEWEST:]
        _pictures(run, newest[::-1])
        return
    with st.container(width=320):
        order = select(
            _("Order"), "batch_order", list(ORDERS), "given", lambda one: _(ORDERS[one]), _("Of the pictures.")
        )
    state.write_address()
    _pictures(run, _ordered(rows, order))


def _ordered(rows: list[Row], order: str) -> list[Row]:
    keys = {
        "class": lambda row: (row["label"], -row["score"]),
        "score": lambda row: row["score"],
        "error": lambda row: -(row["map_error"] or 0),
        "border": lambda row: -(row["border_share"] or 0),
    }
    return sorted(rows, key=keys[order]) if order in keys else rows


def _pictures(run: Run, rows: Sequence[Row]) -> None:
    with st.container(horizontal=True, gap="small", key="batch_gallery"):
        for row in rows:
            with st.container(width=168):
                url = f"data:image/png;base64,{base64.b64encode(run.overlay(row)).decode()}"
                caption = f"**{plain(row['name'])}**  \n{row['label']}, {row['score']:.0%}"
                alt = _("{name}: attribution of {label}", name=row["name"], label=row["label"])
                st.image(url, caption=caption, alt=alt, width="stretch")


def table(run: Run) -> None:
    """Show the numbers of all images; a click on a column's head sorts by it."""
    rows = run.rows
    if not rows:
        return
    columns = _columns(rows)
    hidden = {name for name, values in columns.items() if all(value in (None, "") for value in values)}
    complete = any(row["relative_completeness_error"] is not None for row in rows)
    if any(row["correction"] is not None for row in rows) or not complete:
        hidden.add("Sum is off")  # zero by construction
    st.dataframe(
        {_(name): values for name, values in columns.items() if name not in hidden},
        column_config={_(name): config for name, config in _column_config().items()},
        hide_index=True,
        placeholder="–",
        key="batch_table",
    )


def _columns(rows: Sequence[Row]) -> dict[str, list[Any]]:
    """Return the table's columns by their names in English."""
    return {
        N_("Image"): [row["name"] for row in rows],
        N_("Class"): [row["label"] or "" for row in rows],
        "F(x)": [row["score"] for row in rows],
        "F(x′)": [row["baseline_score"] for row in rows],
        N_("Sum is off"): [row["relative_completeness_error"] for row in rows],
        N_("Corrected"): [_corrected(row) for row in rows],
        N_("Map error"): [row["map_error"] for row in rows],
        N_("In the center"): [row["center_share"] for row in rows],
        N_("At the border"): [row["border_share"] for row in rows],
        N_("Entropy"): [row["entropy"] for row in rows],
        N_("Gradients"): [row["gradient_count"] for row in rows],
        N_("Seconds"): [row["seconds"] for row in rows],
        N_("What went wrong"): [line(row["error"] or "") for row in rows],
    }


def _column_config() -> dict[str, Any]:
    """Say by a column's name in English how it is written."""
    percent, number = "percent", st.column_config.NumberColumn
    return {
        **{name: number(format=percent) for name in ("F(x)", "F(x′)", "Sum is off", "Corrected")},
        "Map error": number(format=percent, help=_("Estimated distance to the converged map.")),
        "In the center": number(format=percent, help=_("Share of |A| in the middle quarter of the area.")),
        "At the border": number(format=percent, help=_("Share of |A| in the outer eighth on each side.")),
        "Entropy": number(format="%.3f", help=_("0: all in one pixel. 1: all pixels alike.")),
        "Seconds": number(format="%.2f"),
        "Image": st.column_config.TextColumn(pinned=True),
    }


def _corrected(row: Row) -> float | None:
    difference = None if row["baseline_score"] is None else row["score"] - row["baseline_score"]
    return abs(row["correction"] / difference) if row["correction"] is not None and difference else None


def class_section(run: Run) -> None:
    """Show what single explanations cannot say: each class's mean map, and who disagrees with it."""
    rows = {row["name"]: row for row in run.rows if row["attribution"]}
    if run.running or len(rows) < 2:
        return
    st.subheader(_("What the images of a class have in common"), anchor=False)
    st.caption(
        _(
            "The mean of all maps of a class, each with the same weight: where the network looks for it. The center is "
            "the middle quarter of the area, the border the outer eighth on each side (44 % of the area). Least alike "
            "is the image whose map correlates least with those of the others."
        )
    )
    maps = [(name, row["label"], run.attribution(row).values) for name, row in rows.items()]
    classes = by_class(maps)
    several = [one for one in classes if len(one.names) > 1]
    if len(several) != 1 or len(classes) > 1:
        together = _("All images")
        several = [*by_class((name, together, values) for name, _label, values in maps), *several]
    for number, summary in enumerate(several):
        _class(number, summary, rows)
    alone = [plain(one.label) for one in classes if len(one.names) == 1]
    if alone:
        st.caption(_("One image each, so that there is nothing to compare: {names}.", names=", ".join(alone)))


def _class(number: int, summary: ClassSummary, rows: dict[str, Row]) -> None:
    count = len(summary.names)
    with st.container(horizontal=True, gap="medium", key=f"class_{number}"):
        with st.container(width=168):
            picture = mask_picture(np.repeat(summary.mean[..., None] / 3, 3, axis=2).astype(np.float32), Drawing())
            show(picture, "", _("Mean map of {name}", name=summary.label))
        with st.container(width=420):
            mean = {
                name: float(np.mean([rows[one][name] for one in summary.names]))
                for name in ("center_share", "border_share", "entropy", "score")
            }
            label = plain(summary.label)
            whole = _("**{label}**, {count} images, score {score:.0%} on average", label=label, count=count, **mean)
            falls = _(
                "in the center {center_share:.0%}, at the border {border_share:.0%}, entropy {entropy:.2f}", **mean
            )
            st.markdown(f"{whole}  \n{falls}")
            least = [f"{plain(name)} ({agreement:+.2f})" for name, agreement in summary.by_disagreement[:3]]
            st.markdown(_("Least alike: {names}", names=", ".join(least)))


def downloads(run: Run) -> None:
    """Offer everything as a ZIP, and the table by itself."""
    if run.running or not run.rows:
        return
    asked = run.specification
    name = f"igcore-batch_{asked.model}_{asked.method.key}_{len(run.sources)}-images"
    with st.container(horizontal=True):
        st.download_button(
            _("Everything (ZIP)"),
            run.zipped,
            f"{name}.zip",
            "application/zip",
            icon=":material/folder_zip:",
            on_click="ignore",
            key="batch_zip",
            help=_("Each map as .npz, each overlay as .png, the settings, and the table as manifest.parquet."),
        )
        st.download_button(
            _("Table (Parquet)"),
            (run.record.folder / "manifest.parquet").read_bytes,
            f"{name}.parquet",
            "application/vnd.apache.parquet",
            icon=":material/table:",
            on_click="ignore",
            key="batch_manifest",
        )
