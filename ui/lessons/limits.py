"""Lesson 6: what it cannot tell."""

from __future__ import annotations

import numpy as np
import streamlit as st

from igcore.agreement import spearman
from igcore.heatmaps import Drawing, heat_map, mask_picture
from igcore.methods import IntegratedGradients
from igcore.registry import Parameter
from igcore.runtime.lesson_questions import Randomized
from ui.controls import choose_photo
from ui.language import N_, _
from ui.lessons import figures, functions
from ui.lessons.lesson import ENGINE, INPUT, Lesson, draw, formula, number, predict, try_it
from ui.lessons.photo import asked_of
from ui.pictures import show
from ui.scene import answered
from ui.widgets import from_parameter

__all__ = ["LESSON"]

#: Both networks are explained in the raw output: the shuffled one gives the class hardly any probability.
METHOD = IntegratedGradients("black", "trapezoid", 50, "logit")

STEPS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20)


def teach() -> None:
    """Draw the lesson: interactions, convergence, and a network that has learned nothing."""
    names = [_("No interactions"), _("Complete is not converged"), _("One image, not the model")]
    for tab, lesson in zip(st.tabs(names), (_interactions, _convergence, _randomized), strict=True):
        with tab:
            lesson()


def _interactions() -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            _(
                "x₁ · x₂ pays only when both inputs are there. (x₁ + x₂) / 2 pays for each alone. The first is an "
                "**interaction**, the second has none."
            )
        )
        x1 = number("pair1", N_("Input x₁"), 1.0, 0.0, 1.0, 0.1, INPUT)
        x2 = number("pair2", N_("Input x₂"), 1.0, 0.0, 1.0, 0.1, INPUT)
        told = predict(
            "interactions",
            _("Both inputs are at 1. Do their shares by Integrated Gradients tell the two functions apart?"),
            [_("yes"), _("no")],
            1,
            _("Both give ½ and ½: an interaction is split between its inputs, and nothing shows that it was one."),
        )
    with right:
        if told:
            both = (functions.PRODUCT, functions.AVERAGE)
            bars = {one.name: one.shares(functions.integrate(one, (x1, x2), (0.0, 0.0))) for one in both}
            draw(figures.share_bars(bars, ["x₁", "x₂"]), "lesson_products", _("Shares of both inputs by function"))
        formula(
            r"f = x_1 x_2: \quad \mathrm{IG}_1 = x_1 \int_0^1 \alpha x_2\, d\alpha = \tfrac{1}{2} x_1 x_2",
            {"x_1, x_2": _("the inputs, from a baseline of 0"), r"\alpha": _("how far along the way")},
        )
        try_it("pages/methods.py", _("Compare with methods that ask for combinations"), methods="ig;shapley")
        try_it("pages/evaluate.py", _("See which parts of a photo act only together"), view="regions", image="coffee")
        st.caption(_(ENGINE))
        st.caption(_("A map of a photo is a list of shares, too: which pixels matter only together, it cannot say."))


def _convergence() -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            _(
                "A function of two inputs whose slopes wave against each other. From 0 to 1 each input earns exactly "
                "1. The panels of a right Riemann sum may see something else."
            )
        )
        steps = from_parameter(
            "few", Parameter("few", N_("Steps"), 6, 2, 20, help=N_("Each panel costs one gradient."), choices=STEPS)
        )
        told = predict(
            "converged",
            _("With 6 steps the shares sum to f(x) − f(x′) exactly. Are they right?"),
            [_("yes, they are complete"), _("no")],
            1,
            _("Errors of both inputs cancel in the sum. Completeness tests the sum alone, not how it is shared."),
        )
        try_it("pages/integrators.py", _("See sum and map apart on a photo"), integrator="right", steps="20")
    with right:
        result = functions.integrate(functions.BUMPS, (1.0, 1.0), (0.0, 0.0), "right", steps)
        with st.container(horizontal=True):
            st.metric("f(x) − f(x′)", f"{result.score_difference:.3f}", width=130)
            st.metric(_("Sum of the shares"), f"{result.sum:.3f}", width=170)
            error = "–" if result.map_error is None else f"≈ {result.map_error:.0%}"
            st.metric(_("Map error"), error if told else "?", width=130)
        if told:
            bars = {_("{steps} steps", steps=steps): functions.BUMPS.shares(result), _("the truth"): np.ones(2)}
            draw(figures.share_bars(bars, ["x₁", "x₂"]), "lesson_shares", _("Shares by few steps, and the true ones"))
            st.caption(
                _(
                    "The map error is an estimate, from every second node. Steps in time with the waves can fool it as "
                    "well: compare 6 steps with 7, 12 and 20."
                )
            )
        st.caption(_(ENGINE))


def _randomized() -> None:
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            _(
                "A map explains one score of one image. To see what of it comes from the training, shuffle the "
                "network's weights: it then knows nothing."
            )
        )
        photo = choose_photo("cat")
        told = predict(
            "randomized",
            _("Will the map of the shuffled network still show something of the photo?"),
            [_("no, only noise"), _("yes, its bright regions")],
            1,
            _("Over black, every share is multiplied by the pixel's own brightness, whatever the network has learned."),
        )
        st.caption(_("Raw output (logit), black baseline, trapezoid with 50 steps, for both networks."))
        try_it("pages/methods.py", _("Compare methods on this photo"), image=photo)
    with right:
        question = asked_of(photo, METHOD) if told else None
        if question is None:
            return
        trained = answered(question, _("Explaining the photo …"))
        randomized = answered(Randomized(question.image, METHOD, question.target), _("Shuffling the weights …"))
        if trained is None or randomized is None:
            return
        own = trained.by_rule["trapezoid"]
        pictures = st.columns(3, gap="small")
        with pictures[0]:
            show(question.image, own.label, _("The photo"))
        for column, result, name in (
            (pictures[1], own, _("Trained")),
            (pictures[2], randomized, _("Shuffled weights")),
        ):
            with column:
                show(mask_picture(result.values, Drawing()), f"**{name}**", _("Map of the network: {name}", name=name))
        formula(
            r"\mathrm{IG}_i = (x_i - x'_i) \int_0^1 \ldots\, d\alpha",
            {"x_i - x'_i": _("a pixel's own brightness, over black: no network has a part in it")},
        )
        alike = spearman(*(heat_map(one.values, "absolute") for one in (own, randomized)))
        st.metric(
            _("Rank correlation of the two maps"), f"{alike:.2f}", help=_("1: the same order of pixels. 0: unrelated.")
        )


LESSON = Lesson("6", N_("Limits"), N_("What it cannot tell"), N_("What must nobody read from such a map?"), teach)
