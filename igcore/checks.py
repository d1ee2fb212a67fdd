"""Checks: what the numbers beside a map say, in words that page and command line share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from igcore.results import Attribution

__all__ = [
    "BLIND",
    "GOOD",
    "Verdict",
    "blind_pixels",
    "blind_share",
    "completeness_verdict",
    "entropy",
    "equals_baseline",
    "uncorrected_error",
]

Level = Literal["good", "fair", "poor", "unknown"]

#: Relative completeness errors up to which a sum is called good and fair, and the same for a map's own error.
GOOD, FAIR = 0.01, 0.05
GOOD_MAP, FAIR_MAP = 0.05, 0.15

#: The share of blind pixels from which it is worth telling.
BLIND = 0.01

#: Differences F(x) − F(x′) below which a relative error says nothing.
TOO_SMALL = {"probability": 0.01, "logit": 0.1}


@dataclass(frozen=True)
class Verdict:
    """A level to color by and one sentence."""

    level: Level
    text: str


def completeness_verdict(attribution: Attribution) -> Verdict:
    """Judge how far the attributions sum to F(x) − F(x′); of a corrected map, how far it has converged."""
    error, difference = attribution.completeness_error, attribution.score_difference
    if attribution.absorbed is not None:
        return Verdict(
            "unknown",
            f"Of F(x) = {attribution.score:.2f} the pixels hold {attribution.sum:+.3g}; on the way down, biases and "
            f"stabilizers absorbed {sum(attribution.absorbed.values()):+.3g}.",
        )
    if error is None or difference is None:
        return Verdict("unknown", "These values are a heat map, not shares of the score; there is nothing to sum to.")
    if equals_baseline(attribution):
        return Verdict(
            "unknown", "The image equals its baseline, so every attribution is zero; choose another baseline."
        )
    if attribution.by_construction:
        return Verdict("unknown", "The sum equals F(x) − F(x′) by construction, so it says nothing of the map.")
    relative = attribution.relative_completeness_error
    if relative is None or abs(difference) < TOO_SMALL[attribution.settings.get("of", "probability")]:
        return Verdict(
            "unknown",
            f"The score hardly changes from baseline to image ({difference:+.2g}), too little to judge its shares; "
            "choose another class or baseline.",
        )
    if attribution.converged is not None:
        return _convergence_verdict(attribution, relative)
    if attribution.correction is not None:
        return _correction_verdict(attribution, difference)
    share = f"{max(relative, 0.001):.1%}"  # "within 0.0%" would claim more than is known
    if relative <= GOOD:
        return Verdict("good", f"Complete: the sum is within {share} of F(x) − F(x′).")
    if relative <= FAIR:
        way = _way(attribution, "More steps make it exact.")
        return Verdict("fair", f"Nearly complete: the sum is {share} off. {way}")
    way = _way(attribution, "Take more steps or a sharper integrator.")
    return Verdict("poor", f"Not complete: the sum is {share} off. {way}")


def _way(attribution: Attribution, integrated: str) -> str:
    """Say what makes a sum more exact: for an integrator as given, else more of what was drawn."""
    if "integrator" in attribution.settings:
        return integrated
    if "samples" in attribution.settings:
        return "More samples may bring it nearer."
    return "More steps may bring it nearer."


def _convergence_verdict(attribution: Attribution, relative: float) -> Verdict:
    """Judge the result of an integrator that chooses when to stop."""
    error, count = attribution.map_error or 0.0, attribution.gradient_count
    if attribution.converged:
        return Verdict("good", f"Converged: it stopped by itself, the map about {error:.1%} from the limit.")
    told = f"Not within its tolerances after {count} gradients: the map is about {error:.1%} from the limit"
    if relative > FAIR:  # not corrected, or a map of zeros, which nothing corrects
        return Verdict("poor", f"{told} and the sum {relative:.1%} off. Allow more gradients.")
    level: Level = "fair" if error <= FAIR_MAP else "poor"
    return Verdict(level, f"{told}. Allow more gradients or a larger map error.")


def _correction_verdict(attribution: Attribution, difference: float) -> Verdict:
    """Judge a fixed integrator's corrected map: its sum is exact by construction, so only the map's error counts."""
    share, error = abs(attribution.correction or 0.0) / abs(difference), attribution.map_error
    told = f"Corrected by {share:.1%} of F(x) − F(x′), so the sum is exact by construction and no evidence"
    if error is None:
        return Verdict("unknown", f"{told}.")
    level: Level = "good" if error <= GOOD_MAP else "fair" if error <= FAIR_MAP else "poor"
    return Verdict(level, f"{told}; the map is about {error:.1%} from the limit.")


def uncorrected_error(attribution: Attribution) -> tuple[float | None, float | None]:
    """Return what the sum was off before any correction: signed, and its size over |F(x) − F(x′)|."""
    if attribution.correction is None:
        return attribution.completeness_error, attribution.relative_completeness_error
    difference = attribution.score_difference
    return -attribution.correction, abs(attribution.correction / difference) if difference else None


def equals_baseline(attribution: Attribution) -> bool:
    """Whether the image is its own baseline, so that all attributions are zero."""
    return attribution.baseline is not None and np.array_equal(attribution.image, attribution.baseline)


def blind_pixels(attribution: Attribution, tolerance: float = 2 / 255) -> NDArray[np.bool_] | None:
    """Return which pixels lie so close to the baseline that their attribution must vanish: (H, W)."""
    if attribution.baseline is None:
        return None
    distance = np.abs(attribution.image - attribution.baseline).max(axis=-1)
    return np.asarray(distance <= tolerance)


def blind_share(attribution: Attribution, tolerance: float = 2 / 255) -> float | None:
    """Return the share of pixels that lie so close to the baseline that their attribution must vanish."""
    pixels = blind_pixels(attribution, tolerance)
    return None if pixels is None else float(pixels.mean())


def entropy(scores: NDArray[np.floating]) -> float:
    """Return the entropy of class probabilities (K,) in bits: 0 where the model is certain, log₂ K where it is not."""
    shares = np.asarray(scores, np.float64)
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())
