"""The questions that pages ask: predict, explain, look at one point of a path."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import igcore
from igcore.baselines import as_baseline
from igcore.errors import ModelError
from igcore.integrators import FIXED
from igcore.local_errors import LocalErrors
from igcore.methods import IntegratedGradients, Method
from igcore.models import ModelSpec, Of, catalogue, fetch
from igcore.paths import StraightPath
from igcore.results import Attribution, Progress
from igcore.speed import Speed, measure_speed
from igcore.study import Study
from ui import store
from ui.pictures import digest

__all__ = [
    "Abilities",
    "Able",
    "ByMethod",
    "Errors",
    "Explain",
    "Explained",
    "Load",
    "PlainGradient",
    "Point",
    "PointSeen",
    "Predict",
    "StudyPath",
]

Array = NDArray[np.float32]

#: Rules that lie on the same nodes, so that one pass serves all of them.
SHARING = ("left", "right", "trapezoid", "simpson")


def _key(kind: str, *parts: Any) -> str:
    return hashlib.sha256(json.dumps([kind, *parts]).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Load:
    """A model of the catalogue; fetched where it is not here."""

    model: str
    lane: store.Lane = "load"

    @property
    def key(self) -> str:
        """See `store.Question`."""
        return _key("load", self.model)

    def answer(self, _progress: Callable[[Progress], None], _stop: Callable[[], bool]) -> ModelSpec:
        """Return what is known of the model."""
        fetch(catalogue()[self.model])
        return store.model(self.model).spec

    def size(self, _answer: ModelSpec) -> int:
        """See `store.Question`."""
        return 100_000


@dataclass(frozen=True, eq=False)
class Predict:
    """The scores of all classes for one image."""

    model: str
    image: Array
    lane: store.Lane = "short"

    @property
    def key(self) -> str:
        """See `store.Question`."""
        return _key("predict", self.model, digest(self.image))

    def answer(self, _progress: Callable[[Progress], None], _stop: Callable[[], bool]) -> Array:
        """Return (K,) probabilities."""
        return store.model(self.model).scores(self.image[None])[0]

    def size(self, answer: Array) -> int:
        """See `store.Question`."""
        return answer.nbytes


@dataclass(frozen=True, eq=False)
class Explained:
    """An explanation by every integrator that the same gradients serve."""

    by_rule: dict[str, Attribution]


@dataclass(frozen=True, eq=False)
class Explain:
    """Integrated Gradients of one image."""

    model: str
    image: Array
    method: IntegratedGradients
    target: int
    seed: int = 0
    lane: store.Lane = "long"

    @property
    def rules(self) -> tuple[str, ...]:
        """The integrators to compute at once; the one asked for comes first."""
        asked = self.method.integrator
        if asked not in SHARING:
            return (asked,)
        others = (rule for rule in SHARING if rule != asked and (rule != "simpson" or self.method.steps % 2 == 0))
        return (asked, *others)

    @property
    def key(self) -> str:
        """Name it by everything but the choice among rules on the same nodes."""
        settings = {**self.method.describe(), "integrator": sorted(self.rules)}
        return _key("explain", self.model, digest(self.image), settings, self.target, self.seed)

    def answer(self, on_progress: Callable[[Progress], None], should_stop: Callable[[], bool]) -> Explained:
        """Compute it; progress is told of the integrator that was asked for."""
        model = store.model(self.model)
        asked = (model, self.image, self.method)
        told = (self.target, self.seed, on_progress, should_stop)
        if self.method.integrator in FIXED:
            by_rule = igcore.explain_by_rules(*asked, self.rules, *told)
        else:
            by_rule = {self.method.integrator: igcore.explain(*asked, *told)}
        return Explained(by_rule)

    def size(self, answer: Explained) -> int:
        """Count values, image and baseline of every rule."""
        return sum(3 * result.values.nbytes for result in answer.by_rule.values())


@dataclass(frozen=True, eq=False)
class ByMethod:
    """An explanation of one image by any method."""

    model: str
    image: Array
    method: Method
    target: int
    seed: int = 0
    lane: store.Lane = "long"

    @property
    def key(self) -> str:
        """See `store.Question`."""
        told = (self.method.key, self.method.describe())
        return _key("method", self.model, digest(self.image), told, self.target, self.seed)

    def answer(self, on_progress: Callable[[Progress], None], should_stop: Callable[[], bool]) -> Attribution:
        """Compute it."""
        model = store.model(self.model)
        return igcore.explain(model, self.image, self.method, self.target, self.seed, on_progress, should_stop)

    def size(self, answer: Attribution) -> int:
        """Count values, image, baseline and standard error."""
        return 4 * answer.values.nbytes


@dataclass(frozen=True, eq=False)
class Able:
    """What a model can do here: how fast it runs, and why its layers cannot be read, if they cannot."""

    speed: Speed
    closed: str | None


@dataclass(frozen=True, eq=False)
class Abilities:
    """What a model can do here."""

    model: str
    lane: store.Lane = "short"

    @property
    def key(self) -> str:
        """See `store.Question`."""
        return _key("abilities", self.model)

    def answer(self, _progress: Callable[[Progress], None], _stop: Callable[[], bool]) -> Able:
        """Measure its pace, and read its layers."""
        model = store.model(self.model)
        closed = None
        try:
            model.graph  # noqa: B018
        except ModelError as error:
            closed = str(error)
        return Able(measure_speed(model), closed)

    def size(self, _answer: Able) -> int:
        """See `store.Question`."""
        return 1_000


@dataclass(frozen=True, eq=False)
class PlainGradient:
    """The gradient at the image itself, which does not depend on baseline and integrator."""

    model: str
    image: Array
    of: Of
    target: int
    lane: store.Lane = "short"

    @property
    def key(self) -> str:
        """See `store.Question`."""
        return _key("gradient", self.model, digest(self.image), self.of, self.target)

    def answer(self, _progress: Callable[[Progress], None], _stop: Callable[[], bool]) -> Attribution:
        """Take it."""
        return igcore.explain(store.model(self.model), self.image, igcore.Gradient(self.of), self.target)

    def size(self, answer: Attribution) -> int:
        """Count values and image."""
        return 2 * answer.values.nbytes


@dataclass(frozen=True, eq=False)
class PointSeen:
    """One image on the path: itself, the scores of all classes, and the target's gradient."""

    image: Array
    scores: Array
    score: float
    gradient: Array


