import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igcore.errors import InputError
from igcore.gradients import integrate
from igcore.integrators import FIXED, MAX_STEPS, shared_nodes
from igcore.models import PathChunk
from igcore.paths import StraightPath

each_rule = pytest.mark.parametrize("rule", FIXED.values(), ids=list(FIXED))
IMAGE = np.random.default_rng(0).random((2, 3, 3), dtype=np.float32)


def error(rule, steps, g, exact, seed=0):
    nodes, weights = rule.nodes_and_weights(steps, seed)
    return abs(weights @ g(nodes) - exact)


def smooth(alpha):
    return np.exp(np.sin(2 * alpha))


LEGENDRE_NODES, LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(60)
SMOOTH_INTEGRAL = LEGENDRE_WEIGHTS @ smooth((LEGENDRE_NODES + 1) / 2) / 2


def fitted_order(steps, errors):
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0]


class Wave:
    """F(x) = sin(3 · mean x): a model whose gradient is known in closed form."""

    def __init__(self, chunk):
        self.chunk = chunk

    def path_chunk(self, baseline, velocity, alphas, weights, *_):
        points = baseline + alphas[:, None, None, None] * velocity
        means = points.mean(axis=(1, 2, 3))
        gradients = np.broadcast_to(np.cos(3 * means)[:, None, None, None] * 3 / velocity.size, points.shape)
        slopes = (gradients * velocity).sum(axis=(1, 2, 3))
        return PathChunk(np.tensordot(weights, gradients, 1), np.sin(3 * means), slopes, gradients.mean(axis=(1, 2, 3)))


@each_rule
@settings(deadline=None)
@given(half=st.integers(1, 150), seed=st.integers(0, 2**31))
def test_weights_sum_to_one_over_ascending_nodes_in_the_unit_interval(rule, half, seed):
    nodes, weights = rule.nodes_and_weights(half * rule.multiple, seed)
    assert nodes.shape == weights.shape
    assert nodes.dtype == weights.dtype == np.float64
    assert (np.diff(nodes) > 0).all()
    assert nodes[0] >= 0
    assert nodes[-1] <= 1
    assert weights.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("m", [2, 4, 10, 50])
def test_nodes_and_weights_follow_their_formulas(m):
    k, grid = np.arange(m), np.arange(m + 1) / m
    ends_half = np.r_[0.5, np.ones(m - 1), 0.5] / m
    simpson = np.array([1 if i in (0, m) else 4 if i % 2 else 2 for i in range(m + 1)]) / (3 * m)
    expected = {
        "left": (k / m, np.full(m, 1 / m)),
        "right": ((k + 1) / m, np.full(m, 1 / m)),
        "midpoint": ((k + 0.5) / m, np.full(m, 1 / m)),
        "trapezoid": (grid, ends_half),
        "simpson": (grid, simpson),
        "gauss-legendre": tuple((a + b) / 2 for a, b in zip(np.polynomial.legendre.leggauss(m), (1, 0), strict=True)),
    }
    for key, parts in expected.items():
        np.testing.assert_allclose(FIXED[key].nodes_and_weights(m), parts, rtol=0, atol=1e-14, err_msg=key)
    nodes, weights = FIXED["monte-carlo"].nodes_and_weights(m)
    assert np.array_equal(np.floor(nodes * m), k)
    assert (weights == 1 / m).all()


@each_rule
@pytest.mark.parametrize("half", [1, 2, 3, 4])
def test_polynomials_are_exact_up_to_the_declared_degree_and_not_beyond(rule, half):
    steps = half * rule.multiple
    degree = 2 * steps - 1 if rule.degree is None else rule.degree
    for power in range(degree + 1):
        assert error(rule, steps, lambda a, p=power: a**p, 1 / (power + 1)) < 1e-13
    assert error(rule, steps, lambda a: a ** (degree + 1), 1 / (degree + 2)) > 1e-6


@pytest.mark.parametrize("key", [key for key, r in FIXED.items() if math.isfinite(r.order) and not r.seeded])
def test_the_error_falls_at_the_declared_order(key):
    rule, steps = FIXED[key], [8, 16, 32, 64, 128]
    errors = [error(rule, m, smooth, SMOOTH_INTEGRAL) for m in steps]
    assert fitted_order(steps, errors) == pytest.approx(rule.order, abs=0.1)


def test_gauss_legendre_falls_faster_than_any_power():
    errors = [error(FIXED["gauss-legendre"], m, smooth, SMOOTH_INTEGRAL) for m in (2, 4, 8, 24)]
    orders = np.log2(errors[:-2]) - np.log2(errors[1:-1])
    assert orders[1] > orders[0] + 2 > 4
    assert errors[-1] < 1e-13


