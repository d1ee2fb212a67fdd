"""The methods that are compared, each with its own parameters, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import streamlit as st

from igcore.baselines import BASELINES, Baseline, GivenImage
from igcore.errors import InputError
from igcore.listings import SUMS
from igcore.methods import METHODS, IntegratedGradients, Method, MethodSpec
from igcore.models import ModelSpec
from igcore.registry import parameter, parameters
from igcore.runtime.model_questions import Able
from igcore.speed import Cost, Speed
from ui import state
from ui.language import N_, _, line, several
from ui.method_controls import choose_baseline, choose_integrator, choose_of
from ui.widgets import from_parameter

__all__ = ["Choice", "choose_methods", "choose_seed", "choose_settings", "seconds", "told_cost"]

#: What a first visit shows: one of each kind, quick enough together for a lecture.
FIRST = ("gradient", "smoothgrad", "ig", "occlusion-patch", "grad-cam", "lrp-composite")
#: The same for a model whose layers are closed.
FIRST_CLOSED = ("gradient", "smoothgrad", "ig", "guided-ig", "xrai", "occlusion-patch")

BY = {"gradients": N_("by gradients"), "scores": N_("by scores alone"), "layers": N_("through the layers")}
SET = "methods"


@dataclass(frozen=True, eq=False)
class Choice:
    """One chosen method: its settings and what they cost, or why it cannot run, in the page's language."""

    spec: MethodSpec
    settings: Method | None
    cost: Cost
    why_not: str | None = None


@dataclass
class _Seeded:
    """The one setting that belongs to the run rather than to a method."""

    seed: int = parameter(0, label=N_("Seed"), low=0, high=2**31 - 1, step=1, help=N_("Of everything that is random."))


def choose_seed() -> int:
    """Offer the seed of everything random."""
    return int(from_parameter("seed", parameters(_Seeded)["seed"]))


def choose_methods(spec: ModelSpec, able: Able, key: str = SET, first: Sequence[str] | None = None) -> list[str]:
    """Offer all methods, with the time that each takes here; the address carries the choice.

    Parameters
    ----------
    spec : ModelSpec
    able : Able
    key : str
        Of the set, in the address too.
    first : sequence of str, optional
        What a first visit shows.
    """
    first, speed = list(first or (FIRST if able.closed is None else FIRST_CLOSED)), able.speed
    state.seed(key, first, _read)

    def name(one: str) -> str:
        method = METHODS[one]
        taken = seconds(speed.seconds(method.settings().cost(spec.input_size)))
        return f"{_(method.label)} · {taken}"

    chosen = st.multiselect(
        _("Methods"),
        list(METHODS),
        st.session_state[key],
        key=key,
        format_func=name,
        placeholder=_("Choose methods"),
        help=_("Type to search. The times are what each takes here with its first settings."),
    )
    state.remember(key, list(chosen), list(chosen) != first, ";".join(chosen))
    all_of_them = _("All {count} methods, and what each takes here", count=len(METHODS))
    with st.expander(all_of_them, key=f"all_{key}"):
        _table(spec, speed)
    return list(chosen)


def _table(spec: ModelSpec, speed: Speed) -> None:
    """Show the registry: what each method goes by, takes and means."""
    costs = {key: method.settings().cost(spec.input_size) for key, method in METHODS.items()}
    st.dataframe(
        {
            _("Method"): [_(method.label) for method in METHODS.values()],
            _("Goes"): [_(BY[method.needs]) for method in METHODS.values()],
            _("Takes"): [told_cost(cost) for cost in costs.values()],
            _("Seconds here"): [speed.seconds(cost) for cost in costs.values()],
            _("Its values sum to"): [line(SUMS[method.sums]) for method in METHODS.values()],
            _("Paper"): [method.reference for method in METHODS.values()],
        },
        column_config={_("Seconds here"): st.column_config.NumberColumn(format="%.1f")},
        hide_index=True,
    )


