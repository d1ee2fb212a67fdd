"""Methods that only need scores, against plain loops, enumeration and least squares, on functions that are known."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import zoom
from scipy.spatial.distance import cosine

import igcore
from igcore.errors import Cancelled, InputError
from igcore.in_flight import IN_FLIGHT
from igcore.methods import base, lime, occlusion, prediction_difference, rise, shapley
from igcore.methods.base import Task
from igcore.methods.lime import Lime, proximity, weighted_ridge
from igcore.methods.occlusion import Occlusion1, OcclusionPatch
from igcore.methods.prediction_difference import PredictionDifference
from igcore.methods.rise import Masks, Rise
from igcore.methods.shapley import Shapley, shapley_by_permutations
from igcore.models.base import ModelSpec
from igcore.superpixels import mixed, spread, superpixels
from igcore.windows import windows
from tests.functions import SHAPE, SIZE, WEIGHTS, assert_same_map, model_of, picture, power, product_of_means


class Plain:
    """A model in numpy, one image at a time, that remembers what it was shown."""

    chunk = 8

    def __init__(self, function):
        self.spec = ModelSpec("plain", "Plain", "tests", "none", SIZE, ("function",), capability="scores")
        self.function = function
        self.seen = []

    def scores(self, images, of="probability"):  # noqa: ARG002
        self.seen += [image.copy() for image in images]
        return np.array([[self.function(image.astype(np.float64))] for image in images])


def linear(image):
    return float((WEIGHTS * image).sum())


def curved(image):
    """Neither additive over pixels nor outside of (0, 1)."""
    return 1 / (1 + math.exp(-8 * (WEIGHTS * image).sum() * image[:4].mean()))


SMALL = [
    Occlusion1(size=3),
    OcclusionPatch(size=4, stride=3, baseline="mean"),
    PredictionDifference(size=4, stride=2, samples=3),
    Shapley(segments=12, permutations=3),
    Lime(segments=12, samples=40),
    Rise(samples=40, cells=3),
]
RANDOM = SMALL[2:]
all_methods = pytest.mark.parametrize("method", SMALL, ids=lambda method: method.key)


def explained(method, function=curved, image=None, seed=0, **hooks):
    return method.attribute(Task(Plain(function), picture(1) if image is None else image, 0, seed, **hooks))


def by_pixel(result):
    """The map (H, W), after a look at how it is spread over the channels."""
    np.testing.assert_array_equal(result.values, np.repeat(result.values[..., :1], 3, axis=-1))
    return result.values.sum(axis=-1, dtype=np.float64)


# --- windows ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(8, 8), (7, 11), (10, 5)])
def test_windows_lie_inside_and_cover_every_pixel(shape):
    for size in range(1, 6):
        for stride in range(1, size + 1):
            count = np.zeros(shape, int)
            corners = windows(shape, size, stride)
            for row, column in corners:
                assert 0 <= row <= shape[0] - size
                assert 0 <= column <= shape[1] - size
                count[row : row + size, column : column + size] += 1
            assert count.min() >= 1, (size, stride)
            assert len({tuple(corner) for corner in corners}) == len(corners)
            steps = np.diff(np.unique(corners[:, 0]))
            assert (steps[:-1] == stride).all()
            assert (steps <= stride).all()


def occluded_in_loops(score, image, baseline, size, stride):
    """The mean drop of each pixel, one pixel and one window after the other."""
    height, width = image.shape[:2]
    rows = sorted({*range(0, height - size, stride), height - size})
    columns = sorted({*range(0, width - size, stride), width - size})
    drops = {}
    for row, column in itertools.product(rows, columns):
        covered = image.copy()
        covered[row : row + size, column : column + size] = baseline[row : row + size, column : column + size]
        drops[row, column] = score(image) - score(covered)
    heat = np.zeros((height, width))
    for y, x in itertools.product(range(height), range(width)):
        heat[y, x] = np.mean([drop for (r, c), drop in drops.items() if r <= y < r + size and c <= x < c + size])
    return heat


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (2, 1), (3, 2), (3, 3), (5, 4), (8, 8)])
@pytest.mark.parametrize("form", [power(2), product_of_means()], ids=["power", "product"])
def test_the_patch_is_the_loop(form, size, stride):
    model, image, baseline = model_of(form), picture(1), picture(2)
    method = OcclusionPatch(size=size, stride=stride, baseline=baseline, of="logit")
    result = method.attribute(Task(model, image, 0))
    expected = occluded_in_loops(
        lambda one: float(model.scores(one[None], "logit")[0, 0]), image, baseline, size, stride
    )
    assert_same_map(by_pixel(result), expected)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_occlusion_1_is_the_patch_that_moves_by_its_size(size):
    small, large = Occlusion1(size=size, baseline="gray"), OcclusionPatch(size=size, stride=size, baseline="gray")
    np.testing.assert_array_equal(explained(small).values, explained(large).values)


def test_a_single_pixel_of_a_linear_function_gets_its_own_share():
    image, white = picture(1), np.ones(SHAPE)
    result = Occlusion1(size=1, baseline="white", of="logit").attribute(Task(model_of(power(1)), image, 0))
    assert_same_map(by_pixel(result), (WEIGHTS * (image - white)).sum(axis=-1), 1e-4)


def test_the_patch_on_the_embedded_network(model, photo):
    image = photo("coffee")
    target = int(model.scores(image[None])[0].argmax())
    result = OcclusionPatch(size=150, stride=74).attribute(Task(model, image, target))
    drops = {}
    for row, column in [(0, 0), (0, 74), (74, 0), (74, 74)]:
        covered = image.copy()
        covered[row : row + 150, column : column + 150] = 0
        drops[row, column] = float(model.scores(image[None])[0, target] - model.scores(covered[None])[0, target])
    heat = by_pixel(result)
    assert heat[0, 0] == pytest.approx(drops[0, 0], abs=1e-5)
    assert heat[0, 223] == pytest.approx(drops[0, 74], abs=1e-5)
    assert heat[223, 100] == pytest.approx((drops[74, 0] + drops[74, 74]) / 2, abs=1e-5)
    assert heat[100, 100] == pytest.approx(np.mean(list(drops.values())), abs=1e-5)
    assert max(drops.values()) > 0.1
    assert result.forward_count == 5


# --- prediction difference -------------------------------------------------------------------------------------------


def bits(probability):
    return math.log2(probability / (1 - probability))


def test_the_prediction_difference_is_the_loop_over_pieces_of_the_same_image():
    image, size, samples = picture(1), 3, 4
    model = Plain(curved)
    method = PredictionDifference(size=size, stride=2, samples=samples)
    result = method.attribute(Task(model, image, 0, seed=5))
    pieces = {image[r : r + size, c : c + size].tobytes(): (r, c) for r in range(6) for c in range(6)}
    places = list(itertools.product([0, 2, 4, 5], repeat=2))
    shown = iter(model.seen[1:])
    total, count, chosen = np.zeros(SIZE), np.zeros(SIZE), set()
    for row, column in places:
        probabilities = []
        for _ in range(samples):
            one = next(shown)
            piece = one[row : row + size, column : column + size]
            source = pieces[piece.tobytes()]
            assert source != (row, column)
            chosen.add(source)
            restored = one.copy()
            restored[row : row + size, column : column + size] = image[row : row + size, column : column + size]
            np.testing.assert_array_equal(restored, image)
            probabilities.append(curved(one.astype(np.float64)))
        total[row : row + size, column : column + size] += bits(curved(image.astype(np.float64)))
        total[row : row + size, column : column + size] -= bits(sum(probabilities) / samples)
        count[row : row + size, column : column + size] += 1
    assert next(shown, None) is None
    assert len(chosen) > 20, "pieces should come from all over the image"
    assert_same_map(by_pixel(result), total / count)


def test_every_other_place_is_drawn_and_none_is_preferred():
    corners = windows(SIZE, 5, 3)
    drawn = prediction_difference._other_places(SIZE, 5, corners, 4000, np.random.default_rng(3))
    for own, sources in zip(corners, drawn, strict=True):
        found, counts = np.unique(sources, axis=0, return_counts=True)
        assert {tuple(place) for place in found} == {*itertools.product(range(4), repeat=2)} - {tuple(own)}
        assert counts.min() > 4000 / 15 * 0.7
        assert counts.max() < 4000 / 15 * 1.3


def test_an_image_of_one_color_has_no_prediction_difference():
    flat = np.full(SHAPE, 0.3, np.float32)
    assert not explained(PredictionDifference(size=3, stride=2), image=flat).values.any()
    assert explained(PredictionDifference(size=3, stride=2)).values.any()


def test_certain_probabilities_stay_finite():
    result = explained(PredictionDifference(size=4, stride=4), lambda image: float(image[0, 0, 0] > 0.5))
    assert np.isfinite(result.values).all()
    assert np.abs(by_pixel(result)).max() <= 2 * bits(1 - prediction_difference.CLIP) + 1e-3


# --- Shapley value ---------------------------------------------------------------------------------------------------


def enumerated(value, players):
    """The Shapley values by their definition, over all coalitions; `value` takes a tuple of bool."""
    result = np.zeros(players)
    for player in range(players):
        others = [other for other in range(players) if other != player]
        for size in range(players):
            weight = math.factorial(size) * math.factorial(players - size - 1) / math.factorial(players)
            for coalition in itertools.combinations(others, size):
                without = tuple(one in coalition for one in range(players))
                joined = tuple(one in coalition or one == player for one in range(players))
                result[player] += weight * (value(joined) - value(without))
    return result


class Game:
    """A random value for each coalition of eight players: as far from additive as can be."""

    players = 8

    def __init__(self, seed=0):
        self.table = np.random.default_rng(seed).standard_normal(2**self.players)
        self.calls = []

    def __call__(self, present):
        self.calls.append(present)
        return self.table[present @ (1 << np.arange(self.players))]

    def exact(self):
        return enumerated(lambda one: self.table[np.array(one) @ (1 << np.arange(self.players))], self.players)

    def estimate(self, permutations, seed):
        return shapley_by_permutations(self, self.players, permutations, np.random.default_rng(seed))


def test_sampled_values_lie_within_their_errors_of_the_enumerated_ones():
    game = Game()
    values, errors = game.estimate(400, seed=1)
    assert (np.abs(values - game.exact()) < 4 * errors).all()
    assert np.abs(values - game.exact()).max() > 0
    assert errors.max() < np.abs(game.exact()).max()


def test_sixteen_times_the_permutations_have_a_quarter_of_the_error():
    game = Game()
    exact = game.exact()

    def error(permutations):
        return np.sqrt(np.mean([(game.estimate(permutations, seed)[0] - exact) ** 2 for seed in range(60)]))

    assert error(20) / error(320) == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize("permutations", [2, 20])
def test_the_standard_error_is_the_spread_over_seeds(permutations):
    game = Game()
    estimates = [game.estimate(permutations, seed) for seed in range(600)]
    values, errors = (np.array(part) for part in zip(*estimates, strict=True))
    reported = np.sqrt((errors**2).mean(axis=0))
    np.testing.assert_allclose(values.std(axis=0, ddof=1), reported, rtol=0.3)


@pytest.mark.parametrize("permutations", [2, 3, 50])
def test_values_sum_to_the_whole_however_few_the_permutations(permutations):
    game = Game()
    values, _ = game.estimate(permutations, seed=permutations)
    assert values.sum() == pytest.approx(game.table[-1] - game.table[0], abs=1e-12)


def test_an_additive_game_is_exact_after_two_permutations():
    worth = np.random.default_rng(0).standard_normal(8)
    values, errors = shapley_by_permutations(lambda one: 3 + one @ worth, 8, 2, np.random.default_rng(1))
    np.testing.assert_allclose(values, worth, atol=1e-12)
    np.testing.assert_allclose(errors, 0, atol=1e-12)


def test_all_coalitions_are_asked_for_at_once_and_the_ends_only_once():
    game = Game()
    game.estimate(5, seed=0)
    (asked,) = game.calls
    assert asked.shape == (2 + 5 * 7, 8)
    assert asked.dtype == bool
    assert not asked[0].any()
    assert asked[1].all()
    sizes = asked[2:].sum(axis=1).reshape(5, 7)
    np.testing.assert_array_equal(sizes, np.tile(np.arange(1, 8), (5, 1)))
    assert (np.diff(asked[2:].reshape(5, 7, 8).astype(int), axis=1) >= 0).all(), "players only join"


def test_one_player_takes_all():
    values, errors = shapley_by_permutations(lambda one: 2.0 + one[:, 0], 1, 2, np.random.default_rng(0))
    assert values.tolist() == [1.0]
    assert errors.tolist() == [0.0]


def blocks():
    """An image of eight patches of different colors, with a little noise."""
    colors = np.random.default_rng(4).random((2, 4, 3)).repeat(4, axis=0).repeat(2, axis=1)
    return np.clip(colors + 0.02 * picture(3), 0, 1).astype(np.float32)


def few(image, most=9):
    """Segments to aim at so that an image has several superpixels, but few enough to enumerate, and these."""
    for segments in range(20, 3, -1):
        labels = superpixels(image, segments)
        if 3 <= labels.max() + 1 <= most:
            return segments, labels
    raise AssertionError("no cut suits")


def test_the_method_agrees_with_the_enumeration_of_all_coalitions():
    image, baseline = blocks(), picture(9)
    segments, labels = few(image)
    players = int(labels.max()) + 1

    def value(present):
        return curved(np.where(np.array(present)[labels][..., None], image, baseline).astype(np.float64))

    exact = enumerated(value, players)
    result = explained(Shapley(segments=segments, permutations=200, baseline=baseline), image=image)
    heat = by_pixel(result)
    for player, worth in enumerate(exact):
        inside = labels == player
        assert np.ptp(heat[inside]) == 0
        error = result.standard_error[inside][0] * inside.sum()
        assert np.ptp(result.standard_error[inside]) == 0
        assert 0 < error < 0.5 * np.abs(exact).max()
        assert abs(heat[inside].sum() - worth) < 4 * error + 1e-6
    np.testing.assert_array_equal(result.baseline, baseline)
    assert result.baseline_score == curved(baseline.astype(np.float64))
    assert result.score == curved(image.astype(np.float64))


def test_the_method_gives_out_the_whole_difference_by_construction():
    result = explained(Shapley(segments=12, permutations=2, baseline="white"))
    assert result.by_construction
    assert abs(result.score_difference) > 0.01
    assert result.sum == pytest.approx(result.score_difference, rel=1e-5)


def test_the_method_reports_the_errors_of_its_orders():
    """The reported error, per pixel, agrees with the spread of the pixel's value over seeds."""
    results = [explained(Shapley(segments=12, permutations=4), seed=seed) for seed in range(150)]
    spread_of = np.std([by_pixel(result) for result in results], axis=0, ddof=1)
    reported = np.sqrt(np.mean([result.standard_error.astype(np.float64) ** 2 for result in results], axis=0))
    np.testing.assert_allclose(spread_of, reported, rtol=0.3)


