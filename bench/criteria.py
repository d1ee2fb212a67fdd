"""The three criteria of a published study, measured on functions whose effects are known exactly.

Run as ``python -m bench.criteria``. Each of the study's fourteen methods explains three polynomials and five small ReLU
networks at one point: every term by itself, and the whole function (`igcore.criteria`). The table has the largest of
each measure over the functions on which a method runs; 0 is ideal. It is the README's, which is written anew unless
``--dry`` is given.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from bench.timing import machine_line, write_table
from igcore.criteria import CASES, STUDY, CriteriaTable, criteria_table
from igcore.files import write_whole
from igcore.methods import METHODS
from igcore.metrics.allocation import TOLERANCE
from igcore.results import Progress


def main() -> None:
    """Measure all and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.criteria", description=__doc__.split("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write what was measured for each method on each function")
    parser.add_argument("--dry", action="store_true", help="leave the README's table as it is")
    options = parser.parse_args()
    started = time.perf_counter()
    found = criteria_table(on_progress=_tell)
    if options.json:
        write_whole(options.json, json.dumps(plain(found), indent=1).encode())
    print(table(found))
    print(f"\nA criterion is met up to {TOLERANCE:g}; each measure is the largest over the functions.")
    for key, verdict in STUDY.items():
        if verdict.description:
            print(f"\n{METHODS[key].label}: {verdict.description}")
    print(f"\n{time.perf_counter() - started:.0f} s; {machine_line()}")
    if not options.dry:
        write_table("criteria", table(found))


def _tell(progress: Progress) -> None:
    print(f"\r{progress.done} of {progress.total}", end="", file=sys.stderr, flush=True)


def table(found: CriteriaTable) -> str:
    """Write what was found as a Markdown table, one row a method."""
    measures = "misses (1) | to outsiders (2) | not shared out (3)"
    lines = [f"| method | {measures} | fails on | meets all three here | in the study |", f"|{'---|' * 7}"]
    for key in STUDY:
        judged = found.judge(key)
        failed, ran = ", ".join(CASES[case].label for case in judged.failed), len(judged.ran)
        fails = f"{len(judged.failed)} of {ran}" + (f": {failed}" if 0 < len(judged.failed) < ran else "")
        largest = " | ".join(written(value) for value in judged.largest)
        here, there = (yes_or_no(meets) for meets in (judged.meets, STUDY[key].meets))
        here = f"**{here}**" if judged.differs else here
        lines.append(f"| {METHODS[key].label} | {largest} | {fails} | {here} | {there} |")
    return "\n".join(lines)


def written(value: float) -> str:
    """Write a measure; what is within rounding of float32 is 0."""
    return "0" if value < 2e-5 else f"{value:.1g}" if value < TOLERANCE else f"{value:.2f}"


def yes_or_no(meets: bool | None) -> str:
    """Write a verdict."""
    return "–" if meets is None else "yes" if meets else "no"


def plain(found: CriteriaTable) -> list[dict[str, Any]]:
    """Return all rows as plain values."""
    return [
        {"method": row.method, "function": row.case, "reason": row.reason}
        if row.allocation is None
        else {
            "method": row.method,
            "function": row.case,
            **dict(zip(("coverage", "outsiders", "completeness"), row.allocation.measures, strict=True)),
            "meets": row.meets,
            "effects": row.allocation.effects.tolist(),
            "shares": row.allocation.shares.tolist(),
            "attribution": row.allocation.attribution.tolist(),
        }
        for row in found.rows
    ]


if __name__ == "__main__":
    main()
