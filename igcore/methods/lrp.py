"""Layer-wise relevance propagation and deep Taylor decomposition.

Relevance starts at the class's logit and is handed down layer by layer: each output of a layer gives its relevance to
the inputs in proportion to their contributions. A rule says in which proportion.

References
----------
Bach, Binder, Montavon, Klauschen, Müller, Samek, On Pixel-Wise Explanations for Non-Linear Classifier Decisions by
Layer-Wise Relevance Propagation, 2015.
Montavon, Lapuschkin, Binder, Samek, Müller, Explaining NonLinear Classification Decisions with Deep Taylor
Decomposition, 2017.
Montavon, Binder, Lapuschkin, Samek, Müller, Layer-Wise Relevance Propagation: An Overview, 2019.
Andéol, Kawakami, Wada, Kanamori, Müller, Montavon, Learning Domain Invariant Representations by Joint Wasserstein
Distance Minimization, 2021, appendix, for LRP-γ where activations have both signs.
Kohlbrenner, Bauer, Nakajima, Binder, Samek, Lapuschkin, Towards Best Practice in Explaining Neural Network Decisions
with LRP, 2020, for the composite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from igcore.errors import InputError
from igcore.methods.base import MethodSpec, Settings, Sums, Task
from igcore.models.base import Of
from igcore.registry import parameter
from igcore.relevance import Rule, alpha_beta_rule, epsilon_rule, gamma_rule, positive_rule, within_bounds
from igcore.results import Attribution
from igcore.speed import Cost

__all__ = ["SPECS", "DeepTaylor", "LrpAlphaBeta", "LrpComposite", "LrpEpsilon", "LrpGamma"]

Array = NDArray[np.floating]


class _Relevance(Settings):
    """What all these methods share: the way down, and the balance of each layer."""

    key: ClassVar[str]
    sums: ClassVar[Sums] = "relevance"
    only_of: ClassVar[Of | None] = "logit"

    def rule(self, node: Any) -> Rule:
        """Return the rule for a layer of the graph."""
        raise NotImplementedError

    #: Whether the first layer goes by the bounds of the image, the zᴮ rule.
    bounded: ClassVar[bool] = False

    def cost(self, size: tuple[int, int]) -> Cost:  # noqa: ARG002
        """Return what an explanation takes."""
        return Cost(forwards=3 if self.bounded else 1, passes=4)

    def begin(self, logit: float, label: str) -> float:  # noqa: ARG002
        """Return the relevance that the class's logit starts with."""
        return logit

    def attribute(self, task: Task) -> Attribution:
        """Hand the logit's relevance down to the pixels."""
        from igcore.models.linear_layers import Linear

        graph = task.model.graph
        outputs = graph.activations(task.image[None])
        logit = float(outputs[-1][0, task.target])
        start = np.zeros_like(outputs[-1])
        start[0, task.target] = self.begin(logit, task.model.spec.label(task.target))
        bounds = [graph.activations(np.full_like(task.image, level)[None]) for level in (0, 1)] if self.bounded else []
        absorbed: dict[str, float] = {}
        done = 0

        def step(position: int, node: Any, relevance: Array) -> tuple[Array, ...]:
            nonlocal done
            task.check()
            inputs = [outputs[index] for index in node.inputs]
            if not isinstance(node, Linear):
                parts = _handed_through(node, relevance, inputs)
            elif bounds and position in graph.at_image:
                parts = (within_bounds(node, relevance, inputs[0], *(of[node.inputs[0]] for of in bounds)),)
            else:
                positive, negative = node.split(*inputs)
                factors = node.spread(*self.rule(node)(positive, negative, node.bias, relevance), *inputs)
                parts = tuple(x * factor for x, factor in zip(inputs, factors, strict=True))
            if isinstance(node, Linear):
                kept = _total(relevance) - sum(map(_total, parts))
                absorbed[node.name] = absorbed.get(node.name, 0.0) + kept  # a layer may stand in several places
            done += 1
            task.tell(done, len(graph.nodes) - 1)
            return parts

        values = graph.back(start, step)[0][0]
        return task.result(self, values, logit, absorbed=absorbed, forward_count=1 + len(bounds))


