"""The functions of the lessons, each behind the protocol of a model, and how the lessons explain them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

import igcore
from igcore.models.function import FunctionModel
from igcore.results import Attribution

__all__ = [
    "AVERAGE",
    "BUMPS",
    "CLIPPED",
    "LEVEL",
    "PRODUCT",
    "SATURATED",
    "STEEP",
    "clipped_sum",
    "error_of",
    "integrate",
    "slope",
]

#: Where min(x, LEVEL) saturates.
LEVEL = 0.8

#: Where the steep function rises, and how steeply.
CENTER, STEEPNESS = 0.15, 14.0

#: Waves of the slopes that add up to a constant.
WAVES = 6

CLIPPED = FunctionModel(f"min(x, {LEVEL})", lambda x: np.minimum(x[:, 0], LEVEL), lambda x: (x < LEVEL) * 1.0)

#: Of Sundararajan, Taly, Yan 2017, section 2.1.
SATURATED = FunctionModel(
    "1 − ReLU(1 − x)", lambda x: 1 - np.maximum(1 - x[:, 0], 0), lambda x: (x < 1) * 1.0, low=0.0, high=2.0
)

PRODUCT = FunctionModel("x₁ · x₂", lambda x: x[:, 0] * x[:, 1], lambda x: x[:, ::-1], size=2)

AVERAGE = FunctionModel("(x₁ + x₂) / 2", lambda x: x.mean(axis=1), lambda x: np.full_like(x, 0.5), size=2)


def _rise(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-STEEPNESS * (x - CENTER)))


STEEP = FunctionModel(
    f"σ({STEEPNESS:g} (x − {CENTER}))", lambda x: _rise(x[:, 0]), lambda x: STEEPNESS * _rise(x) * (1 - _rise(x))
)


def _bump_slopes(x: np.ndarray) -> np.ndarray:
    return 1 + np.array([1, -1]) * np.cos(2 * np.pi * WAVES * x)


#: Two inputs whose slopes wave against each other, so that along the diagonal their sum never moves.
BUMPS = FunctionModel(
    "x₁ + x₂ + waves",
    lambda x: (x + np.array([1, -1]) * np.sin(2 * np.pi * WAVES * x) / (2 * np.pi * WAVES)).sum(axis=1),
    _bump_slopes,
    size=2,
)


def clipped_sum(w1: float, w2: float) -> FunctionModel:
    """Return 1 − ReLU(1 − w₁x₁ − w₂x₂)."""
    weights = np.array([w1, w2])
    return FunctionModel(
        "1 − ReLU(1 − w₁x₁ − w₂x₂)",
        lambda x: 1 - np.maximum(1 - x @ weights, 0),
        lambda x: (x @ weights < 1)[:, None] * weights,
        size=2,
        low=0.0,
        high=2.0,
    )


def integrate(
    model: FunctionModel,
    numbers: tuple[float, ...],
    baseline: tuple[float, ...],
    integrator: str = "midpoint",
    steps: int = 2000,
) -> Attribution:
    """Explain a function's value at some numbers by Integrated Gradients."""
    method = igcore.IntegratedGradients(model.image(*baseline), integrator, steps, "logit")
    return igcore.explain(model, model.image(*numbers), method, 0)


def slope(model: FunctionModel, *numbers: float) -> np.ndarray:
    """Return a function's gradient at some numbers, per unit of each: (n,)."""
    found = igcore.explain(model, model.image(*numbers), igcore.Gradient("logit"), 0)
    return model.shares(found) / (model.high - model.low)


@lru_cache(maxsize=500)
def error_of(integrator: str, steps: int) -> float:
    """Return how far an integrator's sum is off on the steep function from 0 to 1, in shares of the whole rise."""
    return integrate(STEEP, (1.0,), (0.0,), integrator, steps).relative_completeness_error or 0.0
