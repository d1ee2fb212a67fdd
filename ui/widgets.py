"""Widgets that know their place in the address bar; the controls are made of them.

Each is given its value twice: through the session state, and as the default. A run of a page that another overtakes
may never reach the browser, and with it the session state's order to show a value; the browser then shows the default
of the next run, and reports it as a person's choice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st
from PIL import ImageColor

from igcore.registry import Parameter
from ui import state
from ui.language import _

__all__ = ["from_parameter", "segments", "select", "toggle"]


def select(
    label: str, key: str, options: list[str], default: str, name: Callable[[str], str], help: str, link: bool = True
) -> str:
    """Draw a select box over registry keys."""
    state.seed(key, default, state.one_of(options))
    if st.session_state[key] not in options:
        st.session_state[key] = default
    now = options.index(st.session_state[key])
    value = st.selectbox(label, options, now, key=key, format_func=name, help=help) or default
    state.remember(key, value, link)
    return value


def segments(
    label: str,
    key: str,
    names: dict[str, str],
    default: str,
    help: str | None,
    link: bool = True,
    visibility: Literal["visible", "collapsed"] = "visible",
) -> str:
    """Draw a few choices side by side."""
    state.seed(key, default, state.one_of(names))
    value = st.segmented_control(
        label,
        list(names),
        default=st.session_state[key],
        key=key,
        format_func=lambda one: names[one],
        help=help,
        required=True,
        label_visibility=visibility,
        width="stretch",
    )
    value = value or default
    state.remember(key, value, link)
    return value


def toggle(label: str, key: str, default: bool, help: str | None = None) -> bool:
    """Draw a switch; the address holds it where it is not the default."""
    names = {str(value): value for value in (True, False)}
    state.seed(key, default, lambda text: names[state.one_of(names)(text)])
    value = st.toggle(label, st.session_state[key], key=key, help=help)
    state.remember(key, value, link=value != default)
    return value


def from_parameter(key: str, known: Parameter, link: bool = True) -> Any:
    """Draw the control that fits a parameter; the address holds it where it is not the default."""
    label, help = _(known.label), _(known.help)
    if known.unit:
        label += f" ({_(known.unit)})"
    if known.choices:
        value: Any = _choices(key, label, help, known)
    elif isinstance(known.default, str) and not known.default.startswith("#"):
        state.seed(key, known.default, str)
        value = st.text_input(label, st.session_state[key], key=key, help=help, max_chars=80)
    elif isinstance(known.default, str):
        state.seed(key, known.default, _hex)
        if st.session_state[key] != _hex(st.session_state[key]):
            st.session_state[key] = _hex(st.session_state[key])
        value = st.color_picker(label, st.session_state[key], key=key, help=help)
    elif isinstance(known.default, float):
        low, high = known.low or 0.0, known.high or 1.0
        state.seed(key, known.default, state.within(float, low, high))
        value = st.slider(label, low, high, st.session_state[key], step=known.step, key=key, help=help)
    else:
        low, high = int(known.low or 0), int(known.high or 1)
        state.seed(key, known.default or 0, state.within(int, low, high))
        value = st.number_input(label, low, high, st.session_state[key], step=1, key=key, help=help)
    state.remember(key, value, link=link and value != known.default)
    return value


def _hex(color: str) -> str:
    """Write a color as the color picker does: #rrggbb; raises ValueError where it is none."""
    return "#{:02x}{:02x}{:02x}".format(*ImageColor.getrgb(color)[:3])


def _choices(key: str, label: str, help: str, known: Parameter) -> Any:
    """Offer a few values; a share, which is at most one, is written in percent."""
    names = {str(value): value for value in known.choices}
    state.seed(key, known.default, lambda text: names[state.one_of(names)(text)])
    if st.session_state[key] not in known.choices:
        st.session_state[key] = known.default
    share = isinstance(known.default, float) and known.high is not None and known.high <= 1
    return st.select_slider(
        label,
        known.choices,
        st.session_state[key],
        key=key,
        format_func=lambda one: f"{one:.1%}" if share else f"{one:g}" if isinstance(one, float) else f"{one:,}",
        help=help,
    )
