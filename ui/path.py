"""The way from baseline to image: a strip of it, one point under a slider, and the curves along it."""

from __future__ import annotations

import numpy as np
import streamlit as st

from igcore.heatmaps import Drawing, mask_picture
from igcore.paths import StraightPath
from igcore.results import PathTrace
from igcore.runtime.questions import Point, PointSeen
from ui import figures, state
from ui.frame import errors_as_lines
from ui.language import _
from ui.pictures import show
from ui.scene import Scene, Shown, answered
from ui.widgets import toggle

__all__ = ["path_section"]

STRIP = tuple(np.linspace(0, 1, 8))
NOTHING = PathTrace(*[np.empty(0)] * 5)


@st.fragment
def path_section(scene: Scene, shown: Shown | None) -> None:
    """Draw the path; the α slider runs this function alone and costs one gradient."""
    with errors_as_lines():
        _section(scene, shown)
        state.write_address()


def _section(scene: Scene, shown: Shown | None) -> None:
    st.subheader(_("On the way from baseline to image"), anchor=False)
    _strip(scene)
    st.session_state.setdefault("alpha", 0.5)
    now = st.session_state["alpha"]
    alpha = st.slider(_("α: share of the image in the mixture"), 0.0, 1.0, now, step=0.01, key="alpha")
    question = scene.question
    point = answered(
        Point(question.model, question.image, question.method, question.target, alpha, question.seed),
        _("Taking one gradient …"),
    )
    if point is not None:
        _point(scene, point, alpha)
    _curves(scene, shown, alpha)


def _strip(scene: Scene) -> None:
    points = StraightPath(scene.baseline, scene.question.image).points(STRIP)
    with st.container(key="strip"):
        for column, alpha, point in zip(st.columns(len(STRIP), gap="small"), STRIP, points, strict=True):
            with column:
                show(point, f"α = {alpha:.2f}", _("The mixture at α = {alpha:.2f}", alpha=alpha))


def _point(scene: Scene, point: PointSeen, alpha: float) -> None:
    label, top = scene.spec.label(scene.question.target), int(point.scores.argmax())
    with st.container(key="pictures_point"):
        left, right, text = st.columns([1, 1, 2], gap="small")
        with left:
            caption = _("**Image** at α = {alpha:.2f}", alpha=alpha)
            show(point.image, caption, _("The mixture at α = {alpha:.2f}", alpha=alpha))
        with right:
            caption = _("**|Gradient|** at α = {alpha:.2f}", alpha=alpha)
            show(mask_picture(point.gradient, Drawing()), caption, _("Size of the gradient"))
        with text:
            st.metric(_("Score of {name}", name=label), f"{point.score:.4f}")
            st.metric(_("Mean |gradient|"), f"{np.abs(point.gradient).mean():.2e}")
            seen, share = scene.spec.label(top), point.scores[top]
            st.caption(_("Here the model sees {label}, {share:.0%}.", label=seen, share=share))


def _curves(scene: Scene, shown: Shown | None, alpha: float) -> None:
    result = shown.attribution if shown is not None else None
    trace = result.trace if result is not None and result.trace is not None else NOTHING
    label = result.label if result is not None else scene.spec.label(scene.question.target)
    difference = (result.score_difference if result is not None else None) or 0.0
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(_("Saturation curves"), anchor=False, width="content")
        normalized = toggle(_("Scale the mean gradient to 0 … 1, as the tutorial does"), "normalized", default=False)
    curves = {
        "score": figures.score_curve(trace.alphas, trace.scores, label, scene.question.method.of, alpha),
        "gradient": figures.gradient_curve(trace.alphas, trace.mean_gradients, normalized, alpha),
        "cumulative": figures.cumulative_curve(trace.alphas, trace.cumulative, difference, alpha),
    }
    for column, (name, figure) in zip(st.columns(3, gap="small"), curves.items(), strict=True):
        alt = _("{curve} along the path", curve=figure.layout.title.text)
        column.plotly_chart(figure, key=f"curve_{name}", config={"displayModeBar": False}, alt=alt)
    if result is not None and result.correction is not None:
        end = _(
            "Right: what they add up to; it should end on the dashed line, and what is missing is corrected in the map."
        )
    else:
        end = _("Right: what they add up to; it should end on the dashed line.")
    told = _(
        "Left: where the curve is flat, the score is saturated and its gradient says little. "
        "Middle: the gradients live where the score moves."
    )
    st.caption(f"{told} {end}")
