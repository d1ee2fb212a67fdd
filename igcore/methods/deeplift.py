"""DeepLIFT, by the Rescale and the RevealCancel rule, and DeepSHAP.

Every neuron is compared with what it gives for a reference, the baseline. A multiplier says how much of the class's
difference a unit of a neuron's difference makes; multipliers go back through the network like gradients.

References
----------
Shrikumar, Greenside, Kundaje, Learning Important Features Through Propagating Activation Differences, 2017.
Lundberg, Lee, A Unified Approach to Interpreting Model Predictions, 2017, section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import Baseline, as_baseline
from igcore.methods.base import MethodSpec, Settings, Sums, Task, as_baselines
from igcore.models.base import Of
from igcore.results import Attribution
from igcore.speed import Cost

__all__ = ["SPECS", "DeepLiftRescale", "DeepLiftRevealCancel", "DeepShap"]

Array = NDArray[np.floating]

#: Differences from which on a quotient of differences is taken; below, the gradient.
SMALL = 1e-7


class _Compared:
    """What each node gives for the image and for the reference, and how multipliers go back through it.

    Multipliers come in pairs, stacked on a leading axis: one for the positive and one for the negative part of a
    node's difference. They differ only between a linear layer and a ReLU after it.
    """

    def __init__(self, graph: Any, image: Array, reference: Array) -> None:
        outputs = graph.activations(np.stack([image, reference]))
        self.graph = graph
        self.of_image = [output[:1] for output in outputs]
        self.of_reference = [output[1:] for output in outputs]

    def difference(self, position: int) -> Array:
        """Return Δ = image − reference of a node's output."""
        return self.of_image[position] - self.of_reference[position]

    def linear(self, node: Any, pair: Array) -> tuple[Array, ...]:
        """Go back through a linear layer: contributions to a positive part count with its multiplier."""
        factors = node.spread(pair[0], pair[1], *(self.difference(index) for index in node.inputs))
        return tuple(np.stack([factor, factor]) for factor in factors)

    def rescale(self, node: Any, pair: Array) -> tuple[Array, ...]:
        """Go back through a ReLU or ReLU6 by Δout / Δin, or by the gradient where Δin is small."""
        (source,) = node.inputs
        x, reference = self.of_image[source], self.of_reference[source]
        ratio = _ratio(node.forward(x) - node.forward(reference), x - reference, node.slope(x))
        return (pair * ratio,)

    def reveal_cancel(self, node: Any, pair: Array) -> tuple[Array, ...]:
        """Go back through a ReLU or ReLU6 by Δy⁺ / Δz⁺ and Δy⁻ / Δz⁻, the parts' effects averaged over both orders."""
        (source,) = node.inputs
        z = self.of_reference[source]
        up, down = self._parts(source)
        f = node.forward
        both = f(z + up + down)
        above = (f(z + up) - f(z) + both - f(z + down)) / 2
        below = (f(z + down) - f(z) + both - f(z + up)) / 2
        slope = node.slope(self.of_image[source])
        return (np.stack([pair[0] * _ratio(above, up, slope), pair[1] * _ratio(below, down, slope)]),)

    def _parts(self, position: int) -> tuple[Array, Array]:
        """Return a node's difference as the sum of its positive and of its negative contributions."""
        from igcore.models.layers import Rearrangement
        from igcore.models.linear_layers import Linear

        node = self.graph.nodes[position]
        if isinstance(node, Rearrangement):
            up, down = map(node.forward, self._parts(node.inputs[0]))
            return up, down
        if isinstance(node, Linear):
            up, down = node.split(*(self.difference(index) for index in node.inputs))
            return up, down
        difference = self.difference(position)
        return np.maximum(difference, 0), np.minimum(difference, 0)

    def largest(self, node: Any, pair: Array) -> tuple[Array, ...]:
        """Go back through max pooling: the difference is due to where the larger of the two maxima stood."""
        (source,) = node.inputs
        x, reference = self.of_image[source], self.of_reference[source]
        change = node.forward(x) - node.forward(reference)
        credit = change * np.where(change > 0, pair[0], pair[1])
        (at_image,) = node.backward(np.where(change >= 0, credit, 0), x)
        (at_reference,) = node.backward(np.where(change < 0, credit, 0), reference)
        multiplier = _ratio(at_image + at_reference, x - reference, np.float32(0))
        return (np.stack([multiplier, multiplier]),)

    def rearranged(self, node: Any, pair: Array) -> tuple[Array, ...]:
        """Go back through what only moves values."""
        inputs = [self.of_image[index] for index in node.inputs]
        return tuple(map(np.stack, zip(*(node.backward(part, *inputs) for part in pair), strict=True)))


def _ratio(change: Array, of: Array, otherwise: Array) -> Array:
    """Return a quotient of differences, or `otherwise` where the divisor is small."""
    small = np.abs(of) < SMALL
    return np.where(small, otherwise, change / np.where(small, 1, of))


