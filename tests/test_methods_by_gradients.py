"""Methods that take gradients: each against a slow computation of its own, and by what it promises."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf
from scipy.ndimage import distance_transform_edt, gaussian_filter
from skimage.segmentation import felzenszwalb

import igcore
from igcore.agreement import map_distance
from igcore.methods.base import Task
from igcore.methods.blur_ig import BlurIG
from igcore.methods.expected_gradients import ExpectedGradients
from igcore.methods.gradient import Gradient, GradientXInput
from igcore.methods.guided_ig import GuidedIG
from igcore.methods.idgi import IDGI
from igcore.methods.smoothgrad import SmoothGrad, VarGrad
from igcore.methods.xrai import REACH, SCALES, XRAI, regions_by_attribution, segments
from igcore.paths import BlurPath
from tests.functions import (
    BLACK,
    SHAPE,
    WEIGHTS,
    ClosedForm,
    assert_same_map,
    constant,
    exact,
    ig,
    model_of,
    picture,
    power,
    product_of_means,
)

IMAGE = picture(1)
#: Without the pixel noise that a blur by less than a pixel would still change.
SMOOTH = gaussian_filter(picture(2), (1.5, 1.5, 0))
#: Gradients that differ from value to value and change their order on the way.
WAVES = ClosedForm(
    lambda images: (
        tf.reduce_sum(tf.constant(WEIGHTS, tf.float32) * tf.sin(5 * images), (1, 2, 3))
        + tf.tensordot(images, tf.constant(WEIGHTS, tf.float32), 3) ** 3
    ),
    lambda image, _: image,
)
COLORS = (np.full(SHAPE, 0.25, np.float32), picture(4))

ALL = (
    Gradient(of="logit"),
    GradientXInput(of="logit"),
    SmoothGrad(samples=10, of="logit"),
    VarGrad(samples=10, of="logit"),
    ExpectedGradients(samples=11, of="logit"),
    ExpectedGradients(("uniform-noise", igcore.UniformNoise(seed=3), "gaussian-noise"), samples=14, of="logit"),
    GuidedIG(steps=10, of="logit"),
    GuidedIG("white", steps=7, fraction=0.1, max_dist=0.2, of="logit"),
    BlurIG(sigma=3, steps=10, of="logit"),
    BlurIG(sigma=3, steps=1, of="logit"),
    IDGI(steps=10, of="logit"),
    IDGI("uniform-noise", steps=1, of="logit"),
    XRAI(steps=5, of="logit"),
)
IN_TURN = tuple(method for method in ALL if method.key not in ("gradient", "gradient-x-input"))
SEEDED = {"smoothgrad", "vargrad", "expected-gradients"}


def name(method):
    return f"{method.key}-{ALL.index(method)}" if method in ALL else str(method)


@pytest.fixture(scope="module")
def waves():
    return model_of(WAVES)


@pytest.fixture(scope="module")
def line():
    return model_of(power(1))


def attribute(model, method, image=IMAGE, target=0, **facts):
    return method.attribute(Task(model, image, target, **facts))


def gradients_at(model, *points):
    return [model.gradients(np.float32(point)[None], 0, "logit")[1][0].astype(float) for point in points]


# The gradient itself, and its mean and variance over noisy copies.


def test_gradient_times_input_is_the_gradient_times_the_image(model, waves, photo):
    plain, product = (attribute(waves, method, IMAGE) for method in (Gradient(), GradientXInput()))
    np.testing.assert_array_equal(product.values, plain.values * IMAGE)
    image = photo("coffee")
    plain, product = (attribute(model, method, image, 967) for method in (Gradient(), GradientXInput()))
    # Beside other networks, as here, the convolution library may round two calls differently (bench/README.md).
    assert map_distance(product.values, plain.values * image) < 1e-5


def noisy_gradients(model, samples, sigma, seed):
    noise = [np.random.default_rng([seed, k]).standard_normal(SHAPE, dtype=np.float32) for k in range(samples)]
    return np.stack(gradients_at(model, *(IMAGE + np.float32(sigma) * each for each in noise)))


@pytest.mark.parametrize(("samples", "sigma", "seed"), [(2, 0.15, 0), (13, 0.4, 7)])
def test_smoothgrad_and_vargrad_are_mean_and_variance_of_a_plain_loop(waves, samples, sigma, seed):
    gradients = noisy_gradients(waves, samples, sigma, seed)
    smooth, var = (attribute(waves, kind(samples, sigma, "logit"), seed=seed) for kind in (SmoothGrad, VarGrad))
    assert_same_map(smooth.values, gradients.mean(axis=0))
    assert_same_map(var.values, ((gradients - gradients.mean(axis=0)) ** 2).sum(axis=0) / samples)


def test_a_line_has_one_gradient_whatever_the_noise(line):
    assert_same_map(attribute(line, SmoothGrad(of="logit")).values, WEIGHTS)
    assert not attribute(line, VarGrad(of="logit")).values.any()


def test_without_noise_smoothgrad_is_the_gradient(waves):
    [gradient] = gradients_at(waves, IMAGE)
    assert_same_map(attribute(waves, SmoothGrad(3, 0.0, "logit")).values, gradient)


def test_the_noise_has_the_given_deviation_and_is_not_cut():
    # ∇(w·x)² = 2(w·x)w, so its variance is 4σ²‖w‖²w²; of 600 samples the estimate scatters by 6 %.
    sigma = 0.5
    values = attribute(model_of(power(2)), VarGrad(600, sigma, "logit")).values
    assert (values / WEIGHTS**2).mean() == pytest.approx(4 * sigma**2 * (WEIGHTS**2).sum(), rel=0.25)


# Expected Gradients.


def test_one_baseline_is_the_monte_carlo_integrator(waves, model, photo):
    for seed in (0, 5):
        expected = attribute(waves, ig("gray", "monte-carlo", 9), seed=seed)
        found = attribute(waves, ExpectedGradients(("gray",), 9, "logit"), seed=seed)
        assert_same_map(found.values, expected.values)
        assert found.score_difference == pytest.approx(expected.score_difference, abs=1e-6)
    image = photo("cat")
    expected = attribute(model, igcore.IntegratedGradients("blur", "monte-carlo", 9), image, 285)
    assert map_distance(attribute(model, ExpectedGradients(("blur",), 9), image, 285).values, expected.values) < 1e-3


@pytest.mark.parametrize("samples", [4, 5, 10, 11])
def test_each_baseline_counts_the_same_and_its_samples_are_stratified(samples):
    seen = []
    task = Task(Recording(model_of(power(3)), seen), IMAGE, 0)
    ExpectedGradients(("black", COLORS[1]), samples, "logit").attribute(task)
    points = np.concatenate(seen)
    assert len(points) == samples
    for index, baseline in enumerate((BLACK, COLORS[1])):
        way = (IMAGE - baseline).astype(float).ravel()
        own = points[index::2]
        alphas = np.array([(point - baseline).ravel() @ way / (way @ way) for point in own])
        np.testing.assert_allclose(own, baseline + alphas[:, None, None, None] * (IMAGE - baseline), atol=1e-6)
        np.testing.assert_array_equal(np.floor(alphas * len(own)), np.arange(len(own)))


def test_of_a_line_expected_gradients_are_the_mean_over_baselines_at_any_count(line):
    expected = np.mean([(IMAGE - baseline) * WEIGHTS for baseline in COLORS], axis=0)
    for samples in (4, 5, 7):
        result = attribute(line, ExpectedGradients(COLORS, samples, "logit"))
        assert_same_map(result.values, expected)
        assert abs(result.completeness_error) < 1e-6
        assert result.baseline is None


def test_noise_is_drawn_anew_for_each_sample_unless_it_has_a_seed(line):
    def mean_picture(baseline):
        values = attribute(line, ExpectedGradients((baseline,), 100, "logit")).values
        return IMAGE - values / WEIGHTS

    fresh, fixed = mean_picture("uniform-noise"), igcore.UniformNoise(seed=5)
    # The deviation of a mean of 100 uniform values is 0.029, of one value 0.29.
    assert fresh.std() == pytest.approx(1 / np.sqrt(12 * 100), rel=0.25)
    assert fresh.mean() == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(mean_picture(fixed), fixed.make(IMAGE), atol=1e-4)


def test_expected_gradients_come_near_the_exact_mean():
    form = product_of_means()
    expected = np.mean([exact(form, IMAGE, baseline) for baseline in COLORS], axis=0)
    model = model_of(form)

    def error(samples):
        maps = [attribute(model, ExpectedGradients(COLORS, samples, "logit"), seed=seed).values for seed in range(8)]
        return np.mean([map_distance(values, expected) for values in maps])

    # The gradient is linear in α, so stratified samples err as n^(−3/2): 16 times as many, 64 times less.
    assert error(8) / error(128) > 25
    assert error(128) < 1e-3


def test_expected_gradients_of_the_network_come_near_the_mean_of_integrated_gradients(model, photo):
    image = photo("coffee")
    exactly = igcore.average(
        [attribute(model, igcore.IntegratedGradients(one, steps=64), image, 967) for one in ("black", "white")]
    )
    few, many = (attribute(model, ExpectedGradients(("black", "white"), n), image, 967) for n in (10, 90))
    distances = [map_distance(one.values, exactly.values) for one in (few, many)]
    assert distances[1] < 0.25 < 0.5 < distances[0], distances
    assert many.baseline_score == pytest.approx(exactly.baseline_score, abs=1e-6)
    assert abs(many.completeness_error) < 0.25


def test_expected_gradients_become_complete():
    cube = model_of(power(3))

    def error(samples):
        method = ExpectedGradients(("black", "uniform-noise"), samples, "logit")
        return np.mean([abs(attribute(cube, method, seed=seed).completeness_error) for seed in range(6)])

    assert error(8) > 4 * error(256)
    assert error(256) < 2e-3


# Guided Integrated Gradients.


def slow_guided(model, image, baseline, method):
    """The algorithm over lists of numbers, with a sort for the quantile."""
    start, end = (each.astype(float).ravel().tolist() for each in (baseline, image))
    count, x, result = len(end), list(start), np.zeros(image.size)
    whole = sum(abs(e - s) for s, e in zip(start, end, strict=True))
    for t in range(1, method.steps + 1):
        [gradient] = gradients_at(model, np.reshape(x, image.shape))
        gradient, before = gradient.ravel(), list(x)
        low, high = max(t / method.steps - method.max_dist, 0), min(t / method.steps + method.max_dist, 1)
        upper = [s + high * (e - s) for s, e in zip(start, end, strict=True)]
        for i in range(count):
            if start[i] != end[i] and (x[i] - start[i]) / (end[i] - start[i]) < low:
                x[i] = start[i] + low * (end[i] - start[i])
        while True:
            excess = sum(abs(e - v) for v, e in zip(x, end, strict=True)) - whole * (1 - t / method.steps)
            free = [i for i in range(count) if abs(upper[i] - x[i]) > 1e-12]
            if excess <= 1e-9 * whole or not free:
                break
            ranking = sorted([abs(gradient[i]) for i in free] + [math.inf] * (count - len(free)))
            limit = ranking[int(method.fraction * (count - 1))]
            chosen = [i for i in free if abs(gradient[i]) <= limit]
            share = min(excess / sum(abs(upper[i] - x[i]) for i in chosen), 1)
            for i in chosen:
                x[i] = upper[i] if share == 1 else x[i] + share * (upper[i] - x[i])
        result += (np.array(x) - before) * gradient
    np.testing.assert_allclose(x, end, atol=1e-7)
    return result.reshape(image.shape)


@pytest.mark.parametrize("max_dist", [0.02, 0.1, 1.0])
@pytest.mark.parametrize("fraction", [0.05, 0.25, 0.7])
def test_guided_ig_is_the_slow_version(waves, fraction, max_dist):
    image = IMAGE.copy()
    image[:3, :2] = 0  # as in the baseline
    method = GuidedIG(steps=20, fraction=fraction, max_dist=max_dist, of="logit")
    values = attribute(waves, method, image).values
    assert_same_map(values, slow_guided(waves, image, BLACK, method), 1e-3)
    assert not values[:3, :2].any()
    # On the way it takes, the map is not that of the straight path.
    assert map_distance(values, attribute(waves, ig("black", "left", 20), image).values) > 0.003


@pytest.mark.parametrize("settings", [{"max_dist": 0.0}, {"fraction": 1.0}], ids=str)
def test_guided_ig_without_freedom_is_the_straight_path(waves, settings):
    guided = attribute(waves, GuidedIG("gray", steps=12, of="logit", **settings))
    assert_same_map(guided.values, attribute(waves, ig("gray", "left", 12)).values, 1e-4)


def test_guided_ig_keeps_its_distances_on_the_network(model, photo):
    image, seen, steps, max_dist = photo("coffee"), [], 12, 0.05
    result = attribute(Recording(model, seen), GuidedIG("white", steps, max_dist=max_dist), image, 967)
    points = np.concatenate([*seen, image[None]]).astype(float)
    way = image.astype(float) - 1
    gone = (points - 1)[:, way != 0] / way[way != 0]
    even = np.arange(steps + 1)[:, None] / steps
    assert (np.abs(gone - even) <= max_dist + 1e-4).all()
    assert (np.abs(gone[1:-1] - even[1:-1]) > max_dist / 2).any(axis=1).all()
    distances = np.abs(image - points).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(distances, distances[0] * (1 - even[:, 0]), atol=1e-5 * distances[0])
    gradients = model.gradients(points[:-1].astype(np.float32), 967)[1]
    assert_same_map(result.values, (np.diff(points, axis=0) * gradients).sum(axis=0), 1e-3)


@pytest.mark.parametrize("form", [power(3), product_of_means()], ids=["cube", "product"])
def test_guided_ig_becomes_complete_on_a_smooth_function(form):
    model = model_of(form)
    errors = [
        abs(attribute(model, GuidedIG(steps=steps, max_dist=0.1, of="logit")).completeness_error)
        for steps in (10, 20, 40, 80)
    ]
    assert all(later < 0.7 * earlier for earlier, later in pairwise(errors)), errors


def test_guided_ig_of_an_image_that_is_its_baseline_is_zero(waves):
    seen = []
    result = attribute(waves, GuidedIG(IMAGE, steps=5, of="logit"), on_progress=seen.append)
    assert not result.values.any()
    assert result.score_difference == 0
    assert result.gradient_count == 0
    assert (seen[-1].done, seen[-1].total) == (5, 5)


# Blur Integrated Gradients.


def blurred(image, sigma):
    return gaussian_filter(image.astype(float), (sigma, sigma, 0), mode="reflect", truncate=8)


@pytest.mark.parametrize("shape", [(24, 31, 3), SHAPE], ids=str)
@pytest.mark.parametrize("sigma", [2.0, 5.0, 20.0])
def test_the_blur_path_is_the_gaussian_filter(shape, sigma):
    image = np.random.default_rng(3).random(shape, dtype=np.float32)
    [start, half] = BlurPath(image, 2 * sigma).points([0.0, 0.5])
    np.testing.assert_allclose(start, blurred(image, 2 * sigma), atol=2e-6)
    np.testing.assert_allclose(half, blurred(image, sigma), atol=2e-6)
    assert start.dtype == np.float32


def test_the_blur_path_ends_at_the_image_and_moves_as_its_velocity_says(photo):
    image = photo("cat")
    path = BlurPath(image, 50.0)
    np.testing.assert_allclose(path.points([1.0])[0], image, atol=2e-6)
    assert not path.velocities([1.0]).any()
    alphas, h = np.array([0.1, 0.5, 0.9, 0.97]), 2e-3
    slopes = (path.points(alphas + h) - path.points(alphas - h)) / (2 * h)
    for found, expected in zip(path.velocities(alphas), slopes, strict=True):
        assert_same_map(found, expected, 2e-2)
        assert map_distance(found, expected) < 2e-2


@pytest.mark.parametrize("sigma", [0, -1.0, float("nan"), float("inf")])
def test_a_blur_path_refuses_a_blur_that_is_none(sigma):
    with pytest.raises(igcore.InputError, match="expected a positive number of pixels"):
        BlurPath(IMAGE, sigma)


@pytest.mark.parametrize("steps", [1, 4])
def test_blur_ig_is_the_trapezoid_over_filtered_images(waves, steps):
    sigma, h = 4.0, 1e-3
    expected = np.zeros(SHAPE)
    for k in range(steps + 1):
        at = sigma * (1 - k / steps)
        weight = 0.5 if k in (0, steps) else 1.0
        # A blur does not change with the sign of σ, so it starts with slope 0.
        slope = (blurred(SMOOTH, at + h) - blurred(SMOOTH, at - h)) / (2 * h) if at else np.zeros(SHAPE)
        expected -= weight * sigma / steps * slope * gradients_at(waves, blurred(SMOOTH, at))[0]
    result = attribute(waves, BlurIG(sigma, steps, "logit"), SMOOTH)
    assert_same_map(result.values, expected, 1e-3)
    np.testing.assert_allclose(result.baseline, blurred(SMOOTH, sigma), atol=2e-6)
    assert result.baseline_score == pytest.approx(float(waves.scores(result.baseline[None], "logit")[0, 0]), abs=1e-6)


def test_blur_ig_becomes_complete_and_traces_its_sum(waves):
    results = [attribute(waves, BlurIG(4.0, steps, "logit")) for steps in (8, 16, 32, 64)]
    errors = [abs(result.completeness_error) for result in results]
    assert all(later < 0.4 * earlier for earlier, later in pairwise(errors)), errors
    trace = results[-1].trace
    assert trace.cumulative[-1] == pytest.approx(results[-1].sum, rel=1e-4)
    # The slopes are those of the scores: their differences over two steps.
    differences = (trace.scores[2:] - trace.scores[:-2]) * 64 / 2
    np.testing.assert_allclose(trace.slopes[1:-1], differences, atol=0.02 * np.abs(differences).max())


def test_the_estimated_error_of_blur_ig_compares_with_half_the_steps(waves):
    half, whole = (attribute(waves, BlurIG(4.0, steps, "logit")) for steps in (6, 12))
    assert whole.map_error == pytest.approx(map_distance(half.values, whole.values) / math.sqrt(3), rel=1e-3)
    assert attribute(waves, BlurIG(4.0, 1, "logit")).map_error is None


def test_blur_ig_of_the_network_nears_completeness(model, photo):
    results = [attribute(model, BlurIG(steps=steps), photo("coffee"), 967) for steps in (25, 100)]
    assert abs(results[1].completeness_error) < 0.2 < abs(results[0].completeness_error)
    assert results[1].map_error < results[0].map_error


# IDGI.


@pytest.mark.parametrize("baseline", ["black", "white"])
def test_idgi_is_a_plain_loop(waves, baseline):
    steps, start = 9, igcore.BASELINES[baseline].settings().make(IMAGE)
    points = [start + np.float32(j / steps) * (IMAGE - start) for j in range(steps + 1)]
    scores = [float(waves.scores(point[None], "logit")[0, 0]) for point in points]
    expected = np.zeros(SHAPE)
    for j, gradient in enumerate(gradients_at(waves, *points[:-1])):
        expected += gradient * gradient * (scores[j + 1] - scores[j]) / np.linalg.norm(gradient) ** 2
    result = attribute(waves, IDGI(baseline, steps, "logit"))
    assert_same_map(result.values, expected)
    assert result.by_construction


@pytest.mark.parametrize("steps", [1, 3, 20])
def test_idgi_telescopes(waves, model, photo, steps):
    result = attribute(waves, IDGI("white", steps, "logit"))
    assert result.sum == pytest.approx(result.score_difference, abs=1e-6)
    result = attribute(model, IDGI(steps=steps), photo("coffee"), 967)
    assert result.score_difference > 0.9
    assert result.sum == pytest.approx(result.score_difference, abs=1e-6)


def test_idgi_skips_a_step_without_a_gradient():
    flat = attribute(model_of(constant()), IDGI(of="logit"))
    assert not flat.values.any()
    # ∇(w·x)² is zero at black, so the first of four steps is lost: to a quarter of the way, 1/16 of the score.
    result = attribute(model_of(power(2)), IDGI(steps=4, of="logit"))
    assert result.sum == pytest.approx(result.score * 15 / 16, rel=1e-5)


# XRAI.


def naive_xrai(heat, masks, fewest):
    values, covered = np.full(heat.shape, np.nan), np.zeros(heat.shape, bool)
    while masks := [mask for mask in masks if (mask & ~covered).sum() >= fewest]:
        best = max(masks, key=lambda mask: heat[mask & ~covered].mean())
        values[best & ~covered] = heat[best & ~covered].mean()
        covered |= best
    values[~covered] = heat[~covered].mean() if (~covered).any() else 0
    return values


@pytest.mark.parametrize("fewest", [1, 5, 40, 10_000])
@pytest.mark.parametrize("seed", [0, 1])
def test_regions_are_taken_as_the_naive_version_takes_them(seed, fewest):
    generator = np.random.default_rng(seed)
    heat = generator.normal(size=(20, 27))
    masks = []
    for _ in range(60):
        (top, bottom), (left, right) = (np.sort(generator.integers(0, size + 1, 2)) for size in heat.shape)
        masks.append(np.zeros(heat.shape, bool))
        masks[-1][top:bottom, left:right] = True
    masks = [mask for mask in masks if mask.any()] + [masks[0].copy() | masks[1]]
    values = regions_by_attribution(heat, [np.flatnonzero(mask) for mask in masks], fewest)
    np.testing.assert_allclose(values, naive_xrai(heat, masks, fewest), atol=1e-12)
    assert values.sum() == pytest.approx(heat.sum())


def test_without_regions_every_pixel_gets_the_mean():
    heat = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(regions_by_attribution(heat, [], 1), np.full((3, 4), 5.5))


def test_the_best_region_comes_first_and_the_rest_shares_the_remainder():
    heat = np.array([[1.0, 3.0, 5.0, -1.0, -3.0]])
    regions = [np.array([0, 1, 2]), np.array([2]), np.array([2, 3])]
    # 5 alone; then 1 and 3, of mean 2; then −1; nothing covers −3.
    np.testing.assert_array_equal(regions_by_attribution(heat, regions, 1), [[2, 2, 5, -1, -3]])
    np.testing.assert_array_equal(regions_by_attribution(heat, regions, 2), [[3, 3, 3, -2, -2]])


def test_segments_are_the_grown_regions_of_six_scales(photo):
    image = photo("motorcycle")[40:140, 50:170]
    regions, expected = segments(image), []
    for scale in SCALES:
        labels = felzenszwalb(image, scale=scale, sigma=0.8, min_size=150)
        for label in np.unique(labels):
            expected.append(np.flatnonzero(distance_transform_edt(labels != label) <= REACH))
    assert len(regions) == len(expected) > 2 * len(SCALES)
    assert all(np.array_equal(found, known) for found, known in zip(regions, expected, strict=True))


def test_xrai_gives_regions_the_mean_of_integrated_gradients(model, photo):
    image = photo("coffee")
    maps = [attribute(model, igcore.IntegratedGradients(one, steps=6), image, 967) for one in ("black", "white")]
    heat = np.mean([one.values.astype(float) for one in maps], axis=0).sum(axis=-1)
    result = attribute(model, XRAI(steps=6), image, 967)
    found = result.values.sum(axis=-1, dtype=float)
    assert_same_map(found, regions_by_attribution(heat, segments(image), 50), 1e-4)
    np.testing.assert_array_equal(result.values[..., 0], result.values[..., 2])
    assert np.unique(result.values).size > 10
    assert not result.additive
    assert result.completeness_error is None


# What all of them promise.


class Recording:
    """A model that counts what it is asked, and keeps where it is asked for gradients."""

    def __init__(self, model, seen=None):
        self.model, self.seen, self.chunk, self.spec = model, seen, model.chunk, model.spec
        self.forwards = self.gradient_count = 0

    def scores(self, images, of="probability"):
        self.forwards += len(images)
        return self.model.scores(images, of)

    def gradients(self, images, target, of="probability"):
        self.gradient_count += len(images)
        if self.seen is not None:
            self.seen.append(images)
        return self.model.gradients(images, target, of)

    def path_chunk(self, baseline, velocity, alphas, weights, target, of):
        self.gradient_count += len(alphas)
        return self.model.path_chunk(baseline, velocity, alphas, weights, target, of)


@pytest.mark.parametrize("method", ALL, ids=name)
def test_what_a_method_costs_is_what_it_takes_and_what_it_tells(waves, method):
    counting, cost = Recording(waves), method.cost((8, 8))
    result = attribute(counting, method)
    assert counting.gradient_count == result.gradient_count == cost.gradients
    assert counting.forwards == result.forward_count == cost.forwards
    assert not cost.about
    assert result.method == method.key
    assert result.score == pytest.approx(float(waves.scores(IMAGE[None], "logit")[0, 0]), abs=1e-6)
    assert result.additive == (result.baseline_score is not None)


@pytest.mark.parametrize("method", ALL, ids=name)
def test_the_same_seed_gives_the_same_bytes(waves, method):
    first, again, other = (attribute(waves, method, seed=seed) for seed in (3, 3, 4))
    assert first.values.tobytes() == again.values.tobytes()
    assert first.baseline_score == again.baseline_score
    differs = method.key in SEEDED or first.settings.get("baseline") == {"key": "uniform-noise", "seed": None}
    assert (first.values.tobytes() != other.values.tobytes()) == differs


@pytest.mark.parametrize("method", ALL, ids=name)
def test_the_size_of_a_chunk_changes_nothing(waves, method):
    first, other = (attribute(model, method, seed=2) for model in (waves, model_of(WAVES, chunk=3)))
    assert_same_map(other.values, first.values)
    if first.baseline_score is not None:
        assert other.baseline_score == pytest.approx(first.baseline_score, abs=1e-6)


@pytest.mark.parametrize("method", IN_TURN, ids=name)
def test_progress_grows_and_ends_at_its_total(method):
    seen = []
    attribute(model_of(WAVES, chunk=3), method, on_progress=seen.append)
    assert {each.total for each in seen} == {method.cost((8, 8)).gradients}
    assert all(later.done > earlier.done for earlier, later in pairwise(seen))
    assert seen[-1].done == seen[-1].total


@pytest.mark.parametrize("allowed", [0, 1])
@pytest.mark.parametrize("method", [one for one in IN_TURN if one.cost((8, 8)).gradients > 3], ids=name)
def test_cancelling_stops_before_the_next_chunk(method, allowed):
    seen = []
    with pytest.raises(igcore.Cancelled):
        attribute(model_of(WAVES, chunk=3), method, on_progress=seen.append, should_stop=lambda: len(seen) >= allowed)
    assert len(seen) == allowed


@pytest.mark.parametrize(
    ("kind", "settings", "told"),
    [
        (SmoothGrad, {"samples": 0}, "smoothgrad: samples is 0; expected a whole number from 1"),
        (SmoothGrad, {"sigma": -0.1}, "smoothgrad: sigma is -0.1"),
        (SmoothGrad, {"of": "loss"}, "expected probability or logit"),
        (VarGrad, {"samples": 1}, "vargrad: samples is 1; expected a whole number from 2"),
        (VarGrad, {"sigma": float("nan")}, "vargrad: sigma is nan"),
        (ExpectedGradients, {"samples": 3}, "samples is 3; expected a whole number from 4"),
        (
            ExpectedGradients,
            {"samples": 4, "baselines": ("black", "white", "gray", "mean", "blur")},
            "samples is 4; expected at least 5, one for each baseline",
        ),
        (ExpectedGradients, {"samples": 2.5}, "samples is 2.5"),
        (ExpectedGradients, {"baselines": ()}, "baselines is not a set"),
        (ExpectedGradients, {"baselines": "black"}, "baselines is not a set"),
        (ExpectedGradients, {"baselines": ("black", "blak")}, "did you mean 'black'"),
        (GuidedIG, {"steps": 0}, "guided-ig: steps is 0"),
        (GuidedIG, {"fraction": 0.0}, "guided-ig: fraction is 0.0"),
        (GuidedIG, {"max_dist": -1}, "guided-ig: max_dist is -1"),
        (GuidedIG, {"baseline": 3}, "baseline is 3; expected one of"),
        (BlurIG, {"sigma": 0}, "blur-ig: sigma is 0"),
        (BlurIG, {"steps": True}, "blur-ig: steps is True"),
        (IDGI, {"steps": 1001}, "idgi: steps is 1001"),
        (IDGI, {"baseline": "nothing"}, "unknown baseline 'nothing'"),
        (XRAI, {"steps": "many"}, "xrai: steps is 'many'"),
        (XRAI, {"min_new": 0}, "xrai: min_new is 0"),
    ],
)
def test_bad_settings_are_refused_in_one_line(kind, settings, told):
    with pytest.raises(igcore.InputError, match=told) as caught:
        kind(**settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", [GuidedIG, IDGI, lambda one: ExpectedGradients((one, "black"))])
def test_a_baseline_of_another_size_is_refused(waves, kind):
    with pytest.raises(igcore.InputError, match="shape"):
        attribute(waves, kind(np.zeros((4, 4, 3), np.float32)))


@pytest.mark.parametrize("method", ALL, ids=name)
def test_settings_are_told_as_plain_values_and_can_be_keys(waves, method, tmp_path):
    assert replace(method) == method
    assert hash(replace(method)) == hash(method)
    result = attribute(waves, method)
    assert result.settings == {**method.describe(), "seed": 0}
    result.save(tmp_path / "result.npz")
    again = igcore.Attribution.load(tmp_path / "result.npz")
    assert again.settings == result.settings
    assert again.values.tobytes() == result.values.tobytes()
