"""Cascading randomization: does a map notice when the network forgets what it has learned?

References
----------
Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim, Sanity Checks for Saliency Maps, 2018, section 4.1 and figure 4: rank
correlation of absolute and of signed values, and structural similarity, with the map of the trained network.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from igcore.agreement import spearman, structural_similarity
from igcore.errors import InputError, ModelError
from igcore.explanation import as_task, explain
from igcore.heatmaps import Sign, heat_map
from igcore.methods import METHODS, IntegratedGradients, Method
from igcore.methods.base import OnProgress, ShouldStop, Task
from igcore.models.base import Model
from igcore.randomized_maps import Randomization, ShuffledStage
from igcore.results import Attribution, Progress
from igcore.speed import PASS, Cost, Speed

if TYPE_CHECKING:
    from igcore.models.cascade import By, Stage

__all__ = [
    "STEPS",
    "first_settings",
    "gradient_equivalents",
    "randomization_seconds",
    "randomize",
]

#: Steps of Integrated Gradients, where only its key is given: each map takes part in a comparison only.
STEPS = 20

#: A gradient of the copy, whose weights can be exchanged, over one of the model; seconds in which the copy is made, and
#: in which two maps are compared. Measured on the embedded network.
SLOWER, COPIED_SECONDS, COMPARED_SECONDS = 1.15, 2.0, 0.07

Array = NDArray[np.float32]


def first_settings(key: str) -> Method:
    """Return the settings that a method's key stands for here: its first ones, of the logit as in the paper.

    A network with shuffled weights gives the target next to no probability, whose gradient vanishes with it.
    """
    if key == IntegratedGradients.key:
        return IntegratedGradients(steps=STEPS, of="logit")
    settings = METHODS[key].settings
    method: Method = settings(of="logit") if "of" in {one.name for one in fields(settings)} else settings()
    return method


def gradient_equivalents(methods: Sequence[str | Method], size: tuple[int, int]) -> int:
    """Return what one stage takes in gradients, where two forward passes count as one."""
    return sum(_gradients(method.cost(size)) for method in _chosen(methods))


def randomization_seconds(methods: Sequence[str | Method], stages: int, size: tuple[int, int], speed: Speed) -> float:
    """Estimate how long `randomize` takes.

    Parameters
    ----------
    methods : sequence of str or settings
    stages : int
        Of the cascade, without the trained network.
    size : (height, width)
    speed : Speed
        Of the model here.
    """
    costs = [method.cost(size) for method in _chosen(methods)]
    seconds = sum(SLOWER * speed.seconds(cost) + COMPARED_SECONDS for cost in costs)
    return (stages + 1) * seconds + COPIED_SECONDS


def randomize(
    model: Model,
    image: Array,
    methods: Sequence[str | Method],
    target: int | str | None = None,
    seed: int = 0,
    sign: Sign = "absolute",
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
    by: By = "block",
) -> Randomization:
    """Shuffle a network's weights from its output down, on a copy, and compare each method's maps with its first.

    Parameters
    ----------
    model : Model
        As `igcore.models.cascade.cascade_of` takes it; it stays as it is.
    image : (H, W, 3) float32 in [0, 1]
    methods : sequence of str or settings
        Different methods; a key stands for `first_settings`.
    target : int or str, optional
        The trained network's top class without; it stays the same throughout.
    seed : int
        Of the shuffling and the methods.
    sign : {"absolute", "positive", "negative", "signed"}
        Of the heat maps that are kept, and whose structural similarity is taken.
    on_progress : callable, optional
        Told a `Progress` in gradients; `partial` is the result as far as stages are finished.
    should_stop : callable, optional
    by : {"block", "layer"}

    Returns
    -------
    Randomization

    Raises
    ------
    InputError
        Where an argument cannot be used.
    ModelError
        Where the model has no weights that can be shuffled.
    Cancelled
        Where `should_stop` said so.
    """
    from igcore.models.cascade import cascade_of

    chosen = _chosen(methods)
    task = [as_task(model, image, target, seed, on_progress, should_stop, method.key) for method in chosen][-1]
    heat_map(task.image[:1, :1], sign)  # refuses an unknown sign before work begins
    cascade = cascade_of(model, by, seed)
    table = _Table([method.key for method in chosen], cascade.stages, sign, task)
    costs = [_gradients(method.cost(image.shape[:2])) for method in chosen]
    done, total = 0, (len(cascade.stages) + 1) * sum(costs)

    def on_chunk(cost: int, progress: Progress) -> None:
        within = cost * progress.done // max(progress.total, progress.done, 1)
        task.tell(done + within, total, table.known)

    for network in cascade.models():
        found: list[Attribution | None] = []
        for method, cost in zip(chosen, costs, strict=True):
            task.check()
            found.append(_explained(network, method, task, partial(on_chunk, cost), table.known is None))
            done += cost
        table.add(found, float(network.scores(task.image[None])[0, task.target]))
        task.tell(done, total, table.known)
    assert table.known is not None
    return table.known


def _explained(network: Model, method: Method, task: Task, told: OnProgress, trained: bool) -> Attribution | None:
    """Explain by a network; None where a method has nothing to say of one that is not trained any more."""
    try:
        return explain(network, task.image, method, task.target, task.seed, told, task.should_stop)
    except (InputError, ModelError):
        if trained:
            raise
        return None


def _chosen(methods: Sequence[str | Method]) -> list[Method]:
    several = [] if isinstance(methods, str) else methods
    chosen = [first_settings(method) if isinstance(method, str) else method for method in several]
    keys = [method.key for method in chosen]
    if not keys or len(set(keys)) < len(keys):
        raise InputError(f"methods are {', '.join(keys) or 'none'}; expected one or more, each once")
    return chosen


def _gradients(cost: Cost) -> int:
    """Write a cost in gradients."""
    return max(1, cost.gradients + cost.forwards // 2 + round(PASS * cost.passes))


class _Table:
    """All maps so far, and how far they agree with the first."""

    def __init__(self, methods: Sequence[str], planned: Sequence[Stage], sign: Sign, task: Task) -> None:
        self.methods, self.planned, self.sign, self.task = tuple(methods), planned, sign, task
        self.first: list[_Heats] = []
        self.columns: list[list[tuple[Array, tuple[float, float, float]]]] = []
        self.stages: list[ShuffledStage] = []
        self.gradient_count = self.forward_count = 0
        self.known: Randomization | None = None

    def add(self, found: Sequence[Attribution | None], probability: float) -> None:
        """Take what all methods gave after one more stage."""
        heats = [self._heats(one) for one in found]
        self.first = self.first or heats
        self.columns.append([first.compare(now) for first, now in zip(self.first, heats, strict=True)])
        if self.stages:
            stage, before = self.planned[len(self.stages) - 1], self.stages[-1].weights
            self.stages.append(ShuffledStage(stage.name, before + stage.weights, probability))
        else:
            self.stages.append(ShuffledStage("", 0, probability))
        for one in filter(None, found):
            self.gradient_count += one.gradient_count
            self.forward_count += one.forward_count
        maps = np.array([[kept for kept, _ in column] for column in self.columns], np.float32)
        signed, absolute, similarity = np.array([[told for _, told in column] for column in self.columns]).T
        self.known = Randomization(
            self.methods,
            tuple(self.stages),
            maps.swapaxes(0, 1),
            signed,
            absolute,
            similarity,
            sign=self.sign,
            weights=sum(stage.weights for stage in self.planned),
            target=self.task.target,
            label=self.task.model.spec.label(self.task.target),
            seed=self.task.seed,
            gradient_count=self.gradient_count,
            forward_count=self.forward_count,
            seconds=time.perf_counter() - self.task.started,
        )

    def _heats(self, found: Attribution | None) -> _Heats:
        if found is None:
            return _Heats(*(np.zeros(self.task.image.shape[:2], np.float32) for _ in range(3)))
        signs: tuple[Sign, ...] = (self.sign, "signed", "absolute")
        return _Heats(*(heat_map(found.values, sign) for sign in signs))


@dataclass(frozen=True, eq=False)
class _Heats:
    """A map as it is kept, and as its ranks are compared: (H, W) each."""

    kept: Array
    signed: Array
    absolute: Array

    def compare(self, now: _Heats) -> tuple[Array, tuple[float, float, float]]:
        """Return another map, and how far it agrees with this one."""
        correlations = (spearman(self.signed, now.signed), spearman(self.absolute, now.absolute))
        return now.kept, (*correlations, structural_similarity(self.kept, now.kept))