@pytest.mark.parametrize("segments", [12, 50])
def test_the_cost_is_exact_for_as_many_superpixels_as_there_turn_out_to_be(segments):
    method = Shapley(segments=segments, permutations=3)
    result = explained(method)
    players = int(superpixels(picture(1), segments).max()) + 1
    assert result.forward_count == replace(method, segments=players).cost(SIZE).forwards
    assert method.cost(SIZE).about


# --- LIME ------------------------------------------------------------------------------------------------------------


def test_the_weight_is_the_kernel_of_the_cosine_distance_to_the_whole():
    present = np.random.default_rng(0).random((20, 12)) < 0.5
    present[0] = True
    assert present.any(axis=1).all()
    expected = [math.exp(-(cosine(one.astype(float), np.ones(12)) ** 2) / 0.3**2) for one in present]
    np.testing.assert_allclose(proximity(present, 0.3), expected, rtol=1e-9)
    assert proximity(np.zeros((1, 12), bool), 0.3)[0] == pytest.approx(math.exp(-1 / 0.3**2))


def least_squares(rows, values, weights, penalty):
    """Weighted ridge regression by one plain least squares problem with rows for the penalty."""
    root = np.sqrt(weights)[:, None]
    players = rows.shape[1]
    penalties = np.concatenate([np.sqrt(penalty) * np.eye(players), np.zeros((players, 1))], axis=1)
    design = np.concatenate([root * np.concatenate([rows, np.ones((len(rows), 1))], axis=1), penalties])
    aim = np.concatenate([root[:, 0] * values, np.zeros(players)])
    solved = np.linalg.lstsq(design, aim, rcond=None)[0]
    return solved[:-1], solved[-1]


