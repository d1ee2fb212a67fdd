"""Text that is shown as it is, or names a file: what comes from a link, a file or a model must do no harm there."""

from __future__ import annotations

import re

__all__ = ["for_files", "plain"]


def plain(text: str) -> str:
    """Escape what Markdown, with Streamlit's colors, icons and formulas, would read as markup."""
    return re.sub(r"([\\`*_\[\]<>~$]|:(?=\S))", r"\\\1", text)


def for_files(label: str) -> str:
    """Return a class's name as a part of a file's: small letters and numbers, everything else a hyphen."""
    return "".join(letter if letter.isalnum() else "-" for letter in label.lower())