@dataclass(frozen=True, eq=False)
class Point:
    """What the model sees at one α of the path."""

    model: str
    image: Array
    method: IntegratedGradients
    target: int
    alpha: float
    seed: int = 0
    lane: store.Lane = "short"

    @property
    def key(self) -> str:
        """See `store.Question`."""
        baseline = self.method.describe()["baseline"]
        parts = (self.model, digest(self.image), baseline, self.method.of, self.target, self.alpha, self.seed)
        return _key("point", *parts)

    def answer(self, _progress: Callable[[Progress], None], _stop: Callable[[], bool]) -> PointSeen:
        """Score the point and take its gradient."""
        model = store.model(self.model)
        baseline = as_baseline(self.method.baseline).make(self.image, self.seed)
        point = StraightPath(baseline, self.image).points([self.alpha])
        scores, gradients = model.gradients(point, self.target, self.method.of)
        return PointSeen(point[0], model.scores(point)[0], float(scores[0]), gradients[0])

    def size(self, answer: PointSeen) -> int:
        """See `store.Question`."""
        return answer.image.nbytes + answer.scores.nbytes + answer.gradient.nbytes


@dataclass(frozen=True, eq=False)
class Errors:
    """The local errors of a finished explanation."""

    of: Explain
    attribution: Attribution
    lane: store.Lane = "short"

    @property
    def key(self) -> str:
        """See `store.Question`."""
        return _key("local errors", self.of.key, self.attribution.settings["integrator"])

    def answer(self, _progress: Callable[[Progress], None], _stop: Callable[[], bool]) -> LocalErrors:
        """Measure them; costs forward passes at most."""
        return igcore.measure_local_errors(store.model(self.of.model), self.attribution)

    def size(self, answer: LocalErrors) -> int:
        """See `store.Question`."""
        return answer.edges.nbytes + answer.scores.nbytes + answer.errors.nbytes


@dataclass(frozen=True, eq=False)
class StudyPath:
    """What every integrator costs on one path."""

    of: Explain
    largest: int
    lane: store.Lane = "study"

    @property
    def key(self) -> str:
        """Name it by the path and the score; the integrator that is chosen does not count."""
        asked, settings = self.of, self.of.method.describe()
        path = (asked.model, digest(asked.image), settings["baseline"], settings["of"], asked.target, asked.seed)
        return _key("study", *path, self.largest)

    def answer(self, on_progress: Callable[[Progress], None], should_stop: Callable[[], bool]) -> Study:
        """Measure them all; progress carries the study so far."""
        asked = self.of
        path = StraightPath(as_baseline(asked.method.baseline).make(asked.image, asked.seed), asked.image)
        model = store.model(asked.model)
        return igcore.study_integrators(
            model, path, asked.target, asked.method.of, self.largest, asked.seed, on_progress, should_stop
        )

    def size(self, _answer: Study) -> int:
        """See `store.Question`."""
        return 10_000
