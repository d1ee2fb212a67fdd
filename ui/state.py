"""Settings that outlive a rerun: read from the address bar, remembered per session, written back.

Streamlit can bind a widget to the address, but writes a select box's label there; labels are for people and
change with the language, so links carry the registries' keys and are written here.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import streamlit as st

from igcore.errors import InputError
from ui import language
from ui.language import _

__all__ = ["begin", "draw_anew", "one_of", "recalled", "remember", "seed", "within", "write_address"]

Value = TypeVar("Value")
Number = TypeVar("Number", int, float)

_MEMORY = "settings that outlive their widgets"
_LINK = "settings for the address bar"
_WRITTEN = "addresses that this session wrote or has read"


def begin() -> None:
    """Start a page: take over an address that this session did not write itself.

    A rerun may still carry an address from before the last write, so an address of our own never counts as news.
    """
    memory = st.session_state.setdefault(_MEMORY, {})
    written = st.session_state.setdefault(_WRITTEN, deque(maxlen=500))
    st.session_state[_LINK] = {}
    address = st.query_params.to_dict()
    if address and address not in written:
        for key, text in address.items():
            memory[key] = _Text(text)
            st.session_state.pop(key, None)
        written.append(address)


def draw_anew() -> None:
    """Give every control its remembered value again: a browser knows choices by their names, and those have changed."""
    for key in st.session_state[_MEMORY]:
        if key != language.KEY:
            st.session_state.pop(key, None)


class _Text(str):
    """A value that came from the address and was not read yet."""


def seed(key: str, default: Value, read: Callable[[str], Value]) -> None:
    """Give a widget's key its first value: from the address, else as remembered, else the default.

    Parameters
    ----------
    key : str
        Of the widget and of the address.
    default : object
    read : callable
        Turns the address's text into a value; raises `InputError` or `ValueError` where it cannot.
    """
    # Streamlit can report a control that it is just drawing anew as empty; that is no choice of anybody's.
    if st.session_state.get(key) is not None:
        return
    value = st.session_state[_MEMORY].get(key)
    if value is None:
        value = default
    if isinstance(value, _Text):
        try:
            value = read(str(value))
        except (InputError, ValueError):
            # Only plain characters: what a link says must not become markup on the page.
            asked = re.sub(r"[^\w.+-]", "", str(value))[:20]
            taken = ", ".join(default) if isinstance(default, list) else default
            st.toast(
                _(
                    "The link asks for {key}={asked}, which is not possible here; using {taken}.",
                    key=key,
                    asked=asked,
                    taken=taken,
                )
            )
            value = default
    st.session_state[key] = value


def remember(key: str, value: Any, link: bool = True, text: str | None = None) -> None:
    """Keep a widget's value for when it is drawn again, and put it, or a text that stands for it, into the address."""
    if value is None:
        return
    st.session_state[_MEMORY][key] = value
    if link:
        st.session_state[_LINK][key] = str(value) if text is None else text


def recalled(key: str) -> Any:
    """Return what this session remembers under a key; None for what only an address says."""
    value = st.session_state[_MEMORY].get(key)
    return None if isinstance(value, _Text) else value


def write_address() -> None:
    """Bring the address bar in step with the controls."""
    address = st.session_state[_LINK]
    if st.query_params.to_dict() != address:
        st.query_params.from_dict(address)
        st.session_state[_WRITTEN].append(dict(address))


def one_of(choices: Collection[str]) -> Callable[[str], str]:
    """Read one of some keys."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return read


def within(kind: Callable[[str], Number], low: float, high: float) -> Callable[[str], Number]:
    """Read a number of a kind, `int` or `float`, from `low` to `high`."""

    def read(text: str) -> Number:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read
