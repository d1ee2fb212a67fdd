"""Settings in words: of a method, its baselines and its integrator, by the labels of the registries."""

from __future__ import annotations

from typing import Any

from igcore.baselines import BASELINES, GivenImage
from igcore.images import Fit
from igcore.integrators import INTEGRATORS
from igcore.methods import METHODS
from igcore.recipe import printable
from igcore.registry import Parameter, parameters
from igcore.report.words import Words
from igcore.results import Attribution

__all__ = ["settings_in_words"]


def settings_in_words(result: Attribution, fit: Fit, words: Words) -> list[tuple[str, str]]:
    """Return name and value of all that a map depends on, beside image and model."""
    _ = words.translate
    spec = METHODS.get(result.method)
    known = parameters(spec.settings) if spec else {}
    names = {
        **{"baseline": _("Baseline"), "baselines": _("Baselines"), "integrator": _("Integrator")},
        **{"of": _("Explained score"), "correct": _("Sum corrected"), "seed": _("Seed")},
    }
    rows = [
        (_("Class"), f"{printable(result.label)} ({result.target})"),
        (_("Method"), _(spec.label) if spec else result.method),
    ]
    for name, value in result.settings.items():
        label = names.get(name) or (_(known[name].label) if name in known else name)
        rows.append((label, _value(name, value, known.get(name), words)))
    fits = {"crop": _("cut to fit"), "pad": _("with bars"), "stretch": _("stretched")}
    return [*rows, (_("Image brought to size"), fits[fit])]


def _value(name: str, value: Any, known: Parameter | None, words: Words) -> str:
    _ = words.translate
    if isinstance(value, list):
        return "; ".join(_value(name, one, known, words) for one in value)
    if isinstance(value, dict):
        return _baseline(value, words)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "integrator" and value in INTEGRATORS:
        return _(INTEGRATORS[value].label)
    if name == "of":
        return {"probability": _("probability"), "logit": _("logit")}.get(value, str(value))
    unit = f" {_(known.unit)}" if known is not None and known.unit else ""
    return printable(f"{value}{unit}") if value not in (None, "") else "–"


def _baseline(told: dict[str, Any], words: Words) -> str:
    """Say a baseline and its parameters."""
    _ = words.translate
    spec = BASELINES[told["key"]]
    if spec.key == GivenImage.key:
        return f"{_(spec.label)} (SHA-256 {told['sha256']})"
    known = parameters(spec.settings)
    values = [(known[name], value) for name, value in told.items() if name in known and value is not None]
    said = ", ".join(
        f"{_(one.label)} {printable(str(value))} {_(one.unit) if one.unit else ''}".strip() for one, value in values
    )
    return f"{_(spec.label)} ({said})" if said else _(spec.label)
