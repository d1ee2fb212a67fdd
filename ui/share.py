"""What a page gives to take away: its link, and a report of what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from igcore.errors import IGError
from igcore.heatmaps import Drawing
from igcore.models import ModelSpec
from igcore.recipe import Origin
from igcore.report import Part, report_html
from ui.language import _, language, line
from ui.markup import plain
from ui.pictures import Array, Picture
from ui.uploads import holds_any

__all__ = ["link_popover", "origin_of", "report_popover"]


#: How a file in a language says so to a browser.
TAGS = {"en": "en", "zh": "zh-Hans"}


def origin_of(picture: Picture, fit: str) -> Origin:
    """Return where a picture came from, for whoever repeats an explanation of it."""
    return Origin(picture.name, picture.key, fit)  # type: ignore[arg-type]


@st.fragment
def link_popover() -> None:
    """Offer the page's address to copy; opened, this part alone is drawn anew, with what the address holds by then."""
    popover = st.popover(_("Copy link"), icon=":material/link:", on_change="rerun", key="share", width="stretch")
    if popover.open:
        with popover:
            st.code(f"{st.context.url}?{urlencode(st.query_params.to_dict())}", language=None, wrap_lines=True)
            st.caption(_("It opens this page with the same settings."))
            if holds_any():
                told = _("An image of your own never goes into a link: whoever opens it sees a bundled photo instead.")
                st.caption(f":material/lock: {told}")


def report_popover(
    stem: str,
    parts: Sequence[Part],
    origin: Origin,
    spec: ModelSpec,
    scores: Array,
    drawing: Drawing,
    shared: bool = False,
) -> None:
    """Offer a report of what is finished; it is made when it is asked for.

    Parameters
    ----------
    stem : str
        Of the file's name.
    parts : sequence of Part
        All of the same image and model.
    origin, spec, scores, drawing, shared
        As in `igcore.report.report_html`.
    """
    popover = st.popover(_("Report"), icon=":material/description:", on_change="rerun", key="report")
    if not popover.open:
        return
    with popover:
        st.caption(
            _(
                "One file with pictures, numbers, settings and the command that repeats it. It opens anywhere "
                "and prints."
            )
        )
        try:
            with st.spinner(_("Making the report …")):
                page = report_html(
                    parts, origin, spec, scores, drawing, shared=shared, translate=_, line=line, lang=TAGS[language()]
                )
        except IGError as error:
            st.error(plain(line(str(error))), icon=":material/error:")
            return
        st.download_button(
            _("Report (HTML)"),
            page.encode(),
            f"{stem}.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
            key="download_html",
        )
