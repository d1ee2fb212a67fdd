"""The catalogue: which models there are, read from TOML, without loading any."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from igcore.errors import ModelError
from igcore.registry import Registry

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["DEFAULT_MODEL", "KINDS", "CatalogueEntry", "catalogue", "entry_for"]

DEFAULT_MODEL = "efficientnet-lite0"
KINDS = ("embedded", "tf-hub", "saved-model", "keras-application", "keras-file")
OUTPUTS = ("auto", "logits", "probabilities")
SIZES = range(8, 2049)


@dataclass(frozen=True)
class CatalogueEntry:
    """One model as the catalogue describes it; the attributes are those of the TOML file."""

    key: str
    title: str
    kind: str
    handle: str = ""
    source: str = ""
    licence: str = "unknown"
    input_size: tuple[int, int] | None = None
    input_range: tuple[float, float] = (0.0, 1.0)
    outputs: str = "auto"
    labels: str = "auto"
    folder: str = ""

    def __post_init__(self) -> None:
        def refuse(what: str) -> None:
            raise ModelError(f"catalogue entry {self.key!r}: {what}")

        if self.kind not in KINDS:
            refuse(f"kind is {self.kind!r}; expected one of {', '.join(KINDS)}")
        if self.kind != "embedded" and not self.handle:
            refuse("handle is missing; name the address, folder, file or class of the model")
        if self.outputs not in OUTPUTS:
            refuse(f"outputs is {self.outputs!r}; expected one of {', '.join(OUTPUTS)}")
        if self.input_size is not None and not (
            isinstance(self.input_size, tuple)
            and len(self.input_size) == 2
            and all(type(n) is int and n in SIZES for n in self.input_size)
        ):
            refuse(f"input_size is {self.input_size}; expected [height, width], each from {SIZES[0]} to {SIZES[-1]}")
        if not (
            isinstance(self.input_range, tuple)
            and len(self.input_range) == 2
            and all(type(n) in (int, float) and math.isfinite(n) for n in self.input_range)
            and self.input_range[0] < self.input_range[1]
        ):
            refuse(f"input_range is {self.input_range}; expected [low, high], for instance [-1, 1]")

    def path(self, name: str) -> Path:
        """Return `name` as a path that counts from the folder of the catalogue file."""
        return Path(self.folder) / Path(name).expanduser()


def catalogue() -> Registry[CatalogueEntry]:
    """Return the models of the package's catalogue and of the file that IGCORE_CATALOGUE names.

    Raises
    ------
    ModelError
        Where a file cannot be read or an entry is wrong; the message names it.
    """
    with resources.as_file(resources.files("igcore.models").joinpath("catalogue.toml")) as path:
        entries = _read(path)
    extra = os.environ.get("IGCORE_CATALOGUE")
    if extra:
        entries.update(_read(Path(extra)))
    return Registry("model", *entries.values())


def entry_for(handle: str) -> CatalogueEntry:
    """Return the entry of a catalogue key, or make one for an address, a folder or a .keras file.

    Raises
    ------
    UnknownKeyError
        Where the handle is none of these.
    """
    known = catalogue()
    if handle in known:
        return known[handle]
    kind = ""
    if handle.startswith(("https://", "http://")):
        kind = "tf-hub"
    elif Path(handle).is_dir():
        kind = "saved-model"
    elif handle.endswith(".keras") and Path(handle).is_file():
        kind = "keras-file"
    if kind:
        title = handle.split("://", 1)[-1] if kind == "tf-hub" else Path(handle).name
        return CatalogueEntry(handle, title, kind, handle=handle, source=handle)
    return known[handle]


def _read(path: Path) -> dict[str, CatalogueEntry]:
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ModelError(f"cannot read the catalogue {path}: {error.strerror}; check IGCORE_CATALOGUE") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"the catalogue {path} is not valid TOML: {error}") from error
    return {key: _entry(key, table, path.parent) for key, table in tables.items()}


def _entry(key: str, table: Any, folder: Path) -> CatalogueEntry:
    if not isinstance(table, dict):
        raise ModelError(f"catalogue entry {key!r} is not a table; write [{key}] and its settings below")
    known = {field.name for field in fields(CatalogueEntry)} - {"key", "folder"}
    unknown = sorted(set(table) - known)
    if unknown:
        raise ModelError(
            f"catalogue entry {key!r}: unknown setting {unknown[0]!r}; known are {', '.join(sorted(known))}"
        )
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}
    missing = {"kind"} - values.keys()
    if missing:
        raise ModelError(f"catalogue entry {key!r}: kind is missing; expected one of {', '.join(KINDS)}")
    for name in known - {"input_size", "input_range"}:
        if not isinstance(values.get(name, ""), str):
            raise ModelError(f"catalogue entry {key!r}: {name} is {values[name]!r}; expected a text in quotes")
    settings: dict[str, Any] = {"key": key, "title": key, "folder": str(folder), **values}
    return CatalogueEntry(**settings)
