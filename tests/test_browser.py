"""The dashboard in a real browser, as a person uses it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

import igcore

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[1]
SECONDS = 60_000
WIDE, NARROW = (1440, 900), (390, 844)

if shutil.which("chromium") is None:
    reason = "Debian's chromium is not installed; run apt-get install chromium"
    if os.environ.get("IG_REQUIRE_BROWSER") == "1":
        pytest.fail(f"IG_REQUIRE_BROWSER=1, but {reason}", pytrace=False)
    pytest.skip(reason, allow_module_level=True)

from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402


class Server:
    """A dashboard in a process of its own."""

    def __init__(self, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
        options = ["--server.port", str(self.port), "--server.address", "127.0.0.1"]
        with log.open("wb") as output:
            self.process = subprocess.Popen([*command, *options], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self) -> None:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the server did not start: {self.log.read_text()}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Server]]:
    servers: list[Server] = []

    def begin() -> Server:
        servers.append(Server(tmp_path_factory.mktemp("server") / "log.txt"))
        return servers[-1]

    yield begin
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def server(start: Callable[[], Server]) -> Server:
    return start()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Open an address in a context of its own; at the end, no error may stand in its console."""
    contexts, complaints = [], []

    def open_page(query: str = "", size: tuple[int, int] = WIDE, scheme: str = "light", url: str = "") -> Page:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(SECONDS)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{url or server.url}/{query}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
    assert "Traceback" not in server.log.read_text()


def done(page: Page, gradients: int) -> None:
    """Wait until an explanation of so many gradients is finished and drawn."""
    expect(page.locator(".st-key-completeness")).to_contain_text(f"{gradients} gradients in", timeout=SECONDS)
    expect(page.locator(".st-key-download_npz button")).to_be_enabled(timeout=SECONDS)


def spent(page: Page) -> str:
    """The sentence that tells gradients and seconds: the same seconds mean that nothing was computed anew."""
    return page.locator(".st-key-completeness [data-testid=stCaptionContainer]").inner_text().split(" s. ")[0]


def number(page: Page, label: str) -> str:
    metric = page.locator(".st-key-completeness [data-testid=stMetric]").filter(has_text=label)
    return metric.locator("[data-testid=stMetricValue]").inner_text()


def choose(page: Page, key: str, option: str) -> None:
    page.locator(f".st-key-{key} input").click()
    page.get_by_role("option", name=option, exact=True).click()


def steps_to(page: Page, presses: int, key: str = "ArrowRight") -> None:
    slider = page.locator(".st-key-steps input[type=range]")
    slider.focus()
    for _ in range(presses):
        page.keyboard.press(key)


def address(page: Page) -> dict[str, str]:
    query = urlsplit(page.evaluate("location.href")).query
    return {key: values[0] for key, values in parse_qs(query).items()}


def until(condition: Callable[[], bool], what: str) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(what)


def test_first_visit_explains_the_top_class(visit):
    page = visit()
    done(page, 51)
    expect(page.get_by_text("explained: espresso")).to_be_visible()
    assert number(page, "F(x)").startswith("0.9")
    assert page.locator(".st-key-pictures_main img").count() == 4
    assert page.locator("[data-testid=stException]").count() == 0


def test_steps_move_and_the_result_follows_by_itself(visit):
    page = visit("?image=motorcycle")
    done(page, 51)
    steps_to(page, 3)
    done(page, 81)
    until(lambda: address(page)["steps"] == "80", "the address does not carry the steps")


def test_verdict_offers_more_steps_and_takes_them(visit):
    page = visit("?image=cat&steps=20")
    done(page, 21)
    page.get_by_role("button", name="Take 80 steps").click()
    done(page, 81)
    until(lambda: address(page)["steps"] == "80", "the address does not carry the steps")


