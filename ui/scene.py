"""What the page is about: the chosen image, class and method, and the newest explanation of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
import streamlit as st

from igcore.baselines import as_baseline
from igcore.models import DEFAULT_MODEL, ModelSpec, catalogue, missing
from igcore.results import Attribution
from igcore.runtime import Job, Question
from igcore.runtime.model_questions import Load, Predict
from igcore.runtime.questions import Explain, Explained
from ui import figures, turns
from ui.controls import choose_image, choose_model, choose_target
from ui.language import _, line
from ui.markup import plain
from ui.method_controls import choose_baseline, choose_integration
from ui.pictures import Array, Picture, show
from ui.service import client

__all__ = [
    "Scene",
    "Shown",
    "Subject",
    "answered",
    "ask_again",
    "choose_scene",
    "choose_subject",
    "done_within",
    "follow",
    "newest",
    "predicted",
    "ready_model",
    "shared_rules",
]

#: Pixels of an image that no model has asked for yet.
PREVIEW = (224, 224)

#: How long a page waits for something short before it says so.
PATIENCE = 180.0

Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False)
class Scene:
    """The page's choices, complete and checked."""

    picture: Picture
    fit: str
    spec: ModelSpec
    scores: Array
    question: Explain

    @cached_property
    def baseline(self) -> Array:
        """The picture that the image is compared with: (H, W, 3) float32 in [0, 1]."""
        return as_baseline(self.question.method.baseline).make(self.question.image, self.question.seed)


@dataclass(frozen=True, eq=False)
class Shown:
    """What is on view: a result, what is known of one under way, or an older one."""

    attribution: Attribution
    explained: Explained | None
    stale: bool = False

    @property
    def rules(self) -> tuple[str, ...]:
        """The integrators that shared its nodes, in the order in which they were computed."""
        return () if self.explained is None else shared_rules(self.explained)


def shared_rules(explained: Explained) -> tuple[str, ...]:
    """Return the integrators that shared their nodes; none where one was computed by itself."""
    return tuple(explained.by_rule) if len(explained.by_rule) > 1 else ()


def answered(question: Question[Answer], message: str, meanwhile: Callable[[], None] | None = None) -> Answer | None:
    """Wait for a short answer without blocking a newer run of the page; say in one line what went wrong.

    The message is in the page's language; `meanwhile` draws what is to be seen while it takes long.
    """
    # The slot is there whether it is used or not, so that nothing below it moves between two runs.
    slot = st.empty()
    job = client().ask(question)
    if not _let_others_draw(job, 0.15):
        with slot.container(), st.spinner(message, show_time=meanwhile is None):
            if meanwhile is not None:
                meanwhile()
            done_within(job, PATIENCE)
        slot.empty()
    client().keep_failure(job)
    if job.error or not job.done:
        late = _("This takes longer than {seconds:.0f} s; reload the page to try again.", seconds=PATIENCE)
        slot.error(plain(line(job.error)) if job.error else late)
        return None
    return job.value


def done_within(job: Job[Any], seconds: float) -> bool:
    """Wait for a job's end, but not longer than this; return whether it ended. A newer run of the page takes over."""
    tick, end = st.empty(), time.monotonic() + seconds
    while not job.done and (left := end - time.monotonic()) > 0:
        tick.empty()  # a call into Streamlit, at which a newer run can take over
        _let_others_draw(job, min(left, 0.1))
    return job.done


def _let_others_draw(job: Job[Any], seconds: float) -> bool:
    """Wait for a job's end, but not longer than this, without a turn at drawing; return whether it ended."""
    if job.done:
        return True
    with turns.aside():
        return job.wait(seconds)


def ready_model(key: str, meanwhile: Callable[[], None] | None = None) -> ModelSpec | None:
    """Load the chosen model, or the embedded one where that is not to be had, and say so."""
    with st.container():
        spec = _chosen_model(key) if key != DEFAULT_MODEL else None
    if spec is None:
        title = catalogue()[DEFAULT_MODEL].title
        spec = answered(Load(DEFAULT_MODEL), _("Loading {model} …", model=title), meanwhile)
    return spec


