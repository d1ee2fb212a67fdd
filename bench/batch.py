"""A folder of many images: whether memory stays flat, and what a second Ray worker brings.

Run as ``python -m bench.batch``. It makes small photos, explains all of them by ``python -m igcore batch`` while it
samples the memory of that process and its worker, and then explains some with one and with two Ray workers of one core
each, in turn (with ``pip install -r requirements-ray.txt``). It writes bench/results/batch.json.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track

from bench.timing import tell, tree_memory
from igcore.batch import Record, Source, Specification, run_batch
from igcore.methods import IntegratedGradients
from igcore.models import DEFAULT_MODEL
from igcore.runtime import Runtime, read_limits

ROOT = Path(__file__).parents[1]

#: Steps of each explanation: few, so that what is written for each image weighs as much as what is computed.
STEPS = 4

#: Steps where throughput is measured: what a batch is run with.
RAY_STEPS = 50

#: Images before memory counts: until then models load and pools fill, and after 500 what writes the manifest is loaded.
WARM = 600


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m bench.batch", description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=2000, help="in the folder (default: 2000)")
    parser.add_argument("--ray-images", type=int, default=40, help="for each number of Ray workers (default: 40)")
    parser.add_argument("--runs", type=int, default=2, help="with each number of Ray workers, in turn (default: 2)")
    parser.add_argument("--dry", action="store_true", help="print only, write nothing")
    options = parser.parse_args()
    found = one_folder(options.images) | on_ray(options.ray_images, options.runs)
    tell("batch", found, options.dry)


def photo(number: int) -> bytes:
    """Make a small photo unlike the others: a JPEG of 64 × 48 pixels."""
    grain = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grain).resize((64, 48), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


def one_folder(images: int) -> dict[str, Any]:
    """Explain a folder on the command line, and sample memory, in MB, against the images that are done."""
    memory: list[tuple[int, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "photos", Path(folder) / "out"
        source.mkdir()
        for number in range(images):
            (source / f"{number:05}.jpg").write_bytes(photo(number))
        command = [sys.executable, "-m", "igcore", "batch", str(source), "--out", str(out), "--steps", str(STEPS)]
        began = time.monotonic()
        with subprocess.Popen(
            [*command, "--integrator", "midpoint", "--json"], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            while process.poll() is None:
                memory.append((_written(out), tree_memory(process.pid)))
                time.sleep(1)
            told = process.stdout.read() if process.stdout else ""
        seconds = time.monotonic() - began
        if process.returncode:
            raise SystemExit("the batch failed")
    later = [used for done, used in memory if WARM <= done < images]
    third = len(later) // 3 or 1
    return {
        "images": images,
        "steps of each": STEPS,
        "images a minute": round(60 * images / seconds),
        "MB, first third": round(statistics.mean(later[:third])),
        "MB, last third": round(statistics.mean(later[-third:])),
        "MB at most": round(max(used for _, used in memory)),
        "failed": int(json.loads(told)["failed"]),
    }


def _written(out: Path) -> int:
    journal = out / "rows.jsonl"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def on_ray(images: int, runs: int) -> dict[str, Any]:
    """Compare the throughput of one and of two Ray workers with one core each."""
    try:
        import ray  # noqa: F401
    except ImportError:
        print("without Ray; pip install -r requirements-ray.txt brings it", file=sys.stderr)
        return {}
    rates: dict[int, list[float]] = {1: [], 2: []}
    rounds = [workers for _ in range(runs) for workers in rates]
    for workers in track(rounds, "Ray workers", console=Console(stderr=True)):
        rates[workers].append(_rate(workers, images))
    typical = {workers: statistics.median(each) for workers, each in rates.items()}
    return {
        "steps of each, Ray": RAY_STEPS,
        "images a minute, one Ray worker of one core": _listed(rates[1]),
        "images a minute, two Ray workers of one core": _listed(rates[2]),
        "two workers over one": round(typical[2] / typical[1], 2),
    }


def _listed(rates: list[float]) -> str:
    return ", ".join(f"{rate:.1f}" for rate in rates)


def _rate(workers: int, images: int) -> float:
    """Return images a minute, without what starting and loading takes."""
    from igcore.runtime.on_ray import RayActors

    limits = read_limits()
    runtime = Runtime(RayActors(None, 1, limits.explanation_stalled_seconds, workers), limits)
    asked = Specification(DEFAULT_MODEL, IntegratedGradients("black", "midpoint", RAY_STEPS))

    def explained(numbers: range) -> float:
        sources = [Source(f"{number}.jpg", _reader(number)) for number in numbers]
        with tempfile.TemporaryDirectory() as out:
            record = Record(out, asked)
            began = time.monotonic()
            try:
                run_batch(runtime.client(), sources, asked, record)
            finally:
                record.close()
            return time.monotonic() - began

    try:
        explained(range(2 * workers))  # every worker loads its model
        return 60 * images / explained(range(100, 100 + images))
    finally:
        runtime.close()


def _reader(number: int) -> Callable[[], bytes]:
    return lambda: photo(number)


if __name__ == "__main__":
    os.environ["IGCORE_RUNTIME"] = "processes"
    main()
