"""The way from pages to the engine: one runtime for the server, one client for each session."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable

import streamlit as st
from streamlit import runtime as streamlit_runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from igcore.runtime import Client, Limits, Runtime, read_limits, start_runtime

__all__ = ["client", "limits", "runtime", "stop"]

_CLIENT = "client"

_starting = threading.Lock()
_runtime: Runtime | None = None


def runtime() -> Runtime:
    """Return the server's runtime, started when it is first needed."""
    global _runtime
    with _starting:
        if _runtime is None:
            _runtime = start_runtime()
            atexit.register(stop)
        return _runtime


def stop() -> None:
    """End the runtime with all its workers; the next use starts another."""
    global _runtime
    with _starting:
        ending, _runtime = _runtime, None
    if ending is not None:
        atexit.unregister(stop)
        ending.close()


def client() -> Client:
    """Return this session's client, which gives up its jobs when the browser is gone."""
    mine: Client | None = st.session_state.get(_CLIENT)
    if mine is None or mine.runtime is not runtime():
        mine = st.session_state[_CLIENT] = runtime().client(_connection())
    return mine


def limits() -> Limits:
    """Return what this server lets its users do."""
    return _runtime.limits if _runtime is not None else read_limits()


def _connection() -> Callable[[], bool]:
    """Return a function that tells whether this session's browser is connected."""
    context = get_script_run_ctx()
    if context is None or not streamlit_runtime.exists():
        return lambda: True
    server, session = streamlit_runtime.get_instance(), context.session_id
    return lambda: server.is_active_session(session)
