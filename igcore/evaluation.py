"""Test several explanations of one image, with controls that know nothing of the model beside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import as_baseline
from igcore.errors import InputError
from igcore.explanation import as_task
from igcore.methods.base import Method, OnProgress, ShouldStop, Task
from igcore.metrics import METRICS, Case, Measured, Metric, Order, ordered
from igcore.metrics.base import Again, made_fill
from igcore.metrics.controls import RANDOM_SEEDS, EdgeControl, RandomControl, controls
from igcore.metrics.rows import Evaluation, Row
from igcore.models.base import Model, Of
from igcore.results import Attribution, Progress
from igcore.speed import PASS, Cost, Speed

__all__ = ["Candidate", "added", "effort_of", "evaluate", "evaluation_costs", "evaluation_seconds"]

Array = NDArray[np.float32]

#: A gradient over a forward pass, for a progress bar.
GRADIENT = 2.0


@dataclass(frozen=True, eq=False)
class Candidate:
    """An explanation that is to be tested: a method with its settings, and its name in tables."""

    name: str
    method: Method


def evaluation_costs(
    candidates: Sequence[Candidate], metrics: Mapping[str, Metric], size: tuple[int, int], controlled: bool = True
) -> dict[str, Cost]:
    """Return what each part of an evaluation takes: the explanations under "", and each metric under its key."""
    once = [candidate.method.cost(size) for candidate in candidates]
    found = {"": added(once)}
    for key, metric in metrics.items():
        blind = [metric.each(size, Cost())] * (RANDOM_SEEDS + 1) if controlled and METRICS[key].controlled else []
        found[key] = added([metric.once(size), *(metric.each(size, cost) for cost in once), *blind])
    return found


def evaluation_seconds(
    candidates: Sequence[Candidate],
    metrics: Mapping[str, Metric],
    size: tuple[int, int],
    speed: Speed,
    controlled: bool = True,
) -> float:
    """Return how long an evaluation should take."""
    blind = RANDOM_SEEDS + 1 if controlled else 0
    once = [candidate.method.cost(size) for candidate in candidates]
    seconds = sum(map(speed.seconds, once))
    for key, metric in metrics.items():
        seconds += speed.seconds(metric.once(size)) + sum(speed.seconds(metric.each(size, cost)) for cost in once)
        if METRICS[key].controlled:
            seconds += blind * speed.seconds(metric.each(size, Cost()))
    return seconds


def added(costs: Sequence[Cost]) -> Cost:
    """Return what several pieces of work take together."""
    counts = {name: sum(getattr(cost, name) for cost in costs) for name in ("forwards", "gradients", "passes")}
    return Cost(**counts, seconds=sum(cost.seconds for cost in costs), about=any(cost.about for cost in costs))


def evaluate(
    model: Model,
    image: Array,
    candidates: Sequence[Candidate | Method],
    metrics: Sequence[str | Metric] = ("deletion", "insertion"),
    target: int | str | None = None,
    of: Of = "probability",
    order: Order = "signed",
    seed: int = 0,
    controlled: bool = True,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> Evaluation:
    """Explain one class of one image in several ways, and test each explanation.

    Parameters
    ----------
    model : Model
    image : (H, W, 3) float32 in [0, 1]
    candidates : sequence of Candidate or of methods' settings
    metrics : sequence of str or of metrics' settings
        Keys of `METRICS`, or settings such as ``Deletion(patch=1, fill="black")``; each metric once.
    target : int or str, optional
        A class index or name; the top class without.
    of : {"probability", "logit"}
        The score whose falls infidelity and sensitivity-n compare with the maps. Deletion and insertion draw the
        probability.
    order : {"signed", "absolute"}
        How maps are read: evidence for the class first and against it last, or the largest sizes first.
    seed : int
    controlled : bool
        Whether to test the controls as well, without which there are no advantages.
    on_progress, should_stop : callable, optional
        As in `igcore.explain`; progress carries the evaluation so far.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        Where an argument cannot be used.
    Cancelled
        Where `should_stop` said so.
    """
    named = [one if isinstance(one, Candidate) else Candidate(one.key, one) for one in candidates]
    settings = _settings(metrics)
    ordered(image, order)
    task = as_task(model, image, target, seed, on_progress, should_stop)
    return _Run(task, named, settings, of, order, controlled).whole()


def _settings(metrics: Sequence[str | Metric]) -> dict[str, Metric]:
    made: list[Metric] = [METRICS[one].settings() if isinstance(one, str) else one for one in metrics]
    found = {one.key: one for one in made}
    if not found or len(found) < len(made):
        given, known = (", ".join(keys) for keys in ((one.key for one in made), METRICS))
        raise InputError(f"metrics are {given or 'none'}; expected one or more of {known}, each once")
    return found


class _Run:
    """An evaluation under way."""

    def __init__(
        self,
        task: Task,
        candidates: Sequence[Candidate],
        metrics: dict[str, Metric],
        of: Of,
        order: Order,
        controlled: bool,
    ) -> None:
        self.task, self.candidates, self.metrics, self.of, self.order = task, candidates, metrics, of, order
        self.controls = controls(task.seed) if controlled else ()
        size = task.model.spec.input_size
        self.total = effort_of(evaluation_costs(candidates, metrics, size, controlled).values())
        self.done = 0.0
        self.rows: list[Row] = []
        self.random: list[Row] = []
        self.edges: Row | None = None

    def whole(self) -> Evaluation:
        """Run it: what all maps share, then the controls, then one candidate after the other."""
        size, task = self.task.model.spec.input_size, self.task
        prepared = {}
        for key, metric in self.metrics.items():
            prepared[key] = self.step(metric.once(size), partial(self.prepare, metric))
        for control in self.controls:
            values = control.values(task.image)
            blind = {key: metric for key, metric in self.metrics.items() if METRICS[key].controlled}
            row = Row(control.key, values, self.measured(blind, prepared, values, Cost(), control.values))
            if isinstance(control, RandomControl):
                self.random.append(row)
            elif isinstance(control, EdgeControl):
                self.edges = row
        self.tell()
        for candidate in self.candidates:
            self.rows.append(self.row(candidate, prepared))
            self.tell()
        return self.so_far()

    def row(self, candidate: Candidate, prepared: dict[str, Any]) -> Row:
        """Explain by one candidate, and test its map."""
        method, cost = candidate.method, candidate.method.cost(self.task.model.spec.input_size)
        result: Attribution = self.step(cost, lambda own: method.attribute(_able(own, method)))

        def again(image: Array) -> Array:
            task = self.task
            own = as_task(task.model, image, task.target, task.seed, None, task.should_stop, method.key)
            return method.attribute(own).values

        measured = self.measured(self.metrics, prepared, result.values, cost, again)
        return Row(candidate.name, result.values, measured, result, self.favored(method))

    def measured(
        self,
        metrics: dict[str, Metric],
        prepared: dict[str, Any],
        values: Array,
        cost: Cost,
        again: Again,
    ) -> dict[str, Measured]:
        """Test one map by some metrics."""
        size = self.task.model.spec.input_size
        found = {}
        for key, metric in metrics.items():
            work = partial(self.measure, metric, prepared[key], values, again)
            found[key] = self.step(metric.each(size, cost), work)
        return found

    def favored(self, method: Method) -> frozenset[str]:
        """Return the metrics whose filling is a baseline of the method."""
        own: list[Any] = [*getattr(method, "baselines", ())]
        if hasattr(method, "baseline"):
            own.append(method.baseline)
        image, seed = self.task.image, self.task.seed
        pictures = [as_baseline(choice).make(image, seed) for choice in own]
        fills = {key: metric.fills for key, metric in self.metrics.items() if metric.fills is not None}
        return frozenset(
            key
            for key, fill in fills.items()
            if any(np.array_equal(made_fill(fill, image, seed), picture) for picture in pictures)
        )

    def prepare(self, metric: Metric, task: Task) -> Any:
        """Do what a metric does once for all maps."""
        return metric.prepare(Case(task, self.of, self.order))

    def measure(self, metric: Metric, prepared: Any, values: Array, again: Again, task: Task) -> Measured:
        """Test one map by one metric."""
        return metric.measure(Case(task, self.of, self.order), prepared, values, again)

    def step(self, cost: Cost, work: Callable[[Task], Any]) -> Any:
        """Do a part of the work, its own progress being a part of the whole."""
        self.task.check()
        weight, before = _weight(cost), self.done

        def told(progress: Progress) -> None:
            self.done = before + weight * min(1.0, progress.done / max(progress.total, 1))
            self.tell()

        found = work(replace(self.task, on_progress=told))
        self.done = before + weight
        return found

    def tell(self) -> None:
        """Report progress, in forward passes."""
        self.task.tell(round(self.done), max(round(self.total), 1), self.so_far())

    def so_far(self) -> Evaluation:
        """Return what is known."""
        task = self.task
        return Evaluation(
            model=task.model.spec.key,
            label=task.model.spec.label(task.target),
            target=task.target,
            image=task.image,
            metrics=self.metrics,
            order=self.order,
            rows=tuple(self.rows),
            random=tuple(self.random),
            edges=self.edges,
            seed=task.seed,
            seconds=time.perf_counter() - task.started,
        )


def _able(task: Task, method: Method) -> Task:
    """Return a task for a method that its model can run, with a clock of its own."""
    return as_task(task.model, task.image, task.target, task.seed, task.on_progress, task.should_stop, method.key)


def effort_of(costs: Iterable[Cost]) -> float:
    """Return about how many forward passes some work takes."""
    return sum(map(_weight, costs))


def _weight(cost: Cost) -> float:
    """Return about how many forward passes something takes."""
    return cost.forwards + GRADIENT * (cost.gradients + PASS * cost.passes) + cost.seconds / 0.003
