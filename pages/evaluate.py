"""Test explanations instead of believing them."""

import streamlit as st

from igcore.runtime.model_questions import Abilities
from ui import frame, state
from ui.controls import choose_target
from ui.criteria_view import criteria_view
from ui.evaluation_view import faithfulness_view
from ui.language import N_, _
from ui.pictures import show
from ui.randomization_view import randomization_view
from ui.region_view import region_view
from ui.scene import Subject, answered, choose_subject
from ui.widgets import segments

#: What can be asked of an explanation: each a view of the page.
VIEWS = {
    "faithfulness": (N_("Faithful?"), N_("Does the score fall when what the map points at is taken away?")),
    "randomization": (N_("Learned?"), N_("Does the map change when the network forgets what it has learned?")),
    "regions": (N_("Together?"), N_("Which parts of the photo act by themselves, and which only together?")),
    "criteria": (N_("Fair?"), N_("On functions whose effects are known: does a method share them out as it should?")),
}


def main() -> None:
    frame.open_page(
        N_("Can it be trusted?"),
        N_("A picture that looks right is no evidence. Here explanations are tested, with controls that know nothing."),
    )
    with frame.errors_as_lines():
        names = {key: _(name) for key, (name, _question) in VIEWS.items()}
        view = segments(_("Question"), "view", names, "faithfulness", None, visibility="collapsed")
        st.markdown(f"### {_(VIEWS[view][1])}")
        if view == "criteria":
            criteria_view()
        else:
            on_a_photo(view)
    state.write_address()


def on_a_photo(view: str) -> None:
    subject = choose_subject()
    measuring = _("Measuring how fast the model runs here …")
    able = answered(Abilities(subject.spec.key), measuring) if subject else None
    if subject is None or able is None:
        return
    with st.sidebar:
        target = choose_target(subject.spec, subject.top)
    if view == "regions":
        region_view(subject, target, able)
        return
    left, right = st.columns([1, 6], gap="medium")
    with left, st.container(key="photo"):
        show_photo(subject)
    with right:
        (faithfulness_view if view == "faithfulness" else randomization_view)(subject, target, able)


def show_photo(subject: Subject) -> None:
    score = subject.scores[subject.top]
    seen = _("seen as {label}, {score:.0%}", label=subject.spec.label(subject.top), score=score)
    show(subject.image, seen, f"{_(subject.picture.label)}, {seen}")


main()
