"""The set of baselines that are compared: two to eight, of any kind, each with its own parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from igcore.baselines import BASELINES, Baseline, GivenImage, describe_baseline, parse_baseline
from igcore.photos import PHOTOS
from igcore.registry import parameters
from ui import state
from ui.controls import choose_other_picture
from ui.language import _
from ui.widgets import from_parameter

__all__ = ["FEWEST", "MOST", "Choice", "choose_baselines"]

FEWEST, MOST = 2, 8
FIRST: tuple[str, ...] = ("black", "white", "blur", "uniform-noise")
#: What "Add a baseline" adds, in this order, as far as it is not there yet.
NEXT = ("gray", "mean", "max-distance", "gaussian-noise", "black")

_SET, _SLOTS, _CUT = "baselines", "slots of baselines", "baselines that a link asked for beyond the limit"


@dataclass(frozen=True, eq=False)
class Choice:
    """One chosen baseline: its settings, a name for people, and how a link writes it (None for an upload)."""

    baseline: Baseline
    label: str
    text: str | None


def choose_baselines(size: tuple[int, int], fit: str) -> list[Choice]:
    """Offer the set, with a way to add and to remove; the address carries it.

    Parameters
    ----------
    size : (height, width)
        Of the model's input.
    fit : str
    """
    slots = _slots()
    st.markdown(_("**Baselines** ({count} of at most {most})", count=len(slots), most=MOST))
    if st.session_state.get(_CUT):
        asked = st.session_state[_CUT]
        st.warning(_("The link asks for {asked} baselines; these are the first {most}.", asked=asked, most=MOST))
    chosen = []
    for number, slot in enumerate(slots, start=1):
        with st.container(border=True, key=f"baseline_slot_{number}", gap="xsmall"):
            choice = _draw(slot, slots[slot], number, len(slots) > FEWEST, size, fit)
        # Where this page is left and entered again, the slot starts from here.
        slots[slot] = choice.text or slots[slot]
        chosen.append(choice)
    st.button(
        _("Add a baseline"),
        icon=":material/add:",
        key="add_baseline",
        on_click=_add,
        disabled=len(slots) >= MOST,
        help=_("Up to {most} can be compared.", most=MOST),
    )
    texts = [one.text for one in chosen if one.text is not None]
    st.session_state[_SET] = tuple(texts)
    state.remember(_SET, ";".join(texts))
    return chosen


def _slots() -> dict[int, str]:
    """Return the slots, by number, with the text that each starts from; a new address starts them anew."""
    anew = _SET not in st.session_state
    state.seed(_SET, FIRST, _read)
    if anew or _SLOTS not in st.session_state:
        remembered = st.session_state[_SET]
        texts = _read(remembered) if isinstance(remembered, str) else remembered
        start = max(st.session_state.get(_SLOTS, {0: ""}), default=0) + 1
        st.session_state[_SLOTS] = dict(enumerate(texts, start=start))
    slots: dict[int, str] = st.session_state[_SLOTS]
    return slots


def _read(text: str) -> tuple[str, ...]:
    """Read a set from a link."""
    texts = tuple(filter(None, text.split(";")))
    for one in texts:
        kind, _colon, rest = one.partition(":")
        if kind != GivenImage.key:
            parse_baseline(one)
        elif rest not in PHOTOS:
            raise ValueError(one)
    if len(texts) < FEWEST:
        raise ValueError(text)
    st.session_state[_CUT] = len(texts) if len(texts) > MOST else 0
    return texts[:MOST]


def _draw(slot: int, start: str, number: int, removable: bool, size: tuple[int, int], fit: str) -> Choice:
    kind_then, _colon, rest = start.partition(":")
    key = f"slot{slot}"
    st.session_state.setdefault(key, kind_then)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        now, kinds = st.session_state[key], list(BASELINES)
        name = _("Baseline {number}", number=number)
        labels = {one: _(BASELINES[one].label) for one in kinds}
        kind = st.selectbox(name, kinds, kinds.index(now), key=key, format_func=lambda one: labels[one]) or now
        st.button(
            _("Remove"), key=f"{key}-remove", on_click=_remove, args=(slot,), disabled=not removable, type="tertiary"
        )
    label = labels[kind]
    if kind == GivenImage.key:
        default = rest if kind == kind_then and rest in PHOTOS else "cat"
        picture = choose_other_picture(f"{key}-other", _("Compared with"), default, link=False)
        text = None if picture.key is None else f"{kind}:{picture.key}"
        return Choice(GivenImage(picture.at(size, fit)), f"{label}: {_(picture.label)}", text)
    settings = BASELINES[kind].settings
    first: dict[str, Any] = describe_baseline(parse_baseline(start)) if kind == kind_then else {}
    values = {}
    for name, known in parameters(settings).items():
        if first.get(name) is not None:
            st.session_state.setdefault(f"{key}-{kind}-{name}", first[name])
        values[name] = from_parameter(f"{key}-{kind}-{name}", known, link=False)
    told = ",".join(f"{name}={value}" for name, value in values.items())
    shown = " ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values.values())
    return Choice(settings(**values), f"{label} {shown}".strip(), f"{kind}:{told}" if told else kind)


def _add() -> None:
    st.session_state.pop(_CUT, None)
    slots: dict[int, str] = st.session_state[_SLOTS]
    there = {st.session_state.get(f"slot{slot}", text.partition(":")[0]) for slot, text in slots.items()}
    slots[max(slots) + 1] = next((kind for kind in NEXT if kind not in there), NEXT[-1])


def _remove(slot: int) -> None:
    st.session_state.pop(_CUT, None)
    st.session_state[_SLOTS].pop(slot, None)
