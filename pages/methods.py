"""Compare attribution methods on one image."""

import streamlit as st

from igcore.results import Attribution
from igcore.runtime import Job
from igcore.runtime.model_questions import Abilities, Able
from igcore.runtime.questions import ByMethod
from igcore.speed import Speed
from ui import frame, state
from ui.agreement_view import agreement_section
from ui.controls import choose_drawing, choose_target
from ui.language import N_, _
from ui.markup import for_files
from ui.method_cards import Card, cards, download_all, waits
from ui.method_set import choose_methods, choose_settings
from ui.pictures import show
from ui.progress import jobs_line
from ui.scene import Subject, answered, choose_subject, follow
from ui.service import client
from ui.share import origin_of, report_popover
from ui.side_by_side import Seen, part_of
from ui.widgets import segments, toggle


def main() -> None:
    frame.open_page(
        N_("Does the family agree?"),
        N_(
            "Integrated Gradients is one of many methods that say which pixels matter. Here they explain the same "
            "class of the same image: where they agree, and what each one costs and means."
        ),
    )
    with frame.errors_as_lines():
        subject = choose_subject()
        measuring = _("Measuring how fast the model runs here …")
        able = answered(Abilities(subject.spec.key), measuring) if subject else None
        if subject is not None and able is not None:
            compare(subject, able)
    state.write_address()


def compare(subject: Subject, able: Able) -> None:
    spec, speed = subject.spec, able.speed
    left, right = st.columns([1, 6], gap="medium", vertical_alignment="center")
    with right:
        keys = choose_methods(spec, able)
    with left, st.container(key="photo"):
        score = subject.scores[subject.top]
        seen = _("seen as {label}, {score:.0%}", label=spec.label(subject.top), score=score)
        show(subject.image, seen, f"{_(subject.picture.label)}, {seen}")
    with st.sidebar:
        target = choose_target(spec, subject.top)
        choices, seed = choose_settings(keys, spec, able.closed, subject.fit)
    questions = [
        ByMethod(spec.key, subject.image, one.settings, target, seed) if one.settings and not one.why_not else None
        for one in choices
    ]
    begun = [
        question
        for question, choice in zip(questions, choices, strict=True)
        if question is not None and (client().known(question) is not None or not waits(question, choice, speed))
    ]
    jobs = dict(zip([question.key for question in begun], follow(*begun), strict=True))
    several = [
        Card(choice, question, jobs.get(question.key) if question is not None else None)
        for choice, question in zip(choices, questions, strict=True)
    ]
    view(subject, spec.label(target), several, speed)


def view(subject: Subject, label: str, several: list[Card], speed: Speed) -> None:
    if not several:
        st.info(_("Choose one or more methods above."), icon=":material/checklist:")
        return
    progress(label, [card.job for card in several if card.job is not None])
    drawing = choose_drawing()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        with st.container(width=240):
            names = {"map": _("Map"), "overlay": _("Over the image")}
            over = segments(_("Picture"), "over", names, "map", None) == "overlay"
        shared = toggle(
            _("One color scale for all maps"),
            "one_scale",
            default=False,
            help=_("The methods' values have different units, so each map has its own scale unless you ask for one."),
        )
    cards(several, subject.image, drawing, shared, over, speed)
    name = for_files(label)
    seen = [
        Seen(number, None, _(card.choice.spec.label), card.result, card.job) for number, card in enumerate(several, 1)
    ]
    with st.container(horizontal=True):
        download_all(several, f"{subject.picture.name}_{name}", drawing)
        asked = [one for one in seen if one.job is not None]
        if all(one.job.done for one in asked if one.job is not None) and any(one.finished for one in asked):
            report_popover(
                f"{subject.picture.name}_{name}_methods",
                [part_of(one) for one in asked],
                origin_of(subject.picture, subject.fit),
                subject.spec,
                subject.scores,
                drawing,
                shared,
            )
    agreement_section([one for one in seen if one.result is not None], drawing, shared)


def progress(label: str, jobs: list[Job[Attribution]]) -> None:
    """Look at the jobs alone while they run; the page, with many pictures, is drawn anew when one has ended."""
    ended = sum(job.done for job in jobs)

    @st.fragment(run_every=frame.polling(ended < len(jobs)))
    def live() -> None:
        taken = sum(job.value.seconds for job in jobs if job.value is not None)
        if jobs:
            finished = _("{label}: {count} maps in {seconds:.1f} s", label=label, count=len(jobs), seconds=taken)
            jobs_line(jobs, finished, failed_where=_("its card says why"))
        if sum(job.done for job in jobs) > ended:
            st.rerun()

    live()


main()
