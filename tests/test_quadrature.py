"""Rules cut into panels: what each panel sums to, what merging keeps, and the trapezoid on any nodes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igcore.integrators import FIXED
from igcore.quadrature import between_nodes

KEYS = list(FIXED)
each_rule = pytest.mark.parametrize("key", KEYS)
steps_and_seed = {"half": st.integers(1, 200), "odd": st.booleans(), "seed": st.integers(0, 2**31)}

#: Where the rule on panels twice as wide is the rule of half the steps.
NESTED = ("left", "right", "trapezoid", "simpson")


def panels_of(key, half, odd, seed):
    """A rule's panels at even steps or, where it takes them, odd ones."""
    return FIXED[key].panels(2 * half - (odd and FIXED[key].multiple == 1), seed)


def used_by(panels):
    """The nodes that each panel uses, as the attributes describe them."""
    count, width = panels.weights.shape
    return [list(range(panels.stride * panel, panels.stride * panel + width)) for panel in range(count)]


@each_rule
@settings(deadline=None)
@given(**steps_and_seed)
def test_a_panels_weights_sum_to_its_width(key, half, odd, seed):
    panels = panels_of(key, half, odd, seed)
    np.testing.assert_allclose(panels.weights.sum(axis=1), np.diff(panels.edges), rtol=0, atol=1e-13)


@each_rule
@settings(deadline=None)
@given(**steps_and_seed)
def test_edges_go_up_from_zero_to_one_and_enclose_their_panels_nodes(key, half, odd, seed):
    panels = panels_of(key, half, odd, seed)
    assert panels.edges.shape == (len(panels.weights) + 1,)
    assert (panels.edges[0], panels.edges[-1]) == (0, 1)
    assert (np.diff(panels.edges) > 0).all()
    for (low, high), used in zip(zip(panels.edges, panels.edges[1:], strict=False), used_by(panels), strict=True):
        assert low <= panels.nodes[used[0]]
        assert panels.nodes[used[-1]] <= high


@each_rule
@pytest.mark.parametrize("steps", [1, 2, 7, 50, 1000, 10_000])
def test_nodes_stay_within_their_panels_at_any_number_of_steps(key, steps):
    panels = FIXED[key].panels(steps + steps % FIXED[key].multiple)
    first, last = np.array([(used[0], used[-1]) for used in used_by(panels)]).T
    assert (panels.edges[:-1] <= panels.nodes[first]).all()
    assert (panels.nodes[last] <= panels.edges[1:]).all()
    assert last[-1] == panels.nodes.size - 1


@each_rule
@settings(deadline=None)
@given(**steps_and_seed)
def test_the_sums_of_the_panels_add_up_to_the_weighted_sum(key, half, odd, seed):
    panels = panels_of(key, half, odd, seed)
    values = np.random.default_rng(seed).normal(size=panels.nodes.size)
    by_hand = [w @ values[used] for w, used in zip(panels.weights, used_by(panels), strict=True)]
    np.testing.assert_allclose(panels.sums(values), by_hand, rtol=1e-12, atol=1e-15)
    assert panels.sums(values).sum() == pytest.approx(panels.node_weights @ values, abs=1e-13)
    assert panels.node_weights.sum() == pytest.approx(1, abs=1e-13)


@pytest.mark.parametrize("steps", [2, 4, 6, 50])
def test_node_weights_are_those_of_the_textbook(steps):
    inner = np.ones(steps - 1)
    expected = {
        **dict.fromkeys(("left", "right", "midpoint", "monte-carlo"), np.full(steps, 1 / steps)),
        "trapezoid": np.r_[0.5, inner, 0.5] / steps,
        "simpson": np.r_[1, np.where(np.arange(1, steps) % 2, 4, 2), 1] / (3 * steps),
        "gauss-legendre": np.polynomial.legendre.leggauss(steps)[1] / 2,
    }
    for key in KEYS:
        np.testing.assert_allclose(FIXED[key].panels(steps).node_weights, expected[key], atol=1e-14, err_msg=key)


