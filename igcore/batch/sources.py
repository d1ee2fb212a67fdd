"""The images of a batch: a folder, or a list of files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from igcore.errors import InputError
from igcore.images import MAX_BYTES

__all__ = ["SUFFIXES", "Source", "distinct", "find_images"]

#: Of file names that are taken for images; what is in them decides.
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class Source:
    """One image of a batch.

    Attributes
    ----------
    name : str
        How it is called in the manifest; different for each image of a batch.
    read : callable
        Returns the file as it is; of one that is too large, no more than tells so.
    """

    name: str
    read: Callable[[], bytes] = field(repr=False, compare=False)

    @property
    def stem(self) -> str:
        """Name files that belong to it: readable, safe on every file system, and different for every name."""
        plain = re.sub(r"[^\w.-]+", "_", self.name).strip("._")[-60:]
        return f"{plain or 'image'}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"


def find_images(where: str) -> list[Source]:
    """Return the images below a folder, or those that a text file lists.

    Parameters
    ----------
    where : str
        A folder, which is searched with all folders in it for names that end like an image's; or a UTF-8 text file with
        one path a line, which count from its own folder. Empty lines and lines that begin with # are left out.

    Raises
    ------
    InputError
        Where there is neither, or no image.
    """
    path = Path(where)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
        found = [(file.relative_to(path).as_posix(), file) for file in files if not file.name.startswith(".")]
        if not found:
            raise InputError(f"no images below {where!r}; expected files that end in {', '.join(SUFFIXES)}")
    else:
        found = [(line, path.parent / line) for line in _lines(path)]
        if not found:
            raise InputError(f"the list {where!r} names no images; write one path a line")
    return distinct([Source(name, _reader(file)) for name, file in found])


def distinct(sources: Sequence[Source]) -> list[Source]:
    """Leave out what is named before."""
    found: dict[str, Source] = {}
    for source in sources:
        found.setdefault(source.name, source)
    return list(found.values())


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"there is no folder or list {str(path)!r}; check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a text file"
        raise InputError(f"cannot read the list {str(path)!r}: {reason}; expected one path a line") from error
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _reader(file: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with file.open("rb") as opened:
                return opened.read(MAX_BYTES + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"cannot read the file: {reason}") from error

    return read
