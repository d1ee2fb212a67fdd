"""Accessibility: axe-core finds no serious and no critical issue on any page, in either theme and language."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile

import pytest
from playwright.sync_api import expect

from tests.browser_page import at_rest

pytestmark = pytest.mark.browser

AXE = "axe-core@4.14.1"

#: What Streamlit's own markup causes, by axe's rule, and why. Everything else is ours to mend.
STREAMLIT: dict[str, str] = {}

PAGES = (
    "?integrator=midpoint&steps=10",
    "baselines?integrator=midpoint&steps=10&baselines=black;white",
    "integrators?integrator=midpoint&steps=10",
    "methods?methods=gradient;grad-cam;lrp-composite",
    "evaluate?tested=gradient;gradient-x-input&metrics=deletion;energy-in-box",
    "batch?integrator=midpoint&steps=10",
)
LOOKS = (("en", "light"), ("zh", "dark"))
#: Every page both ways; lessons, which are made of the same parts, in turn.
CASES = [(page, *look) for page in PAGES for look in LOOKS]
CASES += [(f"learn?lesson={lesson}", *LOOKS[lesson % 2]) for lesson in range(1, 7)]
VIEWS = ("randomization&shuffled=gradient", "regions&region_count=4", "criteria")
CASES += [(f"evaluate?view={view}", *LOOKS[place % 2]) for place, view in enumerate(VIEWS)]


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The script, as npm has it."""
    if shutil.which("npm") is None:
        reason = "npm is not installed; run apt-get install npm"
        if os.environ.get("IG_REQUIRE_BROWSER") == "1":
            pytest.fail(f"IG_REQUIRE_BROWSER=1, but {reason}", pytrace=False)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("axe")
    subprocess.run(["npm", "pack", AXE], cwd=folder, check=True, capture_output=True)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as opened:
        script = opened.extractfile("package/axe.min.js")
        assert script is not None
        return script.read().decode()


@pytest.mark.parametrize(("page", "lang", "scheme"), CASES)
def test_nothing_serious_on_any_page(visit, axe, page, lang, scheme):
    view = visit(f"{page}&lang={lang}", scheme=scheme)
    expect(view.get_by_role("heading", level=1)).to_be_visible()
    if page.startswith("batch"):
        view.locator(".st-key-batch_bundled button").click()
        expect(view.locator(".st-key-batch_begin button")).to_be_enabled()
        view.mouse.move(0, 0)
    at_rest(view)
    view.evaluate(axe)
    found = view.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    told = [
        f"{one['impact']} {one['id']}: {one['help']}: {node['target']} {node['html'][:200]} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical") and one["id"] not in STREAMLIT
        for node in one["nodes"]
    ]
    assert not told, "\n".join(told)


def test_the_check_finds_what_is_wrong(visit, axe):
    view = visit("learn?lesson=1")
    expect(view.get_by_role("heading", level=1)).to_be_visible()
    view.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=\"x.png\"><button></button>')")
    view.evaluate(axe)
    found = {one["id"] for one in view.evaluate("axe.run()")["violations"]}
    assert {"image-alt", "button-name"} <= found