@pytest.mark.parametrize("penalty", [1e-6, 0.1, 1.0, 100.0])
@pytest.mark.parametrize("count", [5, 60])
def test_the_ridge_is_least_squares_with_rows_for_the_penalty(penalty, count):
    generator = np.random.default_rng(0)
    rows, values, weights = (
        generator.random((count, 7)) < 0.5,
        generator.standard_normal(count),
        generator.random(count),
    )
    coefficients, intercept = weighted_ridge(rows, values, weights, penalty)
    expected, at_zero = least_squares(rows, values, weights, penalty)
    np.testing.assert_allclose(coefficients, expected, atol=1e-6)
    assert intercept == pytest.approx(at_zero, abs=1e-6)


def test_lime_finds_the_coefficients_of_a_linear_function():
    image, baseline = picture(1), picture(2)
    labels = superpixels(image, 12)
    method = Lime(segments=12, samples=200, penalty=1e-6, baseline=baseline, of="logit")
    heat = by_pixel(method.attribute(Task(model_of(power(1)), image, 0)))
    shares = (WEIGHTS * (image - baseline)).sum(axis=-1)
    expected = np.array([shares[labels == player].sum() for player in range(labels.max() + 1)])
    assert len(expected) > 5
    found = np.array([heat[labels == player].sum() for player in range(labels.max() + 1)])
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_lime_is_the_least_squares_line_through_what_the_network_was_shown():
    image = picture(1)
    labels = superpixels(image, 12)
    players = int(labels.max()) + 1
    model = Plain(curved)
    heat = by_pixel(Lime(segments=12, samples=80, width=0.4, penalty=0.5).attribute(Task(model, image, 0, seed=3)))
    mean = image.mean(axis=(0, 1))
    for one in model.seen:  # each pixel is the image's or the mean color
        own = (one == image).all(axis=-1)
        np.testing.assert_allclose(one[~own], np.broadcast_to(mean, SHAPE)[~own], atol=1e-6)
    present = np.array([[(one == image)[labels == player].all() for player in range(players)] for one in model.seen])
    assert present[0].all()
    assert 0.4 < present[1:].mean() < 0.6
    weights = np.exp(-((1 - np.sqrt(present.sum(axis=1) / players)) ** 2) / 0.4**2)
    values = np.array([curved(one.astype(np.float64)) for one in model.seen])
    expected, _ = least_squares(present, values, weights, 0.5)
    amounts = [expected[player] / (labels == player).sum() for player in range(players)]
    assert_same_map(heat, np.array(amounts)[labels])


