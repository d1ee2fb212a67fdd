"""How the engine runs: seeds, progress, cancelling, tracing, memory, refusals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import igcore
from tests.functions import BLACK, SHAPE, ig, model_of, picture, power

ROOT = Path(__file__).parents[1]
IMAGE = picture(1)


@pytest.fixture(scope="module")
def cube():
    return model_of(power(3))


SEEDED = """
import sys, igcore
model = igcore.load_model()
image = igcore.load_image(igcore.PHOTOS["cat"].path, model.spec.input_size)
for settings in ({"baseline": "uniform-noise"}, {"integrator": "monte-carlo"}):
    method = igcore.IntegratedGradients(steps=9, **settings)
    for seed in (3, 3, 4):
        result = igcore.explain(model, image, method, 285, seed=seed)
        print(hash(result.values.tobytes()), hash(result.trace.scores.tobytes()))
"""


def test_a_seed_fixes_every_byte_in_every_process():
    # In processes of their own: the convolution library keeps what it made for a shape of convolution, and another
    # network that ran here before may have made it so that it rounds differently (bench/README.md).
    command, fixed = [sys.executable, "-c", SEEDED], os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}
    told = [subprocess.run(command, env=fixed, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    assert told[0] == told[1]
    lines = told[0].splitlines()
    for first, again, other in (lines[:3], lines[3:]):
        assert first == again != other


def test_a_baseline_with_its_own_seed_does_not_depend_on_the_run(cube):
    method = ig(igcore.UniformNoise(seed=5), "midpoint", 4)
    one, two = (igcore.explain(cube, IMAGE, method, 0, seed=seed) for seed in (0, 1))
    assert one.values.tobytes() == two.values.tobytes()


def test_progress_counts_up_to_the_result_and_its_map_grows(cube):
    seen = []
    result = igcore.explain(cube, IMAGE, ig(BLACK, "trapezoid", 20), 0, on_progress=seen.append)
    assert [(each.done, each.total) for each in seen] == [(8, 21), (16, 21), (21, 21)]
    # w·x grows on the way from black, so the cube's slope never changes its sign.
    sizes = [np.abs(each.partial.values) for each in seen]
    assert all((later >= earlier).all() and later.sum() > earlier.sum() for earlier, later in pairwise(sizes))
    for each in seen:
        assert each.partial.gradient_count == each.done == each.partial.trace.alphas.size
        assert each.partial.sum == pytest.approx(each.partial.trace.cumulative[-1], rel=1e-4)
    np.testing.assert_array_equal(seen[-1].partial.values, result.values)
    assert result.gradient_count == 21


def test_a_partial_result_does_not_change_later(cube):
    kept = []
    igcore.explain(
        cube, IMAGE, ig(BLACK, "trapezoid", 20), 0, on_progress=lambda p: kept.append((p.partial, p.partial.sum))
    )
    assert [partial.sum for partial, _ in kept] == [total for _, total in kept]


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_cancelling_stops_before_the_next_chunk(cube, allowed):
    seen = []
    with pytest.raises(igcore.Cancelled, match=f"after {8 * allowed} of 21 gradients"):
        igcore.explain(
            cube,
            IMAGE,
            ig(BLACK, "trapezoid", 20),
            0,
            on_progress=seen.append,
            should_stop=lambda: len(seen) >= allowed,
        )
    assert [progress.done for progress in seen] == [8 * (n + 1) for n in range(allowed)]


def test_a_model_works_on_after_a_cancelled_run(cube):
    method = ig(BLACK, "trapezoid", 20)
    before = igcore.explain(cube, IMAGE, method, 0)
    with pytest.raises(igcore.Cancelled):
        igcore.explain(cube, IMAGE, method, 0, should_stop=lambda: True)
    np.testing.assert_array_equal(igcore.explain(cube, IMAGE, method, 0).values, before.values)


def test_a_hundred_different_calls_trace_once():
    model = model_of(power(1), power(2), power(3), chunk=4)
    rules, integrators = ["left", "right", "trapezoid", "simpson"], list(igcore.INTEGRATORS)
    assert "adaptive" in integrators
    for call in range(100):
        method = igcore.IntegratedGradients(
            baseline=["black", "white", "uniform-noise"][call % 3],
            integrator=integrators[call % len(integrators)],
            steps=2 + 2 * (call % 11),
            of=["probability", "logit"][call // 8 % 2],
        )
        if call % 5:
            igcore.explain(model, IMAGE, method, target=call % 3, seed=call)
        else:
            igcore.explain_by_rules(model, IMAGE, method, rules[: 1 + call % 4], target=call % 3)
    assert model.trace_count == 1


def test_the_embedded_network_is_traced_once(model, photo):
    for steps, target, of in ((1, 285, "logit"), (9, None, "probability"), (7, "espresso", "logit")):
        igcore.explain(model, photo("cat"), igcore.IntegratedGradients(steps=steps, of=of), target)
    adaptive = igcore.IntegratedGradients(integrator="adaptive", max_gradients=12)
    assert igcore.explain(model, photo("cat"), adaptive, 285).gradient_count == 12
    assert model.trace_count == 1


MEMORY = r"""
import json, re, igcore
model = igcore.load_model()
image = igcore.load_image(igcore.PHOTOS["cat"].path, size=model.spec.input_size)
peaks = []
for steps in (50, 1000):
    igcore.explain(model, image, igcore.IntegratedGradients(steps=steps), target=285)
    # Not getrusage: what that tells of a new process includes the one that started it.
    peaks.append(int(re.search(r"VmHWM:\s*(\d+) kB", open("/proc/self/status").read())[1]))
