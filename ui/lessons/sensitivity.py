"""Lesson 2: sensitivity."""

from __future__ import annotations

import numpy as np
import streamlit as st

from ui.language import N_, _
from ui.lessons import figures, functions
from ui.lessons.lesson import ENGINE, INPUT, Lesson, draw, formula, number, predict, try_it

__all__ = ["LESSON"]

WEIGHT = N_("How strongly the input counts.")


def teach() -> None:
    """Draw the lesson: with one input, and with two."""
    one, two = st.tabs([_("One input"), _("Two inputs")])
    with one:
        _one_input()
    with two:
        _two_inputs()


def _one_input() -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            _(
                "f(x) = 1 − ReLU(1 − x) rises from 0 to 1 while x goes from 0 to 1, and then stays there. "
                "**Sensitivity** demands: if an input differs from the baseline, and that alone changes the output, "
                "its share is not zero."
            )
        )
        x = number("to", N_("Input x"), 2.0, 0.0, 2.0, 0.1, INPUT)
        told = predict(
            "sensitivity",
            _("x goes from 0 to 2, and f from 0 to 1. What does the gradient at x = 2 give to x?"),
            ["0", "½", "1"],
            0,
            _("At 2 the function is flat. The gradient breaks the axiom, the integral of all gradients keeps it."),
        )
    with right:
        grid = np.linspace(0, 2, 401)
        values, slopes = functions.SATURATED.along(grid[:, None])
        figure = figures.curve_and_area(grid, values, slopes[:, 0], (0.0, x), (1.0, 2.0), told)
        draw(figure, "lesson_curve", _("f and its slope, with the area between baseline and input"))
        result = functions.integrate(functions.SATURATED, (x,), (0.0,))
        gradient = float(functions.slope(functions.SATURATED, x)[0]) * x
        with st.container(horizontal=True):
            st.metric("f(x) − f(0)", f"{result.score_difference:.3f}", width=120)
            st.metric(_("Gradient × input"), f"{gradient:.3f}" if told else "?", width=170)
            share = functions.SATURATED.shares(result)[0]
            st.metric(_("Integrated Gradients"), f"{share:.3f}" if told else "?", width=170)
        st.caption(_(ENGINE))


def _two_inputs() -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        (w1, w2), (x1, x2), told = _chosen()
    with right:
        model = functions.clipped_sum(w1, w2)
        result = functions.integrate(model, (x1, x2), (0.0, 0.0))
        slopes = functions.slope(model, x1, x2)
        with st.container(horizontal=True):
            st.metric("f(x) − f(0)", f"{result.score_difference:.3f}", width=120)
            st.metric("w₁x₁ + w₂x₂", f"{w1 * x1 + w2 * x2:.2f}", help=_("Above 1, f is saturated."), width=140)
        if told:
            inputs = np.array([x1, x2])
            shares = {
                _("Gradient"): slopes,
                _("Gradient × input"): slopes * inputs,
                _("Integrated Gradients"): model.shares(result),
            }
            figure = figures.share_bars(shares, ["x₁", "x₂"])
            draw(
                figure,
                "lesson_shares",
                _("What gradient, gradient × input and Integrated Gradients give to each input"),
            )
        formula(
            r"\mathrm{IG}_i(x) = (x_i - x'_i) \int_0^1 \frac{\partial f(x' + \alpha (x - x'))}{\partial x_i}\, d\alpha",
            {
                "x_i": _("input i"),
                "x'_i": _("its baseline, here 0"),
                r"\partial f/\partial x_i": _("slope for input i"),
            },
        )
        try_it(
            "pages/methods.py",
            _("Compare gradient and Integrated Gradients on a photo"),
            methods="gradient;gradient-x-input;ig",
        )


def _chosen() -> tuple[tuple[float, float], tuple[float, float], bool]:
    """Offer weights and inputs, and ask for a prediction; return them, and whether it was made."""
    st.markdown(_("Set the weights of f = 1 − ReLU(1 − w₁x₁ − w₂x₂), and look for inputs that the gradient overlooks."))
    controls = st.columns(2)
    with controls[0]:
        w1 = number("w1", N_("Weight w₁"), 1.0, -1.0, 2.0, 0.1, WEIGHT)
        x1 = number("x1", N_("Input x₁"), 1.0, 0.0, 2.0, 0.1, INPUT)
    with controls[1]:
        w2 = number("w2", N_("Weight w₂"), 0.5, -1.0, 2.0, 0.1, WEIGHT)
        x2 = number("x2", N_("Input x₂"), 1.0, 0.0, 2.0, 0.1, INPUT)
    told = predict(
        "weights",
        _("With w₁ = 1, w₂ = 0.5 and both inputs at 1: how do the inputs share the rise by Integrated Gradients?"),
        [_("half and half"), _("two to one"), _("all to the first")],
        1,
        _("On the straight way from 0 each input is credited with its weight times its own change."),
    )
    return (w1, w2), (x1, x2), told


LESSON = Lesson(
    "2", N_("Sensitivity"), N_("Sensitivity"), N_("Does every input that changes the output get a share of it?"), teach
)
