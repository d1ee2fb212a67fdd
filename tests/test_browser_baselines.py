"""The page that compares baselines, images, classes and models, in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

import igcore
from tests.browser_page import (
    NARROW,
    WIDE,
    address,
    alert,
    choose,
    no_sideways_overflow,
    settled,
    slide,
    until,
)

pytestmark = pytest.mark.browser

#: An address with maps that are quick: 21 gradients each.
QUICK = "baselines?integrator=trapezoid&steps=20"
NAMES, BASELINE, MASK, OVERLAY, CURVE, NUMBERS, BLIND = range(7)
TABLES = ("spearman", "similarity", "overlap")


def compared(page: Page, maps: int) -> Page:
    """Wait until so many maps are finished and drawn."""
    expect(page.locator(".st-key-progress")).to_contain_text(re.compile(rf"^{maps} maps, \d+ gradients, "))
    settled(page)
    return page


def spent(page: Page) -> str:
    return page.locator(".st-key-progress").inner_text()


def row(page: Page, number: int) -> Locator:
    return page.locator(".st-key-grid [data-testid=stHorizontalBlock]").nth(number)


def texts(page: Page, number: int) -> list[str]:
    """What a row of the grid says, column by column."""
    return row(page, number).locator("[data-testid=stColumn]").all_inner_texts()


def pictures(within: Locator) -> list[str]:
    """The pictures within a part of the page, as addresses that hold all of them."""
    return within.locator("img").evaluate_all("all => all.map(one => one.src)")


def pair(page: Page) -> list[str]:
    return [page.locator(f".st-key-{key} input[role=combobox]").input_value() for key in ("pair_a", "pair_b")]


def cells(page: Page, table: str) -> list[str]:
    """The numbers in an agreement table, row by row."""
    return page.evaluate(
        "key => document.querySelector(`.st-key-agreement_${key} .js-plotly-plot`).data[1].text", table
    )


def click_cell(page: Page, table: str, line: int, column: int) -> None:
    """Click a cell of an agreement table with the mouse; lines and columns count from 1."""
    chart = page.locator(f".st-key-agreement_{table} .js-plotly-plot")
    expect(chart.locator(".scatterlayer text").first).to_be_visible()
    chart.scroll_into_view_if_needed()
    x, y = chart.evaluate(
        "(plot, [line, column]) => { const box = plot.getBoundingClientRect(), { xaxis, yaxis } = plot._fullLayout;"
        " return [box.x + xaxis._offset + xaxis.l2p(column - 1), box.y + yaxis._offset + yaxis.l2p(line - 1)]; }",
        [line, column],
    )
    page.mouse.click(x, y)


def test_first_visit_compares_four_baselines_and_their_average(visit):
    page = compared(visit("baselines"), 4)
    assert texts(page, NAMES) == ["1 Black", "2 White", "3 Gaussian blur 20", "4 Uniform noise 0", "Average"]
    assert [len(pictures(row(page, one))) for one in (BASELINE, MASK, OVERLAY, BLIND)] == [4, 5, 5, 4]
    assert len(set(pictures(row(page, MASK)))) == 5
    assert all(re.search(r"\d gradients$", text) for text in texts(page, NUMBERS))
    assert all("entropy" in text for text in texts(page, BASELINE)[:4])
    expect(row(page, CURVE).locator(".js-plotly-plot")).to_have_count(4)
    for table in TABLES:
        assert len(cells(page, table)) == 16
    assert page.locator("[data-testid=stAlert], [data-testid=stException]").count() == 0
    # Every control stands as the page began, although it was drawn anew many times meanwhile.
    expect(page.locator(".st-key-shared_scale input")).to_be_checked()
    assert "shared_scale" not in address(page)
    assert address(page)["baselines"] == "black;white;blur:sigma=20.0;uniform-noise:seed=0"


def test_controls_stand_still_while_maps_are_computed(visit):
    page = compared(visit("baselines?integrator=midpoint&steps=40&baselines=mean;gray"), 2)
    expect(page.locator(".st-key-shared_scale input")).to_be_checked()
    page.get_by_role("button", name="Adjust").click()
    drawn = {"strength": "60", "top": "100", "clip": "99"}
    for key, value in drawn.items():
        expect(page.locator(f".st-key-{key} input[type=range]")).to_have_value(value)
    assert not address(page).keys() & {*drawn, "shared_scale"}


def test_link_gives_two_of_a_kind_with_their_parameters(visit):
    page = compared(visit(f"{QUICK}&baselines=black;blur:sigma=5.0;blur:sigma=40.0"), 3)
    assert texts(page, NAMES) == ["1 Black", "2 Gaussian blur 5", "3 Gaussian blur 40", "Average"]
    assert address(page)["baselines"] == "black;blur:sigma=5.0;blur:sigma=40.0"
    assert len(set(pictures(row(page, BASELINE)))) == 3


def test_color_of_a_link_stays_the_color_that_it_names(visit):
    page = compared(visit(f"{QUICK}&baselines=black;color:color=teal;color:color=%2300ff7f"), 3)
    first, second, third = pictures(row(page, BASELINE))
    assert first != second != third
    assert texts(page, NUMBERS)[1] != texts(page, NUMBERS)[0]
    assert page.locator("[data-testid=stAlert]").count() == 0


def test_nine_baselines_of_a_link_are_cut_to_eight_with_a_line(visit):
    asked = ";".join(f"blur:sigma={sigma}.0" for sigma in range(1, 10))
    page = compared(visit(f"baselines?integrator=trapezoid&steps=10&baselines={asked}"), 8)
    expect(alert(page, "The link asks for 9 baselines; these are the first 8.")).to_be_visible()
    assert texts(page, NAMES) == [*(f"{sigma} Gaussian blur {sigma}" for sigma in range(1, 9)), "Average"]
    expect(page.locator(".st-key-add_baseline button")).to_be_disabled()
    no_sideways_overflow(page, "eight", WIDE, "light")
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    no_sideways_overflow(page, "eight", NARROW, "light")


@pytest.mark.parametrize("text", ["black", "<b>;x", "black;image:/etc/passwd"])
def test_link_with_one_baseline_or_nonsense_gives_the_default_set(visit, text):
    page = compared(visit(f"{QUICK}&baselines={text}"), 4)
    assert texts(page, NAMES)[:4] == ["1 Black", "2 White", "3 Gaussian blur 20", "4 Uniform noise 0"]
    assert page.locator("[data-testid=stAlert], [data-testid=stException]").count() == 0


def test_baselines_are_added_and_removed_and_the_address_follows(visit):
    page = compared(visit(f"{QUICK}&baselines=black;white"), 2)
    for slot in (1, 2):
        expect(page.locator(f".st-key-slot{slot}-remove button")).to_be_disabled()
    page.locator(".st-key-add_baseline button").click()
    compared(page, 3)
    assert texts(page, NAMES) == ["1 Black", "2 White", "3 Gray", "Average"]
    until(lambda: address(page)["baselines"] == "black;white;gray", "the address does not carry the third")
    page.locator(".st-key-slot1-remove button").click()
    compared(page, 2)
    assert texts(page, NAMES) == ["1 White", "2 Gray", "Average"]
    until(lambda: address(page)["baselines"] == "white;gray", "the address still carries what was removed")


def test_a_parameter_moves_its_own_column_only(visit):
    page = compared(visit(f"{QUICK}&baselines=black;blur:sigma=5.0;blur:sigma=40.0"), 3)
    page.locator(".st-key-shared_scale label").click()
    expect(page.locator(".st-key-shared_scale input")).not_to_be_checked()
    settled(page)
    masks, numbers = pictures(row(page, MASK)), texts(page, NUMBERS)
    slide(page, "slot2-blur-sigma", "End")
    expect(row(page, NAMES)).to_contain_text("Gaussian blur 100")
    compared(page, 3)
    after = pictures(row(page, MASK))
    assert [one == other for one, other in zip(after, masks, strict=True)] == [True, False, True, False]
    assert [one == other for one, other in zip(texts(page, NUMBERS), numbers, strict=True)][::2] == [True, True]
    assert address(page)["baselines"] == "black;blur:sigma=100.0;blur:sigma=40.0"


def test_an_own_image_is_a_bundled_photo_or_an_upload_that_never_enters_the_address(visit, tmp_path):
    page = compared(visit(f"{QUICK}&baselines=black;white;gray"), 3)
    choose(page, "slot2", "Your own image")
    expect(row(page, NAMES)).to_contain_text("Your own image: Cat")
    choose(page, "slot2-other", "Rocket")
    expect(row(page, NAMES)).to_contain_text("Your own image: Rocket")
    compared(page, 3)
    until(lambda: address(page)["baselines"] == "black;image:rocket;gray", "the address does not carry the photo")
    before = pictures(row(page, BASELINE))
    (tmp_path / "my secret.png").write_bytes(igcore.PHOTOS["camera"].path.read_bytes())
    page.locator(".st-key-slot2-other_upload input[type=file]").set_input_files(tmp_path / "my secret.png")
    expect(row(page, NAMES)).to_contain_text("Your own image: my-secret")
    compared(page, 3)
    after = pictures(row(page, BASELINE))
    assert [one == other for one, other in zip(after, before, strict=True)] == [True, False, True]
    until(lambda: address(page)["baselines"] == "black;gray", "the address carries an upload")
    assert "secret" not in page.url


def test_an_image_that_equals_its_baseline_has_a_zero_map_and_no_agreement(visit):
    page = compared(visit(f"{QUICK}&image=cat&baselines=black;image:cat;white"), 3)
    assert "+0.000" in texts(page, NUMBERS)[1]
    assert texts(page, BLIND)[1] == "100.0% of the image"
    for table in TABLES:
        shown = cells(page, table)
        assert [shown[at] for at in (1, 3, 4, 5, 7)] == ["–"] * 5
        assert "–" not in [shown[at] for at in (0, 2, 6, 8)]
    assert page.locator(".st-key-pictures_pair [data-testid=stMetricValue]").all_inner_texts() == ["–"] * 3
    assert page.locator("[data-testid=stAlert], [data-testid=stException]").count() == 0


def test_one_color_scale_or_each_its_own_takes_no_gradient(visit):
    page = compared(visit(f"{QUICK}&baselines=black;white;blur"), 3)
    cost, masks = spent(page), pictures(row(page, MASK))
    page.locator(".st-key-shared_scale label").click()
    expect(row(page, MASK).locator("img").last).not_to_have_attribute("src", masks[-1])
    settled(page)
    after = pictures(row(page, MASK))
    assert sum(one != other for one, other in zip(after, masks, strict=True)) >= 3
    page.locator(".st-key-shared_scale label").click()
    expect(row(page, MASK).locator("img").last).to_have_attribute("src", masks[-1])
    assert spent(page) == cost


def test_signed_drawing_takes_no_gradient(visit):
    page = compared(visit(f"{QUICK}&baselines=black;white"), 2)
    cost, masks, table = spent(page), pictures(row(page, MASK)), cells(page, "spearman")
    page.locator(".st-key-sign").get_by_text("Signed").click()
    expect(row(page, MASK).locator("img").first).not_to_have_attribute("src", masks[0])
    settled(page)
    assert not set(pictures(row(page, MASK))) & set(masks)
    assert cells(page, "spearman") != table
    assert spent(page) == cost
    until(lambda: address(page)["sign"] == "signed", "the address does not carry the sign")


@pytest.mark.parametrize("table", TABLES)
def test_a_click_on_a_cell_shows_its_two_maps(visit, table):
    page = compared(visit(QUICK), 4)
    assert pair(page) == ["1 Black", "2 White"]
    before = pictures(page.locator(".st-key-pictures_pair"))
    click_cell(page, table, 2, 4)
    until(lambda: pair(page) == ["2 White", "4 Uniform noise 0"], "the cell's maps are not chosen")
    settled(page)
    after = pictures(page.locator(".st-key-pictures_pair"))
    assert [one == other for one, other in zip(after, before, strict=True)] == [False] * 3
    shown = page.locator(".st-key-pictures_pair [data-testid=stMetricValue]").all_inner_texts()
    assert shown == [cells(page, one)[1 * 4 + 3] for one in TABLES]


def test_the_pair_is_chosen_from_the_keyboard_too(visit):
    page = compared(visit(QUICK), 4)
    before = pictures(page.locator(".st-key-pictures_pair"))
    for key, name in (("pair_a", "3 Gaussian"), ("pair_b", "1 Black")):
        page.locator(f".st-key-{key} input[role=combobox]").focus()
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type(name)
        expect(page.get_by_role("option")).to_have_count(1)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
    until(lambda: pair(page) == ["3 Gaussian blur 20", "1 Black"], "the keyboard does not choose the pair")
    settled(page)
    after = pictures(page.locator(".st-key-pictures_pair"))
    assert after[1] == before[0]
    assert not {after[0], after[2]} & set(before)


def test_two_images_are_compared(visit):
    page = compared(visit(f"{QUICK}&by=images&second_image=rocket"), 2)
    assert texts(page, NAMES) == ["1 Espresso: espresso", "2 Rocket: missile"]
    page.locator(".st-key-own_class label").click()
    expect(row(page, NAMES)).to_contain_text("Rocket: espresso")
    compared(page, 2)
    choose(page, "by", "Classes")
    expect(row(page, NAMES)).not_to_contain_text("Rocket")
    until(lambda: address(page)["by"] == "classes", "the address does not carry what is compared")


def test_two_classes_are_compared(visit):
    page = compared(visit(f"{QUICK}&by=classes&second_target=504"), 2)
    assert texts(page, NAMES) == ["1 espresso", "2 coffee mug"]
    assert len(set(pictures(row(page, BASELINE)))) == 1
    assert len(set(pictures(row(page, MASK)))) == 2
    assert len(cells(page, "overlap")) == 4


def test_without_a_second_model_the_page_says_what_is_missing_and_shows_the_first(visit):
    page = visit(f"{QUICK}&by=models")
    expect(alert(page, "python -m igcore fetch inception-v1")).to_be_visible()
    compared(page, 1)
    assert texts(page, NAMES) == ["1 espresso"]
    assert len(pictures(row(page, MASK))) == 1
    expect(page.get_by_text("As soon as two maps are finished")).to_be_visible()


@pytest.fixture(scope="module")
def two_models(start, tmp_path_factory):
    """A server whose catalogue has two more models: one of the embedded network's size, one small."""
    from tests.exports import NotCallable, export

    folder = tmp_path_factory.mktemp("catalogue")
    export(NotCallable(1000), folder / "same", (224, 224), signature="serving_default")
    export(NotCallable(7), folder / "small", (16, 16), signature="serving_default")
    entries = [
        f'[{name}]\ntitle = "Tiny {name}"\nkind = "saved-model"\nhandle = "{name}"' for name in ("same", "small")
    ]
    (folder / "models.toml").write_text("\n".join(entries))
    return start(IGCORE_CATALOGUE=str(folder / "models.toml"))


