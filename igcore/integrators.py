"""Integrators: the number of steps → nodes in [0, 1] and weights that sum to 1.

An integrator is data. The integral ∫₀¹ g(α) dα becomes Σ wₖ g(αₖ), and whoever evaluates g may do it
in any order and in chunks of any size without changing the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError
from igcore.registry import Registry

__all__ = ["INTEGRATORS", "MAX_STEPS", "Integrator", "shared_nodes"]

MAX_STEPS = 10_000

Nodes = NDArray[np.float64]
Weights = NDArray[np.float64]
Rule = Callable[[int, np.random.Generator], tuple[Nodes, Weights]]


@dataclass(frozen=True)
class Integrator:
    """One quadrature rule on [0, 1].

    Attributes
    ----------
    key, label, description : str
    rule : callable
        (steps, generator) → nodes and weights; does not check its arguments.
    order : float
        The error of a smooth integrand falls as steps ** -order; infinite where it falls
        faster than any power. For Monte Carlo this is the order of the root mean square error.
    degree : int or None
        Polynomials up to this degree are integrated exactly at any number of steps;
        None where the degree grows with the steps (2 · steps − 1).
    reference : str
    multiple : int
        Steps must be a multiple of this.
    seeded : bool
        Whether the nodes depend on the seed.
    coarse : callable or None
        steps → the weights, on the same nodes, of a rule with half as many of them.
    coarse_ratio : float
        Measured L1 distance between the maps of the rule and of its coarse half, over the rule's own map error.
    """

    key: str
    label: str
    description: str
    rule: Rule
    order: float
    degree: int | None
    reference: str
    multiple: int = 1
    seeded: bool = False
    coarse: Callable[[int], Weights | None] | None = None
    coarse_ratio: float = 1.0

    def coarse_weights(self, steps: int) -> Weights | None:
        """Return weights on this rule's nodes that use every second one, or None where that is no such rule.

        The distance between the two maps, over `coarse_ratio`, estimates the rule's own map error for free.
        """
        return self.coarse(steps) if self.coarse is not None else None

    def nodes_and_weights(self, steps: int, seed: int = 0) -> tuple[Nodes, Weights]:
        """Return the rule's nodes and weights.

        Parameters
        ----------
        steps : int
            From 1 to `MAX_STEPS`, a multiple of `multiple`.
        seed : int
            Used by seeded rules only.

        Returns
        -------
        nodes : (n,) float64, ascending in [0, 1]
        weights : (n,) float64, summing to 1

        Raises
        ------
        InputError
            Where the number of steps cannot be used.
        """
        self.check_steps(steps)
        return self.rule(int(steps), np.random.default_rng(seed))

    def check_steps(self, steps: int) -> None:
        """Raise `InputError` where the rule cannot take this number of steps."""
        if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)):
            raise InputError(f"steps is {steps!r}; expected a whole number from 1 to {MAX_STEPS}")
        if not 1 <= steps <= MAX_STEPS:
            raise InputError(f"steps is {steps}; expected a whole number from 1 to {MAX_STEPS}")
        if steps % self.multiple:
            either = f"{steps - 1} or {steps + 1}" if steps > 1 else "2"
            raise InputError(f"{self.key} needs an even number of steps, got {steps}; take {either}")


def shared_nodes(keys: Sequence[str], steps: int, seed: int = 0) -> tuple[Nodes, NDArray[np.float64]]:
    """Merge several rules into one set of nodes with one row of weights for each rule.

    Left, right, trapezoid and Simpson lie on the same grid, so together they cost no more
    gradients than the trapezoid alone.

    Parameters
    ----------
    keys : sequence of str
        Keys of `INTEGRATORS`.
    steps, seed : int

    Returns
    -------
    nodes : (n,) float64, ascending, each node once
    weights : (len(keys), n) float64
        Zero where a rule does not use a node.
    """
    if not keys:
        raise InputError(f"no integrator was given; choose from {', '.join(INTEGRATORS)}")
    rules = [INTEGRATORS[key].nodes_and_weights(steps, seed) for key in keys]
    nodes = np.unique(np.concatenate([nodes for nodes, _ in rules]))
    weights = np.zeros((len(rules), nodes.size))
    for row, (own_nodes, own_weights) in zip(weights, rules, strict=True):
        row[np.searchsorted(nodes, own_nodes)] = own_weights
    return nodes, weights


def _left(steps: int, _: np.random.Generator) -> tuple[Nodes, Weights]:
    return np.arange(steps) / steps, np.full(steps, 1 / steps)


def _right(steps: int, _: np.random.Generator) -> tuple[Nodes, Weights]:
    return np.arange(1, steps + 1) / steps, np.full(steps, 1 / steps)


def _midpoint(steps: int, _: np.random.Generator) -> tuple[Nodes, Weights]:
    return (np.arange(steps) + 0.5) / steps, np.full(steps, 1 / steps)


def _trapezoid(steps: int, _: np.random.Generator) -> tuple[Nodes, Weights]:
    weights = np.full(steps + 1, 1 / steps)
    weights[[0, -1]] /= 2
    return np.arange(steps + 1) / steps, weights


def _simpson(steps: int, _: np.random.Generator) -> tuple[Nodes, Weights]:
    weights = np.full(steps + 1, 2.0)
    weights[1::2] = 4
    weights[[0, -1]] = 1
    return np.arange(steps + 1) / steps, weights / (3 * steps)


def _gauss_legendre(steps: int, _: np.random.Generator) -> tuple[Nodes, Weights]:
    from scipy.special import roots_legendre

    nodes, weights = roots_legendre(steps)
    return (nodes + 1) / 2, weights / 2


def _monte_carlo(steps: int, generator: np.random.Generator) -> tuple[Nodes, Weights]:
    return (np.arange(steps) + generator.random(steps)) / steps, np.full(steps, 1 / steps)


def _halved(rule: Rule, multiple: int, offset: int) -> Callable[[int], Weights | None]:
    """Spread the weights of half the steps over every second node, beginning with `offset`."""

    def coarse(steps: int) -> Weights | None:
        if steps % multiple:
            return None
        nodes, _ = rule(steps, np.random.default_rng(0))
        weights = np.zeros(nodes.size)
        weights[offset::2] = rule(steps // 2, np.random.default_rng(0))[1]
        return weights

    return coarse


# Measured on the embedded network over 28 pairs of photo and baseline, 32 to 256 steps, against 1,025 nodes: the
# distance to the coarse map is 1.73 (trapezoid), 1.78 (midpoint), 2.24 (Simpson), 1.66 (left), 1.65 (right) times
# the true error; √3 and √5 are what panel errors that add like independent ones would give.
_ROOT3, _ROOT5 = 3**0.5, 5**0.5

_IG = "Sundararajan, Taly, Yan 2017, equation 3"
_RULES = "Davis, Rabinowitz, Methods of Numerical Integration, 1984, chapter 2"

INTEGRATORS: Registry[Integrator] = Registry(
    "integrator",
    Integrator(
        "left",
        "Left Riemann sum",
        "Rectangles at the left end of each step.",
        _left,
        1,
        0,
        _RULES,
        coarse=_halved(_left, 2, 0),
        coarse_ratio=1.66,
    ),
    Integrator(
        "right",
        "Right Riemann sum",
        "Rectangles at the right end: the paper's own formula.",
        _right,
        1,
        0,
        _IG,
        coarse=_halved(_right, 2, 1),
        coarse_ratio=1.65,
    ),
    Integrator(
        "midpoint",
        "Midpoint",
        "Rectangles at the middle of each step.",
        _midpoint,
        2,
        1,
        _RULES,
        coarse=_halved(_midpoint, 2, 0),
        coarse_ratio=_ROOT3,
    ),
    Integrator(
        "trapezoid",
        "Trapezoid",
        "Straight lines between neighbouring nodes; both ends count half. The tutorial's rule.",
        _trapezoid,
        2,
        1,
        _RULES,
        coarse=_halved(_trapezoid, 2, 0),
        coarse_ratio=_ROOT3,
    ),
    Integrator(
        "simpson",
        "Simpson",
        "Parabolas over pairs of steps, so the number of steps is even. Sharp where the path is smooth.",
        _simpson,
        4,
        3,
        _RULES,
        multiple=2,
        coarse=_halved(_simpson, 4, 0),
        coarse_ratio=_ROOT5,
    ),
    Integrator(
        "gauss-legendre",
        "Gauss–Legendre",
        "The best nodes for smooth curves: m of them are exact up to degree 2m − 1.",
        _gauss_legendre,
        float("inf"),
        None,
        "Golub, Welsch, Calculation of Gauss Quadrature Rules, 1969",
    ),
    Integrator(
        "monte-carlo",
        "Monte Carlo (stratified)",
        "One random node in each step; another seed gives another picture.",
        _monte_carlo,
        1.5,
        0,
        "Haber, A Modified Monte-Carlo Quadrature, 1966",
        seeded=True,
    ),
)
