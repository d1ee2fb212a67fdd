"""The command line: models, methods, fetch, predict, explain, batch."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from igcore import __version__
from igcore.batch_command import add_batch
from igcore.checks import completeness_verdict
from igcore.errors import IGError, InputError
from igcore.files import write_whole
from igcore.heatmaps import overlay_picture
from igcore.images import FITS, load_image, png_bytes
from igcore.listings import list_methods, list_models
from igcore.method_options import add_method_options, add_sign, drawing_of, method_of
from igcore.models import DEFAULT_MODEL, entry_for, fetch, load_model, missing
from igcore.noise import quiet
from igcore.photos import PHOTOS
from igcore.results import Attribution
from igcore.speed import Cost
from igcore.terminal import progress_bar

if TYPE_CHECKING:
    from igcore.models.network import TensorFlowModel

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # One line, where argparse would print the usage first.
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, 1 for our fault, 2 for the caller's."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except IGError as error:
        print(f"igcore: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        print("igcore: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader went away; leave nothing for the interpreter to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m igcore", description="Integrated Gradients on images.")
    parser.add_argument("--version", action="version", version=f"igcore {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_models(commands)
    _add_methods(commands)
    _add_fetch(commands)
    _add_predict(commands)
    _add_explain(commands)
    add_batch(commands)
    return parser


def _add_models(commands: Any) -> None:
    models = commands.add_parser("models", help="list the catalogue")
    models.add_argument("--json", action="store_true", help="print one JSON object")
    models.set_defaults(run=list_models)


def _add_methods(commands: Any) -> None:
    methods = commands.add_parser("methods", help="list the attribution methods")
    form = methods.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--markdown", action="store_true", help="print the table of the README")
    methods.set_defaults(run=list_methods)


def _add_fetch(commands: Any) -> None:
    fetching = commands.add_parser("fetch", help="download a model ahead of a class")
    fetching.add_argument("key", metavar="KEY", help="a key of the catalogue, or a TF-Hub address")
    fetching.add_argument("--seconds", type=float, help="time limit (default: 120)")
    fetching.set_defaults(run=_fetch)


def _add_image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", metavar="IMAGE", help=f"a JPEG, PNG or WebP file, or one of {', '.join(PHOTOS)}")
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="KEY", help="catalogue key, TF-Hub address, folder or .keras file"
    )
    parser.add_argument(
        "--fit", choices=FITS, default="crop", help="how to reach the model's aspect ratio (default: crop)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def _add_predict(commands: Any) -> None:
    predict = commands.add_parser("predict", help="name the classes that a model sees")
    _add_image(predict)
    predict.add_argument("--top", type=int, default=5, metavar="N", help="how many classes (default: 5)")
    predict.set_defaults(run=_predict)


def _add_explain(commands: Any) -> None:
    explain = commands.add_parser("explain", help="explain one class of one image")
    _add_image(explain)
    add_method_options(explain)
    explain.add_argument("--target", metavar="N|NAME", help="class to explain (default: the top class)")
    explain.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    explain.add_argument("--out", metavar="FILE.npz", help="save the attribution")
    explain.add_argument("--png", metavar="FILE.png", help="save the overlay")
    add_sign(explain)
    explain.set_defaults(run=_explain)


def _fetch(options: argparse.Namespace) -> None:
    entry = entry_for(options.key)
    if missing(entry) is None:
        print(f"{entry.title} is here already")
        return
    print(f"fetching {entry.title} …", flush=True)
    fetch(entry, options.seconds)
    with quiet():
        load_model(options.key)
    print(f"{entry.title} is here, loads, and has scores and a gradient")


def _predict(options: argparse.Namespace) -> None:
    if options.top < 1:
        raise InputError(f"--top is {options.top}; expected 1 or more")
    model = _load(options)
    image = load_image(_image_path(options.image), model.spec.input_size, options.fit)
    scores = model.scores(image[None])[0]
    order = scores.argsort()[::-1][: options.top]
    top = [{"target": int(i), "label": model.spec.label(int(i)), "score": float(scores[i])} for i in order]
    if options.json:
        print(json.dumps({"model": model.spec.key, "top": top}, ensure_ascii=False))
        return
    for row in top:
        print(f"{row['score']:7.1%}  {row['label']} ({row['target']})")


def _explain(options: argparse.Namespace) -> None:
    from igcore.explanation import explain

    for path in filter(None, (options.out, options.png)):
        if not os.path.isdir(os.path.dirname(path) or "."):
            raise InputError(f"there is no folder {os.path.dirname(path)!r} to write {path!r} into; make it first")
    if options.seed < 0:
        raise InputError(f"--seed is {options.seed}; expected a whole number of 0 or more")
    method_of(options, (8, 8))  # a wrong setting is said before the model is loaded
    path = _image_path(options.image)
    load_image(path, (8, 8), options.fit)
    model = _load(options)
    method = method_of(options, model.spec.input_size)
    image = load_image(path, model.spec.input_size, options.fit)
    with progress_bar(not options.json) as told:
        result = explain(model, image, method, options.target, options.seed, on_progress=told)
    _write(options, result)
    if options.json:
        print(json.dumps(_facts(result), ensure_ascii=False))
    else:
        _tell(result)


def _write(options: argparse.Namespace, result: Attribution) -> None:
    """Write the files that were asked for: all of them or none."""
    files: dict[str, bytes] = {}
    if options.png:
        files[options.png] = png_bytes(overlay_picture(result.values, result.image, drawing_of(options)))
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


def _image_path(image: str) -> Any:
    return PHOTOS[image].path if image in PHOTOS and not os.path.exists(image) else image


def _load(options: argparse.Namespace) -> TensorFlowModel:
    with quiet():
        return load_model(options.model)


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
