"""The page for many images, without a browser."""

from __future__ import annotations

import io
import time
import zipfile

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet
from streamlit.testing.v1 import AppTest

import igcore
from tests.test_hostile_images import VALID, png
from tests.test_page import APP

QUICK = {"batch_method": "ig", "integrator": "midpoint", "steps": "10"}


def opened(**query: str) -> AppTest:
    page = AppTest.from_file(APP, default_timeout=300)
    page.switch_page("pages/batch.py")
    page.query_params.update(QUICK | query)
    return drawn(page.run())


def drawn(page: AppTest) -> AppTest:
    assert not page.exception
    return page


def uploaded(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    kinds = {"zip": "application/zip"}
    given = [(name, data, kinds.get(name.rpartition(".")[2], "image/png")) for name, data in files]
    return drawn(page.get("file_uploader")[0].set_value(given).run())


def run_of(page: AppTest):
    return page.session_state["batch run"]


def finished(page: AppTest) -> AppTest:
    """Begin the batch and wait for its end."""
    drawn(page.button(key="batch_begin").click().run())
    deadline = time.monotonic() + 240
    while run_of(page).running:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return drawn(page.run())


def photo(color: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), color).save(buffer, "PNG")
    return buffer.getvalue()


def packed(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/") + ".png", data)
    return buffer.getvalue()


def buttons(page: AppTest) -> set[str]:
    return {button.key for button in page.button}


def test_an_empty_page_says_what_it_is_for_and_offers_photos():
    page = opened()
    assert "Upload some images of a kind" in page.info[0].value
    assert page.button(key="batch_begin").disabled
    assert "batch_bundled" in buttons(page)


def test_bundled_photos_are_explained_and_said_to_agree_or_not(model):
    page = finished(drawn(opened().button(key="batch_bundled").click().run()))
    run = run_of(page)
    assert run.finished
    assert [row["name"].partition(".")[0] for row in run.rows] == list(igcore.PHOTOS)
    assert f"{len(igcore.PHOTOS)} of {len(igcore.PHOTOS)} images" in page.main.markdown[0].value
    table = page.dataframe[0].value
    assert list(table["Image"]) == [row["name"] for row in run.rows]
    image = igcore.load_image(igcore.PHOTOS["cat"].path, model.spec.input_size)
    alone = igcore.explain(model, image, igcore.IntegratedGradients("black", "midpoint", 10))
    row = next(row for row in run.rows if row["name"].startswith("cat"))
    np.testing.assert_array_equal(run.attribution(row).values, alone.values)
    assert (row["score"], row["label"]) == (alone.score, alone.label)
    assert "What the images of a class have in common" in [one.value for one in page.subheader]
    with zipfile.ZipFile(io.BytesIO(run.zipped())) as archive:
        names = archive.namelist()
        rows = parquet.read_table(io.BytesIO(archive.read("manifest.parquet"))).to_pylist()
        assert {row[part] for row in rows for part in ("attribution", "overlay")} <= set(names)
        assert all(not name.startswith(("/", ".")) for name in names)


def test_a_zip_and_images_together_and_a_bad_one_is_a_row():
    files = (
        ("a.zip", packed(one=photo("red"), in__two=photo("blue"))),
        ("bad.png", b"no image"),
        ("c.png", photo("red")),
    )
    page = finished(uploaded(opened(), *files))
    assert [(row["name"], bool(row["error"])) for row in run_of(page).rows] == [
        ("one.png", False),
        ("in/two.png", False),
        ("bad.png", True),
        ("c.png", False),
    ]
    assert "3 of 4 images" in page.main.markdown[0].value
    assert "1 could not be explained" in page.main.markdown[0].value
    assert "JPEG, PNG or WebP" in page.dataframe[0].value["What went wrong"][2]


HOSTILE = {
    "empty": b"",
    "text": b"this is not an image",
    "page": b"<html><script>alert(1)</script></html>",
    "cut": VALID["PNG"][: len(VALID["PNG"]) // 2],
    "bomb": png(30_000, 30_000),
    "gif": b"GIF89a" + bytes(100),
    "zip": packed(one=photo("red")),
    "random": np.random.default_rng(0).bytes(10_000),
}


def test_hostile_files_are_rows_with_one_line_each():
    page = finished(
        uploaded(opened(), *((f"{name}.png", data) for name, data in HOSTILE.items()), ("ok.png", photo("red")))
    )
    *hostile, fine = run_of(page).rows
    assert fine["error"] is None
    for row in hostile:
        assert row["error"], row["name"]
        assert "\n" not in row["error"]
    assert not page.exception


@pytest.mark.parametrize(
    ("name", "data", "line"),
    [
        ("a.zip", b"no zip", "not a ZIP file"),
        ("a.zip", packed(**{"..__x": photo("red")}), "leads outside"),
        ("a.zip", packed(**{f"n{n}": photo("red") for n in range(51)}), "more than 50"),
    ],
)
def test_a_hostile_zip_is_one_line(name, data, line):
    page = uploaded(opened(), (name, data))
    assert line in page.error[0].value
    assert page.button(key="batch_begin").disabled


def test_markup_in_a_file_s_name_stays_text():
    page = finished(uploaded(opened(), ("<b>![x](http:__evil).png", photo("red"))))
    (row,) = run_of(page).rows
    assert not set(row["name"]) & set("<>![]:`*")


def test_it_can_be_stopped_and_goes_on():
    page = uploaded(opened(steps="50"), *((f"{n}.png", photo(f"rgb({5 * n}, 0, 0)")) for n in range(30)))
    drawn(page.button(key="batch_begin").click().run())
    run = run_of(page)
    while run.done < 2:
        time.sleep(0.05)
    drawn(page.run())
    drawn(page.button(key="batch_stop").click().run())
    while run.running:
        time.sleep(0.05)
    before = run.done
    assert 2 <= before < 30
    drawn(page.run())
    assert f"Stopped after {before} of 30 images" in page.main.markdown[0].value
    drawn(page.button(key="batch_go_on").click().run())
    while run.running:
        time.sleep(0.05)
    drawn(page.run())
    assert run.finished
    assert len(run.rows) == 30


def test_other_settings_are_told_from_those_of_the_pictures():
    page = finished(uploaded(opened(), ("a.png", photo("red"))))
    assert not any("other settings" in one.value for one in page.info)
    page.slider(key="steps").set_value(20).run()
    assert any("other settings" in one.value for one in page.info)
    assert run_of(page).rows[0]["gradient_count"] == 10


def test_uploads_stay_out_of_the_link():
    page = finished(uploaded(opened(), ("my secret.png", photo("red"))))
    assert "secret" not in str(page.query_params)
