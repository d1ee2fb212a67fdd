"""What an integrator does on one path: its nodes with their local errors, and a study of all integrators."""

from __future__ import annotations

import io

import numpy as np
import streamlit as st

from igcore.integrators import FIXED, INTEGRATORS
from igcore.local_errors import LocalErrors
from igcore.runtime import Job
from igcore.runtime.questions import Errors, StudyPath
from igcore.study import GOAL, LARGEST, Study, study_cost
from ui import figures, state
from ui.language import _, line, several
from ui.progress import jobs_line
from ui.scene import Scene, Shown, answered
from ui.service import client

__all__ = ["local_error_section", "study_section", "wanted_study"]

_ASKED = "study that was asked for"


def local_error_section(scene: Scene, shown: Shown | None) -> None:
    """Draw where the nodes lie and what each panel got wrong."""
    st.subheader(_("Where the integral is hard"), anchor=False)
    if shown is None or shown.explained is None or shown.stale:
        st.caption(_("As soon as the explanation is finished, its nodes and their errors are shown here."))
        return
    result = shown.attribution
    errors = answered(Errors(scene.question, result), _("Scoring the panels …"))
    if errors is None or result.trace is None:
        return
    st.plotly_chart(
        figures.local_error_bars(
            (result.trace.alphas, result.trace.scores), errors.edges, errors.errors, result.label, result.settings["of"]
        ),
        key="local_errors",
        config={"displayModeBar": False},
        alt=_("Score at the nodes along the path, and the error of each panel under it"),
    )
    st.markdown(_told(errors, result.score_difference))
    st.caption(_bars_read(errors.forward_passes))


def _told(errors: LocalErrors, difference: float | None) -> str:
    start, end, share = errors.hardest
    sizes, net = float(np.abs(errors.errors).sum()), float(errors.errors.sum())
    if not sizes:
        return _("No panel has an error: the score does not change along this path.")
    hardest = _(
        "The hardest panel is **{start:.3f} to {end:.3f}**, with {share:.0%} of all local errors.",
        start=start,
        end=end,
        share=share,
    )
    if difference:
        cancelled = _(
            "Regardless of sign they sum to {sizes:.3f}; they cancel to {net:+.3f} ({relative:.1%} of F(x) − F(x′)).",
            sizes=sizes,
            net=net,
            relative=abs(net / difference),
        )
    else:
        cancelled = _("Regardless of sign they sum to {sizes:.3f}; they cancel to {net:+.3f}.", sizes=sizes, net=net)
    return f"{hardest} {cancelled}"


def _bars_read(passes: int) -> str:
    """Say how the bars are read, and what they took."""
    told = _(
        "Of a panel from a to b, the scores tell exactly what its attributions should sum to: F(b) − F(a). A bar is "
        "the integrator's sum minus that. Together the bars make the completeness error before any correction."
    )
    if not passes:
        return told
    cost = several(
        "{count:,} forward pass scored what is an end and no node.",
        "{count:,} forward passes scored what is an end and no node.",
        passes,
    )
    return f"{told} {cost}"


def wanted_study(scene: Scene) -> StudyPath | None:
    """Offer a study, and return it where it was asked for or is known already."""
    st.subheader(_("What each integrator costs here"), anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", key="study_controls"):
        state.seed("longest", LARGEST[-1], state.within(int, LARGEST[0], LARGEST[-1]))
        if st.session_state["longest"] not in LARGEST:
            st.session_state["longest"] = LARGEST[-1]
        now = LARGEST.index(st.session_state["longest"])
        names = {one: _("{count} steps", count=one) for one in LARGEST}
        chosen = st.selectbox(_("Up to"), LARGEST, now, key="longest", format_func=lambda one: names[one], width=160)
        largest = chosen or LARGEST[-1]
        state.remember("longest", largest, link=largest != LARGEST[-1])
        question = StudyPath(scene.question, largest)
        asked = st.session_state.get(_ASKED) == question.key or client().known(question) is not None
        if not asked:
            st.button(
                _("Measure all integrators: {count:,} gradients", count=study_cost(largest)),
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
            _(
                "Every integrator from 8 steps up, against a reference of 1,025 nodes: the error of the sum and of the "
                "map over the gradients that they cost."
            )
        )
        return
    study: Study | None = job.value or (job.progress.partial if job.progress is not None else None)
    jobs_line([job], f"**{line(study.advice())}**" if study is not None else "", key="study_progress")
    if study is None or not study.curves:
        return
    left, right = st.columns(2, gap="small")
    for column, field, title, goal in (
        (left, "completeness", _("Error of the sum (completeness)"), GOAL.completeness),
        (right, "map_error", _("Error of the map"), GOAL.map_error),
    ):
        curves = [
            (_(INTEGRATORS[curve.integrator].label), curve.gradients, errors, curve.order(errors))
            for curve in study.curves
            for errors in [getattr(curve, field)]
        ]
        column.plotly_chart(
            figures.convergence_curves(curves, title, goal),
            key=f"study_{field}",
            config={"displayModeBar": False},
            alt=_("{title} over gradients, for {names}", title=title, names=", ".join(curve[0] for curve in curves)),
        )
    st.caption(_curves_read(study, job.value is not None))
    if job.value is not None:
        st.download_button(
            _("Table (CSV)"), _csv(study), "integrators.csv", "text/csv", icon=":material/download:", on_click="ignore",
            key="download_study",
        )  # fmt: skip


def _curves_read(study: Study, finished: bool) -> str:
    """Say how the curves are read."""
    told = _(
        "p is the fitted order: an error that falls as gradients to the power of −p is a straight line. The sum can be "
        "right by luck, where errors of both signs cancel, so its curves jump; the map's error cannot. The adaptive "
        "integrator's sum is shown before its correction."
    )
    if finished:
        return told
    return told + " " + _("So far the reference has {count} nodes.", count=study.reference_steps + 1)


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
