"""What a report says of attributions: numbers, settings, warnings and pictures, ready to be laid out."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from igcore.checks import BLIND, Level, blind_share, completeness_verdict, uncorrected_error
from igcore.errors import InputError
from igcore.heatmaps import Drawing, full_scale, heat_map, mask_picture, overlay_picture
from igcore.images import png_bytes
from igcore.methods import METHODS
from igcore.models import ModelSpec
from igcore.recipe import Origin, has_recipe, make_recipe, printable
from igcore.report.settings import settings_in_words
from igcore.report.words import Words
from igcore.results import Attribution

__all__ = ["Number", "Part", "Seen", "Subject", "numbers", "picture", "seen_of"]


@dataclass(frozen=True, eq=False)
class Part:
    """One attribution of a report, or why it is not there.

    Attributes
    ----------
    attribution : Attribution or None
    name : str
        In a comparison; by itself the method's.
    error : str or None
        Of one that failed, as the engine says it.
    rules : tuple of str
        The integrators that shared its nodes; see `igcore.recipe.make_recipe`.
    """

    attribution: Attribution | None
    name: str = ""
    error: str | None = None
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Subject:
    """What all attributions of a report have in common, and how they are drawn; see `igcore.report.report_html`."""

    origin: Origin
    spec: ModelSpec
    scores: NDArray[np.floating]
    drawing: Drawing
    shared: bool = False

    def limit(self, attributions: Sequence[Attribution]) -> float | None:
        """Return the size that is drawn at full color, where all maps share it."""
        if not self.shared:
            return None
        heats = [heat_map(one.values, self.drawing.sign).ravel() for one in attributions]
        return full_scale(np.concatenate(heats), self.drawing.clip)


@dataclass(frozen=True)
class Number:
    """A number: what it is, how it is read, its exact value, and what it means."""

    label: str
    text: str
    value: str
    meaning: str


@dataclass(frozen=True, eq=False)
class Seen:
    """A finished attribution as a report shows it.

    Attributes
    ----------
    name, method : str
    result : Attribution
    level, verdict : str
    map, overlay, baseline : str
        Pictures as addresses that hold them; the baseline's empty where there is none.
    numbers : list of Number
    settings : list of (name, value)
    warnings : list of str
    command : str
        Empty where no single run gives this map.
    """

    name: str
    method: str
    result: Attribution
    level: Level
    verdict: str
    map: str
    overlay: str
    baseline: str
    numbers: list[Number]
    settings: list[tuple[str, str]]
    warnings: list[str]
    command: str


def seen_of(part: Part, result: Attribution, subject: Subject, words: Words, limit: float | None) -> Seen:
    """Prepare one finished attribution; `limit` is as in `igcore.heatmaps.mask_picture`."""
    if result.model != subject.spec.key:
        raise InputError(f"the report is of model {subject.spec.key}, and one map is of {result.model}; leave it out")
    _ = words.translate
    method = _(METHODS[result.method].label) if result.method in METHODS else result.method
    verdict = completeness_verdict(result)
    values, drawing = result.values, subject.drawing
    return Seen(
        name=printable(part.name) or method,
        method=method,
        result=result,
        level=verdict.level,
        verdict=words.line(verdict.text),
        map=picture(mask_picture(values, drawing, limit)),
        overlay=picture(overlay_picture(values, result.image, drawing, limit)),
        baseline="" if result.baseline is None else picture(result.baseline),
        numbers=numbers(result, words),
        settings=settings_in_words(result, subject.origin.fit, words),
        warnings=_warnings(result, subject, words),
        command=_command(part, result, subject),
    )


def picture(array: NDArray[np.floating]) -> str:
    """Return an address that holds a picture itself."""
    return f"data:image/png;base64,{base64.b64encode(png_bytes(array)).decode()}"


def numbers(result: Attribution, words: Words) -> list[Number]:
    """Return what was measured, the same numbers in the same order for every attribution."""
    _ = words.translate
    corrected = result.correction is not None
    error, relative = uncorrected_error(result)
    before = " " + _("Before the correction.") if corrected else ""
    return [
        _number("F(x)", result.score, ".4f", _("The class's score for the image.")),
        _number("F(x′)", result.baseline_score, ".4f", _("The class's score for the baseline.")),
        _number(_("Sum Σ"), result.sum, ".4f", _("Attributions summed over all pixels and channels.")),
        _number(
            _("Was off") if corrected else _("Error"), error, "+.4f", _("Σ attributions − (F(x) − F(x′)).") + before
        ),
        _number(_("Relative"), relative, ".1%", _("The error's size over |F(x) − F(x′)|.") + before),
        _number(_("Map error ≈"), result.map_error, ".1%", _("Estimated: how far the map is from the converged one.")),
        _number(_("Gradients"), result.gradient_count, ",", _("Gradients of the score that were taken.")),
        _number(_("Forward passes"), result.forward_count, ",", _("Scores that were taken without a gradient.")),
        _number(_("Seconds"), result.seconds, ".1f", _("What it took where it was computed.")),
    ]


def _number(label: str, value: float | None, form: str, meaning: str) -> Number:
    return (
        Number(label, "–", "", meaning) if value is None else Number(label, format(value, form), repr(value), meaning)
    )


def _warnings(result: Attribution, subject: Subject, words: Words) -> list[str]:
    """Say what would mislead somebody who does not know it."""
    _ = words.translate
    told, blind, difference = [], blind_share(result), result.score_difference
    if int(subject.scores.argmax()) != result.target:
        told.append(_("The explained class is not the one that the network holds for the most probable."))
    if blind is not None and blind >= BLIND:
        told.append(
            _(
                "{share:.0%} of the pixels equal the baseline to within 2/255. "
                "Their attribution is zero by construction, whatever they mean to the model.",
                share=blind,
            )
        )
    # What the verdict says already is left out.
    if result.absorbed is not None:
        told.append(_("The map is not additive: its values do not sum to the score's change."))
    if result.correction is not None and result.converged is not None and difference:
        share = abs(result.correction / difference)
        text = _(
            "The sum was {share:.1%} off and is corrected, so it is complete by construction: that is no evidence. "
            "Read the map error.",
            share=share,
        )
        told.append(text)
    if result.converged is False:
        told.append(_("The integrator stopped at its limit, before its tolerances held."))
    if "integrator" in result.settings and result.map_error is None:
        told.append(_("How far the map would still move is not known."))
    return told


def _command(part: Part, result: Attribution, subject: Subject) -> str:
    if not has_recipe(result):
        return ""
    recipe = make_recipe(result, subject.origin, part.rules, subject.spec.sha256)
    command: str = recipe["command"]
    return command
