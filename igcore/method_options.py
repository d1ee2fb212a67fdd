"""From the command line's options to a method's settings."""

from __future__ import annotations

import argparse
import itertools
from typing import Any

from igcore.baselines import BASELINES, GivenImage, as_baseline
from igcore.errors import InputError
from igcore.heatmaps import SIGNS, Drawing
from igcore.images import load_image
from igcore.integrators import INTEGRATORS
from igcore.methods import METHODS, IntegratedGradients, Method
from igcore.recipe import FLAGS
from igcore.registry import read_values

__all__ = [
    "add_method_options",
    "add_several_methods",
    "add_sign",
    "drawing_of",
    "given_settings",
    "method_of",
    "methods_of",
    "written_method",
]

#: The method where none is given.
DEFAULT = "ig"


def add_method_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that `method_of` reads, but for --fit."""
    parser.add_argument(
        "--method",
        metavar="KEY[:name=value,…]",
        help="attribution method, for instance occlusion-patch:size=16 (default: ig); the command methods lists all",
    )
    parser.add_argument(
        "--baseline",
        metavar="KEY[:name=value,…]",
        help=f"{', '.join(BASELINES)}; for instance blur:sigma=10 or image:FILE (default: black)",
    )
    parser.add_argument(
        "--baselines",
        nargs="+",
        metavar="KEY[:name=value,…]",
        help="of methods that average over a set, for instance black white blur:sigma=10",
    )
    parser.add_argument("--integrator", choices=list(INTEGRATORS), help="default: trapezoid")
    parser.add_argument("--steps", type=int, metavar="N", help="of a fixed integrator (default: 50)")
    parser.add_argument(
        "--tolerance", type=float, metavar="SHARE", help="adaptive: completeness to stop at (default: 0.01)"
    )
    parser.add_argument(
        "--map-tolerance", type=float, metavar="SHARE", help="adaptive: map error to stop at (default: 0.05)"
    )
    parser.add_argument("--max-gradients", type=int, metavar="N", help="adaptive: stop there anyway (default: 512)")
    parser.add_argument(
        "--correct",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="spread what the sum is off over the map (default: adaptive yes, others no)",
    )
    parser.add_argument("--of", choices=("probability", "logit"), help="default: probability")


def add_several_methods(parser: argparse.ArgumentParser) -> None:
    """Add the options that `methods_of` reads, but for --fit."""
    written = "KEY[:name=value,…]"
    for flag, help in (
        ("--method", "methods to test, for instance ig grad-cam shapley (default: ig)"),
        ("--baseline", "of the methods that take one; each of several is tested"),
        ("--baselines", "of methods that average over a set"),
    ):
        parser.add_argument(flag, nargs="+", action="extend", metavar=written, help=help)
    parser.add_argument(
        "--integrator",
        nargs="+",
        action="extend",
        choices=list(INTEGRATORS),
        help="of the methods that take one; each of several is tested",
    )
    parser.add_argument("--steps", type=int, metavar="N", help="of a fixed integrator (default: 50)")
    parser.add_argument("--of", choices=("probability", "logit"), help="default: probability")


def add_sign(parser: argparse.ArgumentParser) -> None:
    """Add the option that `drawing_of` reads."""
    parser.add_argument("--sign", choices=SIGNS, default="absolute", help="what the overlay shows (default: absolute)")


def drawing_of(options: argparse.Namespace) -> Drawing:
    """Return how overlays are drawn."""
    return Drawing(options.sign, "red-blue" if options.sign == "signed" else "inferno")


def method_of(options: argparse.Namespace, size: tuple[int, int]) -> Method:
    """Build the method's settings from the options that were given.

    Parameters
    ----------
    options : argparse.Namespace
        Of the command explain.
    size : (height, width)
        Of the model's input, for a baseline that is read from a file.

    Raises
    ------
    InputError
        Where a setting cannot be used, or the method would not read it.
    """
    key, written = written_method(DEFAULT if options.method is None else options.method)
    spec, given = METHODS[key], given_settings(options)
    known = spec.settings.__dataclass_fields__
    for name in given:
        if name not in known:
            raise InputError(f"method {key} takes no --{name.replace('_', '-')}; leave it out")
        if name in written:
            raise InputError(f"{name} is given twice, by --method and by --{name.replace('_', '-')}; leave one out")
    given |= written
    if "integrator" in known:
        _check_fit(given)
    if "baseline" in given:
        given["baseline"] = _baseline(given["baseline"], size, options.fit)
    if "baselines" in given:
        given["baselines"] = tuple(_baseline(text, size, options.fit) for text in given["baselines"])
    settings: Method = spec.settings(**given)
    return settings


def methods_of(options: argparse.Namespace, size: tuple[int, int]) -> dict[str, Method]:
    """Build settings of several methods, each with every baseline and integrator that was given and that it takes.

    Parameters
    ----------
    options, size
        As in `method_of`; method, baseline and integrator are lists.

    Returns
    -------
    dict of str to method's settings
        By a name that tells apart what differs.

    Raises
    ------
    InputError
        Where a setting cannot be used, or two are the same.
    """
    found: dict[str, Method] = {}
    for written in options.method or [DEFAULT]:
        takes = METHODS[written_method(written)[0]].settings.__dataclass_fields__
        chosen = {
            name: getattr(options, name) or [None] if name in takes else [None] for name in ("baseline", "integrator")
        }
        for baseline, integrator in itertools.product(chosen["baseline"], chosen["integrator"]):
            fitting = integrator is None or "steps" in INTEGRATORS[integrator].takes
            asked = {name: getattr(options, name, None) if name in takes else None for name in FLAGS}
            asked |= {"method": written, "baseline": baseline, "integrator": integrator, "fit": options.fit}
            asked["steps"] = asked["steps"] if fitting else None
            parts = [part for part, several in zip((baseline, integrator), chosen.values(), strict=True) if several[1:]]
            name = ", ".join([written, *parts])
            if name in found:
                raise InputError(f"{name} is given twice; leave one out")
            found[name] = method_of(argparse.Namespace(**asked), size)
    return found


def written_method(text: str) -> tuple[str, dict[str, Any]]:
    """Read ``KEY:name=value,…``: the method's key, and the settings that go with it."""
    key, _, rest = text.partition(":")
    return key, read_values(f"method {key}", METHODS[key].settings, rest)


def given_settings(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that were given by options of their own, as they were given."""
    given = {name: getattr(options, name) for name in FLAGS}
    return {name: value for name, value in given.items() if value is not None}


def _baseline(text: str, size: tuple[int, int], fit: Any) -> Any:
    kind, _, rest = text.partition(":")
    return load_image(rest, size, fit) if kind == GivenImage.key and rest else as_baseline(text)


def _check_fit(given: dict[str, Any]) -> None:
    """Refuse a setting that the integrator would not read."""
    integrator = INTEGRATORS[given.get("integrator", IntegratedGradients.integrator)]
    for name in ("steps", "tolerance", "map_tolerance", "max_gradients"):
        if name in given and name not in integrator.takes:
            flag = name.replace("_", "-")
            fitting = ", ".join(key for key, one in INTEGRATORS.items() if name in one.takes)
            raise InputError(
                f"integrator {integrator.key} takes no --{flag}; leave it out, or take --integrator {fitting}"
            )
