"""What lessons are made of: a prediction before the answer, a formula with its symbols, a way on to a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from plotly.graph_objects import Figure

from igcore.registry import Parameter
from ui import state
from ui.language import N_, _
from ui.widgets import from_parameter

__all__ = ["ENGINE", "INPUT", "Lesson", "draw", "formula", "number", "predict", "try_it"]


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes
    ----------
    key : str
        Its number, as the address has it.
    name, title, question : str
        Marked for translation; the name is short.
    teach : callable
        Draws it.
    """

    key: str
    name: str
    title: str
    question: str
    teach: Callable[[], None]


def number(key: str, label: str, default: float, low: float, high: float, step: float, help: str) -> float:
    """Draw a slider whose value the address holds; label and help are marked for translation."""
    return float(from_parameter(key, Parameter(key, label, default, low, high, step, help=help)))


def predict(key: str, asked: str, options: Sequence[str], right: int, because: str) -> bool:
    """Ask for a prediction; once made, say whether it was right, and why.

    Parameters
    ----------
    key : str
    asked, options, because : str
        In the page's language.
    right : int
        The position of the answer among the options.

    Returns
    -------
    bool
        Whether a prediction was made, so that the answer may be shown.
    """
    key = f"predict_{key}"
    names = {str(at): option for at, option in enumerate(options)}
    before = state.recalled(key)
    before_asked = _("Your prediction:")
    chosen = st.radio(
        f"**{before_asked}** {asked}",
        list(names),
        index=list(names).index(before) if before in names else None,
        key=key,
        format_func=lambda one: names[one],
    )
    if chosen is None:
        st.caption(_(":material/lock: Choose one, and the answer appears."))
        return False
    state.remember(key, chosen, link=False)
    if chosen == str(right):
        told = _("Right.")
        st.success(f"**{told}** {because}", icon=":material/check_circle:")
    else:
        told = _("Not quite: it is {answer}.", answer=f"“{options[right]}”")
        st.info(f"**{told}** {because}", icon=":material/lightbulb:")
    return True


def formula(latex: str, symbols: Mapping[str, str]) -> None:
    """Show a formula, and under it what each of its symbols stands for."""
    st.latex(latex)
    st.caption(" · ".join(f"${symbol}$ {meaning}" for symbol, meaning in symbols.items()))


def draw(figure: Figure, key: str, alt: str) -> None:
    """Show a figure as wide as its column."""
    st.plotly_chart(figure, key=key, config={"displayModeBar": False}, alt=alt)


def try_it(page: str, label: str, **settings: str) -> None:
    """Link to a page with the same settings; the label is in the page's language."""
    st.page_link(page, label=label, icon=":material/arrow_forward:", query_params=settings)


#: Help of a slider that moves an input.
INPUT = N_("Where the output is explained.")

#: Said of every function of these lessons.
ENGINE = N_("Computed by the same engine as the photos, with a formula in place of the network.")
