"""The command evaluate: explanations of one image, or of many, tested by metrics with controls beside them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from igcore.errors import InputError
from igcore.image_options import DEFAULT_FIT, add_image_options, image_path, quietly_loaded
from igcore.images import load_image
from igcore.method_options import add_several_methods, methods_of
from igcore.metrics import FILLS, METRICS, ORDERS, Metric
from igcore.registry import parameters, read_values
from igcore.terminal import images_bar, progress_bar, stopped_by_ctrl_c

__all__ = ["add_evaluate"]


def add_evaluate(commands: Any) -> None:
    """Add the command."""
    evaluate = commands.add_parser(
        "evaluate",
        help="test explanations of one image, or of many",
        description="Test explanations by metrics, beside random maps and the photo's edges, which know nothing of the "
        "model. For a folder or a list of images, --out takes a row for each image and distributions over all; such a "
        "run may be stopped at any moment, and --resume goes on where it was.",
    )
    add_image_options(evaluate)
    add_several_methods(evaluate)
    evaluate.add_argument(
        "--metric",
        nargs="+",
        action="extend",
        metavar="KEY[:name=value,…]",
        help=f"{', '.join(METRICS)}; for instance deletion:patch=1 (default: deletion insertion)",
    )
    evaluate.add_argument("--fill", choices=list(FILLS), help="what removed parts show (default: blur)")
    evaluate.add_argument(
        "--order",
        choices=ORDERS,
        default="signed",
        help="how maps are read: what speaks for the class first, or the largest sizes first (default: signed)",
    )
    evaluate.add_argument("--target", metavar="N|NAME", help="class to explain (default: the top class)")
    evaluate.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    evaluate.add_argument("--out", metavar="FOLDER", help="of many images: where to write")
    evaluate.add_argument("--resume", action="store_true", help="of many images: go on with the run in --out")
    evaluate.set_defaults(run=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    if options.seed < 0:
        raise InputError(f"--seed is {options.seed}; expected a whole number of 0 or more")
    options.fit = options.fit or DEFAULT_FIT
    metrics = _metrics_of(options)
    methods_of(options, (8, 8))  # a wrong setting is said before the model is loaded
    if os.path.isdir(options.image) or options.out is not None or options.image.endswith(".txt"):
        _many(options, metrics)
    elif options.resume:
        raise InputError("--resume goes on with the run in --out, which is for a folder or a list of images")
    else:
        _one(options, metrics)


def _metrics_of(options: argparse.Namespace) -> list[Metric]:
    """Build the metrics' settings, each once."""
    found: dict[str, Metric] = {}
    for written in options.metric or ("deletion", "insertion"):
        key, _, rest = written.partition(":")
        settings = METRICS[key].settings
        given = read_values(f"metric {key}", settings, rest)
        if options.fill and "fill" in parameters(settings):
            given.setdefault("fill", options.fill)
        if key in found:
            raise InputError(f"metric {key} is given twice; leave one out")
        found[key] = settings(**given)
    return list(found.values())


def _one(options: argparse.Namespace, metrics: list[Metric]) -> None:
    from igcore.evaluation import Candidate, evaluate
    from igcore.metrics.rows import facts_of

    path = image_path(options.image)
    load_image(path, (8, 8), options.fit)
    model = quietly_loaded(options.model)
    size = model.spec.input_size
    image = load_image(path, size, options.fit)
    several = [Candidate(name, method) for name, method in methods_of(options, size).items()]
    with progress_bar(not options.json) as told:
        found = evaluate(
            model,
            image,
            several,
            metrics,
            options.target,
            options.of or "probability",
            options.order,
            options.seed,
            on_progress=told,
        )
    facts = facts_of(found)
    if options.json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        _tell(facts)


def _tell(facts: dict[str, Any]) -> None:
    print(f"{facts['label']} ({facts['target']}), maps read by the order {facts['order']!r}")
    width = max(len(row["name"]) for row in facts["rows"])
    for key, metric in facts["metrics"].items():
        better = "higher" if metric["higher_is_better"] else "lower"
        written = ", ".join(f"{name}={value}" for name, value in metric["settings"].items())
        print(f"\n{METRICS[key].label} ({better} is better{f'; {written}' if written else ''})")
        for row in facts["rows"]:
            print(f"  {row['name']:<{width}}  {_cell(row['metrics'].get(key))}")
            if key in row["favored"]:
                print(f"  {'':<{width}}  its own baseline fills the removed parts, which favors it; try another --fill")
    print(f"\nin {facts['seconds']:.1f} s")


def _cell(found: dict[str, Any] | None) -> str:
    """Write a number with its error, and how far it is ahead of the controls."""
    if found is None or found["value"] is None:
        return "–"
    told = f"{found['value']:.3f}"
    if found["error"] is not None:
        told += f" ± {found['error']:.3f}"
    if found["over_random"] is not None:
        told += f"   over random {found['over_random']:+.3f} (spread {found['spread']:.3f})"
        told += f", over edges {found['over_edges']:+.3f}"
    return told


def _many(options: argparse.Namespace, metrics: list[Metric]) -> None:
    from igcore.batch.evaluating import Evaluations, Wanted, evaluate_images
    from igcore.batch.sources import find_images

    if options.out is None:
        raise InputError(f"{options.image!r} stands for many images; say with --out where to write")
    sources = find_images(options.image)
    model = quietly_loaded(options.model)
    target = None if options.target is None else model.spec.find(options.target)
    methods = methods_of(options, model.spec.input_size)
    wanted = Wanted(
        methods, tuple(metrics), target, options.of or "probability", options.order, options.seed, options.fit
    )
    record = Evaluations(options.out, wanted, model.spec, options.resume)
    names = {source.name for source in sources}
    with images_bar(len(record.rows), len(names | set(record.rows))) as told, stopped_by_ctrl_c() as should_stop:
        finished = evaluate_images(
            model, sources, wanted, record, lambda: told(len(record.rows), record.failed), should_stop
        )
    table, left = record.summarize(), len(names - set(record.rows))
    if options.json:
        facts = {"images": len(record.rows), "failed": record.failed, "left": left, "distributions": table}
        print(json.dumps(facts, ensure_ascii=False))
    else:
        _tell_many(table, record, left)
    if not finished:
        raise KeyboardInterrupt


def _tell_many(table: list[dict[str, Any]], record: Any, left: int) -> None:
    width = max((len(row["name"]) for row in table), default=0)
    for key in dict.fromkeys(row["metric"] for row in table):
        better = "higher" if METRICS[key].higher else "lower"
        print(f"\n{METRICS[key].label} ({better} is better): median, and from the 10th to the 90th percentile")
        for row in (row for row in table if row["metric"] == key):
            if row["median"] is None:
                print(f"  {row['name']:<{width}}  –")
                continue
            ahead = ""
            if row["ahead"] is not None:
                ahead = f"   over random {row['over_random_median']:+.3f}, ahead of it on {row['ahead']:.0%} of images"
            print(f"  {row['name']:<{width}}  {row['median']:.3f} ({row['low']:.3f} … {row['high']:.3f}){ahead}")
    print(f"\n{len(record.rows)} images: {record.folder / 'evaluations.parquet'}")
    for row in [row for row in record.rows.values() if row["error"]][:3]:
        print(f"igcore: {row['image']}: {row['error']}", file=sys.stderr)
    if left:
        print(f"{left} images are left; the same command with --resume goes on")
