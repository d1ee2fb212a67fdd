"""Recipes read from a file that nobody vouches for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from igcore.baselines import GivenImage
from igcore.described import check_digest, check_setting, check_text, settings_of, shown
from igcore.errors import InputError
from igcore.images import FITS, Fit
from igcore.integrators import FIXED
from igcore.methods import Method
from igcore.recipe import setting_names

__all__ = ["MAX_BYTES", "Recipe", "read_recipe"]

MAX_BYTES = 1_000_000

#: What a recipe has to say beside the settings of its method, and what it may.
NEEDED = ("model", "fit", "target", "method", "seed")
ALLOWED = (*NEEDED, "igcore", "image", "model_sha256", "label", "rules", "score", "baseline_score", "sum", "command")

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a recipe asks for.

    Attributes
    ----------
    model : str
    fit : {"crop", "pad", "stretch"}
    target : int
    method : str
        Key of `METHODS`.
    settings : dict
        Of the method, as it describes them.
    seed : int
    rules : tuple of str
        The integrators to compute on shared nodes, in order; empty where the method's own has nodes to itself.
    version, image_sha256, model_sha256 : str or None
        Of the run that wrote it, as far as it says.
    """

    model: str
    fit: Fit
    target: int
    method: str
    settings: dict[str, Any]
    seed: int
    rules: tuple[str, ...] = ()
    version: str | None = None
    image_sha256: str | None = None
    model_sha256: str | None = None

    @property
    def baselines(self) -> tuple[dict[str, Any], ...]:
        """The baselines, described; of a method with one baseline that one."""
        one = (self.settings["baseline"],) if "baseline" in self.settings else ()
        return (*one, *self.settings.get("baselines", ()))

    @property
    def pictures(self) -> tuple[str, ...]:
        """The digests of baselines that are images of somebody's own, which the recipe does not hold."""
        return tuple(one["sha256"] for one in self.baselines if one["key"] == GivenImage.key)

    def method_settings(self, pictures: Mapping[str, Array]) -> Method:
        """Return the settings of the method.

        Parameters
        ----------
        pictures : mapping of str to (H, W, 3) float32
            An image for each of `self.pictures`.

        Raises
        ------
        InputError
            Where a setting cannot be used.
        """
        return settings_of(self.method, self.settings, {key: GivenImage(image) for key, image in pictures.items()})


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """Read what `igcore.recipe.make_recipe` gave, or somebody wrote, from a JSON file of at most `MAX_BYTES`.

    Raises
    ------
    InputError
        In one line, where the file cannot be read, is no recipe, or asks for what cannot be done.
    """
    name = os.fspath(path)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read {name!r}: {getattr(error, 'strerror', None) or error}; choose another"
        ) from error
    if len(data) > MAX_BYTES:
        raise InputError(f"{name!r} is larger than {MAX_BYTES / 1e6:g} MB, so it holds no settings; choose another")
    try:
        told = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_number)
        if not isinstance(told, dict):
            raise InputError(f"it holds {shown(told)}; expected an object of settings")
        return _recipe(told)
    except InputError as error:
        raise InputError(f"{name!r} cannot be used: {str(error)[:400]}") from error
    except RecursionError:
        raise InputError(f"{name!r} cannot be used: it is nested too deeply; expected an object of settings") from None
    except ValueError as error:
        raise InputError(f"{name!r} is not JSON ({str(error)[:200]}); choose a file of settings") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object whose names are all different."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise InputError(f"it says {shown(name)} twice; leave one out")
        found[name] = value
    return found


def _no_number(text: str) -> NoReturn:
    raise InputError(f"it holds {text}; expected finite numbers")


def _recipe(told: dict[str, Any]) -> Recipe:
    """Check everything that is said, and that all is said."""
    _need(NEEDED, told)
    method = check_text("method", told["method"])
    integrator = check_text("integrator", told["integrator"]) if "integrator" in told else None
    names = setting_names(method, integrator)
    unknown = [name for name in told if name not in ALLOWED and name not in names]
    if unknown:
        raise InputError(f"it says {shown(unknown[0])}, which is no setting of method {method}; leave it out")
    _need(names, told)
    settings = {name: check_setting(method, name, told[name]) for name in names}
    settings_of(method, settings)
    fit = check_text("fit", told["fit"])
    if fit not in FITS:
        raise InputError(f"fit is {shown(fit)}; expected one of {', '.join(FITS)}")
    _check_facts(told)
    image, model_sha256 = told.get("image") or {}, told.get("model_sha256")
    image_sha256 = image.get("decoded_sha256")
    return Recipe(
        model=check_text("model", told["model"]),
        fit=cast(Fit, fit),
        target=_whole("target", told["target"]),
        method=method,
        settings=settings,
        seed=_whole("seed", told["seed"]),
        rules=_rules(told.get("rules", []), integrator, settings.get("steps")),
        version=told.get("igcore"),
        image_sha256=None if image_sha256 is None else check_digest("decoded_sha256", image_sha256),
        model_sha256=None if model_sha256 is None else check_digest("model_sha256", model_sha256),
    )


def _need(names: tuple[str, ...], told: Mapping[str, Any]) -> None:
    for name in names:
        if name not in told:
            raise InputError(f"it leaves out {name}; settings say all, so that nothing is guessed")


def _check_facts(told: Mapping[str, Any]) -> None:
    """Check what is told of the run that wrote the recipe."""
    image = told.get("image")
    if image is not None and not (isinstance(image, dict) and {*image} <= {"name", "bundled", "decoded_sha256"}):
        raise InputError(f"image is {shown(image)}; expected an object of name, bundled and decoded_sha256")
    texts = {**{name: told.get(name) for name in ("igcore", "label", "command")}, **(image or {})}
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise InputError(f"{name} is {shown(text)}; expected a text")
    for name in ("score", "baseline_score", "sum"):
        number = told.get(name)
        if number is not None and type(number) not in (int, float):
            raise InputError(f"{name} is {shown(number)}; expected a number")


def _whole(name: str, value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise InputError(f"{name} is {shown(value)}; expected a whole number of 0 or more")
    return value


def _rules(rules: Any, integrator: str | None, steps: Any) -> tuple[str, ...]:
    if not isinstance(rules, list) or not all(isinstance(rule, str) and rule in FIXED for rule in rules):
        raise InputError(f"rules is {shown(rules)}; expected a list of {', '.join(FIXED)}")
    if rules and (integrator not in rules or len({*rules}) < len(rules)):
        raise InputError("rules has to name each integrator once, that of the settings among them")
    for rule in rules:
        FIXED[rule].check_steps(steps)
    return tuple(rules)
