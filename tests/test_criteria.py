"""The three criteria on functions whose effects are known: closed forms, and the study's fourteen methods."""

from __future__ import annotations

import csv
import io
import json
import time

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import igcore
from bench import criteria as bench
from igcore.criteria import CASES, STUDY, CriteriaTable, criteria_table, measure_criteria, settings_of
from igcore.errors import Cancelled, ModelError, UnknownKeyError
from igcore.methods import METHODS
from igcore.metrics.allocation import TOLERANCE, Allocation
from igcore.models.formulas import SHAPE, numbers_of, pictures
from igcore.models.network import TensorFlowModel
from igcore.models.term_cases import polynomial
from igcore.models.term_functions import POINT, TermModel
from igcore.runtime.criteria_questions import MeasureCriteria

RELIABLE = ("ig", "expected-gradients", "shapley", "deep-shap", "deeplift-rescale", "deeplift-reveal-cancel")
X = np.array(POINT)
NETWORKS = [key for key, case in CASES.items() if case.is_network]


@pytest.fixture(scope="module")
def table() -> CriteriaTable:
    """Every method on every function."""
    return criteria_table()


def monomial(a: int, b: int):
    """2 x₁ᵃ x₂ᵇ and its size at the point."""
    function = polynomial("own", (2.0, {1: a, 2: b}), label="Own", description="One term.")
    return function, 2 * X[0] ** a * X[1] ** b


def shares(method, function) -> np.ndarray:
    """What each input gets of the only term."""
    (row,) = measure_criteria(method, function).allocation.shares
    return row


def points(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, X.size)).astype(np.float32).astype(np.float64)


def value(model: TermModel, numbers: np.ndarray) -> np.ndarray:
    return model.scores(pictures(numbers), "logit")[:, 0].astype(np.float64)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (3, 1), (1, 2), (2, 5), (4, 4)])
@pytest.mark.parametrize("method", ["ig", "expected-gradients"])
def test_integrated_gradients_shares_a_monomial_by_its_powers(method, a, b):
    function, effect = monomial(a, b)
    expected = np.zeros(6)
    expected[:2] = effect * a / (a + b), effect * b / (a + b)
    np.testing.assert_allclose(shares(method, function), expected, atol=1e-5 * effect)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (3, 1), (2, 5)])
def test_other_methods_share_a_monomial_in_their_own_way(a, b):
    function, effect = monomial(a, b)
    none = np.zeros(4)
    np.testing.assert_allclose(shares("gradient-x-input", function), [a * effect, b * effect, *none], rtol=1e-5)
    np.testing.assert_allclose(shares("occlusion-1", function), [effect, effect, *none], rtol=1e-5)
    # Each order gives all of it to whoever comes last: a fair coin, thrown 200 times.
    many = METHODS["shapley"].settings(segments=6, permutations=200, of="logit")
    found = shares(many, function)
    np.testing.assert_allclose(found[:2], effect / 2, atol=4 * effect / 2 / np.sqrt(200))
    np.testing.assert_allclose([found.sum(), *found[2:]], [effect, *none], atol=1e-6)


def test_occlusion_of_a_patch_gives_each_input_all_that_goes_with_its_windows():
    function, effect = monomial(1, 1)
    # Two windows of 2 × 2: both cover x₂ and hence the term; x₃ and x₆ are in the second one alone.
    np.testing.assert_allclose(shares("occlusion-patch", function), np.full(6, effect), rtol=1e-5)


def test_measures_by_hand():
    found = Allocation(
        members=((0,), (0, 1), (2,)),
        effects=np.array([2.0, -1.0, 1.0]),
        shares=np.array([[2.0, 0.0, 0.5], [-1.0, -1.0, 0.0], [0.0, 0.0, 0.0]]),
        attribution=np.array([1.0, -1.0, 0.7]),
    )
    assert found.uncovered == pytest.approx(1 / 4)  # the last term's
    assert found.residual == pytest.approx(0.2 / 4)
    assert found.coverage == pytest.approx(0.3)
    assert found.outsiders == pytest.approx(0.5 / 4.5)
    assert found.completeness == pytest.approx((0.5 + 1 + 1) / 4)
    assert found.measures == (found.coverage, found.outsiders, found.completeness)


