"""The option --settings: a recipe's file stands for other options, and those beside it must not say otherwise."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from igcore import __version__
from igcore.baselines import GivenImage, as_baseline, describe_baseline
from igcore.described import shown
from igcore.errors import InputError
from igcore.images import digest, load_image
from igcore.integrators import FIXED
from igcore.method_options import given_settings, written_method
from igcore.methods import IntegratedGradients, Method
from igcore.models import catalogue
from igcore.recipe_file import Recipe, read_recipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from igcore.models import ModelSpec

__all__ = ["check_model", "differences", "model_of", "pictures_of", "recipe_of", "rules_of", "target_of"]

#: Of an option that names an image file.
IMAGE = f"{GivenImage.key}:"


def recipe_of(options: argparse.Namespace) -> Recipe:
    """Read the file of --settings, and hold the other options against it.

    Raises
    ------
    InputError
        Where the file is no recipe, or an option says otherwise; the message names it.
    """
    recipe = read_recipe(options.settings)
    for name, given, told in _pairs(options, recipe):
        if given != told:
            flag = "--no-correct" if name == "correct" and given is False else f"--{name.replace('_', '-')}"
            says = "says nothing of it" if told is None else f"says {_words(told)}"
            raise InputError(f"{flag} contradicts {options.settings!r}, which {says}; leave the option out")
    return recipe


def rules_of(options: argparse.Namespace, method: Method) -> tuple[str, ...]:
    """Return the integrators that --rules names, in its order, the method's own among them; none without the option.

    Raises
    ------
    InputError
        Where they cannot share nodes.
    """
    named = _named_rules(options)
    if not named:
        return ()
    if not isinstance(method, IntegratedGradients):
        raise InputError(f"method {method.key} takes no --rules; leave it out")
    own = [] if method.integrator in named else [method.integrator]
    rules = tuple(dict.fromkeys((*own, *named)))
    for rule in rules:
        if rule not in FIXED:
            raise InputError(f"integrator {rule} shares no nodes; --rules takes of {', '.join(FIXED)}")
        FIXED[rule].check_steps(method.steps)
    return rules


def model_of(options: argparse.Namespace, recipe: Recipe) -> str:
    """Return the handle of the model to load.

    Raises
    ------
    InputError
        Where a recipe names a model outside of the catalogue that the command line does not name: a model is code.
    """
    given: str | None = options.model
    if given is not None:
        return given
    if recipe.model not in catalogue():
        raise InputError(
            f"{options.settings!r} asks for model {shown(recipe.model)}, which the catalogue does not hold; a model "
            "is code, so if you trust it, name it by --model"
        )
    return recipe.model


def pictures_of(options: argparse.Namespace, recipe: Recipe, size: tuple[int, int]) -> dict[str, NDArray[np.float32]]:
    """Read the baselines that are images, which a recipe knows by their digest alone, from the files of --baseline.

    Raises
    ------
    InputError
        Where one is not named, or is another picture.
    """
    flag = "--baselines" if "baselines" in recipe.settings else "--baseline"
    found = {}
    for text in _texts(options):
        if text.startswith(IMAGE):
            image = load_image(text.removeprefix(IMAGE), size, recipe.fit)
            found[GivenImage(image).digest] = image
            if GivenImage(image).digest not in recipe.pictures:
                raise InputError(
                    f"{flag} {text} is not the picture of {options.settings!r}: its decoded SHA-256 differs from "
                    f"{recipe.pictures[0]}; choose the file that was used"
                )
    for wanted in recipe.pictures:
        if wanted not in found:
            raise InputError(
                f"{options.settings!r} compares with an image that it does not hold, decoded SHA-256 {wanted}; "
                f"name its file by {flag} {IMAGE}FILE"
            )
    return found


def target_of(options: argparse.Namespace, recipe: Recipe, spec: ModelSpec) -> int:
    """Return the class of a recipe; --target may say the same by name.

    Raises
    ------
    InputError
        Where there is no such class, or --target names another one.
    """
    if spec.find(recipe.target if options.target is None else options.target) != recipe.target:
        raise InputError(f"--target contradicts {options.settings!r}, which says {recipe.target}; leave the option out")
    return recipe.target


def check_model(options: argparse.Namespace, recipe: Recipe, spec: ModelSpec) -> None:
    """Raise `InputError` where --model names another model than the recipe's; by another path it may lie elsewhere."""
    if recipe.model != spec.key and (not spec.sha256 or recipe.model_sha256 != spec.sha256):
        raise InputError(f"--model contradicts {options.settings!r}: it is not the model of that run; choose that one")


def differences(
    options: argparse.Namespace, recipe: Recipe, image: NDArray[np.float32], spec: ModelSpec
) -> Iterator[str]:
    """Tell in one line each what is not as it was when the recipe was written, so that the result may differ."""
    if recipe.image_sha256 is not None and recipe.image_sha256 != digest(image):
        yield f"{options.image!r} is not the image of {options.settings!r}: its decoded SHA-256 differs"
    if recipe.model_sha256 is not None and spec.sha256 and recipe.model_sha256 != spec.sha256:
        yield f"model {spec.key} has other weights than that of {options.settings!r}: its SHA-256 differs"
    if recipe.version is not None and recipe.version != __version__:
        yield f"{options.settings!r} was written by igcore {shown(recipe.version)}, and this is {__version__}"


def _pairs(options: argparse.Namespace, recipe: Recipe) -> Iterator[tuple[str, Any, Any]]:
    """Yield the name of each given option, what it says, and what the recipe says, of those that need no model."""
    if options.model is not None and recipe.model in catalogue():
        yield "model", options.model, recipe.model
    for name in ("fit", "seed"):
        if getattr(options, name) is not None:
            yield name, getattr(options, name), getattr(recipe, name)
    if options.rules is not None:
        yield "rules", _named_rules(options), list(recipe.rules)
    if options.method is not None:
        key, written = written_method(options.method)
        yield "method", key, recipe.method
        for name, value in written.items():
            yield "method", value, recipe.settings.get(name)
    for name, value in given_settings(options).items():
        if name not in ("baseline", "baselines"):
            yield name, value, recipe.settings.get(name)
        else:
            yield from _baseline_pairs(name, _texts(options), recipe)


def _baseline_pairs(name: str, texts: Sequence[str], recipe: Recipe) -> Iterator[tuple[str, Any, Any]]:
    """Yield the named baselines, and the recipe's; files alone only say where its images are, which is seen later."""
    told = recipe.settings.get(name)
    if told is None or not recipe.pictures or not all(text.startswith(IMAGE) for text in texts):
        given = [
            {"key": GivenImage.key} if text.startswith(IMAGE) else describe_baseline(as_baseline(text))
            for text in texts
        ]
        said = [{"key": one["key"]} if "sha256" in one else one for one in recipe.baselines]
        yield name, given, said if told is not None else None


def _named_rules(options: argparse.Namespace) -> list[str]:
    return [] if options.rules is None else [rule for rule in options.rules.split(",") if rule]


def _texts(options: argparse.Namespace) -> list[str]:
    one = [] if options.baseline is None else [options.baseline]
    return [*one, *(options.baselines or [])]


def _words(told: Any) -> str:
    """Say a setting in few words."""
    if isinstance(told, list):
        return ", ".join(map(_words, told)) or "none"
    return str(told["key"]) if isinstance(told, dict) else str(told)