def test_two_models_are_compared(visit, two_models):
    page = compared(visit(f"{QUICK}&by=models", url=two_models.url), 2)
    assert texts(page, NAMES) == ["1 EfficientNet-Lite0: espresso", "2 Tiny same: espresso"]
    assert len(set(pictures(row(page, MASK)))) == 2
    assert len(cells(page, "spearman")) == 4
    choose(page, "second_model", "Tiny small")
    expect(row(page, NAMES)).to_contain_text(re.compile(r"2 Tiny small: class \d"))
    compared(page, 2)
    expect(
        page.get_by_text("The maps have different sizes, so pixel by pixel they cannot be compared.")
    ).to_be_visible()
    until(lambda: address(page)["second_model"] == "small", "the address does not carry the second model")
    assert page.locator("[data-testid=stAlert], [data-testid=stException]").count() == 0


def test_stop_stops_all_and_what_is_finished_stays(visit):
    page = visit("baselines?integrator=trapezoid&steps=250&baselines=gray;white;black")
    progress = page.locator(".st-key-progress")
    expect(progress).to_contain_text("1 of 3 finished")
    page.locator(".st-key-progress_stop button").click()
    expect(progress).to_contain_text("Stopped; what was finished stays.")
    settled(page)
    numbers = texts(page, NUMBERS)
    assert len(numbers) == 3, "there is no average of what is not finished"
    assert numbers[0].endswith("251 gradients")
    assert not any(text.endswith("gradients") for text in numbers[1:])
    page.get_by_role("button", name="Run again").click()
    compared(page, 3)
    assert texts(page, NUMBERS)[0] == numbers[0]
    assert [text.endswith("251 gradients") for text in texts(page, NUMBERS)[:3]] == [True] * 3


def test_leaving_and_coming_back_keeps_the_set(visit):
    page = compared(visit(f"{QUICK}&baselines=black;blur:sigma=5.0;image:rocket"), 3)
    slide(page, "slot2-blur-sigma", "ArrowRight", "ArrowRight")
    expect(row(page, NAMES)).to_contain_text("Gaussian blur 6")
    page.locator(".st-key-add_baseline button").click()
    compared(page, 4)
    names, cost, where = texts(page, NAMES), spent(page), address(page)
    assert names[:4] == ["1 Black", "2 Gaussian blur 6", "3 Your own image: Rocket", "4 White"]
    page.get_by_role("link", name="Explain an image").click()
    expect(page.locator(".st-key-completeness")).to_contain_text("21 gradients in")
    settled(page)
    page.get_by_role("link", name="Compare baselines").click()
    compared(page, 4)
    assert texts(page, NAMES) == names
    assert spent(page) == cost
    assert address(page) == where


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_nothing_overflows_sideways(visit, size, scheme):
    page = compared(visit("baselines", size, scheme), 4)
    expect(page.locator(".st-key-agreement_overlap .main-svg").first).to_be_visible()
    no_sideways_overflow(page, "baselines", size, scheme)
