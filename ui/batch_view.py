"""What a batch shows: how far it is, its pictures, its numbers, and what its images say together."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
import streamlit as st

from igcore.batch import ClassSummary, by_class
from igcore.batch.record import Row
from igcore.heatmaps import Drawing, mask_picture
from ui import state
from ui.batch_run import Run
from ui.markup import plain
from ui.pictures import show
from ui.service import client
from ui.widgets import select

__all__ = ["class_section", "downloads", "gallery", "progress_line", "table"]

#: Pictures that are shown while a run goes on: the newest.
NEWEST = 6

ORDERS = {
    "given": "As they were given",
    "class": "By class",
    "score": "Lowest score first",
    "error": "Largest map error first",
    "border": "Most attribution at the border first",
}


def progress_line(run: Run) -> None:
    """Show how far it is, with a way to stop it, and to go on."""
    failed, total = run.record.failed, len(run.sources)
    with st.container(horizontal=True, vertical_alignment="center", key="batch_progress"):
        if run.running:
            left = run.seconds_left
            about = f" · {left:.0f} s left" if left is not None else ""
            bad = f" · {failed} failed" if failed else ""
            st.progress(run.done / total, text=f"{run.done} of {total} images{bad}{about}")
            st.button("Stop", icon=":material/stop_circle:", key="batch_stop", on_click=run.stop)
            return
        if run.finished:
            good = total - failed
            seconds = sum(row["seconds"] or 0 for row in run.rows)
            gradients = sum(row["gradient_count"] or 0 for row in run.rows)
            text = f":green[:material/check_circle:] {good} of {total} images, {gradients:,} gradients, {seconds:.0f} s"
            st.markdown(text + (f"; {failed} could not be explained, the table says why" if failed else ""))
            return
        stopped = f"Stopped after {run.done} of {total} images; what was finished stays."
        what = (
            f":red[:material/error:] {plain(run.error)}" if run.error else f":orange[:material/stop_circle:] {stopped}"
        )
        st.markdown(what, width="content")
        if st.button("Go on", icon=":material/play_arrow:", key="batch_go_on"):
            run.go_on(client())
            st.rerun()


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
        order = select("Order", "batch_order", list(ORDERS), "given", lambda one: ORDERS[one], "Of the pictures.")
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
                st.image(url, caption=caption, alt=f"{row['name']}: attribution of {row['label']}", width="stretch")


def table(run: Run) -> None:
    """Show the numbers of all images; a click on a column's head sorts by it."""
    rows = run.rows
    if not rows:
        return
    percent, number = "percent", st.column_config.NumberColumn
    complete = any(row["relative_completeness_error"] is not None for row in rows)
    columns = {
        "Image": [row["name"] for row in rows],
        "Class": [row["label"] or "" for row in rows],
        "F(x)": [row["score"] for row in rows],
        "F(x′)": [row["baseline_score"] for row in rows],
        "Sum is off": [row["relative_completeness_error"] for row in rows],
        "Corrected": [_corrected(row) for row in rows],
        "Map error": [row["map_error"] for row in rows],
        "In the center": [row["center_share"] for row in rows],
        "At the border": [row["border_share"] for row in rows],
        "Entropy": [row["entropy"] for row in rows],
        "Gradients": [row["gradient_count"] for row in rows],
        "Seconds": [row["seconds"] for row in rows],
        "What went wrong": [row["error"] or "" for row in rows],
    }
    hidden = {name for name, values in columns.items() if all(value in (None, "") for value in values)}
    if any(row["correction"] is not None for row in rows) or not complete:
        hidden.add("Sum is off")  # zero by construction
    st.dataframe(
        {name: values for name, values in columns.items() if name not in hidden},
        column_config={
            **{name: number(format=percent) for name in ("F(x)", "F(x′)", "Sum is off", "Corrected", "Map error")},
            "Map error": number(format=percent, help="Estimated distance to the converged map."),
            "In the center": number(format=percent, help="Share of |A| in the middle quarter of the area."),
            "At the border": number(format=percent, help="Share of |A| in the outer eighth on each side."),
            "Entropy": number(format="%.3f", help="0: all in one pixel. 1: all pixels alike."),
            "Seconds": number(format="%.2f"),
            "Image": st.column_config.TextColumn(pinned=True),
        },
        hide_index=True,
        placeholder="–",
        key="batch_table",
    )


def _corrected(row: Row) -> float | None:
    difference = None if row["baseline_score"] is None else row["score"] - row["baseline_score"]
    return abs(row["correction"] / difference) if row["correction"] is not None and difference else None


def class_section(run: Run) -> None:
    """Show what single explanations cannot say: each class's mean map, and who disagrees with it."""
    rows = {row["name"]: row for row in run.rows if row["attribution"]}
    if run.running or len(rows) < 2:
        return
    st.subheader("What the images of a class have in common", anchor=False)
    st.caption(
        "The mean of all maps of a class, each with the same weight: where the network looks for it. The center is the "
        "middle quarter of the area, the border the outer eighth on each side (44 % of the area). Least alike is the "
        "image whose map correlates least with those of the others."
    )
    maps = [(name, row["label"], run.attribution(row).values) for name, row in rows.items()]
    classes = by_class(maps)
    several = [one for one in classes if len(one.names) > 1]
    if len(several) != 1 or len(classes) > 1:
        several = [*by_class((name, "All images", values) for name, _, values in maps), *several]
    for number, summary in enumerate(several):
        _class(number, summary, rows)
    alone = [plain(one.label) for one in classes if len(one.names) == 1]
    if alone:
        st.caption(f"One image each, so that there is nothing to compare: {', '.join(alone)}.")


def _class(number: int, summary: ClassSummary, rows: dict[str, Row]) -> None:
    count = len(summary.names)
    with st.container(horizontal=True, gap="medium", key=f"class_{number}"):
        with st.container(width=168):
            picture = mask_picture(np.repeat(summary.mean[..., None] / 3, 3, axis=2).astype(np.float32), Drawing())
            show(picture, "", f"Mean map of {summary.label}")
        with st.container(width=420):
            mean = {
                name: float(np.mean([rows[one][name] for one in summary.names]))
                for name in ("center_share", "border_share", "entropy", "score")
            }
            st.markdown(
                f"**{plain(summary.label)}**, {count} images, score {mean['score']:.0%} on average  \n"
                f"in the center {mean['center_share']:.0%}, at the border {mean['border_share']:.0%}, "
                f"entropy {mean['entropy']:.2f}"
            )
            told = [f"{plain(name)} ({agreement:+.2f})" for name, agreement in summary.by_disagreement[:3]]
            st.markdown("Least alike: " + ", ".join(told))


def downloads(run: Run) -> None:
    """Offer everything as a ZIP, and the table by itself."""
    if run.running or not run.rows:
        return
    asked = run.specification
    name = f"igcore-batch_{asked.model}_{asked.method.key}_{len(run.sources)}-images"
    with st.container(horizontal=True):
        st.download_button(
            "Everything (ZIP)",
            run.zipped,
            f"{name}.zip",
            "application/zip",
            icon=":material/folder_zip:",
            on_click="ignore",
            key="batch_zip",
            help="Each map as .npz, each overlay as .png, the settings, and the table as manifest.parquet.",
        )
        st.download_button(
            "Table (Parquet)",
            (run.record.folder / "manifest.parquet").read_bytes,
            f"{name}.parquet",
            "application/vnd.apache.parquet",
            icon=":material/table:",
            on_click="ignore",
            key="batch_manifest",
        )
