"""The page without a browser: every control's every choice leads to a result or to one clear line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import igcore
from igcore.heatmaps import SIGNS
from igcore.integrators import FIXED

APP = str(Path(__file__).parents[1] / "app.py")

#: An explanation that is quick: 11 gradients.
QUICK = {"integrator": "trapezoid", "steps": "10"}


def finished(page: AppTest) -> AppTest:
    """Run the page, wait for all that it asked for, and run it again to see it."""
    page.run()
    assert not page.exception
    assert "client" in page.session_state, [one.value for one in page.error]
    assert all(job.wait(300) for job in page.session_state["client"].followed.values())
    page.run()
    assert not page.exception
    return page


def opened(file: str = "", **query: str) -> AppTest:
    """Open the first page, or the one in a file of `pages`, with this address, and wait until it is finished."""
    page = AppTest.from_file(APP, default_timeout=300)
    if file:
        page.switch_page(f"pages/{file}")
    page.query_params.update(query)
    return finished(page)


def shown(page: AppTest) -> igcore.Attribution:
    return page.session_state["shown"].attribution


def test_defaults_are_black_and_adaptive():
    result = shown(opened())
    settings = result.settings
    assert (result.label, settings["baseline"], settings["of"]) == ("espresso", {"key": "black"}, "probability")
    assert (settings["integrator"], settings["map_tolerance"], settings["max_gradients"]) == ("adaptive", 0.05, 512)
    assert result.converged
    assert result.gradient_count < 512
    assert result.correction is not None
    assert result.sum == pytest.approx(result.score_difference, abs=1e-5)


@pytest.mark.parametrize("key", igcore.BASELINES)
def test_every_baseline_is_reachable_by_link(key):
    result = shown(opened(baseline=key, **QUICK))
    assert result.settings["baseline"]["key"] == key


@pytest.mark.parametrize("key", igcore.INTEGRATORS)
def test_every_integrator_is_reachable_by_link(key):
    page = opened(integrator=key, steps="10")
    settings = shown(page).settings
    assert settings["integrator"] == key
    assert settings.get("steps") == (10 if key in FIXED else None)
    assert [slider.key for slider in page.slider if slider.key == "steps"] == (["steps"] if key in FIXED else [])


def test_link_sets_how_far_adaptive_goes():
    page = opened(map_tolerance="0.2", max_gradients="64")
    result = shown(page)
    assert (result.settings["map_tolerance"], result.settings["max_gradients"]) == (0.2, 64)
    assert page.query_params["map_tolerance"] == "0.2"
    assert page.query_params["max_gradients"] == "64"
    assert result.gradient_count < shown(opened()).gradient_count


def test_defaults_of_adaptive_stay_out_of_the_address():
    address = opened().query_params
    assert "map_tolerance" not in address
    assert "max_gradients" not in address


def test_link_corrects_a_fixed_rule():
    page = opened(correct="True", **QUICK)
    result = shown(page)
    assert (result.settings["integrator"], result.settings["correct"]) == ("trapezoid", True)
    assert result.correction
    assert result.sum == pytest.approx(result.score_difference, abs=1e-5)
    assert page.query_params["correct"] == "True"
    plain = finished(page.toggle(key="correct").set_value(False).run())
    assert shown(plain).correction is None
    assert shown(plain).sum == pytest.approx(result.sum - result.correction, abs=1e-5)
    assert "correct" not in plain.query_params


def test_every_sign_draws_from_the_same_result():
    page = opened(**QUICK)
    before = shown(page)
    for sign in SIGNS:
        page.session_state["sign"] = sign
        page.run()
        assert not page.exception
        assert shown(page).values is before.values


def test_rules_on_the_same_nodes_come_from_one_pass():
    page = opened(integrator="trapezoid", steps="20", image="cat")
    (job,) = page.session_state["client"].followed.values()
    for rule in ("left", "right", "simpson", "trapezoid"):
        page.selectbox(key="integrator").set_value(rule).run()
        assert [*page.session_state["client"].followed.values()] == [job]
        assert shown(page).settings["integrator"] == rule


def test_settings_return_with_their_control():
    page = opened(baseline="blur", **QUICK)
    page.slider(key="blur-sigma").set_value(33.0).run()
    page.selectbox(key="baseline").set_value("white").run()
    page.selectbox(key="baseline").set_value("blur").run()
    assert page.slider(key="blur-sigma").value == 33.0
    page.selectbox(key="integrator").set_value("adaptive").run()
    page.select_slider(key="max_gradients").set_value(16).run()
    page.selectbox(key="integrator").set_value("simpson").run()
    assert page.slider(key="steps").value == 10
    page.selectbox(key="integrator").set_value("adaptive").run()
    assert page.select_slider(key="max_gradients").value == 16


def test_address_carries_every_choice():
    page = opened(image="rocket", target="812", baseline="gray", integrator="midpoint", steps="30", of="logit")
    chosen = {"image": "rocket", "model": "efficientnet-lite0", "target": "812", "baseline": "gray", "steps": "30"}
    assert dict(page.query_params).items() >= (chosen | {"integrator": "midpoint", "of": "logit"}).items()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("of", "x"), ("target", "-1"), ("fit", "zoom"), ("integrator", "euler")),
        *(("map_tolerance", "0.07"), ("map_tolerance", "nan")),
        *(("max_gradients", "100"), ("max_gradients", "1e9"), ("max_gradients", "-16")),
    ],
)
def test_link_that_asks_for_the_impossible_gets_the_default(key, value):
    page = opened(**{key: value})
    result = shown(page)
    settings = result.settings
    assert (result.label, settings["of"], settings["integrator"]) == ("espresso", "probability", "adaptive")
    assert (settings["map_tolerance"], settings["max_gradients"]) == (0.05, 512)
    assert page.query_params.get(key) != value


@pytest.mark.parametrize(("key", "value"), [("steps", "0"), ("steps", "1e9"), ("correct", "maybe"), ("correct", "1")])
def test_link_that_asks_the_impossible_of_a_fixed_rule_gets_the_default(key, value):
    page = opened(integrator="trapezoid", **{key: value})
    settings = shown(page).settings
    assert (settings["integrator"], settings["steps"], settings["correct"]) == ("trapezoid", 50, False)
    assert page.query_params.get(key) != value


def test_color_of_a_link_is_taken_by_name_and_nonsense_gets_the_default():
    page = finished(opened(baseline="color", **{"color-color": "teal"}, **QUICK))
    assert np.allclose(shown(page).baseline[0, 0], np.array([0, 128, 128]) / 255)
    page = opened(baseline="color", **{"color-color": "<b>none"}, **QUICK)
    assert shown(page).settings["baseline"] == {"key": "color", "color": "#1e90ff"}
    assert [*page.error] == []


def test_impossible_values_of_a_link_are_told_before_they_are_replaced():
    page = AppTest.from_file(APP, default_timeout=300)
    page.query_params.update(max_gradients="<b>7", map_tolerance="0.1")
    page.run()
    assert [one.value for one in page.toast] == [
        "The link asks for max_gradients=b7, which is not possible here; using 512."
    ]


def test_odd_steps_for_simpson_get_one_line_and_the_result_stays():
    page = opened(integrator="simpson", steps="20")
    before = shown(page)
    page.slider(key="steps").set_value(25).run()
    assert not page.exception
    assert [error.value for error in page.error] == ["simpson needs an even number of steps, got 25; take 24 or 26"]
    assert shown(page) is before


def test_more_gradients_are_one_button_away_where_adaptive_did_not_get_there():
    page = opened(image="cat", map_tolerance="0.01", max_gradients="16")
    assert not shown(page).converged
    assert any("Not within its tolerances after 16 gradients" in one.value for one in page.markdown)
    button = page.button(key="more_gradients")
    assert button.label == "Allow 64 gradients"
    finished(button.click().run())
    assert shown(page).settings["max_gradients"] == 64
    assert page.query_params["max_gradients"] == "64"


def test_fixed_rule_that_is_not_there_yet_can_be_made_adaptive():
    page = opened(image="cat", **QUICK)
    assert page.button(key="more_steps").label == "Take 40 steps"
    finished(page.button(key="adapt").click().run())
    assert shown(page).settings["integrator"] == "adaptive"
    assert page.query_params["integrator"] == "adaptive"


def test_image_that_equals_its_baseline_is_no_error():
    page = opened(image="cat", baseline="image")
    assert not shown(page).values.any()
    assert any("equals its baseline" in one.value for one in page.markdown)
    assert [*page.error] == []


def test_model_that_is_not_here_says_why_and_the_embedded_one_serves():
    page = opened(model="mobilenet-v2", **QUICK)
    assert "python -m igcore fetch mobilenet-v2" in page.warning[0].value
    assert shown(page).model == "efficientnet-lite0"
