"""What regions of a photo do by themselves, and what they do only together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

from igcore.region_effects import RegionEffects
from igcore.runtime import Job
from igcore.runtime.model_questions import Able
from igcore.runtime.question import Question
from igcore.runtime.region_questions import Regions
from igcore.speed import Cost, Speed
from ui import frame
from ui.language import _, several
from ui.markup import for_files
from ui.method_controls import choose_baseline, choose_of
from ui.method_set import choose_methods, seconds, told_cost
from ui.progress import beginning, jobs_line, with_time_left
from ui.region_controls import choose_regions
from ui.region_figures import order_bars
from ui.region_interactions import interactions_section
from ui.region_table import Compared, compared_methods, region_table
from ui.scene import Subject, follow
from ui.service import client, limits

__all__ = ["region_view"]

#: What takes longer than this is not begun before somebody says so.
UNASKED_SECONDS = 10.0

#: The questions that somebody agreed to wait for, in the session's state.
AGREED = "region questions that somebody agreed to wait for"

#: Whose attributions stand beside the exact Shapley values at first.
FIRST = ("ig", "gradient-x-input", "occlusion-patch", "shapley")


def region_view(subject: Subject, target: int, able: Able) -> None:
    """Offer regions, score all their combinations, and show effects, interactions and exact Shapley values."""
    spec = subject.spec
    with st.sidebar:
        baseline = choose_baseline(spec.input_size, subject.fit)
        of = choose_of()
    st.caption(
        _(
            "An attribution such as Integrated Gradients gives each pixel one number, so it cannot tell what a part of "
            "the photo does by itself from what several do only together. Here every combination of regions is shown "
            "to the network, the others filled with the baseline, and the two are told apart exactly."
        )
    )
    labels = choose_regions(subject.image)
    keys = choose_methods(spec, able, key="region_methods", first=FIRST)
    if labels is None:
        return
    question = Regions(spec.key, subject.image, labels, baseline, target, of)
    compared = compared_methods(keys, subject, target, baseline, of, able.closed)
    asked = _asked(question, compared, able.speed, spec.input_size)
    jobs = dict(zip([one.key for one in asked], follow(*asked), strict=True))
    name = for_files(spec.label(target))
    ended = sum(job.done for job in jobs.values())

    @st.fragment(run_every=frame.polling(ended < len(jobs)))
    def live() -> None:
        with frame.errors_as_lines():
            job = jobs.get(question.key)
            if job is not None:
                _progress(job, [one for one in jobs.values() if one is not job])
                _results(job, compared, jobs, f"{subject.picture.name}_{name}")
        if sum(job.done for job in jobs.values()) > ended:
            st.rerun()

    live()


def _asked(question: Regions, compared: Sequence[Compared], speed: Speed, size: tuple[int, int]) -> list[Question[Any]]:
    """Return what is to be computed: as much as takes a moment, what was agreed to, and what is known."""
    own = Cost(forwards=question.forwards)
    _tell_cost(own, int(question.labels.max()) + 1, speed.seconds(own))
    wanted: list[tuple[Question[Any], Cost]] = [(question, own)]
    wanted += [(one.question, one.question.method.cost(size)) for one in compared if one.why_not is None]
    agreed: set[str] = st.session_state.setdefault(AGREED, set())
    asked, waiting, spent, left = [], [], 0.0, 0.0
    for one, cost in wanted:
        # What is finished counts as well, so that what waits does not begin when others end.
        spent += speed.seconds(cost)
        if spent <= UNASKED_SECONDS or one.key in agreed or client().known(one) is not None:
            asked.append(one)
        else:
            waiting.append(one.key)
            left += speed.seconds(cost)
    if waiting:
        time = seconds(left)
        st.button(
            _("Run: {time}", time=time) if question.key in waiting else _("Run the other methods: {time}", time=time),
            icon=":material/play_arrow:",
            key="region_run",
            type="primary",
            on_click=agreed.update,
            args=(waiting,),
        )
    return asked


def _tell_cost(cost: Cost, regions: int, time: float) -> None:
    """Say what all combinations take, before they are scored."""
    told = _(
        "All combinations of {count} regions: {cost}, {time}.", count=regions, cost=told_cost(cost), time=seconds(time)
    )
    st.caption(told)
    most = limits().explanation_seconds
    if time > most:
        st.warning(_("This server lets a computation run {seconds:.0f} s; what is exact by then stays.", seconds=most))


def _progress(job: Job[RegionEffects], others: list[Job[Any]]) -> None:
    """Show how many combinations are scored, with a way to stop; then what became of it, and of the methods."""
    if job.value is not None:
        st.markdown(_sum_line(job.value))
        # Of those that failed, the table says why.
        if any(not one.done or one.stopped for one in others):
            jobs_line(others, "", key="region_methods_progress")
    elif job.done:
        jobs_line([job], "", key="region_progress")
    else:
        with st.container(horizontal=True, vertical_alignment="center", key="region_progress"):
            text, share = beginning(job), 0.0
            if job.progress is not None:
                done, total = job.progress.done, job.progress.total
                text, share = _("{done:,} of {total:,} forward passes", done=done, total=total), done / total
            st.progress(share, text=with_time_left(text, job))
            st.button(
                _("Stop"), icon=":material/stop_circle:", key="region_stop", on_click=_stop, args=([job, *others],)
            )


def _stop(jobs: Sequence[Job[Any]]) -> None:
    for job in jobs:
        job.cancel()


def _sum_line(effects: RegionEffects) -> str:
    """Say that all effects sum to the change of the score."""
    error = effects.sum_error
    assert error is not None
    told = _(
        "All {count:,} effects sum to {sum:+.4f}; F(x) − F(x′) = {score:.4f} − {other:.4f} = {difference:+.4f}, "
        "which is {error:.1g} off.",
        count=len(effects.dividends) - 1,
        sum=effects.score_difference + error,
        score=effects.score,
        other=effects.baseline_score,
        difference=effects.score_difference,
        error=abs(error),
    )
    cost = told_cost(Cost(forwards=effects.forward_count))
    spent = _("{cost} in **{time}**", cost=cost, time=seconds(effects.seconds))
    return f":material/functions: {told} {spent}."


def _results(job: Job[RegionEffects], compared: Sequence[Compared], jobs: dict[str, Job[Any]], stem: str) -> None:
    """Show what is known: by order, the strongest interactions, and the table."""
    effects: RegionEffects | None = job.value or (job.progress.partial if job.progress is not None else None)
    if effects is None:
        return
    if not effects.complete:
        known = several(
            "So far exact for sets of {count} region alone.",
            "So far exact for sets of up to {count} regions.",
            effects.known_order,
        )
        st.info(known, icon=":material/rule:")
    st.subheader(_("How many act together"), anchor=False)
    st.plotly_chart(
        order_bars(effects.order_sums, effects.order_sizes),
        key="region_orders",
        config={"displayModeBar": False},
        alt=_("Bars: the effects of sets of one, two and more regions, summed with and without their signs"),
    )
    st.caption(_orders_read(effects))
    # A download that changes while a browser asks for it is gone: what is offered waits until nothing is computed.
    settled = job.done and all(other.done for other in jobs.values())
    interactions_section(effects, job.question.key if settled else None, stem)
    st.subheader(_("What methods make of it"), anchor=False)
    region_table(effects, compared, jobs, stem if settled else None)


def _orders_read(effects: RegionEffects) -> str:
    """Say how the bars are read, and what part the regions have by themselves."""
    told = _(
        "The effect of a set is what its regions do together beyond what all smaller sets of them do. Effects of "
        "both signs cancel, so the sizes regardless of sign can be many times the score."
    )
    alone, size = effects.order_sums[0], float(np.nansum(effects.order_sizes))
    difference = effects.score_difference
    if not difference or not size:
        return told
    parts = _("Alone the regions make {alone:+.3f} of {difference:+.3f}.", alone=alone, difference=difference)
    if effects.complete:
        share = effects.order_sizes[0] / size
        parts += " " + _("Of all sizes, {share:.1%} are effects of regions alone.", share=share)
    return f"{told} {parts}"
