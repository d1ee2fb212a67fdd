"""Explain many images at once, and see what they say together."""

import streamlit as st

from igcore.batch import Source, Specification
from igcore.methods import METHODS
from igcore.models import ModelSpec
from igcore.runtime.model_questions import Abilities
from ui import frame, state
from ui.batch_images import choose_images
from ui.batch_run import current, start
from ui.batch_view import class_section, downloads, gallery, progress_line, table
from ui.controls import FIT_HELP, FIT_LABELS, choose_model
from ui.language import N_, _
from ui.method_set import choose_settings
from ui.scene import answered, ready_model
from ui.service import client
from ui.widgets import segments, select

TOP = "top"


def main() -> None:
    frame.open_page(
        N_("What do they have in common?"),
        N_(
            "Many images, each explained by the same method: what the network looks for in a class, and which image is "
            "explained unlike the others."
        ),
    )
    with frame.errors_as_lines():
        sources = choose_images()
        specification = choose_specification()
        if specification is not None:
            offer(sources, specification)
            results()
    state.write_address()


def choose_specification() -> Specification | None:
    with st.sidebar:
        key = choose_model()
        fits = {one: _(label) for one, label in FIT_LABELS.items()}
        fit = segments(_("Fit to the model's square"), "fit", fits, "crop", _(FIT_HELP))
    spec = ready_model(key)
    measuring = _("Measuring how fast the model runs here …")
    able = answered(Abilities(spec.key), measuring) if spec is not None else None
    if spec is None or able is None:
        return None
    with st.sidebar:
        target = choose_target(spec)
        method = select(
            _("Method"), "batch_method", list(METHODS), "ig", lambda one: _(METHODS[one].label), _("Of all images.")
        )
        (choice,), seed = choose_settings([method], spec, able.closed, fit)
    why_not = choice.why_not
    if choice.settings is None or why_not:
        st.warning(why_not or _("These settings do not fit the method."), icon=":material/block:")
        return None
    st.session_state["seconds of an image"] = able.speed.seconds(choice.cost)
    return Specification(spec.key, choice.settings, target, fit, seed)


def choose_target(spec: ModelSpec) -> int | None:
    options = [TOP, *map(str, range(len(spec.labels)))]

    def name(option: str) -> str:
        return _("Each image's top class") if option == TOP else f"{spec.labels[int(option)]} ({option})"

    help = _("Type to search all of the model's classes.")
    value = select(_("Class to explain"), "batch_target", options, TOP, name, help)
    return None if value == TOP else int(value)


def offer(sources: list[Source], specification: Specification) -> None:
    run = current()
    seconds = st.session_state["seconds of an image"] * len(sources)
    with st.container(horizontal=True, vertical_alignment="center"):
        begin = st.button(
            _("Explain {count} images", count=len(sources)) if sources else _("Explain them"),
            type="primary",
            icon=":material/play_arrow:",
            key="batch_begin",
            disabled=not sources or (run is not None and run.running),
        )
        if sources:
            told = _("About {seconds:.0f} s here, when nobody else computes.", seconds=seconds)
            st.caption(told, width="content")
    if begin:
        start(sources, specification, client())
        st.rerun()
    if run is not None and not begin and run.specification.describe() != specification.describe():
        st.info(_("What is below was asked for with other settings; explain the images again to see these."))


def results() -> None:
    run = current()
    if run is None:
        st.info(
            _("Upload some images of a kind, say twenty photos of dogs, and see where the network looks for one."),
            icon=":material/collections:",
        )
        return
    running = run.running

    @st.fragment(run_every=frame.polling(running))
    def live() -> None:
        with frame.errors_as_lines():
            progress_line(run)
            gallery(run)
        if running and not run.running:
            st.rerun()

    live()
    if not running:
        table(run)
        downloads(run)
        class_section(run)


main()
