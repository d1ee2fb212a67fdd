"""Text that is shown as it is: what an error repeats of a link or a file must not become markup on a page."""

from __future__ import annotations

import re

__all__ = ["plain"]


def plain(text: str) -> str:
    """Escape what Markdown, with Streamlit's colors, icons and formulas, would read as markup."""
    return re.sub(r"([\\`*_\[\]<>~$]|:(?=\S))", r"\\\1", text)
