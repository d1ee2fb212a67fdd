import io
import json
import math
import os
import pickle
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igcore.checks import blind_share, completeness_verdict
from igcore.errors import InputError
from igcore.results import Attribution, PathTrace

RANDOM = np.random.default_rng(0)
SHAPE = (5, 4, 3)
IMAGE, BASELINE = RANDOM.random((2, *SHAPE), dtype=np.float32)
VALUES = RANDOM.normal(size=SHAPE).astype(np.float32)
ARRAYS = ("values", "image", "baseline")
WHOLE = Attribution(
    values=VALUES,
    image=IMAGE,
    baseline=BASELINE,
    target=285,
    label="Egyptian cat, größe 猫",
    model="wave",
    method="ig",
    settings={"baseline": {"key": "blur", "sigma": 20.0}, "integrator": "left", "steps": 50, "of": "logit", "seed": 0},
    score=0.1 + 0.2,
    baseline_score=-1e-300,
    additive=True,
    gradient_count=51,
    seconds=1 / 3,
    map_error=0.1,
    correction=-0.25,
    converged=True,
    trace=PathTrace(*RANDOM.normal(size=(5, 7))),
)
NOTHING = {"map_error": None, "correction": None, "converged": None}
BARE = replace(WHOLE, baseline=None, baseline_score=None, additive=False, trace=None, **NOTHING)
FIXED = replace(WHOLE, converged=None, correction=None)


def assert_same(one, other):
    for part in fields(Attribution):
        ours, theirs = getattr(one, part.name), getattr(other, part.name)
        if part.name == "trace" and ours is not None:
            for name in (part.name for part in fields(PathTrace)):
                assert getattr(ours, name).tobytes() == getattr(theirs, name).tobytes()
                assert getattr(theirs, name).dtype == np.float64
        elif part.name in ARRAYS and ours is not None:
            assert (ours.tobytes(), ours.dtype, ours.shape) == (theirs.tobytes(), theirs.dtype, theirs.shape)
        else:
            assert ours == theirs
            assert type(ours) is type(theirs)


@pytest.mark.parametrize(
    "attribution",
    [WHOLE, BARE, FIXED, replace(WHOLE, converged=False)],
    ids=["whole", "bare", "fixed", "not converged"],
)
@pytest.mark.parametrize("name", ["out.npz", "out", "no suffix.dat"])
def test_an_attribution_comes_back_bit_for_bit(tmp_path, attribution, name):
    attribution.save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert_same(attribution, Attribution.load(tmp_path / name))
    assert_same(attribution, Attribution.load(str(tmp_path / name)))


def test_values_of_every_kind_come_back(tmp_path):
    values = VALUES.copy()
    values.flat[:4] = [np.nan, np.inf, -0.0, 1e-45]
    odd = replace(WHOLE, values=values, score=math.inf, seconds=5e-324)
    odd.save(tmp_path / "odd.npz")
    assert_same(odd, Attribution.load(tmp_path / "odd.npz"))


def test_a_saved_file_holds_no_pickle():
    with np.load(io.BytesIO(WHOLE.to_bytes()), allow_pickle=False) as file:
        assert not [name for name in file if file[name].dtype.hasobject]
        assert np.array_equal(file["values"], VALUES)


class Hostile:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("name", ["values", "facts", "trace_alphas", "unknown"])
def test_a_file_that_would_run_code_is_refused_and_nothing_runs(tmp_path, name):
    folder, path = tmp_path / "ran", tmp_path / "hostile.npz"
    with np.load(io.BytesIO(WHOLE.to_bytes())) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, name: np.array([Hostile(folder)], object)})
    with pytest.raises(InputError):
        Attribution.load(path)
    path.write_bytes(pickle.dumps(Hostile(folder)))
    with pytest.raises(InputError):
        Attribution.load(path)
    assert not folder.exists()
    pickle.loads(path.read_bytes())
    assert folder.exists()


def without(*names, **others):
    with np.load(io.BytesIO(WHOLE.to_bytes())) as file:
        arrays = {name: file[name] for name in file if name not in names}
    buffer = io.BytesIO()
    np.savez(buffer, **{**arrays, **others})
    return buffer.getvalue()


def array_file():
    buffer = io.BytesIO()
    np.save(buffer, VALUES)
    return buffer.getvalue()


@pytest.mark.parametrize("newer", [("correction", "converged"), ("map_error", "correction", "converged")], ids=str)
def test_a_file_from_before_a_field_was_there_still_loads(tmp_path, newer):
    facts = json.loads(str(np.load(io.BytesIO(FIXED.to_bytes()))["facts"]))
    assert facts.keys() >= {*newer}
    kept = {name: value for name, value in facts.items() if name not in newer}
    (tmp_path / "old.npz").write_bytes(without("facts", facts=np.array(json.dumps(kept))))
    assert_same(replace(FIXED, **dict.fromkeys(newer)), Attribution.load(tmp_path / "old.npz"))


OTHERS = {
    "nothing": b"",
    "text": b"some text\n",
    "noise": RANDOM.bytes(3000),
    "cut off": WHOLE.to_bytes()[:-40],
    "cut short": WHOLE.to_bytes()[:200],
    "one array": array_file(),
    "no values": without("values"),
    "no facts": without("facts"),
    "half a trace": without("trace_weights"),
    "values of another shape": without("values", values=np.zeros(7)),
    "image of another shape": without("image", image=np.zeros((2, 2, 3), np.float32)),
    "facts that are no JSON": without("facts", facts=np.array("not json")),
    "facts that are a list": without("facts", facts=np.array("[1, 2]")),
    "facts that are few": without("facts", facts=np.array('{"target": 3}')),
}


