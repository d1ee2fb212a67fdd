"""What stands side by side: columns that differ in baseline, image, class or model, and agree in all else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import streamlit as st

from igcore.baselines import as_baseline
from igcore.errors import InputError
from igcore.models import ModelSpec, catalogue, missing
from igcore.recipe import Origin
from igcore.runtime.questions import Explain
from ui.baseline_set import choose_baselines
from ui.controls import choose_other_picture, choose_target
from ui.language import N_, _, line
from ui.method_controls import choose_baseline, choose_integration
from ui.pictures import Array
from ui.scene import Subject, choose_subject, predicted, ready_model
from ui.share import origin_of
from ui.widgets import select, toggle

__all__ = ["Column", "choose_columns"]

NEXT = "next"
BY = {"baselines": N_("Baselines"), "images": N_("Images"), "classes": N_("Classes"), "models": N_("Models")}


@dataclass(frozen=True, eq=False)
class Column:
    """One explanation among those that are compared."""

    label: str
    spec: ModelSpec
    question: Explain
    origin: Origin

    @cached_property
    def baseline(self) -> Array:
        """The picture that the image is compared with: (H, W, 3) float32 in [0, 1]."""
        return as_baseline(self.question.method.baseline).make(self.question.image, self.question.seed)


def choose_columns() -> tuple[str, list[Column]]:
    """Offer what to compare by, and what is then compared; the list is empty while something is not to be had."""
    with st.sidebar:
        by = select(
            _("Compare by"),
            "by",
            list(BY),
            "baselines",
            lambda one: _(BY[one]),
            _("What differs; all else is the same."),
        )
    subject = choose_subject()
    return by, [] if subject is None else _CHOOSE[by](subject)


def _baselines(subject: Subject) -> list[Column]:
    spec = subject.spec
    with st.sidebar:
        target = choose_target(spec, subject.top)
        choices = choose_baselines(spec.input_size, subject.fit)
        integration = choose_integration()
    origin = origin_of(subject.picture, subject.fit)
    return [
        Column(one.label, spec, Explain(spec.key, subject.image, integration.method(one.baseline), target), origin)
        for one in choices
    ]


def _images(subject: Subject) -> list[Column]:
    spec = subject.spec
    with st.sidebar:
        other = choose_other_picture("second_image", _("Second photo"), "cat")
        target = choose_target(spec, subject.top)
        of_top = toggle(_("Each image's own top class"), "own_class", default=True)
    image = other.at(spec.input_size, subject.fit)
    scores = predicted(spec, image)
    if scores is None:
        return []
    first = _first(subject, target)
    own = int(scores.argmax()) if of_top else target
    second = Explain(spec.key, image, first.question.method, own)
    return [
        Column(f"{_(subject.picture.label)}: {spec.label(target)}", spec, first.question, first.origin),
        Column(f"{_(other.label)}: {spec.label(own)}", spec, second, origin_of(other, subject.fit)),
    ]


def _classes(subject: Subject) -> list[Column]:
    spec = subject.spec
    with st.sidebar:
        target = choose_target(spec, subject.top)
        rival = _second_class(subject, target)
    first = _first(subject, target)
    asked = first.question
    return [first, Column(spec.label(rival), spec, Explain(spec.key, asked.image, asked.method, rival), first.origin)]


def _second_class(subject: Subject, target: int) -> int:
    """Offer every other class by name; the most probable of them is the default."""
    spec = subject.spec
    following = next(int(index) for index in subject.scores.argsort()[::-1] if int(index) != target)
    options = [NEXT, *map(str, range(len(spec.labels)))]

    def name(option: str) -> str:
        known = f"{spec.labels[int(option)]} ({option})" if option != NEXT else ""
        return known or _("Next class: {name}", name=spec.label(following))

    told = _("Type to search all of the model's classes.")
    value = select(_("Second class"), "second_target", options, NEXT, name, told)
    return following if value == NEXT else int(value)


def _models(subject: Subject) -> list[Column]:
    spec = subject.spec
    others = {key: entry for key, entry in catalogue().items() if key != spec.key}
    here = [key for key, entry in others.items() if missing(entry) is None]
    with st.sidebar:
        target = choose_target(spec, subject.top)
        key = select(
            _("Second model"),
            "second_model",
            list(others),
            (here or list(others))[0],
            lambda one: others[one].title if one in here else _("{title} (not here)", title=others[one].title),
            _("From the server's catalogue."),
        )
    first = _first(subject, target)
    why_not = missing(others[key])
    if why_not is not None:
        st.warning(
            _(
                "{title} is not on this machine: {reason}. Choose another as the second model.",
                title=others[key].title,
                reason=line(why_not),
            ),
            icon=":material/cloud_off:",
        )
        return [first]
    other = ready_model(key)
    if other is None:
        return [first]
    image = subject.picture.at(other.input_size, subject.fit)
    scores = predicted(other, image)
    if scores is None:
        return [first]
    try:
        same = other.find(spec.label(target))
    except InputError:
        same = int(scores.argmax())  # a class that the other model does not know
    second = Explain(other.key, image, first.question.method, same)
    return [
        Column(f"{spec.title}: {first.label}", spec, first.question, first.origin),
        Column(f"{other.title}: {other.label(same)}", other, second, first.origin),
    ]


def _first(subject: Subject, target: int) -> Column:
    """Offer baseline and integration, and return the column that the others differ from."""
    spec = subject.spec
    with st.sidebar:
        baseline = choose_baseline(spec.input_size, subject.fit)
        method = choose_integration().method(baseline)
    origin = origin_of(subject.picture, subject.fit)
    return Column(spec.label(target), spec, Explain(spec.key, subject.image, method, target), origin)


_CHOOSE: dict[str, Callable[[Subject], list[Column]]] = {
    "baselines": _baselines,
    "images": _images,
    "classes": _classes,
    "models": _models,
}
