"""The functions by which methods are judged: three polynomials and five small ReLU networks."""

from __future__ import annotations

import numpy as np

from igcore.models.formulas import Branch, Network, Polynomial
from igcore.models.term_functions import POINT, Term, TermFunction, TermModel
from igcore.registry import Registry

__all__ = ["CASES", "network", "polynomial"]


def polynomial(key: str, *monomials: tuple[float, dict[int, int]], label: str, description: str) -> TermFunction:
    """Make a polynomial of monomials, each a coefficient and the powers of some inputs, which count from 1."""
    coefficients = np.array([coefficient for coefficient, _ in monomials])
    powers = np.array([[given.get(index + 1, 0) for index in range(len(POINT))] for _, given in monomials], np.intp)
    terms = tuple(
        Term(
            _monomial(coefficient, given),
            tuple(index - 1 for index in given),
            TermModel(f"{key} {at + 1}", Polynomial(coefficients[at : at + 1], powers[at : at + 1])),
        )
        for at, (coefficient, given) in enumerate(monomials)
    )
    return TermFunction(key, label, description, terms, TermModel(key, Polynomial(coefficients, powers)))


def network(key: str, *parts: tuple[str, tuple[int, ...], Branch], label: str, description: str) -> TermFunction:
    """Make a network of branches, each with its term's formula in LaTeX and its members, which count from 1."""
    terms = tuple(
        Term(formula, tuple(index - 1 for index in members), TermModel(f"{key} {at + 1}", Network((branch,))))
        for at, (formula, members, branch) in enumerate(parts)
    )
    whole = TermModel(key, Network(tuple(branch for _, _, branch in parts)))
    return TermFunction(key, label, description, terms, whole)


def _monomial(coefficient: float, powers: dict[int, int]) -> str:
    factors = [f"x_{index}" + (f"^{power}" if power > 1 else "") for index, power in powers.items()]
    number = "" if coefficient == 1 else f"{coefficient:g}"
    return " ".join(filter(None, [number, *factors]))


def _number(weight: float) -> str:
    """Write a factor in front of a function."""
    return {1.0: "", -1.0: "-"}.get(weight, f"{weight:g}\\,")


def _threshold(weight: float, index: int, at: float) -> tuple[str, tuple[int, ...], Branch]:
    """weight · relu(xᵢ − at): an independent effect."""
    formula = rf"{_number(weight)}\mathrm{{relu}}(x_{index} - {at:g})"
    return formula, (index,), Branch((({index: 1.0}, -at),), (weight,))


def _all_of(weight: float, *members: int) -> tuple[str, tuple[int, ...], Branch]:
    """weight · relu(Σ xᵢ − (|T| − 1)): zero as soon as one member is, since none is above 1."""
    named = " + ".join(f"x_{index}" for index in members)
    formula = rf"{_number(weight)}\mathrm{{relu}}({named} - {len(members) - 1})"
    return formula, members, Branch(((dict.fromkeys(members, 1.0), 1.0 - len(members)),), (weight,))


def _smaller(weight: float, first: int, second: int) -> tuple[str, tuple[int, ...], Branch]:
    """weight · min(xᵢ, xⱼ), computed as relu(xᵢ) − relu(xᵢ − xⱼ)."""
    units = (({first: 1.0}, 0.0), ({first: 1.0, second: -1.0}, 0.0))
    return rf"{_number(weight)}\min(x_{first}, x_{second})", (first, second), Branch(units, (weight, -weight))


def _detour(weight: float, index: int, over: int, at: float) -> tuple[str, tuple[int, ...], Branch]:
    """weight · relu(xᵢ − at), computed as relu(relu(xᵢ + xⱼ) − relu(xⱼ) − at)."""
    within = rf"\mathrm{{relu}}(x_{index} + x_{over}) - \mathrm{{relu}}(x_{over})"
    formula = rf"{_number(weight)}\mathrm{{relu}}({within} - {at:g})"
    inner = (({index: 1.0, over: 1.0}, 0.0), ({over: 1.0}, 0.0))
    return formula, (index,), Branch(inner, (weight,), (({1: 1.0, 2: -1.0}, -at),))


def _taken_away(first: int, second: int, at: float) -> tuple[str, tuple[int, ...], Branch]:
    """The twins of Sundararajan, Taly, Yan 2017, figure 7: one function in two ways, the one minus the other."""
    one = rf"\mathrm{{relu}}(\mathrm{{relu}}(x_{first}) - {at:g} - \mathrm{{relu}}(x_{second}))"
    other = rf"\mathrm{{relu}}(\mathrm{{relu}}(x_{first} - {at:g}) - \mathrm{{relu}}(x_{second}))"
    inner = (({first: 1.0}, 0.0), ({first: 1.0}, -at), ({second: 1.0}, 0.0))
    outer = (({1: 1.0, 3: -1.0}, -at), ({2: 1.0, 3: -1.0}, 0.0))
    return f"{one} - {other}", (), Branch(inner, (1.0, -1.0), outer)


CASES: Registry[TermFunction] = Registry(
    "function",
    polynomial(
        "powers", (2.0, {1: 1}), (1.0, {2: 2}), (-1.5, {3: 3}), (4.0, {4: 4}),
        label="Powers",
        description="A polynomial of independent effects alone, with the powers one to four.",
    ),
    polynomial(
        "pairs", (4.0, {1: 3, 2: 1}), (2.0, {3: 1, 4: 2}), (-3.0, {5: 1, 6: 1}), (1.0, {1: 1}),
        label="Pairs",
        description="A polynomial with interactions of two inputs, of equal and unequal powers.",
    ),
    polynomial(
        "triples", (5.0, {1: 1, 2: 2, 3: 3}), (-2.0, {4: 1, 5: 1, 6: 1}), (6.0, dict.fromkeys(range(1, 7), 1)),
        (1.0, {2: 1}),
        label="Triples",
        description="A polynomial with interactions of three inputs, and one of all six.",
    ),
    network(
        "thresholds", _threshold(2, 1, 0.3), _threshold(1, 2, 0.2), _threshold(1.5, 3, 0.5), _threshold(3, 4, 0.1),
        label="Thresholds",
        description="A ReLU network of independent effects alone, each from a threshold on.",
    ),
    network(
        "conjunctions", _all_of(2, 1, 2), _all_of(2, 3, 4, 5), _threshold(1, 6, 0.1),
        label="Conjunctions",
        description="A ReLU network in which two or three inputs count only together.",
    ),
    network(
        "opposites", _smaller(-1.5, 1, 2), _all_of(3, 3, 4), _threshold(-1, 5, 0.2), _threshold(2, 6, 0.1),
        label="Opposites",
        description="A ReLU network with effects of both signs.",
    ),
    network(
        "detours", _detour(1.5, 1, 2, 0.3), _smaller(1, 3, 4), _all_of(2, 5, 6),
        label="Detours",
        description="A ReLU network that computes an effect of one input by way of another, which cancels.",
    ),
    network(
        "twins", _all_of(2, 5, 6), _threshold(1, 1, 0.3), _taken_away(3, 4, 0.3),
        label="Twins",
        description="A ReLU network that computes one thing in two ways and takes the one from the other.",
    ),
)  # fmt: skip
