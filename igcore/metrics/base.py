"""What a metric is: settings, what it costs, and a number with its sampling error for each map that it looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import BASELINES
from igcore.errors import InputError
from igcore.methods.base import Task
from igcore.models.base import Of
from igcore.registry import check_parameters, parameter
from igcore.speed import Cost

__all__ = [
    "FILLS",
    "ORDERS",
    "Case",
    "Measured",
    "Metric",
    "MetricSettings",
    "MetricSpec",
    "Order",
    "fill_parameter",
    "jackknife",
    "made_fill",
    "ordered",
]

Array = NDArray[np.float32]
Numbers = NDArray[np.float64]

#: What a removed part shows, and the baseline that it is; seeded where it is random.
FILLS = {"black": "black", "blur": "blur", "mean": "mean", "noise": "uniform-noise"}

#: How one number a pixel is made of a map: evidence for the class before evidence against it, or by size alone.
Order = Literal["signed", "absolute"]
ORDERS: tuple[Order, ...] = ("signed", "absolute")


def fill_parameter() -> Any:
    """Declare what a removed part shows."""
    return parameter(
        "blur", label="Removed parts show", choices=tuple(FILLS),
        help="What stands where a part of the photo is taken away. No filling is neutral: try another one.",
    )  # fmt: skip


def made_fill(fill: str, image: Array, seed: int) -> Array:
    """Return the picture that shows through where the image is removed: (H, W, 3) float32 in [0, 1]."""
    return BASELINES[FILLS[fill]].settings().make(image, seed)


def ordered(values: NDArray[np.floating], order: Order) -> Numbers:
    """Return one number a pixel: (H, W, 3) → (H, W) float64; Σ over the channels, or Σ of sizes.

    Raises
    ------
    InputError
        Where the order is not known.
    """
    if order not in ORDERS:
        raise InputError(f"order is {order!r}; expected one of {', '.join(ORDERS)}")
    return (np.abs(values) if order == "absolute" else values).sum(axis=-1, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Case:
    """What maps are tested on.

    Attributes
    ----------
    task : Task
        Model, image, target and seed; how to tell progress and to stop.
    of : {"probability", "logit"}
        The score that the maps explain.
    order : {"signed", "absolute"}
    """

    task: Task
    of: Of = "probability"
    order: Order = "signed"


@dataclass(frozen=True, eq=False)
class Measured:
    """What a metric says of a map.

    Attributes
    ----------
    value : float
        NaN where the map gives no answer, for instance since it is the same everywhere.
    error : float or None
        Standard error of the value where it comes from a sample; None where nothing in it is random.
    x, curve : (n,) float64 or None
        What the value sums up, where that is a curve.
    """

    value: float
    error: float | None = None
    x: Numbers | None = field(default=None, repr=False)
    curve: Numbers | None = field(default=None, repr=False)


#: Explains another image by the same method: (H, W, 3) → (H, W, 3).
Again = Callable[[Array], NDArray[np.floating]]


class Metric(Protocol):
    """A metric's settings."""

    key: ClassVar[str]

    @property
    def fills(self) -> str | None:
        """The key of `FILLS` by which parts are removed; None where none are."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain values that JSON can hold."""
        ...

    def once(self, size: tuple[int, int]) -> Cost:
        """Return what `prepare` takes, once for all maps."""
        ...

    def each(self, size: tuple[int, int], explanation: Cost) -> Cost:
        """Return what `measure` takes for a map, given what one explanation does."""
        ...

    def prepare(self, case: Case) -> Any:
        """Run the model on what does not depend on the map."""
        ...

    def measure(self, case: Case, prepared: Any, values: NDArray[np.floating], again: Again) -> Measured:
        """Test a map: (H, W, 3)."""
        ...


class MetricSettings:
    """What the settings of metrics share; a frozen dataclass derives from it."""

    key: ClassVar[str]

    def __post_init__(self) -> None:
        check_parameters(self)
        fill = self.fills
        if fill is not None and fill not in FILLS:
            raise InputError(f"{self.key}: fill is {fill!r}; expected one of {', '.join(FILLS)}")

    @property
    def fills(self) -> str | None:
        """The key of `FILLS` by which parts are removed."""
        fill: str | None = getattr(self, "fill", None)
        return fill

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain values that JSON can hold."""
        return dict(vars(self))

    def once(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what `prepare` takes: nothing."""
        return Cost()

    def each(self, size: tuple[int, int], explanation: Cost) -> Cost:  # noqa: ARG002
        """Return what `measure` takes for a map: nothing."""
        return Cost()

    def prepare(self, case: Case) -> Any:
        """Run the model on nothing."""


@dataclass(frozen=True)
class MetricSpec:
    """A registry entry.

    Attributes
    ----------
    key, label : str
    description : str
        What it measures, and what to beware of.
    formula : str
        In LaTeX.
    higher : bool
        Whether a higher value is better.
    settings : class
    reference : str
    controlled : bool
        Whether a map that knows nothing of the model is worth comparing with.
    """

    key: str
    label: str
    description: str
    formula: str
    higher: bool
    settings: type[Any]
    reference: str
    controlled: bool = True


def jackknife(statistic: Callable[[NDArray[np.intp]], float], count: int) -> float:
    """Return the standard error of a statistic of a sample.

    Parameters
    ----------
    statistic : callable
        Told the places of the samples that count.
    count : int

    References
    ----------
    Efron, Stein, The Jackknife Estimate of Variance, 1981.
    """
    every = np.arange(count)
    found = np.array([statistic(np.delete(every, place)) for place in every])
    return float(np.sqrt((count - 1) / count * ((found - found.mean()) ** 2).sum()))
