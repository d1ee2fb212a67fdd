"""A server that gets ready before anybody asks: the default model is loaded while the first browser still opens."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from streamlit import delta_generator

from igcore.errors import IGError
from igcore.models import DEFAULT_MODEL, import_without_keras
from ui import store

__all__ = ["while_serving"]

#: Seconds that a thread may keep Python's lock while another wants it, instead of 0.005.
QUICK_SWITCH = 0.0005


@asynccontextmanager
async def while_serving(_server: Any) -> AsyncIterator[None]:
    """Begin to load the default model when the server starts; whoever needs it meanwhile waits for the same load.

    With IGCORE_LOG=debug in the environment the log tells how long each part of a page took to draw.
    """
    if os.environ.get("IGCORE_LOG") == "debug":
        logging.basicConfig()
        logging.getLogger("igcore").setLevel(logging.DEBUG)
    _skip_looking_for_a_console()
    threading.Thread(target=_load, name="warm-up", daemon=True).start()
    yield


def _skip_looking_for_a_console() -> None:
    """Tell Streamlit that it needs no warning for scripts that run without a server: here one runs.

    To find out whether it is in a console it looks through the sources of all modules, at a page's first element: with
    TensorFlow's two thousand modules under way that holds everybody up for half a second.
    """
    setattr(delta_generator, "_use_warning_has_been_displayed", True)  # noqa: B010


def _load() -> None:
    # Importing TensorFlow holds Python's lock for seconds, and each of the page's files waits for its turn.
    usual = sys.getswitchinterval()
    sys.setswitchinterval(QUICK_SWITCH)
    try:
        import_without_keras()
        with suppress(IGError):  # the page says what is wrong to whoever asks for it
            store.model(DEFAULT_MODEL)
    finally:
        sys.setswitchinterval(usual)