def test_nothing_given_is_nothing_to_outsiders_but_misses_all():
    found = Allocation(((0,),), np.array([2.0]), np.zeros((1, 2)), np.zeros(2))
    assert found.measures == (1.0, 0.0, 1.0)


@pytest.mark.parametrize("key", CASES)
def test_terms_are_pure_effects_that_make_up_the_function(key):
    function = CASES[key]
    numbers = points(200)
    parts = np.array([value(term.model, numbers) for term in function.terms])
    np.testing.assert_allclose(value(function.whole, numbers), parts.sum(axis=0), atol=5e-6)
    for term, part in zip(function.terms, parts, strict=True):
        assert np.abs(part).max() > 0.01 or not term.members
        for index in range(X.size):
            without = numbers.copy()
            without[:, index] = 0
            expected = np.zeros(len(numbers)) if index in term.members or not term.members else part
            np.testing.assert_allclose(value(term.model, without), expected, atol=2e-6)
    ends = value(function.whole, np.stack([X, 0 * X]))
    assert function.effects().sum() == pytest.approx(ends[0] - ends[1], abs=1e-5)
    np.testing.assert_array_equal(numbers_of(function.image[None])[0], X.astype(np.float32))


def test_the_point_is_in_general_position():
    assert np.unique(X).size == X.size == SHAPE[0] * SHAPE[1]
    assert ((X > 0) & (X < 1)).all()
    for case in CASES.values():
        sizes = np.abs(case.effects())
        assert (sizes[[bool(term.members) for term in case.terms]] > 0.1).all()


@pytest.mark.parametrize("key", NETWORKS)
def test_a_network_of_terms_is_what_tensorflow_makes_of_its_layers(key):
    ours = CASES[key].whole
    network = TensorFlowModel(ours.spec, None, read_graph=lambda: ours.graph)
    images = pictures(points(8, 1))
    np.testing.assert_allclose(ours.scores(images, "logit"), network.scores(images, "logit"), atol=1e-6)
    for mine, other in zip(ours.gradients(images, 0, "logit"), network.gradients(images, 0, "logit"), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-5)


@pytest.mark.parametrize("key", ["powers", "pairs", "triples"])
@pytest.mark.parametrize("of", ["logit", "probability"])
def test_a_polynomials_slopes_are_its_derivatives(key, of):
    model, numbers, step = CASES[key].whole, points(5, 2), 1e-6
    scores, gradients = model.gradients(pictures(numbers), 0, of)
    np.testing.assert_array_equal(scores, model.scores(pictures(numbers), of)[:, 0])

    def exact(at):
        values = model.formula.values(at)
        return values if of == "logit" else 1 / (1 + np.exp(-values))

    for index in range(X.size):
        change = step * np.eye(X.size)[index]
        slope = (exact(numbers + change) - exact(numbers - change)) / (2 * step)
        np.testing.assert_allclose(numbers_of(gradients)[:, index], slope, rtol=1e-4, atol=1e-5)


def test_a_polynomial_has_no_layers():
    with pytest.raises(ModelError, match="no layers"):
        CASES["pairs"].whole.graph  # noqa: B018
    row = measure_criteria("grad-cam", "pairs")
    assert (row.allocation, row.meets) == (None, None)
    assert "needs layers" in row.reason


def test_the_study_has_fourteen_methods_of_which_six_are_reliable():
    assert len(STUDY) == 14
    assert set(STUDY) <= set(METHODS)
    assert [key for key, verdict in STUDY.items() if verdict.meets] == list(RELIABLE)


def test_each_method_runs_or_has_a_reason(table):
    for key in STUDY:
        for case, function in CASES.items():
            row = table.of(key, case)
            assert (row.allocation is None) == bool(row.reason)
            if row.allocation is None:
                assert not function.is_network or key == "deep-taylor"
            else:
                assert np.isfinite(row.allocation.measures).all()
                np.testing.assert_array_equal(row.allocation.effects, function.effects())


