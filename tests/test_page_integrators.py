"""The page that compares integrators, without a browser."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

import igcore
from igcore.runtime.questions import Explain, StudyPath
from igcore.study import LARGEST, study_cost
from tests.test_page import QUICK, finished, opened

PAGE = "integrators.py"


def told(page: AppTest) -> str:
    return "\n".join(one.value for one in (*page.markdown, *page.caption))


def bars(page: AppTest) -> int:
    """How many panels the local errors are drawn for."""
    (chart,) = [one for one in page.get("plotly_chart") if one.proto.alt.startswith("Score at the nodes")]
    (drawn,) = [one for one in json.loads(chart.proto.spec)["data"] if one["type"] == "bar"]
    return len(drawn["customdata"]) if isinstance(drawn["customdata"], list) else _rows(drawn["customdata"])


def _rows(packed: dict[str, str]) -> int:
    return int(packed["shape"].split(",")[0])


def jobs(page: AppTest, kind: type) -> list:
    return [job for job in page.session_state["client"].followed.values() if isinstance(job.question, kind)]


def test_first_visit_explains_adaptively_and_offers_a_study():
    page = opened(PAGE)
    (job,) = page.session_state["client"].followed.values()
    result = job.value.by_rule["adaptive"]
    assert bars(page) == result.gradient_count - 1
    assert "The hardest panel is **" in told(page)
    assert "forward pass" not in told(page)
    assert page.button(key="study").label == "Measure all integrators: 3,186 gradients"
    assert "longest" not in page.query_params
    assert [*page.error] == []


@pytest.mark.parametrize("key", igcore.INTEGRATORS)
def test_every_integrator_shows_its_local_errors(key):
    page = opened(PAGE, integrator=key, steps="20")
    assert "The hardest panel is **" in told(page)
    if key != "adaptive":
        assert bars(page) == 10 if key == "simpson" else 20
    single, many = {"left", "right"}, {"midpoint", "gauss-legendre", "monte-carlo"}
    assert (" 1 forward pass scored what is an end and no node." in told(page)) == (key in single)
    assert (" 21 forward passes scored what is an end and no node." in told(page)) == (key in many)
    assert [*page.error] == []


def test_an_image_that_equals_its_baseline_has_no_error():
    page = opened(PAGE, image="cat", baseline="image", other="cat")
    assert "No panel has an error" in told(page)
    assert [*page.error] == []


@pytest.mark.parametrize("asked", ["7", "100", "1e9", "nan", "<b>"])
def test_nonsense_for_the_longest_rule_falls_back(asked):
    page = opened(PAGE, longest=asked, **QUICK)
    assert page.selectbox(key="longest").value == LARGEST[-1]
    assert "longest" not in page.query_params
    assert not page.exception


@pytest.mark.parametrize("largest", LARGEST)
def test_a_study_says_its_cost_before_it_is_asked_for(largest):
    page = opened(PAGE, longest=str(largest), **QUICK)
    assert page.button(key="study").label == f"Measure all integrators: {study_cost(largest):,} gradients"


def test_a_study_stays_with_its_path_and_goes_with_it():
    page = opened(PAGE, longest="64", image="rocket", **QUICK)
    page.button(key="study").click().run()
    (study,) = jobs(page, StudyPath)
    assert "study" not in [button.key for button in page.button]
    for integrator in ("left", "midpoint", "adaptive"):
        page.selectbox(key="integrator").set_value(integrator).run()
        assert jobs(page, StudyPath) == [study]
        # Left and trapezoid lie on the same nodes, so they share a job.
        assert integrator in jobs(page, Explain)[0].question.rules
    assert not study.stopped
    page.selectbox(key="baseline").set_value("white").run()
    assert study.stopped
    assert jobs(page, StudyPath) == []
    assert page.button(key="study").label.startswith("Measure all integrators: 1,394")
    # Asked for again, it begins anew, and can be stopped by hand.
    page.button(key="study").click().run()
    (study,) = jobs(page, StudyPath)
    page.button(key="study_progress_stop").click().run()
    assert study.stopped
    finished(page)
    assert "Stopped" in told(page)
    page.button(key="study_progress_again").click().run()
    (again,) = jobs(page, StudyPath)
    assert again is not study
    again.cancel()
    assert again.wait(120)


def test_settings_that_do_not_go_together_are_one_line():
    page = opened(PAGE, integrator="simpson", steps="20")
    page.slider(key="steps").set_value(25).run()
    assert [one.value for one in page.error] == ["simpson needs an even number of steps, got 25; take 24 or 26"]
