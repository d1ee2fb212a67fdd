"""The questions that pages ask of an image: explain it, by one method or another, and look at its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import igcore
from igcore.baselines import as_baseline
from igcore.images import digest
from igcore.integrators import FIXED
from igcore.local_errors import LocalErrors
from igcore.methods import IntegratedGradients, Method
from igcore.models import Of
from igcore.paths import StraightPath
from igcore.results import Attribution
from igcore.runtime.question import Lane, Models, OnProgress, Question, ShouldStop, name_of
from igcore.study import Study

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


def _most(method: Method, image: Array) -> int:
    """Return how many gradients a method may take, counting two forward passes as one."""
    cost = method.cost(image.shape[:2])
    own: Any = getattr(method, "max_gradients", 0) if cost.about else 0
    return max(cost.gradients, own) + cost.forwards // 2


def _effort(model: str, method: Method, image: Array) -> tuple[str, float]:
    """Return a kind of explanation with its gradients, or 1 where the method finds out on its way how many it takes."""
    if method.cost(image.shape[:2]).about:
        return f"{model}:{method.key}:adapting", 1.0
    return f"{model}:{method.key}", max(_most(method, image), 1)


@dataclass(frozen=True, eq=False)
class Explained:
    """An explanation by every integrator that the same gradients serve."""

    by_rule: dict[str, Attribution]


@dataclass(frozen=True, eq=False)
class Explain(Question[Explained]):
    """Integrated Gradients of one image."""

    model: str
    image: Array
    method: IntegratedGradients
    target: int
    seed: int = 0
    lane: ClassVar[Lane] = "long"

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

    @property
    def gradients(self) -> int:
        """See `Question`."""
        return _most(self.method, self.image)

    @property
    def effort(self) -> tuple[str, float]:
        """See `Question`."""
        return _effort(self.model, self.method, self.image)

    def answer(self, models: Models, on_progress: OnProgress, should_stop: ShouldStop) -> Explained:
        """Compute it; progress is told of the integrator that was asked for."""
        model = models(self.model)
        asked = (model, self.image, self.method)
        told = (self.target, self.seed, on_progress, should_stop)
        if self.method.integrator in FIXED:
            by_rule = igcore.explain_by_rules(*asked, self.rules, *told)
        else:
            by_rule = {self.method.integrator: igcore.explain(*asked, *told)}
        return Explained(by_rule)

    def size(self, answer: Explained) -> int:
        """Count the arrays of every rule, and those that rules share once."""
        results = answer.by_rule.values()
        arrays = [array for one in results for array in (one.values, one.image, one.baseline) if array is not None]
        return sum({id(array): array.nbytes for array in arrays}.values())


@dataclass(frozen=True, eq=False)
class ByMethod(Question[Attribution]):
    """An explanation of one image by any method."""

    model: str
    image: Array
    method: Method
    target: int
    seed: int = 0
    lane: ClassVar[Lane] = "long"

    @property
    def key(self) -> str:
        """See `Question`."""
        told = (self.method.key, self.method.describe())
        return name_of("method", self.model, digest(self.image), told, self.target, self.seed)

    @property
    def gradients(self) -> int:
        """See `Question`."""
        return _most(self.method, self.image)

    @property
    def effort(self) -> tuple[str, float]:
        """See `Question`."""
        return _effort(self.model, self.method, self.image)

    def answer(self, models: Models, on_progress: OnProgress, should_stop: ShouldStop) -> Attribution:
        """Compute it."""
        model = models(self.model)
        return igcore.explain(model, self.image, self.method, self.target, self.seed, on_progress, should_stop)

    def size(self, answer: Attribution) -> int:
        """Count values, image, baseline and standard error."""
        return 4 * answer.values.nbytes


@dataclass(frozen=True, eq=False)
class PlainGradient(Question[Attribution]):
    """The gradient at the image itself, which does not depend on baseline and integrator."""

    model: str
    image: Array
    of: Of
    target: int

    @property
    def key(self) -> str:
        """See `Question`."""
        return name_of("gradient", self.model, digest(self.image), self.of, self.target)

    def answer(self, models: Models, _progress: OnProgress, _stop: ShouldStop) -> Attribution:
        """Take it."""
        return igcore.explain(models(self.model), self.image, igcore.Gradient(self.of), self.target)

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
class Point(Question[PointSeen]):
    """What the model sees at one α of the path."""

    model: str
    image: Array
    method: IntegratedGradients
    target: int
    alpha: float
    seed: int = 0

    @property
    def key(self) -> str:
        """See `Question`."""
        baseline = self.method.describe()["baseline"]
        parts = (self.model, digest(self.image), baseline, self.method.of, self.target, self.alpha, self.seed)
        return name_of("point", *parts)

    def answer(self, models: Models, _progress: OnProgress, _stop: ShouldStop) -> PointSeen:
        """Score the point and take its gradient."""
        model = models(self.model)
        baseline = as_baseline(self.method.baseline).make(self.image, self.seed)
        point = StraightPath(baseline, self.image).points([self.alpha])
        scores, gradients = model.gradients(point, self.target, self.method.of)
        return PointSeen(point[0], model.scores(point)[0], float(scores[0]), gradients[0])

    def size(self, answer: PointSeen) -> int:
        """See `Question`."""
        return answer.image.nbytes + answer.scores.nbytes + answer.gradient.nbytes


@dataclass(frozen=True, eq=False)
class Errors(Question[LocalErrors]):
    """The local errors of a finished explanation."""

    of: Explain
    attribution: Attribution

    @property
    def key(self) -> str:
        """See `Question`."""
        return name_of("local errors", self.of.key, self.attribution.settings["integrator"])

    def answer(self, models: Models, _progress: OnProgress, _stop: ShouldStop) -> LocalErrors:
        """Measure them; costs forward passes at most."""
        return igcore.measure_local_errors(models(self.of.model), self.attribution)

    def size(self, answer: LocalErrors) -> int:
        """See `Question`."""
        return answer.edges.nbytes + answer.scores.nbytes + answer.errors.nbytes


@dataclass(frozen=True, eq=False)
class StudyPath(Question[Study]):
    """What every integrator costs on one path."""

    of: Explain
    largest: int
    lane: ClassVar[Lane] = "study"

    @property
    def key(self) -> str:
        """Name it by the path and the score; the integrator that is chosen does not count."""
        asked, settings = self.of, self.of.method.describe()
        path = (asked.model, digest(asked.image), settings["baseline"], settings["of"], asked.target, asked.seed)
        return name_of("study", *path, self.largest)

    def answer(self, models: Models, on_progress: OnProgress, should_stop: ShouldStop) -> Study:
        """Measure them all; progress carries the study so far."""
        asked = self.of
        path = StraightPath(as_baseline(asked.method.baseline).make(asked.image, asked.seed), asked.image)
        model = models(asked.model)
        return igcore.study_integrators(
            model, path, asked.target, asked.method.of, self.largest, asked.seed, on_progress, should_stop
        )

    def size(self, _answer: Study) -> int:
        """See `Question`."""
        return 10_000
