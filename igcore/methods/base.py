"""What a method is: frozen settings, what it needs of a model and what it costs, and one function."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import Baseline, as_baseline, describe_baseline
from igcore.errors import Cancelled, InputError, ModelError
from igcore.in_flight import in_order
from igcore.models.base import SCORED, Model, Of, check_of
from igcore.registry import check_parameters
from igcore.results import Attribution, Progress
from igcore.speed import Cost

__all__ = ["Method", "MethodSpec", "Settings", "Sums", "Task", "as_baselines", "over_channels"]

OnProgress = Callable[[Progress], None]
ShouldStop = Callable[[], bool]
Array = NDArray[np.float32]
Result = TypeVar("Result")

#: Whether a method's values sum to F(x) − F(x′): in the limit of its integral, so that the sum is a check; or by
#: construction, so that the sum is no check. Or to F(x) less what layers absorbed of the relevance; or to nothing.
Sums = Literal["integral", "construction", "relevance", "none"]


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be explained, checked and complete.

    Attributes
    ----------
    model : Model
    image : (H, W, 3) float32 in [0, 1], of the model's input size
    target : int
    seed : int
    on_progress, should_stop : callable or None
    started : float
        When the work began, on the clock `time.perf_counter`.
    """

    model: Model
    image: Array
    target: int
    seed: int = 0
    on_progress: OnProgress | None = None
    should_stop: ShouldStop | None = None
    started: float = field(default_factory=time.perf_counter)

    def check(self) -> None:
        """Raise `Cancelled` where somebody asked to stop; called before each chunk."""
        if self.should_stop is not None and self.should_stop():
            raise Cancelled("stopped before it was finished")

    def tell(self, done: int, total: int, partial: Any = None) -> None:
        """Report progress."""
        if self.on_progress is not None:
            self.on_progress(Progress(done, total, partial))

    def score(self, images: Array, of: Of) -> NDArray[np.float64]:
        """Return the target's score of a few images: (B, H, W, 3) → (B,)."""
        return self.model.scores(images, of)[:, self.target].astype(np.float64)

    def scores_of(self, count: int, make: Callable[[range], Array], of: Of) -> NDArray[np.float64]:
        """Score many variants of the image, a chunk at a time, with progress and a way to stop.

        Parameters
        ----------
        count : int
        make : callable
            Returns the variants of a range of numbers: (len(range), H, W, 3) float32.
        of : {"probability", "logit"}

        Returns
        -------
        (count,) float64
        """
        scores = np.empty(count)
        for chunk, found in self._by_chunks(count, SCORED, make, lambda images: self.score(images, of)):
            scores[chunk.start : chunk.stop] = found
            self.tell(chunk.stop, count)
        return scores

    def gradients_of(
        self, count: int, make: Callable[[range], Array], of: Of
    ) -> Iterator[tuple[range, NDArray[np.float64], Array]]:
        """Take the gradients at many images, a chunk at a time, with progress and a way to stop.

        Parameters
        ----------
        count, make, of
            As in `scores_of`.

        Yields
        ------
        chunk : range
        scores : (n,) float64
        gradients : (n, H, W, 3) float32

        Raises
        ------
        ModelError
            Where a gradient is not finite.
        """

        def take(images: Array) -> tuple[Array, Array]:
            return self.model.gradients(images, self.target, of)

        for chunk, (scores, gradients) in self._by_chunks(count, self.model.chunk, make, take):
            if not np.isfinite(gradients).all():
                raise ModelError("the model's gradient is not finite here; choose another baseline or of=probability")
            yield chunk, scores.astype(np.float64), gradients
            self.tell(chunk.stop, count)

    def _by_chunks(
        self, count: int, size: int, make: Callable[[range], Array], run: Callable[[Array], Result]
    ) -> Iterator[tuple[range, Result]]:
        """Run the model on each chunk, some chunks ahead of the reader; asked before each whether to go on."""
        chunks = [range(start, min(start + size, count)) for start in range(0, count, size)]
        results = in_order(run, map(make, chunks))
        for chunk in chunks:
            self.check()
            yield chunk, next(results)

    def result(self, method: Method, values: NDArray[np.floating], score: float, **facts: Any) -> Attribution:
        """Put a method's map into the form of all results.

        Parameters
        ----------
        method : Method
        values : (H, W, 3) float
        score : float
            F(x).
        **facts
            Further fields of `Attribution`.
        """
        given = {"baseline": None, "baseline_score": None, "gradient_count": 0, **facts}
        return Attribution(
            values=values.astype(np.float32),
            image=self.image,
            target=self.target,
            label=self.model.spec.label(self.target),
            model=self.model.spec.key,
            method=method.key,
            settings={**method.describe(), "seed": self.seed},
            score=float(score),
            additive=method.sums in ("integral", "construction"),
            by_construction=method.sums == "construction",
            seconds=time.perf_counter() - self.started,
            **given,
        )


