"""Take the README's pictures of the dashboard anew.

``python -m bench.screenshots`` starts a server, opens its pages in Chromium and writes ``docs/*.png``; ``--out`` names
another folder, ``--lang zh`` another language, and ``--size`` another window, to look at pages as a person would.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.browser_page import LAUNCH, at_rest
from tests.dashboard import ROOT, Server

#: Pixels across at which the README shows a picture.
WIDEST = 1080

#: Pictures by name: address, what is clicked there, and how high the README's picture is.
PICTURES = {
    "explain": ("?image=coffee", "", 1010),
    "baselines": ("baselines?image=coffee&baselines=black;white;blur;uniform-noise", "", 1330),
    "integrators": ("integrators?image=coffee", ".st-key-study button", 1690),
    "methods": ("methods?image=cat", "", 1640),
    "evaluate": ("evaluate?image=coffee&tested=ig;shapley;grad-cam;gradient-x-input", ".st-key-run_tests button", 1560),
    "learn": ("learn?lesson=1", ".st-key-predict_gradient [role=radiogroup] label >> nth=1", 870),
}


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    parser.add_argument("--lang", default="en", choices=("en", "zh"))
    parser.add_argument("--size", help="width and height of the window, such as 390x844 (default: the README's)")
    parser.add_argument("--only", nargs="*", default=list(PICTURES), choices=list(PICTURES))
    options = parser.parse_args()
    if shutil.which("chromium") is None:
        parser.error("Debian's chromium is not installed; run apt-get install chromium")
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder) / "log.txt")
        browser = playwright.chromium.launch(**LAUNCH)
        for name in options.only:
            width, height = map(int, (options.size or f"1440x{PICTURES[name][2]}").split("x"))
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
            _take(page, server, name, options.lang, options.out)
            page.close()
        browser.close()
        server.stop()


def _take(page: Page, server: Server, name: str, lang: str, folder: Path) -> None:
    address, clicked, _height = PICTURES[name]
    page.goto(f"{server.url}/{address}&lang={lang}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    at_rest(page)
    # What is quick here may have begun by itself.
    if clicked and page.locator(clicked).count():
        page.locator(clicked).first.click()
        at_rest(page)
        page.locator("h1").scroll_into_view_if_needed()
    file = folder / f"{name}{'' if lang == 'en' else f'-{lang}'}.png"
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.thumbnail((WIDEST, 10 * WIDEST))
    picture.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    print(file)


if __name__ == "__main__":
    main()
