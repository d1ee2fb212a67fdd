"""A class on one server: thirty sessions at once, half dragging sliders, a third uploading, the rest hostile.

Run as ``python -m bench.load``. It starts a server, and visits it over Streamlit's own protocol, so that thirty
browsers do not compete with it for the same cores. It prints how long people wait from a change to the final picture,
how many explanations a minute that makes, the share answered from shared work, and the memory of server and workers;
then it compares pictures that visitors saw with those of explanations computed alone. Takes four minutes, and writes
bench/results/load.json.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import os
import random
import re
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import requests
from PIL import Image

import igcore
from bench.timing import tell, tree_memory
from bench.visitor import Run, Visitor
from igcore.heatmaps import Drawing, mask_picture
from igcore.images import png_bytes
from igcore.photos import PHOTOS
from igcore.runtime import read_limits
from tests.dashboard import Server
from tests.hostile import hostile_files

#: Seconds after which somebody counts as one who waits for ever: thirty turns of a slow machine are fewer.
FOR_EVER = 180.0

#: HTTP's status for a file that is too large.
TOO_LARGE = 413

#: Steps of a slider that is dragged, one position every so many seconds.
DRAGGED, BETWEEN = 4, 0.15

#: Seconds between a picture and the next change: from, to.
LOOKING = (1.0, 4.0)

STEPS = range(10, 110, 10)
BASELINES = ("black", "white", "blur", "uniform-noise")


@dataclass
class Seen:
    """What all visitors met."""

    waits: list[float] = field(default_factory=list)
    refused: int = 0
    for_ever: int = 0
    tracebacks: list[str] = field(default_factory=list)
    pictures: dict[tuple[str, str, int], str] = field(default_factory=dict)
    healthy: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)


def main() -> None:
    """Let the sessions run, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__.split("\n")[0])
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--checked", type=int, default=12, help="pictures compared with explanations computed alone")
    parser.add_argument("--dry", action="store_true", help="print only, write nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "log", IGCORE_LOG="debug")
        try:
            seen = asyncio.run(attend(server.url, server.process.pid, options.sessions, options.minutes))
        finally:
            server.stop()
        log = server.log.read_text()
    found = report(seen, log, options)
    tell("load", found, options.dry)
    if seen.tracebacks or seen.for_ever or "Traceback" in log or found["pictures that differ"]:
        sys.exit("the load was not borne: see above")


async def attend(url: str, server: int, sessions: int, minutes: float) -> Seen:
    """Run all sessions; meanwhile sample the memory of the server and its workers, and how soon it answers at all."""
    seen, began = Seen(), time.monotonic()
    end = began + 60 * minutes
    kinds = [drag] * (sessions // 2) + [upload] * (sessions // 3)
    kinds += [hostile] * (sessions - len(kinds))
    visits = [asyncio.create_task(kind(url, number, end, seen)) for number, kind in enumerate(kinds)]
    while not all(visit.done() for visit in visits):
        seen.memory.append((time.monotonic() - began, tree_memory(server)))
        asked = time.monotonic()
        await asyncio.to_thread(requests.get, f"{url}/_stcore/health", timeout=FOR_EVER)
        seen.healthy.append(time.monotonic() - asked)
        await asyncio.sleep(2)
    for visit in visits:
        visit.result()
    return seen


async def drag(url: str, number: int, end: float, seen: Seen) -> None:
    """Explain bundled photos, and drag the slider of the steps."""
    chance = random.Random(number)
    photo, baseline = list(PHOTOS)[number % len(PHOTOS)], chance.choice(BASELINES)
    visitor = await opened(url, seen, image=photo, baseline=baseline, integrator="trapezoid", steps=50)
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(*LOOKING))
        for _ in range(DRAGGED):
            steps = chance.choice(STEPS)
            began = time.monotonic()
            await visitor.slide("steps", steps)
            await asyncio.sleep(BETWEEN)
        run = await finished(visitor, steps + 1, began, seen)
        if run is not None:
            seen.pictures[photo, baseline, steps] = next(
                url for alt, url in run.pictures.items() if alt.startswith("Integrated Gradients of") and ":" in alt
            )
    await left(visitor, seen)


async def upload(url: str, number: int, end: float, seen: Seen) -> None:
    """Explain photos of one's own."""
    chance = random.Random(number)
    visitor = await opened(url, seen, integrator="trapezoid", steps=20)
    await visitor.choose("source", "Upload")
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(*LOOKING))
        steps = chance.choice([step for step in STEPS if step <= 50])
        await visitor.slide("steps", steps, rerun=False)
        began = time.monotonic()
        status = await visitor.upload("upload", "photo.jpg", photo_like(chance))
        if status >= 400:
            raise SystemExit(f"the server refuses a photo with HTTP status {status}")
        await finished(visitor, steps + 1, began, seen)
    await left(visitor, seen)


