"""The question that a batch asks of each image."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from typing import Any, ClassVar

import igcore
from igcore.heatmaps import Drawing, overlay_picture
from igcore.images import Fit, load_image, png_bytes
from igcore.methods import Method
from igcore.results import Attribution
from igcore.runtime.question import Lane, Models, OnProgress, Question, ShouldStop, name_of

__all__ = ["Examine", "Examined", "Specification"]

#: Classes whose scores are kept.
TOP = 5


@dataclass(frozen=True)
class Specification:
    """What is asked of every image of a batch.

    Attributes
    ----------
    model : str
        A key of the catalogue.
    method : Method
    target : int or None
        None for each image's most probable class.
    fit : {"crop", "pad", "stretch"}
    seed : int
    drawing : Drawing
        Of the overlays.
    """

    model: str
    method: Method
    target: int | None = None
    fit: Fit = "crop"
    seed: int = 0
    drawing: Drawing = field(default_factory=Drawing)

    def describe(self) -> dict[str, Any]:
        """Return it as plain values, by which a run that goes on is known to be the same."""
        return {
            "model": self.model,
            "method": self.method.key,
            "settings": self.method.describe(),
            "target": self.target,
            "fit": self.fit,
            "seed": self.seed,
            "drawing": vars(self.drawing),
        }


@dataclass(frozen=True, eq=False)
class Examined:
    """What is found of one image.

    Attributes
    ----------
    attribution : Attribution
    overlay : bytes
        A PNG.
    top : list of (label, score)
        The most probable classes.
    """

    attribution: Attribution
    overlay: bytes
    top: list[tuple[str, float]]


@dataclass(frozen=True, eq=False)
class Examine(Question[Examined]):
    """An image file, decoded and explained where the model is."""

    data: bytes = field(repr=False)
    of: Specification
    max_bytes: int
    max_pixels: int
    lane: ClassVar[Lane] = "long"

    @property
    def key(self) -> str:
        """See `Question`."""
        limits = (self.max_bytes, self.max_pixels)
        return name_of("examine", hashlib.sha256(self.data).hexdigest(), self.of.describe(), *limits)

    def answer(self, models: Models, on_progress: OnProgress, should_stop: ShouldStop) -> Examined:
        """Compute it."""
        asked = self.of
        model = models(asked.model)
        image = load_image(self.data, model.spec.input_size, asked.fit, self.max_bytes, self.max_pixels)
        scores = model.scores(image[None])[0]
        order = [int(index) for index in scores.argsort()[::-1][:TOP]]
        target = order[0] if asked.target is None else asked.target
        result = igcore.explain(model, image, asked.method, target, asked.seed, on_progress, should_stop)
        overlay = png_bytes(overlay_picture(result.values, result.image, asked.drawing))
        return Examined(result, overlay, [(model.spec.label(index), float(scores[index])) for index in order])

    def size(self, _answer: Examined) -> int:
        """Say that it is not to be kept: a batch writes it to a file."""
        return sys.maxsize