def _handed_through(node: Any, relevance: Array, inputs: list[Array]) -> tuple[Array, ...]:
    """Return what a layer without weights hands down: all that it got.

    A ReLU and a ReLU6 have one input for each output, which gets all of its relevance, also where the ReLU6 is at its
    ceiling: min(max(z, 0), 6) = max(z, 0) − max(z − 6, 0), and both parts hand theirs to the same z.
    """
    from igcore.models.layers import Rectifier

    return (relevance,) if isinstance(node, Rectifier) else tuple(node.backward(relevance, *inputs))


def _total(relevance: Array) -> float:
    return float(relevance.sum(dtype=np.float64))


@dataclass(frozen=True)
class LrpEpsilon(_Relevance):
    """Settings of LRP-ε: Rᵢ = Σⱼ xᵢwᵢⱼ Rⱼ / (zⱼ + ε sgn zⱼ).

    Parameters
    ----------
    epsilon : float
        Keeps the quotient in bounds where zⱼ is small, and absorbs relevance for it.

    References
    ----------
    Bach et al. 2015, equation 58.
    """

    key: ClassVar[str] = "lrp-epsilon"
    epsilon: float = parameter(
        0.01, label="ε", low=1e-9, high=10.0, choices=(1e-6, 1e-4, 0.001, 0.01, 0.1, 0.25, 1.0),
        help="Keeps quotients in bounds where contributions cancel; a larger one absorbs more and is less noisy.",
    )  # fmt: skip

    def rule(self, node: Any) -> Rule:  # noqa: ARG002
        """Return the same rule for every layer."""
        return epsilon_rule(self.epsilon)


@dataclass(frozen=True)
class LrpAlphaBeta(_Relevance):
    """Settings of LRP-αβ: positive and negative contributions apart, α times the one and −β times the other.

    Parameters
    ----------
    alpha : float
        From 1; β = α − 1.

    References
    ----------
    Bach et al. 2015, equation 60.
    """

    key: ClassVar[str] = "lrp-alpha-beta"
    alpha: float = parameter(
        2.0, label="α", low=1.0, high=10.0, choices=(1.0, 1.5, 2.0, 3.0),
        help="Weight of what speaks for the class; β = α − 1 is the weight of what speaks against it.",
    )  # fmt: skip

    def rule(self, node: Any) -> Rule:  # noqa: ARG002
        """Return the same rule for every layer."""
        return alpha_beta_rule(self.alpha)


@dataclass(frozen=True)
class LrpGamma(_Relevance):
    """Settings of LRP-γ: contributions of the output's own sign count 1 + γ times.

    Parameters
    ----------
    gamma : float

    References
    ----------
    Montavon et al. 2019, section 10.2.1; Andéol et al. 2021, appendix, for activations of both signs.
    """

    key: ClassVar[str] = "lrp-gamma"
    gamma: float = parameter(
        0.25, label="γ", low=0.0, high=100.0, choices=(0.0, 0.1, 0.25, 0.5, 1.0, 2.0),
        help="How much more the contributions of the winning sign count.",
    )  # fmt: skip

    def rule(self, node: Any) -> Rule:  # noqa: ARG002
        """Return the same rule for every layer."""
        return gamma_rule(self.gamma)


@dataclass(frozen=True)
class LrpComposite(_Relevance):
    """Settings of LRP with a rule for each depth: ε in dense layers, γ in convolutions, zᴮ at the image.

    Parameters
    ----------
    epsilon, gamma : float

    References
    ----------
    Kohlbrenner et al. 2020; Montavon et al. 2019, section 10.3.
    """

    key: ClassVar[str] = "lrp-composite"
    bounded: ClassVar[bool] = True
    epsilon: float = parameter(
        0.01, label="ε of dense layers", low=1e-9, high=10.0, choices=(1e-6, 1e-4, 0.001, 0.01, 0.1, 0.25, 1.0),
        help="See LRP-ε.",
    )  # fmt: skip
    gamma: float = parameter(
        0.25, label="γ of convolutions", low=0.0, high=100.0, choices=(0.0, 0.1, 0.25, 0.5, 1.0, 2.0),
        help="See LRP-γ.",
    )  # fmt: skip

    def rule(self, node: Any) -> Rule:
        """Return the rule for a layer."""
        from igcore.models.linear_layers import Convolution, Depthwise

        return gamma_rule(self.gamma) if isinstance(node, (Convolution, Depthwise)) else epsilon_rule(self.epsilon)


