"""A report's page: what is said of all attributions together, laid out by the template."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igcore import __version__
from igcore.errors import InputError
from igcore.images import digest
from igcore.methods import METHODS
from igcore.recipe import printable
from igcore.report.content import Part, Seen, Subject, picture, seen_of
from igcore.report.curves import Chart, Curve, draw_chart, style
from igcore.report.words import Words

__all__ = ["render"]

#: How many classes of the prediction are shown.
TOP = 5


@dataclass(frozen=True)
class Guess:
    """A class of the prediction; its bar is as long as `percent` says."""

    label: str
    target: int
    score: float
    explained: bool

    @property
    def percent(self) -> float:
        """The probability in percent."""
        return round(100 * self.score, 2)


@dataclass(frozen=True)
class Figure:
    """A chart with its words."""

    title: str
    axis: str
    chart: Chart


def render(parts: Sequence[Part], subject: Subject, words: Words, title: str | None, date: str | None) -> str:
    """Return the page; arguments and errors as in `igcore.report.report_html`."""
    finished = [(part, part.attribution) for part in parts if part.attribution is not None]
    if not finished:
        raise InputError("no explanation is finished, so there is nothing to report; compute one first")
    image = finished[0][1].image
    if any(not np.array_equal(result.image, image) for _, result in finished):
        raise InputError("the maps are of several images; a report is of one, so make one for each")
    limit = subject.limit([result for _, result in finished])
    seen = [seen_of(part, result, subject, words, limit) for part, result in finished]
    failed = [
        (printable(part.name), printable(words.line(part.error or ""))) for part in parts if part.attribution is None
    ]
    return _template().render(
        _=words.translate,
        lang=words.lang,
        title=printable(title) if title else _title(seen, words),
        date=date,
        single=len(seen) == 1 and not failed,
        seen=seen,
        failed=failed,
        heads=_heads(seen, words),
        keys=[style(number) for number, one in enumerate(seen)],
        figures=_figures(seen, words),
        mapped=_mapped(subject, words),
        drawn=_drawn(subject, words),
        image=picture(image),
        image_name=printable(subject.origin.name),
        own=subject.origin.bundled is None,
        image_sha256=digest(image),
        size=f"{image.shape[1]} × {image.shape[0]}",
        guesses=_guesses(subject.scores, subject, {one.result.target for one in seen}),
        about=_about(seen, words),
        spec=subject.spec,
        versions=_versions(),
    )


@lru_cache(maxsize=1)
def _template() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(Path(__file__).parent)
    # Everything is escaped, whatever the template's name.
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html")


def _title(seen: Sequence[Seen], words: Words) -> str:
    _ = words.translate
    labels = {printable(one.result.label) for one in seen}
    if len(seen) == 1:
        return _("Explanation of “{label}”", label=labels.pop())
    if len(labels) == 1:
        return _("{count} explanations of “{label}”", count=len(seen), label=labels.pop())
    return _("{count} explanations of one image", count=len(seen))


def _guesses(scores: NDArray[np.floating], subject: Subject, targets: set[int]) -> list[Guess]:
    """Return the most probable classes, and those explained that are not among them."""
    top = [int(index) for index in np.argsort(-scores, kind="stable")[:TOP]]
    rows = [*top, *sorted(targets - {*top})]
    return [Guess(printable(subject.spec.label(row)), row, float(scores[row]), row in targets) for row in rows]


def _mapped(subject: Subject, words: Words) -> str:
    """Say what the colors of a map mean."""
    _ = words.translate
    meanings = {
        "absolute": _("|attribution|"),
        "positive": _("what speaks for the class"),
        "negative": _("what speaks against it"),
        "signed": _("for (red) and against (blue)"),
    }
    return _("Map: {what}", what=meanings[subject.drawing.sign])


def _drawn(subject: Subject, words: Words) -> str:
    """Say how maps are drawn, which changes no number."""
    _, drawing = words.translate, subject.drawing
    if subject.shared:
        told = _("All maps share one color scale; the full color stands for percentile {clip:g}.", clip=drawing.clip)
    else:
        told = _("Each map has its own color scale; the full color stands for percentile {clip:g}.", clip=drawing.clip)
    if drawing.top < 100:
        told += " " + _("Only the top {top:g} % of the pixels are drawn.", top=drawing.top)
    return told


def _heads(seen: Sequence[Seen], words: Words) -> list[str]:
    """Return what the columns of the numbers are called; of corrected maps it is what they were off before."""
    _ = words.translate
    heads = [[number.label for number in one.numbers] for one in seen]
    return [" / ".join(dict.fromkeys(labels)) for labels in zip(*heads, strict=True)]


def _figures(seen: Sequence[Seen], words: Words) -> list[Figure]:
    """Draw the curves along the path, of one attribution or of all that have them."""
    _ = words.translate
    drawn = [(one.result, one.result.trace, style(number)) for number, one in enumerate(seen) if one.result.trace]
    drawn = [(result, trace, look) for result, trace, look in drawn if trace is not None and trace.alphas.size]
    if not drawn:
        return []
    alone = len(seen) == 1
    of = {result.settings.get("of") for result, _trace, _look in drawn}
    score = _("probability") if of == {"probability"} else _("logit") if of == {"logit"} else _("score")

    def chart(name: str, level: float | None = None) -> Chart:
        curves = [Curve(trace.alphas, getattr(trace, name), *look) for _result, trace, look in drawn if trace]
        return draw_chart(curves, f"{name}-", level, fill=alone and name == "cumulative")

    return [
        Figure(_("Score along the path"), score, chart("scores")),
        Figure(_("Slope along the path"), _("change of the score with α"), chart("slopes")),
        Figure(
            _("Attribution collected so far"),
            _("sum over all pixels; dashed: F(x) − F(x′)") if alone else _("sum over all pixels"),
            chart("cumulative", drawn[0][0].score_difference if alone else None),
        ),
    ]


def _about(seen: Sequence[Seen], words: Words) -> list[tuple[str, str, str]]:
    """Return name, description and reference of each method, once."""
    _ = words.translate
    specs = {one.result.method: METHODS[one.result.method] for one in seen if one.result.method in METHODS}
    return [(_(spec.label), _(spec.description), spec.reference) for spec in specs.values()]


def _versions() -> list[tuple[str, str]]:
    """Return what a result depends on beside its settings; asking TensorFlow itself would import it."""
    told = [("igcore", __version__)]
    for package in ("tensorflow", "numpy"):
        try:
            told.append((package, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            told.append((package, "–"))
    return [*told, ("python", platform.python_version())]
