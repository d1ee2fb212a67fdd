"""The three criteria of a published study, measured on functions whose effects are known exactly."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import streamlit as st

from igcore.criteria import CASES, STUDY, Criteria, CriteriaTable
from igcore.methods import METHODS
from igcore.metrics.allocation import TOLERANCE
from igcore.models.term_functions import POINT, TermFunction
from igcore.runtime import Job
from igcore.runtime.criteria_questions import MeasureCriteria
from ui import frame
from ui.criteria_figures import allocation_table
from ui.language import N_, _, line
from ui.progress import jobs_line
from ui.scene import follow
from ui.widgets import select

__all__ = ["criteria_view"]

FIRST_CASE, FIRST_METHOD = "pairs", "ig"

#: F as its effects, independent ones and interactions; and what an input gets of them.
DECOMPOSITION = (
    r"\begin{aligned} F(x) - F(0) &= \sum_{i} f_{\{i\}}(x_i) + \sum_{|T| \ge 2} f_T(x_T) \\"
    r" a_i &= \sum_T w_{i,T} \end{aligned}"
)

MISSED = N_(
    "Criterion 1: what the method misses. The effects of which nobody gets anything, and how far the attribution of "
    "the whole function is from the sum of its terms' attributions; over the size of all effects."
)
OUTSIDE = N_("Criterion 2: the part of all that is given which goes to inputs that take no part in the effect.")
UNSHARED = N_("Criterion 3: how far what is given of each effect is from its size; over the size of all effects.")


def criteria_view() -> None:
    """Explain the criteria, and show the table and what a chosen method gives to whom."""
    _introduction()
    chosen, method = _choices()
    order = [chosen, *(case for case in CASES if case != chosen)]
    jobs = follow(*(MeasureCriteria(case) for case in order))
    running = any(not job.done for job in jobs)
    _function(CASES[chosen])

    @st.fragment(run_every=frame.polling(running))
    def measured() -> None:
        with frame.errors_as_lines():
            jobs_line(jobs, _("All {count} functions are measured.", count=len(CASES)), key="criteria_progress")
            table = _together(jobs)
            complete = len(table.rows) == len(CASES) * len(STUDY)
            _methods(table, chosen, complete)
            if complete:
                _differences(table)
            _shares(table.of(method, chosen), CASES[chosen], _(METHODS[method].label))
            if all(job.done for job in jobs):
                _download(table)
        if running and all(job.done for job in jobs):
            st.rerun()

    measured()


def _introduction() -> None:
    """Say what the criteria are, and whose."""
    st.markdown(
        _(
            "A published study writes a network's output as independent effects of single inputs and interaction "
            "effects of sets of inputs, and every attribution method as a way to share them out. It calls a method "
            "reliable that (1) covers all effects, (2) gives none of an effect to inputs that take no part in it, and "
            "(3) shares each effect out completely. On the functions below every effect is known, so the three can be "
            "measured."
        )
    )
    st.latex(DECOMPOSITION)
    st.caption(
        _(
            "f with one input is an independent effect, f of a set T an interaction of its inputs; w is what input i "
            "gets of it, and a its attribution."
        )
    )


def _choices() -> tuple[str, str]:
    """Offer the function, and the method whose shares are shown."""
    left, right = st.columns(2)
    with left:
        case = select(
            _("Function"),
            "criteria_case",
            list(CASES),
            FIRST_CASE,
            lambda key: _(CASES[key].label),
            _("Three polynomials, which have no layers, and five small ReLU networks."),
        )
    with right:
        method = select(
            _("Method"),
            "criteria_method",
            list(STUDY),
            FIRST_METHOD,
            lambda key: _(METHODS[key].label),
            _("Whose shares of the effects are shown below the table."),
        )
    return case, method


def _function(function: TermFunction) -> None:
    """Show a function's formula, and where it is explained."""
    st.markdown(_(function.description))
    with st.container(key="criteria_formula"):
        st.latex(r"\begin{aligned} F = {} & " + r" \\ & ".join(_summands(function)) + r" \end{aligned}")
    point = ", ".join(f"x_{index} = {value:g}" for index, value in enumerate(POINT, start=1))
    st.markdown(_("Explained at ${point}$, compared with 0.", point=point))


def _summands(function: TermFunction) -> list[str]:
    """Return the terms in LaTeX, all but the first with their sign."""
    first, *others = (term.formula for term in function.terms)
    return [first, *(other if other.startswith("-") else f"+ {other}" for other in others)]