class Method(Protocol):
    """A method's settings."""

    key: ClassVar[str]
    sums: ClassVar[Sums]

    def describe(self) -> dict[str, Any]:
        """Return the settings that count as plain values that JSON can hold."""
        ...

    def cost(self, size: tuple[int, int]) -> Cost:
        """Return what an explanation of an image of this (height, width) takes."""
        ...

    def attribute(self, task: Task) -> Attribution:
        """Compute the attribution."""
        ...


@dataclass(frozen=True)
class MethodSpec:
    """A registry entry.

    Attributes
    ----------
    key, label : str
    description : str
        Two sentences that a student understands: what it does, and what to beware of.
    formula : str
        In LaTeX, its lines separated by two backslashes.
    settings : class
        Of the method's settings; calling it without arguments gives the defaults.
    needs : {"scores", "gradients", "layers"}
        The capability of a model that the method uses.
    reference : str
        The paper, and where in it.
    """

    key: str
    label: str
    description: str
    formula: str
    settings: type[Any]
    needs: str
    reference: str

    @property
    def sums(self) -> Sums:
        """Whether the values sum to F(x) − F(x′); see `Sums`."""
        sums: Sums = self.settings.sums
        return sums


class Settings:
    """What the settings of methods share: they check themselves by the fields that they have, and describe them.

    A frozen dataclass derives from it; `baseline` and `baselines` may be given in any form that `as_baseline` takes.
    """

    key: ClassVar[str]
    sums: ClassVar[Sums]

    #: The score that a method explains which leaves no choice of it.
    only_of: ClassVar[Of | None] = None

    def __post_init__(self) -> None:
        check_parameters(self)
        given = vars(self)
        if "of" in given:
            check_of(given["of"])
        if "baseline" in given:
            object.__setattr__(self, "baseline", as_baseline(given["baseline"]))
        if "baselines" in given:
            object.__setattr__(self, "baselines", as_baselines(given["baselines"]))

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain values that JSON can hold."""
        told = dict(vars(self))
        if "baseline" in told:
            told["baseline"] = describe_baseline(told["baseline"])
        if "baselines" in told:
            told["baselines"] = [describe_baseline(one) for one in told["baselines"]]
        return told if self.only_of is None else {**told, "of": self.only_of}


def as_baselines(choices: Sequence[str | Baseline | Array]) -> tuple[Baseline, ...]:
    """Turn a set of baselines, each given as `as_baseline` takes it, into settings.

    Raises
    ------
    InputError
        Where the set is empty or one of them is no baseline.
    """
    if isinstance(choices, (str, np.ndarray)) or not len(choices):
        raise InputError("baselines is not a set; expected one or more, for instance ('black', 'white')")
    return tuple(map(as_baseline, choices))


def over_channels(heat: NDArray[np.floating]) -> NDArray[np.floating]:
    """Spread one number a pixel evenly over its channels: (H, W) → (H, W, 3), which sums to the same."""
    return np.repeat(heat[..., None] / 3, 3, axis=-1)
