"""Infidelity and sensitivity-n: does the map tell by how much the score falls when random parts are removed?

References
----------
Yeh, Hsieh, Suggala, Inouye, Ravikumar, On the (In)fidelity and Sensitivity of Explanations, 2019.
Ancona, Ceolini, Öztireli, Gross, Towards Better Understanding of Gradient-based Attribution Methods for Deep Neural
Networks, 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError
from igcore.metrics.base import Again, Case, Measured, MetricSettings, MetricSpec, fill_parameter, jackknife, made_fill
from igcore.metrics.patches import PATCH_HELP, patch_sums, tiles
from igcore.registry import parameter
from igcore.speed import Cost
from igcore.superpixels import mixed

__all__ = ["SHARES", "SPECS", "Drops", "Infidelity", "SensitivityN"]

Array = NDArray[np.float32]
Numbers = NDArray[np.float64]

#: Of the tiles that a subset of sensitivity-n removes: n over all tiles.
SHARES = (0.02, 0.1, 0.3, 0.5, 0.8)


@dataclass(frozen=True, eq=False)
class Drops:
    """What the score lost when random subsets of tiles were removed.

    Attributes
    ----------
    removed : (m, n) bool
        For each of m subsets, which of the n tiles are in it.
    drops : (m,) float64
        F(x) − F(x without them).
    labels : (H, W) int
        The tile of each pixel.
    """

    removed: NDArray[np.bool_]
    drops: Numbers
    labels: NDArray[np.intp]

    def told(self, values: NDArray[np.floating]) -> Numbers:
        """Return what a map (H, W, 3) says that each subset is worth: (m,)."""
        return self.removed @ patch_sums(values.sum(axis=-1, dtype=np.float64), self.labels)


def _subsets(tile_count: int, sizes: list[int], seed: int) -> NDArray[np.bool_]:
    """Draw a random subset of tiles of each of some sizes: (m, n) bool."""
    order = np.random.default_rng(seed).random((len(sizes), tile_count)).argsort(axis=1).argsort(axis=1)
    return order < np.array(sizes)[:, None]


class _Removed(MetricSettings):
    """What the two share: scores of the image without random subsets of its tiles, once for all maps."""

    key: ClassVar[str]
    samples: int
    patch: int
    fill: str

    def shares(self) -> list[float]:
        """Return the share of the tiles that each subset removes."""
        raise NotImplementedError

    def once(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what the subsets take: a score each, and the image's."""
        return Cost(forwards=len(self.shares()) + 1)

    def prepare(self, case: Case) -> Drops:
        """Score the image without each subset."""
        task = case.task
        labels = tiles(task.image.shape, self.patch)
        count = int(labels.max()) + 1
        if count < 3:
            raise InputError(f"{self.key}: patch {self.patch} leaves {count} parts; choose a smaller patch")
        sizes = [min(max(round(share * count), 1), count - 1) for share in self.shares()]
        removed = _subsets(count, sizes, task.seed)
        present = np.concatenate([np.ones((1, count), bool), ~removed])
        filling = made_fill(self.fill, task.image, task.seed)
        scores = task.scores_of(
            len(present), lambda chunk: mixed(task.image, filling, labels, present[chunk.start : chunk.stop]), case.of
        )
        return Drops(removed, scores[0] - scores[1:], labels)


@dataclass(frozen=True)
class Infidelity(_Removed):
    """Settings of infidelity.

    Parameters
    ----------
    samples : int
        Random subsets of tiles.
    share : float
        Share of the tiles that each removes.
    patch : int
        Side of a tile in pixels.
    fill : {"black", "blur", "mean", "noise"}

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    min over β of mean (β Σ_{i ∈ S} Aᵢ − (F(x) − F(x without S)))², over the mean of (F(x) − F(x without S))², over
    subsets S: 0 where the map tells every drop, and 1 where it tells none better than zero does. It is equation 1 of
    the paper with I = (x − fill) in S and 0 elsewhere, a map being shares, Φ times x − x′. The scale β makes maps of
    different units comparable; dividing makes photos comparable.

    References
    ----------
    Yeh et al. 2019, definition 2.1.
    """

    key: ClassVar[str] = "infidelity"
    samples: int = parameter(200, label="Subsets", low=20, high=2000, step=1, help="Random sets of parts to remove.")
    share: float = parameter(
        0.1, label="Removed at a time", low=0.01, high=0.9, step=0.01, help="Share of the parts in a subset."
    )
    patch: int = parameter(8, label="Patch", low=1, high=112, step=1, unit="px", help=PATCH_HELP)
    fill: str = fill_parameter()

    def shares(self) -> list[float]:
        """Return the share of the tiles that each subset removes."""
        return [self.share] * self.samples

    def measure(self, case: Case, prepared: Drops, values: NDArray[np.floating], again: Again) -> Measured:  # noqa: ARG002
        """Return what the best scale of the map leaves untold, and its standard error."""
        told, drops = prepared.told(values), prepared.drops

        def untold(chosen: NDArray[np.intp]) -> float:
            said, seen = told[chosen], drops[chosen]
            whole = (seen**2).mean()
            if not whole:
                return float("nan")
            size = (said**2).mean()
            scale = (said * seen).mean() / size if size else 0.0
            return float(((scale * said - seen) ** 2).mean() / whole)

        return Measured(untold(np.arange(drops.size)), jackknife(untold, drops.size))


