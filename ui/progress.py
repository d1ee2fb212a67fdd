"""One line for work under way: how far it is, a way to stop it, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from igcore.runtime import Job
from ui.markup import plain
from ui.scene import ask_again

__all__ = ["beginning", "jobs_line"]


def jobs_line(jobs: Sequence[Job[Any]], finished: str, key: str = "progress", failed_where: str = "") -> None:
    """Show the progress of several jobs, or what happened to them, or a sentence when all are finished.

    Parameters
    ----------
    jobs : sequence of Job
    finished : str
    key : str
    failed_where : str
        Where the page says what went wrong; without, it is said here.
    """
    done = sum(job.done for job in jobs)
    failed = [job for job in jobs if job.error]
    with st.container(horizontal=True, vertical_alignment="center", key=key):
        if done < len(jobs):
            shares = [_share(job) for job in jobs]
            left = [job.seconds_left for job in jobs if not job.done and job.seconds_left is not None]
            text = f"{done} of {len(jobs)} finished" if len(jobs) > 1 else _gradients(jobs[0])
            text += f" · {left[0]:.0f} s left" if len(jobs) == 1 and left and left[0] >= 1 else ""
            st.progress(sum(shares) / len(jobs), text=text)
            st.button("Stop", icon=":material/stop_circle:", key=f"{key}_stop", on_click=_stop, args=(jobs,))
        elif failed:
            what = ":orange[:material/stop_circle:] Stopped; what was finished stays."
            if not failed[0].stopped:
                what = failed_where and f"{len(failed)} of {len(jobs)} failed; {failed_where}."
                what = f":red[:material/error:] {what or plain(failed[0].error or '')}"
            st.markdown(what, width="content")
            if st.button("Run again", key=f"{key}_again", on_click=ask_again):
                st.rerun()
        else:
            st.markdown(finished, width="content")


def _share(job: Job[Any]) -> float:
    if job.done:
        return 1.0
    return min(1.0, job.progress.done / job.progress.total) if job.progress is not None else 0.0


def beginning(job: Job[Any]) -> str:
    """Say what a job waits for that has no progress yet."""
    place, left = job.place, job.seconds_left
    if place is None:
        return "Waiting for the first gradients"
    about = f", about {left:.0f} s" if left is not None and left >= 1 else ""
    others = "next" if place == 0 else f"{place} before it"
    return f"Waiting for others on this server: {others}{about}"


def _gradients(job: Job[Any]) -> str:
    if job.progress is None:
        return beginning(job)
    return f"{job.progress.done:,} of {job.progress.total:,} gradients"


def _stop(jobs: Sequence[Job[Any]]) -> None:
    for job in jobs:
        job.cancel()