@dataclass(frozen=True)
class DeepTaylor(_Relevance):
    """Settings of deep Taylor decomposition: the z⁺ rule in every layer and zᴮ at the image.

    References
    ----------
    Montavon et al. 2017, equations 15 and 17.
    """

    key: ClassVar[str] = "deep-taylor"
    bounded: ClassVar[bool] = True

    def rule(self, node: Any) -> Rule:  # noqa: ARG002
        """Return the same rule for every layer."""
        return positive_rule

    def begin(self, logit: float, label: str) -> float:
        """Return the logit, which must be positive: the decomposition is one of what a ReLU lets through."""
        if logit <= 0:
            raise InputError(
                f"the logit of {label} is {logit:.2f}; deep Taylor decomposition explains positive logits only, choose "
                "a class that the network sees"
            )
        return logit


_BACH = "Bach, Binder, Montavon, Klauschen, Müller, Samek 2015"

SPECS = (
    MethodSpec(
        "lrp-epsilon",
        "LRP-ε",
        "The class's logit is handed back layer by layer, to each input in proportion to what it contributed. Where "
        "contributions nearly cancel, small differences get large shares of both signs, so deep networks look noisy.",
        r"R_i = \sum_j \frac{x_i w_{ij}}{z_j + \varepsilon \, \mathrm{sgn}\, z_j} R_j",
        LrpEpsilon,
        "layers",
        f"{_BACH}, equation 58",
    ),
    MethodSpec(
        "lrp-alpha-beta",
        "LRP-αβ",
        "Handed back as in LRP, but what speaks for and what speaks against is kept apart, so that nothing cancels. "
        "α says how much more the one counts than the other, and the picture depends on it.",
        r"R_i = \sum_j \Big( \alpha \frac{(x_i w_{ij})^+}{z_j^+} - \beta \frac{(x_i w_{ij})^-}{z_j^-} \Big) R_j, "
        r"\\ \alpha - \beta = 1",
        LrpAlphaBeta,
        "layers",
        f"{_BACH}, equation 60",
    ),
    MethodSpec(
        "lrp-gamma",
        "LRP-γ",
        "Handed back as in LRP, with what agrees with a neuron's own sign counted a little more, which is less noisy. "
        "The larger γ is, the less you see of what speaks against the class.",
        r"R_i = \sum_j \frac{x_i w_{ij} + \gamma (x_i w_{ij})^+}{z_j + \gamma z_j^+} R_j",
        LrpGamma,
        "layers",
        "Montavon, Binder, Lapuschkin, Samek, Müller 2019, section 10.2.1",
    ),
    MethodSpec(
        "lrp-composite",
        "LRP, composite",
        "LRP with the rule that suits each depth: ε in the last layers, γ in the convolutions, and at the image one "
        "that knows that pixels lie between black and white. It shows clear shapes; edges count much for any class.",
        r"R_i = \sum_j \frac{c_{ij}}{\sum_k c_{kj}} R_j \; \text{at the image,} \\ "
        r"c_{ij} = x_i w_{ij} - l_i w_{ij}^+ - h_i w_{ij}^-",
        LrpComposite,
        "layers",
        "Kohlbrenner, Bauer, Nakajima, Binder, Samek, Lapuschkin 2020; Montavon et al. 2019, section 10.3",
    ),
    MethodSpec(
        "deep-taylor",
        "Deep Taylor",
        "Each neuron's output is explained by the inputs that raised it, layer after layer down to the image. It sees "
        "nothing that speaks against the class, and often looks alike for different classes.",
        r"R_i = \sum_j \frac{(x_i w_{ij})^+}{\sum_k (x_k w_{kj})^+} R_j",
        DeepTaylor,
        "layers",
        "Montavon, Lapuschkin, Binder, Samek, Müller 2017, equations 15 and 17",
    ),
)
