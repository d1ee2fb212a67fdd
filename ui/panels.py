"""The pictures: baseline, original, mask, overlay, and the plain gradient beside them."""

from __future__ import annotations

import json

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from igcore.checks import BLIND, blind_share
from igcore.heatmaps import Drawing, mask_picture, overlay_picture
from igcore.images import png_bytes
from igcore.models import ModelSpec
from igcore.recipe import make_recipe
from igcore.report import Part
from igcore.results import Attribution
from igcore.runtime.questions import PlainGradient
from ui import state
from ui.controls import choose_drawing
from ui.frame import errors_as_lines
from ui.language import N_, _
from ui.markup import for_files
from ui.pictures import Array, show
from ui.scene import Scene, Shown, answered, predicted
from ui.share import origin_of, report_popover

__all__ = ["picture_panels"]

MEANING = {
    "absolute": N_("|attribution|"),
    "positive": N_("what speaks for the class"),
    "negative": N_("what speaks against it"),
    "signed": N_("for (red) and against (blue)"),
}


def _seen(spec: ModelSpec, scores: Array | None) -> str:
    if scores is None:
        return ""
    top = int(scores.argmax())
    return _("seen as {label}, {score:.0%}", label=spec.label(top), score=scores[top])


@st.fragment
def picture_panels(scene: Scene, shown: Shown | None) -> None:
    """Draw the panels; a change of how they are drawn runs this function alone and computes no gradient."""
    with errors_as_lines():
        _panels(scene, shown)


def _panels(scene: Scene, shown: Shown | None) -> None:
    drawing = choose_drawing()
    image, baseline = scene.question.image, scene.baseline
    with st.container(key="pictures_main"):
        columns = st.columns(4, gap="small")
        with columns[0]:
            seen = _seen(scene.spec, predicted(scene.spec, baseline))
            show(baseline, _("**Baseline**, {seen}", seen=seen), _("The baseline, {seen}", seen=seen))
        with columns[1]:
            seen = _seen(scene.spec, scene.scores)
            show(image, _("**Original**, {seen}", seen=seen), f"{_(scene.picture.label)}, {seen}")
        if shown is not None:
            _maps(shown.attribution, drawing, columns[2], columns[3], _("Integrated Gradients"))
        else:
            for column in columns[2:]:
                with column:
                    show(np.full_like(image, 0.5), _("Computing …"), _("Not computed yet"))
    _blind_spot(shown)
    _plain_gradient(scene, shown, drawing)
    if shown is not None and shown.explained is not None and not shown.stale:
        _downloads(scene, shown, drawing)
    state.write_address()


def _maps(result: Attribution, drawing: Drawing, left: DeltaGenerator, right: DeltaGenerator, name: str) -> None:
    if result.additive:
        what = _(MEANING[drawing.sign])
    else:
        what = _("size of the slope") if drawing.sign == "absolute" else _("slope")
    with left:
        alt = _("{name} of {label}: {what}", name=name, label=result.label, what=what)
        show(mask_picture(result.values, drawing), _("**{name}**, {what}", name=name, what=what), alt)
    with right:
        picture = overlay_picture(result.values, result.image, drawing)
        alt = _("{name} of {label} over the image", name=name, label=result.label)
        show(picture, _("**Overlay** on the image"), alt)


def _blind_spot(shown: Shown | None) -> None:
    share = blind_share(shown.attribution) if shown is not None else None
    if share is not None and share >= BLIND:
        told = _(
            "{share:.0%} of the pixels equal the baseline to within 2/255. "
            "Their attribution is zero by construction, whatever they mean to the model.",
            share=share,
        )
        st.caption(f":material/visibility_off: {told}")


def _plain_gradient(scene: Scene, shown: Shown | None, drawing: Drawing) -> None:
    if shown is None or shown.explained is None:
        return
    asked = scene.question
    question = PlainGradient(asked.model, asked.image, asked.method.of, asked.target)
    gradient = answered(question, _("Taking one gradient …"))
    if gradient is None:
        return
    st.subheader(_("Beside it: the plain gradient at the image"), anchor=False)
    with st.container(key="pictures_gradient"):
        text, left, right = st.columns([2, 1, 1], gap="small")
        with text:
            st.markdown(
                _(
                    "The gradient says how the score would change with a small change of each pixel. Where the score "
                    "is saturated it is small and noisy, although the pixel matters. Integrated Gradients "
                    "sums it over the whole way from the baseline instead."
                )
            )
        _maps(gradient, drawing, left, right, _("Gradient"))


def _downloads(scene: Scene, shown: Shown, drawing: Drawing) -> None:
    """Offer the overlay, the numbers and the settings, under names that tell them apart later."""
    result = shown.attribution
    settings = result.settings
    label = for_files(result.label)
    rule = f"{settings['integrator']}{settings.get('steps', '')}"
    stem = f"{scene.picture.name}_{label}_ig_{settings['baseline']['key']}_{rule}"
    overlay = png_bytes(overlay_picture(result.values, result.image, drawing))
    origin, rules = origin_of(scene.picture, scene.fit), shown.rules
    recipe = make_recipe(result, origin, rules, scene.spec.sha256)
    told = json.dumps(recipe, indent=2, ensure_ascii=False).encode()
    files = (
        (_("Overlay (PNG)"), overlay, "png", "image/png"),
        (_("Attribution (NPZ)"), result.to_bytes(), "npz", "application/octet-stream"),
        (_("Settings (JSON)"), told, "json", "application/json"),
    )
    with st.container(horizontal=True, key="downloads"):
        for name, data, ending, kind in files:
            # Bytes, not a callable: Streamlit loses a callable's file when a fragment within a fragment runs again.
            st.download_button(
                name,
                data,
                f"{stem}.{ending}",
                kind,
                icon=":material/download:",
                on_click="ignore",
                key=f"download_{ending}",
            )
        report_popover(stem, [Part(result, rules=rules)], origin, scene.spec, scene.scores, drawing)
