"""The completeness card: what the numbers say, how far the computation is, and a way to stop it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from igcore.checks import completeness_verdict, uncorrected_error
from igcore.integrators import FIXED, INTEGRATORS
from igcore.methods import IntegratedGradients
from igcore.registry import parameters
from igcore.results import Attribution
from igcore.runtime import Job
from igcore.runtime.questions import Explain, Explained
from ui.language import N_, _, line
from ui.markup import plain
from ui.method_controls import STEPS
from ui.progress import beginning, with_time_left
from ui.scene import Shown, ask_again

__all__ = ["completeness_card"]

MOST_GRADIENTS = parameters(IntegratedGradients)["max_gradients"].choices[-1]
BADGES = {
    "good": (":material/check_circle:", "green"),
    "fair": (":material/info:", "orange"),
    "poor": (":material/warning:", "red"),
    "unknown": (":material/help:", "gray"),
}
MAP_ERROR = N_(
    "How far the map is from the converged one: summed size of the difference over summed size of the map, "
    "estimated from the map that every second node gives."
)


def completeness_card(question: Explain, job: Job[Explained], shown: Shown | None) -> None:
    """Show the sum of the attributions against F(x) − F(x′), with a verdict in words; its height stays."""
    result = shown.attribution if shown is not None else None
    title = _("**Completeness**: do the pixels' shares add up?")
    if result is not None:
        title += f" ({_(INTEGRATORS[result.settings['integrator']].label)})"
    with st.container(border=True, key="completeness"):
        st.markdown(title)
        with st.container(horizontal=True, gap="xsmall"):
            for label, value, help_text in _figures(result):
                st.metric(label, value, help=help_text, width=84)
        with st.container(horizontal=True, vertical_alignment="center", key="progress"):
            _state(question, job, shown)
        st.caption(_sentence(shown))


def _figures(result: Attribution | None) -> list[tuple[str, str, str]]:
    """Label, value and help of each number; dashes while there is none."""

    def of(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    error, relative = uncorrected_error(result) if result is not None else (None, None)
    corrected = result is not None and result.correction is not None
    before = " " + _("Before the correction, after which the sum is exact by construction.") if corrected else ""
    total = _("Attributions summed over all pixels and channels; it should equal F(x) − F(x′).")
    score, baseline_score, summed, map_error = (
        getattr(result, name, None) for name in ("score", "baseline_score", "sum", "map_error")
    )
    return [
        ("F(x)", of(score, ".4f"), _("The class's score for the image.")),
        ("F(x′)", of(baseline_score, ".4f"), _("The class's score for the baseline.")),
        (_("Sum Σ"), of(summed, ".4f"), total),
        (_("Was off") if corrected else _("Error"), of(error, "+.4f"), _("Σ attributions − (F(x) − F(x′)).") + before),
        (_("Relative"), of(relative, ".1%"), _("The error's size over |F(x) − F(x′)|.") + before),
        (_("Map error"), "–" if map_error is None else f"≈ {map_error:.1%}", _(MAP_ERROR)),
    ]


def _state(question: Explain, job: Job[Explained], shown: Shown | None) -> None:
    """One line: progress with a way to stop, or what happened, or the verdict."""
    if not job.done:
        share = job.progress.done / job.progress.total if job.progress else 0.0
        st.progress(share, text=_progress(question, job))
        st.button(_("Stop"), icon=":material/stop_circle:", on_click=job.cancel, key="stop", disabled=job.stopped)
    elif job.error:
        icon = ":orange[:material/stop_circle:]" if job.stopped else ":red[:material/error:]"
        what = _("Stopped.") if job.stopped else plain(line(job.error))
        st.markdown(f"{icon} {what}", width="content")
        _button(_("Run again"), "again", ask_again)
    elif shown is not None:
        verdict = completeness_verdict(shown.attribution)
        icon, color = BADGES[verdict.level]
        st.markdown(f":{color}[{icon} {line(verdict.text)}]", width="content")
        if verdict.level in ("fair", "poor"):
            _ways_out(shown.attribution)


def _progress(question: Explain, job: Job[Explained]) -> str:
    """Say how far a computation is, and how long it still takes."""
    if job.progress is None:
        text = beginning(job)
    elif question.method.integrator in FIXED:
        text = _("{done} of {total} gradients", done=job.progress.done, total=job.progress.total)
    else:
        text = _("{done} of about {total} gradients", done=job.progress.done, total=job.progress.total)
    return with_time_left(text, job)


def _ways_out(result: Attribution) -> None:
    """Offer what makes the result better."""
    steps, most = result.settings.get("steps"), result.settings.get("max_gradients")
    if steps is not None and steps < STEPS[1]:
        more = min(STEPS[1], 4 * steps)
        _button(_("Take {count} steps", count=more), "more_steps", _set, "steps", more)
    if steps is not None:
        _button(_("Let it adapt"), "adapt", _set, "integrator", "adaptive")
    if most is not None and 4 * most <= MOST_GRADIENTS:
        _button(_("Allow {count} gradients", count=4 * most), "more_gradients", _set, "max_gradients", 4 * most)


def _sentence(shown: Shown | None) -> str:
    """Say what stands behind the numbers, and what they do not show."""
    if shown is None:
        return _("Nothing computed yet.")
    result = shown.attribution
    count = result.gradient_count
    if shown.stale:
        return _("The result before is shown until the first gradients of the new one arrive.")
    if shown.explained is None and result.settings["integrator"] not in FIXED:
        return _("{count} gradients so far: numbers and maps are rough, and get finer with each round.", count=count)
    if shown.explained is None:
        trace = result.trace
        reached = float(trace.alphas[-1]) if trace is not None and trace.alphas.size else 0.0
        return _(
            "{count} gradients so far: numbers and maps show the path up to α = {reached:.2f}.",
            count=count,
            reached=reached,
        )
    cost = _("{count} gradients in {seconds:.1f} s.", count=count, seconds=result.seconds)
    return f"{cost} {_caveat(result)}"


def _caveat(result: Attribution) -> str:
    """Say what a finished result's sum does not show."""
    if result.correction is not None:
        return _(
            "The sum was {share:.1%} off and is corrected, so it is complete by construction: that is no evidence. "
            "Read the map error, estimated from every second node.",
            share=abs(result.correction / result.score_difference) if result.score_difference else 0.0,
        )
    if result.map_error is None:
        return _("A complete sum alone does not show that the map has converged; one node cannot tell.")
    return _(
        "A complete sum alone does not show that the map has converged: by its change from half the nodes to all, "
        "about {share:.1%} of it would still move.",
        share=result.map_error,
    )


def _button(label: str, key: str, act: Callable[..., None], *arguments: object) -> None:
    """Draw a button whose effect reaches the whole page, not only the fragment that it stands in."""
    if st.button(label, key=key, on_click=act, args=arguments):
        st.rerun()


def _set(key: str, value: object) -> None:
    st.session_state[key] = value
