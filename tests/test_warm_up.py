"""The server's start: it loads the model before anybody asks, and a model that cannot be loaded stops nothing."""

from __future__ import annotations

import ast
import asyncio
import logging
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from streamlit import delta_generator, env_util
from streamlit.testing.v1 import AppTest
from streamlit.web.server.app_discovery import discover_asgi_app

from igcore.errors import ModelError
from igcore.runtime import worker
from igcore.runtime.model_questions import Load, Predict
from ui import service, warm_up

APP = Path(__file__).parents[1] / "app.py"


def warmed(meanwhile=lambda: None):
    """Start, do something, and stop."""

    async def serve():
        async with warm_up.while_serving(None):
            meanwhile()

    # On a thread of its own: the browser tests' event loop runs on this one.
    server = threading.Thread(target=lambda: asyncio.run(serve()))
    server.start()
    server.join()


def test_streamlit_run_finds_the_server():
    found = discover_asgi_app(APP)
    assert found.is_asgi_app
    assert found.import_string == "app:app"


def test_importing_the_app_draws_no_page():
    page, server = ast.parse(APP.read_text()).body[-1].body, ast.parse(APP.read_text()).body[-1].orelse
    assert "first_page" in ast.unparse(page)
    assert "first_page" not in ast.unparse(server)


@pytest.fixture(autouse=True)
def fresh():
    """A runtime for the test alone."""
    service.stop()
    yield
    service.stop()


def test_threads_switch_sooner_while_it_serves():
    before, seen = sys.getswitchinterval(), []
    warmed(lambda: seen.append(sys.getswitchinterval()))
    assert seen == [pytest.approx(warm_up.SWITCH_SECONDS)]
    assert sys.getswitchinterval() == before


def test_the_model_is_there_when_somebody_asks():
    seen = []

    def somebody():
        client = service.runtime().client()
        job = client.ask(Load(warm_up.DEFAULT_MODEL))
        assert job.wait(240)
        seen.append((job.value.key, service.runtime().counts("load")))

    warmed(somebody)
    assert seen == [(warm_up.DEFAULT_MODEL, (2, 1))]


def test_the_runtime_ends_with_the_server():
    running = []
    warmed(lambda: running.append(service.runtime()))
    assert service._runtime is None
    assert running[0]._closing.is_set()


def test_streamlit_looks_for_no_console_once_a_server_runs(monkeypatch):
    def looked():
        raise AssertionError("looked through all modules")

    monkeypatch.setattr(delta_generator, "_use_warning_has_been_displayed", False)
    monkeypatch.setattr(env_util, "is_repl", looked)
    with pytest.raises(AssertionError):
        delta_generator._maybe_print_use_warning()
    delta_generator._use_warning_has_been_displayed = False
    warmed()
    delta_generator._maybe_print_use_warning()


def test_a_model_that_cannot_be_loaded_is_told_to_who_asks(monkeypatch):
    def broken(_key):
        raise ModelError("no such model here")

    monkeypatch.setattr(worker, "load_model", broken)
    told = []

    def somebody():
        client = service.runtime().client()
        job = client.ask(Predict(warm_up.DEFAULT_MODEL, np.zeros((224, 224, 3), np.float32)))
        assert job.wait(60)
        told.append(job.error)

    warmed(somebody)
    assert told == ["no such model here"]


def test_the_log_tells_how_long_a_part_took_where_it_is_asked_to(monkeypatch, caplog):
    root = logging.getLogger("igcore")
    monkeypatch.setattr(root, "level", root.level)
    for wanted in (False, True):
        monkeypatch.setenv("IGCORE_LOG", "debug" if wanted else "")
        warmed()
        caplog.clear()
        AppTest.from_file(str(APP), default_timeout=300).run()
        drawn = [record.message for record in caplog.records if "drawn in" in record.message]
        assert bool(drawn) == wanted