def contributions(graph: Any, image: Array, reference: Array, target: int, reveals: bool) -> tuple[Array, float, float]:
    """Return DeepLIFT's contributions of one image against one reference.

    Parameters
    ----------
    graph : Graph
    image, reference : (H, W, 3) float32 in [0, 1]
    target : int
    reveals : bool
        Whether ReLUs go by RevealCancel rather than Rescale.

    Returns
    -------
    values : (H, W, 3) float
        They sum to the difference of the logits.
    logit, reference_logit : float
    """
    from igcore.models.layers import MaxPool, Rectifier
    from igcore.models.linear_layers import Linear

    seen = _Compared(graph, image, reference)
    start = np.zeros((2, *seen.of_image[-1].shape), np.float32)
    start[:, 0, target] = 1
    ways: tuple[tuple[type, Callable[[Any, Array], tuple[Array, ...]]], ...] = (
        (Linear, seen.linear),
        (Rectifier, seen.reveal_cancel if reveals else seen.rescale),
        (MaxPool, seen.largest),
    )

    def step(_: int, node: Any, pair: Array) -> tuple[Array, ...]:
        return next((way for kind, way in ways if isinstance(node, kind)), seen.rearranged)(node, pair)

    multiplier = graph.back(start, step)[0][0, 0]
    logit, reference_logit = (float(output[-1][0, target]) for output in (seen.of_image, seen.of_reference))
    return multiplier * seen.difference(0)[0], logit, reference_logit


@dataclass(frozen=True)
class DeepLiftRescale(Settings):
    """Settings of DeepLIFT with the Rescale rule: through a ReLU by Δout / Δin.

    Parameters
    ----------
    baseline : str, baseline settings or (H, W, 3) array
        The reference.

    References
    ----------
    Shrikumar, Greenside, Kundaje 2017, section 3.5.2.
    """

    key: ClassVar[str] = "deeplift-rescale"
    sums: ClassVar[Sums] = "construction"
    only_of: ClassVar[Of | None] = "logit"
    reveals: ClassVar[bool] = False
    baseline: str | Baseline | NDArray[np.float32] = "black"

    def cost(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what an explanation takes."""
        return Cost(forwards=2, passes=4)

    def attribute(self, task: Task) -> Attribution:
        """Compute the contributions, which sum to the difference of the logits."""
        task.check()
        reference = as_baseline(self.baseline).make(task.image, task.seed)
        values, logit, other = contributions(task.model.graph, task.image, reference, task.target, self.reveals)
        task.tell(1, 1)
        return task.result(self, values, logit, baseline=reference, baseline_score=other, forward_count=2)


@dataclass(frozen=True)
class DeepLiftRevealCancel(DeepLiftRescale):
    """Settings of DeepLIFT with the RevealCancel rule: positive and negative parts go through a ReLU apart.

    Parameters
    ----------
    baseline : str, baseline settings or (H, W, 3) array

    References
    ----------
    Shrikumar, Greenside, Kundaje 2017, section 3.5.3.
    """

    key: ClassVar[str] = "deeplift-reveal-cancel"
    reveals: ClassVar[bool] = True


@dataclass(frozen=True)
class DeepShap(Settings):
    """Settings of DeepSHAP: the mean of DeepLIFT (Rescale) over a set of baselines.

    Parameters
    ----------
    baselines : sequence of str, baseline settings or (H, W, 3) arrays

    References
    ----------
    Lundberg, Lee 2017, section 4.2.
    """

    key: ClassVar[str] = "deep-shap"
    sums: ClassVar[Sums] = "construction"
    only_of: ClassVar[Of | None] = "logit"
    baselines: tuple[str | Baseline, ...] = ("black", "white", "blur", "uniform-noise")

    def cost(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what an explanation takes."""
        return Cost(forwards=2 * len(self.baselines), passes=4 * len(self.baselines))

    def attribute(self, task: Task) -> Attribution:
        """Compute the mean contributions, which sum to F(x) − mean F(x′) of the logits."""
        count = len(self.baselines)
        total, others, logit = np.zeros(task.image.shape), 0.0, 0.0
        for done, baseline in enumerate(as_baselines(self.baselines), start=1):
            task.check()
            reference = baseline.make(task.image, task.seed)
            values, logit, other = contributions(task.model.graph, task.image, reference, task.target, reveals=False)
            total += values / count
            others += other / count
            task.tell(done, count)
        return task.result(self, total, logit, baseline_score=others, forward_count=2 * count)


_SHRIKUMAR = "Shrikumar, Greenside, Kundaje 2017"

SPECS = (
    MethodSpec(
        "deeplift-rescale",
        "DeepLIFT (Rescale)",
        "Compares every neuron with what it gives for the baseline and hands the class's difference back in "
        "proportion. It needs one pass where Integrated Gradients needs many, but two networks with the same function "
        "can get different maps.",
        r"m_{\Delta x \Delta y} = \frac{\Delta y}{\Delta x}, \\ A_i = m_i \, (x_i - x'_i)",
        DeepLiftRescale,
        "layers",
        f"{_SHRIKUMAR}, section 3.5.2",
    ),
    MethodSpec(
        "deeplift-reveal-cancel",
        "DeepLIFT (RevealCancel)",
        "DeepLIFT that lets what raises and what lowers a neuron go through it apart, so that effects which cancel are "
        "still seen. Each part's effect is the mean over both orders, a small Shapley value in every neuron.",
        r"\Delta y^+ = \tfrac12 [f(z_0 + \Delta z^+) - f(z_0) \\ \; {} + f(z_0 + \Delta z) - f(z_0 + \Delta z^-)], "
        r"\\ \Delta z = \Delta z^+ + \Delta z^-",
        DeepLiftRevealCancel,
        "layers",
        f"{_SHRIKUMAR}, section 3.5.3",
    ),
    MethodSpec(
        "deep-shap",
        "DeepSHAP",
        "DeepLIFT averaged over several baselines, so that no single one decides what counts as absent. It approaches "
        "Shapley values only as far as the network is nearly linear between them.",
        r"A_i = \frac1B \sum_b m_i^{(b)} \, (x_i - x_i'^{(b)})",
        DeepShap,
        "layers",
        "Lundberg, Lee 2017, section 4.2",
    ),
)
