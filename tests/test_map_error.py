"""The map error that is shown, held against the truth on forty pairs of photo, baseline and class."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

import igcore
from igcore.agreement import map_distance
from igcore.baselines import as_baseline
from igcore.convergence import climb
from igcore.paths import StraightPath

PHOTOS = list(igcore.PHOTOS)[:5]
BASELINES = ("black", "white", "blur", "uniform-noise")
#: Four times as fine as the finest map that is judged; `bench.integrators` does the same with twice as many.
REFERENCE = 512
STEPS = (32, 64, 128)


def pairs(model):
    for photo in PHOTOS:
        image = igcore.load_image(igcore.PHOTOS[photo].path, size=model.spec.input_size)
        for key in BASELINES:
            for target in model.scores(image[None])[0].argsort()[::-1][:2]:
                yield StraightPath(as_baseline(key).make(image), image), int(target)


@pytest.fixture(scope="module")
def ratios(model):
    """For each integrator, the estimate over the true error, one number for each pair and number of steps."""
    found = {}
    for path, target in pairs(model):
        maps = list(chain.from_iterable(climb(model, path, target, "probability", 8, REFERENCE)))
        reference = next(one.values for one in maps if (one.integrator, one.steps) == ("trapezoid", REFERENCE))
        for one in maps:
            if one.steps in STEPS:
                truth = map_distance(one.values, reference)
                found.setdefault(one.integrator, []).append((one.estimate / truth, truth, None))
        result = igcore.explain(model, path.image, igcore.IntegratedGradients(path.baseline, "adaptive"), target)
        truth = map_distance(result.values, reference)
        found.setdefault("adaptive", []).append((result.map_error / truth, truth, result))
    return found


pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("key", ["left", "right", "midpoint", "trapezoid", "simpson", "adaptive"])
def test_the_map_error_is_within_a_quarter_of_the_truth(ratios, key):
    shares = np.array([ratio for ratio, _, _ in ratios[key]])
    assert len(shares) == 40 * (1 if key == "adaptive" else len(STEPS))
    assert (np.abs(shares - 1) <= 0.25).mean() >= 0.9
    assert np.median(shares) == pytest.approx(1, abs=0.1)


def test_where_the_adaptive_integrator_says_that_it_converged_it_has(ratios):
    stopped = [(truth, result) for _, truth, result in ratios["adaptive"] if result.converged]
    assert len(stopped) >= 38
    kept = [truth <= 0.05 and result.relative_completeness_error <= 0.01 for truth, result in stopped]
    assert np.mean(kept) >= 0.95


def test_the_adaptive_integrator_takes_a_fraction_of_the_gradients(ratios):
    counts = [result.gradient_count for _, _, result in ratios["adaptive"]]
    assert np.median(counts) <= 57
    assert np.percentile(counts, 90) <= 73
