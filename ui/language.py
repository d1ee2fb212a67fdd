"""The language of a page: texts from gettext catalogues, and the engine's sentences by their form.

Pages write English, marked with `_`; `ui/locale/` holds what it is in other languages. The engine knows nothing of
languages: its sentences are found again by the form in which its source writes them, `{0}`, `{1}` where values stand.
"""

from __future__ import annotations

import gettext
import re
from functools import lru_cache
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

__all__ = ["KEY", "LANGUAGES", "LINE", "N_", "_", "language", "line", "preferred", "several"]

#: Languages by code, each by its own name.
LANGUAGES = {"en": "English", "zh": "简体中文"}

#: Of the switch, of the session's state and of the address.
KEY = "lang"

#: Characters up to which a sentence is looked up by its form; a link can make an engine repeat a longer one.
LONGEST = 2000

#: The context of the engine's sentences in the catalogues.
LINE = "line"

LOCALE, DOMAIN = Path(__file__).parent / "locale", "dashboard"
PLACE = re.compile(r"\{(\d+)\}")


def language() -> str:
    """Return the code of the language in which this page is drawn; English outside of a page."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return "en"
    return str(st.session_state.get(KEY) or "en")


def preferred(locale: str | None) -> str:
    """Return the code of the language that fits a browser's locale, such as zh-CN."""
    code = (locale or "").replace("_", "-").partition("-")[0].lower()
    return code if code in LANGUAGES else "en"


def _(text: str, **values: object) -> str:
    """Return a text in the page's language, its named places filled with values."""
    found = _catalogue(language()).gettext(text) if text else text
    return found.format(**values) if values else found


def N_(text: str) -> str:
    """Mark a text that is translated later."""
    return text


def several(one: str, many: str, count: int, **values: object) -> str:
    """Return the text that fits a count, which stands at `{count}`."""
    return _catalogue(language()).ngettext(one, many, count).format(count=count, **values)


def line(text: str) -> str:
    """Return a sentence of the engine in the page's language; as it is where its form is unknown, or it too long."""
    return text if language() == "en" or len(text) > LONGEST else _Lines.of(language()).translated(text)


@lru_cache
def _catalogue(code: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE, [code], fallback=True)


class _Lines:
    """The engine's sentences in one language, most particular forms first."""

    def __init__(self, code: str) -> None:
        # gettext gives no list of its messages; a context and a text are joined by this character in every .mo file.
        catalogue: dict[object, str] = vars(_catalogue(code)).get("_catalog", {})
        start = f"{LINE}\x04"
        forms = [
            (key[len(start) :], told)
            for key, told in catalogue.items()
            if isinstance(key, str) and key.startswith(start)
        ]
        forms.sort(key=lambda form: -len(PLACE.sub("", form[0])))
        self.forms = [(_pattern(form), told) for form, told in forms]
        self.words = _catalogue(code)

    @staticmethod
    @lru_cache
    def of(code: str) -> _Lines:
        """Return those of a language."""
        return _Lines(code)

    @lru_cache(maxsize=2000)  # noqa: B019 (one for each language, as long as the server runs)
    def translated(self, text: str) -> str:
        """Translate a sentence, and within it what is a sentence or a label itself."""
        for pattern, told in self.forms:
            found = pattern.fullmatch(text)
            if found:
                return told.format(*(self.translated(part) for part in found.groups()))
        return self.words.gettext(text) if text else text


def _pattern(form: str) -> re.Pattern[str]:
    """Return what matches a form; the parts between its places are taken as they are."""
    parts = PLACE.split(form)
    return re.compile("".join("(.*?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)), re.DOTALL)
