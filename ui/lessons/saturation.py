"""Lesson 1: why not the gradient?"""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui.controls import choose_photo
from ui.language import N_, _
from ui.lessons import figures, functions
from ui.lessons.lesson import ENGINE, INPUT, Lesson, draw, formula, number, predict, try_it
from ui.lessons.photo import explained

__all__ = ["LESSON"]

#: A slope of less than this share of the largest one counts as dead.
DEAD = 0.1


def teach() -> None:
    """Draw the lesson: on a formula, and on the network."""
    formula_tab, network_tab = st.tabs([_("On a formula"), _("On the network")])
    with formula_tab:
        _on_a_formula()
    with network_tab:
        _on_the_network()


def _on_a_formula() -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            _(
                "f(x) = min(x, {level}) grows with x and then stays flat: it is **saturated**. "
                "Move x and the baseline x′.",
                level=functions.LEVEL,
            )
        )
        x = number("x", N_("Input x"), 1.0, 0.0, 1.0, 0.05, INPUT)
        start = number("from", N_("Baseline x′"), 0.0, 0.0, 1.0, 0.05, N_("What the input is compared with."))
        told = predict(
            "gradient",
            _("At x = 1 the output is {level}. How much of it does gradient × input give to x?", level=functions.LEVEL),
            [_("all {level}", level=functions.LEVEL), _("nothing"), _("one half")],
            1,
            _("There the curve is flat, so the gradient is 0, although without x the output would be 0."),
        )
    with right:
        grid = np.linspace(0, 1, 401)
        values, slopes = functions.CLIPPED.along(grid[:, None])
        figure = figures.curve_and_area(grid, values, slopes[:, 0], (start, x), (functions.LEVEL, 1.0), told)
        draw(figure, "lesson_curve", _("f and its slope, with the area between baseline and input"))
        result = functions.integrate(functions.CLIPPED, (x,), (start,))
        gradient = float(functions.slope(functions.CLIPPED, x)[0]) * (x - start)
        shares = functions.CLIPPED.shares(result)
        with st.container(horizontal=True):
            st.metric("f(x) − f(x′)", f"{result.score_difference:.3f}", width=120)
            st.metric(_("Gradient × (x − x′)"), f"{gradient:.3f}" if told else "?", width=170)
            st.metric(_("Integrated Gradients"), f"{shares[0]:.3f}" if told else "?", width=170)
        formula(
            r"\mathrm{IG}(x) = (x - x') \int_0^1 f'\!\left(x' + \alpha\,(x - x')\right) d\alpha",
            {"x": _("input"), "x'": _("baseline"), r"\alpha": _("how far along the way"), "f'": _("slope of f")},
        )
        st.caption(_(ENGINE))


def _on_the_network() -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(_("A class's score on the way from a black picture to the photo does the same as min(x, 0.8)."))
        photo = choose_photo("coffee")
        told = predict(
            "network",
            _("Where along the way are the class's gradients large?"),
            [_("at the photo itself"), _("where the score rises"), _("everywhere alike")],
            1,
            _("Where the score is flat, no pixel's slope says much, and at the photo it usually is flat."),
        )
    with right:
        result = explained(photo, "black")
        if result is None or result.trace is None:
            return
        trace = result.trace
        dead = DEAD * float(np.abs(trace.slopes).max())
        figure = figures.path_of_network(trace.alphas, trace.scores, trace.slopes, dead, told)
        draw(figure, "lesson_path", _("The class's score and its slope on the way from black to the photo"))
        if told:
            grid = np.linspace(0, 1, 1001)
            share = float(np.mean(np.abs(np.interp(grid, trace.alphas, trace.slopes)) < dead))
            st.markdown(
                _(
                    "Along **{share:.0%}** of the way to {label}, the slope is less than a tenth of its largest value.",
                    share=share,
                    label=result.label,
                )
            )
        try_it("app.py", _("See the maps of this photo"), image=photo, baseline="black")


LESSON = Lesson(
    "1",
    N_("Gradient"),
    N_("Why not the gradient?"),
    N_("If I want to know what matters, why not take the slope?"),
    teach,
)
