"""Class names: the 1,000 of ImageNet, with or without a background class in front."""

from __future__ import annotations

import difflib
import operator
import re
from collections import Counter
from functools import lru_cache
from importlib import resources
from pathlib import Path

from igcore.errors import InputError, ModelError

__all__ = ["find_label", "imagenet_labels", "labels_for", "read_labels", "short_names"]


@lru_cache(maxsize=1)
def imagenet_labels() -> tuple[str, ...]:
    """Return the 1,000 WordNet names of ImageNet's classes, in order."""
    text = resources.files("igcore.models").joinpath("imagenet_labels.txt").read_text("utf-8")
    return _lines(text)


def read_labels(path: str | Path) -> tuple[str, ...]:
    """Read a file with one class name a line; blank lines and lines that start with # do not count."""
    try:
        return _lines(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"cannot read the class names in {path}: {error}; name a UTF-8 text file") from error


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def labels_for(count: int) -> tuple[str, ...]:
    """Guess the names from the number of classes: 1000, 1001 with background, or numbers for any other."""
    if count == 1000:
        return imagenet_labels()
    if count == 1001:
        return ("background", *imagenet_labels())
    return tuple(f"class {index}" for index in range(count))


@lru_cache(maxsize=64)
def short_names(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first name of each class, followed by its number where classes share one."""
    first = [label.split(",")[0] for label in labels]
    count = Counter(name.casefold() for name in first)
    return tuple(f"{name} ({index})" if count[name.casefold()] > 1 else name for index, name in enumerate(first))


def find_label(labels: tuple[str, ...], target: int | str) -> int:
    """Return the index of a class given by index, full name or any of its names, in any case.

    Raises
    ------
    InputError
        Where no class, or more than one, answers to `target`.
    """
    if isinstance(target, str) and re.fullmatch(r"[+-]?[0-9]{1,9}", target.strip()):
        target = int(target)
    if not isinstance(target, str):
        try:
            if isinstance(target, bool):
                raise TypeError
            index = operator.index(target)
        except TypeError:
            raise InputError(f"target is {target!r}; expected a class index or a class name") from None
        if not 0 <= index < len(labels):
            raise InputError(f"class {index} does not exist; expected 0 to {len(labels) - 1}, or a class name")
        return index
    wanted = target.strip().casefold()
    found = [i for i, label in enumerate(labels) if label.casefold() == wanted and "," in wanted]
    found = found or [index for index, name in enumerate(short_names(labels)) if name.casefold() == wanted]
    found = found or [i for i, label in enumerate(labels) if label.casefold().split(",")[0] == wanted]
    found = found or [i for i, label in enumerate(labels) if wanted in map(str.strip, label.casefold().split(","))]
    if len(found) == 1:
        return found[0]
    if found:
        choices = ", ".join(str(index) for index in found)
        raise InputError(f"class name {target!r} is shared by classes {choices}; give the number")
    near = [label.split(",")[0] for label in labels if wanted and wanted in label.casefold()][:5]
    near = near or difflib.get_close_matches(wanted, [name.casefold() for name in short_names(labels)], n=3)
    hint = f"did you mean {', '.join(near)}?" if near else f"give an index from 0 to {len(labels) - 1} or a class name"
    raise InputError(f"unknown class {target!r}; {hint}")
