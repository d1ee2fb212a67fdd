"""Games: dividends by the fast transform against inclusion and exclusion, Shapley values against all permutations."""

from __future__ import annotations

from itertools import chain, combinations, permutations

import numpy as np
import pytest

from igcore.errors import InputError
from igcore.games import dividends, members, orders, shapley_values, worths


def number(players):
    return sum(1 << player for player in players)


def subsets(players):
    return chain.from_iterable(combinations(players, size) for size in range(len(players) + 1))


def game(seed, players=6):
    return np.random.default_rng(seed).normal(size=1 << players)


def by_inclusion_and_exclusion(values, players=6):
    found = np.zeros(1 << players)
    for larger in subsets(range(players)):
        terms = ((-1) ** (len(larger) - len(smaller)) * values[number(smaller)] for smaller in subsets(larger))
        found[number(larger)] = sum(terms)
    return found


def by_permutations(values, players=6):
    found, count = np.zeros(players), 0
    for order in permutations(range(players)):
        before = 0
        for player in order:
            found[player] += values[before | 1 << player] - values[before]
            before |= 1 << player
        count += 1
    assert count == 720
    return found / count


@pytest.mark.parametrize("seed", range(3))
def test_dividends_are_those_by_inclusion_and_exclusion(seed):
    values = game(seed)
    np.testing.assert_allclose(dividends(values), by_inclusion_and_exclusion(values), rtol=0, atol=1e-13)


@pytest.mark.parametrize("seed", range(3))
def test_shapley_values_are_those_over_all_permutations(seed):
    values = game(seed)
    np.testing.assert_allclose(shapley_values(dividends(values)), by_permutations(values), rtol=0, atol=1e-13)


def test_worths_are_the_inverse_and_what_was_given_is_left_alone():
    values = game(3)
    before = values.copy()
    found = dividends(values)
    np.testing.assert_allclose(worths(found), values, rtol=0, atol=1e-13)
    np.testing.assert_allclose(dividends(worths(values)), values, rtol=0, atol=1e-13)
    assert np.array_equal(values, before)


def test_all_dividends_sum_to_what_all_players_are_worth():
    values = game(4, 9)
    assert dividends(values).sum() == pytest.approx(values[-1], abs=1e-11)
    assert shapley_values(dividends(values)).sum() == pytest.approx(values[-1] - values[0], abs=1e-11)


def test_a_game_that_needs_three_players_together_has_one_dividend():
    together = number((0, 2, 3))
    values = np.array([4.0 if one & together == together else 0.0 for one in range(16)])
    assert np.array_equal(np.flatnonzero(dividends(values)), [together])
    np.testing.assert_allclose(shapley_values(dividends(values)), [4 / 3, 0, 4 / 3, 4 / 3])


def test_an_unknown_worth_leaves_unknown_only_the_dividends_of_sets_that_hold_it():
    values = game(5)
    values[number((1, 4))] = np.nan
    unknown = np.isnan(dividends(values))
    assert {one for one in range(64) if unknown[one]} == {one for one in range(64) if {1, 4} <= players_of(one)}
    np.testing.assert_array_equal(dividends(values)[~unknown], dividends(game(5))[~unknown])


def players_of(one):
    return {player for player in range(6) if one >> player & 1}


def test_orders_and_members_count_the_players_of_a_number():
    assert [set(np.flatnonzero(row).tolist()) for row in members(6)] == [players_of(one) for one in range(64)]
    assert orders(6).tolist() == [len(players_of(one)) for one in range(64)]


def test_a_game_of_nobody_has_one_worth():
    assert dividends([2.0]).tolist() == [2.0]
    assert shapley_values([2.0]).shape == (0,)


@pytest.mark.parametrize("function", [dividends, worths, shapley_values])
@pytest.mark.parametrize("values", [[], [1, 2, 3], np.zeros((2, 2)), 1.0])
def test_what_is_no_game_is_refused(function, values):
    with pytest.raises(InputError, match="expected one number for each of 2ⁿ sets of n players"):
        function(values)
