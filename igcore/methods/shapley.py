"""The Shapley value of superpixels: each one's mean contribution over random orders in which they appear.

References
----------
Shapley, A Value for n-Person Games, 1953.
Castro, Gómez, Tejada, Polynomial Calculation of the Shapley Value Based on Sampling, 2009.
Štrumbelj, Kononenko, An Efficient Explanation of Individual Classifications Using Game Theory, 2010.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import Baseline, as_baseline
from igcore.methods.base import MethodSpec, Settings, Sums, Task, over_channels
from igcore.models.base import Of
from igcore.registry import parameter
from igcore.results import Attribution
from igcore.speed import Cost
from igcore.superpixels import mixed, spread, superpixels

__all__ = ["SPECS", "Shapley", "shapley_by_permutations"]

#: Values of coalitions: (m, n) bool, which of the n players are in each → (m,).
Value = Callable[[NDArray[np.bool_]], NDArray[np.float64]]


def shapley_by_permutations(
    value: Value, players: int, permutations: int, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Estimate the Shapley values of a game from random orders of its players.

    Parameters
    ----------
    value : callable
        Asked once for all coalitions, of which the first is empty and the second holds all players: (m, n) bool → (m,).
    players : int
    permutations : int
        Two or more.
    generator : numpy.random.Generator

    Returns
    -------
    values : (players,) float64
        They sum to value(all) − value(none), whatever the orders.
    standard_errors : (players,) float64
        Of the values, from their spread over the permutations.

    Notes
    -----
    φⱼ = mean over orders π of v(those up to j in π) − v(those before j in π).

    References
    ----------
    Castro, Gómez, Tejada 2009, section 3.
    """
    orders = generator.permuted(np.tile(np.arange(players), (permutations, 1)), axis=1)
    places = np.argsort(orders, axis=1)
    # After the first k of an order, for k = 1 … n − 1; its two ends are the same for all.
    growing = places[:, None, :] < np.arange(1, players)[None, :, None]
    ends = np.array([[False], [True]]).repeat(players, axis=1)
    scores = value(np.concatenate([ends, growing.reshape(-1, players)]))
    steps = np.empty((permutations, players + 1))
    steps[:, 0], steps[:, -1] = scores[0], scores[1]
    steps[:, 1:-1] = scores[2:].reshape(permutations, players - 1)
    contributions = np.take_along_axis(np.diff(steps, axis=1), places, axis=1)
    return contributions.mean(axis=0), contributions.std(axis=0, ddof=1) / np.sqrt(permutations)


@dataclass(frozen=True)
class Shapley(Settings):
    """Settings of the Shapley value with superpixels as players.

    Parameters
    ----------
    segments : int
        Superpixels to aim at; see `igcore.superpixels.superpixels`.
    permutations : int
        Random orders.
    baseline : str, baseline settings or (H, W, 3) array
        What an absent superpixel shows.
    of : {"probability", "logit"}
        The score that is shared out.

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    φⱼ = Σ over S ∌ j of |S|! (n − |S| − 1)! / n! · (v(S ∪ {j}) − v(S)), where v(S) is the score of the image in the
    superpixels S and the baseline elsewhere, estimated by `shapley_by_permutations`. A superpixel's value is spread
    evenly over its pixels and channels. The values sum to F(x) − F(x′) however few the orders, so the sum is no check;
    the standard error is.

    References
    ----------
    Castro, Gómez, Tejada 2009, section 3.
    Štrumbelj, Kononenko 2010, section 3.
    """

    key: ClassVar[str] = "shapley"
    sums: ClassVar[Sums] = "construction"
    segments: int = parameter(
        50, label="Segments", low=4, high=300, step=1,
        help="About how many superpixels share the score; an image of large even areas gives fewer.",
    )  # fmt: skip
    permutations: int = parameter(
        20, label="Permutations", low=2, high=200, step=1,
        help="Random orders in which superpixels appear; four times as many halve the standard error.",
    )  # fmt: skip
    baseline: str | Baseline | NDArray[np.float32] = "black"
    of: Of = "probability"

    def cost(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what an explanation takes; a guess, since the image decides how many superpixels there are."""
        return Cost(forwards=2 + self.permutations * (self.segments - 1), about=True)

    def attribute(self, task: Task) -> Attribution:
        """Compute the attribution, and how sure each value is."""
        labels = superpixels(task.image, self.segments)
        players = int(labels.max()) + 1
        baseline = as_baseline(self.baseline).make(task.image, task.seed)
        scores = np.empty(0)

        def value(present: NDArray[np.bool_]) -> NDArray[np.float64]:
            nonlocal scores

            def make(chunk: range) -> NDArray[np.float32]:
                return mixed(task.image, baseline, labels, present[chunk.start : chunk.stop])

            scores = task.scores_of(len(present), make, self.of)
            return scores

        generator = np.random.default_rng(task.seed)
        values, errors = shapley_by_permutations(value, players, self.permutations, generator)
        return task.result(
            self,
            over_channels(spread(values, labels)),
            scores[1],
            baseline=baseline,
            baseline_score=float(scores[0]),
            forward_count=len(scores),
            standard_error=spread(errors, labels).astype(np.float32),
        )


SPECS = (
    MethodSpec(
        "shapley",
        "Shapley value",
        "Uncovers patches of the image in random orders and gives each patch the mean change of the score when its "
        "turn came, so that all changes together make up the whole. The orders are a sample, so look at the standard "
        "error: the values always sum up, even where they are still rough.",
        r"\phi_j = \frac{1}{|\Pi|} \sum_{\pi \in \Pi} \left[ v(S_{\pi j} \cup \{j\}) - v(S_{\pi j}) \right], \\ "
        r"S_{\pi j} = \text{those before } j \text{ in } \pi, \\ A_i = \frac{\phi_j}{|S_j|}, \; i \in S_j",
        Shapley,
        "scores",
        "Castro, Gómez, Tejada 2009, section 3; Štrumbelj, Kononenko 2010; Shapley 1953",
    ),
)
