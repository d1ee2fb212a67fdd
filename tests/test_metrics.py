"""Metrics against values by hand and by brute force, on functions whose right answer is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

import igcore
from igcore.baselines import BASELINES
from igcore.explanation import as_task
from igcore.metrics import (
    METRICS,
    Case,
    Deletion,
    EnergyInBox,
    Gini,
    Infidelity,
    Insertion,
    MaxSensitivity,
    Measured,
    SensitivityN,
    ordered,
)
from igcore.metrics.base import FILLS, jackknife, made_fill
from igcore.metrics.concentration import gini
from igcore.metrics.controls import RANDOM_SEEDS, EdgeControl, RandomControl, controls
from igcore.metrics.patches import patch_sums, ranking, tiles
from igcore.metrics.perturbation import STAGES, removed_shares, stage_images
from igcore.metrics.subsets import SHARES
from igcore.registry import parameters
from igcore.speed import Cost
from tests.functions import BLACK, SHAPE, SIZE, WEIGHTS, ClosedForm, model_of, picture

#: Σ wᵢxᵢ + 0.4 lies within [0, 1], so that it can be a probability.
OFFSET = 0.4
IMAGE = picture(3)
SHARES_OF_IMAGE = WEIGHTS * IMAGE


@pytest.fixture(scope="module")
def linear():
    """Two classes, whose probabilities are w·x + 0.4 and the rest."""

    def score(images):
        return tf.tensordot(images, tf.constant(WEIGHTS, tf.float32), 3) + OFFSET

    def exact(image, baseline):
        return WEIGHTS * (image - baseline)

    forms = ClosedForm(score, exact), ClosedForm(lambda images: 1 - score(images), lambda i, b: -exact(i, b))
    return model_of(*forms, outputs="probabilities")


def case(model, order="signed", seed=0):
    return Case(as_task(model, IMAGE, 0, seed), "probability", order)


def found(model, metric, values, again=lambda image: image, order="signed"):
    where = case(model, order)
    return metric.measure(where, metric.prepare(where), values, again)


# Deletion and insertion.


def by_hand(parts):
    """The curve and its area when the shares of some parts (n,) are taken from w·x + 0.4 in this order."""
    counts = np.round(np.linspace(0, 1, 50) * parts.size).astype(int)
    lost = np.concatenate([[0], np.cumsum(parts)])[counts]
    curve = SHARES_OF_IMAGE.sum() + OFFSET - lost
    return curve, sum((a + b) / 2 for a, b in pairwise(curve)) / 49


def test_deletion_of_a_linear_function_is_what_it_is_by_hand(linear):
    shares = SHARES_OF_IMAGE.sum(axis=2).ravel()
    curve, area = by_hand(np.sort(shares)[::-1])
    measured = found(linear, Deletion(patch=1, fill="black"), SHARES_OF_IMAGE)
    np.testing.assert_allclose(measured.curve, curve, atol=1e-6)
    assert measured.value == pytest.approx(area, abs=1e-6)
    assert measured.error is None
    assert (len(measured.x), measured.x[0], measured.x[-1]) == (STAGES, 0, 1)
    assert STAGES == 50


def test_insertion_of_a_linear_function_is_what_it_is_by_hand(linear):
    shares = SHARES_OF_IMAGE.sum(axis=2).ravel()
    curve, area = by_hand(np.sort(shares))
    measured = found(linear, Insertion(patch=1, fill="black"), SHARES_OF_IMAGE)
    # What is brought back first in insertion is removed last in this reading from the image to black.
    np.testing.assert_allclose(measured.curve, curve[::-1], atol=1e-6)
    assert measured.value == pytest.approx(area, abs=1e-6)


@pytest.mark.parametrize(("metric", "sign"), [(Deletion, 1), (Insertion, -1)])
def test_no_order_beats_the_optimal_one(linear, metric, sign):
    settings = metric(patch=1, fill="black")
    best = found(linear, settings, SHARES_OF_IMAGE).value
    others = [found(linear, settings, picture(seed)).value for seed in range(30)]
    assert all(sign * (other - best) > 0.01 for other in others)
    # The exact map the other way round is the worst.
    worst = found(linear, settings, -SHARES_OF_IMAGE).value
    assert all(sign * (worst - other) > 0.01 for other in others)


def test_whole_patches_are_removed_together(linear):
    labels = tiles(SHAPE, 4)
    shares = patch_sums(SHARES_OF_IMAGE.sum(axis=2), labels)
    _curve, area = by_hand(np.sort(shares)[::-1])
    measured = found(linear, Deletion(patch=4, fill="black"), SHARES_OF_IMAGE)
    assert measured.value == pytest.approx(area, abs=1e-6)
    assert len(set(np.round(measured.curve, 6))) == 5


@pytest.mark.parametrize("fill", FILLS)
def test_the_stages_go_from_one_picture_to_the_other(fill):
    filling = made_fill(fill, IMAGE, 0)
    np.testing.assert_array_equal(filling, BASELINES[FILLS[fill]].settings().make(IMAGE, 0))
    heat = ordered(SHARES_OF_IMAGE, "signed")
    stages = stage_images(IMAGE, filling, heat, 1, range(STAGES))
    np.testing.assert_array_equal(stages[0], IMAGE)
    np.testing.assert_array_equal(stages[-1], filling)
    # Each stage keeps what the one before had removed, and takes what the map likes best of the rest.
    gone = [(stage != IMAGE).any(axis=-1) for stage in stages]
    assert all((later | earlier == later).all() for earlier, later in pairwise(gone))
    for share, removed in zip(removed_shares(), gone, strict=True):
        count = round(share * heat.size)
        assert removed.sum() == count
        if 0 < count < heat.size:
            assert heat[removed].min() >= heat[~removed].max()
    np.testing.assert_array_equal(stage_images(IMAGE, filling, heat, 1, range(7, 12)), stages[7:12])


def test_the_order_by_size_takes_what_speaks_against_the_class_first(linear):
    settings = Deletion(patch=1, fill="black")
    by_size = found(linear, settings, SHARES_OF_IMAGE, order="absolute").value
    sizes = np.abs(SHARES_OF_IMAGE).sum(axis=2).ravel()
    _, area = by_hand(SHARES_OF_IMAGE.sum(axis=2).ravel()[np.argsort(-sizes)])
    assert by_size == pytest.approx(area, abs=1e-6)
    assert by_size > found(linear, settings, SHARES_OF_IMAGE).value


# Infidelity and sensitivity-n.

SUBSETS = [settings(patch=patch, fill="black") for settings in (Infidelity, SensitivityN) for patch in (1, 3)]


@pytest.mark.parametrize("scale", [1, 7.5, 1e-4])
@pytest.mark.parametrize("patch", [1, 3])
def test_infidelity_of_the_exact_linear_attribution_is_zero(linear, patch, scale):
    measured = found(linear, Infidelity(patch=patch, fill="black"), scale * SHARES_OF_IMAGE)
    assert measured.value < 1e-9
    assert measured.error < 1e-9


def test_infidelity_is_what_brute_force_says(linear):
    settings = Infidelity(samples=30, share=0.3, patch=2, fill="black")
    drops, values = settings.prepare(case(linear)), picture(9)
    assert drops.removed.shape == (30, 16)
    assert set(drops.removed.sum(axis=1)) == {round(0.3 * 16)}
    told, seen = [], []
    for removed in drops.removed:
        pixels = removed[tiles(SHAPE, 2)]
        told.append(values[pixels].sum(dtype=np.float64))
        seen.append(SHARES_OF_IMAGE[pixels].sum())
    np.testing.assert_allclose(drops.drops, seen, atol=1e-6)
    _, residual, *_ = np.linalg.lstsq(np.array(told)[:, None], np.array(seen), rcond=None)
    measured = found(linear, settings, values)
    assert measured.value == pytest.approx(residual[0] / np.square(seen).sum(), rel=1e-5)
    assert 0 < measured.value < 1
    assert measured.error > 0


def test_infidelity_of_a_map_of_zeros_is_one(linear):
    assert found(linear, Infidelity(patch=1, fill="black"), BLACK).value == pytest.approx(1)


@pytest.mark.parametrize("patch", [1, 3])
def test_sensitivity_n_of_a_linear_function_is_one_at_every_n(linear, patch):
    measured = found(linear, SensitivityN(patch=patch, fill="black"), SHARES_OF_IMAGE)
    np.testing.assert_array_equal(measured.x, SHARES)
    np.testing.assert_allclose(measured.curve, 1, atol=1e-6)
    assert measured.value == pytest.approx(1, abs=1e-6)
    against = found(linear, SensitivityN(patch=patch, fill="black"), -SHARES_OF_IMAGE)
    np.testing.assert_allclose(against.curve, -1, atol=1e-6)


@pytest.mark.parametrize("metric", [Infidelity(60, 0.3, 1, "black"), SensitivityN(40, 1, "black")])
def test_the_error_is_the_spread_over_other_subsets(linear, metric):
    values = SHARES_OF_IMAGE + 0.004 * (picture(5) - 0.5)
    several = []
    for seed in range(24):
        where = case(linear, seed=seed)
        several.append(metric.measure(where, metric.prepare(where), values, lambda image: image))
    spread = np.std([measured.value for measured in several], ddof=1)
    assert 0.6 < np.mean([measured.error for measured in several]) / spread < 1.6


def test_a_map_that_is_the_same_everywhere_has_no_correlation(linear):
    flat = np.ones(SHAPE, np.float32)
    assert np.isnan(found(linear, SensitivityN(patch=1, fill="black"), flat).value)


@pytest.mark.parametrize("metric", SUBSETS, ids=lambda metric: f"{metric.key}-{metric.patch}")
def test_subsets_are_seeded(linear, metric):
    first, again, other = (metric.prepare(case(linear, seed=seed)) for seed in (0, 0, 1))
    assert first.drops.tobytes() == again.drops.tobytes()
    assert (first.removed != other.removed).any()


def test_too_large_patches_leave_nothing_to_choose_from(linear):
    with pytest.raises(igcore.InputError, match="leaves 1 parts; choose a smaller patch"):
        found(linear, Infidelity(patch=8, fill="black"), BLACK)


def test_jackknife_of_a_mean_is_the_standard_error():
    sample = np.random.default_rng(5).normal(size=40)
    error = jackknife(lambda kept: float(sample[kept].mean()), 40)
    assert error == pytest.approx(sample.std(ddof=1) / np.sqrt(40))


# Max-sensitivity.


def test_max_sensitivity_is_what_brute_force_says(linear):
    settings = MaxSensitivity(samples=4, radius=0.05)
    generator, changes = np.random.default_rng(0), []
    for _ in range(4):
        noise = generator.uniform(-0.05, 0.05, SHAPE)
        disturbed = np.clip(IMAGE + noise, 0, 1)
        changes.append(np.linalg.norm(WEIGHTS * (disturbed - IMAGE)) / np.linalg.norm(SHARES_OF_IMAGE))
    measured = found(linear, settings, SHARES_OF_IMAGE, lambda image: WEIGHTS * image)
    assert measured.value == pytest.approx(max(changes), rel=1e-5)
    first, second = sorted(changes)[:-3:-1]
    assert measured.error == pytest.approx(3 / 4 * (first - second), rel=1e-3)


def test_what_ignores_the_image_is_not_sensitive(linear):
    assert found(linear, MaxSensitivity(), WEIGHTS, lambda _: WEIGHTS).value == 0
    assert np.isnan(found(linear, MaxSensitivity(), BLACK, lambda _: BLACK).value)


def test_max_sensitivity_costs_its_explanations():
    cost = MaxSensitivity(samples=4).each(SIZE, Cost(forwards=3, gradients=50, in_turn=True, passes=1, seconds=0.5))
    assert cost == Cost(forwards=12, gradients=200, in_turn=True, passes=4, seconds=2.0)


# Energy in a box, sparseness.


def test_energy_in_the_box_counts_what_speaks_for_the_class(linear):
    values = np.zeros(SHAPE)
    values[2, 3], values[6, 6], values[0, 0] = 1, 2, -5
    box = EnergyInBox(top=25, left=25, bottom=50, right=50)
    assert box.inside((8, 8)).sum() == 4
    assert found(linear, box, values).value == pytest.approx(1 / 3)
    assert found(linear, box, values, order="absolute").value == pytest.approx(1 / 8)
    assert np.isnan(found(linear, box, -np.abs(values)).value)


def test_the_smallest_box_has_a_pixel():
    inside = EnergyInBox(top=99.5, left=0, bottom=100, right=0.5).inside((8, 8))
    assert (inside.sum(), inside[7, 0]) == (1, True)


def test_an_empty_box_is_refused():
    with pytest.raises(igcore.InputError, match="is empty; its top lies above its bottom"):
        EnergyInBox(top=50, bottom=50)


@pytest.mark.parametrize(("sizes", "expected"), [([1, 1, 1, 1], 0), ([0, 0, 0, 9], 0.75), ([1, 2, 3], 2 / 9)])
def test_gini_by_hand(sizes, expected):
    assert gini(np.array(sizes)) == pytest.approx(expected)


def test_gini_is_the_mean_difference_of_pairs(linear):
    values = picture(4) - 0.5
    sizes = np.abs(values.sum(axis=2, dtype=np.float64)).ravel()
    pairs = np.abs(sizes[:, None] - sizes[None]).mean() / (2 * sizes.mean())
    assert found(linear, Gini(), values).value == pytest.approx(pairs)
    assert np.isnan(gini(np.zeros(4)))


# Tiles and the order in which they come.


@pytest.mark.parametrize(("size", "count"), [(1, 64), (3, 9), (4, 4), (8, 1)])
def test_tiles_are_squares_that_cover_the_image(size, count):
    labels = tiles((8, 8), size)
    assert np.array_equal(np.unique(labels), np.arange(count))
    for tile in range(count):
        rows, columns = np.nonzero(labels == tile)
        assert max(np.ptp(rows), np.ptp(columns)) < size
        assert len(rows) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)


@pytest.mark.parametrize("size", [0, 9])
def test_tiles_that_do_not_fit_are_refused(size):
    with pytest.raises(igcore.InputError, match=f"patch is {size}; expected 1 to 8"):
        tiles((8, 12), size)


def test_ranking_is_by_the_mean_and_scatters_what_is_equal():
    labels = tiles((4, 6), 4)  # a tile of 16 pixels and one of 8
    heat = np.where(labels == 0, 1.0, 1.5)
    assert ranking(heat, labels).tolist() == [1, 0]
    flat = ranking(np.ones((10, 10)), tiles((10, 10), 1))
    assert sorted(flat) == list(range(100))
    assert abs(np.corrcoef(flat, np.arange(100))[0, 1]) < 0.3
    assert (flat == ranking(np.ones((10, 10)), tiles((10, 10), 1))).all()


# Controls.


def test_controls_are_seeded_and_know_the_edges():
    made = controls(3)
    assert [control.key for control in made] == [*(f"random-{n + 1}" for n in range(RANDOM_SEEDS)), "edges"]
    maps = [control.values(IMAGE) for control in made]
    assert {one.shape for one in maps} == {SHAPE}
    assert all(np.abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.35 for a, b in pairwise(maps[:-1]))
    assert RandomControl(0, 3).values(IMAGE).tobytes() == maps[0].tobytes()
    assert (RandomControl(0, 4).values(IMAGE) != maps[0]).any()
    halves = np.where(np.arange(8)[None, :, None] < 4, 0.2, 0.9).repeat(8, axis=0).repeat(3, axis=2).astype(np.float32)
    edges = EdgeControl().values(halves)
    assert (edges[:, 3:5] > 0.1).all()
    assert not edges[:, :2].any()


# The registry.


@pytest.mark.parametrize("spec", METRICS.values(), ids=list(METRICS))
def test_every_metric_says_what_it_is(spec):
    settings = spec.settings()
    assert settings.key == spec.key
    assert settings.describe().keys() == parameters(spec.settings).keys()
    assert spec.description.endswith(".")
    assert spec.reference
    assert settings.fills in {None, *FILLS}
    for name, known in parameters(spec.settings).items():
        if known.high is not None:
            with pytest.raises(igcore.InputError, match=f"{spec.key}: {name} is"):
                spec.settings(**{name: type(known.default)(known.high * 10 + 1)})


def test_an_unknown_filling_is_refused():
    with pytest.raises(igcore.InputError, match="deletion: fill is 'red'; expected one of black, blur, mean, noise"):
        Deletion(fill="red")


def test_an_unknown_order_is_refused():
    with pytest.raises(igcore.InputError, match="order is 'up'; expected one of signed, absolute"):
        ordered(IMAGE, "up")


@pytest.mark.parametrize("metric", [spec.settings() for spec in METRICS.values()], ids=list(METRICS))
def test_a_metric_costs_what_it_says(linear, metric):
    counted = 0

    class Counting:
        spec, chunk = linear.spec, linear.chunk

        def scores(self, images, of="probability"):
            nonlocal counted
            counted += len(images)
            return linear.scores(images, of)

    metric = replace(metric, patch=2) if hasattr(metric, "patch") else metric
    where = Case(as_task(Counting(), IMAGE, 0), "probability")
    prepared = metric.prepare(where)
    assert counted == metric.once(SIZE).forwards
    explained = 0

    def again(image):
        nonlocal explained
        explained += 1
        return image

    counted = 0
    assert isinstance(metric.measure(where, prepared, SHARES_OF_IMAGE, again), Measured)
    assert counted + explained == metric.each(SIZE, Cost(forwards=1)).forwards