@pytest.mark.parametrize("key", RELIABLE)
def test_the_six_meet_all_three_but_for_two_networks_made_to_fool_deeplift(table, key):
    judged = table.judge(key)
    fooled = {"deep-shap": ("twins",), "deeplift-rescale": ("twins",), "deeplift-reveal-cancel": ("detours",)}
    assert judged.failed == fooled.get(key, ())
    assert set(NETWORKS) <= set(judged.ran)
    assert judged.differs == bool(STUDY[key].description) == (key in fooled)


@pytest.mark.parametrize("key", [key for key in STUDY if key not in RELIABLE])
def test_the_other_eight_fail_somewhere(table, key):
    judged = table.judge(key)
    assert judged.meets is False
    assert not judged.differs
    assert not STUDY[key].description
    assert max(judged.largest) > 100 * TOLERANCE


def test_rescale_shares_twins_out_by_what_each_computes_first(table):
    found = table.of("deeplift-rescale", "twins").allocation
    x3, x4, at = X[2], X[3], 0.3
    multiplier = (x3 - at - x4) / (x3 - x4)
    # One twin compares x₃ − x₄ with what is left of it after the threshold; the other has x₃ − 0.3 first.
    expected = [0, 0, multiplier * x3 - (x3 - at), -multiplier * x4 + x4, 0, 0]
    np.testing.assert_allclose(found.shares[2], expected, atol=1e-6)
    assert found.effects[2] == 0
    np.testing.assert_array_equal(table.of("deep-shap", "twins").allocation.shares, found.shares)


def test_reveal_cancel_leaves_a_share_where_an_input_cancels(table):
    found = table.of("deeplift-reveal-cancel", "detours").allocation
    x1, x2, at = X[0], X[1], 0.3
    up = (x1 - at + x2 / 2) / (x1 + x2)
    np.testing.assert_allclose(found.shares[0], [1.5 * up * x1, 1.5 * (up - 0.5) * x2, 0, 0, 0, 0], atol=1e-6)


def test_epsilon_without_epsilon_is_gradient_times_input(table):
    for case in NETWORKS:
        one, other = (table.of(key, case).allocation for key in ("lrp-epsilon", "gradient-x-input"))
        np.testing.assert_allclose(one.shares, other.shares, atol=1e-4)


def test_each_kind_of_failure_is_seen_where_it_belongs(table):
    occluded = [table.of("occlusion-1", case).allocation for case in CASES]
    assert max(one.coverage for one in occluded) < TOLERANCE
    assert max(one.outsiders for one in occluded) < TOLERANCE
    assert table.of("occlusion-1", "powers").meets  # it counts interactions once for each member, and here are none
    assert table.of("occlusion-1", "pairs").allocation.completeness > 0.5
    assert table.of("grad-cam", "opposites").allocation.uncovered > 0.1  # nothing of what speaks against the class
    assert table.of("occlusion-patch", "powers").allocation.outsiders > 0.5


def test_a_coarse_integral_does_not_pass():
    row = measure_criteria(igcore.IntegratedGradients("black", "midpoint", 8, "logit"), "conjunctions")
    assert row.method == "ig"
    assert row.allocation.completeness > 10 * TOLERANCE
    assert row.meets is False


def test_the_public_name_and_unknown_keys():
    assert igcore.measure_criteria is measure_criteria
    with pytest.raises(UnknownKeyError, match="unknown function 'pair': did you mean 'pairs'"):
        measure_criteria("ig", "pair")
    with pytest.raises(UnknownKeyError, match="unknown method of the study 'rise'"):
        measure_criteria("rise", "pairs")
    for key in STUDY:
        settings = settings_of(key)
        assert settings.key == key
        assert getattr(settings, "of", "logit") == "logit"


def test_same_seed_same_bytes():
    one, other = (measure_criteria("shapley", "pairs", seed=3).allocation for _ in range(2))
    assert one.shares.tobytes() == other.shares.tobytes()
    assert (measure_criteria("shapley", "pairs", seed=4).allocation.shares != one.shares).any()


