"""Closed forms: functions of small images whose Integrated Gradients are known, behind the same engine as photos.

All are explained with ``of="logit"``, so that no softmax comes between the function and the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import igcore
from igcore.models.base import ModelSpec
from igcore.models.network import TensorFlowModel
from igcore.paths import StraightPath

SIZE = (8, 8)
SHAPE = (*SIZE, 3)
BLACK = np.zeros(SHAPE, np.float32)
#: w·x lies between −0.3 and 0.7 and is about 0.25 for a random image; no weight is zero.
WEIGHTS = (np.random.default_rng(7).permutation(np.prod(SHAPE)).reshape(SHAPE) - 57.5) / 192 / 96

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ClosedForm:
    """A function (B, H, W, 3) → (B,) and its exact attribution (image, baseline) → (H, W, 3)."""

    forward: Callable[[Any], Any]
    attribution: Callable[[Array, Array], Array]


def model_of(*forms: ClosedForm, chunk: int = 8, **spec: Any) -> TensorFlowModel:
    """A network whose logits are these functions, one class each."""
    labels = tuple(f"function {index}" for index in range(len(forms)))
    facts = {"key": "closed-form", "title": "Closed form", "source": "tests", "licence": "none", **spec}
    return TensorFlowModel(
        ModelSpec(input_size=SIZE, labels=labels, **facts),
        lambda images: tf.stack([form.forward(images) for form in forms], axis=1),
        chunk=chunk,
    )


def power(degree: int) -> ClosedForm:
    """F = (w·x)ᵖ; each value's share of F(x) − F(x′) is its share of w·(x − x′)."""

    def forward(images: Any) -> Any:
        return tf.tensordot(images, tf.constant(WEIGHTS, tf.float32), 3) ** degree

    def attribution(image: Array, baseline: Array) -> Array:
        parts = WEIGHTS * (image - baseline)
        return parts / parts.sum() * ((WEIGHTS * image).sum() ** degree - (WEIGHTS * baseline).sum() ** degree)

    return ClosedForm(forward, attribution)


def monomial(a: int, b: int) -> ClosedForm:
    """F = pᵃ qᵇ of the first and the last value; from black they share F(x) as a : b."""

    def attribution(image: Array, baseline: Array) -> Array:
        assert not baseline.any()
        result = np.zeros(SHAPE)
        result.flat[[0, -1]] = image.flat[0] ** a * image.flat[-1] ** b * np.array([a, b]) / (a + b)
        return result

    return ClosedForm(lambda images: images[:, 0, 0, 0] ** a * images[:, -1, -1, -1] ** b, attribution)


def product_of_means() -> ClosedForm:
    """F = mean of the left half × mean of the right half, each half weighed by the other's mean on the path."""
    half = SIZE[1] // 2

    def attribution(image: Array, baseline: Array) -> Array:
        left, right = ((image[:, part] + baseline[:, part]).mean() / 2 for part in (np.s_[:half], np.s_[half:]))
        other = np.where(np.arange(SIZE[1]) < half, right, left)[None, :, None]
        return (image - baseline) * other / (image.size / 2)

    def forward(images: Any) -> Any:
        axes = (1, 2, 3)
        return tf.reduce_mean(images[:, :, :half], axes) * tf.reduce_mean(images[:, :, half:], axes)

    return ClosedForm(forward, attribution)


def saturating(level: float) -> ClosedForm:
    """F = min(mean / level, 1): flat, so without a gradient, above the level."""

    def attribution(image: Array, baseline: Array) -> Array:
        step = image - baseline
        return step / step.sum() * (min(image.mean() / level, 1) - min(baseline.mean() / level, 1))

    return ClosedForm(lambda images: tf.minimum(tf.reduce_mean(images, (1, 2, 3)) / level, 1), attribution)


def steep(image: Array, at: float, width: float) -> ClosedForm:
    """F = sigmoid of w·x, which on the way from black to the image rises at α = `at`, over a few times `width`.

    Some 20 widths from there F is 1 to the last bit and its gradient exactly zero, and some 100 before.
    """
    whole = (WEIGHTS * image).sum()

    def attribution(image: Array, baseline: Array) -> Array:
        parts = WEIGHTS * (image - baseline)
        before, after = (((WEIGHTS * end).sum() / whole - at) / width for end in (baseline, image))
        return parts / parts.sum() * (np.tanh(after / 2) - np.tanh(before / 2)) / 2

    def forward(images: Any) -> Any:
        return tf.sigmoid((tf.tensordot(images, tf.constant(WEIGHTS / whole, tf.float32), 3) - at) / width)

    return ClosedForm(forward, attribution)


def constant() -> ClosedForm:
    """F = 1/2 everywhere, with a gradient that is zero and not missing."""
    return ClosedForm(
        lambda images: 0.5 + 0 * tf.reduce_sum(images, (1, 2, 3)), lambda image, _: np.zeros_like(image, np.float64)
    )


def picture(seed: int) -> NDArray[np.float32]:
    """A random image."""
    return np.random.default_rng(seed).random(SHAPE, dtype=np.float32)


def exact(form: ClosedForm, image: NDArray[np.float32], baseline: NDArray[np.float32]) -> Array:
    """The form's attribution in double precision."""
    return form.attribution(image.astype(np.float64), baseline.astype(np.float64))


def ig(baseline: Any, integrator: str, steps: int) -> igcore.IntegratedGradients:
    """Settings that explain the raw function."""
    return igcore.IntegratedGradients(baseline=baseline, integrator=integrator, steps=steps, of="logit")


def weighed(model: TensorFlowModel, result: igcore.Attribution) -> Array:
    """The sum of the gradients at a result's own nodes with its own weights, taken anew and without a correction."""
    path = StraightPath(result.baseline, result.image)
    _, gradients = model.gradients(path.points(result.trace.alphas), result.target, result.settings["of"])
    return np.tensordot(result.trace.weights, gradients.astype(np.float64), 1) * path.velocity


def assert_same_map(values: Any, expected: Any, tolerance: float = 1e-5) -> None:
    """Equal up to float32 rounding, measured by the largest value."""
    scale = np.abs(expected).max()
    assert scale > 0, "a map of zeros proves nothing"
    np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance * scale)