async def hostile(url: str, number: int, end: float, seen: Seen) -> None:
    """Upload what is no image, lies about itself, or is far too large."""
    chance = random.Random(number)
    visitor = await opened(url, seen, integrator="trapezoid", steps=10)
    await visitor.choose("source", "Upload")
    files = hostile_files()
    while time.monotonic() < end:
        await asyncio.sleep(chance.uniform(*LOOKING))
        name, data = chance.choice(files)
        status = await visitor.upload("upload", name, data)
        if status >= 400 and status != TOO_LARGE:
            raise SystemExit(f"the server answers {name} with HTTP status {status}")
        try:
            if status != TOO_LARGE:
                await visitor.until(lambda run: bool(run.errors), FOR_EVER)
            seen.refused += 1
        except (TimeoutError, asyncio.TimeoutError):
            seen.for_ever += 1
    await left(visitor, seen)


async def opened(url: str, seen: Seen, **query: Any) -> Visitor:
    """Open the first page and wait until it shows an explanation."""
    visitor = Visitor(url)
    began = time.monotonic()
    await visitor.open(urlencode(query))
    await finished(visitor, int(query["steps"]) + 1, began, seen)
    return visitor


async def finished(visitor: Visitor, gradients: int, began: float, seen: Seen) -> Run | None:
    """Wait for the explanation of so many gradients, and note how long it took."""
    try:
        run = await visitor.until(lambda run: run.gradients == gradients and not run.waiting, FOR_EVER)
    except (TimeoutError, asyncio.TimeoutError):
        seen.for_ever += 1
        return None
    seen.waits.append(time.monotonic() - began)
    return run


async def left(visitor: Visitor, seen: Seen) -> None:
    """Close the window."""
    seen.tracebacks += visitor.exceptions
    await visitor.close()


def photo_like(chance: random.Random) -> bytes:
    """Make a photo that nobody else has: a JPEG of two megapixels."""
    grain = np.random.default_rng(chance.getrandbits(32)).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grain).resize((1600, 1200), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()


def report(seen: Seen, log: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return what is printed and written."""
    waits, healthy, memory = sorted(seen.waits), sorted(seen.healthy), seen.memory
    later = [used for at, used in memory if at > 60] or [used for _, used in memory]
    half = len(later) // 2 or 1
    counts = re.findall(r"lane long: (\d+) asked, (\d+) from shared work", log)
    asked, shared = map(int, counts[-1]) if counts else (0, 0)
    checked, differ = compare(seen, options.checked)
    return {
        "sessions": options.sessions,
        "minutes": options.minutes,
        "explanations": len(waits),
        "explanations a minute": round(len(waits) / options.minutes, 1),
        "seconds waited, p50": round(statistics.median(waits), 2),
        "seconds waited, p95": round(waits[int(0.95 * (len(waits) - 1))], 2),
        "seconds waited, longest": round(waits[-1], 2),
        "asked of the long lane": asked,
        "answered from shared work": f"{shared / asked:.0%}" if asked else "–",
        "seconds until the server says that it lives, p95": round(healthy[int(0.95 * (len(healthy) - 1))], 2),
        "the same, longest": round(healthy[-1], 2),
        "hostile files refused": seen.refused,
        "waited for ever": seen.for_ever,
        "tracebacks seen": len(seen.tracebacks),
        "tracebacks in the log": log.count("Traceback"),
        "MB after a minute, first half of the rest": round(statistics.mean(later[:half])),
        "MB in the second half": round(statistics.mean(later[half:] or later)),
        "MB at most": round(max(used for _, used in memory)),
        "pictures compared": checked,
        "pictures that differ": differ,
        "cores": os.cpu_count(),
        "cache limit, MB": read_limits().cache_megabytes,
    }


def compare(seen: Seen, most: int) -> tuple[int, int]:
    """Compute some of the explanations alone; returns how many, and how many pictures differ by a byte."""
    model = igcore.load_model()
    differ = 0
    some = sorted(seen.pictures.items())[:: max(1, len(seen.pictures) // most)][:most]
    for (photo, baseline, steps), url in some:
        image = igcore.load_image(PHOTOS[photo].path, model.spec.input_size)
        result = igcore.explain(model, image, igcore.IntegratedGradients(baseline, "trapezoid", steps))
        alone = png_bytes(mask_picture(result.values, Drawing()))
        differ += base64.b64decode(url.partition(",")[2]) != alone
    return len(some), differ


if __name__ == "__main__":
    main()
