"""The page that tests explanations, in Chromium: as a person would use it, wide and narrow, light and dark."""

from __future__ import annotations

import csv
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser_page import LOOKS, address, at_rest, choose, no_sideways_overflow, slide, traces, until

pytestmark = pytest.mark.browser

#: Quick on any machine: two maps that take a gradient, and 50 scores for each map and each control.
QUICK = "evaluate?image=cat&tested=gradient;gradient-x-input&metrics=deletion;gini"


def all_tested(page: Page) -> None:
    """Wait until all is tested; begin it where a slow machine asks first."""
    started = page.locator(".st-key-run_tests button")
    finished = page.get_by_text(re.compile(r"tested in \d|已测试"))
    expect(started.or_(finished).first).to_be_visible()
    if started.is_visible():
        started.click()
    expect(finished.first).to_be_visible()
    at_rest(page)


def downloaded(page: Page, key: str):
    with page.expect_download() as arriving:
        page.locator(f".st-key-{key} button").click()
    return arriving.value


def bars(page: Page, key: str) -> dict[str, float]:
    found = page.evaluate(
        "key => { const bars = document.querySelector(`.st-key-${key} .js-plotly-plot`).data[0];"
        " return bars.y.map((name, place) => [name, bars.text[place]]); }",
        key,
    )
    return {name: float(text) for name, text in found}


def test_explanations_are_tested_beside_controls(visit, tmp_path):
    page = visit(QUICK)
    all_tested(page)
    curves = [one["name"] for one in traces(page, "curves_deletion_blur")]
    assert curves == ["Random order", "Edges of the photo", "Gradient", "Gradient × Input"]
    ahead = bars(page, "advantage_deletion_blur")
    assert set(ahead) == {"Gradient", "Gradient × Input"}
    file = downloaded(page, "download_leaderboard_blur")
    assert file.suggested_filename == "cat-egyptian-cat_tests_blur.csv"
    file.save_as(tmp_path / "table.csv")
    rows = list(csv.DictReader((tmp_path / "table.csv").open()))
    assert [row["explanation"] for row in rows[::2]] == ["Gradient", "Gradient × Input", "random", "edges"]
    deletion = [row for row in rows if row["metric"] == "deletion" and row["over_random"]]
    written = {row["explanation"]: float(row["over_random"]) for row in deletion}
    for name, value in ahead.items():
        assert written[name] == pytest.approx(value, abs=6e-4)


def test_a_scrubber_shows_the_photo_at_each_stage(visit):
    page = visit(QUICK)
    all_tested(page)
    pictures = page.locator(".st-key-pictures_stage_blur img")
    expect(pictures).to_have_count(2)
    seen = {pictures.first.get_attribute("src")}
    slide(page, "stage_blur", "Home")
    expect(page.locator(".st-key-pictures_stage_blur")).to_contain_text("0% removed: Egyptian cat 38")
    seen.add(pictures.first.get_attribute("src"))
    slide(page, "stage_blur", "End")
    expect(page.locator(".st-key-pictures_stage_blur")).to_contain_text("100% removed: Egyptian cat")
    at_rest(page)
    seen.add(pictures.first.get_attribute("src"))
    assert len(seen) == 3


def test_a_filling_that_is_its_own_baseline_is_told_and_stands_beside_another(visit):
    page = visit("evaluate?image=cat&tested=gradient;occlusion-patch&metrics=deletion&fills=black")
    all_tested(page)
    told = "Black fills the removed parts and is the baseline of Occlusion (patch): that favors them."
    expect(page.locator("[data-testid=stAlert]")).to_contain_text(told)
    first, second = (bars(page, f"advantage_deletion_{fill}") for fill in ("black", "blur"))
    assert first.keys() == second.keys() == {"Gradient", "Occlusion (patch)"}
    assert first != second


def test_a_box_is_dragged_and_counted(visit):
    page = visit("evaluate?image=cat&tested=gradient;gradient-x-input&metrics=energy-in-box")
    all_tested(page)
    before = bars(page, "advantage_energy-in-box_blur")
    chart = page.locator(".st-key-evaluate_box_chart .nsewdrag")
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.6 * box["height"], steps=8)
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"It covers (1[789]|2[0123])% of the photo"))).to_be_visible()
    expect(page.get_by_text("Until you drag one")).to_have_count(0)
    all_tested(page)
    until(lambda: bars(page, "advantage_energy-in-box_blur") != before, "the new box does not count")


def test_nothing_chosen_says_what_to_do(visit):
    page = visit("evaluate?image=cat&tested=&metrics=gini")
    expect(page.get_by_text("Choose one or more methods and one or more tests above.")).to_be_visible()
    choose(page, "metrics", "Deletion")
    until(lambda: address(page)["metrics"] == "gini;deletion", "the address does not carry the tests")


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_page_fits(visit, size, scheme):
    page = visit(QUICK, size, scheme)
    all_tested(page)
    no_sideways_overflow(page, "evaluate", size, scheme)


def test_a_network_forgets_and_the_maps_are_compared(visit, tmp_path):
    page = visit("evaluate?image=cat&view=randomization&shuffled=gradient;guided-backprop")
    finished = page.get_by_text(re.compile(r"Egyptian cat: 40 maps in"))
    started = page.locator(".st-key-shuffle button")
    expect(started.or_(finished).first).to_be_visible()
    if started.is_visible():
        started.click()
    expect(finished).to_be_visible()
    at_rest(page)
    expect(page.get_by_text("Gradient passes: its map has changed")).to_be_visible()
    expect(page.get_by_text("Guided backpropagation fails: with")).to_be_visible()
    assert [one["points"] for one in traces(page, "cascade")] == [20, 20, 20]
    expect(page.locator(".st-key-grid img")).to_have_count(40)
    file = downloaded(page, "download_cascade")
    assert file.suggested_filename == "cat_egyptian-cat_randomization.csv"
    file.save_as(tmp_path / "table.csv")
    rows = list(csv.DictReader((tmp_path / "table.csv").open()))
    assert len(rows) == 40
    assert {float(row["rank_correlation"]) for row in rows if row["stage"] == "0"} == {1.0}
    assert abs(float(rows[19]["rank_correlation"])) < 0.1


def test_regions_are_scored_and_an_interaction_lights_them(visit):
    page = visit("evaluate?image=coffee&view=regions&region_count=4&region_methods=gradient-x-input")
    expect(page.get_by_text(re.compile(r"All 15 effects sum to \+0\.9"))).to_be_visible()
    at_rest(page)
    lit = page.get_by_text(re.compile(r"^Regions .* only together$"))
    first = lit.inner_text()
    page.locator("[role=radiogroup] label").nth(1).click()
    until(lambda: lit.inner_text() != first, "the other interaction's regions are not lit")
    expect(page.get_by_text("Rank agreement").first).to_be_attached()


def test_the_criteria_are_shown_term_by_term(visit):
    page = visit("evaluate?view=criteria")
    expect(page.get_by_text("All 8 functions are measured.")).to_be_visible()
    at_rest(page)
    expect(page.get_by_role("heading", name="Who gets what from Integrated Gradients")).to_be_visible()


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
@pytest.mark.parametrize("view", ["regions&region_count=3&region_methods=gradient", "criteria"])
def test_the_other_views_fit(visit, view, size, scheme):
    page = visit(f"evaluate?view={view}", size, scheme)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    at_rest(page)
    no_sideways_overflow(page, f"evaluate-{view.partition('&')[0]}", size, scheme)
