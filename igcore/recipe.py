"""Recipes: all that an attribution depends on, as values that JSON can hold, and the command that repeats it."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from igcore import __version__
from igcore.baselines import BASELINES, GivenImage
from igcore.errors import InputError
from igcore.images import Fit, digest
from igcore.integrators import FIXED
from igcore.methods import METHODS
from igcore.registry import read_values
from igcore.results import Attribution

__all__ = ["FLAGS", "Origin", "command_line", "has_recipe", "make_recipe", "printable", "setting_names"]

#: Settings of a method that have an option of their own; others go with its key.
FLAGS = (
    *("baseline", "baselines", "integrator", "steps", "of"),
    *("tolerance", "map_tolerance", "max_gradients", "correct"),
)

#: Categories of characters that a reader does not see, and those among them that scripts and emoji need.
HIDDEN, JOINERS = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")), "\u200c\u200d"

#: What a command calls a file of which no more is known.
FILE, SETTINGS_FILE = "FILE", "settings.json"


@dataclass(frozen=True)
class Origin:
    """Where an image came from, and how it was brought to the model's size.

    Attributes
    ----------
    name : str
        As a person knows it.
    bundled : str or None
        Key of `PHOTOS`; None for a file of somebody's own.
    fit : {"crop", "pad", "stretch"}
    file : str or None
        What the command calls a file that is not bundled; ``FILE`` without.
    """

    name: str
    bundled: str | None = None
    fit: Fit = "crop"
    file: str | None = None

    @property
    def source(self) -> str:
        """The image as the command names it."""
        if self.bundled is not None:
            return self.bundled
        if self.file is None or self.file != printable(self.file):
            return FILE
        return f"./{self.file}" if self.file.startswith("-") else self.file


def make_recipe(
    attribution: Attribution, origin: Origin, rules: Sequence[str] = (), model_sha256: str = ""
) -> dict[str, Any]:
    """Say all that an attribution depends on, what came out, and the command that repeats it.

    Parameters
    ----------
    attribution : Attribution
    origin : Origin
        Of its image.
    rules : sequence of str
        The integrators that were computed on shared nodes, its own among them, in the order in which
        `explain_by_rules` was given them: the last bits depend on them.
    model_sha256 : str
        ``model.spec.sha256``; empty where it is not known.

    Returns
    -------
    dict
        igcore, image {name, bundled, decoded_sha256}, fit, model, model_sha256, target, label, method, the method's
        settings and the seed, rules where several shared nodes, score, baseline_score, sum, command.

    Raises
    ------
    InputError
        Where no single run gives the attribution, as of a mean over baselines; see `has_recipe`.
    """
    if not has_recipe(attribution):
        raise InputError(
            f"no single run of method {attribution.method} gives this map; make recipes of the maps that it was made of"
        )
    told: dict[str, Any] = {
        "igcore": __version__,
        "image": {
            "name": printable(origin.name),
            "bundled": origin.bundled,
            "decoded_sha256": digest(attribution.image),
        },
        "fit": origin.fit,
        "model": attribution.model,
        "model_sha256": model_sha256 or None,
        "target": attribution.target,
        "label": attribution.label,
        "method": attribution.method,
        **attribution.settings,
    }
    if len(rules) > 1:
        told["rules"] = _checked(rules, attribution)
    numbers = {"score": attribution.score, "baseline_score": attribution.baseline_score, "sum": attribution.sum}
    return {**told, **numbers, "command": command_line(told, origin.source)}


def has_recipe(attribution: Attribution) -> bool:
    """Whether one run gives the attribution: its settings are exactly those that its method describes."""
    if attribution.method not in METHODS:
        return False
    settings = attribution.settings
    return {*settings} == {*setting_names(attribution.method, settings.get("integrator")), "seed"}


def setting_names(method: str, integrator: str | None = None) -> tuple[str, ...]:
    """Return the names of the settings that a method describes; those of Integrated Gradients depend on the integrator.

    Raises
    ------
    UnknownKeyError
    """
    settings = METHODS[method].settings
    if integrator is None or "integrator" not in settings.__dataclass_fields__:
        return tuple(settings().describe())
    return tuple(settings(integrator=integrator).describe())


def command_line(recipe: dict[str, Any], source: str = FILE) -> str:
    """Return the command that repeats a recipe, quoted for a POSIX shell.

    Parameters
    ----------
    recipe : dict
        As `make_recipe` gives it.
    source : str
        The image, as the command names it.

    Notes
    -----
    A value that no option can spell, such as a layer's name with a comma in it, is left to the recipe's own file.
    """
    words = ["python", "-m", "igcore", "explain", shlex.quote(source)]
    asked = _asked(recipe)
    if asked is None:
        return " ".join([*words, "--settings", SETTINGS_FILE, "--out", "attribution.npz"])
    words += ["--model", shlex.quote(recipe["model"]), "--fit", recipe["fit"], "--target", str(recipe["target"])]
    words += asked
    if "rules" in recipe:
        words += ["--rules", ",".join(recipe["rules"])]
    return " ".join([*words, "--seed", str(recipe["seed"]), "--out", "attribution.npz"])


def printable(text: str) -> str:
    """Replace what cannot be shown, such as line ends, marks that turn the direction, and bytes of no character."""

    def is_hidden(letter: str) -> bool:
        return unicodedata.category(letter) in HIDDEN and letter not in JOINERS

    return "".join("\ufffd" if is_hidden(letter) else letter for letter in text)


def _checked(rules: Sequence[str], attribution: Attribution) -> list[str]:
    own = attribution.settings.get("integrator")
    if own not in rules or not {*rules} <= {*FIXED}:
        raise InputError(f"rules is {', '.join(rules)}; expected fixed integrators, {own} among them")
    return list(rules)


def _asked(recipe: dict[str, Any]) -> list[str] | None:
    """Return the options that say a method and its settings, quoted; None where they cannot."""
    spec = METHODS[recipe["method"]]
    named = setting_names(spec.key, recipe.get("integrator"))
    own = {name: recipe[name] for name in named if name not in FLAGS and recipe[name] != ""}
    method = _spelled(spec.key, spec.settings, own)
    words: list[str | None] = ["--method", None if method is None else shlex.quote(method)]
    for name in named:
        value, flag = recipe[name], f"--{name.replace('_', '-')}"
        if name == "baseline":
            words += [flag, _baseline(value)]
        elif name == "baselines":
            words += [flag, *map(_baseline, value)]
        elif name == "correct":
            words += [flag if value else "--no-correct"]
        elif name in FLAGS and not (name == "of" and spec.settings.only_of):
            words += [flag, str(value)]
    spelled = [word for word in words if word is not None]
    return spelled if len(spelled) == len(words) else None


def _baseline(told: dict[str, Any]) -> str | None:
    """Write a described baseline as the command line takes it, in quotes; None where it cannot be."""
    key = told["key"]
    if key == GivenImage.key:
        return f"'{key}:{FILE}'"
    values = {name: value for name, value in told.items() if name != "key" and value is not None}
    text = _spelled(key, BASELINES[key].settings, values)
    return None if text is None else f"'{text}'" if "'" not in text else shlex.quote(text)


def _spelled(key: str, settings: Any, values: dict[str, Any]) -> str | None:
    """Write ``key:name=value,…``; None where that would be read as something else."""
    text = ",".join(f"{name}={value}" for name, value in values.items())
    try:
        same = read_values(key, settings, text) == values
    except InputError:
        same = False
    return f"{key}:{text}" if same and text else key if same else None
