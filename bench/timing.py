"""What benchmarks share: seconds, spreads, the machine, and results kept as JSON and as a table in the README."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from igcore.files import write_whole
from igcore.in_flight import IN_FLIGHT

__all__ = [
    "machine",
    "machine_line",
    "save",
    "seconds",
    "spread",
    "tell",
    "tree_memory",
    "write_table",
]

RESULTS = Path(__file__).parent / "results"
README = Path(__file__).parents[1] / "README.md"
DEPLOYING = Path(__file__).parents[1] / "docs" / "deploying.md"
PACKAGES = ("tensorflow", "numpy", "torch", "captum", "streamlit")


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def spread(times: Sequence[float]) -> dict[str, float]:
    """Return the median, and the smallest and the largest."""
    return {"median": statistics.median(times), "min": min(times), "max": max(times)}


def machine() -> dict[str, Any]:
    """Say what this runs on."""
    import tensorflow as tf

    threads = tf.config.threading
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "in flight": IN_FLIGHT,
        "TensorFlow threads": {
            "intra-op": threads.get_intra_op_parallelism_threads() or "one a core",
            "inter-op": threads.get_inter_op_parallelism_threads() or "one a core",
        },
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
    }


def machine_line() -> str:
    """Say it in a line."""
    facts = machine()
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    return f"{facts['cores']} cores ({facts['processor']}), {versions}, Python {facts['python']}"


def tree_memory(process: int) -> float:
    """Return the memory of a process and all below it, in MB; what they share is counted once."""
    total, waiting = 0, [process]
    while waiting:
        number = waiting.pop()
        try:
            children = Path(f"/proc/{number}/task").glob("*/children")
            waiting += [int(child) for file in children for child in file.read_text().split()]
            rollup = Path(f"/proc/{number}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)[1])  # type: ignore[index]
    return total / 1000


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def save(name: str, measured: dict[str, Any]) -> Path:
    """Write what was measured, with the machine it was measured on, to bench/results/<name>.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    write_whole(path, (json.dumps({"machine": machine(), **measured}, indent=1) + "\n").encode())
    return path


def write_table(mark: str, table: str, page: Path | None = None) -> None:
    """Put a table between a page's comments <!-- mark --> and <!-- /mark -->; without a page, the README's."""
    page = page or README
    before, opened, rest = page.read_text().partition(f"<!-- {mark} -->\n")
    _, closed, after = rest.partition(f"<!-- /{mark} -->")
    if not (opened and closed):
        raise SystemExit(f"{page.name} has no place for {mark}: put <!-- {mark} --> and <!-- /{mark} --> there")
    write_whole(page, f"{before}{opened}{table}\n{closed}{after}".encode())


def tell(name: str, facts: dict[str, Any], dry: bool) -> None:
    """Print facts with the machine; unless `dry`, write them to the results and as a table to docs/deploying.md."""
    for fact, value in facts.items():
        print(f"{fact:<50} {value}")
    print(machine_line())
    if dry:
        return
    rows = [
        f"| {fact} | {value:,} |" if type(value) is int else f"| {fact} | {value} |" for fact, value in facts.items()
    ]
    write_table(name, "\n".join(["| | |", "|---|---|", *rows, "", f"On {machine_line()}."]), DEPLOYING)
    print(f"written: {save(name, facts)} and the table of docs/deploying.md")
