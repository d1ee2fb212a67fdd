"""How long a person waits on the page: in Chromium, from the click to the picture.

Run as ``python -m bench.pages`` (needs requirements-dev.txt and Debian's chromium). A cold start is timed from the
start of the server's process to the first picture of an explanation and to the finished one, everything included:
Python, Streamlit, TensorFlow, the model. Then, on a running server, from a click to the first and to the final picture
of a new explanation, and to the repaint after a change that needs no gradient. For these the server's own time is told,
too: of the page's script, or the part of it that ran, which the server's log tells.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg

from bench.timing import machine_line, save, spread
from tests.browser_page import LAUNCH, WIDE, choose, done, settled
from tests.dashboard import Server

#: Clicked on one after the other; each is computed anew.
BASELINES = ("White", "Gray", "Image mean", "Uniform noise", "Gaussian noise", "Gaussian blur", "Maximum distance")
SIGNS = ("Positive", "Negative", "Signed", "Absolute")
SHARING = ("Simpson", "Left Riemann sum", "Right Riemann sum", "Trapezoid")
#: Milliseconds that anything may take.
LIMIT = 120_000


class Waiting:
    """A page, what is drawn on it, when it asked the server, and what the server says of its own time."""

    def __init__(self, page: Page, log: Path) -> None:
        self.page, self.log = page, log
        self.asked: list[float] = []
        page.on("websocket", lambda socket: socket.on("framesent", self._sent))

    def _sent(self, payload: Any) -> None:
        if isinstance(payload, bytes) and BackMsg.FromString(payload).WhichOneof("type") == "rerun_script":
            self.asked.append(time.perf_counter())

    def served(self) -> list[float]:
        """Return the seconds that the server took for whatever it drew; a part of the page comes before the whole."""
        told = re.findall(r"drawn in (\d+) ms", self.log.read_text())
        return [int(found) / 1000 for found in told]

    def mask(self) -> str:
        """The attribution's picture."""
        return str(self.page.locator(".st-key-pictures_main img").nth(2).get_attribute("src"))

    def told(self) -> str:
        """What the card says of the run."""
        return self.page.locator(".st-key-completeness [data-testid=stCaptionContainer]").inner_text()

    def until(self, condition: str, *values: Any) -> float:
        """Wait until a condition in the browser holds, and return when."""
        self.page.wait_for_function(condition, arg=list(values), polling="raf", timeout=LIMIT)
        return time.perf_counter()


NEW_PICTURE = """([before]) => {
    const found = document.querySelectorAll('.st-key-pictures_main img')[2];
    return found && found.complete && found.src !== before;
}"""
FINISHED = """([before]) => {
    const told = document.querySelector('.st-key-completeness [data-testid=stCaptionContainer]')?.innerText ?? '';
    return /\\d gradients in/.test(told) && told !== before;
}"""


def main() -> None:
    """Measure, print and write bench/results/pages.json."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__.split("\n")[0])
    parser.add_argument("--cold", type=int, default=5, help="cold starts (default: 5)")
    parser.add_argument("--dry", action="store_true", help="print only, write nothing")
    options = parser.parse_args()
    found: dict[str, Any] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**LAUNCH)

        @contextmanager
        def opened(address: str) -> Iterator[tuple[Waiting, float]]:
            """Start a server and open an address there."""
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                server = Server(Path(folder) / "log.txt", IGCORE_LOG="debug")
                context = browser.new_context(viewport={"width": WIDE[0], "height": WIDE[1]})
                try:
                    page = context.new_page()
                    waiting = Waiting(page, server.log)
                    page.goto(f"{server.url}/{address}")
                    yield waiting, started
                finally:
                    context.close()
                    server.stop()

        starts = []
        for _ in range(options.cold):
            with opened("") as (waiting, started):
                first = waiting.until(NEW_PICTURE, "")
                starts.append((first - started, waiting.until(FINISHED, "") - started))
        found["cold start to first picture"], found["cold start to explanation"] = map(
            spread, zip(*starts, strict=True)
        )
        with opened("?image=cat") as (waiting, _):
            found |= on_a_running_server(waiting)
        browser.close()
    for name, times in found.items():
        print(f"{name:<58} {times['median']:6.2f} s (from {times['min']:.2f} to {times['max']:.2f})")
    print(machine_line())
    if not options.dry:
        print(f"written: {save('pages', {'seconds': found})}")


def on_a_running_server(waiting: Waiting) -> dict[str, dict[str, float]]:
    """Click through baselines, then through what needs no gradient."""
    page = waiting.page
    done(page)
    settled(page)
    first, final = [], []
    for name in BASELINES:
        picture, told = waiting.mask(), waiting.told()
        started = _clicked(waiting, partial(choose, page, "baseline", name))
        first.append(waiting.until(NEW_PICTURE, picture) - started)
        final.append(waiting.until(FINISHED, told) - started)
        settled(page)
    found = {"click to first picture": spread(first), "click to explanation, adaptive": spread(final)}
    found |= _repaints(
        "another sign", waiting, SIGNS, lambda name: page.locator(".st-key-sign").get_by_text(name).click()
    )
    choose(page, "integrator", "Trapezoid")
    page.wait_for_timeout(500)
    settled(page)
    done(page, 51)
    return found | _repaints("another rule", waiting, SHARING, lambda name: choose(page, "integrator", name))


def _clicked(waiting: Waiting, click: Callable[[], object]) -> float:
    """Click, and return when the browser asked the server, which it does in the same moment."""
    before = len(waiting.asked)
    click()
    while len(waiting.asked) == before:
        waiting.page.wait_for_timeout(1)
    return waiting.asked[before]


def _repaints(
    what: str, waiting: Waiting, names: tuple[str, ...], click: Callable[[str], object]
) -> dict[str, dict[str, float]]:
    """Time changes that need no gradient: until the picture is there, and what the server took."""
    shown, served = [], []
    for name in names:
        picture, drawn = waiting.mask(), len(waiting.served())
        started = _clicked(waiting, partial(click, name))
        shown.append(waiting.until(NEW_PICTURE, picture) - started)
        settled(waiting.page)
        assert len(waiting.served()) > drawn
        served.append(waiting.served()[-1])
    return {f"{what}: to the repaint": spread(shown), f"{what}: on the server": spread(served)}


if __name__ == "__main__":
    main()
