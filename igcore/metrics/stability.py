"""Max-sensitivity: how much a map changes when the photo changes by what no eye sees.

References
----------
Yeh, Hsieh, Suggala, Inouye, Ravikumar, On the (In)fidelity and Sensitivity of Explanations, 2019.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.metrics.base import Again, Case, Measured, MetricSettings, MetricSpec
from igcore.registry import parameter
from igcore.speed import Cost

__all__ = ["SPECS", "MaxSensitivity"]


@dataclass(frozen=True)
class MaxSensitivity(MetricSettings):
    """Settings of max-sensitivity.

    Parameters
    ----------
    samples : int
        Disturbed images; each takes one explanation.
    radius : float
        The largest change of a value, of [0, 1].

    Raises
    ------
    InputError
        Where a setting cannot be used.

    Notes
    -----
    max over random δ with |δᵢ| ≤ radius of ‖A(x + δ) − A(x)‖₂ / ‖A(x)‖₂, x + δ cut to [0, 1]. The maximum over a few
    samples is a lower bound, and grows with them; its error is the jackknife's.

    References
    ----------
    Yeh et al. 2019, definition 3.1, over the map's own size, estimated by sampling as there.
    """

    key: ClassVar[str] = "max-sensitivity"
    samples: int = parameter(5, label="Disturbed images", low=2, high=100, step=1, help="Each takes an explanation.")
    radius: float = parameter(
        0.02, label="Radius", low=0.001, high=0.2, step=0.001, help="The largest change of a pixel's value, of 0 … 1."
    )

    def each(self, size: tuple[int, int], explanation: Cost) -> Cost:  # noqa: ARG002
        """Return what a map takes: an explanation for each disturbed image."""
        counted = {name: getattr(explanation, name) * self.samples for name in ("forwards", "gradients", "passes")}
        return replace(explanation, **counted, seconds=explanation.seconds * self.samples)

    def measure(self, case: Case, prepared: None, values: NDArray[np.floating], again: Again) -> Measured:  # noqa: ARG002
        """Explain each disturbed image, and return the largest relative change of the map."""
        image, size = case.task.image, np.linalg.norm(np.asarray(values, np.float64))
        generator = np.random.default_rng(case.task.seed)
        changes = np.empty(self.samples)
        for place in range(self.samples):
            noise = generator.uniform(-self.radius, self.radius, image.shape)
            disturbed = np.clip(image + noise, 0, 1).astype(np.float32)
            change = np.linalg.norm(np.asarray(again(disturbed), np.float64) - values)
            changes[place] = change / size if size else np.nan
        if self.samples < 3:
            return Measured(float(changes.max()), float(np.ptp(changes)))
        error = float((self.samples - 1) / self.samples * np.diff(np.sort(changes)[-2:])[0])
        return Measured(float(changes.max()), error)


SPECS = (
    MetricSpec(
        "max-sensitivity",
        "Max-sensitivity",
        "Explains the photo again under noise that nobody sees, and notes the largest change of the map over its "
        "size. A map may be stable for a bad reason: one that ignores the network is the most stable of all.",
        r"\max_{\|\delta\|_\infty \le r} \frac{\|A(x + \delta) - A(x)\|_2}{\|A(x)\|_2}",
        False,
        MaxSensitivity,
        "Yeh et al. 2019, definition 3.1, over the map's size",
        controlled=False,
    ),
)