def test_rules_on_the_same_nodes_cost_no_gradient(visit):
    page = visit("?image=cat&steps=100")
    done(page, 101)
    cost = spent(page)
    before = number(page, "Sum Σ")
    choose(page, "integrator", "Simpson")
    expect(page.locator(".st-key-completeness")).to_contain_text("Simpson")
    assert number(page, "Sum Σ") != before
    choose(page, "integrator", "Trapezoid")
    expect(page.locator(".st-key-completeness")).to_contain_text("Trapezoid")
    assert number(page, "Sum Σ") == before
    assert spent(page) == cost


def test_baseline_changes_with_its_parameter(visit):
    page = visit("?image=cat")
    done(page, 51)
    choose(page, "baseline", "Gaussian blur")
    done(page, 51)
    until(lambda: address(page)["baseline"] == "blur", "the address does not carry the baseline")
    blurred = number(page, "F(x′)")
    slider = page.locator(".st-key-blur-sigma input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    until(lambda: address(page).get("blur-sigma") == "0.5", "the address does not carry σ")
    until(lambda: number(page, "F(x′)") != blurred, "another σ leaves the baseline as it was")


def test_drawing_repaints_without_a_gradient(visit):
    page = visit()
    done(page, 51)
    cost = spent(page)
    mask = page.locator(".st-key-pictures_main img").nth(2)
    before = mask.get_attribute("src")
    page.locator(".st-key-sign").get_by_text("Signed").click()
    expect(page.get_by_text("for (red) and against (blue)").first).to_be_visible()
    expect(mask).not_to_have_attribute("src", before)
    assert spent(page) == cost


def test_alpha_steps_along_the_path(visit):
    page = visit()
    done(page, 51)
    point = page.locator(".st-key-pictures_point")
    expect(point).to_contain_text("α = 0.50")
    slider = page.locator(".st-key-alpha input[type=range]")
    slider.focus()
    page.keyboard.press("End")
    expect(point).to_contain_text("α = 1.00")
    expect(point.locator("[data-testid=stMetricValue]").first).to_have_text(number(page, "F(x)"))
    page.keyboard.press("Home")
    expect(point).to_contain_text("α = 0.00")
    expect(point.locator("[data-testid=stMetricValue]").first).to_have_text(number(page, "F(x′)"))


def test_downloads_have_names_and_reproduce_the_run(visit, tmp_path, model):
    page = visit("?image=coffee&steps=20&baseline=uniform-noise")
    done(page, 21)
    files = {}
    for kind in ("png", "npz", "json"):
        with page.expect_download() as arriving:
            page.locator(f".st-key-download_{kind} button").click()
        assert arriving.value.suggested_filename == f"coffee_espresso_ig_uniform-noise_trapezoid20.{kind}"
        files[kind] = tmp_path / arriving.value.suggested_filename
        arriving.value.save_as(files[kind])
    assert igcore.load_image(files["png"]).shape == (224, 224, 3)
    settings = json.loads(files["json"].read_text())
    shown = igcore.Attribution.load(files["npz"])
    image = igcore.load_image(igcore.PHOTOS[settings["image"]["bundled"]].path, (224, 224), settings["fit"])
    method = igcore.IntegratedGradients(settings["baseline"]["key"], settings["integrator"], settings["steps"])
    again = igcore.explain(model, image, method, settings["target"], settings["seed"])
    np.testing.assert_allclose(again.values, shown.values, atol=1e-6)
    assert "--baseline 'uniform-noise" in settings["command"]


def test_upload_is_explained_and_never_enters_the_link(visit):
    page = visit()
    done(page, 51)
    page.locator(".st-key-source").get_by_text("Upload").click()
    page.locator(".st-key-upload input[type=file]").set_input_files(igcore.PHOTOS["camera"].path)
    expect(page.get_by_text("explained: tripod")).to_be_visible()
    done(page, 51)
    until(lambda: "image" not in address(page), "the address still names an image")


def test_bad_uploads_say_so_in_one_line_and_the_result_stays(visit, tmp_path):
    page = visit()
    done(page, 51)
    score = number(page, "F(x)")
    page.locator(".st-key-source").get_by_text("Upload").click()
    (tmp_path / "text.jpg").write_text("not an image")
    (tmp_path / "cut.png").write_bytes(igcore.PHOTOS["cat"].path.read_bytes()[:5000])
    (tmp_path / "empty.png").write_bytes(b"")
    for name, complaint in {
        "text.jpg": "not a JPEG, PNG or WebP",
        "cut.png": "damaged or cut off",
        "empty.png": "empty",
    }.items():
        page.locator(".st-key-upload input[type=file]").set_input_files(tmp_path / name)
        alert = page.locator("[data-testid=stAlert]").filter(has_text=complaint)
        expect(alert).to_be_visible()
        assert number(page, "F(x)") == score
        assert page.locator(".st-key-pictures_main img").count() == 4
    assert page.locator("[data-testid=stException]").count() == 0


def test_odd_steps_for_simpson_are_explained_and_the_result_stays(visit):
    page = visit("?steps=25&integrator=simpson")
    expect(page.locator("[data-testid=stAlert]")).to_contain_text("even number of steps, got 25; take 24 or 26")
    assert page.locator("[data-testid=stException]").count() == 0


def test_long_run_can_be_stopped_and_the_page_stays_usable(visit):
    page = visit("?image=rocket&steps=1000")
    expect(page.locator(".st-key-progress")).to_contain_text(re.compile(r"\d+ of 1001 gradients"), timeout=SECONDS)
    page.locator(".st-key-stop button").click()
    expect(page.locator(".st-key-progress")).to_contain_text("Stopped", timeout=15_000)
    page.get_by_role("button", name="Run again").click()
    expect(page.locator(".st-key-progress")).to_contain_text(re.compile(r"\d+ of 1001 gradients"), timeout=SECONDS)
    steps_to(page, 1, "Home")
    done(page, 11)


def test_deep_link_on_a_cold_server_gives_its_picture(start, visit):
    query = "?image=motorcycle&target=670&baseline=blur&blur-sigma=10.0&steps=40&integrator=midpoint&sign=signed"
    page = visit(query, url=start().url)
    done(page, 40)
    expect(page.get_by_text("explained: motor scooter")).to_be_visible()
    expect(page.get_by_text("for (red) and against (blue)").first).to_be_visible()
    expected = {part.split("=")[0]: part.split("=")[1] for part in query[1:].split("&")}
    assert address(page).items() >= expected.items()


def test_link_with_nonsense_falls_back_to_defaults(visit):
    page = visit("?image=../../etc/passwd&model=/tmp/model&steps=1e9&baseline=<b>&target=99999&blur-sigma=nan")
    done(page, 51)
    expect(page.get_by_text("explained: espresso")).to_be_visible()
    assert page.locator("[data-testid=stException]").count() == 0


def test_model_that_is_not_here_leaves_the_page_running(visit):
    page = visit("?model=inception-v1")
    expect(page.locator("[data-testid=stAlert]")).to_contain_text("python -m igcore fetch inception-v1")
    done(page, 51)
    expect(page.get_by_text("explained: espresso")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_overflows_sideways(visit, size, scheme):
    page = visit("?image=coffee", size, scheme)
    done(page, 51)
    expect(page.locator(".st-key-curve_cumulative .main-svg").first).to_be_visible()
    overflow = page.evaluate(
        "() => { const main = document.querySelector('[data-testid=stMain]');"
        " return [main.scrollWidth - main.clientWidth, document.body.scrollWidth - window.innerWidth]; }"
    )
    assert max(overflow) <= 1
    background = page.evaluate("() => getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    folder = os.environ.get("IG_SCREENSHOTS")
    if folder:
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": size[0], "height": min(height, 6000)})
        page.wait_for_timeout(1000)
        page.screenshot(path=Path(folder) / f"explain-{size[0]}-{scheme}.png")
