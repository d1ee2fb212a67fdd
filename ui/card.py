"""The completeness card: what the numbers say, how far the computation is, and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from igcore.checks import completeness_verdict
from igcore.integrators import FIXED, INTEGRATORS
from igcore.methods import IntegratedGradients
from igcore.registry import parameters
from igcore.results import Attribution
from igcore.runtime import Job
from igcore.runtime.questions import Explain, Explained
from ui.markup import plain
from ui.method_controls import STEPS
from ui.progress import beginning
from ui.scene import Shown, ask_again

__all__ = ["completeness_card"]

MOST_GRADIENTS = parameters(IntegratedGradients)["max_gradients"].choices[-1]
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


def completeness_card(question: Explain, job: Job[Explained], shown: Shown | None) -> None:
    """Show the sum of the attributions against F(x) − F(x′), with a verdict in words; its height stays."""
    result = shown.attribution if shown is not None else None
    rule = f" ({INTEGRATORS[result.settings['integrator']].label})" if result is not None else ""
    with st.container(border=True, key="completeness"):
        st.markdown(f"**Completeness**: do the pixels' shares add up?{rule}")
        with st.container(horizontal=True, gap="xsmall"):
            for label, value, help_text in _figures(result):
                st.metric(label, value, help=help_text, width=84)
        with st.container(horizontal=True, vertical_alignment="center", key="progress"):
            _state(question, job, shown)
        st.caption(_sentence(shown))


def _figures(result: Attribution | None) -> list[tuple[str, str, str]]:
    """Label, value and help of each number; dashes while there is none."""

    def of(name: str, form: str) -> str:
        value = getattr(result, name, None)
        return "–" if value is None else format(value, form)

    corrected = result is not None and result.correction is not None
    if result is not None and result.correction is not None:
        difference = result.score_difference
        error, relative = (
            f"{-result.correction:+.4f}",
            f"{abs(result.correction / difference):.1%}" if difference else "–",
        )
    else:
        error, relative = of("completeness_error", "+.4f"), of("relative_completeness_error", ".1%")
    before = " Before the correction, after which the sum is exact by construction." if corrected else ""
    map_error = of("map_error", ".1%")
    return [
        ("F(x)", of("score", ".4f"), "The class's score for the image."),
        ("F(x′)", of("baseline_score", ".4f"), "The class's score for the baseline."),
        ("Sum Σ", of("sum", ".4f"), "Attributions summed over all pixels and channels; it should equal F(x) − F(x′)."),
        ("Was off" if corrected else "Error", error, f"Σ attributions − (F(x) − F(x′)).{before}"),
        ("Relative", relative, f"The error's size over |F(x) − F(x′)|.{before}"),
        ("Map error", map_error if map_error == "–" else f"≈ {map_error}", MAP_ERROR),
    ]


def _state(question: Explain, job: Job[Explained], shown: Shown | None) -> None:
    """One line: progress with a way to stop, or what happened, or the verdict."""
    if not job.done:
        done, total = (job.progress.done, job.progress.total) if job.progress else (0, 1)
        left = job.seconds_left
        about = "" if question.method.integrator in FIXED else "about "
        text = f"{done} of {about}{total} gradients" if job.progress else beginning(job)
        st.progress(done / total, text=text + (f" · {left:.0f} s left" if left is not None and left >= 1 else ""))
        st.button("Stop", icon=":material/stop_circle:", on_click=job.cancel, key="stop", disabled=job.stopped)
    elif job.error:
        what = (
            ":orange[:material/stop_circle:] Stopped." if job.stopped else f":red[:material/error:] {plain(job.error)}"
        )
        st.markdown(what, width="content")
        _button("Run again", "again", ask_again)
    elif shown is not None:
        verdict = completeness_verdict(shown.attribution)
        icon, color = BADGES[verdict.level]
        st.markdown(f":{color}[{icon} {verdict.text}]", width="content")
        if verdict.level in ("fair", "poor"):
            _ways_out(shown.attribution)


def _ways_out(result: Attribution) -> None:
    """Offer what makes the result better."""
    steps, most = result.settings.get("steps"), result.settings.get("max_gradients")
    if steps is not None and steps < STEPS[1]:
        more = min(STEPS[1], 4 * steps)
        _button(f"Take {more} steps", "more_steps", _set, "steps", more)
    if steps is not None:
        _button("Let it adapt", "adapt", _set, "integrator", "adaptive")
    if most is not None and 4 * most <= MOST_GRADIENTS:
        _button(f"Allow {4 * most} gradients", "more_gradients", _set, "max_gradients", 4 * most)


def _sentence(shown: Shown | None) -> str:
    """Say what stands behind the numbers, and what they do not show."""
    if shown is None:
        return "Nothing computed yet."
    result = shown.attribution
    if shown.stale:
        return "The result before is shown until the first gradients of the new one arrive."
    if shown.explained is None and result.settings["integrator"] not in FIXED:
        return f"{result.gradient_count} gradients so far: numbers and maps are rough, and get finer with each round."
    if shown.explained is None:
        trace = result.trace
        reached = float(trace.alphas[-1]) if trace is not None and trace.alphas.size else 0.0
        return f"{result.gradient_count} gradients so far: numbers and maps show the path up to α = {reached:.2f}."
    cost = f"{result.gradient_count} gradients in {result.seconds:.1f} s. "
    if result.correction is not None:
        share = abs(result.correction / result.score_difference) if result.score_difference else 0.0
        return (
            cost + f"The sum was {share:.1%} off and is corrected, so it is complete by construction: "
            "that is no evidence. Read the map error, estimated from every second node."
        )
    if result.map_error is None:
        return cost + "A complete sum alone does not show that the map has converged; one node cannot tell."
    return cost + (
        "A complete sum alone does not show that the map has converged: by its change from half the nodes to all, "
        f"about {result.map_error:.1%} of it would still move."
    )


def _button(label: str, key: str, act: Callable[..., None], *arguments: object) -> None:
    """Draw a button whose effect reaches the whole page, not only the fragment that it stands in."""
    if st.button(label, key=key, on_click=act, args=arguments):
        st.rerun()


def _set(key: str, value: object) -> None:
    st.session_state[key] = value
