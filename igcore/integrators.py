"""Integrators: where on the path gradients are taken, and how they are weighed.

A fixed integrator is data. The integral ∫₀¹ g(α) dα becomes Σ wₖ g(αₖ), and whoever evaluates g may do it
in any order and in chunks of any size without changing the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from igcore import quadrature
from igcore.errors import InputError
from igcore.quadrature import Panels, Rule
from igcore.registry import Registry

__all__ = ["FIXED", "INTEGRATORS", "MAX_STEPS", "FixedIntegrator", "Integrator", "shared_nodes"]

MAX_STEPS = 10_000

Nodes = NDArray[np.float64]
Weights = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Integrator:
    """A registry entry.

    Attributes
    ----------
    key, label, description, reference : str
    takes : tuple of str
        The settings of `IntegratedGradients` that it reads.
    seeded : bool
        Whether the nodes depend on the seed.
    corrects : bool
        Whether the map is corrected to be complete unless asked otherwise.
    """

    key: str
    label: str
    description: str
    reference: str
    takes: tuple[str, ...] = ()
    seeded: bool = False
    corrects: bool = False

    def nodes_and_weights(self, steps: int, seed: int = 0) -> tuple[Nodes, Weights]:  # noqa: ARG002
        """Return the nodes and weights of a fixed integrator.

        Raises
        ------
        InputError
            Where there are none beforehand.
        """
        raise InputError(
            f"{self.key} chooses its nodes while it runs; take a fixed integrator, or read result.trace afterwards"
        )


@dataclass(frozen=True, kw_only=True)
class FixedIntegrator(Integrator):
    """One quadrature rule on [0, 1].

    Attributes
    ----------
    rule : callable
        (steps, generator) → panels; does not check its arguments.
    order : float
        The error of a smooth integrand falls as steps ** -order; infinite where it falls
        faster than any power. For Monte Carlo this is the order of the root mean square error.
    degree : int or None
        Polynomials up to this degree are integrated exactly at any number of steps;
        None where the degree grows with the steps (2 · steps − 1).
    coarse_ratio : float
        Measured L1 distance between the maps of the rule and of its merged panels, over the rule's own map error.
    multiple : int
        Steps must be a multiple of this.
    """

    rule: Rule
    order: float
    degree: int | None
    coarse_ratio: float
    multiple: int = 1
    takes: tuple[str, ...] = ("steps",)

    def panels(self, steps: int, seed: int = 0) -> Panels:
        """Return the rule panel by panel; arguments and errors as in `nodes_and_weights`."""
        self.check_steps(steps)
        return self.rule(int(steps), np.random.default_rng(seed))

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
        panels = self.panels(steps, seed)
        return panels.nodes, panels.node_weights

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


# The ratios are measured: the distance to the map of merged panels over the true error, means over 20 pairs of photo,
# baseline and class, 32 to 256 steps, against 1,025 nodes (bench.integrators prints their scatter). √3 and √5 are what
# panel errors that add like independent ones would give; a merged random panel keeps one of two nodes by chance.
_ROOT3, _ROOT5 = 3**0.5, 5**0.5

_IG = "Sundararajan, Taly, Yan 2017, equation 3"
_RULES = "Davis, Rabinowitz, Methods of Numerical Integration, 1984, chapter 2"

INTEGRATORS: Registry[Integrator] = Registry(
    "integrator",
    FixedIntegrator(
        key="left",
        label="Left Riemann sum",
        description="Rectangles at the left end of each step.",
        reference=_RULES,
        rule=quadrature.left,
        order=1,
        degree=0,
        coarse_ratio=1.70,
    ),
    FixedIntegrator(
        key="right",
        label="Right Riemann sum",
        description="Rectangles at the right end: the paper's own formula.",
        reference=_IG,
        rule=quadrature.right,
        order=1,
        degree=0,
        coarse_ratio=1.70,
    ),
    FixedIntegrator(
        key="midpoint",
        label="Midpoint",
        description="Rectangles at the middle of each step.",
        reference=_RULES,
        rule=quadrature.midpoint,
        order=2,
        degree=1,
        coarse_ratio=1.78,
    ),
    FixedIntegrator(
        key="trapezoid",
        label="Trapezoid",
        description="Straight lines between neighbouring nodes; both ends count half. The tutorial's rule.",
        reference=_RULES,
        rule=quadrature.trapezoid,
        order=2,
        degree=1,
        coarse_ratio=_ROOT3,
    ),
    FixedIntegrator(
        key="simpson",
        label="Simpson",
        description="Parabolas over pairs of steps, so the number of steps is even. Sharp where the path is smooth.",
        reference=_RULES,
        rule=quadrature.simpson,
        order=4,
        degree=3,
        coarse_ratio=_ROOT5,
        multiple=2,
    ),
    FixedIntegrator(
        key="gauss-legendre",
        label="Gauss–Legendre",
        description="The best nodes for smooth curves: m of them are exact up to degree 2m − 1.",
        reference="Golub, Welsch, Calculation of Gauss Quadrature Rules, 1969",
        rule=quadrature.gauss_legendre,
        order=float("inf"),
        degree=None,
        coarse_ratio=1.81,
    ),
    FixedIntegrator(
        key="monte-carlo",
        label="Monte Carlo (stratified)",
        description="One random node in each step; another seed gives another picture.",
        reference="Haber, A Modified Monte-Carlo Quadrature, 1966",
        rule=quadrature.monte_carlo,
        order=1.5,
        degree=0,
        coarse_ratio=1.24,
        seeded=True,
    ),
    Integrator(
        key="adaptive",
        label="Adaptive",
        description="Halves the panels where the integrand changes most, and stops when the map has converged.",
        reference="Gander, Gautschi, Adaptive Quadrature Revisited, 2000, for the idea; measured in bench.integrators",
        takes=("tolerance", "map_tolerance", "max_gradients"),
        corrects=True,
    ),
)

#: The fixed integrators, by key.
FIXED: dict[str, FixedIntegrator] = {key: one for key, one in INTEGRATORS.items() if isinstance(one, FixedIntegrator)}
