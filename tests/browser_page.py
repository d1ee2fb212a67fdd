"""The dashboard in Chromium: servers, visits, and what several files of browser tests do on a page.

`conftest.py` takes the fixtures over, so that all files share one server and one browser.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.dashboard import Server

WIDE, NARROW = (1440, 900), (390, 844)

#: Sizes and themes in which every page is looked at; what fits does not depend on the theme.
LOOKS = [pytest.param(WIDE, "light", id="wide-light"), pytest.param(NARROW, "dark", id="narrow-dark")]

#: How Debian's Chromium is started.
LAUNCH: dict[str, Any] = {
    "executable_path": shutil.which("chromium"),
    "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
}

#: Opened at a sub page's address, Streamlit first looks for its server below that address, which gives two 404.
SEARCHED = re.compile(r"/(baselines|integrators|methods|evaluate|batch|learn)/_stcore/(health|host-config)$")

#: Streamlit's own words for a look at work under way that it skips where it is not connected, as seen of pages that an
#: overloaded machine closes late. Whether a page comes back and goes on is what the tests look at.
RECONNECTING = "Cannot send rerun backMessage when disconnected from server."

#: How often in a row, every half second, a page is found at rest before it counts as such.
CALM = 6

#: What any single expectation may take, in milliseconds: other work may keep the machine busy.
SECONDS = 240_000
expect.set_options(timeout=SECONDS)


@pytest.fixture(scope="session")
def servers() -> Iterator[list[Server]]:
    """Every server that runs."""
    running: list[Server] = []
    yield running
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def start(servers: list[Server], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Server]:
    """Start one more server, with these variables in its environment."""

    def begin(**environment: str) -> Server:
        servers.append(Server(tmp_path_factory.mktemp("server") / "log.txt", **environment))
        return servers[-1]

    return begin


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if shutil.which("chromium") is None:
        reason = "Debian's chromium is not installed; run apt-get install chromium"
        if os.environ.get("IG_REQUIRE_BROWSER") == "1":
            pytest.fail(f"IG_REQUIRE_BROWSER=1, but {reason}", pytrace=False)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(**LAUNCH)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server(browser: Browser, start: Callable[..., Server]) -> Server:  # noqa: ARG001 (without a browser, no server)
    return start()


@pytest.fixture
def visit(browser: Browser, server: Server, servers: list[Server]) -> Iterator[Callable[..., Page]]:
    """Open an address in a context of its own; at the end, no error may stand in its console or in a server's log."""
    contexts, complaints = [], []
    logs = {one.log: one.log.stat().st_size for one in servers}

    def complain(message: ConsoleMessage) -> None:
        known = message.text == RECONNECTING or SEARCHED.search(message.location.get("url", ""))
        if message.type == "error" and not known:
            complaints.append(message.text)

    def open_page(address: str = "", size: tuple[int, int] = WIDE, scheme: Any = "light", url: str = "") -> Page:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(SECONDS)
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{url or server.url}/{address}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    for one in servers:
        told = one.log.read_bytes()[logs.get(one.log, 0) :].decode()
        if "Traceback" in told:
            complaints.append(told[told.index("Traceback") :])
    assert not complaints, "\n".join(complaints)


def done(page: Page, gradients: int | None = None) -> None:
    """Wait until an explanation, of so many gradients, is finished and drawn."""
    count = r"\d+" if gradients is None else str(gradients)
    expect(page.locator(".st-key-completeness")).to_contain_text(re.compile(rf"(?<!\d){count} gradients in"))


def spent(page: Page) -> str:
    """The sentence that tells gradients and seconds: the same seconds mean that nothing was computed anew."""
    return page.locator(".st-key-completeness [data-testid=stCaptionContainer]").inner_text().split(" s. ")[0]


def number(page: Page, label: str) -> str:
    metric = page.locator(".st-key-completeness [data-testid=stMetric]").filter(has=page.get_by_text(label, exact=True))
    return metric.locator("[data-testid=stMetricValue]").inner_text()


def choose(page: Page, key: str, option: str) -> None:
    box = page.locator(f".st-key-{key} input[role=combobox]")
    # A list that is open closes where the page scrolls under it, so scrolling is done with before.
    box.scroll_into_view_if_needed()
    page.evaluate("() => new Promise(then => requestAnimationFrame(() => requestAnimationFrame(then)))")
    box.click()
    page.get_by_role("option", name=option, exact=True).click()


def slide(page: Page, key: str, *presses: str) -> None:
    """Move a slider with the keyboard."""
    slider = page.locator(f".st-key-{key} input[type=range]")
    slider.focus()
    for key_name in presses:
        page.keyboard.press(key_name)


def address(page: Page) -> dict[str, str]:
    query = urlsplit(page.evaluate("location.href")).query
    return {key: values[0] for key, values in parse_qs(query).items()}


def until(condition: Callable[[], bool], what: str) -> None:
    for _ in range(SECONDS // 100):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(what)


def alert(page: Page, text: str) -> Locator:
    return page.locator("[data-testid=stAlert]").filter(has_text=text)


@contextmanager
def unmoved(page: Page, *parts: Callable[[Page], object]) -> Iterator[None]:
    """Hold that these parts of the page are the same after as before."""
    before = [part(page) for part in parts]
    yield
    assert [part(page) for part in parts] == before


def settled(page: Page) -> None:
    """Wait until the page's script has run to its end, and everything of an earlier run is gone."""
    expect(page.locator("[data-testid=stApp]")).to_have_attribute("data-test-script-state", "notRunning")
    expect(page.locator("[data-stale=true]")).to_have_count(0)


def at_rest(page: Page) -> None:
    """Wait until nothing is computed any more and everything is drawn, and it stays so for some seconds."""
    signs = ("stSpinner", "stProgress", "stSkeleton")
    busy = page.locator(
        ", ".join(f"[data-testid={sign}]" for sign in signs) + ", .st-key-stop button, [data-stale=true]"
    )
    calm = 0
    while calm < CALM:
        page.wait_for_timeout(500)
        calm = calm + 1 if busy.count() == 0 else 0
    settled(page)


def traces(page: Page, key: str) -> list[dict[str, Any]]:
    """What is drawn in a chart: name, kind and number of points of each trace."""
    return page.evaluate(
        "key => [...(document.querySelector(`.st-key-${key} .js-plotly-plot`)?.data ?? [])]"
        ".map(one => ({name: one.name, kind: one.type, points: one.x.length}))",
        key,
    )


def no_sideways_overflow(page: Page, name: str, size: tuple[int, int], scheme: str) -> None:
    """Hold that nothing overflows; write a screenshot where one is asked for."""
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
        page.screenshot(path=Path(folder) / f"{name}-{size[0]}-{scheme}.png")
