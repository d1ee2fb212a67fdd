"""The pages that compare, in a real browser, as a person uses them."""

from __future__ import annotations

import csv
import re

import pytest
from playwright.sync_api import Page, expect

import igcore
from tests.browser_page import (
    LOOKS,
    address,
    alert,
    choose,
    done,
    no_sideways_overflow,
    slide,
    unmoved,
    until,
)

pytestmark = pytest.mark.browser

THREE = "baselines?baselines=black;blur:sigma%3D5.0;blur:sigma%3D40.0&integrator=midpoint&steps=10"


def finished(page: Page, maps: int) -> None:
    """Wait until so many maps are finished and compared."""
    expect(page.locator(".st-key-progress")).to_contain_text(re.compile(rf"^{maps} maps, [\d,]+ gradients"))
    expect(page.locator(".st-key-agreement_overlap .point")).to_have_count(maps * maps)


def cost(page: Page) -> str:
    return page.locator(".st-key-progress").inner_text()


def masks(page: Page) -> list[str]:
    return [one.get_attribute("src") for one in page.locator(".st-key-grid img[alt^='Attribution by']").all()]


def pair(page: Page) -> list[str]:
    return [one.get_attribute("src") for one in page.locator(".st-key-pictures_pair img").all()]


def test_baselines_stand_side_by_side_with_their_average(visit):
    page = visit("baselines")
    finished(page, 4)
    grid = page.locator(".st-key-grid")
    for name in ("1 Black", "2 White", "3 Gaussian blur 20", "4 Uniform noise 0", "Average"):
        expect(grid.get_by_text(name, exact=True)).to_be_visible()
    expect(grid.get_by_text(re.compile(r"entropy \d+\.\d bits"))).to_have_count(4)
    expect(grid.get_by_text(re.compile(r"\d+\.\d% of the image"))).to_have_count(4)
    expect(grid.locator("img")).to_have_count(4 + 5 + 5 + 4)
    expect(grid.locator(".js-plotly-plot")).to_have_count(4)
    assert len(set(masks(page)[:5])) == 5


def test_a_link_gives_each_baseline_its_parameter_and_more_than_eight_are_cut(visit):
    page = visit(THREE)
    finished(page, 3)
    for name in ("2 Gaussian blur 5", "3 Gaussian blur 40"):
        expect(page.locator(".st-key-grid").get_by_text(name, exact=True)).to_be_visible()
    page = visit("baselines?integrator=midpoint&steps=10&baselines=" + ";".join(["black", "white", "gray"] * 3))
    finished(page, 8)
    expect(alert(page, "The link asks for 9 baselines; these are the first 8")).to_be_visible()


def test_baselines_are_added_and_removed_and_the_address_follows(visit):
    page = visit(THREE)
    finished(page, 3)
    page.get_by_role("button", name="Add a baseline").click()
    finished(page, 4)
    until(lambda: address(page)["baselines"].count(";") == 3, "the address does not carry the added baseline")
    first = page.locator(".st-key-baseline_slot_1").get_by_role("button", name="Remove")
    first.click()
    finished(page, 3)
    until(lambda: not address(page)["baselines"].startswith("black"), "the address still carries the removed baseline")
    first.click()
    finished(page, 2)
    expect(first).to_be_disabled()


def test_an_image_that_is_its_own_baseline_has_an_empty_map_and_no_error(visit):
    page = visit("baselines?image=cat&baselines=black;image:cat;white&integrator=midpoint&steps=10")
    finished(page, 3)
    expect(page.locator(".st-key-grid").get_by_text("100.0% of the image")).to_be_visible()
    expect(page.locator(".st-key-agreement_spearman").get_by_text("–").first).to_be_visible()
    assert page.locator("[data-testid=stAlert]").count() == 0


def test_an_upload_serves_as_baseline_and_stays_out_of_the_link(visit):
    page = visit("baselines?image=cat&baselines=black;image:coffee&integrator=midpoint&steps=10")
    finished(page, 2)
    page.locator("[class*='-other_upload'] input[type=file]").set_input_files(igcore.PHOTOS["rocket"].path)
    expect(page.locator(".st-key-grid").get_by_text("2 Your own image: rocket.jpg")).to_be_visible()
    finished(page, 2)
    until(lambda: address(page)["baselines"] == "black", "the address names an uploaded image")


def test_one_scale_or_each_its_own_costs_no_gradient(visit):
    page = visit(THREE)
    finished(page, 3)
    with unmoved(page, cost):
        before = masks(page)
        page.locator(".st-key-shared_scale").get_by_text("One color scale").click()
        until(lambda: masks(page)[1] != before[1], "the maps did not change with their scale")
        page.locator(".st-key-sign").get_by_text("Signed").click()
        until(lambda: masks(page)[0] != before[0], "the maps did not change with their sign")


