"""The command batch: a folder or a list of images, explained one after the other."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from igcore.errors import InputError, ModelError
from igcore.images import FITS
from igcore.method_options import add_method_options, add_sign, drawing_of, method_of
from igcore.models import DEFAULT_MODEL, catalogue
from igcore.terminal import images_bar, stopped_by_ctrl_c

if TYPE_CHECKING:
    from igcore.models import ModelSpec
    from igcore.runtime import Client

__all__ = ["add_batch"]


def add_batch(commands: Any) -> None:
    """Add the command."""
    batch = commands.add_parser(
        "batch",
        help="explain a folder or a list of images",
        description="Explain many images: a map (.npz) and an overlay (.png) each, and a table, manifest.parquet. "
        "It may be stopped at any moment, by Ctrl-C or otherwise; --resume goes on where it was.",
    )
    batch.add_argument("images", metavar="FOLDER|LIST", help="a folder, or a text file with one path a line")
    batch.add_argument("--out", required=True, metavar="FOLDER", help="where to write")
    batch.add_argument("--resume", action="store_true", help="go on with the run in --out")
    batch.add_argument("--model", default=DEFAULT_MODEL, metavar="KEY", help="a key of the catalogue")
    batch.add_argument(
        "--fit", choices=FITS, default="crop", help="how to reach the model's aspect ratio (default: crop)"
    )
    add_method_options(batch)
    batch.add_argument(
        "--target", default="top", metavar="top|N|NAME", help="class to explain (default: each image's top class)"
    )
    batch.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    add_sign(batch)
    batch.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    batch.set_defaults(run=_batch)


def _batch(options: argparse.Namespace) -> None:
    from igcore.batch import Record, Specification, find_images, run_batch
    from igcore.runtime import start_runtime

    if options.seed < 0:
        raise InputError(f"--seed is {options.seed}; expected a whole number of 0 or more")
    catalogue()[options.model]
    method_of(options, (8, 8))  # a wrong setting is said before the model is loaded
    sources = find_images(options.images)
    runtime = start_runtime()
    try:
        client = runtime.client()
        spec = _loaded(client, options.model)
        target = None if options.target == "top" else spec.find(options.target)
        method = method_of(options, spec.input_size)
        asked = Specification(options.model, method, target, options.fit, options.seed, drawing_of(options))
        record = Record(options.out, asked, options.resume)
        begun, before = time.perf_counter(), len(record.rows)
        names = {source.name for source in sources}
        try:
            with images_bar(before, len(names | set(record.rows))) as told, stopped_by_ctrl_c() as should_stop:
                finished = run_batch(
                    client, sources, asked, record, lambda _: told(len(record.rows), record.failed), should_stop
                )
        finally:
            record.close()
    finally:
        runtime.close()
    _tell(options, record, len(names - set(record.rows)), len(record.rows) - before, time.perf_counter() - begun)
    if not finished:
        raise KeyboardInterrupt


def _loaded(client: Client, key: str) -> ModelSpec:
    from igcore.runtime.model_questions import Load

    job = client.ask(Load(key))
    while not job.wait(0.5):
        pass
    if job.value is None:
        raise ModelError(job.error or "the model could not be loaded")
    return job.value


def _tell(options: argparse.Namespace, record: Any, left: int, new: int, seconds: float) -> None:
    failed, manifest = record.failed, str(record.folder / "manifest.parquet")
    if options.json:
        facts = {"images": len(record.rows), "failed": failed, "left": left, "new": new, "seconds": seconds}
        print(json.dumps({**facts, "manifest": manifest}, ensure_ascii=False))
        return
    rate = f", {60 * new / seconds:.0f} a minute" if new else ""
    print(f"{len(record.rows)} images, {new} of them now in {seconds:.0f} s{rate}: {manifest}")
    if failed:
        for row in [row for row in record.rows.values() if row["error"]][:3]:
            print(f"igcore: {row['name']}: {row['error']}", file=sys.stderr)
        print(f"igcore: {failed} could not be explained; the manifest says why", file=sys.stderr)
    if left:
        print(f"{left} images are left; the same command with --resume goes on")
