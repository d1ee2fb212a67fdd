"""How far maps agree, and their mean; what they share when they are drawn."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

import igcore
from igcore.agreement import compare_maps, map_distance, spearman, structural_similarity, top_overlap
from igcore.checks import completeness_verdict
from igcore.heatmaps import COLOR_MAPS, Drawing, full_scale, heat_map, mask_picture, overlay_picture, scaled
from tests.functions import assert_same_map, exact, ig, model_of, picture, power

RANDOM = np.random.default_rng(0)
SHAPE = (24, 30)
A, B, C = RANDOM.normal(size=(3, *SHAPE))
ZEROS = np.zeros(SHAPE)
IMAGE, OTHER = picture(1), picture(2)

#: Few different values, so that there are many ties.
tied = arrays(np.float64, (6, 7), elements=st.integers(-3, 3).map(float))
heats = arrays(np.float32, (12, 13), elements=st.floats(-100, 100, width=32).map(lambda v: np.float32(round(v, 2))))


@settings(deadline=None)
@given(tied, tied)
def test_spearman_is_that_of_scipy_with_ties(a, b):
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        assert math.isnan(spearman(a, b))
    else:
        assert spearman(a, b) == pytest.approx(spearmanr(a.ravel(), b.ravel()).statistic, abs=1e-12)


@settings(deadline=None)
@given(tied, tied)
def test_spearman_depends_on_the_ranks_only(a, b):
    expected = spearman(a, b)
    assert spearman(np.exp(a), 3 * b**3 - 5) == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert spearman(-a, b) == pytest.approx(-expected, abs=1e-12, nan_ok=True)
    assert spearman(b, a) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_spearman_is_one_for_the_same_order_and_near_zero_by_chance():
    assert spearman(A, 7 * A + 1) == pytest.approx(1, abs=1e-12)
    assert spearman(A, -A) == pytest.approx(-1, abs=1e-12)
    assert abs(spearman(A, B)) < 4 / math.sqrt(A.size)
    assert math.isnan(spearman(A, np.full(SHAPE, 0.1)))


@settings(deadline=None, max_examples=40)
@given(heats, heats)
def test_similarity_is_symmetric_and_within_its_bounds(a, b):
    value = structural_similarity(a, b)
    if not a.any() or not b.any():
        assert math.isnan(value)
        return
    assert -1 - 1e-6 <= value <= 1 + 1e-6
    assert structural_similarity(b, a) == pytest.approx(value, abs=1e-6)
    assert structural_similarity(a, a) == pytest.approx(1, abs=1e-6)


def test_similarity_tells_equal_from_close_and_close_from_foreign():
    smooth = np.add.outer(np.sin(np.arange(24) / 4), np.cos(np.arange(30) / 5))
    close, foreign = (structural_similarity(smooth, smooth + noise) for noise in (0.1 * A, 3 * A))
    assert 1 > close > 0.6 > 0.3 > foreign


def test_similarity_on_one_scale_sees_the_size_that_each_maps_own_scale_hides():
    heat = np.abs(A)
    assert structural_similarity(heat, heat / 4) == pytest.approx(1, abs=1e-6)
    assert structural_similarity(heat, heat / 4, limit=full_scale(heat)) < 0.9
    assert structural_similarity(heat, heat, limit=full_scale(heat)) == pytest.approx(1, abs=1e-6)


def test_the_top_pixels_are_those_of_largest_size():
    a = np.array([[9.0, -8, 7, 6], [1, 0, 0, 0], [0, 0, 0, 0]])
    b = np.array([[-1.0, 8, 0, 7], [0, 0, 0, 9], [0, 0, 0, 6]])
    assert [top_overlap(a, b, count / 12) for count in (1, 2, 3, 4)] == [0, 0.5, 1 / 3, 0.5]
    assert top_overlap(a, a) == top_overlap(a, -2 * a) == 1
    assert math.isnan(top_overlap(a, np.zeros_like(a)))


def test_the_top_pixels_of_independent_maps_meet_by_chance():
    one, other = np.random.default_rng(3).normal(size=(2, 400, 500))
    # 10,000 pixels of each are drawn; about 500 ± 22 meet.
    assert top_overlap(one, other) == pytest.approx(0.05, abs=4 * 22 / 10_000)
    assert top_overlap(one, other, 0.5) == pytest.approx(0.5, abs=0.01)


def test_comparing_maps_fills_symmetric_tables_with_ones_on_the_diagonal():
    agreement = compare_maps([A, B, A + 0.2 * C, ZEROS])
    functions = {"spearman": spearman, "similarity": structural_similarity, "overlap": top_overlap}
    for name, function in functions.items():
        table = getattr(agreement, name)
        assert (table.shape, table.dtype) == ((4, 4), np.float64)
        np.testing.assert_array_equal(table, table.T)
        np.testing.assert_allclose(np.diag(table)[:3], 1, atol=1e-6)
        assert np.isnan(table[3]).all()
        assert table[0, 1] == pytest.approx(function(A, B), abs=1e-6)
        assert table[0, 2] > table[0, 1]


def test_comparing_maps_of_different_shapes_is_refused():
    with pytest.raises(igcore.InputError, match=r"shapes.*\(24, 30\).*expected one shape for all") as refusal:
        igcore.compare_maps([A, A.T])
    assert "\n" not in str(refusal.value)


def test_the_distance_of_maps_is_relative_to_the_reference():
    reference, step = np.array([[[1.0, -2.0, 1.0]], [[0, 0, 1]]])
    assert map_distance(reference, reference) == 0
    assert map_distance(reference + step, reference) == 0.25
    assert map_distance(reference + step, 2 * reference) == 3 / 8
    assert map_distance(0 * reference, 0 * reference) == 0
    assert map_distance(reference, 0 * reference) == math.inf


@pytest.fixture(scope="module")
def three():
    model = model_of(power(3), power(2))
    baselines = ("black", OTHER, igcore.Gray())
    return model, [igcore.explain(model, IMAGE, ig(one, "gauss-legendre", 4), target=0) for one in baselines]


def test_the_average_is_the_mean_and_complete_towards_the_mean_baseline_score(three):
    _, results = three
    mean = igcore.average(results)
    assert mean.values.dtype == np.float32
    assert_same_map(mean.values, np.mean([exact(power(3), IMAGE, one.baseline) for one in results], axis=0))
    assert mean.baseline_score == pytest.approx(np.mean([one.baseline_score for one in results]), rel=1e-12)
    assert mean.sum == pytest.approx(mean.score_difference, rel=1e-5)
    assert completeness_verdict(replace(mean, score=mean.score + 1)).level != "good"
    assert mean.gradient_count == 12
    assert (mean.baseline, mean.trace, mean.method) == (None, None, "expected-gradients")
    assert mean.settings["baseline"] == [one.settings["baseline"] for one in results]
    assert results[0].settings["baseline"] == {"key": "black"}


def test_the_average_of_one_is_its_map_and_comes_back_from_a_file(three, tmp_path):
    mean = igcore.average(three[1][:1])
    np.testing.assert_array_equal(mean.values, three[1][0].values)
    mean.save(tmp_path / "mean.npz")
    assert igcore.Attribution.load(tmp_path / "mean.npz").settings == mean.settings


def test_only_attributions_of_the_same_thing_have_a_mean(three):
    model, (first, *_) = three
    for other in (
        igcore.explain(model, OTHER, ig("black", "left", 2), target=0),
        igcore.explain(model, IMAGE, ig("black", "left", 2), target=1),
        igcore.explain(model, IMAGE, igcore.IntegratedGradients("black", "left", 2), target=0),
        replace(first, model="another"),
    ):
        with pytest.raises(igcore.InputError, match="same model, image, class and score"):
            igcore.average([first, other])


@pytest.mark.parametrize("count", [0, 1, 2])
def test_what_has_no_baseline_and_nothing_at_all_have_no_mean(three, count):
    gradient = igcore.explain(three[0], IMAGE, igcore.Gradient(of="logit"), target=0)
    with pytest.raises(igcore.InputError):
        igcore.average([three[1][0], gradient][2 - count :])


def test_an_average_of_corrected_maps_says_so():
    model = model_of(power(3))
    method = partial(igcore.IntegratedGradients, integrator="left", steps=4, of="logit")
    one, other, raw = (
        igcore.explain(model, IMAGE, method(baseline, correct=correct), target=0)
        for baseline, correct in (("black", True), (OTHER, True), ("gray", False))
    )
    mean = igcore.average([one, other])
    assert mean.correction == pytest.approx((one.correction + other.correction) / 2, rel=1e-12)
    assert mean.sum == pytest.approx(mean.score_difference, rel=1e-5)
    assert igcore.average([one, raw]).correction is None


small = arrays(np.float32, (4, 5), elements=st.floats(-100, 100, width=32).map(lambda v: np.float32(round(v, 2))))


@settings(deadline=None)
@given(st.lists(small, min_size=1, max_size=4), st.floats(80, 100))
def test_the_full_scale_of_several_maps_is_a_percentile_of_all_their_sizes(maps, clip):
    limit = full_scale(np.stack(maps), clip)
    sizes = np.abs(np.concatenate([heat.ravel() for heat in maps]))
    assert limit == (np.percentile(sizes, clip) or sizes.max())
    assert (limit == 0) == (not sizes.any())
    levels = [scaled(heat, clip, limit) for heat in maps]
    assert max(np.abs(level).max() for level in levels) == (1 if limit else 0)


@pytest.mark.parametrize("drawing", [Drawing(), Drawing("signed", "red-blue"), Drawing("positive", "viridis")], ids=str)
def test_maps_with_one_limit_show_the_same_value_in_the_same_color(drawing):
    one = RANDOM.normal(size=(*SHAPE, 3)).astype(np.float32)
    other = np.where(np.arange(SHAPE[1])[None, :, None] < 15, one, 5 * one[::-1])
    limit = full_scale(np.stack([heat_map(values, drawing.sign) for values in (one, other)]), drawing.clip)
    pictures = [mask_picture(values, drawing, limit) for values in (one, other)]
    np.testing.assert_array_equal(pictures[0][:, :15], pictures[1][:, :15])
    own = [mask_picture(values, drawing) for values in (one, other)]
    assert (own[0][:, :15] != own[1][:, :15]).any()
    # Without a limit a map is drawn on its own full scale.
    np.testing.assert_array_equal(own[0], mask_picture(one, drawing, full_scale(heat_map(one, drawing.sign))))
    image = RANDOM.random((*SHAPE, 3), dtype=np.float32)
    strong = replace(drawing, strength=100.0)
    np.testing.assert_array_equal(overlay_picture(one, image, strong, limit), pictures[0])


def test_a_value_at_the_limit_has_the_full_color_and_half_of_it_the_middle():
    values = np.zeros((1, 3, 3), np.float32)
    values[0, :, 0] = 1, 2, 4
    table = COLOR_MAPS["inferno"].colors(np.array([0.5, 1.0, 1.0], np.float32))
    np.testing.assert_array_equal(mask_picture(values, Drawing(), limit=2.0)[0], table)
