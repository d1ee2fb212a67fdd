"""The page without a browser: every control's every choice leads to a result or to one clear line."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import igcore
from igcore.heatmaps import SIGNS

APP = str(Path(__file__).parents[1] / "app.py")


def finished(page: AppTest) -> AppTest:
    """Run the page, wait for its explanation, and run it again to see it."""
    page.run()
    assert not page.exception
    assert page.session_state["job"].wait(60)
    page.run()
    assert not page.exception
    return page


def opened(**query: str) -> AppTest:
    page = AppTest.from_file(APP, default_timeout=60)
    page.query_params.update(query)
    return finished(page)


def shown(page: AppTest) -> igcore.Attribution:
    return page.session_state["shown"].attribution


def test_defaults_are_the_tutorials():
    result = shown(opened())
    assert (result.label, result.settings["baseline"], result.settings["integrator"], result.settings["steps"]) == (
        "espresso",
        {"key": "black"},
        "trapezoid",
        50,
    )


@pytest.mark.parametrize("key", igcore.BASELINES)
def test_every_baseline_is_reachable_by_link(key):
    result = shown(opened(baseline=key, steps="10"))
    assert result.settings["baseline"]["key"] == key


@pytest.mark.parametrize("key", igcore.INTEGRATORS)
def test_every_integrator_is_reachable_by_link(key):
    result = shown(opened(integrator=key, steps="10"))
    assert result.settings["integrator"] == key
    assert result.settings["steps"] == 10


def test_every_sign_draws_from_the_same_result():
    page = opened(steps="10")
    before = shown(page)
    for sign in SIGNS:
        page.session_state["sign"] = sign
        page.run()
        assert not page.exception
        assert shown(page).values is before.values


def test_rules_on_the_same_nodes_come_from_one_pass():
    page = opened(steps="20", image="cat")
    job = page.session_state["job"]
    for rule in ("left", "right", "simpson", "trapezoid"):
        page.selectbox(key="integrator").set_value(rule).run()
        assert page.session_state["job"] is job
        assert shown(page).settings["integrator"] == rule


def test_settings_return_with_their_control():
    page = opened(steps="10", baseline="blur")
    page.slider(key="blur-sigma").set_value(33.0).run()
    page.selectbox(key="baseline").set_value("white").run()
    page.selectbox(key="baseline").set_value("blur").run()
    assert page.slider(key="blur-sigma").value == 33.0


def test_address_carries_every_choice():
    page = opened(image="rocket", target="812", baseline="gray", integrator="midpoint", steps="30", of="logit")
    address = dict(page.query_params)
    chosen = {"image": "rocket", "model": "efficientnet-lite0", "target": "812", "baseline": "gray", "steps": "30"}
    assert address.items() >= (chosen | {"integrator": "midpoint", "of": "logit"}).items()


@pytest.mark.parametrize("query", [{"steps": "0"}, {"steps": "1e9"}, {"of": "x"}, {"target": "-1"}, {"fit": "zoom"}])
def test_link_that_asks_for_the_impossible_gets_the_default(query):
    result = shown(opened(**query))
    assert (result.settings["steps"], result.settings["of"], result.label) == (50, "probability", "espresso")


def test_odd_steps_for_simpson_get_one_line_and_the_result_stays():
    page = opened(integrator="simpson", steps="20")
    before = shown(page)
    page.slider(key="steps").set_value(25).run()
    assert not page.exception
    assert [error.value for error in page.error] == ["simpson needs an even number of steps, got 25; take 24 or 26"]
    assert shown(page) is before


def test_model_that_is_not_here_says_why_and_the_embedded_one_serves():
    page = opened(model="mobilenet-v2", steps="10")
    assert "python -m igcore fetch mobilenet-v2" in page.warning[0].value
    assert shown(page).model == "efficientnet-lite0"
