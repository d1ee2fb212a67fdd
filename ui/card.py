"""The completeness card: what the numbers say, how far the computation is, and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from igcore.checks import completeness_verdict
from igcore.integrators import INTEGRATORS
from igcore.results import Attribution
from ui.controls import STEPS
from ui.questions import Explained
from ui.scene import Shown
from ui.store import Job

__all__ = ["completeness_card"]

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


def completeness_card(job: Job[Explained], shown: Shown | None) -> None:
    """Show the sum of the attributions against F(x) − F(x′), with a verdict in words; its height stays."""
    result = shown.attribution if shown is not None else None
    rule = f" ({INTEGRATORS[result.settings['integrator']].label})" if result is not None else ""
    with st.container(border=True, key="completeness"):
        st.markdown(f"**Completeness**: do the pixels' shares add up?{rule}")
        with st.container(horizontal=True, gap="xsmall"):
            for label, value, help_text in _figures(result):
                st.metric(label, value, help=help_text, width=84)
        with st.container(horizontal=True, vertical_alignment="center", key="progress"):
            _state(job, shown)
        st.caption(_sentence(shown))


def _figures(result: Attribution | None) -> list[tuple[str, str, str]]:
    """Label, value and help of each number; dashes while there is none."""

    def of(name: str, form: str) -> str:
        value = getattr(result, name, None)
        return "–" if value is None else format(value, form)

    map_error = of("map_error", ".1%")
    return [
        ("F(x)", of("score", ".4f"), "The class's score for the image."),
        ("F(x′)", of("baseline_score", ".4f"), "The class's score for the baseline."),
        ("Sum Σ", of("sum", ".4f"), "Attributions summed over all pixels and channels; it should equal F(x) − F(x′)."),
        ("Error", of("completeness_error", "+.4f"), "Σ attributions − (F(x) − F(x′))."),
        ("Relative", of("relative_completeness_error", ".1%"), "The error's size over |F(x) − F(x′)|."),
        ("Map error", map_error if map_error == "–" else f"≈ {map_error}", MAP_ERROR),
    ]


def _state(job: Job[Explained], shown: Shown | None) -> None:
    """One line: progress with a way to stop, or what happened, or the verdict."""
    if not job.done:
        done, total = (job.progress.done, job.progress.total) if job.progress else (0, 1)
        left = job.seconds_left
        text = f"{done} of {total} gradients" if job.progress else "Waiting for the first gradients"
        st.progress(done / total, text=text + (f" · {left:.0f} s left" if left is not None and left >= 1 else ""))
        st.button("Stop", icon=":material/stop_circle:", on_click=job.cancel, key="stop", disabled=job.stopped)
    elif job.error:
        what = ":orange[:material/stop_circle:] Stopped." if job.stopped else f":red[:material/error:] {job.error}"
        st.markdown(what, width="content")
        _button("Run again", "again", _again)
    elif shown is not None:
        verdict = completeness_verdict(shown.attribution)
        icon, color = BADGES[verdict.level]
        st.markdown(f":{color}[{icon} {verdict.text}]", width="content")
        steps = shown.attribution.settings["steps"]
        if verdict.level in ("fair", "poor") and steps < STEPS[1]:
            more = min(STEPS[1], 4 * steps)
            _button(f"Take {more} steps", "more_steps", _take, more)


def _sentence(shown: Shown | None) -> str:
    """Say what stands behind the numbers, and what they do not show."""
    if shown is None:
        return "Nothing computed yet."
    result = shown.attribution
    if shown.stale:
        return "The result before is shown until the first gradients of the new one arrive."
    if shown.explained is None:
        trace = result.trace
        reached = float(trace.alphas[-1]) if trace is not None and trace.alphas.size else 0.0
        return f"{result.gradient_count} gradients so far: numbers and maps show the path up to α = {reached:.2f}."
    cost = f"{result.gradient_count} gradients in {result.seconds:.1f} s. "
    if result.map_error is None:
        return (
            cost + "A complete sum alone does not show that the map has converged; this rule's error is not estimated."
        )
    return cost + (
        "A complete sum alone does not show that the map has converged: by its change from half the nodes to all, "
        f"about {result.map_error:.1%} of it would still move."
    )


def _button(label: str, key: str, act: Callable[..., None], *arguments: object) -> None:
    """Draw a button whose effect reaches the whole page, not only the fragment that it stands in."""
    if st.button(label, key=key, on_click=act, args=arguments):
        st.rerun()


def _take(steps: int) -> None:
    st.session_state["steps"] = steps


def _again() -> None:
    st.session_state.pop("job", None)