@dataclass(frozen=True)
class SensitivityN(_Removed):
    """Settings of sensitivity-n.

    Parameters
    ----------
    samples : int
        Random subsets for each of the sizes `SHARES`.
    patch : int
        Side of a tile in pixels.
    fill : {"black", "blur", "mean", "noise"}

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    For subsets S of n tiles: the correlation of Σ_{i ∈ S} Aᵢ with F(x) − F(x without S). The value is its mean over
    the sizes n; the curve has each.

    References
    ----------
    Ancona et al. 2018, section 4.2.
    """

    key: ClassVar[str] = "sensitivity-n"
    samples: int = parameter(
        60, label="Subsets of each size", low=20, high=1000, step=1, help="Random sets of parts to remove."
    )
    patch: int = parameter(8, label="Patch", low=1, high=112, step=1, unit="px", help=PATCH_HELP)
    fill: str = fill_parameter()

    def shares(self) -> list[float]:
        """Return the share of the tiles that each subset removes."""
        return list(np.repeat(SHARES, self.samples))

    def measure(self, case: Case, prepared: Drops, values: NDArray[np.floating], again: Again) -> Measured:  # noqa: ARG002
        """Return the mean correlation, its standard error, and the curve over n."""
        shape = (len(SHARES), self.samples)
        told, drops = prepared.told(values).reshape(shape), prepared.drops.reshape(shape)
        found = np.array([_correlation(said, seen) for said, seen in zip(told, drops, strict=True)])

        def of_size(size: int, kept: NDArray[np.intp]) -> float:
            return _correlation(told[size][kept], drops[size][kept])

        errors = [jackknife(partial(of_size, size), self.samples) for size in range(len(SHARES))]
        error = float(np.sqrt(np.square(errors).sum()) / len(SHARES))
        return Measured(float(found.mean()), error, np.array(SHARES), found)


def _correlation(a: Numbers, b: Numbers) -> float:
    """Return Pearson's correlation; NaN where one does not vary beyond the rounding of a score."""
    first, second = a - a.mean(), b - b.mean()
    size = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / size) if size else float("nan")


SPECS = (
    MetricSpec(
        "infidelity",
        "Infidelity",
        "Removes random sets of parts and compares by how much the score falls with what the map says of them. 0 is a "
        "map that tells every fall, 1 one that tells nothing. The map may choose its scale. Where most parts make the "
        "score fall, a map that is the same everywhere tells the mean fall, so compare with the controls.",
        r"\min_\beta \frac{\operatorname{E}_S (\beta \sum_{i \in S} A_i - (F(x) - F(x_{\setminus S})))^2}"
        r"{\operatorname{E}_S (F(x) - F(x_{\setminus S}))^2}",
        False,
        Infidelity,
        "Yeh et al. 2019, definition 2.1, with the best scale, over the mean square of the drops",
    ),
    MetricSpec(
        "sensitivity-n",
        "Sensitivity-n",
        "Removes random sets of n parts and correlates the fall of the score with the sum of the map over them, for "
        "small and large n. 1 is a map that orders the falls as they are. For a linear function that is so at every n.",
        r"\operatorname{mean}_n \operatorname{corr}_{|S| = n} (\sum_{i \in S} A_i, F(x) - F(x_{\setminus S}))",
        True,
        SensitivityN,
        "Ancona et al. 2018, section 4.2",
    ),
)