def _together(jobs: Sequence[Job[CriteriaTable]]) -> CriteriaTable:
    """Put together what is known of all functions."""
    known = [job.value or (job.progress.partial if job.progress is not None else None) for job in jobs]
    return CriteriaTable(tuple(row for table in known if table is not None for row in table.rows))


def _methods(table: CriteriaTable, case: str, complete: bool) -> None:
    """Show each method's measures on one function, and the verdicts of all functions beside the study's."""
    rows = [table.of(key, case) for key in STUDY]
    judged = {key: table.judge(key) for key in STUDY}
    names = [_("Effects missed"), _("To outsiders"), _("Not shared out")]
    st.dataframe(
        {
            _("Method"): [_(METHODS[key].label) for key in STUDY],
            **{name: [_measure(row, at) for row in rows] for at, name in enumerate(names)},
            _("Meets all three here"): [_yes_no(row.meets if row is not None else None) for row in rows],
            _("On all functions"): [_yes_no(judged[key].meets) if complete else None for key in STUDY],
            _("In the study"): [_yes_no(STUDY[key].meets) for key in STUDY],
            _("Why it cannot run"): [line(row.reason) if row is not None else "" for row in rows],
        },
        column_config={
            name: st.column_config.NumberColumn(format="%.3f", help=_(told))
            for name, told in zip(names, (MISSED, OUTSIDE, UNSHARED), strict=True)
        },
        hide_index=True,
        placeholder="–",
        height=35 * (len(STUDY) + 1) + 3,
        key="criteria_table",
    )
    st.caption(
        _(
            "A criterion is met where its measure is at most {tolerance:g}. A method is said to meet all three on all "
            "functions where it does so wherever it runs. Of the study only its overall verdicts are shown: Deng, Zou, "
            "Du, Chen, Feng, Yang, Li, Zhang 2024, arXiv 2303.01506.",
            tolerance=TOLERANCE,
        )
    )


def _measure(row: Criteria | None, at: int) -> float | None:
    return None if row is None or row.allocation is None else row.allocation.measures[at]


def _yes_no(meets: bool | None) -> str | None:
    return None if meets is None else _("yes") if meets else _("no")


def _differences(table: CriteriaTable) -> None:
    """Say of each method whose verdict over all functions differs from the study's why it does."""
    differing = [key for key in STUDY if table.judge(key).differs]
    if differing:
        told = _("Where what is measured differs from the study, on networks that are made to show it:")
        reasons = [f"- **{_(METHODS[key].label)}**: {_(STUDY[key].description)}" for key in differing]
        st.markdown("\n".join([told, "", *reasons]))


def _shares(row: Criteria | None, function: TermFunction, name: str) -> None:
    """Draw what one method gives to whom."""
    st.subheader(_("Who gets what from {method}", method=name), anchor=False)
    if row is None:
        st.caption(_("As soon as this method is measured on this function, its shares are shown here."))
        return
    found = row.allocation
    if found is None:
        st.info(_("{method} cannot run on this function: {reason}", method=name, reason=line(row.reason)))
        return
    names = [_name(number, term.members) for number, term in enumerate(function.terms, start=1)]
    st.plotly_chart(
        allocation_table(names, found.members, found.effects, found.shares, found.attribution),
        key="criteria_shares",
        config={"displayModeBar": False},
        alt=_("Table of what {method} gives each input of each effect", method=name),
    )
    st.caption(
        _(
            "A row is an effect, numbered as in the formula; the inputs that take part in it have a frame. What is "
            "given should lie inside the frames and sum to the effect, and the whole function's attribution should be "
            "the sum of all terms."
        )
    )


def _name(number: int, members: tuple[int, ...]) -> str:
    """Name a term by its place in the formula and its members."""
    digits = "₁₂₃₄₅₆"
    inputs = " ".join(f"x{digits[index]}" for index in members)
    return f"{number}: {inputs}" if inputs else _("{number}: nobody", number=number)


def _download(table: CriteriaTable) -> None:
    if table.rows:
        st.download_button(
            _("Table (CSV)"), _csv(table), "criteria.csv", "text/csv", icon=":material/download:", on_click="ignore",
            key="download_criteria",
        )  # fmt: skip


def _csv(table: CriteriaTable) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        ["method", "function", "coverage", "outsiders", "completeness", "meets_here", "meets_in_study", "reason"]
    )
    for row in table.rows:
        measures: Sequence[Any] = row.allocation.measures if row.allocation is not None else ("", "", "")
        writer.writerow([row.method, row.case, *measures, row.meets, STUDY[row.method].meets, row.reason])
    return text.getvalue().encode()
