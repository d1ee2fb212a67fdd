"""Three criteria for attribution methods, measured on functions whose effects are known exactly.

A network's output is a sum of independent effects of single inputs and of interaction effects of sets of inputs; an
attribution method shares them out. It is reliable where it (1) covers all effects, (2) gives none of an effect to
inputs that take no part in it, and (3) shares each effect out completely.

References
----------
Deng, Zou, Du, Chen, Feng, Yang, Li, Zhang, Unifying Fourteen Post-Hoc Attribution Methods With Taylor Interactions,
IEEE TPAMI 2024, arXiv 2303.01506.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from igcore.errors import Cancelled, InputError, ModelError
from igcore.explanation import explain
from igcore.methods import METHODS, Method
from igcore.metrics.allocation import TOLERANCE, Allocation
from igcore.models.term_cases import CASES
from igcore.models.term_functions import TermFunction, TermModel
from igcore.registry import Registry
from igcore.results import Progress

__all__ = [
    "CASES",
    "STUDY",
    "TOLERANCE",
    "Allocation",
    "Criteria",
    "CriteriaTable",
    "Judgment",
    "Verdict",
    "criteria_table",
    "measure_criteria",
    "settings_of",
]

Array = NDArray[np.float64]
OnProgress = Callable[[Progress], None]
ShouldStop = Callable[[], bool]

#: Settings that make a method compare with 0 at single inputs, finely enough for `TOLERANCE`. What a kink loses within
#: one node's stratum of a path is at most Σ slope · x / nodes: here less than 5 / nodes of the effects.
_OWN: dict[str, dict[str, object]] = {
    "ig": {"baseline": "black", "integrator": "midpoint", "steps": 4096},
    "expected-gradients": {"baselines": ("black",), "samples": 5000},
    "deep-shap": {"baselines": ("black",)},
    "occlusion-1": {"size": 1},
    "occlusion-patch": {"size": 2, "stride": 1},
    "prediction-difference": {"size": 1, "stride": 1, "samples": 20},
    "shapley": {"segments": 6, "permutations": 100},
    "lrp-epsilon": {"epsilon": 1e-6},
}

#: What a method's unit is in units of F. The prediction difference is in bits of odds, of which F is the logarithm.
_UNITS = {"prediction-difference": math.log(2)}


@dataclass(frozen=True)
class Verdict:
    """What the study says of a method.

    Attributes
    ----------
    key : str
        Of `METHODS`.
    meets : bool
        Whether it meets all three criteria. By criterion the study's verdicts are not recorded here.
    description : str
        Why what is measured here differs; empty where it does not.
    """

    key: str
    meets: bool
    description: str = ""


#: In the study's groups: the eight that do not meet all criteria, then the six that do.
STUDY: Registry[Verdict] = Registry(
    "method of the study",
    Verdict("gradient-x-input", False),
    Verdict("occlusion-1", False),
    Verdict("occlusion-patch", False),
    Verdict("prediction-difference", False),
    Verdict("grad-cam", False),
    Verdict("lrp-epsilon", False),
    Verdict("lrp-alpha-beta", False),
    Verdict("deep-taylor", False),
    Verdict("ig", True),
    Verdict("expected-gradients", True),
    Verdict("shapley", True),
    Verdict(
        "deep-shap",
        True,
        description="It is DeepLIFT (Rescale) averaged over baselines, and differs where that does.",
    ),
    Verdict(
        "deeplift-rescale",
        True,
        description="It hands down layer by layer. Where a network computes one thing in two ways and takes the one "
        "from the other (Twins), it shares out each way differently, and inputs without an effect keep shares.",
    ),
    Verdict(
        "deeplift-reveal-cancel",
        True,
        description="It hands what raises and what lowers a neuron down by two multipliers. Where an input reaches a "
        "neuron with both signs and cancels (Detours), the two differ, and the input keeps a share without an effect.",
    ),
)


@dataclass(frozen=True, eq=False)
class Criteria:
    """A method measured on a function.

    Attributes
    ----------
    method, case : str
        Keys of `METHODS` and `CASES`.
    allocation : Allocation or None
        None where the method cannot run there.
    reason : str
        Why it cannot; empty where it can.
    """

    method: str
    case: str
    allocation: Allocation | None
    reason: str = ""

    @property
    def meets(self) -> bool | None:
        """Whether all three measures are at most `TOLERANCE`; None where the method cannot run."""
        return None if self.allocation is None else max(self.allocation.measures) <= TOLERANCE


@dataclass(frozen=True)
class Judgment:
    """A method over several functions.

    Attributes
    ----------
    method : str
    ran, failed : tuple of str
        Keys of the functions on which it ran, and of those on which it does not meet all three criteria.
    largest : tuple of float
        The largest coverage, outsiders and completeness measured; empty where it ran on none.
    """

    method: str
    ran: tuple[str, ...]
    failed: tuple[str, ...]
    largest: tuple[float, ...]

    @property
    def meets(self) -> bool | None:
        """Whether it meets all three criteria wherever it ran; None where that is nowhere."""
        return not self.failed if self.ran else None

    @property
    def differs(self) -> bool:
        """Whether the study says otherwise."""
        return self.meets is not None and self.meets != STUDY[self.method].meets


@dataclass(frozen=True, eq=False)
class CriteriaTable:
    """What is measured so far, function by function."""

    rows: tuple[Criteria, ...]

    @cached_property
    def _by_place(self) -> dict[tuple[str, str], Criteria]:
        return {(row.method, row.case): row for row in self.rows}

    def of(self, method: str, case: str) -> Criteria | None:
        """Return one row, where it is measured yet."""
        return self._by_place.get((method, case))

    def judge(self, method: str) -> Judgment:
        """Judge a method by all functions measured so far."""
        rows = [row for row in self.rows if row.method == method and row.allocation is not None]
        measures = [row.allocation.measures for row in rows if row.allocation is not None]
        failed = tuple(row.case for row in rows if not row.meets)
        return Judgment(method, tuple(row.case for row in rows), failed, tuple(map(max, zip(*measures, strict=True))))


def settings_of(method: str) -> Method:
    """Return a method's settings for these functions: compared with 0, at single inputs, of F itself.

    Raises
    ------
    UnknownKeyError
        Where the method is not one of the study's.
    """
    make = METHODS[STUDY[method].key].settings
    own = dict(_OWN.get(method, {}))
    if "of" in getattr(make, "__dataclass_fields__", {}):
        own["of"] = "logit"
    settings: Method = make(**own)
    return settings


def measure_criteria(
    method: str | Method,
    case: str | TermFunction,
    seed: int = 0,
    should_stop: ShouldStop | None = None,
) -> Criteria:
    """Measure the three criteria for one method on one function.

    Parameters
    ----------
    method : str or settings
        A key of `STUDY`, or a method's own settings.
    case : str or TermFunction
        A key of `CASES`, or a function with its terms.
    seed : int
    should_stop : callable, optional
        Asked before each term.

    Returns
    -------
    Criteria
        Without an allocation, and with the reason, where the method cannot run on this function.

    Raises
    ------
    Cancelled
        Where `should_stop` said so.
    UnknownKeyError
        Where there is no such method or function.
    """
    settings = settings_of(method) if isinstance(method, str) else method
    function = CASES[case] if isinstance(case, str) else case
    try:
        whole, *parts = (
            _attribution(model, function, settings, seed, should_stop)
            for model in (function.whole, *(term.model for term in function.terms))
        )
    except (InputError, ModelError) as error:
        return Criteria(settings.key, function.key, None, str(error))
    members = tuple(term.members for term in function.terms)
    return Criteria(settings.key, function.key, Allocation(members, function.effects(), np.stack(parts), whole))


def _attribution(
    model: TermModel, function: TermFunction, settings: Method, seed: int, should_stop: ShouldStop | None
) -> Array:
    """Return each input's attribution by one method: (n,), the sum over its pixel's channels."""
    if should_stop is not None and should_stop():
        raise Cancelled("stopped before it was finished")
    values = explain(model, function.image, settings, 0, seed, should_stop=should_stop).values
    return values.sum(axis=2, dtype=np.float64).ravel() * _UNITS.get(settings.key, 1.0)


def criteria_table(
    methods: Iterable[str] = tuple(STUDY),
    cases: Iterable[str] = tuple(CASES),
    seed: int = 0,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> CriteriaTable:
    """Measure several methods on several functions, function by function.

    Parameters
    ----------
    methods, cases : iterable of str
        Keys of `STUDY` and of `CASES`; all of them without.
    seed : int
    on_progress : callable, optional
        Told after each method on each function; `partial` is the table so far.
    should_stop : callable, optional
        Asked before each term.

    Raises
    ------
    Cancelled
        Where `should_stop` said so.
    """
    wanted = [(method, case) for keys in [tuple(methods)] for case in cases for method in keys]
    table = CriteriaTable(())
    for done, (method, case) in enumerate(wanted, start=1):
        table = CriteriaTable((*table.rows, measure_criteria(method, case, seed, should_stop)))
        if on_progress is not None:
            on_progress(Progress(done, len(wanted), table))
    return table
