"""Six short lessons on Integrated Gradients, each with something to move and a prediction to make."""

import streamlit as st

from ui import frame, state
from ui.language import N_, _
from ui.lessons import baseline, completeness, invariance, limits, saturation, sensitivity
from ui.widgets import segments

LESSONS = {one.LESSON.key: one.LESSON for one in (saturation, sensitivity, invariance, completeness, baseline, limits)}


def main() -> None:
    frame.open_page(
        N_("Six short lessons"), N_("A question, something to move, a prediction to make, and then the answer.")
    )
    with frame.errors_as_lines():
        names = {key: f"{key} {_(lesson.name)}" for key, lesson in LESSONS.items()}
        lesson = LESSONS[segments(_("Lesson"), "lesson", names, "1", None, visibility="collapsed")]
        st.markdown(f"### {_(lesson.title)} &nbsp; :gray[{_(lesson.question)}]")
        lesson.teach()
    state.write_address()


main()