def _read(text: str) -> list[str]:
    """Read the set from a link."""
    return list(dict.fromkeys(METHODS[key].key for key in filter(None, text.split(";"))))


def seconds(taken: float) -> str:
    """Write seconds with no more digits than they deserve."""
    if taken < 0.1:
        return _("< 0.1 s")
    return _("{seconds:.1f} s", seconds=taken) if taken < 9.95 else _("{seconds:.0f} s", seconds=taken)


def told_cost(cost: Cost) -> str:
    """Write a cost as its `str` does, in the page's language."""
    parts = []
    if cost.gradients:
        parts.append(several("{count:,} gradient", "{count:,} gradients", cost.gradients))
    if cost.forwards:
        parts.append(several("{count:,} forward pass", "{count:,} forward passes", cost.forwards))
    if cost.passes:
        parts.append(several("{count:,} pass through the layers", "{count:,} passes through the layers", cost.passes))
    told = parts[0] if parts else ""
    for part in parts[1:]:
        told = _("{first} and {second}", first=told, second=part)
    return _("about {cost}", cost=told) if cost.about else told


def choose_settings(keys: list[str], spec: ModelSpec, closed: str | None, fit: str) -> tuple[list[Choice], int]:
    """Offer what the methods share, and for each an expander with its own parameters.

    Parameters
    ----------
    keys : list of str
    spec : ModelSpec
    closed : str or None
        Why the model's layers cannot be read.
    fit : str

    Returns
    -------
    choices : list of Choice
    seed : int
    """
    takes = {key: {part.name for part in fields(METHODS[key].settings)} for key in keys}
    every = set().union(*takes.values()) if takes else set()
    shared: dict[str, Any] = {}
    if "baseline" in every:
        shared["baseline"] = choose_baseline(spec.input_size, fit)
    if "baselines" in every:
        shared["baselines"] = _choose_baselines()
    if "of" in every:
        shared["of"] = choose_of()
    seed = choose_seed()
    st.markdown(_("**Parameters**"))
    choices = []
    for key in keys:
        own = _own_parameters(key)
        given = {name: value for name, value in shared.items() if name in takes[key]}
        choices.append(_choice(METHODS[key], given | own, spec, closed))
    return choices, seed


def _choice(method: MethodSpec, given: dict[str, Any], spec: ModelSpec, closed: str | None) -> Choice:
    try:
        settings = method.settings(**given)
    except InputError as error:
        return Choice(method, None, Cost(), line(str(error)))
    why_not = None
    if closed and method.needs == "layers":
        why_not = _("It goes through the network's layers: {why}.", why=line(closed))
    return Choice(method, settings, settings.cost(spec.input_size), why_not)


def _own_parameters(key: str) -> dict[str, Any]:
    """Draw a method's expander and return what was chosen in it."""
    method = METHODS[key]
    known = parameters(method.settings)
    if not known:
        return {}
    with st.expander(_(method.label), key=f"parameters_{key}"):
        if method.settings is IntegratedGradients:
            integrator, settings = choose_integrator()
            return {"integrator": integrator, **settings}
        return {name: from_parameter(f"{key}-{name}", one) for name, one in known.items()}


def _choose_baselines() -> tuple[Baseline, ...]:
    """Offer a set of baselines to average over."""
    options = [key for key in BASELINES if key != GivenImage.key]
    default = ["black", "white", "blur", "uniform-noise"]
    state.seed("averaged", default, lambda text: list(dict.fromkeys(map(state.one_of(options), text.split(";")))))
    chosen = st.multiselect(
        _("Baselines to average over"),
        options,
        st.session_state["averaged"],
        key="averaged",
        format_func=lambda key: _(BASELINES[key].label),
        help=_("Of Expected Gradients and DeepSHAP."),
    )
    chosen = chosen or default
    state.remember("averaged", list(chosen), chosen != default, ";".join(chosen))
    return tuple(BASELINES[key].settings() for key in chosen)
