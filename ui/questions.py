"""The questions that pages ask of an image: explain it, by one method or another, and look at its path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import igcore
from igcore.baselines import as_baseline
from igcore.integrators import FIXED
from igcore.local_errors import LocalErrors
from igcore.methods import IntegratedGradients, Method
from igcore.models import Of
from igcore.paths import StraightPath
from igcore.results import Attribution, Progress
from igcore.study import Study
from ui import store
from ui.model_questions import name_of
from ui.pictures import digest

__all__ = [
    "ByMethod",
    "Errors",
    "Explain",
    "Explained",
    "PlainGradient",
    "Point",
    "PointSeen",
    "StudyPath",
]

Array = NDArray[np.float32]

#: Rules that lie on the same nodes, so that one pass serves all of them.
SHARING = ("left", "right", "trapezoid", "simpson")


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
        return name_of("explain", self.model, digest(self.image), settings, self.target, self.seed)

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
        return name_of("method", self.model, digest(self.image), told, self.target, self.seed)

    def answer(self, on_progress: Callable[[Progress], None], should_stop: Callable[[], bool]) -> Attribution:
        """Compute it."""
        model = store.model(self.model)
        return igcore.explain(model, self.image, self.method, self.target, self.seed, on_progress, should_stop)

    def size(self, answer: Attribution) -> int:
        """Count values, image, baseline and standard error."""
        return 4 * answer.values.nbytes


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
        return name_of("gradient", self.model, digest(self.image), self.of, self.target)

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
        return name_of("point", *parts)

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
        return name_of("local errors", self.of.key, self.attribution.settings["integrator"])

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
        return name_of("study", *path, self.largest)

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
