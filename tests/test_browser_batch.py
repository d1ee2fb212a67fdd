"""The page for many images, and what a crowded server tells those who wait, in a real browser."""

from __future__ import annotations

import io
import os
import re
import signal
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pyarrow import parquet

import igcore
from tests.browser_page import LOOKS, alert, done, no_sideways_overflow, settled

pytestmark = pytest.mark.browser

QUICK = "batch?integrator=midpoint&steps=10"


def photo(color: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), color).save(buffer, "PNG")
    return buffer.getvalue()


def chosen(page: Page, *files: tuple[str, bytes]) -> None:
    page.locator(".st-key-batch_upload input[type=file]").set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files]
    )


def explained(page: Page, told: str) -> None:
    page.locator(".st-key-batch_begin button").click()
    expect(page.locator(".st-key-batch_progress")).to_contain_text(told)


def test_uploads_are_explained_and_taken_along_as_a_zip(visit):
    page = visit(QUICK)
    chosen(page, ("red.png", photo("red")), ("blue.png", photo("blue")), ("bad.png", b"no image"))
    explained(page, "2 of 3 images")
    gallery = page.locator(".st-key-batch_gallery img")
    expect(gallery).to_have_count(2)
    expect(page.locator(".st-key-batch_gallery")).to_contain_text("red.png")
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Everything (ZIP)").click()
    assert download.value.suggested_filename == "igcore-batch_efficientnet-lite0_ig_3-images.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        rows = parquet.read_table(io.BytesIO(archive.read("manifest.parquet"))).to_pylist()
        assert [(row["name"], row["gradient_count"]) for row in rows] == [
            ("bad.png", None),
            ("blue.png", 10),
            ("red.png", 10),
        ]
        assert {row["overlay"] for row in rows if row["overlay"]} <= set(archive.namelist())


def test_a_zip_that_leads_outside_is_one_line(visit):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../app.png", photo("red"))
    page = visit(QUICK)
    chosen(page, ("a.zip", buffer.getvalue()))
    expect(alert(page, "leads outside of it")).to_be_visible()
    expect(page.locator(".st-key-batch_begin button")).to_be_disabled()


def test_a_batch_goes_on_while_its_owner_looks_at_another_page(visit):
    page = visit("batch?integrator=trapezoid&steps=50")
    chosen(page, *((f"{n}.png", photo(f"rgb({8 * n}, 0, 90)")) for n in range(12)))
    page.locator(".st-key-batch_begin button").click()
    expect(page.locator(".st-key-batch_progress")).to_contain_text(re.compile(r"[1-9] of 12 images"))
    page.get_by_role("link", name="Explain an image").click()
    done(page)
    page.get_by_role("link", name="Explain many images").click()
    expect(page.locator(".st-key-batch_progress")).to_contain_text(re.compile(r"12 of 12 images, \d+ gradients"))


def test_a_worker_that_is_killed_is_not_noticed(visit, start):
    own = start()
    page = visit("?integrator=trapezoid&steps=300", url=own.url)
    expect(page.locator(".st-key-completeness")).to_contain_text(re.compile(r"\d+ of 301 gradients"))
    for child in Path(f"/proc/{own.process.pid}/task").glob("*/children"):
        for number in map(int, child.read_text().split()):
            os.kill(number, signal.SIGKILL)
    done(page, 301)


def test_who_waits_is_told_his_place(visit):
    six = "integrator=trapezoid&steps=1000&baselines=black;white;gray;mean;blur;uniform-noise"
    first, second, third = list(igcore.PHOTOS)[:3]
    busy = [visit(f"baselines?image={one}&{six}") for one in (first, second)]
    for one in busy:
        expect(one.locator(".st-key-progress")).to_contain_text(re.compile(r"of \d+ finished"))
    # Nobody asked this before, so that the server has no answer at hand.
    page = visit(f"?image={third}&baseline=max-distance&integrator=trapezoid&steps=43")
    waiting = page.locator(".st-key-completeness")
    expect(waiting).to_contain_text(re.compile(r"Waiting for others on this server: (next|\d+ before it)"))
    for one in busy:
        one.close()
    done(page, 44)


def test_a_batch_that_the_server_has_no_room_for_says_so(visit, start, tmp_path):
    (tmp_path / "limits.toml").write_text("[upload]\nheld_megabytes = 0.1\n")
    page = visit("batch", url=start(IGCORE_LIMITS=str(tmp_path / "limits.toml")).url)
    page.locator(".st-key-batch_upload input[type=file]").set_input_files([igcore.PHOTOS["camera"].path])
    expect(alert(page, "no room left for uploads")).to_be_visible()


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_nothing_overflows_sideways(visit, size, scheme):
    page = visit(QUICK, size, scheme)
    no_sideways_overflow(page, "batch-empty", size, scheme)
    page.locator(".st-key-batch_bundled button").click()
    count = len(igcore.PHOTOS)
    explained(page, f"{count} of {count} images")
    expect(page.get_by_text("What the images of a class have in common")).to_be_visible()
    settled(page)
    no_sideways_overflow(page, "batch", size, scheme)
