"""A server that gets ready before anybody asks: the default model is loaded while the first browser still opens."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from streamlit import delta_generator

from igcore.models import DEFAULT_MODEL
from igcore.runtime.model_questions import Load
from ui import service, uploads

__all__ = ["while_serving"]

#: How long a thread that draws a page keeps Python's lock while others want it. The loop that talks to all browsers
#: wants it for every message, and waits for each thread in turn: with thirty pages at once, for ten times as long by
#: Python's own 5 ms.
SWITCH_SECONDS = 0.0005


@asynccontextmanager
async def while_serving(_server: Any) -> AsyncIterator[None]:
    """Begin to load the default model when the server starts; whoever needs it meanwhile waits for the same load.

    With IGCORE_LOG=debug in the environment the log tells how long each part of a page took to draw.
    """
    if os.environ.get("IGCORE_LOG") == "debug":
        logging.basicConfig()
        logging.getLogger("igcore").setLevel(logging.DEBUG)
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    _skip_looking_for_a_console()
    uploads.limit_total_of_server(int(service.limits().upload_held_megabytes * 1e6))
    # Its jobs end with a client, so it stays until the server stops. What fails is told to whoever asks for the model.
    first = service.runtime().client()
    first.ask(Load(DEFAULT_MODEL))
    yield
    service.stop()
    sys.setswitchinterval(before)


def _skip_looking_for_a_console() -> None:
    """Tell Streamlit that it needs no warning for scripts that run without a server: here one runs.

    To find out whether it is in a console it looks through the sources of all modules, at a page's first element: that
    holds everybody up for half a second.
    """
    setattr(delta_generator, "_use_warning_has_been_displayed", True)  # noqa: B010
