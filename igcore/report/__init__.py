"""Reports: what was explained, how, and how far to believe it, in one HTML file that needs nothing else.

A report is made of finished attributions and computes nothing. The same attributions give the same bytes, so it holds
no date unless the caller gives one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from igcore.report.words import Line, Translate, Words, english

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from igcore.heatmaps import Drawing
    from igcore.models import ModelSpec
    from igcore.recipe import Origin
    from igcore.report.content import Part
    from igcore.results import Attribution

__all__ = ["Part", "report_html", "write_report"]


def __getattr__(name: str) -> Any:
    # `Part` comes with all the methods, and this package is imported by whoever only offers a report.
    if name == "Part":
        from igcore.report.content import Part

        return Part
    raise AttributeError(f"module 'igcore.report' has no attribute {name!r}")


def report_html(
    explained: Attribution | Sequence[Part],
    origin: Origin,
    spec: ModelSpec,
    scores: NDArray[np.floating],
    drawing: Drawing | None = None,
    *,
    shared: bool = False,
    title: str | None = None,
    date: str | None = None,
    translate: Translate = english,
    line: Line = str,
    lang: str = "en",
) -> str:
    """Return a report of one attribution, or a comparison of several of the same image and model.

    Parameters
    ----------
    explained : Attribution or sequence of Part
        A single finished part is laid out like an attribution; of several, those that failed are named with their
        error.
    origin : Origin
        Of the image. Its file is never in the report, only the square that the model sees.
    spec : ModelSpec
    scores : (K,) float
        The probabilities of all classes for the image, as ``model.scores(image[None])[0]`` gives them.
    drawing : Drawing, optional
        How the maps are drawn.
    shared : bool
        Whether all maps have one color scale.
    title, date : str, optional
        Of the report; the date as it is to be read.
    translate : callable
        (text, **values) → the text in the report's language, its named places filled with the values.
    line : callable
        A sentence of the engine → the same in the report's language.
    lang : str
        Code of that language.

    Raises
    ------
    InputError
        Where nothing is finished, or not all is of one image and model.
    """
    from igcore.heatmaps import Drawing
    from igcore.report.content import Part, Subject
    from igcore.report.page import render
    from igcore.results import Attribution

    parts = [Part(explained)] if isinstance(explained, Attribution) else list(explained)
    subject = Subject(origin, spec, scores, drawing or Drawing(), shared)
    return render(parts, subject, Words(translate, line, lang), title, date)


def write_report(path: str | os.PathLike[str], *arguments: Any, **options: Any) -> None:
    """Write what `report_html` returns for the other arguments to a file, whole or not at all.

    Raises
    ------
    InputError
        As `report_html`, or where the file cannot be written.
    """
    from igcore.files import write_whole

    write_whole(path, report_html(*arguments, **options).encode())
