"""The frame of every page: configuration, navigation, look, and one place for what goes wrong."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from igcore.errors import IGError
from ui import language, service, share, state, turns
from ui.language import N_, _, line
from ui.markup import plain

__all__ = ["MOMENT", "errors_as_lines", "open_page", "polling"]

ROOT = Path(__file__).parents[1]

#: Pages in the order of the navigation: file, label, icon. A page that is not in the folder yet is not offered.
PAGES = (
    ("app.py", N_("Explain an image"), ":material/image_search:"),
    ("pages/baselines.py", N_("Compare baselines"), ":material/compare:"),
    ("pages/integrators.py", N_("Compare integrators"), ":material/show_chart:"),
    ("pages/methods.py", N_("Compare methods"), ":material/family_history:"),
    ("pages/evaluate.py", N_("Test explanations"), ":material/fact_check:"),
    ("pages/batch.py", N_("Explain many images"), ":material/photo_library:"),
    ("pages/learn.py", N_("Learn"), ":material/school:"),
)

#: Seconds between two looks of a page at work under way: on a quiet server, and on the most crowded one.
POLL_SECONDS, SELDOM_SECONDS = 0.6, 3.0

#: Computations under way on a server from which on its pages look less often, in proportion: each look draws a page.
QUIET = 4

#: How long a page waits for work that may be over in a moment. Drawing its beginning would only slow it down.
MOMENT = 1.0

#: A curve and the area below it. Drawn here: an emoji would have Streamlit load all of them, for a fifth of a second.
ICON = "data:image/svg+xml," + quote(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#292524"/>'
    '<path d="M6 26C13 26 11 9 26 7V26Z" fill="#c2410c"/>'
    '<path d="M6 26C13 26 11 9 26 7" fill="none" stroke="#fdba74" stroke-width="3" stroke-linecap="round"/></svg>'
)

# Buttons and tags have white text in both themes, for which the dark theme's accent is too bright.
# Pictures stand two by two on a phone, where Streamlit would stack its columns one below the other.
STYLE = """
<style>
.stMainBlockContainer { padding-top: 3.9rem; padding-bottom: 3rem; max-width: 1500px; }
h1 { font-size: 1.9rem !important; line-height: 1.35 !important; padding: 0 !important; }
h3 { font-size: 1.2rem !important; padding: 0.8rem 0 0.3rem 0 !important; }
[data-testid="stImageContainer"] img { outline: 1px solid rgba(128, 128, 128, 0.25); outline-offset: -1px; }
[data-testid="stMetricValue"] { font-size: 1.3rem; }
.st-key-grid { overflow-x: auto; }
.st-key-grid [data-testid="stHorizontalBlock"] { flex-wrap: nowrap; }
.st-key-grid [data-testid="stColumn"] { min-width: 132px; max-width: 260px; }
.st-key-completeness { gap: 0.5rem; min-height: 14rem; }
.st-key-progress { min-height: 3.2rem; }
.st-key-cards .katex-display { overflow-x: auto; overflow-y: hidden; font-size: 0.69em; padding: 0.2rem 0; }
.stMultiSelect :has(> span[title]) { background-color: #ad380a; }
[data-testid="stBaseButton-primary"]:enabled { background-color: #ad380a; border-color: #ad380a; }
[data-testid="stBaseButton-primary"]:enabled:hover { background-color: #8f2d07; border-color: #8f2d07; }
.st-key-photo { max-width: 160px; }
.st-key-criteria_formula .katex-display { overflow-x: auto; overflow-y: hidden; }
.st-key-cards > [data-testid="stLayoutWrapper"] { flex: 0 0 calc(33.3% - 0.7rem); min-width: 0; align-self: stretch; }
.st-key-cards > [data-testid="stLayoutWrapper"] > div { height: 100%; }
@media (max-width: 640px) {
  .st-key-cards > [data-testid="stLayoutWrapper"] { flex: 0 0 calc(50% - 0.5rem); }
  h1 { font-size: 1.5rem !important; }
  [class*="st-key-pictures"] [data-testid="stHorizontalBlock"] { flex-wrap: wrap; gap: 0.6rem; }
  [class*="st-key-pictures"] [data-testid="stColumn"] { min-width: calc(50% - 0.6rem); flex: 1 1 calc(50% - 0.6rem); }
  .st-key-pictures_gradient [data-testid="stColumn"]:first-child { min-width: 100%; }
  .st-key-grid [data-testid="stHorizontalBlock"] { gap: 0.5rem; width: max-content; }
  .st-key-grid [data-testid="stColumn"] { width: 150px; min-width: 150px; max-width: 150px; }
  .st-key-strip [data-testid="stHorizontalBlock"] { flex-wrap: nowrap; overflow-x: auto; gap: 0.4rem; }
  .st-key-grid [data-testid="stHorizontalBlock"] { gap: 0.5rem; width: max-content; }
  .st-key-grid [data-testid="stColumn"] { width: 150px; min-width: 150px; max-width: 150px; }
  .st-key-strip [data-testid="stColumn"] { min-width: 96px; }
}
</style>
"""

log = logging.getLogger("igcore.ui")


def open_page(title: str, promise: str) -> None:
    """Begin a page: every page's first call.

    Parameters
    ----------
    title : str
        In English, marked for translation, as all pages' names are.
    promise : str
        The same; one line that says what the page is for.
    """
    state.begin()
    state.seed(language.KEY, _usual_language(), state.one_of(language.LANGUAGES))
    name = _("Integrated Gradients")
    st.set_page_config(page_title=f"{_(title)} · {name}", page_icon=ICON, layout="wide")
    st.html(STYLE)
    with st.sidebar:
        for file, label, icon in PAGES:
            if (ROOT / file).is_file():
                st.page_link(file, label=_(label), icon=icon)
        _choose_language()
        share.link_popover()
    st.title(_(title), anchor=False)
    st.caption(_(promise))


def _usual_language() -> str:
    return language.preferred(st.context.locale)


def _choose_language() -> None:
    """Offer the languages; the address holds one that is not the browser's own."""
    chosen = st.segmented_control(
        _("Language"),
        list(language.LANGUAGES),
        default=st.session_state[language.KEY],
        key=language.KEY,
        format_func=lambda code: language.LANGUAGES[code],
        on_change=state.draw_anew,
        required=True,
        label_visibility="collapsed",
        width="stretch",
    )
    state.remember(language.KEY, chosen, link=chosen != _usual_language())


def polling(running: bool) -> float | None:
    """Return how often, in seconds, a part of a page is to be drawn anew while work is under way; None without."""
    if not running:
        return None
    crowd = service.runtime().under_way / QUIET
    return min(POLL_SECONDS * max(1.0, crowd), SELDOM_SECONDS)


@contextlib.contextmanager
def errors_as_lines() -> Iterator[None]:
    """Show what goes wrong as one line, and the rest of the page as it is; tell the log how long this part took."""
    started = time.perf_counter()
    try:
        with turns.drawing():
            yield
        log.debug("drawn in %.0f ms", 1000 * (time.perf_counter() - started))
    except IGError as error:
        st.error(plain(line(str(error))), icon=":material/error:")
    except Exception:  # a fault of ours; Streamlit's own control flow does not derive from Exception
        log.exception("a page failed")
        st.error(_("Something in this program failed; the log has the details. Reload the page to go on."))
