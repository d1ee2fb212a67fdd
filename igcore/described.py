"""Described settings, from a file that nobody vouches for, back to settings: the inverse of a method's `describe`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from igcore.baselines import BASELINES, Baseline, Black, GivenImage
from igcore.errors import InputError
from igcore.methods import METHODS, Method
from igcore.registry import parameters

__all__ = ["check_digest", "check_setting", "check_text", "settings_of", "shown"]

#: Characters of a text, and of what an error repeats of a value.
LONGEST, SHOWN = 1000, 60


def settings_of(method: str, described: Mapping[str, Any], pictures: Mapping[str, Baseline] | None = None) -> Method:
    """Turn what a method's `describe` gave into its settings.

    Parameters
    ----------
    method : str
        Key of `METHODS`.
    described : mapping
        Each value as `check_setting` returned it.
    pictures : mapping of str to Baseline, optional
        Baselines that are images, by digest. Without, black stands for each, to see whether the rest will do.

    Raises
    ------
    InputError
        Where a setting cannot be used.
    """

    def baseline(told: Mapping[str, Any]) -> Baseline:
        if told["key"] != GivenImage.key:
            return BASELINES[told["key"]].settings(**{name: value for name, value in told.items() if name != "key"})
        return Black() if pictures is None else pictures[told["sha256"]]

    settings = METHODS[method].settings
    given = {name: value for name, value in described.items() if name in settings.__dataclass_fields__}
    if "baseline" in given:
        given["baseline"] = baseline(given["baseline"])
    if "baselines" in given:
        given["baselines"] = tuple(map(baseline, given["baselines"]))
    made: Method = settings(**given)
    return made


def check_setting(method: str, name: str, value: Any) -> Any:
    """Return one described setting, of its proper type, so that its range is judged on a plain value.

    Raises
    ------
    InputError
        Where its type is wrong.
    """
    if name == "baseline":
        return _baseline(value)
    if name == "baselines":
        if not isinstance(value, list):
            raise InputError(f"baselines is {shown(value)}; expected a list")
        return [_baseline(one) for one in value]
    if name == "correct":
        if not isinstance(value, bool):
            raise InputError(f"correct is {shown(value)}; expected true or false")
        return value
    settings = METHODS[method].settings
    if name == "of" and settings.only_of is not None and value != settings.only_of:
        raise InputError(f"of is {shown(value)}; method {method} explains the {settings.only_of} only")
    known = parameters(settings)
    return _plain(f"{method}: {name}", value, known[name].default if name in known else "")


def check_text(what: str, value: Any) -> str:
    """Return a text that is not too long, or raise `InputError`."""
    if not isinstance(value, str) or len(value) > LONGEST:
        raise InputError(f"{what} is {shown(value)}; expected a text of at most {LONGEST} characters")
    return value


def check_digest(what: str, value: Any) -> str:
    """Return a SHA-256, or raise `InputError`."""
    if not (isinstance(value, str) and len(value) == 64 and {*value} <= {*"0123456789abcdef"}):
        raise InputError(f"{what} is {shown(value)}; expected a SHA-256 in hexadecimal")
    return value


def shown(value: Any) -> str:
    """Say what a file holds, whatever it is, in a few characters of one line."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _baseline(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict) or "key" not in told:
        raise InputError(f"baseline is {shown(told)}; expected an object with a key")
    key = check_text("key of a baseline", told["key"])
    known = parameters(BASELINES[key].settings)
    takes = ("key", "sha256") if key == GivenImage.key else ("key", *known)
    if {*told} != {*takes}:
        raise InputError(f"baseline {key} says {shown(', '.join(told))}; expected {', '.join(takes)}")
    if key == GivenImage.key:
        return {"key": key, "sha256": check_digest("sha256 of a baseline", told["sha256"])}
    return {"key": key, **{name: _plain(f"{key}: {name}", told[name], known[name].default) for name in known}}


def _plain(what: str, value: Any, default: Any) -> Any:
    """Return a value of its default's type; other programs write 20 where we have 20.0."""
    if isinstance(default, str):
        return check_text(what, value)
    if default is None and value is None:
        return None
    if type(value) not in (int, float):
        raise InputError(f"{what} is {shown(value)}; expected a number")
    try:
        return float(value) if isinstance(default, float) else value
    except OverflowError:
        raise InputError(f"{what} is {shown(value)}; expected a smaller number") from None
