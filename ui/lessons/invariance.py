"""Lesson 3: implementation invariance."""

from __future__ import annotations

import numpy as np
import streamlit as st

from igcore.methods import METHODS
from igcore.runtime.lesson_questions import TWIN_METHODS, Twins
from ui.language import N_, _
from ui.lessons import figures
from ui.lessons.lesson import INPUT, Lesson, draw, formula, number, predict, try_it
from ui.scene import answered

__all__ = ["LESSON"]

FORMS = {"f": r"f = \mathrm{ReLU}(\mathrm{ReLU}(x_1) - 1 - \mathrm{ReLU}(x_2))",
         "g": r"g = \mathrm{ReLU}(\mathrm{ReLU}(x_1 - 1) - \mathrm{ReLU}(x_2))"}  # fmt: skip


def teach() -> None:
    """Draw the lesson."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        x1, x2, told = _chosen()
    with right:
        seen = answered(Twins(x1, x2), _("Running both networks …"))
        if seen is None:
            return
        with st.container(horizontal=True):
            for name, one in seen.items():
                st.metric(f"{name}({x1:g}, {x2:g})", f"{one.output:.3f}", width=140)
        if told:
            shares = {
                _(METHODS[key].label): np.stack([one.shares[key] for one in seen.values()], axis=1).ravel()
                for key in TWIN_METHODS
            }
            names = [_("{input} by {network}", input=one, network=name) for one in ("x₁", "x₂") for name in seen]
            figure = figures.share_bars(shares, names)
            draw(figure, "lesson_shares", _("What each method gives to the inputs of both networks"))
            st.caption(
                _("Both run as networks of layers, against inputs of 0. A gradient is no share, but is compared, too.")
            )
        formula(
            r"\forall x:\; f(x) = g(x) \;\Rightarrow\; A_i^f(x) = A_i^g(x)",
            {"A_i^f": _("share of input i by network f"), "A_i^g": _("the same by g")},
        )
        try_it(
            "pages/methods.py",
            _("Compare these methods on a photo"),
            methods="ig;deeplift-rescale;lrp-composite",
        )


def _chosen() -> tuple[float, float, bool]:
    """Offer the inputs, and ask for a prediction; return them, and whether it was made."""
    st.markdown(
        _(
            "Two networks, written differently, with the same output for every input. Try to find one for which "
            "they differ. **Implementation invariance** demands that an explanation is the same, too."
        )
    )
    for form in FORMS.values():
        st.latex(form)
    columns = st.columns(2)
    with columns[0]:
        x1 = number("twin1", N_("Input x₁"), 3.0, 0.0, 4.0, 0.25, INPUT)
    with columns[1]:
        x2 = number("twin2", N_("Input x₂"), 1.0, 0.0, 4.0, 0.25, INPUT)
    told = predict(
        "invariance",
        _("Which of these gives both networks the same shares, whatever the input?"),
        [_("DeepLIFT, which goes back layer by layer"), _("Integrated Gradients"), _("both")],
        1,
        _(
            "Integrated Gradients asks only for slopes, which are the same for equal functions. What goes back "
            "layer by layer sees how a function is written."
        ),
    )
    return x1, x2, told


LESSON = Lesson(
    "3",
    N_("Invariance"),
    N_("Implementation invariance"),
    N_("May an explanation depend on how a function is written?"),
    teach,
)
