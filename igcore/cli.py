"""The command line: models, methods, fetch, predict, explain, evaluate, batch."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from igcore import __version__
from igcore.batch_command import add_batch
from igcore.errors import IGError, InputError
from igcore.evaluate_command import add_evaluate
from igcore.explain_command import add_explain
from igcore.image_options import DEFAULT_FIT, add_image_options, image_path, quietly_loaded
from igcore.images import load_image
from igcore.listings import list_methods, list_models
from igcore.models import entry_for, fetch, load_model, missing
from igcore.noise import quiet

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
    add_explain(commands)
    add_evaluate(commands)
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


def _add_predict(commands: Any) -> None:
    predict = commands.add_parser("predict", help="name the classes that a model sees")
    add_image_options(predict)
    predict.add_argument("--top", type=int, default=5, metavar="N", help="how many classes (default: 5)")
    predict.set_defaults(run=_predict)


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
    model = quietly_loaded(options.model)
    image = load_image(image_path(options.image), model.spec.input_size, options.fit or DEFAULT_FIT)
    scores = model.scores(image[None])[0]
    order = scores.argsort()[::-1][: options.top]
    top = [{"target": int(i), "label": model.spec.label(int(i)), "score": float(scores[i])} for i in order]
    if options.json:
        print(json.dumps({"model": model.spec.key, "top": top}, ensure_ascii=False))
        return
    for row in top:
        print(f"{row['score']:7.1%}  {row['label']} ({row['target']})")
