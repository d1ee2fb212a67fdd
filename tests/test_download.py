"""Downloads, from a real server on this machine: fetched, refused, stalled; and what is imported when."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

import igcore
from igcore.models import entry_for, fetch, missing
from igcore.models.download import hub_folder
from tests.exports import SIZE, NotCallable, export, kernel

ROOT = Path(__file__).parents[1]


class Hub(ThreadingHTTPServer):
    """Serves what a published model's address would."""

    daemon_threads = True

    def __init__(self, whole: bytes, hollow: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.whole, self.hollow = whole, hollow
        self.asked: list[str] = []
        self.closing = threading.Event()

    def handle_for(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}/1"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        name = self.path.split("/")[1]
        if name == "forbidden":
            self.send_error(403)
            return
        body = self.server.hollow if name == "hollow" else self.server.whole
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if name == "stalls":
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self.server.closing.wait()
            return
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def archive(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, str(path.relative_to(folder)), recursive=False)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    export(NotCallable(), folder / "seven", signature="serving_default")
    (folder / "hollow").mkdir()
    (folder / "hollow" / "README").write_text("no model here")
    server = Hub(archive(folder / "seven"), archive(folder / "hollow"))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def left_in(cache) -> list[str]:
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


@pytest.mark.slow
def test_a_model_is_downloaded_once_and_loads(hub, cache):
    handle = hub.handle_for("seven")
    model = igcore.load_model(handle)
    assert hub.asked.count("/seven/1?tf-hub-format=compressed") == 1
    assert model.spec.input_size == SIZE
    image = np.full((1, *SIZE, 3), 0.5, np.float32)
    np.testing.assert_allclose(model.scores(image, "logit")[0], 0.5 * kernel(7).sum(axis=0), atol=1e-6)
    assert missing(entry_for(handle)) is None
    igcore.load_model(handle)
    assert len([path for path in hub.asked if path.startswith("/seven")]) == 1
    assert [name for name in left_in(cache) if name.endswith((".lock", ".tmp"))] == []


@pytest.mark.slow
def test_a_refused_download_says_why_and_what_to_do(hub, cache):
    handle = hub.handle_for("forbidden")
    with pytest.raises(igcore.ModelUnavailable) as refusal:
        igcore.load_model(handle)
    message = str(refusal.value)
    assert "403" in message
    assert handle in message
    assert "IGCORE_CATALOGUE" in message
    assert "\n" not in message
    assert left_in(cache) == []
    assert missing(entry_for(handle)) is not None


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
def test_an_archive_without_a_model_is_refused_and_not_kept(hub):
    handle = hub.handle_for("hollow")
    with pytest.raises(igcore.ModelUnavailable) as refusal:
        fetch(entry_for(handle))
    assert "exit code 0" not in str(refusal.value)
    # What stays would be taken for the model by the next attempt, and for ever.
    assert not hub_folder(handle).exists()


@pytest.mark.slow
def test_a_download_that_stalls_ends_in_time_and_leaves_nothing(hub, cache):
    started = time.monotonic()
    with pytest.raises(igcore.ModelUnavailable, match="did not arrive within 12 s"):
        fetch(entry_for(hub.handle_for("stalls")), seconds=12)
    assert time.monotonic() - started < 16
    assert any(path.startswith("/stalls") for path in hub.asked), "the limit hit before the server was asked"
    assert left_in(cache) == []


@pytest.mark.usefixtures("cache")
def test_the_time_limit_can_be_set_in_the_environment(hub, monkeypatch):
    monkeypatch.setenv("IGCORE_DOWNLOAD_SECONDS", "0.2")
    started = time.monotonic()
    with pytest.raises(igcore.ModelUnavailable, match=r"did not arrive within 0\.2 s"):
        igcore.load_model(hub.handle_for("stalls"))
    assert time.monotonic() - started < 5


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    """An empty Keras cache, and a network that refuses every connection."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    (tmp_path / "keras" / "models").mkdir(parents=True)
    return tmp_path / "keras"


@pytest.mark.slow
@pytest.mark.usefixtures("keras_home")
def test_keras_weights_that_cannot_be_fetched_are_reported_quickly():
    started = time.monotonic()
    with pytest.raises(igcore.ModelUnavailable) as refusal:
        igcore.load_model("keras-mobilenet-v2")
    assert time.monotonic() - started < 30
    message = str(refusal.value)
    assert message.startswith("MobileNet V2 (Keras) could not be downloaded (")
    assert "python -m igcore fetch keras-mobilenet-v2" in message
    assert "\n" not in message


CUT_OFF = """
import igcore
try:
    igcore.load_model("keras-mobilenet-v2")
except igcore.ModelError as error:
    print(f"{error}")
"""


@pytest.mark.slow
def test_keras_weights_that_are_cut_off_are_a_model_error(keras_home):
    # Keras writes a download straight to its place, so a process that is ended leaves such a file.
    name = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"
    (keras_home / "models" / name).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(1000))
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", CUT_OFF], env=environment, capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr[-300:]
    assert len(done.stdout.splitlines()) == 1


IMPORTS = """
import json, sys
import igcore
facts = {"by import": [name for name in ("tensorflow", "scipy", "PIL") if name in sys.modules]}
igcore.load_model()
facts["by load"] = [name for name in ("tensorflow_hub", "tf_keras", "pkg_resources") if name in sys.modules]
import tensorflow_hub
facts["hub"] = callable(tensorflow_hub.resolve)
print(json.dumps(facts))
"""


@pytest.mark.slow
def test_libraries_are_imported_only_where_needed_and_tensorflow_hub_can_be():
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-300:]
    assert json.loads(done.stdout) == {"by import": [], "by load": [], "hub": True}
