"""Compare integrators: what they cost, and where the integral is hard."""

import streamlit as st

from igcore.heatmaps import Drawing
from igcore.report import Part
from ui import frame, state
from ui.card import completeness_card
from ui.integration_view import local_error_section, study_section, wanted_study
from ui.language import N_
from ui.scene import Scene, choose_scene, follow, newest
from ui.share import origin_of, report_popover


def main() -> None:
    frame.open_page(
        N_("What do you pay, what do you get?"),
        N_(
            "The integral is a weighted sum of gradients. "
            "Where they are taken, and how many, decides how true the map is."
        ),
    )
    with frame.errors_as_lines():
        scene = choose_scene()
        if scene is not None:
            show(scene)
    state.write_address()


def show(scene: Scene) -> None:
    top = st.container()
    study = wanted_study(scene)
    job, *others = follow(scene.question, *([study] if study is not None else []))
    running = not job.done or any(not other.done for other in others)

    @st.fragment(run_every=frame.polling(running))
    def studied() -> None:
        with frame.errors_as_lines():
            study_section(others[0] if others else None)
        if running and job.done and all(other.done for other in others):
            st.rerun()

    @st.fragment(run_every=frame.polling(not job.done))
    def explained() -> None:
        with frame.errors_as_lines():
            shown = newest(scene, job)
            completeness_card(scene.question, job, shown)
            local_error_section(scene, shown)
            if shown is not None and shown.explained is not None and not shown.stale:
                name, origin = shown.attribution.settings["integrator"], origin_of(scene.picture, scene.fit)
                parts = [Part(shown.attribution, rules=shown.rules)]
                report_popover(f"{origin.name}_{name}", parts, origin, scene.spec, scene.scores, Drawing())

    with top:
        explained()
    studied()


main()
