"""What one server lets its users do: one file of numbers, which another may change."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from igcore.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Limits", "read_limits"]


@dataclass(frozen=True)
class Limits:
    """The numbers of limits.toml, where each is explained; a field's name is its table and its key."""

    upload_megabytes: float
    upload_megapixels: float
    upload_held_megabytes: float
    explanation_gradients: int
    explanation_seconds: float
    explanation_stalled_seconds: float
    queue_waiting: int
    queue_waiting_a_session: int
    cache_megabytes: float
    batch_images: int
    batch_zip_megabytes: float
    batch_unpacked_megabytes: float


def read_limits() -> Limits:
    """Return the limits of the package, changed by the file that IGCORE_LIMITS names.

    Raises
    ------
    InputError
        Where that file cannot be read, or a limit is not known or not a number above zero.
    """
    given = _numbers(resources.files("igcore.runtime").joinpath("limits.toml").read_text("utf-8"), "limits.toml")
    extra = os.environ.get("IGCORE_LIMITS")
    if extra:
        try:
            text = Path(extra).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not a text file"
            raise InputError(f"cannot read the limits {extra}: {reason}; check IGCORE_LIMITS") from error
        given |= _numbers(text, extra)
    return Limits(**given)


def _numbers(text: str, name: str) -> dict[str, Any]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the limits {name} are not valid TOML: {error}") from error
    known = {field.name: field.type for field in fields(Limits)}
    found = {}
    for table, entries in tables.items():
        if not isinstance(entries, dict):
            raise InputError(f"the limits {name} have {table} outside of a table; write [{table}] and its limits below")
        for key, value in entries.items():
            limit = f"{table}_{key}"
            if limit not in known:
                raise InputError(f"the limits {name} name [{table}] {key}, which there is not; see limits.toml")
            whole = known[limit] == "int"
            if (type(value) is not int and (whole or type(value) is not float)) or not value > 0:
                kind = "a whole number" if whole else "a number"
                raise InputError(f"the limits {name} set [{table}] {key} to {value!r}; expected {kind} above 0")
            found[limit] = value
    return found
