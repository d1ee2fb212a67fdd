"""What an integrator does on one path: its nodes with their local errors, and a study of all integrators."""

from __future__ import annotations

import io

import numpy as np
import streamlit as st

from igcore.integrators import FIXED, INTEGRATORS
from igcore.local_errors import LocalErrors
from igcore.runtime import Job
from igcore.runtime.questions import Errors, StudyPath
from igcore.speed import Cost
from igcore.study import GOAL, LARGEST, Study, study_cost
from ui import figures, state
from ui.progress import jobs_line
from ui.scene import Scene, Shown, answered
from ui.service import client

__all__ = ["local_error_section", "study_section", "wanted_study"]

_ASKED = "study that was asked for"


def local_error_section(scene: Scene, shown: Shown | None) -> None:
    """Draw where the nodes lie and what each panel got wrong."""
    st.subheader("Where the integral is hard", anchor=False)
    if shown is None or shown.explained is None or shown.stale:
        st.caption("As soon as the explanation is finished, its nodes and their errors are shown here.")
        return
    result = shown.attribution
    errors = answered(Errors(scene.question, result), "Scoring the panels …")
    if errors is None or result.trace is None:
        return
    st.plotly_chart(
        figures.local_error_bars(
            (result.trace.alphas, result.trace.scores), errors.edges, errors.errors, result.label, result.settings["of"]
        ),
        key="local_errors",
        config={"displayModeBar": False},
        alt="Score at the nodes along the path, and the error of each panel under it",
    )
    st.markdown(_told(errors, result.score_difference))
    passes = errors.forward_passes
    cost = f" {Cost(forwards=passes)} scored what is an end and no node." if passes else ""
    st.caption(
        "Of a panel from a to b, the scores tell exactly what its attributions should sum to: F(b) − F(a). A bar is "
        f"the integrator's sum minus that. Together the bars make the completeness error before any correction.{cost}"
    )


def _told(errors: LocalErrors, difference: float | None) -> str:
    start, end, share = errors.hardest
    sizes, net = float(np.abs(errors.errors).sum()), float(errors.errors.sum())
    if not sizes:
        return "No panel has an error: the score does not change along this path."
    relative = f" ({abs(net / difference):.1%} of F(x) − F(x′))" if difference else ""
    return (
        f"The hardest panel is **{start:.3f} to {end:.3f}**, with {share:.0%} of all local errors. "
        f"Regardless of sign they sum to {sizes:.3f}; they cancel to {net:+.3f}{relative}."
    )


def wanted_study(scene: Scene) -> StudyPath | None:
    """Offer a study, and return it where it was asked for or is known already."""
    st.subheader("What each integrator costs here", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", key="study_controls"):
        state.seed("longest", LARGEST[-1], state.within(int, LARGEST[0], LARGEST[-1]))
        if st.session_state["longest"] not in LARGEST:
            st.session_state["longest"] = LARGEST[-1]
        now = LARGEST.index(st.session_state["longest"])
        largest = st.selectbox("Up to", LARGEST, now, key="longest", format_func=lambda one: f"{one} steps", width=160)
        largest = largest or LARGEST[-1]
        state.remember("longest", largest, link=largest != LARGEST[-1])
        question = StudyPath(scene.question, largest)
        asked = st.session_state.get(_ASKED) == question.key or client().known(question) is not None
        if not asked:
            st.button(
                f"Measure all integrators: {study_cost(largest):,} gradients",
                icon=":material/play_arrow:",
                key="study",
                type="primary",
                on_click=_ask,
                args=(question.key,),
            )
    return question if asked else None


def _ask(key: str) -> None:
    st.session_state[_ASKED] = key


def study_section(job: Job[Study] | None) -> None:
    """Draw the curves as they come, and say what to do."""
    if job is None:
        st.caption(
            "Every integrator from 8 steps up, against a reference of 1,025 nodes: the error of the sum and of the map "
            "over the gradients that they cost."
        )
        return
    study: Study | None = job.value or (job.progress.partial if job.progress is not None else None)
    jobs_line([job], f"**{study.advice()}**" if study is not None else "", key="study_progress")
    if study is None or not study.curves:
        return
    left, right = st.columns(2, gap="small")
    for column, field, title, goal in (
        (left, "completeness", "Error of the sum (completeness)", GOAL.completeness),
        (right, "map_error", "Error of the map", GOAL.map_error),
    ):
        curves = [
            (INTEGRATORS[curve.integrator].label, curve.gradients, errors, curve.order(errors))
            for curve in study.curves
            for errors in [getattr(curve, field)]
        ]
        column.plotly_chart(
            figures.convergence_curves(curves, title, goal),
            key=f"study_{field}",
            config={"displayModeBar": False},
            alt=f"{title} over gradients, for {', '.join(name for name, *_ in curves)}",
        )
    provisional = "" if job.value is not None else f" So far the reference has {study.reference_steps + 1} nodes."
    st.caption(
        "p is the fitted order: an error that falls as gradients to the power of −p is a straight line. The sum can be "
        "right by luck, where errors of both signs cancel, so its curves jump; the map's error cannot. The adaptive "
        f"integrator's sum is shown before its correction.{provisional}"
    )
    if job.value is not None:
        st.download_button(
            "Table (CSV)", _csv(study), "integrators.csv", "text/csv", icon=":material/download:", on_click="ignore",
            key="download_study",
        )  # fmt: skip


def _csv(study: Study) -> bytes:
    import csv

    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["integrator", "steps", "gradients", "relative_completeness_error", "map_error"])
    for curve in study.curves:
        steps = curve.steps if curve.integrator in FIXED else [""] * curve.steps.size
        writer.writerows(
            [curve.integrator, *row]
            for row in zip(steps, curve.gradients, curve.completeness, curve.map_error, strict=True)
        )
    return text.getvalue().encode()