# --- RISE ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(8, 8), (10, 7), (5, 12)])
@pytest.mark.parametrize("cells", [2, 3, 7])
def test_a_mask_is_its_grid_stretched_linearly_and_cut_at_its_shift(shape, cells):
    masks = Masks(shape, 30, cells, 0.5, np.random.default_rng(0))
    steps = [math.ceil(length / cells) for length in shape]
    for index in range(30):
        whole = zoom(masks.grids[index].astype(float), [*steps], order=1, mode="nearest", grid_mode=False)
        assert whole.shape == tuple((cells + 1) * step for step in steps)
        top, left = masks.shifts[index]
        assert 0 <= top <= steps[0]
        assert 0 <= left <= steps[1]
        expected = whole[top : top + shape[0], left : left + shape[1]]
        assert masks[index].shape == shape
        np.testing.assert_allclose(masks[index], expected, atol=1e-5)
    assert len({tuple(shift) for shift in masks.shifts}) > 3


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_masks_let_their_share_through_at_every_pixel(share):
    masks = Masks(SIZE, 3000, 3, share, np.random.default_rng(0))
    mean = np.mean([masks[index] for index in range(3000)], axis=0)
    np.testing.assert_allclose(mean, share, atol=0.04)
    assert min(masks[0].min(), masks[1].min()) >= 0


