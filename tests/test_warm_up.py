"""The server's start: it loads the model before anybody asks, and a model that cannot be loaded stops nothing."""

from __future__ import annotations

import ast
import asyncio
import logging
import threading
from pathlib import Path

import pytest
from streamlit import delta_generator, env_util
from streamlit.testing.v1 import AppTest
from streamlit.web.server.app_discovery import discover_asgi_app

from igcore.errors import ModelError
from ui import store, warm_up

APP = Path(__file__).parents[1] / "app.py"


def warmed():
    """Start and stop, and wait for what was begun."""

    async def serve():
        async with warm_up.while_serving(None):
            pass

    # On a thread of its own: the browser tests' event loop runs on this one.
    server = threading.Thread(target=lambda: asyncio.run(serve()))
    server.start()
    server.join()
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join(240)
            assert not thread.is_alive()


def test_streamlit_run_finds_the_server():
    found = discover_asgi_app(APP)
    assert found.is_asgi_app
    assert found.import_string == "app:app"


def test_importing_the_app_draws_no_page():
    page, server = ast.parse(APP.read_text()).body[-1].body, ast.parse(APP.read_text()).body[-1].orelse
    assert "first_page" in ast.unparse(page)
    assert "first_page" not in ast.unparse(server)


def test_the_model_is_there_when_somebody_asks(monkeypatch):
    monkeypatch.setattr(store, "_models", {})
    warmed()
    assert store._models[warm_up.DEFAULT_MODEL] is store.model(warm_up.DEFAULT_MODEL)


def test_streamlit_looks_for_no_console_once_a_server_runs(monkeypatch):
    def looked():
        raise AssertionError("looked through all modules")

    monkeypatch.setattr(delta_generator, "_use_warning_has_been_displayed", False)
    monkeypatch.setattr(env_util, "is_repl", looked)
    with pytest.raises(AssertionError):
        delta_generator._maybe_print_use_warning()
    delta_generator._use_warning_has_been_displayed = False
    monkeypatch.setattr(warm_up, "_load", lambda: None)
    warmed()
    delta_generator._maybe_print_use_warning()


def test_a_model_that_cannot_be_loaded_is_told_to_who_asks(monkeypatch):
    def broken(_key):
        raise ModelError("no such model here")

    monkeypatch.setattr(store, "_models", {})
    monkeypatch.setattr(store.igcore, "load_model", broken)
    warmed()
    with pytest.raises(ModelError, match="no such model here"):
        store.model(warm_up.DEFAULT_MODEL)


def test_the_log_tells_how_long_a_part_took_where_it_is_asked_to(monkeypatch, caplog):
    monkeypatch.setattr(warm_up, "_load", lambda: None)
    root = logging.getLogger("igcore")
    monkeypatch.setattr(root, "level", root.level)
    for wanted in (False, True):
        monkeypatch.setenv("IGCORE_LOG", "debug" if wanted else "")
        warmed()
        caplog.clear()
        AppTest.from_file(str(APP), default_timeout=300).run()
        drawn = [record.message for record in caplog.records if "drawn in" in record.message]
        assert bool(drawn) == wanted