print(json.dumps(peaks))
"""


@pytest.mark.slow
def test_a_thousand_steps_take_the_memory_of_fifty():
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, cwd=ROOT, check=True)
    fifty, thousand = json.loads(done.stdout)
    assert fifty > 100_000, "the network itself takes more than 100 MB, so this was not the peak"
    assert thousand <= 1.1 * fifty


def with_nan() -> np.ndarray:
    image = IMAGE.copy()
    image[3, 4, 1] = np.nan
    return image


@pytest.mark.parametrize(
    ("image", "settings", "arguments", "says"),
    [
        (np.zeros((9, 8, 3), np.float32), {}, {}, r"\(9, 8, 3\).*\(8, 8, 3\)"),
        (np.zeros((8, 8), np.float32), {}, {}, "height, width, 3"),
        (np.zeros(SHAPE, np.uint8), {}, {}, "uint8"),
        (IMAGE * 255, {}, {}, r"expected \[0, 1\]"),
        (with_nan(), {}, {}, "NaN"),
        (IMAGE, {}, {"target": 1}, "class 1 does not exist"),
        (IMAGE, {}, {"target": -1}, "class -1 does not exist"),
        (IMAGE, {}, {"target": "no such class"}, "unknown class"),
        (IMAGE, {}, {"target": 0.0}, "target is 0.0"),
        (IMAGE, {}, {"target": True}, "target is True"),
        (IMAGE, {"baseline": np.zeros((9, 8, 3), np.float32)}, {}, r"baseline shape \(9, 8, 3\)"),
        (IMAGE, {}, {"seed": -1}, "seed is -1"),
        (IMAGE, {}, {"method": "no-such-method"}, "unknown method"),
        (IMAGE, {}, {"method": igcore.IntegratedGradients}, "method is"),
    ],
)
def test_wrong_input_is_refused_in_one_line(cube, image, settings, arguments, says):
    arguments = {"method": igcore.IntegratedGradients(steps=2, **settings), "target": 0, **arguments}
    with pytest.raises(igcore.InputError, match=says) as refusal:
        igcore.explain(cube, image, **arguments)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"of": "softmax"}, "expected probability or logit"),
        ({"steps": 0}, "from 1 to"),
        ({"steps": 10**9}, "from 1 to"),
        ({"steps": 2.5}, "whole number"),
        ({"integrator": "simpson", "steps": 51}, "even"),
        ({"integrator": "euler"}, "unknown integrator"),
        ({"baseline": "pink"}, "unknown baseline"),
        ({"baseline": with_nan()}, "NaN"),
        ({"baseline": None}, "baseline is None"),
    ],
    ids=str,
)
def test_wrong_settings_are_refused_when_made(settings, says):
    with pytest.raises(igcore.InputError, match=says):
        igcore.IntegratedGradients(**settings)


def test_steps_may_be_a_numpy_integer(cube):
    assert igcore.explain(cube, IMAGE, ig("black", "left", np.int64(3)), 0).gradient_count == 3


@pytest.mark.parametrize("rules", [(), ("left", "euler"), ("left", "simpson")], ids=str)
def test_wrong_rules_are_refused(cube, rules):
    with pytest.raises(igcore.InputError):
        igcore.explain_by_rules(cube, IMAGE, ig("black", "left", 3), rules, target=0)


def test_a_model_of_scores_only_is_refused_by_methods_that_need_a_gradient():
    model = model_of(power(1), capability="scores")
    says = "needs gradients, which model closed-form does not open"
    with pytest.raises(igcore.InputError, match=says):
        igcore.explain(model, IMAGE, ig("black", "left", 2), target=0)
    with pytest.raises(igcore.InputError, match=says):
        igcore.explain(model, IMAGE, "gradient", target=0)
    with pytest.raises(igcore.InputError, match=says):
        igcore.explain_by_rules(model, IMAGE, ig("black", "left", 2), ["left", "right"], target=0)