def test_the_root_mean_square_error_of_monte_carlo_falls_at_its_order():
    rule, steps = FIXED["monte-carlo"], [4, 8, 16, 32, 64]
    errors = [[error(rule, m, smooth, SMOOTH_INTEGRAL, seed) for seed in range(400)] for m in steps]
    assert fitted_order(steps, np.sqrt(np.mean(np.square(errors), axis=1))) == pytest.approx(rule.order, abs=0.12)


@pytest.mark.parametrize(
    ("key", "mirror"), [*((k, k) for k in ("midpoint", "trapezoid", "simpson", "gauss-legendre")), ("left", "right")]
)
@pytest.mark.parametrize("steps", [2, 6, 50])
def test_rules_are_symmetric_and_left_mirrors_right(key, mirror, steps):
    nodes, weights = FIXED[key].nodes_and_weights(steps)
    mirror_nodes, mirror_weights = FIXED[mirror].nodes_and_weights(steps)
    np.testing.assert_allclose(nodes, 1 - mirror_nodes[::-1], rtol=0, atol=1e-14)
    np.testing.assert_allclose(weights, mirror_weights[::-1], rtol=0, atol=1e-14)


@pytest.mark.parametrize("steps", [1, 2, 5, 50])
def test_the_trapezoid_counts_every_panel_and_not_m_minus_one_of_m(steps):
    nodes, weights = FIXED["trapezoid"].nodes_and_weights(steps)
    panels = np.convolve(np.full(steps, 1 / steps), [0.5, 0.5])
    assert nodes.size == steps + 1
    np.testing.assert_allclose(weights, panels, rtol=0, atol=1e-15)


@each_rule
@settings(deadline=None)
@given(chunk=st.integers(1, 30), half=st.integers(1, 12))
def test_no_panel_is_lost_between_chunks(rule, chunk, half):
    nodes, weights = rule.nodes_and_weights(half * rule.multiple)
    path, mean = StraightPath(np.zeros_like(IMAGE), IMAGE), IMAGE.mean()
    sums = integrate(Wave(chunk), path, nodes, weights[None], target=0)
    assert sums.attributions.sum() == pytest.approx(weights @ (3 * mean * np.cos(3 * mean * nodes)), abs=1e-5)
    assert np.array_equal(sums.alphas, nodes)


@each_rule
@pytest.mark.parametrize("steps", [0, -1, 10**9, MAX_STEPS + 1, 2.5, 2.0, True, "50", None, math.nan])
def test_unusable_steps_are_refused_in_one_line(rule, steps):
    with pytest.raises(InputError, match="expected a whole number from 1 to 10000") as caught:
        rule.nodes_and_weights(steps)
    assert str(steps) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_odd_number_of_steps_is_refused_by_simpson_with_the_even_neighbors():
    with pytest.raises(InputError, match="even number of steps, got 7; take 6 or 8"):
        FIXED["simpson"].nodes_and_weights(7)


@each_rule
def test_only_seeded_rules_depend_on_the_seed_and_the_same_seed_gives_the_same_bytes(rule):
    first, again, other = (rule.nodes_and_weights(10, seed)[0].tobytes() for seed in (7, 7, 8))
    assert first == again
    assert (first != other) == rule.seeded


@settings(deadline=None)
@given(keys=st.lists(st.sampled_from(list(FIXED)), min_size=1), half=st.integers(1, 40), seed=st.integers(0, 99))
def test_shared_nodes_give_each_rule_its_own_result(keys, half, seed):
    steps, bumps = 2 * half, np.random.default_rng(seed).random(10)
    nodes, rows = shared_nodes(keys, steps, seed)
    assert rows.shape == (len(keys), nodes.size)
    assert (np.diff(nodes) > 0).all()
    for key, row in zip(keys, rows, strict=True):
        own_nodes, own_weights = FIXED[key].nodes_and_weights(steps, seed)
        assert row @ np.polyval(bumps, nodes) == pytest.approx(own_weights @ np.polyval(bumps, own_nodes), rel=1e-12)


@pytest.mark.parametrize("steps", [2, 10, 50, 98])
def test_the_rules_on_one_grid_share_m_plus_one_nodes(steps):
    assert shared_nodes(("left", "right", "trapezoid", "simpson"), steps)[0].size == steps + 1


def test_sharing_nodes_among_no_rules_is_refused():
    with pytest.raises(InputError):
        shared_nodes((), 4)
