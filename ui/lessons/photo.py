"""A photo in a lesson: what the embedded network sees in it, and its explanation."""

from __future__ import annotations

from typing import Any

from igcore.images import Fit
from igcore.methods import IntegratedGradients
from igcore.models import DEFAULT_MODEL
from igcore.results import Attribution
from igcore.runtime.questions import Explain
from ui.language import _
from ui.pictures import Array, bundled
from ui.scene import answered, predicted, ready_model

__all__ = ["asked_of", "explained"]

FIT: Fit = "crop"


def asked_of(photo: str, method: IntegratedGradients) -> Explain | None:
    """Return the question that explains a photo's top class to the embedded network; None where it is not to be had."""
    spec = ready_model(DEFAULT_MODEL)
    if spec is None:
        return None
    image: Array = bundled(photo).at(spec.input_size, FIT)
    scores = predicted(spec, image)
    return None if scores is None else Explain(spec.key, image, method, int(scores.argmax()))


def explained(photo: str, baseline: str, **settings: Any) -> Attribution | None:
    """Explain a photo's top class, adaptively where the settings name no integrator."""
    method = IntegratedGradients(baseline, **{"integrator": "adaptive", **settings})
    question = asked_of(photo, method)
    if question is None:
        return None
    answer = answered(question, _("Explaining the photo …"))
    return None if answer is None else answer.by_rule[method.integrator]
