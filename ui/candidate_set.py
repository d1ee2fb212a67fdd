"""The explanations that are tested: methods, each with every chosen baseline and integrator that it takes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields
from typing import Any

import streamlit as st

from igcore.baselines import BASELINES, GivenImage
from igcore.errors import InputError
from igcore.integrators import INTEGRATORS
from igcore.methods import METHODS, Method
from igcore.models import ModelSpec, Of
from igcore.runtime.model_questions import Able
from igcore.speed import Cost
from ui import state
from ui.language import _, line
from ui.method_controls import choose_of, choose_steps
from ui.method_set import choose_methods, choose_seed

__all__ = ["Entries", "Entry", "choose_entries"]

#: What a first visit tests: one of each kind, quick together.
FIRST = ("gradient", "ig", "occlusion-patch", "grad-cam")
FIRST_CLOSED = ("gradient", "ig", "occlusion-patch")


@dataclass(frozen=True, eq=False)
class Entry:
    """One explanation, by its name in the page's language; or why it cannot be computed."""

    name: str
    method: Method | None
    cost: Cost
    why_not: str | None = None


@dataclass(frozen=True, eq=False)
class Entries:
    """What was chosen."""

    several: list[Entry]
    of: Of
    seed: int


def choose_entries(spec: ModelSpec, able: Able) -> Entries:
    """Offer methods on the page, and in the sidebar the baselines and integrators that each is tested with."""
    keys = choose_methods(spec, able, "tested", FIRST if able.closed is None else FIRST_CLOSED)
    takes = {key: {part.name for part in fields(METHODS[key].settings)} for key in keys}
    every = set().union(*takes.values()) if takes else set()
    with st.sidebar:
        baselines = _several("tested_baselines", _("Baselines"), _baseline_names(), ["black"], "baseline" in every)
        rules = _several("tested_rules", _("Integrators"), _rule_names(), ["trapezoid"], "integrator" in every)
        steps = choose_steps() if "steps" in every else 50
        of = choose_of()
        seed = choose_seed()
    several = [
        _entry(key, baseline, rule, steps, of, (len(baselines) > 1, len(rules) > 1), spec, able)
        for key in keys
        for baseline, rule in itertools.product(
            baselines if "baseline" in takes[key] else [None], rules if "integrator" in takes[key] else [None]
        )
    ]
    return Entries(several, of, seed)


def _baseline_names() -> dict[str, str]:
    return {key: _(one.label) for key, one in BASELINES.items() if key != GivenImage.key}


def _rule_names() -> dict[str, str]:
    return {key: _(one.label) for key, one in INTEGRATORS.items()}


def _several(key: str, label: str, names: dict[str, str], default: list[str], wanted: bool) -> list[str]:
    """Offer some of a registry's keys; at least one counts."""
    if not wanted:
        return default
    state.seed(key, default, lambda text: list(dict.fromkeys(map(state.one_of(names), text.split(";")))))
    chosen = st.multiselect(
        label,
        list(names),
        st.session_state[key],
        key=key,
        format_func=lambda one: names[one],
        help=_("Each is tested with every method that takes it."),
    )
    chosen = chosen or default
    state.remember(key, list(chosen), chosen != default, ";".join(chosen))
    return list(chosen)


def _entry(
    key: str,
    baseline: str | None,
    rule: str | None,
    steps: int,
    of: Of,
    told: tuple[bool, bool],
    spec: ModelSpec,
    able: Able,
) -> Entry:
    """Build one explanation's settings; `told` says whether its name needs the baseline, and the integrator."""
    method = METHODS[key]
    takes = {part.name for part in fields(method.settings)}
    given: dict[str, Any] = {"baseline": baseline, "integrator": rule, "of": of if "of" in takes else None}
    if "steps" in takes and (rule is None or "steps" in INTEGRATORS[rule].takes):
        given["steps"] = steps
    parts = [_(method.label)]
    if baseline is not None and told[0]:
        parts.append(_baseline_names()[baseline])
    if rule is not None and told[1]:
        parts.append(_rule_names()[rule])
    name = " · ".join(parts)
    try:
        settings = method.settings(**{name: value for name, value in given.items() if value is not None})
    except InputError as error:
        return Entry(name, None, Cost(), line(str(error)))
    why_not = None
    if able.closed and method.needs == "layers":
        why_not = _("It goes through the network's layers: {why}.", why=line(able.closed))
    return Entry(name, settings, settings.cost(spec.input_size), why_not)
