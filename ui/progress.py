"""One line for work under way: how far it is, a way to stop it, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from igcore.runtime import Job
from ui.language import _, line
from ui.markup import plain
from ui.scene import ask_again

__all__ = ["beginning", "jobs_line", "with_time_left"]


def jobs_line(jobs: Sequence[Job[Any]], finished: str, key: str = "progress", failed_where: str = "") -> None:
    """Show the progress of several jobs, or what happened to them, or a sentence when all are finished.

    Parameters
    ----------
    jobs : sequence of Job
    finished : str
        In the page's language.
    key : str
    failed_where : str
        Where the page says what went wrong, in its language; without, it is said here.
    """
    done = sum(job.done for job in jobs)
    failed = [job for job in jobs if job.error]
    with st.container(horizontal=True, vertical_alignment="center", key=key):
        if done < len(jobs):
            shares = [_share(job) for job in jobs]
            if len(jobs) > 1:
                text = _("{done} of {total} finished", done=done, total=len(jobs))
            else:
                text = with_time_left(_gradients(jobs[0]), jobs[0])
            st.progress(sum(shares) / len(jobs), text=text)
            st.button(_("Stop"), icon=":material/stop_circle:", key=f"{key}_stop", on_click=_stop, args=(jobs,))
        elif failed:
            st.markdown(_failure(failed, len(jobs), failed_where), width="content")
            if st.button(_("Run again"), key=f"{key}_again", on_click=ask_again):
                st.rerun()
        else:
            st.markdown(finished, width="content")


def _failure(failed: Sequence[Job[Any]], count: int, where: str) -> str:
    """Say what became of jobs of which some failed, or were stopped."""
    if failed[0].stopped:
        return ":orange[:material/stop_circle:] " + _("Stopped; what was finished stays.")
    if where:
        what = _("{failed} of {total} failed; {where}.", failed=len(failed), total=count, where=where)
    else:
        what = plain(line(failed[0].error or ""))
    return f":red[:material/error:] {what}"


def _share(job: Job[Any]) -> float:
    if job.done:
        return 1.0
    return min(1.0, job.progress.done / job.progress.total) if job.progress is not None else 0.0


def with_time_left(text: str, job: Job[Any]) -> str:
    """Add how long a job still takes, where that is known, to what is said of its progress."""
    left = job.seconds_left
    return text if left is None or left < 1 else f"{text} · " + _("{seconds:.0f} s left", seconds=left)


def beginning(job: Job[Any]) -> str:
    """Say what a job waits for that has no progress yet."""
    place = job.place
    if place is None:
        return _("Waiting for the first gradients")
    others = _("next") if place == 0 else _("{count} before it", count=place)
    return _("Waiting for others on this server: {others}", others=others)


def _gradients(job: Job[Any]) -> str:
    if job.progress is None:
        return beginning(job)
    return _("{done:,} of {total:,} gradients", done=job.progress.done, total=job.progress.total)


def _stop(jobs: Sequence[Job[Any]]) -> None:
    for job in jobs:
        job.cancel()
