"""The command explain: one class of one image, by options or by a recipe's file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from igcore.checks import completeness_verdict
from igcore.errors import InputError
from igcore.files import write_whole
from igcore.heatmaps import overlay_picture
from igcore.image_options import DEFAULT_FIT, add_image_options, bundled_key, image_path, quietly_loaded
from igcore.images import Fit, load_image, png_bytes
from igcore.method_options import add_method_options, add_sign, drawing_of, method_of
from igcore.methods import IntegratedGradients, Method
from igcore.models import Model
from igcore.recipe import Origin, make_recipe
from igcore.results import Attribution, Progress
from igcore.speed import Cost
from igcore.terminal import progress_bar

__all__ = ["add_explain"]

#: Options that name a file to write.
OUTPUTS = ("out", "png", "report", "save_settings")


def add_explain(commands: Any) -> None:
    """Add the command."""
    explain = commands.add_parser("explain", help="explain one class of one image")
    add_image_options(explain)
    add_method_options(explain)
    explain.add_argument("--target", metavar="N|NAME", help="class to explain (default: the top class)")
    explain.add_argument("--seed", type=int, help="of everything random (default: 0)")
    explain.add_argument(
        "--rules",
        metavar="KEY,…",
        help="fixed integrators to compute on shared nodes, as the dashboard does with left,right,trapezoid,simpson; "
        "the last bits of --integrator left and right depend on it",
    )
    explain.add_argument(
        "--settings",
        metavar="FILE.json",
        help="repeat the run that wrote this file, to the last bit: it stands for model, fit, target, method and seed",
    )
    explain.add_argument("--out", metavar="FILE.npz", help="save the attribution")
    explain.add_argument("--png", metavar="FILE.png", help="save the overlay")
    explain.add_argument("--report", metavar="FILE.html", help="save a page to read, to send and to print")
    explain.add_argument("--save-settings", metavar="FILE.json", help="save what --settings takes")
    add_sign(explain)
    explain.set_defaults(run=_explain)


@dataclass(frozen=True, eq=False)
class _Work:
    """What is to be computed, read and checked."""

    model: Model
    image: NDArray[np.float32]
    fit: Fit
    method: Method
    target: int | str | None
    seed: int
    rules: tuple[str, ...]

    def done(self, on_progress: Callable[[Progress], None] | None) -> Attribution:
        """Compute it."""
        from igcore.explanation import explain, explain_by_rules

        model, image, method = self.model, self.image, self.method
        if not (self.rules and isinstance(method, IntegratedGradients)):
            return explain(model, image, method, self.target, self.seed, on_progress)
        by_rule = explain_by_rules(model, image, method, self.rules, self.target, self.seed, on_progress)
        return by_rule[method.integrator]


def _explain(options: argparse.Namespace) -> None:
    outputs = _outputs(options)
    if len({*outputs}) < len(outputs):
        raise InputError("two files to write have one name; give each its own")
    for path in outputs:
        if not os.path.isdir(os.path.dirname(path) or "."):
            raise InputError(f"there is no folder {os.path.dirname(path)!r} to write {path!r} into; make it first")
    work = _by_options(options) if options.settings is None else _by_recipe(options)
    with progress_bar(not options.json) as told:
        result = work.done(told)
    _write(options, result, work)
    if options.json:
        print(json.dumps(_facts(result), ensure_ascii=False))
    else:
        _tell(result)


def _by_options(options: argparse.Namespace) -> _Work:
    from igcore.settings_options import rules_of

    options.fit = options.fit or DEFAULT_FIT
    seed = options.seed or 0
    if seed < 0:
        raise InputError(f"--seed is {seed}; expected a whole number of 0 or more")
    rules = rules_of(options, method_of(options, (8, 8)))  # a wrong setting is said before the model is loaded
    path = image_path(options.image)
    load_image(path, (8, 8), options.fit)
    model = quietly_loaded(options.model)
    size = model.spec.input_size
    image, method = load_image(path, size, options.fit), method_of(options, size)
    return _Work(model, image, options.fit, method, options.target, seed, rules)


def _by_recipe(options: argparse.Namespace) -> _Work:
    from igcore.settings_options import check_model, differences, model_of, pictures_of, recipe_of, target_of

    recipe = recipe_of(options)
    path = image_path(options.image)
    load_image(path, (8, 8), recipe.fit)
    model = quietly_loaded(model_of(options, recipe))
    size = model.spec.input_size
    check_model(options, recipe, model.spec)
    target = target_of(options, recipe, model.spec)
    method = recipe.method_settings(pictures_of(options, recipe, size))
    image = load_image(path, size, recipe.fit)
    for difference in differences(options, recipe, image, model.spec):
        print(f"igcore: warning: {difference}", file=sys.stderr)
    return _Work(model, image, recipe.fit, method, target, recipe.seed, recipe.rules)


def _outputs(options: argparse.Namespace) -> list[str]:
    """Return the files to write."""
    return [path for name in OUTPUTS if (path := getattr(options, name))]


def _write(options: argparse.Namespace, result: Attribution, work: _Work) -> None:
    """Write the files that were asked for: all of them or none."""
    drawing, spec = drawing_of(options), work.model.spec
    name = os.path.basename(options.image)
    origin = Origin(name, bundled_key(options.image), work.fit, name)
    files: dict[str, bytes] = {}
    if options.png:
        files[options.png] = png_bytes(overlay_picture(result.values, result.image, drawing))
    if options.save_settings:
        recipe = make_recipe(result, origin, work.rules, spec.sha256)
        files[options.save_settings] = json.dumps(recipe, indent=2, ensure_ascii=False).encode()
    if options.report:
        from igcore.report import Part, report_html

        scores = work.model.scores(result.image[None])[0]
        files[options.report] = report_html([Part(result, rules=work.rules)], origin, spec, scores, drawing).encode()
    if options.out:
        files[options.out] = result.to_bytes()
    written: list[str] = []
    for path, data in files.items():
        new = not os.path.exists(path)
        try:
            write_whole(path, data)
        except InputError:
            for other in written:
                os.unlink(other)
            raise
        if new:
            written.append(path)


def _facts(result: Attribution) -> dict[str, Any]:
    return {
        "model": result.model,
        "method": result.method,
        "target": result.target,
        "label": result.label,
        "score": result.score,
        "baseline_score": result.baseline_score,
        "sum": result.sum,
        "completeness_error": result.completeness_error,
        "relative_completeness_error": result.relative_completeness_error,
        "map_error": result.map_error,
        "correction": result.correction,
        "converged": result.converged,
        "additive": result.additive,
        "by_construction": result.by_construction,
        "absorbed": None if result.absorbed is None else sum(result.absorbed.values()),
        "gradient_count": result.gradient_count,
        "forward_count": result.forward_count,
        "seconds": result.seconds,
        **result.settings,
    }


def _tell(result: Attribution) -> None:
    print(f"{result.label} ({result.target}): F(x) = {result.score:.4f}", end="")
    if result.baseline_score is not None:
        print(f", F(x′) = {result.baseline_score:.4f}, Σ attributions = {result.sum:.4f}", end="")
    print()
    print(completeness_verdict(result).text)
    if result.converged is not None and result.correction and result.score_difference:
        share = abs(result.correction / result.score_difference)
        print(f"Corrected by {result.correction:+.2g} ({share:.1%}): complete by construction, which is no evidence.")
    if result.map_error is not None and result.converged is None and result.correction is None:
        print(f"The map itself is about {result.map_error:.1%} away from the converged one.")
    spent = str(Cost(result.forward_count, result.gradient_count)) or "one pass"
    print(f"{spent} in {result.seconds:.1f} s")