def test_the_weighed_sum_is_the_sum_of_the_weighed_masks():
    masks = Masks((9, 6), 50, 3, 0.5, np.random.default_rng(0))
    weights = np.random.default_rng(1).standard_normal(50)
    expected = sum(weight * masks[index].astype(np.float64) for index, weight in enumerate(weights))
    np.testing.assert_allclose(masks.weighed_sum(weights), expected, atol=1e-5)


def test_rise_is_the_loop_over_the_masks_that_the_network_was_shown():
    image = np.clip(picture(1), 0.2, 1)  # without black, so that the masks can be told from what was shown
    model, method = Plain(curved), Rise(samples=60, cells=3, share=0.4)
    heat = by_pixel(method.attribute(Task(model, image, 0, seed=2)))
    np.testing.assert_array_equal(model.seen[0], image)
    assert len(model.seen) == 61
    expected = np.zeros(SIZE)
    mean = np.mean([curved(shown.astype(np.float64)) for shown in model.seen[1:]])
    for shown in model.seen[1:]:
        mask = shown / image
        np.testing.assert_allclose(mask, np.repeat(mask[..., :1], 3, axis=-1), atol=1e-5)
        expected += (curved(shown.astype(np.float64)) - mean) * mask[..., 0]
    assert_same_map(heat, expected / 60 / 0.4)


