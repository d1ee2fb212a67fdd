"""Progress, and the completeness card."""

from __future__ import annotations

import streamlit as st

from igcore.checks import completeness_verdict
from igcore.integrators import INTEGRATORS
from igcore.results import Attribution
from ui.controls import STEPS
from ui.questions import Explained
from ui.scene import Shown
from ui.store import Job

__all__ = ["completeness_card", "progress_line"]

BADGES = {
    "good": (":material/check_circle:", "green"),
    "fair": (":material/info:", "orange"),
    "poor": (":material/warning:", "red"),
    "unknown": (":material/help:", "gray"),
}


MAP_ERROR = (
    "How far the map is from the converged one: summed size of the difference over summed size of the map, "
    "estimated from the map that every second node gives."
)


def _map_sentence(result: Attribution) -> str:
    if result.map_error is None:
        return (
            "A complete sum alone does not show that the map has converged; for this rule its error is not estimated."
        )
    return (
        f"A complete sum alone does not show that the map has converged: by its change from half the nodes to all, "
        f"about {result.map_error:.1%} of this map would still move."
    )


def progress_line(job: Job[Explained], stale: bool) -> None:
    """Show how far the explanation is, with a way to stop it; keep its height when it is done."""
    with st.container(horizontal=True, vertical_alignment="center", height=56, border=False, key="progress"):
        if not job.done:
            done, total = (job.progress.done, job.progress.total) if job.progress else (0, 1)
            left = job.seconds_left
            pace = f"{done} of {total} gradients" if job.progress else "Waiting for the first gradients"
            text = pace + (f" · {left:.0f} s left" if left is not None and left >= 1 else "")
            if stale:
                text += " · the pictures show the result before"
            st.progress(done / total, text=text)
            st.button("Stop", icon=":material/stop_circle:", on_click=job.cancel, key="stop", disabled=job.stopped)
        elif job.stopped:
            st.markdown(":orange[:material/stop_circle:] Stopped. The maps show the path up to the last gradient.")
            st.button("Run again", icon=":material/play_arrow:", on_click=_again, key="again")
        elif job.error:
            st.markdown(f":red[:material/error:] {job.error}")
            st.button("Try again", icon=":material/refresh:", on_click=_again, key="again")
        elif job.value is not None:
            result = next(iter(job.value.by_rule.values()))
            st.markdown(f":green[:material/check:] {result.gradient_count} gradients in {result.seconds:.1f} s.")


def _take(steps: int) -> None:
    st.session_state["steps"] = steps


def _again() -> None:
    st.session_state.pop("job", None)


def completeness_card(shown: Shown | None) -> None:
    """Show the sum of the attributions against F(x) − F(x′), with a verdict in words."""
    result = shown.attribution if shown is not None else None
    rule = f" ({INTEGRATORS[result.settings['integrator']].label})" if result is not None else ""
    with st.container(border=True, key="completeness"):
        st.markdown(f"**Completeness**: do the pixels' shares add up?{rule}")
        with st.container(horizontal=True, gap="small"):
            for label, value, help_text in _figures(result):
                st.metric(label, value, help=help_text, width=98)
        if shown is None or shown.explained is None:
            trace = shown.attribution.trace if shown is not None else None
            reached = float(trace.alphas[-1]) if trace is not None and trace.alphas.size else 0.0
            st.markdown(f":gray[:material/hourglass_top: Collected so far: the path up to α = {reached:.2f}.]")
        else:
            _verdict(shown.attribution)


def _figures(result: Attribution | None) -> list[tuple[str, str, str]]:
    """Label, value and help of each number; dashes while there is none."""

    def number(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    def of(name: str, form: str) -> str:
        return number(getattr(result, name, None), form)

    map_error = of("map_error", ".1%")
    return [
        ("F(x)", of("score", ".4f"), "The class's score for the image."),
        ("F(x′)", of("baseline_score", ".4f"), "The class's score for the baseline."),
        ("Sum Σ", of("sum", ".4f"), "Attributions summed over all pixels and channels; it should equal F(x) − F(x′)."),
        ("Error", of("completeness_error", "+.4f"), "Σ attributions − (F(x) − F(x′))."),
        ("Relative", of("relative_completeness_error", ".1%"), "The error's size over |F(x) − F(x′)|."),
        ("Map error", map_error if map_error == "–" else f"≈ {map_error}", MAP_ERROR),
        ("Gradients", of("gradient_count", "d"), "Gradient evaluations spent; one costs about two forward passes."),
        ("Seconds", of("seconds", ".1f"), "From the first gradient to the last, on this server."),
    ]


def _verdict(result: Attribution) -> None:
    verdict = completeness_verdict(result)
    icon, color = BADGES[verdict.level]
    steps = result.settings["steps"]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":{color}[{icon} {verdict.text}]", width="content")
        if verdict.level in ("fair", "poor") and steps < STEPS[1]:
            more = min(STEPS[1], 4 * steps)
            st.button(f"Take {more} steps", key="more_steps", on_click=_take, args=(more,))
    st.caption(_map_sentence(result))
