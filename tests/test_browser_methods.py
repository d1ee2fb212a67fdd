"""The page that compares methods, in a real browser, as a person uses it."""

from __future__ import annotations

import re
import zipfile

import pytest
from playwright.sync_api import Locator, Page, expect

import igcore
from tests.browser_page import LOOKS, address, no_sideways_overflow, settled, unmoved, until

pytestmark = pytest.mark.browser

LAPTOP = (1280, 800)

#: Three methods that take one gradient each.
SHORT = "methods?methods=gradient;gradient-x-input;grad-cam"
FIRST = ("gradient", "smoothgrad", "ig", "occlusion-patch", "grad-cam", "lrp-composite")

#: Settings with which all methods that can take long do, so that they wait for a click.
LONG = {
    **{"smoothgrad-samples": 1000, "vargrad-samples": 1000, "integrator": "trapezoid", "steps": 1000},
    **{"expected-gradients-samples": 10000, "guided-ig-steps": 1000, "blur-ig-steps": 1000, "idgi-steps": 1000},
    **{"xrai-steps": 1000, "occlusion-1-size": 1, "occlusion-patch-stride": 1, "prediction-difference-samples": 100},
    **{"shapley-segments": 300, "shapley-permutations": 200, "rise-samples": 20000, "lime-samples": 10000},
}
MAY_WAIT = [key for key, spec in igcore.METHODS.items() if spec.needs != "layers" and key[:8] != "gradient"]


def card(page: Page, key: str) -> Locator:
    return page.locator(f".st-key-card_{key}")


def picture(page: Page, key: str) -> Locator:
    """The map on a card, once there is one."""
    return card(page, key).locator("img[alt^='Attribution by']")


def finished(page: Page, maps: int) -> None:
    """Wait until so many maps are finished and compared."""
    expect(page.locator(".st-key-progress")).to_contain_text(re.compile(rf": {maps} maps in \d+\.\d s"))
    expect(page.locator(".st-key-agreement_overlap .point")).to_have_count(maps * maps)


def cost(page: Page) -> str:
    return page.locator(".st-key-progress").inner_text()


def masks(page: Page) -> list[str]:
    return [one.get_attribute("src") for one in page.locator(".st-key-cards img[alt^='Attribution by']").all()]


def add(page: Page, typed: str, option: str) -> None:
    """Choose one more method as a person does: type a part of its name, and click."""
    page.locator(".st-key-methods input[role=combobox]").click()
    page.keyboard.type(typed)
    page.get_by_role("option", name=re.compile(rf"^{re.escape(option)} · ")).click()
    page.keyboard.press("Escape")


def test_first_visit_shows_six_maps_within_a_minute(visit):
    """The minute begins when the network is loaded and its pace is known."""
    page = visit("methods")
    expect(card(page, FIRST[-1])).to_be_visible()
    expect(page.locator(".st-key-progress")).to_contain_text("espresso: 6 maps in", timeout=60_000)
    finished(page, 6)
    for key in FIRST:
        expect(card(page, key)).to_contain_text(igcore.METHODS[key].label)
        expect(picture(page, key)).to_be_visible()
        assert picture(page, key).evaluate("image => image.complete && image.naturalWidth") == 224
        expect(card(page, key)).to_contain_text(re.compile(r"in (< )?\d+(\.\d)? s"))
    assert len(set(masks(page))) == 6
    assert page.locator("[data-testid=stException], [data-testid=stAlert]").count() == 0
    assert "methods" not in address(page)


def test_a_method_is_added_by_typing_and_another_removed(visit):
    page = visit(SHORT)
    finished(page, 3)
    before = masks(page)
    add(page, "guided back", "Guided backpropagation")
    finished(page, 4)
    expect(picture(page, "guided-backprop")).to_be_visible()
    until(lambda: address(page)["methods"].endswith(";grad-cam;guided-backprop"), "the address does not carry it")
    assert masks(page)[:3] == before
    page.locator(".st-key-methods").get_by_role("button", name=re.compile("^Remove Gradient × Input")).click()
    finished(page, 3)
    expect(card(page, "gradient-x-input")).to_have_count(0)
    until(lambda: address(page)["methods"] == "gradient;grad-cam;guided-backprop", "the address still carries it")


def test_what_is_this_opens_to_words_a_formula_and_a_paper(visit):
    page = visit(SHORT)
    finished(page, 3)
    about, spec = page.locator(".st-key-about_grad-cam"), igcore.METHODS["grad-cam"]
    expect(about.locator(".katex")).to_be_hidden()
    about.locator("summary").click()
    expect(about.locator(".katex").first).to_be_visible()
    expect(about).to_contain_text(spec.description)
    expect(about).to_contain_text(spec.reference)
    # Looking computes nothing, and what was opened stays open when another map comes.
    add(page, "++", "Grad-CAM++")
    finished(page, 4)
    expect(about.locator(".katex").first).to_be_visible()


