"""Checks: what the numbers beside a map say, in words that page and command line share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from igcore.results import Attribution

__all__ = ["GOOD", "Verdict", "blind_share", "completeness_verdict"]

Level = Literal["good", "fair", "poor", "unknown"]

#: Relative completeness errors up to which a sum is called good and fair.
GOOD, FAIR = 0.01, 0.05

#: Differences F(x) − F(x′) below which a relative error says nothing.
TOO_SMALL = {"probability": 0.01, "logit": 0.1}


@dataclass(frozen=True)
class Verdict:
    """A level to color by and one sentence."""

    level: Level
    text: str


def completeness_verdict(attribution: Attribution) -> Verdict:
    """Judge how far the attributions sum to F(x) − F(x′)."""
    error, difference = attribution.completeness_error, attribution.score_difference
    if error is None or difference is None:
        return Verdict("unknown", "These values are a heat map, not shares of the score; there is nothing to sum to.")
    if attribution.baseline is not None and np.array_equal(attribution.image, attribution.baseline):
        return Verdict(
            "unknown", "The image equals its baseline, so every attribution is zero; choose another baseline."
        )
    relative = attribution.relative_completeness_error
    if relative is None or abs(difference) < TOO_SMALL[attribution.settings.get("of", "probability")]:
        return Verdict(
            "unknown",
            f"The score hardly changes from baseline to image ({difference:+.2g}), too little to judge the sum; "
            "choose another class or baseline.",
        )
    share = f"{max(relative, 0.001):.1%}"  # "within 0.0%" would claim more than is known
    if relative <= GOOD:
        return Verdict("good", f"Complete: the sum is within {share} of F(x) − F(x′).")
    if relative <= FAIR:
        return Verdict("fair", f"Nearly complete: the sum is {share} off. More steps make it exact.")
    return Verdict("poor", f"Not complete: the sum is {share} off. Take more steps or a sharper integrator.")


def blind_share(attribution: Attribution, tolerance: float = 2 / 255) -> float | None:
    """Return the share of pixels that lie so close to the baseline that their attribution must vanish."""
    if attribution.baseline is None:
        return None
    distance = np.abs(attribution.image - attribution.baseline).max(axis=-1)
    return float((distance <= tolerance).mean())