def test_a_table_tells_its_progress_and_stops():
    told = []
    table = criteria_table(("occlusion-1", "gradient-x-input"), ("pairs", "powers"), on_progress=told.append)
    assert [(one.done, one.total) for one in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [len(one.partial.rows) for one in told] == [1, 2, 3, 4]
    assert [(row.method, row.case) for row in told[-1].partial.rows] == [(row.method, row.case) for row in table.rows]
    assert table.of("ig", "pairs") is None
    unknown = table.judge("ig")
    assert (unknown.meets, unknown.largest, unknown.differs) == (None, (), False)
    with pytest.raises(Cancelled):
        criteria_table(on_progress=told.append, should_stop=lambda: len(told) >= 6)
    assert len(told) == 6


def test_a_question_answers_for_one_function():
    told = []
    question = MeasureCriteria("powers")
    with pytest.raises(Cancelled):
        question.answer(None, told.append, lambda: len(told) == 2)
    assert [row.method for row in told[-1].partial.rows] == list(STUDY)[:2]
    assert question.key != MeasureCriteria("pairs").key
    assert question.key == MeasureCriteria("powers").key
    assert question.size(told[-1].partial) > 14 * 6 * 6 * 8


def test_the_benchs_table_has_a_row_for_each_method(table):
    lines = bench.table(table).splitlines()
    assert len(lines) == 2 + len(STUDY)
    assert {line.count("|") for line in lines} == {8}
    by_name = {line.split(" | ")[0].removeprefix("| "): line for line in lines}
    assert by_name["Integrated Gradients"].endswith("| 0 of 8 | yes | yes |")
    assert by_name["DeepLIFT (Rescale)"].endswith("| 1 of 5: Twins | **no** | yes |")
    rows = bench.plain(table)
    assert len(rows) == len(STUDY) * len(CASES)
    assert [one["meets"] for one in rows if one["method"] == "ig"] == [True] * len(CASES)


def view() -> None:
    from ui import state
    from ui.criteria_view import criteria_view

    state.begin()
    criteria_view()
    state.write_address()


def test_the_view_shows_what_is_measured_and_keeps_it_when_stopped():
    page = AppTest.from_function(view, default_timeout=60)
    page.query_params["criteria_method"] = "gradient-x-input"
    page.run()
    end = time.monotonic() + 60
    while not page.get("plotly_chart") and time.monotonic() < end:
        time.sleep(0.3)
        page.run()
    assert [*page.exception] == []
    assert "4 x_1^3 x_2" in "\n".join(one.value for one in page.latex)
    (chart,) = page.get("plotly_chart")
    assert chart.proto.alt == "Table of what Gradient × Input gives each input of each effect"
    # 4 x₁³x₂ is 1.395: three times that to x₁, and once to x₂.
    cells, given, others = json.loads(chart.proto.spec)["data"]
    assert given["text"] == ["4.19", "1.40", "0.41", "0.81", "-1.22", "-1.22", "0.83"]
    assert others["text"][:6] == ["0", "0", "0", "0", "5.58", "1.40"]
    assert cells["y"] == ["1: x₁ x₂", "2: x₃ x₄", "3: x₅ x₆", "4: x₁"]
    page.button(key="criteria_progress_stop").click().run()
    assert any("Stopped; what was finished stays." in one.value for one in page.markdown)
    (frame,) = page.dataframe
    row = frame.value.set_index("Method").loc["Gradient × Input"]
    # Of a monomial of degree d it gives d times the effect.
    sizes = np.abs(CASES["pairs"].effects())
    assert row["Not shared out"] == pytest.approx(([3, 2, 1, 0] * sizes).sum() / sizes.sum())
    assert (row["Meets all three here"], row["In the study"]) == ("no", "no")
    page.selectbox(key="criteria_method").select("grad-cam").run()
    assert any("needs layers" in one.value for one in page.info)


def test_the_csv_has_all_rows(table):
    from ui.criteria_view import _csv

    rows = list(csv.DictReader(io.StringIO(_csv(table).decode())))
    assert len(rows) == len(table.rows)
    first = next(row for row in rows if (row["method"], row["function"]) == ("occlusion-1", "pairs"))
    assert float(first["completeness"]) == pytest.approx(table.of("occlusion-1", "pairs").allocation.completeness)
    assert {row["meets_here"] for row in rows if row["method"] == "grad-cam"} == {"", "False"}
