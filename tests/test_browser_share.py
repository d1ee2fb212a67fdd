"""Links, reports, and a run that is repeated from the file that the page gives."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

import igcore
from igcore.cli import main
from tests.browser_page import address, at_rest, done, until

pytestmark = pytest.mark.browser

REPORTED = {
    "first page": ("?image=cat&integrator=midpoint&steps=10", "Explanation of “Egyptian cat”", 1),
    "baselines": ("baselines?image=cat&integrator=midpoint&steps=10&baselines=black;white", "3 explanations", 3),
    "integrators": ("integrators?image=cat&integrator=midpoint&steps=10", "Explanation of “Egyptian cat”", 1),
    "methods": ("methods?image=cat&methods=gradient;grad-cam", "2 explanations", 2),
}


def downloaded(page: Page, key: str):
    with page.expect_download() as arriving:
        page.locator(f".st-key-{key} button").click()
    return arriving.value


def report_of(page: Page, folder):
    at_rest(page)  # what is still being drawn above would push the button, and what it opens, out of the window
    page.locator(".st-key-report button").click()
    expect(page.locator(".st-key-download_html button")).to_be_visible()
    file = downloaded(page, "download_html")
    path = folder / file.suggested_filename
    file.save_as(path)
    return path


def opened_offline(browser: Browser, path) -> tuple[Page, list[str]]:
    context = browser.new_context(offline=True)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url))
    page.goto(path.as_uri())
    return page, complaints


def test_the_link_opens_the_same_page(visit):
    page = visit("?image=cat&baseline=white&integrator=midpoint&steps=10")
    done(page, 10)
    # A change of the drawing alone draws only a part of the page anew; the link holds it, too.
    page.locator(".st-key-sign").get_by_text("Positive").click()
    until(lambda: address(page).get("sign") == "positive", "the address does not hold the sign")
    page.locator(".st-key-share button").click()
    link = page.locator("[data-testid=stPopoverBody] code")
    expect(link).to_contain_text("sign=positive")
    shown = {key: values[0] for key, values in parse_qs(urlsplit(link.inner_text()).query).items()}
    assert shown == address(page)
    expect(page.get_by_text("An image of your own never goes into a link")).to_have_count(0)
    other = visit(url=link.inner_text().strip())
    done(other, 10)
    until(lambda: address(other) == shown, "the link opens another page")


def test_a_link_says_that_an_upload_is_not_in_it(visit):
    page = visit("?integrator=midpoint&steps=10")
    done(page, 10)
    page.locator(".st-key-source").get_by_text("Upload").click()
    page.locator(".st-key-upload input[type=file]").set_input_files(igcore.PHOTOS["cat"].path)
    expect(page.get_by_text("explained: Egyptian cat")).to_be_visible()
    page.locator(".st-key-share button").click()
    expect(page.get_by_text("An image of your own never goes into a link")).to_be_visible()
    expect(page.locator("[data-testid=stPopoverBody] code")).not_to_contain_text("image=")


@pytest.mark.parametrize("name", REPORTED)
def test_a_report_opens_from_disk_without_a_network(visit, browser, tmp_path, name):
    query, title, maps = REPORTED[name]
    page = visit(query)
    path = report_of(page, tmp_path)
    assert path.suffix == ".html"
    report, complaints = opened_offline(browser, path)
    expect(report.get_by_role("heading", level=1)).to_contain_text(title)
    pictures = report.locator("img")
    assert pictures.count() >= 2 * maps
    assert pictures.evaluate_all("all => all.every(one => one.complete && one.naturalWidth > 0)")
    expect(report.locator("pre").first).to_contain_text("python -m igcore explain cat")
    assert not complaints
    report.context.close()


def test_a_report_is_in_the_page_s_language(visit, browser, tmp_path):
    page = visit("?image=cat&integrator=midpoint&steps=10&lang=zh")
    report, complaints = opened_offline(browser, report_of(page, tmp_path))
    expect(report.get_by_role("heading", level=1)).to_contain_text("Egyptian cat")
    expect(report.locator("html")).to_have_attribute("lang", "zh-Hans")
    left = re.findall(r"\b[a-z]{3,}(?: [a-z]{3,}){2,}", report.locator("body").inner_text())
    assert not [one for one in left if "igcore" not in one], left
    assert not complaints
    report.context.close()


@pytest.mark.parametrize("integrator", ["left", "trapezoid", "adaptive"])
def test_settings_repeat_the_run_to_the_last_bit(visit, tmp_path, integrator):
    page = visit(f"?image=cat&baseline=gaussian-noise&integrator={integrator}&steps=12&max_gradients=64")
    done(page)
    settings, maps = tmp_path / "run.json", tmp_path / "page.npz"
    downloaded(page, "download_json").save_as(settings)
    downloaded(page, "download_npz").save_as(maps)
    again = tmp_path / "again.npz"
    assert main(["explain", "cat", "--settings", str(settings), "--out", str(again)]) == 0
    theirs, ours = igcore.Attribution.load(maps), igcore.Attribution.load(again)
    assert theirs.values.tobytes() == ours.values.tobytes()
    assert np.array_equal(theirs.trace.scores, ours.trace.scores)
    assert theirs.settings == ours.settings
