"""Lesson 5: the baseline is a question."""

from __future__ import annotations

import numpy as np
import streamlit as st

from igcore.baselines import BASELINES
from igcore.heatmaps import Drawing, overlay_picture
from igcore.results import Attribution
from ui.controls import choose_photo
from ui.language import N_, _
from ui.lessons.lesson import Lesson, formula, predict, try_it
from ui.lessons.photo import explained
from ui.pictures import show

__all__ = ["LESSON"]

#: Four baselines, and what each asks of the same photo.
ASKED = {
    "black": N_("What matters, compared with darkness?"),
    "white": N_("What matters, compared with full light?"),
    "blur": N_("What matters, compared with the same scene without detail?"),
    "uniform-noise": N_("What matters, compared with random colors?"),
}


#: The darkest pixels of a photo, as a share of all.
DARK = 0.2


def teach() -> None:
    """Draw the lesson."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            _(
                "Integrated Gradients never says what matters, only what matters **compared with the baseline**. "
                "Each of the four pictures answers another question about the same photo."
            )
        )
        photo = choose_photo("camera")
        told = predict(
            "baseline",
            _("The cameraman wears a black coat. Over a black baseline, what share of the score can its pixels get?"),
            [_("as much as others"), _("more, for they are special"), _("next to nothing")],
            2,
            _("Where image and baseline agree, x − x′ is zero, and so is the share: black cannot see black."),
        )
        formula(
            r"x_i = x'_i \;\Rightarrow\; \mathrm{IG}_i = (x_i - x'_i) \int_0^1 \ldots\, d\alpha = 0",
            {"x_i": _("a pixel's value"), "x'_i": _("the baseline's value there")},
        )
        compared = ";".join(ASKED)
        try_it("pages/baselines.py", _("Compare these baselines in full"), image=photo, baselines=compared)
    with right:
        for row in (("black", "white"), ("blur", "uniform-noise")):
            for column, key in zip(st.columns(2, gap="small"), row, strict=True):
                with column:
                    _answer(photo, key, told)


def _answer(photo: str, key: str, told: bool) -> None:
    label = _(BASELINES[key].label)
    st.markdown(_("**{name}**: {question}", name=label, question=_(ASKED[key])))
    result = explained(photo, key) if told else None
    if result is None or result.baseline is None:
        st.caption(_("After your prediction, the answer stands here.") if not told else "")
        return
    pair = st.columns(2, gap="small")
    with pair[0]:
        show(result.baseline, _("compared with this"), _("The baseline {name}", name=label))
    with pair[1]:
        picture = overlay_picture(result.values, result.image, Drawing())
        show(picture, result.label, _("What matters compared with the baseline {name}", name=label))
    st.caption(_("The darkest fifth of the pixels gets {share:.0%} of the map.", share=_dark_share(result)))


def _dark_share(result: Attribution) -> float:
    """Return which share of a map's size falls on the darkest fifth of the pixels."""
    brightness, sizes = result.image.mean(axis=-1), np.abs(result.values).sum(axis=-1)
    return float(sizes[brightness <= np.quantile(brightness, DARK)].sum() / sizes.sum())


LESSON = Lesson("5", N_("Baseline"), N_("The baseline is a question"), N_("Compared with what?"), teach)