def test_a_click_on_a_cell_shows_its_two_maps(visit):
    page = visit(THREE)
    finished(page, 3)
    before = pair(page)
    cell = page.locator(".st-key-agreement_overlap .textpoint text").nth(1 * 3 + 2)
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown = page.locator(".st-key-pictures_pair")
    expect(shown.get_by_text("A: Gaussian blur 5")).to_be_visible()
    expect(shown.get_by_text("B: Gaussian blur 40")).to_be_visible()
    until(lambda: all(old != new for old, new in zip(before, pair(page), strict=True)), "the pictures did not change")
    expect(page.locator(".st-key-pair_a input")).to_have_value("2 Gaussian blur 5")


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("by=images&image=coffee&second_image=cat", ("1 Espresso: espresso", "2 Cat: Egyptian cat")),
        ("by=classes&image=cat", ("1 Egyptian cat", "2 tiger cat")),
    ],
)
def test_images_and_classes_stand_side_by_side_too(visit, query, labels):
    page = visit(f"baselines?{query}&integrator=midpoint&steps=10")
    finished(page, 2)
    for label in labels:
        expect(page.locator(".st-key-grid").get_by_text(label, exact=True)).to_be_visible()


def test_a_second_model_that_is_not_here_says_why_and_the_first_stays(visit):
    page = visit("baselines?by=models&second_model=mobilenet-v2&integrator=midpoint&steps=10")
    expect(alert(page, "Choose another as the second model")).to_be_visible()
    expect(page.locator(".st-key-progress")).to_contain_text("1 maps, 10 gradients")


def test_comparing_can_be_stopped_and_goes_on(visit):
    page = visit("baselines?image=clock&baselines=black;white;gray&integrator=trapezoid&steps=500")
    expect(page.locator(".st-key-progress")).to_contain_text("of 3 finished")
    page.locator(".st-key-progress_stop button").click()
    expect(page.locator(".st-key-progress")).to_contain_text("Stopped")
    page.get_by_role("button", name="Run again").click()
    expect(page.locator(".st-key-progress")).to_contain_text("of 3 finished")
    slide(page, "steps", "Home")
    finished(page, 3)


def test_the_set_stays_while_another_page_is_visited(visit):
    page = visit(THREE)
    finished(page, 3)
    page.get_by_role("link", name="Explain an image").click()
    done(page)
    page.get_by_role("link", name="Compare baselines").click()
    finished(page, 3)
    expect(page.locator(".st-key-grid").get_by_text("3 Gaussian blur 40", exact=True)).to_be_visible()


def test_local_errors_follow_the_integrator(visit):
    page = visit("integrators?image=cat&integrator=trapezoid&steps=20")
    done(page, 21)
    main = page.locator("[data-testid=stMain]")
    expect(main).to_contain_text(re.compile(r"The hardest panel is 0\.000 to 0\.050, with \d+% of all local errors"))
    expect(page.locator(".st-key-local_errors .bars .point")).to_have_count(20)
    choose(page, "integrator", "Midpoint")
    done(page, 20)
    expect(main).to_contain_text("21 forward passes scored what is an end and no node")
    choose(page, "integrator", "Adaptive")
    expect(page.locator(".st-key-completeness")).to_contain_text("Converged: it stopped by itself")
    expect(main).not_to_contain_text("forward passes scored")


def test_a_study_grows_stops_and_says_what_to_take(visit, tmp_path):
    page = visit("integrators?longest=64&integrator=midpoint&steps=10&image=camera")
    done(page, 10)
    page.get_by_role("button", name="Measure all integrators: 1,394 gradients").click()
    line = page.locator(".st-key-study_progress")
    expect(line).to_contain_text(re.compile(r"[\d,]+ of 1,394 gradients"))
    page.locator(".st-key-study_progress_stop button").click()
    expect(line).to_contain_text("Stopped")
    page.get_by_role("button", name="Run again").click()
    points = page.locator(".st-key-study_map_error .scatterlayer .point")
    until(lambda: points.count() > 0, "no point of a curve came")
    first = points.count()
    until(lambda: points.count() > first, "the curves did not grow")
    expect(line).to_contain_text(re.compile(r"(cheapest fixed integrator that reaches|No fixed integrator reaches)"))
    expect(page.locator(".st-key-study_map_error .legend .traces")).to_have_count(8)
    with page.expect_download() as arriving:
        page.locator(".st-key-download_study button").click()
    arriving.value.save_as(tmp_path / "table.csv")
    rows = list(csv.reader((tmp_path / "table.csv").open()))
    assert rows[0] == ["integrator", "steps", "gradients", "relative_completeness_error", "map_error"]
    assert {row[0] for row in rows[1:]} == set(igcore.INTEGRATORS)
    assert len(rows) == 1 + 7 * 4 + 16
    told = line.inner_text()
    choose(page, "integrator", "Left Riemann sum")
    done(page, 11)  # with that of the right end, for the rules that share its nodes
    assert line.inner_text() == told
    choose(page, "baseline", "White")
    expect(page.get_by_role("button", name="Measure all integrators: 1,394 gradients")).to_be_visible()


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_nothing_overflows_sideways(visit, size, scheme):
    page = visit("baselines?integrator=midpoint&steps=10", size, scheme)
    finished(page, 4)
    no_sideways_overflow(page, "baselines", size, scheme)
    page = visit("integrators?integrator=midpoint&steps=10", size, scheme)
    expect(page.locator(".st-key-local_errors .bars .point").first).to_be_visible()
    no_sideways_overflow(page, "integrators", size, scheme)
