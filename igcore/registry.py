"""Registries: stable keys, what stands behind them, and the parameters that each one takes."""

from __future__ import annotations

import dataclasses
import difflib
import math
import numbers
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from igcore.errors import InputError, UnknownKeyError

__all__ = ["Parameter", "Registry", "check_parameters", "parameter", "parameters", "read_settings", "read_values"]


class Keyed(Protocol):
    """Anything that can stand in a registry."""

    @property
    def key(self) -> str: ...


Entry = TypeVar("Entry", bound=Keyed)
Settings = TypeVar("Settings")


class Registry(Mapping[str, Entry], Generic[Entry]):
    """An ordered mapping from stable key to entry.

    Parameters
    ----------
    kind : str
        What the entries are, in the singular; used in error messages.
    entries : Entry
        The entries, in the order in which they are offered.
    """

    def __init__(self, kind: str, *entries: Entry) -> None:
        self.kind = kind
        self._entries: dict[str, Entry] = {}
        for entry in entries:
            if entry.key in self._entries:
                raise ValueError(f"{kind} {entry.key!r} is registered twice")
            self._entries[entry.key] = entry

    def __getitem__(self, key: str) -> Entry:
        try:
            return self._entries[key]
        except (KeyError, TypeError):
            close = difflib.get_close_matches(str(key), self._entries, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            known = ", ".join(self._entries)
            raise UnknownKeyError(f"unknown {self.kind} {key!r}: {hint}known are {known}") from None

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


@dataclass(frozen=True)
class Parameter:
    """What a control or the command line needs to know of one setting.

    Attributes
    ----------
    name, label, help, unit : str
    default : object
    low, high : float or None
        Inclusive bounds of a number.
    step : float or None
        Step of a slider.
    choices : tuple
        Where a few values serve better than a slider.
    """

    name: str
    label: str
    default: Any
    low: float | None = None
    high: float | None = None
    step: float | None = None
    unit: str = ""
    help: str = ""
    choices: tuple[Any, ...] = ()


def parameter(
    default: Any,
    *,
    label: str,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    unit: str = "",
    help: str = "",
    choices: tuple[Any, ...] = (),
) -> Any:
    """Declare a dataclass field that is a user's parameter.

    Returns
    -------
    dataclasses.Field
        With the description in its metadata, for `parameters` and `check_parameters`.
    """
    description = {"label": label, "low": low, "high": high, "step": step}
    described = {**description, "unit": unit, "help": help, "choices": choices}
    return dataclasses.field(default=default, metadata={"parameter": described})


def parameters(settings: Any) -> dict[str, Parameter]:
    """Describe the parameters of a settings dataclass, by name, in order."""
    return {
        field.name: Parameter(name=field.name, default=field.default, **field.metadata["parameter"])
        for field in dataclasses.fields(settings)
        if "parameter" in field.metadata
    }


def check_parameters(settings: Any) -> None:
    """Check each number of a settings dataclass against its declared type and bounds.

    Raises
    ------
    InputError
        Where a number is of the wrong type, not finite or out of bounds.
    """
    owner = getattr(settings, "key", type(settings).__name__)
    for name, known in parameters(settings).items():
        if known.low is None and known.high is None:
            continue
        value = getattr(settings, name)
        whole = isinstance(known.default, int) or known.default is None
        if value is None and known.default is None:
            continue
        expected = f"{'a whole number' if whole else 'a number'} from {known.low} to {known.high}"
        if isinstance(value, bool) or not isinstance(value, numbers.Integral if whole else numbers.Real):
            raise InputError(f"{owner}: {name} is {value!r}; expected {expected}")
        low = -math.inf if known.low is None else known.low
        high = math.inf if known.high is None else known.high
        if not (low <= value <= high and abs(value) != math.inf):  # type: ignore[operator]
            raise InputError(f"{owner}: {name} is {value}; expected {expected}")


def read_settings(owner: str, settings: Callable[..., Settings], text: str) -> Settings:
    """Make settings from ``name=value,name=value``.

    Parameters
    ----------
    owner : str
        Whose settings they are, for the error message.
    settings : dataclass
    text : str
        May be empty; what it does not name keeps its default.

    Raises
    ------
    InputError
        Where a name is unknown, or a value is refused by the settings themselves.
    """
    return settings(**read_values(owner, settings, text))


def read_values(owner: str, settings: Callable[..., Any], text: str) -> dict[str, Any]:
    """Read ``name=value,name=value`` into values for some of a settings class's parameters; see `read_settings`."""
    known = parameters(settings)
    values: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals or name not in known:
            takes = ", ".join(f"{name}=…" for name in known) or "no parameters"
            raise InputError(f"{owner} cannot take {part!r}; it takes {takes}")
        if name in values:
            raise InputError(f"{owner}: {name} is given twice; leave one out")
        values[name] = _value(value, known[name].default)
    return values


def _value(text: str, default: Any) -> Any:
    if isinstance(default, str):
        return text
    try:
        return float(text) if isinstance(default, float) else int(text)
    except ValueError:
        return text  # the settings' own check says what was expected
