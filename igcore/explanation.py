"""The facade: (model, image, method) → attribution."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError
from igcore.images import check_image
from igcore.methods import METHODS, IntegratedGradients, Method, Task
from igcore.methods.base import OnProgress, ShouldStop
from igcore.models.base import Model
from igcore.results import Attribution

__all__ = ["as_task", "explain", "explain_by_rules"]


def explain(
    model: Model,
    image: NDArray[np.float32],
    method: str | Method = "ig",
    target: int | str | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> Attribution:
    """Explain one class's score for one image.

    Parameters
    ----------
    model : Model
    image : (H, W, 3) float32 in [0, 1]
        Of the model's input size, as `load_image` gives it.
    method : str or settings
        A key of `METHODS`, or settings such as ``IntegratedGradients(baseline="blur", steps=100)``.
    target : int or str, optional
        A class index or name; the top class without.
    seed : int
        Of everything random; the same seed gives the same bytes.
    on_progress : callable, optional
        Told a `Progress` after each chunk.
    should_stop : callable, optional
        Asked before each chunk; where it says True, `Cancelled` is raised.

    Returns
    -------
    Attribution

    Raises
    ------
    InputError
        Where an argument cannot be used.
    Cancelled
        Where `should_stop` said so.
    """
    settings = METHODS[method].settings() if isinstance(method, str) else method
    if isinstance(settings, type) or not hasattr(settings, "attribute"):
        raise InputError(f"method is {settings!r}; expected one of {', '.join(METHODS)}, or a method's settings")
    return settings.attribute(as_task(model, image, target, seed, on_progress, should_stop, settings.key))


def explain_by_rules(
    model: Model,
    image: NDArray[np.float32],
    method: IntegratedGradients,
    rules: Sequence[str],
    target: int | str | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> dict[str, Attribution]:
    """Explain by several integrators that share their nodes, for the gradients of one.

    Parameters
    ----------
    method : IntegratedGradients
        Its own integrator does not count.
    rules : sequence of str
        Keys of `INTEGRATORS`; progress is told of the first.
    model, image, target, seed, on_progress, should_stop
        As in `explain`.

    Returns
    -------
    dict of str to Attribution
    """
    task = as_task(model, image, target, seed, on_progress, should_stop, method.key)
    return method.attribute_by_rules(task, rules)


def as_task(
    model: Model,
    image: NDArray[np.float32],
    target: int | str | None = None,
    seed: int = 0,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
    method: str | None = None,
) -> Task:
    """Check what `explain` is given.

    Parameters
    ----------
    model, image, target, seed, on_progress, should_stop
        As in `explain`.
    method : str, optional
        A key of `METHODS`, which the model must be able to run; without, scores are enough.

    Returns
    -------
    Task

    Raises
    ------
    InputError
        Where an argument cannot be used.
    """
    if method is not None and not model.spec.can(needs := METHODS[method].needs):
        raise InputError(f"method {method} needs {needs}, which model {model.spec.key} does not open")
    if not isinstance(seed, numbers.Integral) or seed < 0:
        raise InputError(f"seed is {seed}; expected a whole number of 0 or more")
    check_image(image, "image")
    expected = (*model.spec.input_size, 3)
    if image.shape != expected:
        raise InputError(
            f"image shape {image.shape} does not match model {model.spec.key}, which takes {expected}; "
            "load it with size=model.spec.input_size"
        )
    image = np.asarray(image, np.float32)
    index = int(model.scores(image[None])[0].argmax()) if target is None else model.spec.find(target)
    return Task(model, image, index, int(seed), on_progress, should_stop)
