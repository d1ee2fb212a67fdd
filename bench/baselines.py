"""What several baselines side by side cost over single explanations.

Run as ``python -m bench.baselines``. Six baselines at 50 nodes are explained as the page does it, all asked at once,
and as six single calls of the engine; the two take turns in one run. At most 1.15 is the aim: the page adds the other
rules on the same nodes, its reports of progress, and its queue.
"""

from __future__ import annotations

import argparse
import statistics

import igcore
from bench.timing import machine_line, seconds
from igcore.baselines import as_baseline
from igcore.models import DEFAULT_MODEL
from igcore.runtime import start_runtime
from igcore.runtime.questions import Explain

BASELINES = ("black", "white", "gray", "mean", "blur", "uniform-noise")
STEPS = 49  # of the trapezoid: 50 nodes


def main() -> None:
    """Time both in turn and print medians and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m bench.baselines", description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    model, runtime = igcore.load_model(DEFAULT_MODEL), start_runtime()
    client = runtime.client()
    image = igcore.load_image(igcore.PHOTOS["coffee"].path, model.spec.input_size)
    methods = [igcore.IntegratedGradients(as_baseline(key), "trapezoid", STEPS) for key in BASELINES]

    def single(target: int) -> None:
        for method in methods:
            igcore.explain(model, image, method, target)

    def together(target: int) -> None:
        jobs = [client.ask(Explain(DEFAULT_MODEL, image, method, target)) for method in methods]
        for job in jobs:
            job.computation.future.result()

    single(options.runs)
    together(options.runs)
    # Another class in each run, so that nothing comes from a cache.
    pairs = [(seconds(lambda: single(run)), seconds(lambda: together(run))) for run in range(options.runs)]  # noqa: B023
    print(f"{len(BASELINES)} baselines at {STEPS + 1} nodes, {options.runs} runs in turn")
    print(machine_line())
    for name, times in zip(("single", "together"), zip(*pairs, strict=True), strict=True):
        print(f"{name:<10} {statistics.median(times):6.2f} s (from {min(times):.2f} to {max(times):.2f})")
    ratios = [two / one for one, two in pairs]
    runtime.close()
    print(f"{'ratio':<10} {statistics.median(ratios):6.2f} (from {min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