def test_every_formula_is_set_and_what_takes_long_waits_for_a_click(visit):
    settings = "&".join(f"{name}={value}" for name, value in LONG.items())
    page = visit(f"methods?methods={';'.join(igcore.METHODS)}&{settings}")
    expect(page.locator(".st-key-progress")).to_contain_text(re.compile(r": \d+ maps in \d+\.\d s"))
    # What exactly takes long depends on the machine.
    waiting = [key for key in igcore.METHODS if page.locator(f".st-key-run_{key}").count()]
    assert {"xrai", "occlusion-1", "occlusion-patch", "prediction-difference", "shapley", "rise", "lime"} <= {*waiting}
    assert {*waiting}.isdisjoint(key for key in igcore.METHODS if key not in MAY_WAIT)
    finished(page, len(igcore.METHODS) - len(waiting))
    for key in igcore.METHODS:
        expect(page.locator(f".st-key-about_{key} .katex-html")).to_have_count(1)
        expect(picture(page, key)).to_have_count(0 if key in waiting else 1)
    expect(page.locator(".katex-error")).to_have_count(0)
    expect(card(page, "occlusion-1")).to_contain_text(re.compile(r"This takes 50,177 forward passes, \d+ s\."))


def test_a_click_on_a_cell_shows_its_two_maps_and_their_difference(visit):
    page = visit(SHORT)
    finished(page, 3)
    shown = page.locator(".st-key-pictures_pair")
    before = [one.get_attribute("src") for one in shown.locator("img").all()]
    assert len(set(before)) == 3
    cell = page.locator(".st-key-agreement_overlap .textpoint text").nth(1 * 3 + 2)
    cell.scroll_into_view_if_needed()
    box = cell.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(shown.get_by_text("A: Gradient × Input")).to_be_visible()
    expect(shown.get_by_text("B: Grad-CAM")).to_be_visible()
    expect(page.locator(".st-key-pair_a input")).to_have_value("2 Gradient × Input")
    expect(page.locator(".st-key-pair_b input")).to_have_value("3 Grad-CAM")

    def changed() -> bool:
        now = [one.get_attribute("src") for one in shown.locator("img").all()]
        return len(now) == 3 and all(a != b for a, b in zip(before, now, strict=True))

    until(changed, "the pictures did not change")
    expect(shown.locator("[data-testid=stMetricValue]").last).to_have_text(cell.text_content())


def test_a_parameter_computes_its_own_card_anew(visit):
    page = visit("methods?methods=gradient;smoothgrad;grad-cam&smoothgrad-samples=4")
    finished(page, 3)
    # The card says so before its picture is drawn.
    expect(page.locator(".st-key-cards img[alt^='Attribution by']")).to_have_count(3)
    before = masks(page)
    panel = page.locator(".st-key-parameters_smoothgrad")
    panel.locator("summary").click()
    samples = panel.locator(".st-key-smoothgrad-samples input")
    samples.fill("9")
    samples.press("Enter")
    expect(card(page, "smoothgrad")).to_contain_text("9 gradients and 1 forward pass in")
    finished(page, 3)
    expect(page.locator(".st-key-cards img[alt^='Attribution by']")).to_have_count(3)
    after = masks(page)
    assert [a == b for a, b in zip(after, before, strict=True)] == [True, False, True]
    until(lambda: address(page)["smoothgrad-samples"] == "9", "the address does not carry the samples")


def test_a_long_run_is_begun_stopped_and_begun_again_and_finished_maps_stay(visit):
    page = visit("methods?methods=gradient;grad-cam;shapley&shapley-segments=200&shapley-permutations=200")
    finished(page, 2)
    long, line = card(page, "shapley"), page.locator(".st-key-progress")
    expect(long).to_contain_text(re.compile(r"This takes about [\d,]+ forward passes"))
    long.get_by_role("button", name="Run it").click()
    for _ in range(2):
        expect(line).to_contain_text("2 of 3 finished")
        expect(long.locator("[data-testid=stProgress]")).to_be_visible()
        page.locator(".st-key-progress_stop button").click()
        expect(line).to_contain_text("Stopped; what was finished stays")
        expect(long).to_contain_text("Stopped.")
        for key in ("gradient", "grad-cam"):
            expect(picture(page, key)).to_be_visible()
        expect(page.locator(".st-key-agreement_overlap .point")).to_have_count(4)
        page.get_by_role("button", name="Run again").click()
    expect(line).to_contain_text("2 of 3 finished")
    page.locator(".st-key-methods").get_by_role("button", name=re.compile("^Remove Shapley")).click()
    finished(page, 2)


