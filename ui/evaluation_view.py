"""How faithful explanations are: which to test, the tests under way, and what they found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from igcore.evaluation import added, evaluation_costs, evaluation_seconds
from igcore.metrics import FILLS, Metric
from igcore.metrics.rows import Evaluation, Row
from igcore.runtime import Job
from igcore.runtime.evaluation_questions import Evaluate
from igcore.runtime.model_questions import Able
from igcore.speed import Cost
from ui import frame
from ui.candidate_set import Entries, Entry, choose_entries
from ui.language import _
from ui.leaderboard import leaderboard
from ui.markup import plain
from ui.method_set import seconds, told_cost
from ui.metric_set import FILL_NAMES, Chosen, choose_metrics, meanings
from ui.progress import jobs_line
from ui.scene import Subject, follow
from ui.service import client
from ui.stage_view import stage_section

__all__ = ["faithfulness_view"]

#: What takes longer than this is not begun before somebody says so.
UNASKED_SECONDS = 12.0

#: The questions that somebody agreed to wait for, in the session's state.
AGREED = "tests that somebody agreed to wait for"


@dataclass(frozen=True, eq=False)
class Trial:
    """One filling: the metrics with it, the controls' question, and one for each explanation that can run."""

    fill: str
    metrics: dict[str, Metric]
    controls: Evaluate
    several: list[tuple[Entry, Evaluate]]

    @property
    def questions(self) -> list[Evaluate]:
        """All that is to be asked, the controls first."""
        return [self.controls, *(question for _entry, question in self.several)]


def faithfulness_view(subject: Subject, target: int, able: Able) -> None:
    """Offer explanations and tests, run them, and show a leaderboard, curves and stages."""
    entries = choose_entries(subject.spec, able)
    chosen = choose_metrics(subject.image)
    for entry in entries.several:
        if entry.why_not is not None:
            st.caption(f":material/block: **{entry.name}**: {plain(entry.why_not)}")
    runnable = [entry for entry in entries.several if entry.method is not None and entry.why_not is None]
    if not runnable or not chosen.metrics:
        st.info(_("Choose one or more methods and one or more tests above."), icon=":material/checklist:")
        return
    trials = [
        _test(subject, target, runnable, entries, chosen, fill, bool(place))
        for place, fill in enumerate(_fills(runnable, chosen))
    ]
    asked = _asked(trials, subject, able)
    jobs = dict(zip([question.key for question in asked], follow(*asked), strict=True))
    label = subject.spec.label(target)
    _progress(label, list(jobs.values()))
    settled = all(job.done for job in jobs.values())
    for trial in trials:
        found, waiting = _found(trial, jobs)
        if found is None:
            continue
        name = f"{subject.picture.name}_{label}"
        if len(trials) > 1:
            st.subheader(_("Filled with: {fill}", fill=_(FILL_NAMES[trial.fill])), anchor=False)
        leaderboard(found, trial.fill, name if settled else None, waiting)
        stage_section(found, trial.fill)
    st.subheader(_("What the tests mean"), anchor=False)
    meanings(_taken(trials[0], subject, able))


def _fills(runnable: Sequence[Entry], chosen: Chosen) -> list[str]:
    """Return the fillings to test with: a second one where the only one is some explanation's own baseline."""
    fills = list(chosen.fills)
    if not any(metric.fills is not None for metric in chosen.metrics.values()):
        return fills[:1]
    described = [entry.method.describe() for entry in runnable if entry.method is not None]
    own = {one["baseline"]["key"] for one in described if "baseline" in one}
    own |= {part["key"] for one in described for part in one.get("baselines", ())}
    if len(fills) == 1 and FILLS[fills[0]] in own:
        fills.append("mean" if fills[0] == "blur" else "blur")
    return fills


def _test(
    subject: Subject, target: int, runnable: Sequence[Entry], entries: Entries, chosen: Chosen, fill: str, again: bool
) -> Trial:
    metrics = chosen.filled(fill, again)

    def question(entry: Entry | None) -> Evaluate:
        method = None if entry is None else entry.method
        return Evaluate(
            subject.spec.key, subject.image, method, metrics, target, entries.of, chosen.order, entries.seed
        )

    return Trial(fill, metrics, question(None), [(entry, question(entry)) for entry in runnable])


def _asked(trials: Sequence[Trial], subject: Subject, able: Able) -> list[Evaluate]:
    """Return what is to be computed: all, or where that takes long and nobody agreed, what is known."""
    questions = [question for trial in trials for question in trial.questions]
    agreed = st.session_state.setdefault(AGREED, set())
    new = [one for one in questions if client().known(one) is None and one.key not in agreed]
    total, whole = _cost(questions, subject, able)
    st.caption(_("In all this takes {cost}, {time}.", cost=told_cost(total), time=seconds(whole)))
    left, time = _cost(new, subject, able)
    if time <= UNASKED_SECONDS:
        return questions
    st.button(
        _("Test them: {cost}, {time}", cost=told_cost(left), time=seconds(time)),
        icon=":material/play_arrow:",
        key="run_tests",
        type="primary",
        on_click=lambda: agreed.update(one.key for one in new),
    )
    return [one for one in questions if one not in new]


def _cost(questions: Sequence[Evaluate], subject: Subject, able: Able) -> tuple[Cost, float]:
    """Return what some questions take, and in how many seconds here."""
    size, time = subject.spec.input_size, 0.0
    costs: list[Cost] = []
    for one in questions:
        parts = (one.candidates, one.metrics, size)
        costs += evaluation_costs(*parts, one.method is None).values()
        time += evaluation_seconds(*parts, able.speed, one.method is None)
    return added(costs), time


def _taken(trial: Trial, subject: Subject, able: Able) -> dict[str, tuple[Cost, float]]:
    """Return what each metric takes with one filling, for all explanations and the controls."""
    size = subject.spec.input_size
    several = [candidate for _entry, question in trial.several for candidate in question.candidates]
    costs = evaluation_costs(several, trial.metrics, size)
    return {key: (cost, able.speed.seconds(cost)) for key, cost in costs.items() if key}


def _progress(label: str, jobs: list[Job[Evaluation]]) -> None:
    """Look at the jobs alone while they run; the page is drawn anew when one has ended."""
    ended = sum(job.done for job in jobs)

    @st.fragment(run_every=frame.polling(ended < len(jobs)))
    def live() -> None:
        taken = sum(job.value.seconds for job in jobs if job.value is not None)
        if jobs:
            jobs_line(jobs, _("{label}: tested in {seconds:.1f} s", label=label, seconds=taken), key="tests")
        if sum(job.done for job in jobs) > ended:
            st.rerun()

    live()


def _found(trial: Trial, jobs: dict[str, Job[Evaluation]]) -> tuple[Evaluation | None, int]:
    """Put together what is known of a test, and count the explanations that are not tested yet."""
    controls = jobs.get(trial.controls.key)
    rows: list[Row] = []
    waiting, example = 0, controls.value if controls is not None else None
    for entry, question in trial.several:
        job = jobs.get(question.key)
        value = job.value if job is not None else None
        if value is None:
            waiting += 1
            continue
        example = example or value
        rows.append(replace(value.rows[0], name=entry.name))
    return (None if example is None else replace(example, rows=tuple(rows))), waiting
