"""Rules by which the outputs of a linear layer hand their relevance to its inputs.

An output is zⱼ = Σᵢ xᵢwᵢⱼ + bⱼ. All that a rule needs to know of it are the sums of its positive and of its negative
contributions xᵢwᵢⱼ, and its bias.

References
----------
Bach et al. 2015; Montavon et al. 2017; Andéol et al. 2021: see `igcore.methods.lrp`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rule", "alpha_beta_rule", "epsilon_rule", "gamma_rule", "positive_rule", "within_bounds"]

Array = NDArray[np.floating]

#: What a rule makes of a layer's outputs: from the sums of their positive and negative contributions, the bias and
#: the relevance, the relevance for each unit of positive and of negative contribution.
Rule = Callable[[Array, Array, Any, Array], tuple[Array, Array]]


def epsilon_rule(epsilon: float) -> Rule:
    """Return Rᵢ = Σⱼ xᵢwᵢⱼ Rⱼ / (zⱼ + ε sgn zⱼ), sgn 0 = +1."""

    def rule(positive: Array, negative: Array, bias: Any, relevance: Array) -> tuple[Array, Array]:
        z = positive + negative + bias
        share = _over(relevance, z + np.where(z >= 0, epsilon, -epsilon))
        return share, share

    return rule


def alpha_beta_rule(alpha: float) -> Rule:
    """Return Rᵢ = Σⱼ (α (xᵢwᵢⱼ)⁺ / zⱼ⁺ − β (xᵢwᵢⱼ)⁻ / zⱼ⁻) Rⱼ with β = α − 1, the bias split by its sign.

    An output that has contributions of one sign only gives them all of its relevance, so that α − β = 1 holds for it.
    """

    def rule(positive: Array, negative: Array, bias: Any, relevance: Array) -> tuple[Array, Array]:
        above, below = positive + np.maximum(bias, 0), negative + np.minimum(bias, 0)
        for_above = np.where(below < 0, alpha, 1.0)
        for_below = np.where(above > 0, 1.0 - alpha, 1.0)
        return _over(for_above * relevance, above), _over(for_below * relevance, below)

    return rule


def gamma_rule(gamma: float) -> Rule:
    """Return the rule that counts the contributions of the output's own sign 1 + γ times."""

    def rule(positive: Array, negative: Array, bias: Any, relevance: Array) -> tuple[Array, Array]:
        z = positive + negative + bias
        up = z >= 0
        favored = np.where(up, positive + np.maximum(bias, 0), negative + np.minimum(bias, 0))
        share = _over(relevance, z + gamma * favored)
        return share * np.where(up, 1 + gamma, 1), share * np.where(up, 1, 1 + gamma)

    return rule


def positive_rule(positive: Array, negative: Array, _bias: Any, relevance: Array) -> tuple[Array, Array]:
    """Give all relevance to the positive contributions: deep Taylor's z⁺ rule, in which biases have no part."""
    return _over(relevance, positive), np.zeros_like(negative)


def _over(relevance: Array, total: Array) -> Array:
    """Divide relevance by a total, with zero where there is nothing to divide by."""
    empty = np.abs(total) < 1e-12
    return np.where(empty, 0, relevance / np.where(empty, 1, total))


def within_bounds(node: Any, relevance: Array, x: Array, *bounds: Array) -> Array:
    """Return Rᵢ = Σⱼ (xᵢwᵢⱼ − lᵢwᵢⱼ⁺ − hᵢwᵢⱼ⁻) Rⱼ / Σᵢ (the same): the zᴮ rule for inputs from l to h."""
    low, high = np.minimum(*bounds), np.maximum(*bounds)
    plus, minus = node.parts
    terms = ((x, node.weights, 1), (low, plus, -1), (high, minus, -1))
    total = np.sum([sign * np.asarray(node.apply(part, weights)) for part, weights, sign in terms], axis=0)
    share = _over(relevance, total)
    return np.sum([sign * part * node.transpose(share, weights, x) for part, weights, sign in terms], axis=0)
