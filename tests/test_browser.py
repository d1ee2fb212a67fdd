"""The dashboard's first page in a real browser, as a person uses it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

import igcore
from tests.browser_page import (
    LOOKS,
    address,
    alert,
    choose,
    done,
    no_sideways_overflow,
    number,
    slide,
    spent,
    until,
)

pytestmark = pytest.mark.browser


def test_first_visit_explains_the_top_class(visit):
    page = visit()
    done(page)
    expect(page.get_by_text("explained: espresso")).to_be_visible()
    card = page.locator(".st-key-completeness")
    expect(card).to_contain_text("(Adaptive)")
    expect(card).to_contain_text("Converged: it stopped by itself")
    expect(card).to_contain_text("complete by construction: that is no evidence")
    assert number(page, "F(x)").startswith("0.9")
    assert number(page, "Was off") != "–"
    assert number(page, "Relative").endswith("%")
    assert number(page, "Map error").startswith("≈ ")
    assert float(number(page, "Sum Σ")) == pytest.approx(float(number(page, "F(x)")), abs=0.002)
    assert page.locator(".st-key-steps").count() == 0
    assert page.locator(".st-key-pictures_main img").count() == 4
    assert page.locator("[data-testid=stException]").count() == 0


def test_how_far_adaptive_goes_is_set_and_the_result_follows(visit):
    page = visit("?image=cat&max_gradients=16")
    done(page)
    card = page.locator(".st-key-completeness")
    expect(card).to_contain_text(re.compile(r"Not within its tolerances after \d+ gradients"))
    first = number(page, "Map error")
    page.get_by_role("button", name="Allow 64 gradients").click()
    until(lambda: address(page).get("max_gradients") == "64", "the address does not carry the limit")
    expect(card.locator("[data-testid=stMetricValue]").last).not_to_have_text(first)
    slide(page, "map_tolerance", "End")
    until(lambda: address(page).get("map_tolerance") == "0.2", "the address does not carry the map error")
    expect(card).to_contain_text("Converged")
    done(page)


def test_steps_move_and_the_result_follows_by_itself(visit):
    page = visit("?image=motorcycle&integrator=trapezoid")
    done(page, 51)
    slide(page, "steps", *["ArrowRight"] * 3)
    done(page, 81)
    until(lambda: address(page)["steps"] == "80", "the address does not carry the steps")


def test_verdict_offers_more_steps_and_takes_them(visit):
    page = visit("?image=cat&steps=20&integrator=trapezoid")
    done(page, 21)
    page.get_by_role("button", name="Take 80 steps").click()
    done(page, 81)
    until(lambda: address(page)["steps"] == "80", "the address does not carry the steps")


def test_verdict_on_a_fixed_rule_offers_to_adapt(visit):
    page = visit("?image=cat&steps=10&integrator=trapezoid")
    done(page, 11)
    page.get_by_role("button", name="Let it adapt").click()
    expect(page.locator(".st-key-completeness")).to_contain_text("Converged")
    until(lambda: address(page)["integrator"] == "adaptive", "the address does not carry the integrator")
    assert page.locator(".st-key-map_tolerance").count() == 1


def test_rules_on_the_same_nodes_cost_no_gradient(visit):
    page = visit("?image=cat&steps=100&integrator=trapezoid")
    done(page, 101)
    cost = spent(page)
    before = number(page, "Sum Σ")
    choose(page, "integrator", "Simpson")
    expect(page.locator(".st-key-completeness")).to_contain_text("Simpson")
    assert number(page, "Sum Σ") != before
    choose(page, "integrator", "Trapezoid")
    expect(page.locator(".st-key-completeness")).to_contain_text("Trapezoid")
    assert number(page, "Sum Σ") == before
    assert spent(page) == cost


def test_correction_of_a_fixed_rule_makes_the_sum_exact_and_says_so(visit):
    page = visit("?image=cat&steps=20&integrator=trapezoid")
    done(page, 21)
    off = number(page, "Error")
    page.locator(".st-key-correct label").click()
    expect(page.locator(".st-key-completeness")).to_contain_text("no evidence")
    done(page, 21)
    assert number(page, "Was off") == off
    until(lambda: address(page).get("correct") == "True", "the address does not carry the correction")


def test_baseline_changes_with_its_parameter(visit):
    page = visit("?image=cat")
    done(page)
    choose(page, "baseline", "Gaussian blur")
    until(lambda: address(page)["baseline"] == "blur", "the address does not carry the baseline")
    done(page)
    blurred = number(page, "F(x′)")
    slide(page, "blur-sigma", "Home")
    until(lambda: address(page).get("blur-sigma") == "0.5", "the address does not carry σ")
    until(lambda: number(page, "F(x′)") != blurred, "another σ leaves the baseline as it was")


def test_drawing_repaints_without_a_gradient(visit):
    page = visit()
    done(page)
    cost = spent(page)
    mask = page.locator(".st-key-pictures_main img").nth(2)
    before = mask.get_attribute("src")
    page.locator(".st-key-sign").get_by_text("Signed").click()
    expect(page.get_by_text("for (red) and against (blue)").first).to_be_visible()
    expect(mask).not_to_have_attribute("src", before)
    assert spent(page) == cost


def test_alpha_steps_along_the_path(visit):
    page = visit()
    done(page)
    point = page.locator(".st-key-pictures_point")
    expect(point).to_contain_text("α = 0.50")
    slide(page, "alpha", "End")
    expect(point).to_contain_text("α = 1.00")
    expect(point.locator("[data-testid=stMetricValue]").first).to_have_text(number(page, "F(x)"))
    slide(page, "alpha", "Home")
    expect(point).to_contain_text("α = 0.00")
    expect(point.locator("[data-testid=stMetricValue]").first).to_have_text(number(page, "F(x′)"))


@pytest.mark.parametrize(
    ("query", "stem"),
    [
        ("", "coffee_espresso_ig_black_adaptive"),
        ("&baseline=uniform-noise&integrator=trapezoid&steps=20", "coffee_espresso_ig_uniform-noise_trapezoid20"),
    ],
    ids=["adaptive", "trapezoid"],
)
def test_downloads_have_names_and_reproduce_the_run(visit, tmp_path, model, query, stem):
    page = visit(f"?image=coffee{query}")
    done(page)
    files = {}
    for kind in ("png", "npz", "json"):
        with page.expect_download() as arriving:
            page.locator(f".st-key-download_{kind} button").click()
        assert arriving.value.suggested_filename == f"{stem}.{kind}"
        files[kind] = tmp_path / arriving.value.suggested_filename
        arriving.value.save_as(files[kind])
    assert igcore.load_image(files["png"]).shape == (224, 224, 3)
    settings = json.loads(files["json"].read_text())
    shown = igcore.Attribution.load(files["npz"])
    image = igcore.load_image(igcore.PHOTOS[settings["image"]["bundled"]].path, (224, 224), settings["fit"])
    taken = {name: settings[name] for name in igcore.INTEGRATORS[settings["integrator"]].takes}
    method = igcore.IntegratedGradients(settings["baseline"]["key"], settings["integrator"], **taken)
    again = igcore.explain(model, image, method, settings["target"], settings["seed"])
    np.testing.assert_allclose(again.values, shown.values, atol=1e-6)
    assert f"--baseline '{settings['baseline']['key']}" in settings["command"]
    assert f"--integrator {settings['integrator']}" in settings["command"]


def test_upload_is_explained_and_never_enters_the_link(visit):
    page = visit()
    done(page)
    page.locator(".st-key-source").get_by_text("Upload").click()
    page.locator(".st-key-upload input[type=file]").set_input_files(igcore.PHOTOS["camera"].path)
    expect(page.get_by_text("explained: tripod")).to_be_visible()
    done(page)
    until(lambda: "image" not in address(page), "the address still names an image")


def test_a_file_that_the_server_has_no_room_for_is_told_and_the_result_stays(visit, start, tmp_path):
    (tmp_path / "limits.toml").write_text("[upload]\nheld_megabytes = 0.1\n")
    page = visit(url=start(IGCORE_LIMITS=str(tmp_path / "limits.toml")).url)
    done(page)
    page.locator(".st-key-source").get_by_text("Upload").click()
    page.locator(".st-key-upload input[type=file]").set_input_files(igcore.PHOTOS["camera"].path)
    expect(alert(page, "no room left for uploads")).to_be_visible()
    expect(alert(page, "this shows Espresso")).to_be_visible()
    expect(page.get_by_text("explained: espresso")).to_be_visible()


def test_bad_uploads_say_so_in_one_line_and_the_result_stays(visit, tmp_path):
    page = visit()
    done(page)
    score = number(page, "F(x)")
    page.locator(".st-key-source").get_by_text("Upload").click()
    (tmp_path / "text.jpg").write_text("not an image")
    (tmp_path / "cut.png").write_bytes(igcore.PHOTOS["cat"].path.read_bytes()[:5000])
    (tmp_path / "empty.png").write_bytes(b"")
    for name, complaint in {
        "text.jpg": "not a JPEG, PNG or WebP",
        "cut.png": "damaged or cut off",
        "empty.png": "empty",
    }.items():
        page.locator(".st-key-upload input[type=file]").set_input_files(tmp_path / name)
        expect(alert(page, complaint)).to_be_visible()
        assert number(page, "F(x)") == score
        assert page.locator(".st-key-pictures_main img").count() == 4
    assert page.locator("[data-testid=stException]").count() == 0


def test_odd_steps_for_simpson_are_explained_and_the_result_stays(visit):
    page = visit("?steps=25&integrator=simpson")
    expect(alert(page, "even number of steps, got 25; take 24 or 26")).to_be_visible()
    assert page.locator("[data-testid=stException]").count() == 0


def test_long_run_can_be_stopped_and_the_page_stays_usable(visit):
    page = visit("?image=rocket&steps=1000&integrator=trapezoid")
    progress = page.locator(".st-key-progress")
    expect(progress).to_contain_text(re.compile(r"\d+ of 1001 gradients"))
    page.locator(".st-key-stop button").click()
    expect(progress).to_contain_text("Stopped")
    page.get_by_role("button", name="Run again").click()
    expect(progress).to_contain_text(re.compile(r"\d+ of 1001 gradients"))
    slide(page, "steps", "Home")
    done(page, 11)


def test_adaptive_tells_about_how_many_gradients_it_will_take(visit):
    page = visit("?image=cat&baseline=uniform-noise&map_tolerance=0.01&max_gradients=2048")
    expect(page.locator(".st-key-progress")).to_contain_text(re.compile(r"\d+ of about \d+ gradients"))
    expect(page.locator(".st-key-completeness")).to_contain_text("get finer with each round")
    done(page)
    expect(page.locator(".st-key-completeness")).to_contain_text("Converged")


def test_deep_link_on_a_cold_server_gives_its_picture(start, visit):
    query = "?image=motorcycle&target=670&baseline=blur&blur-sigma=10.0&steps=40&integrator=midpoint&sign=signed"
    page = visit(query, url=start().url)
    # While the model loads, whose picture it will be, and where its classes will stand.
    expect(page.get_by_text("stands here when it is loaded")).to_be_visible()
    expect(page.locator("img[alt=Motorcycle]")).to_be_visible()
    done(page, 40)
    expect(page.get_by_text("stands here when it is loaded")).to_have_count(0)
    expect(page.get_by_text("explained: motor scooter")).to_be_visible()
    expect(page.get_by_text("for (red) and against (blue)").first).to_be_visible()
    expected = {part.split("=")[0]: part.split("=")[1] for part in query[1:].split("&")}
    assert address(page).items() >= expected.items()


def test_link_with_nonsense_falls_back_to_defaults(visit):
    page = visit(
        "?image=../../etc/passwd&model=/tmp/model&steps=1e9&baseline=<b>&target=99999&blur-sigma=nan"
        "&map_tolerance=0&max_gradients=1e99&integrator=../x"
    )
    done(page)
    expect(page.get_by_text("explained: espresso")).to_be_visible()
    expect(page.locator(".st-key-completeness")).to_contain_text("(Adaptive)")
    assert page.locator("[data-testid=stException]").count() == 0


def test_model_that_is_not_here_leaves_the_page_running(visit):
    page = visit("?model=inception-v1")
    expect(alert(page, "python -m igcore fetch inception-v1")).to_be_visible()
    done(page)
    expect(page.get_by_text("explained: espresso")).to_be_visible()


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_nothing_overflows_sideways(visit, size, scheme):
    page = visit("?image=coffee", size, scheme)
    done(page)
    expect(page.locator(".st-key-curve_cumulative .main-svg").first).to_be_visible()
    no_sideways_overflow(page, "explain", size, scheme)