@each_rule
@settings(deadline=None)
@given(**steps_and_seed)
def test_merged_weights_use_every_second_node_and_a_last_panel_without_a_partner(key, half, odd, seed):
    panels = panels_of(key, half, odd, seed)
    merged, used = panels.merged_weights(), used_by(panels)
    if len(used) == 1:
        assert merged is None
        return
    assert merged.shape == panels.nodes.shape
    assert merged.sum() == pytest.approx(1, abs=1e-13)
    single = len(used[0]) == 1
    allowed = {node for node in range(len(panels.nodes)) if single or node % 2 == 0}
    if len(used) % 2:
        allowed |= set(used[-1])
    assert set(np.flatnonzero(merged)) <= allowed
    if single:
        pairs = [[merged[used[p][0]], merged[used[p + 1][0]]] for p in range(0, len(used) - 1, 2)]
        assert all(sorted(w > 0 for w in pair) == [False, True] for pair in pairs)
        widths = (panels.edges[2::2] - panels.edges[: len(panels.edges) - 2 : 2])[: len(pairs)]
        np.testing.assert_allclose(np.sum(pairs, axis=1), widths, rtol=0, atol=1e-13)


@pytest.mark.parametrize("key", NESTED)
@settings(deadline=None)
@given(half=st.integers(1, 100))
def test_merged_panels_are_the_rule_of_half_the_steps(key, half):
    rule = FIXED[key]
    whole = rule.panels(2 * half * rule.multiple)
    nodes, weights = rule.nodes_and_weights(half * rule.multiple)
    used = whole.merged_weights() != 0
    np.testing.assert_allclose(whole.nodes[used], nodes, rtol=0, atol=1e-15)
    np.testing.assert_allclose(whole.merged_weights()[used], weights, rtol=0, atol=1e-15)


@each_rule
def test_a_single_panel_has_nothing_to_merge_with(key):
    rule = FIXED[key]
    assert rule.panels(rule.multiple).merged_weights() is None
    assert rule.panels(2 * rule.multiple).merged_weights() is not None


@pytest.mark.parametrize("key", ["trapezoid", "simpson", "left", "right"])
@settings(deadline=None)
@given(half=st.integers(2, 100), odd=st.booleans())
def test_merging_keeps_what_a_rule_integrates_exactly(key, half, odd):
    panels = FIXED[key].panels((2 * half - odd) * FIXED[key].multiple)
    for power in range(FIXED[key].degree + 1):
        assert panels.merged_weights() @ panels.nodes**power == pytest.approx(1 / (power + 1), abs=1e-13)


inner = st.lists(st.floats(1e-6, 1 - 1e-6), max_size=40, unique=True)


@settings(deadline=None)
@given(inner=inner, offset=st.floats(-5, 5), slope=st.floats(-5, 5))
def test_a_straight_line_is_exact_on_any_nodes_and_in_each_panel(inner, offset, slope):
    nodes = np.array([0.0, *sorted(inner), 1.0])
    panels = between_nodes(nodes)
    line = offset + slope * nodes
    antiderivative = offset * nodes + slope * nodes**2 / 2
    np.testing.assert_allclose(panels.sums(line), np.diff(antiderivative), rtol=0, atol=1e-13)
    assert panels.node_weights @ line == pytest.approx(offset + slope / 2, abs=1e-12)
    merged = panels.merged_weights()
    if inner:
        assert merged @ line == pytest.approx(offset + slope / 2, abs=1e-12)
    else:
        assert merged is None
    assert (panels.node_weights > 0).all()


@pytest.mark.parametrize("steps", [1, 2, 5, 8, 33])
def test_on_even_nodes_it_is_the_trapezoid(steps):
    expected = FIXED["trapezoid"].panels(steps)
    panels = between_nodes(expected.nodes)
    np.testing.assert_allclose(panels.node_weights, expected.node_weights, rtol=0, atol=1e-15)
    np.testing.assert_allclose(panels.weights, expected.weights, rtol=0, atol=1e-15)
    if steps > 1:
        np.testing.assert_allclose(panels.merged_weights(), expected.merged_weights(), rtol=0, atol=1e-15)
