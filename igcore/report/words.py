"""The language of a report: its texts are English in the source, and go through the caller's translation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Line", "Translate", "Words", "english"]

#: (text, **values) → the text in another language, its named places filled with the values.
Translate = Callable[..., str]

#: A sentence of the engine → the same in another language.
Line = Callable[[str], str]


def english(text: str, **values: object) -> str:
    """Return a text as it is, its named places filled with values."""
    return text.format(**values) if values else text


@dataclass(frozen=True)
class Words:
    """A report's language: how its texts and the engine's sentences get into it, and its code."""

    translate: Translate = english
    line: Line = str
    lang: str = "en"
