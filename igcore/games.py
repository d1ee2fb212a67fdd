"""Games of n players: what each set of players is worth, and what in it is due to nothing smaller.

A game is an array of 2ⁿ worths; the number of an entry, in binary, tells its players: entry 5 is the worth of players
0 and 2 together, entry 0 that of nobody.

References
----------
Harsanyi, A Simplified Bargaining Model for the n-Person Cooperative Game, 1963.
Shapley, A Value for n-Person Games, 1953.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from igcore.errors import InputError

__all__ = ["dividends", "members", "orders", "shapley_values", "worths"]

Game = NDArray[np.float64]


def orders(players: int) -> NDArray[np.intp]:
    """Return how many players each set has: (2ⁿ,) int."""
    return np.bitwise_count(np.arange(1 << players)).astype(np.intp)


def members(players: int) -> NDArray[np.bool_]:
    """Return who is in each set: (2ⁿ, n) bool."""
    return (np.arange(1 << players)[:, None] >> np.arange(players) & 1).astype(bool)


def dividends(worths: ArrayLike) -> Game:
    """Return what the players of each set gain together beyond what every smaller set among them gains.

    Parameters
    ----------
    worths : (2ⁿ,) float
        NaN where a worth is not known.

    Returns
    -------
    (2ⁿ,) float64
        Those of a set's subsets, the empty one included, sum to the set's worth. A dividend depends on the worths of
        the set and its subsets alone, and is NaN where one of these is.

    Raises
    ------
    InputError
        Where the number of worths is no power of two.

    Notes
    -----
    d(S) = Σ over T ⊆ S of (−1)^(|S| − |T|) v(T), by the fast Möbius transform: n 2ⁿ⁻¹ subtractions.

    References
    ----------
    Harsanyi 1963; as inclusion–exclusion, Rota, On the Foundations of Combinatorial Theory I, 1964.
    """
    return _transformed(worths, -1.0)


def worths(dividends: ArrayLike) -> Game:
    """Return the worths of a game from its dividends, which is the inverse: v(S) = Σ over T ⊆ S of d(T).

    Parameters
    ----------
    dividends : (2ⁿ,) float

    Returns
    -------
    (2ⁿ,) float64

    Raises
    ------
    InputError
        Where the number of dividends is no power of two.
    """
    return _transformed(dividends, 1.0)


def shapley_values(dividends: ArrayLike) -> Game:
    """Return each player's Shapley value: every set shares its dividend evenly among its players.

    Parameters
    ----------
    dividends : (2ⁿ,) float

    Returns
    -------
    (n,) float64
        They sum to v(all) − v(nobody).

    Raises
    ------
    InputError
        Where the number of dividends is no power of two.

    Notes
    -----
    φᵢ = Σ over S ∋ i of d(S) / |S|, which equals the mean contribution over all n! orders of the players.

    References
    ----------
    Shapley 1953; by dividends, Harsanyi 1963.
    """
    table = _checked(dividends)
    players = len(table).bit_length() - 1
    return np.asarray((table[1:] / orders(players)[1:]) @ members(players)[1:], np.float64)


def _transformed(values: ArrayLike, sign: float) -> Game:
    """Add to each entry, or take from it, those with one player less, one player after another."""
    table = _checked(values).copy()
    step = 1
    while step < len(table):
        pairs = table.reshape(-1, 2, step)
        pairs[:, 1] += sign * pairs[:, 0]
        step *= 2
    return table


def _checked(values: ArrayLike) -> Game:
    table = np.asarray(values, np.float64)
    if table.ndim != 1 or table.size < 1 or table.size & (table.size - 1):
        raise InputError(f"a game has shape {table.shape}; expected one number for each of 2ⁿ sets of n players")
    return table
