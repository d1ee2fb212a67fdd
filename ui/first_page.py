"""The first page: explain one image."""

from __future__ import annotations

import streamlit as st

from igcore.runtime import Job
from igcore.runtime.questions import Explained
from ui import figures, frame, state
from ui.card import completeness_card
from ui.language import N_, _
from ui.panels import picture_panels
from ui.path import path_section
from ui.scene import Scene, choose_scene, done_within, follow, newest

__all__ = ["main"]


def main() -> None:
    """Draw the page."""
    frame.open_page(
        N_("Why does the network see that?"),
        N_(
            "Integrated Gradients follows a picture from a baseline to the image and shares the rise of the class's "
            "score among the pixels."
        ),
    )
    with frame.errors_as_lines():
        scene = choose_scene()
        if scene is not None:
            explain(scene)
    state.write_address()


def explain(scene: Scene) -> None:
    """Follow the explanation of a scene while it runs, and show it."""
    (job,) = follow(scene.question)
    running = not done_within(job, frame.MOMENT)

    @st.fragment(run_every=frame.polling(running))
    def live() -> None:
        with frame.errors_as_lines():
            view(scene, job)
        if running and job.done:
            st.rerun()

    live()


def view(scene: Scene, job: Job[Explained]) -> None:
    """Show what there is of an explanation now."""
    shown = newest(scene, job)
    left, right = st.columns([1, 2], gap="medium")
    with left:
        predictions(scene)
    with right:
        completeness_card(scene.question, job, shown)
    picture_panels(scene, shown)
    path_section(scene, shown)


def predictions(scene: Scene) -> None:
    """Show the most probable classes, and the explained one."""
    scores, target = scene.scores, scene.question.target
    order = [int(index) for index in scores.argsort()[::-1][:5]]
    if target not in order:
        order.append(target)
    st.markdown(_("**What the network sees**; explained: {label}", label=scene.spec.label(target)))
    names = [scene.spec.label(index) for index in order]
    chosen = order.index(target)
    st.plotly_chart(
        figures.prediction_bars(names, [float(scores[index]) for index in order], chosen),
        key="predictions",
        config={"displayModeBar": False},
        alt=_("Most probable classes: {names}", names=", ".join(names)),
    )
