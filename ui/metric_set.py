"""The metrics by which explanations are tested, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import streamlit as st

from igcore.errors import InputError
from igcore.metrics import FILLS, METRICS, EnergyInBox, Metric, Order
from igcore.registry import parameters
from igcore.speed import Cost
from ui import state
from ui.language import N_, _, line
from ui.method_set import seconds, told_cost
from ui.photo_box import drag_box
from ui.pictures import Array
from ui.widgets import from_parameter, segments

__all__ = ["FILL_NAMES", "Chosen", "choose_metrics", "meanings"]

FIRST = ["deletion", "insertion"]
FILL_NAMES = {"black": N_("Black"), "blur": N_("Blur"), "mean": N_("Mean color"), "noise": N_("Noise")}
BOX = "evaluate_box"


@dataclass(frozen=True, eq=False)
class Chosen:
    """Metrics with their settings but for the filling, by key; how maps are read, and the fillings to try."""

    metrics: dict[str, Metric]
    order: Order
    fills: tuple[str, ...]

    def filled(self, fill: str, again: bool) -> dict[str, Metric]:
        """Return the metrics with a filling; `again` leaves out those that have none."""
        found: dict[str, Metric] = {}
        for key, metric in self.metrics.items():
            if metric.fills is not None:
                found[key] = METRICS[key].settings(**{**metric.describe(), "fill": fill})
            elif not again:
                found[key] = metric
        return found


def choose_metrics(image: Array) -> Chosen:
    """Offer the metrics on the page, with what can be set of them."""
    state.seed("metrics", FIRST, lambda text: list(dict.fromkeys(METRICS[key].key for key in text.split(";"))))
    chosen = st.multiselect(
        _("Tests"),
        list(METRICS),
        st.session_state["metrics"],
        key="metrics",
        format_func=lambda key: _(METRICS[key].label),
        placeholder=_("Choose tests"),
        help=_("Each is told what it means below the table."),
    )
    state.remember("metrics", list(chosen), list(chosen) != FIRST, ";".join(chosen))
    with st.container(horizontal=True, vertical_alignment="bottom", key="metric_controls"):
        with st.container(width=330):
            names = {"signed": _("For the class first"), "absolute": _("Largest size first")}
            told = _("By the sum over the colors, what speaks against the class last; or by the sum of sizes.")
            order = segments(_("How maps are read"), "order", names, "signed", told)
        fills = _choose_fills() if any("fill" in parameters(METRICS[key].settings) for key in chosen) else ("blur",)
        with st.popover(_("Adjust the tests"), icon=":material/tune:"):
            metrics = {key: settings for key in chosen if (settings := _adjusted(key)) is not None}
    if EnergyInBox.key in metrics:
        metrics[EnergyInBox.key] = _boxed(image)
    return Chosen(metrics, cast(Order, order), fills)


def _choose_fills() -> tuple[str, ...]:
    state.seed("fills", ["blur"], lambda text: list(dict.fromkeys(map(state.one_of(FILLS), text.split(";")))))
    chosen = st.pills(
        _("Removed parts show"),
        list(FILLS),
        selection_mode="multi",
        default=st.session_state["fills"],
        key="fills",
        format_func=lambda key: _(FILL_NAMES[key]),
        help=_("What stands where a part of the photo is taken away. No filling is neutral: try several."),
    )
    chosen = list(chosen) or ["blur"]
    state.remember("fills", chosen, chosen != ["blur"], ";".join(chosen))
    return tuple(chosen)


def _adjusted(key: str) -> Metric | None:
    """Offer what can be set of a metric but the filling; None where the settings do not go together."""
    settings = METRICS[key].settings
    known = {name: one for name, one in parameters(settings).items() if name != "fill"}
    if not known or settings is EnergyInBox:
        return settings()
    st.markdown(f"**{_(METRICS[key].label)}**")
    given = {name: from_parameter(f"{key}-{name}", one) for name, one in known.items()}
    try:
        made: Metric = settings(**given)
    except InputError as error:
        st.error(line(str(error)))
        return None
    return made


def _boxed(image: Array) -> EnergyInBox:
    """Let a person drag the box; without one it is the middle of the photo."""
    height, width = image.shape[:2]
    with st.container(border=True, key="energy_box"):
        st.markdown(_("**The box.** Drag a rectangle around the object: it counts how much of each map lies inside."))
        box = drag_box(image, BOX)
        settings = EnergyInBox()
        if box is not None:
            top, left, bottom, right = box
            edges = {"top": top / height, "left": left / width, "bottom": bottom / height, "right": right / width}
            settings = EnergyInBox(**{name: round(100 * share, 4) for name, share in edges.items()})
        share = settings.inside(image.shape).mean()
        told = _("It covers {share:.0%} of the photo: what lies inside by chance.", share=share)
        st.caption(told if box is not None else _("Until you drag one, it is the middle half. {told}", told=told))
    return settings


def meanings(taken: dict[str, tuple[Cost, float]]) -> None:
    """Say of each metric what it measures, in which direction, what it takes in all, and where it comes from.

    Parameters
    ----------
    taken : dict of str to (Cost, float)
        By key of the metric; the cost, and seconds here.
    """
    for key, (cost, here) in taken.items():
        spec = METRICS[key]
        better = _("higher is better") if spec.higher else _("lower is better")
        with st.expander(_("{metric}: {better}", metric=_(spec.label), better=better), key=f"about_{key}"):
            st.markdown(_(spec.description))
            st.latex(spec.formula)
            st.caption(spec.reference)
            if str(cost):
                st.caption(
                    _("For all of them and the controls: {cost}, {time}.", cost=told_cost(cost), time=seconds(here))
                )
