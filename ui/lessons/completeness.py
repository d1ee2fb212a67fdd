"""Lesson 4: completeness and steps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import streamlit as st

from igcore.integrators import INTEGRATORS
from igcore.registry import Parameter
from ui.language import N_, _
from ui.lessons import figures, functions
from ui.lessons.lesson import ENGINE, Lesson, draw, formula, predict, try_it
from ui.widgets import from_parameter, select

__all__ = ["LESSON"]

RULES = ["left", "right", "midpoint", "trapezoid", "gauss-legendre"]
#: With fewer, the page of integrators does not begin.
LEAST = 10

FORMULA = r"\sum_i A_i \approx \sum_k w_k \, f'(\alpha_k), \qquad e = \sum_i A_i - (f(x) - f(x'))"
STEPS = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)


def teach() -> None:
    """Draw the lesson."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        rule, steps, told = _chosen()
    with right:
        _panels(rule, steps)
        if told:
            errors = np.array([functions.error_of(rule, one) for one in STEPS])
            draw(figures.error_bars(STEPS, np.maximum(errors, 1e-6), steps), "lesson_errors", _("Error over steps"))
        formula(
            FORMULA,
            {
                "w_k": _("width of panel k"),
                r"\alpha_k": _("where it looks"),
                "A_i": _("share of input i"),
                "e": _("error of the sum"),
            },
        )
        st.caption(_(ENGINE))


def _chosen() -> tuple[str, int, bool]:
    """Offer integrator and steps, and ask for a prediction; return them, and whether it was made."""
    st.markdown(
        _(
            "The shares sum to f(x) − f(x′) if the whole area below the slope is counted. A computer counts it in "
            "panels, one gradient for each. Take another integrator, and more steps."
        )
    )
    rule = select(
        _("Integrator"),
        "rule",
        RULES,
        "left",
        lambda one: _(INTEGRATORS[one].label),
        _("How panels are filled."),
    )
    steps = from_parameter(
        "panels",
        Parameter("panels", N_("Steps"), 8, 2, 50, help=N_("Each panel costs one gradient."), choices=STEPS),
    )
    told = predict(
        "steps",
        _("The trapezoid rule goes from 20 to 40 steps. What becomes of its error?"),
        [_("one half of it"), _("a quarter of it, or less"), _("it stays")],
        1,
        _("It falls with the square of the steps, and faster on a smooth path. Of left and right sums it only halves."),
    )
    st.caption(
        _(
            "On real networks the slope is rough, so 20 to 300 steps are usual. Where it jumps, even they fail: "
            "so look at the map's own error, or let the adaptive integrator put its steps where the slope is."
        )
    )
    try_it(
        "pages/integrators.py",
        _("Measure all integrators on a photo"),
        integrator=rule,
        steps=str(max(steps, LEAST)),
    )
    return rule, steps, told


def _panels(rule: str, steps: int) -> None:
    result = functions.integrate(functions.STEEP, (1.0,), (0.0,), rule, steps)
    grid = np.linspace(0, 1, 401)
    slopes = functions.STEEP.along(grid[:, None])[1][:, 0]
    trace = result.trace
    assert trace is not None
    edges, heights = _corners(rule, steps, trace.weights, trace.slopes)
    figure = figures.panels(grid, slopes, edges, heights, (trace.alphas, trace.slopes))
    draw(figure, "lesson_panels", _("The slope along the path and {steps} panels", steps=steps))
    with st.container(horizontal=True):
        st.metric("f(x) − f(x′)", f"{result.score_difference:.4f}", width=105)
        st.metric(_("Sum of the panels"), f"{result.sum:.4f}", width=150)
        st.metric(_("Off by"), f"{result.relative_completeness_error:.2%}", width=85)
        st.metric(_("Gradients"), f"{result.gradient_count}", width=85)


def _corners(
    rule: str, steps: int, weights: np.ndarray, slopes: np.ndarray
) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Return the panels' edges, and the height of each at its left and right end."""
    if rule == "trapezoid":
        return np.linspace(0, 1, steps + 1), list(pairwise(slopes))
    edges = np.concatenate([[0.0], np.cumsum(weights)])
    return edges, [(one, one) for one in slopes]


LESSON = Lesson("4", N_("Steps"), N_("Completeness and steps"), N_("How many gradients make an integral?"), teach)