@pytest.mark.parametrize("data", OTHERS.values(), ids=list(OTHERS))
def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path, data):
    path = tmp_path / "other.npz"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"other.npz.*not an attribution saved by igcore") as caught:
        Attribution.load(path)
    assert "\n" not in str(caught.value)


def test_a_path_without_a_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"there is no file .*nothing.npz"):
        Attribution.load(tmp_path / "nothing.npz")
    with pytest.raises(InputError, match="not an attribution"):
        Attribution.load(tmp_path)


def test_an_attribution_is_frozen():
    with pytest.raises(AttributeError):
        WHOLE.score = 1.0
    with pytest.raises((AttributeError, TypeError)):
        WHOLE.note = "slotted"


@settings(deadline=None)
@given(score=st.floats(-1e3, 1e3), baseline_score=st.floats(-1e3, 1e3))
def test_completeness_is_the_sum_less_the_score_difference(score, baseline_score):
    attribution = replace(WHOLE, score=score, baseline_score=baseline_score)
    assert attribution.sum == pytest.approx(VALUES.astype(np.float64).sum())
    assert attribution.score_difference == score - baseline_score
    assert attribution.completeness_error == attribution.sum - (score - baseline_score)
    relative = attribution.relative_completeness_error
    if score == baseline_score:
        assert relative is None
    else:
        assert relative == pytest.approx(abs(attribution.completeness_error / (score - baseline_score)))


def test_completeness_does_not_apply_to_a_heat_map():
    for attribution in (BARE, replace(WHOLE, additive=False), replace(WHOLE, baseline_score=None)):
        assert attribution.completeness_error is None
        assert attribution.relative_completeness_error is None
        assert completeness_verdict(attribution).level == "unknown"
        assert "heat map" in completeness_verdict(attribution).text


def test_the_trace_collects_up_to_the_sum():
    trace = WHOLE.trace
    assert trace.cumulative[-1] == pytest.approx(trace.weights @ trace.slopes)
    assert trace.cumulative[0] == trace.weights[0] * trace.slopes[0]


def off_by(relative, difference=0.5, of="probability"):
    values = np.full(SHAPE, difference * (1 + relative) / VALUES.size, np.float32)
    return replace(FIXED, values=values, score=difference, baseline_score=0.0, settings={"of": of})


@pytest.mark.parametrize("difference", [0.5, -0.5])
@pytest.mark.parametrize(
    ("relative", "level"),
    [(0, "good"), (0.0099, "good"), (-0.0099, "good"), (0.011, "fair"), (-0.049, "fair"), (0.051, "poor"), (3, "poor")],
)
def test_the_verdict_follows_the_relative_error(relative, level, difference):
    verdict = completeness_verdict(off_by(relative, difference))
    assert verdict.level == level
    # "within 0.0%" would claim more than float arithmetic can hold.
    assert f"{max(abs(relative), 0.001):.1%}" in verdict.text


@pytest.mark.parametrize(
    ("converged", "error", "level"),
    [(True, 0.05, "good"), (True, 0.2, "good"), (False, 0.02, "fair"), (False, 0.15, "fair"), (False, 0.16, "poor")],
)
def test_of_an_integrator_that_chooses_when_to_stop_it_is_said_whether_it_converged(converged, error, level):
    corrected = replace(off_by(0), correction=0.15, converged=converged, map_error=error, gradient_count=77)
    verdict = completeness_verdict(corrected)
    assert verdict.level == level
    assert f"the map about {error:.1%}" in verdict.text.replace("map is about", "map about")
    assert ("Converged" in verdict.text) == converged
    assert ("after 77 gradients" in verdict.text) == (not converged)


def test_a_small_map_error_does_not_excuse_a_sum_that_nothing_corrected():
    verdict = completeness_verdict(replace(off_by(0.3), converged=False, map_error=0.0))
    assert verdict.level == "poor"
    assert "the sum 30.0% off" in verdict.text


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [{}, {"converged": True}, {"correction": 0.1}], ids=str)
@pytest.mark.parametrize(("difference", "of"), [(0.0, "probability"), (0.009, "probability"), (-0.09, "logit")])
def test_a_score_that_hardly_changes_is_not_judged(difference, of, kind):
    verdict = completeness_verdict(replace(off_by(0.5, difference, of), **kind))
    assert verdict.level == "unknown"
    assert "hardly changes" in verdict.text


def test_an_image_that_equals_its_baseline_is_said_to_be_blind():
    same = replace(off_by(0), baseline=IMAGE)
    assert completeness_verdict(same).level == "unknown"
    assert "equals its baseline" in completeness_verdict(same).text
    assert blind_share(same) == 1


def test_the_blind_share_counts_pixels_close_to_the_baseline_in_every_channel():
    baseline = IMAGE + np.float32(0.1)
    baseline[0, :3] = IMAGE[0, :3] + np.float32(0.005)
    baseline[0, 0, 1] += np.float32(0.1)
    assert blind_share(replace(WHOLE, baseline=baseline)) == pytest.approx(2 / 20)
    assert blind_share(BARE) is None
