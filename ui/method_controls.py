"""Controls for the method: what the image is compared with, and how the path is integrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import streamlit as st

from igcore.baselines import BASELINES, Baseline, GivenImage
from igcore.integrators import FIXED, INTEGRATORS
from igcore.methods import IntegratedGradients
from igcore.models import Of
from igcore.registry import parameters
from ui import state
from ui.controls import choose_other_picture
from ui.language import _
from ui.widgets import from_parameter, segments, select, toggle

__all__ = [
    "INTEGRATOR",
    "STEPS",
    "Integration",
    "choose_baseline",
    "choose_integration",
    "choose_integrator",
    "choose_of",
    "choose_steps",
]

STEPS = (10, 1000)

#: The integrator of a first visit: it needed a fifth of the gradients of the tutorial's rule (bench.integrators).
INTEGRATOR = "adaptive"


@dataclass(frozen=True)
class Integration:
    """Everything of the method but its baseline."""

    integrator: str
    of: Of
    settings: tuple[tuple[str, Any], ...]

    def method(self, baseline: Baseline) -> IntegratedGradients:
        """Complete the method with a baseline.

        Raises
        ------
        InputError
            Where the settings do not go together.
        """
        return IntegratedGradients(baseline, self.integrator, of=self.of, **dict(self.settings))


def choose_integration() -> Integration:
    """Offer integrator, what that one reads, and the score."""
    integrator, settings = choose_integrator()
    return Integration(integrator, choose_of(), tuple(settings.items()))


def choose_of() -> Of:
    """Offer the score that is explained."""
    names = {"probability": _("Probability"), "logit": _("Logit")}
    help = _("The probability of the class, or its logit before the softmax.")
    return cast(Of, segments(_("Score"), "of", names, "probability", help))


def choose_integrator() -> tuple[str, dict[str, Any]]:
    """Offer the integrator and what that one reads."""
    integrator = select(
        _("Integrator"),
        "integrator",
        list(INTEGRATORS),
        INTEGRATOR,
        lambda one: _(INTEGRATORS[one].label),
        _("Where on the path gradients are taken, and how they are weighed."),
    )
    st.caption(_(INTEGRATORS[integrator].description))
    settings: dict[str, Any] = {}
    if integrator in FIXED:
        settings["steps"] = choose_steps()
        settings["correct"] = toggle(
            _("Correct the sum"),
            "correct",
            default=False,
            help=_(
                "Spreads what the sum is off over all pixels, in proportion to their attribution. "
                "The map is then complete by construction, and its completeness is no evidence."
            ),
        )
    else:
        known = parameters(IntegratedGradients)
        settings |= {name: from_parameter(name, known[name]) for name in ("map_tolerance", "max_gradients")}
    return integrator, settings


def choose_steps() -> int:
    """Offer the number of steps."""
    low, high = STEPS
    state.seed("steps", 50, state.within(int, low, high))
    steps = st.slider(
        _("Steps"),
        low,
        high,
        st.session_state["steps"],
        step=10,
        key="steps",
        help=_("How finely the path is cut; each step costs about one gradient."),
    )
    state.remember("steps", steps)
    return steps


def choose_baseline(size: tuple[int, int], fit: str) -> Baseline:
    """Offer one baseline with its parameters."""
    kind = select(
        _("Baseline"),
        "baseline",
        list(BASELINES),
        "black",
        lambda one: _(BASELINES[one].label),
        _("Compared with what?"),
    )
    st.caption(_(BASELINES[kind].description))
    if kind == GivenImage.key:
        return GivenImage(choose_other_picture("other", _("Compared with"), "cat").at(size, fit))
    settings = BASELINES[kind].settings
    return settings(**{name: from_parameter(f"{kind}-{name}", known) for name, known in parameters(settings).items()})