def _chosen_model(key: str) -> ModelSpec | None:
    entry, default = catalogue()[key], catalogue()[DEFAULT_MODEL]
    why_not = missing(entry)
    if why_not is not None:
        st.warning(
            _(
                "{model} is not on this machine: {why_not}. Showing {default} instead.",
                model=entry.title,
                why_not=line(why_not),
                default=default.title,
            ),
            icon=":material/cloud_off:",
        )
        if not st.button(_("Download it now"), icon=":material/download:", key="download_model"):
            return None
        ask_again()
    spec = answered(Load(key), _("Loading {model} …", model=entry.title))
    if spec is None:
        st.info(_("Showing {model} instead.", model=default.title))
        st.button(_("Try again"), icon=":material/refresh:", key="retry_model", on_click=ask_again)
    return spec


def predicted(spec: ModelSpec, image: Array) -> Array | None:
    """Return the scores of all classes for an image: (K,)."""
    return answered(Predict(spec.key, image), _("Looking at the image …"))


@dataclass(frozen=True, eq=False)
class Subject:
    """A chosen image and model, with what the model sees in it."""

    picture: Picture
    fit: str
    spec: ModelSpec
    image: Array
    scores: Array

    @property
    def top(self) -> int:
        """The most probable class."""
        return int(self.scores.argmax())


def _not_seen_yet(picture: Picture, fit: str) -> None:
    """Show the image, and where its classes will stand, to whoever waits for the model.

    With the empty chart the browser fetches what draws charts, in a moment in which it has nothing else to do.
    """
    left, right = st.columns([1, 3], gap="medium")
    with left:
        label = _(picture.label)
        show(picture.at(PREVIEW, fit), f"**{label}**", label)
    with right:
        st.markdown(_("**What the network sees** stands here when it is loaded: once, after the server's start."))
        st.plotly_chart(figures.prediction_bars([], [], None), config={"displayModeBar": False}, alt=_("Not known yet"))


def choose_subject() -> Subject | None:
    """Offer image and model in the sidebar; None while the model or its scores are not to be had."""
    with st.sidebar:
        picture, fit = choose_image()
        key = choose_model()
    spec = ready_model(key, partial(_not_seen_yet, picture, fit))
    if spec is None:
        return None
    image = picture.at(spec.input_size, fit)
    scores = predicted(spec, image)
    return None if scores is None else Subject(picture, fit, spec, image, scores)


def choose_scene() -> Scene | None:
    """Offer image, model, class and method in the sidebar; None while a model or a score is not to be had."""
    subject = choose_subject()
    if subject is None:
        return None
    spec = subject.spec
    with st.sidebar:
        target = choose_target(spec, subject.top)
        baseline = choose_baseline(spec.input_size, subject.fit)
        method = choose_integration().method(baseline)
    question = Explain(spec.key, subject.image, method, target)
    return Scene(subject.picture, subject.fit, spec, subject.scores, question)


def follow(*questions: Question[Any]) -> list[Job[Any]]:
    """Return this session's jobs for what the page now asks; those no longer wanted stop at their next chunk."""
    return client().follow(*questions)


def ask_again() -> None:
    """Forget this session's jobs that stopped or failed, so that the next run asks anew."""
    client().forget_failures()


def newest(scene: Scene, job: Job[Explained]) -> Shown | None:
    """Return what can be shown now: the result, else its beginning, else the result before."""
    explained = job.value
    if explained is not None:
        shown = Shown(explained.by_rule[scene.question.method.integrator], explained)
        st.session_state["shown"] = shown
        return shown
    if job.progress is not None and job.progress.partial is not None:
        return Shown(job.progress.partial, None)
    before: Shown | None = st.session_state.get("shown")
    # A map of another picture beside this one would mislead; the same picture's older map is worth keeping.
    if before is None or not np.array_equal(before.attribution.image, scene.question.image):
        return None
    return Shown(before.attribution, before.explained, stale=True)