def test_rise_shows_the_baseline_where_a_mask_takes_the_image_away():
    image, baseline, model = picture(1), picture(2), Plain(curved)
    Rise(samples=20, cells=3, baseline=baseline).attribute(Task(model, image, 0, seed=2))
    masks = Masks(SHAPE, 20, 3, 0.5, np.random.default_rng(2))
    for index, shown in enumerate(model.seen[1:]):
        mask = masks[index][..., None]
        np.testing.assert_allclose(shown, mask * image + (1 - mask) * baseline, atol=1e-6)


# --- superpixels -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 4, 12, 50])
def test_superpixels_are_numbered_without_a_gap_and_always_the_same(count):
    for image in (picture(1), blocks(), np.full(SHAPE, 0.4, np.float32)):
        labels = superpixels(image, count)
        assert labels.shape == SIZE
        assert np.issubdtype(labels.dtype, np.integer)
        assert set(labels.ravel()) == set(range(labels.max() + 1))
        np.testing.assert_array_equal(superpixels(image.copy(), count), labels)


def test_superpixels_of_a_photo_are_about_as_many_as_asked_and_follow_its_colors(photo):
    image = photo("coffee")
    labels = superpixels(image, 50)
    assert 25 <= labels.max() + 1 <= 75

    def left_over(cut):
        """What of the image's variation a cut leaves inside its patches."""
        means = [spread(np.bincount(cut.ravel(), image[..., channel].ravel()), cut) for channel in range(3)]
        return ((image - np.stack(means, axis=-1)) ** 2).mean()

    squares = np.add.outer(np.arange(224) * 6 // 224 * 6, np.arange(224) * 6 // 224)
    assert squares.max() >= labels.max()
    assert left_over(labels) < 0.8 * left_over(squares)


def test_mixed_takes_whole_superpixels_from_the_image_or_the_baseline():
    image, baseline = picture(1), picture(2)
    labels = superpixels(image, 12)
    present = np.random.default_rng(0).random((5, labels.max() + 1)) < 0.5
    shown = mixed(image, baseline, labels, present)
    assert shown.shape == (5, *SHAPE)
    assert shown.dtype == np.float32
    for picked, one in zip(present, shown, strict=True):
        for y, x in itertools.product(range(8), range(8)):
            source = image if picked[labels[y, x]] else baseline
            np.testing.assert_array_equal(one[y, x], source[y, x])


def test_spreading_keeps_the_sum_of_each_superpixel():
    labels = superpixels(picture(1), 12)
    amounts = np.random.default_rng(0).standard_normal(labels.max() + 1)
    heat = spread(amounts, labels)
    np.testing.assert_allclose(np.bincount(labels.ravel(), heat.ravel()), amounts, atol=1e-12)
    assert all(np.ptp(heat[labels == player]) == 0 for player in range(len(amounts)))


# --- all methods -----------------------------------------------------------------------------------------------------


@all_methods
def test_the_same_seed_gives_the_same_bytes(method):
    first, second = explained(method, seed=7), explained(method, seed=7)
    assert first.values.any()
    assert first.values.tobytes() == second.values.tobytes()


@pytest.mark.parametrize("method", RANDOM, ids=lambda method: method.key)
def test_another_seed_gives_another_map(method):
    assert (explained(method, seed=7).values != explained(method, seed=8).values).any()


@all_methods
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_the_map_does_not_depend_on_how_many_are_scored_at_once(method, size, monkeypatch):
    expected = explained(method, seed=3).values
    monkeypatch.setattr(base, "SCORED", size)
    assert explained(method, seed=3).values.tobytes() == expected.tobytes()


@all_methods
def test_no_more_is_made_at_once_than_is_scored_at_once(method, monkeypatch):
    monkeypatch.setattr(base, "SCORED", 6)
    model, sizes = Plain(curved), []
    score = model.scores
    monkeypatch.setattr(model, "scores", lambda images, of: sizes.append(len(images)) or score(images, of))
    result = method.attribute(Task(model, picture(1), 0))
    assert max(sizes) == 6
    assert sum(sizes) == result.forward_count == len(model.seen)


@all_methods
def test_a_method_stops_when_asked(method, monkeypatch):
    monkeypatch.setattr(base, "SCORED", 4)
    model, asked = Plain(curved), []
    task = Task(model, picture(1), 0, should_stop=lambda: asked.append(0) or len(asked) > 2)
    with pytest.raises(Cancelled):
        method.attribute(task)
    # Two chunks of 4 were used, and those in flight behind them were begun.
    assert 8 <= len(model.seen) <= 8 + 4 * IN_FLIGHT


@all_methods
def test_progress_rises_once_from_start_to_end(method, monkeypatch):
    monkeypatch.setattr(base, "SCORED", 4)
    told = []
    result = explained(method, on_progress=told.append)
    done = [each.done for each in told]
    assert len(done) > 2
    assert done == sorted(set(done))
    assert {each.total for each in told} == {done[-1]} == {result.forward_count}


@pytest.mark.parametrize(
    "method",
    [
        Occlusion1(size=1),
        Occlusion1(size=3),
        Occlusion1(size=8),
        OcclusionPatch(size=3, stride=1),
        OcclusionPatch(size=5, stride=2),
        OcclusionPatch(size=8, stride=1),
        PredictionDifference(size=3, stride=2, samples=1),
        PredictionDifference(size=7, stride=7, samples=5),
        Lime(segments=4, samples=10),
        Lime(segments=50, samples=70),
        Rise(samples=10),
        Rise(samples=50, cells=2, share=0.8),
    ],
    ids=repr,
)
def test_a_method_takes_what_it_says_it_costs(method):
    result = explained(method)
    cost = method.cost(SIZE)
    assert cost.forwards == result.forward_count
    assert not cost.about
    assert result.gradient_count == cost.gradients == 0


@all_methods
def test_a_result_tells_its_settings_and_survives_a_file(method, tmp_path):
    result = explained(method, seed=4)
    assert result.settings == {**method.describe(), "seed": 4}
    assert result.settings["of"] == "probability"
    assert json.loads(json.dumps(result.settings)) == result.settings
    assert result.additive == (method.key == "shapley")
    assert (result.standard_error is not None) == (method.key == "shapley")
    assert result.score == curved(picture(1).astype(np.float64))
    result.save(tmp_path / "map.npz")
    loaded = igcore.results.Attribution.load(tmp_path / "map.npz")
    np.testing.assert_array_equal(loaded.values, result.values)


@pytest.mark.parametrize("spec", [s for m in (occlusion, shapley, lime, rise) for s in m.SPECS], ids=lambda s: s.key)
def test_an_entry_is_whole(spec):
    assert spec.settings().key == spec.settings.key == spec.key
    assert spec.needs == "scores"
    assert spec.description.endswith(".")
    assert spec.description.count(". ") == 1, "two sentences"
    hash(spec.settings())


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Occlusion1(size=0), "size is 0"),
        (lambda: Occlusion1(size=2.5), "size is 2.5"),
        (lambda: Occlusion1(baseline="blakc"), "did you mean 'black'"),
        (lambda: OcclusionPatch(of="odds"), "of is 'odds'"),
        (lambda: PredictionDifference(samples=0), "samples is 0"),
        (lambda: Shapley(permutations=1), "permutations is 1"),
        (lambda: Shapley(segments=1), "segments is 1"),
        (lambda: Shapley(baseline=3), "baseline is 3"),
        (lambda: Lime(samples=1), "samples is 1"),
        (lambda: Lime(penalty=0), "penalty is 0"),
        (lambda: Lime(width=math.nan), "width is nan"),
        (lambda: Lime(of="odds"), "of is 'odds'"),
        (lambda: Rise(share=0.0), "share is 0.0"),
        (lambda: Rise(cells=1), "cells is 1"),
        (lambda: Rise(of="odds"), "of is 'odds'"),
        (lambda: explained(OcclusionPatch(size=9, stride=1)), "choose at most 8"),
        (lambda: explained(Occlusion1(size=9)), "choose at most 8"),
        (lambda: explained(PredictionDifference(size=9, stride=9)), "choose at most 8"),
        (lambda: explained(PredictionDifference(size=8, stride=8)), "choose at most 7"),
        (lambda: explained(Rise(baseline=np.zeros((4, 4, 3), np.float32))), "baseline shape"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(make, told):
    with pytest.raises(InputError) as caught:
        make()
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
