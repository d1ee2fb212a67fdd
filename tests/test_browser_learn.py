"""Lessons and languages in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser_page import LOOKS, NARROW, WIDE, address, done, no_sideways_overflow, settled, until

pytestmark = pytest.mark.browser

TITLE_CHINESE = "网络为什么这样判断？"


def answer(page: Page, key: str, option: str) -> None:
    page.locator(f".st-key-predict_{key} label").filter(has_text=re.compile(rf"^{re.escape(option)}$")).click()


def metric(page: Page, label: str) -> str:
    box = page.locator("[data-testid=stMetric]:visible").filter(has=page.get_by_text(label, exact=True))
    return box.locator("[data-testid=stMetricValue]").inner_text()


def test_lesson_1_tells_the_gradient_only_after_a_prediction(visit):
    page = visit("learn")
    expect(page.get_by_text("Choose one, and the answer appears.").first).to_be_visible()
    assert metric(page, "Integrated Gradients") == "?"
    answer(page, "gradient", "one half")
    expect(page.get_by_text("Not quite: it is “nothing”.")).to_be_visible()
    until(lambda: metric(page, "Integrated Gradients") == "0.800", "IG is not 0.8")
    assert metric(page, "Gradient × (x − x′)") == "0.000"
    page.locator(".st-key-from input[type=range]").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    until(lambda: metric(page, "Integrated Gradients") == "0.600", "a new baseline changes nothing")
    until(lambda: address(page).get("from") == "0.2", "the address does not hold the baseline")


def test_lesson_1_shows_where_a_network_s_slope_dies_and_leads_to_its_maps(visit):
    page = visit("learn?lesson=1&image=cat")
    page.get_by_role("tab", name="On the network").click()
    answer(page, "network", "where the score rises")
    expect(page.get_by_text(re.compile(r"Along \d+% of the way to Egyptian cat"))).to_be_visible()
    page.get_by_role("link", name="See the maps of this photo").click()
    done(page)
    assert address(page)["image"] == "cat"


def test_lesson_2_lets_the_weights_be_set(visit):
    page = visit("learn?lesson=2&w1=0.5&w2=0.5")
    page.get_by_role("tab", name="Two inputs").click()
    answer(page, "weights", "two to one")
    expect(page.get_by_text("Right.")).to_be_visible()
    assert metric(page, "w₁x₁ + w₂x₂") == "1.00"
    assert metric(page, "f(x) − f(0)") == "1.000"


def test_lesson_3_compares_two_networks(visit):
    page = visit("learn?lesson=3")
    expect(page.locator("[data-testid=stMetricValue]")).to_have_text(["1.000", "1.000"])
    answer(page, "invariance", "Integrated Gradients")
    expect(page.locator(".st-key-lesson_shares")).to_contain_text("DeepLIFT (Rescale)")
    page.get_by_role("link", name="Compare these methods on a photo").click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("lessons")
    until(
        lambda: address(page).get("methods") == "ig;deeplift-rescale;lrp-composite", "the methods are not taken along"
    )


def test_lesson_4_fills_the_area_with_panels(visit):
    page = visit("learn?lesson=4&rule=left&panels=8")
    before = metric(page, "Off by")
    answer(page, "steps", "a quarter of it, or less")
    expect(page.locator(".st-key-lesson_errors")).to_be_visible()
    page.locator(".st-key-panels [role=slider], .st-key-panels input[type=range]").first.focus()
    page.keyboard.press("End")
    until(lambda: metric(page, "Gradients") == "50", "the steps did not change")
    assert float(metric(page, "Off by")[:-1]) < float(before[:-1]) / 4


def test_lesson_5_shows_what_black_is_blind_to(visit):
    page = visit("learn?lesson=5")
    answer(page, "baseline", "next to nothing")
    told = page.get_by_text(re.compile(r"The darkest fifth of the pixels gets \d+% of the map"))
    expect(told).to_have_count(4)
    shares = [int(re.search(r"(\d+)%", text).group(1)) for text in told.all_inner_texts()]
    assert shares[0] < shares[1]  # black against white
    page.get_by_role("link", name="Compare these baselines in full").click()
    until(
        lambda: address(page).get("baselines") == "black;white;blur;uniform-noise", "the baselines are not taken along"
    )


def test_lesson_6_shuffles_the_weights(visit):
    page = visit("learn?lesson=6")
    answer(page, "interactions", "no")
    page.get_by_role("tab", name="Complete is not converged").click()
    answer(page, "converged", "no")
    expect(page.locator(".st-key-lesson_shares")).to_be_visible()
    page.get_by_role("tab", name="One image, not the model").click()
    answer(page, "randomized", "no, only noise")
    expect(page.locator("img[alt*='Shuffled weights']")).to_be_visible()
    assert 0 < float(metric(page, "Rank correlation of the two maps")) < 0.9


def test_a_switch_of_language_keeps_every_choice(visit):
    page = visit("?baseline=white&integrator=midpoint&steps=10&colors=viridis&sign=positive&image=cat")
    done(page, 10)
    page.locator(".st-key-lang").get_by_text("简体中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE_CHINESE)
    until(lambda: address(page).get("lang") == "zh", "the address does not hold the language")
    kept = {"baseline": "white", "integrator": "midpoint", "steps": "10", "colors": "viridis", "sign": "positive"}
    assert address(page).items() >= (kept | {"image": "cat"}).items()
    expect(page.locator(".st-key-baseline input")).to_have_value("白色")
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE_CHINESE)
    page.locator(".st-key-lang").get_by_text("English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Why does the network see that?")
    expect(page.locator(".st-key-baseline input")).to_have_value("White")


def test_a_chinese_browser_gets_chinese_pages(browser, server):
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    page.goto(f"{server.url}/learn")
    expect(page.get_by_role("heading", level=1)).to_have_text("六节短课")
    context.close()


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
@pytest.mark.parametrize("lesson", range(1, 7))
def test_no_lesson_overflows_sideways(visit, lesson, size, scheme):
    lang = "en" if size == WIDE else "zh"
    page = visit(f"learn?lesson={lesson}&lang={lang}", size, scheme)
    settled(page)
    no_sideways_overflow(page, f"learn-{lesson}-{lang}", size, scheme)


@pytest.mark.parametrize("name", ["", "baselines", "integrators", "methods", "batch"])
def test_no_page_overflows_sideways_in_chinese(visit, name):
    page = visit(f"{name}?lang=zh&methods=gradient;grad-cam&integrator=midpoint&steps=10", NARROW)
    settled(page)
    no_sideways_overflow(page, f"{name or 'app'}-zh", NARROW, "light")