def test_drawing_costs_nothing(visit):
    page = visit(SHORT)
    finished(page, 3)
    with unmoved(page, cost):
        for click, by in (
            (".st-key-one_scale", "One color scale"),
            (".st-key-sign", "Signed"),
            (".st-key-over", "Over"),
        ):
            before = masks(page)
            page.locator(click).get_by_text(by).click()
            until(lambda: len(now := masks(page)) == 3 and now != before, f"{by} changed no map")  # noqa: B023
        settled(page)


def test_all_maps_are_downloaded_at_once(visit, tmp_path):
    page = visit(f"{SHORT}&image=cat")
    finished(page, 3)
    with page.expect_download() as arriving:
        page.locator(".st-key-download_zip button").click()
    assert arriving.value.suggested_filename == "cat_egyptian-cat_methods.zip"
    arriving.value.save_as(tmp_path / "maps.zip")
    with zipfile.ZipFile(tmp_path / "maps.zip") as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    for key in ("gradient", "gradient-x-input", "grad-cam"):
        assert (tmp_path / f"cat_egyptian-cat_{key}.png").read_bytes().startswith(b"\x89PNG")
        loaded = igcore.Attribution.load(tmp_path / f"cat_egyptian-cat_{key}.npz")
        assert (loaded.method, loaded.label) == (key, "Egyptian cat")
    finished(page, 3)


def test_an_error_stands_on_its_card(visit):
    page = visit("methods?methods=gradient;grad-cam;gradient-x-input&grad-cam-layer=nothing")
    expect(card(page, "grad-cam")).to_contain_text("there is no layer 'nothing' with positions; choose one of")
    for key in ("gradient", "gradient-x-input"):
        expect(picture(page, key)).to_be_visible()
    expect(picture(page, "grad-cam")).to_have_count(0)
    panel = page.locator(".st-key-parameters_grad-cam")
    panel.locator("summary").click()
    panel.locator("input").fill("head_relu6")
    panel.locator("input").press("Enter")
    finished(page, 3)
    expect(picture(page, "grad-cam")).to_be_visible()


def test_the_set_stays_while_another_page_is_visited(visit):
    page = visit(SHORT)
    finished(page, 3)
    page.get_by_role("link", name="Compare integrators").click()
    expect(page.locator(".st-key-completeness")).to_contain_text("gradients in")
    page.get_by_role("link", name="Compare methods").click()
    finished(page, 3)
    for key in ("gradient", "gradient-x-input", "grad-cam"):
        expect(picture(page, key)).to_be_visible()


def test_a_deep_link_is_followed_on_a_cold_server(visit, start):
    cold = start()
    query = "methods=deeplift-rescale;lrp-gamma;gradient&baseline=white&lrp-gamma-gamma=1.0&image=cat&sign=signed"
    page = visit(f"methods?{query}", url=cold.url)
    finished(page, 3)
    expect(page.locator(".st-key-progress")).to_contain_text("Egyptian cat: 3 maps")
    for key in ("deeplift-rescale", "lrp-gamma", "gradient"):
        expect(picture(page, key)).to_be_visible()
    expect(page.locator(".st-key-baseline input")).to_have_value("White")
    carried = dict(pair.split("=") for pair in query.split("&"))
    until(lambda: address(page).items() >= carried.items(), "the address has lost what the link said")
    page.close()
    cold.stop()


@pytest.mark.parametrize(("size", "scheme"), [*LOOKS, pytest.param(LAPTOP, "light", id="laptop-light")])
def test_nothing_overflows_sideways(visit, size, scheme):
    page = visit("methods", size, scheme)
    finished(page, 6)
    no_sideways_overflow(page, "methods", size, scheme)
    # The widest formulas as well.
    for key in ("lrp-composite", "smoothgrad"):
        page.locator(f".st-key-about_{key} summary").click()
        expect(page.locator(f".st-key-about_{key} .katex").first).to_be_visible()
    no_sideways_overflow(page, "methods-open", size, scheme)
    for key in FIRST:
        outer, inner = (one.bounding_box() for one in (page.locator(".st-key-cards"), card(page, key)))
        assert inner["x"] >= outer["x"] - 1
        assert inner["x"] + inner["width"] <= outer["x"] + outer["width"] + 1
        assert card(page, key).evaluate("one => one.scrollWidth - one.clientWidth") <= 1
