"""What benchmarks share: seconds, spreads, the machine, and results kept as JSON and as a table in the README."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from igcore.files import write_whole
from igcore.in_flight import IN_FLIGHT

__all__ = ["machine", "machine_line", "save", "seconds", "spread", "write_table"]

RESULTS = Path(__file__).parent / "results"
README = Path(__file__).parents[1] / "README.md"
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


def write_table(mark: str, table: str) -> None:
    """Put a table between the README's comments <!-- mark --> and <!-- /mark -->."""
    text = README.read_text()
    before, opened, rest = text.partition(f"<!-- {mark} -->\n")
    _, closed, after = rest.partition(f"<!-- /{mark} -->")
    if not (opened and closed):
        raise SystemExit(f"the README has no place for {mark}: put <!-- {mark} --> and <!-- /{mark} --> there")
    write_whole(README, f"{before}{opened}{table}\n{closed}{after}".encode())
