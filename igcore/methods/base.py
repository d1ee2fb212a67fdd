"""What a method is: frozen settings, what it needs of a model, and one function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from igcore.models.base import Model
from igcore.results import Attribution, Progress

__all__ = ["Method", "MethodSpec", "Task"]

OnProgress = Callable[[Progress], None]
ShouldStop = Callable[[], bool]


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
    """

    model: Model
    image: NDArray[np.float32]
    target: int
    seed: int = 0
    on_progress: OnProgress | None = None
    should_stop: ShouldStop | None = None


class Method(Protocol):
    """A method's settings."""

    key: ClassVar[str]

    def describe(self) -> dict[str, Any]:
        """Return the settings as plain values that JSON can hold."""
        ...

    def attribute(self, task: Task) -> Attribution:
        """Compute the attribution."""
        ...


@dataclass(frozen=True)
class MethodSpec:
    """A registry entry.

    Attributes
    ----------
    key, label, description, reference : str
    settings : callable
        Makes the method's settings; calling it without arguments gives the defaults.
    needs : {"scores", "gradients", "layers"}
        The capability of a model that the method uses.
    """

    key: str
    label: str
    description: str
    settings: Callable[..., Method]
    needs: str
    reference: str
