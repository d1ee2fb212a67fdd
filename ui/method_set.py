"""The methods that are compared, each with its own parameters, and what they share."""

from __future__ import annotations

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
from ui.method_controls import choose_baseline, choose_integrator, choose_of
from ui.widgets import from_parameter

__all__ = ["Choice", "choose_methods", "choose_settings", "seconds"]

#: What a first visit shows: one of each kind, quick enough together for a lecture.
FIRST = ("gradient", "smoothgrad", "ig", "occlusion-patch", "grad-cam", "lrp-composite")
#: The same for a model whose layers are closed.
FIRST_CLOSED = ("gradient", "smoothgrad", "ig", "guided-ig", "xrai", "occlusion-patch")

BY = {"gradients": "by gradients", "scores": "by scores alone", "layers": "through the layers"}
SET = "methods"


@dataclass(frozen=True, eq=False)
class Choice:
    """One chosen method: its settings and what they cost, or why it cannot run."""

    spec: MethodSpec
    settings: Method | None
    cost: Cost
    why_not: str | None = None


@dataclass
class _Seeded:
    """The one setting that belongs to the run rather than to a method."""

    seed: int = parameter(0, label="Seed", low=0, high=2**31 - 1, step=1, help="Of everything that is random.")


def choose_methods(spec: ModelSpec, able: Able) -> list[str]:
    """Offer all methods, with the time that each takes here; the address carries the choice."""
    first, speed = list(FIRST if able.closed is None else FIRST_CLOSED), able.speed
    state.seed(SET, first, _read)

    def name(key: str) -> str:
        method = METHODS[key]
        taken = seconds(speed.seconds(method.settings().cost(spec.input_size)))
        return f"{method.label} · {taken}"

    chosen = st.multiselect(
        "Methods",
        list(METHODS),
        st.session_state[SET],
        key=SET,
        format_func=name,
        placeholder="Choose methods",
        help="Type to search. The times are what each takes here with its first settings.",
    )
    state.remember(SET, list(chosen), list(chosen) != first, ";".join(chosen))
    with st.expander(f"All {len(METHODS)} methods, and what each takes here", key="all_methods"):
        _table(spec, speed)
    return list(chosen)


def _table(spec: ModelSpec, speed: Speed) -> None:
    """Show the registry: what each method goes by, takes and means."""
    costs = {key: method.settings().cost(spec.input_size) for key, method in METHODS.items()}
    st.dataframe(
        {
            "Method": [method.label for method in METHODS.values()],
            "Goes": [BY[method.needs] for method in METHODS.values()],
            "Takes": [str(cost) for cost in costs.values()],
            "Seconds here": [speed.seconds(cost) for cost in costs.values()],
            "Its values sum to": [SUMS[method.sums] for method in METHODS.values()],
            "Paper": [method.reference for method in METHODS.values()],
        },
        column_config={"Seconds here": st.column_config.NumberColumn(format="%.1f")},
        hide_index=True,
    )


def _read(text: str) -> list[str]:
    """Read the set from a link."""
    return list(dict.fromkeys(METHODS[key].key for key in filter(None, text.split(";"))))


def seconds(taken: float) -> str:
    """Write seconds with no more digits than they deserve."""
    return "< 0.1 s" if taken < 0.1 else f"{taken:.1f} s" if taken < 9.95 else f"{taken:.0f} s"


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
    seed = int(from_parameter("seed", parameters(_Seeded)["seed"]))
    st.markdown("**Parameters**")
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
        return Choice(method, None, Cost(), str(error))
    why_not = f"It goes through the network's layers: {closed}." if closed and method.needs == "layers" else None
    return Choice(method, settings, settings.cost(spec.input_size), why_not)


def _own_parameters(key: str) -> dict[str, Any]:
    """Draw a method's expander and return what was chosen in it."""
    method = METHODS[key]
    known = parameters(method.settings)
    if not known:
        return {}
    with st.expander(method.label, key=f"parameters_{key}"):
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
        "Baselines to average over",
        options,
        st.session_state["averaged"],
        key="averaged",
        format_func=lambda key: BASELINES[key].label,
        help="Of Expected Gradients and DeepSHAP.",
    )
    chosen = chosen or default
    state.remember("averaged", list(chosen), chosen != default, ";".join(chosen))
    return tuple(BASELINES[key].settings() for key in chosen)
