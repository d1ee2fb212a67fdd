"""Effects of regions: closed forms, the embedded network, and what is known when it stops; ways to cut an image."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy.ndimage import label as pieces

import igcore
from igcore import regions
from igcore.baselines import Gray, describe_baseline
from igcore.errors import Cancelled, InputError
from igcore.games import dividends, members, orders
from igcore.region_effects import LARGEST, Interaction, region_cost
from igcore.regions import explain_regions
from igcore.runtime.region_questions import Regions
from igcore.superpixels import few_superpixels, gathered, grid, mixed, spread
from tests.functions import SIZE, WEIGHTS, model_of, picture, power, product_of_means, steep

IMAGE = picture(1)
SIX = grid(SIZE, 6)
FORMS = (power(1), product_of_means(), steep(IMAGE, 0.5, 0.1))
ADDITIVE, PRODUCT, STEEP = range(len(FORMS))


@pytest.fixture(scope="module")
def forms():
    return model_of(*FORMS)


@pytest.fixture(scope="module")
def explained(model, photo):
    """Six superpixels of a photo, through the embedded network."""
    image = photo("coffee")
    return explain_regions(model, image, few_superpixels(image, 6), "gray")


def test_an_additive_function_has_independent_effects_alone(forms):
    found = explain_regions(forms, IMAGE, SIX, "gray", ADDITIVE, "logit")
    parts = gathered((WEIGHTS * (IMAGE.astype(np.float64) - 0.5)).sum(axis=-1), SIX)
    np.testing.assert_allclose(found.independent, parts, rtol=0, atol=1e-7)
    np.testing.assert_allclose(found.shapley_values, parts, rtol=0, atol=1e-6)
    assert np.abs(parts).min() > 1e-4
    assert (found.order_sizes[1:] < 1e-5).all()
    assert found.strongest(100) == []


def test_a_product_of_two_regions_is_one_interaction_and_nothing_else(forms):
    halves = np.tile(np.arange(SIZE[1]) // (SIZE[1] // 2), (SIZE[0], 1))
    found = explain_regions(forms, IMAGE, halves, "black", PRODUCT, "logit")
    whole = IMAGE[halves == 0].mean(dtype=np.float64) * IMAGE[halves == 1].mean(dtype=np.float64)
    assert found.independent.tolist() == [0.0, 0.0]
    assert found.strongest(9) == [Interaction((0, 1), pytest.approx(whole, rel=1e-6))]
    np.testing.assert_allclose(found.shapley_values, [whole / 2] * 2, rtol=1e-6)


def test_regions_that_the_product_joins_interact_in_pairs(forms):
    found = explain_regions(forms, IMAGE, grid(SIZE, 4), "black", PRODUCT, "logit")
    means = [IMAGE[grid(SIZE, 4) == region].mean(dtype=np.float64) / 2 for region in range(4)]
    expected = {(left, right): means[left] * means[right] for left in (0, 2) for right in (1, 3)}
    seen = {tuple(sorted(one.regions)): one.effect for one in found.strongest(99)}
    assert seen == {tuple(sorted(pair)): pytest.approx(effect, rel=1e-5) for pair, effect in expected.items()}
    sizes = [abs(one.effect) for one in found.strongest(99)]
    assert sizes == sorted(sizes, reverse=True)
    assert found.strongest(2) == found.strongest(99)[:2]


def test_the_effects_of_a_photo_sum_to_the_change_of_its_score(model, explained):
    assert explained.complete
    assert explained.forward_count == region_cost(6).forwards == 64
    assert explained.known_order == explained.regions == 6
    assert abs(explained.score_difference) > 0.5
    assert abs(explained.sum_error) < 1e-5
    assert explained.order_sums.sum() == pytest.approx(explained.score_difference, abs=1e-5)
    assert explained.shapley_values.sum() == pytest.approx(explained.score_difference, abs=1e-5)
    assert explained.worths[[0, -1]] == pytest.approx([explained.baseline_score, explained.score], abs=1e-5)
    assert explained.target == int(model.scores(explained.image[None])[0].argmax())
    assert explained.settings == {"baseline": describe_baseline(Gray()), "of": "probability", "seed": 0}


def test_a_worth_is_the_score_of_the_picture_with_these_regions(model, explained):
    who = np.array([True, False, True, True, False, False])
    shown = mixed(explained.image, explained.baseline, explained.labels, who[None])
    score = model.scores(np.repeat(shown, 2, axis=0))[0, explained.target]
    assert explained.worths[0b001101] == pytest.approx(float(score), abs=1e-5)
    assert explained.worths.std() > 0.05


def test_what_is_listed_is_larger_than_its_rounding(explained):
    rounding = explained.rounding
    assert rounding[3] == 8 * rounding[0] > 0
    listed = explained.strongest(1000)
    assert listed
    assert all(abs(one.effect) > rounding[len(one.regions)] and len(one.regions) >= 2 for one in listed)
    left_out = np.abs(explained.dividends) <= rounding[orders(6)]
    assert len(listed) == int((~left_out & (orders(6) >= 2)).sum())


def test_sizes_of_orders_do_not_cancel(explained):
    assert (explained.order_sizes >= np.abs(explained.order_sums) - 1e-12).all()
    assert explained.order_sizes[0] == pytest.approx(np.abs(explained.independent).sum())
    assert explained.order_sizes.sum() == pytest.approx(np.abs(explained.dividends[1:]).sum())


def stopped_after(chunks, model, labels):
    """Stop before one more than so many chunks; return all that was told."""
    told, asked = [], []

    def should_stop():
        asked.append(None)
        return len(asked) > chunks

    with pytest.raises(Cancelled):
        explain_regions(model, IMAGE, labels, "black", STEEP, "logit", 0, told.append, should_stop)
    return told


@pytest.mark.parametrize(("chunks", "order"), [(1, 1), (2, 1), (4, 2), (9, 3), (15, 5)])
def test_what_is_known_when_it_stops_is_exact(forms, chunks, order):
    labels = grid(SIZE, 8)
    whole = explain_regions(forms, IMAGE, labels, "black", STEEP, "logit")
    told = stopped_after(chunks, forms, labels)
    assert [one.done for one in told] == [16 * (chunk + 1) for chunk in range(chunks)]
    assert {one.total for one in told} == {256}
    known = told[-1].partial
    assert known.known_order == order
    assert not known.complete
    assert known.shapley_values is None
    assert known.sum_error is None
    exact = orders(8) <= order
    np.testing.assert_array_equal(known.dividends[exact], whole.dividends[exact])
    assert np.isnan(known.dividends[~exact]).all()
    np.testing.assert_array_equal(known.order_sums[:order], whole.order_sums[:order])
    assert np.isnan(known.order_sums[order:]).all()
    assert max((len(one.regions) for one in known.strongest(999)), default=0) <= order


def test_what_was_told_before_does_not_change_later(forms):
    told = []
    explain_regions(forms, IMAGE, grid(SIZE, 8), "black", STEEP, "logit", on_progress=told.append)
    assert [one.partial.known_order for one in told] == sorted(one.partial.known_order for one in told)
    assert told[-1].partial.complete
    assert np.isnan(told[0].partial.worths).sum() == 256 - 16
    with pytest.raises(ValueError, match="read-only"):
        told[0].partial.worths[0] = 1


@pytest.mark.parametrize("chunk", [3, 64])
def test_chunks_do_not_change_the_effects(model, explained, monkeypatch, chunk):
    monkeypatch.setattr(regions, "SCORED", chunk)
    again = explain_regions(model, explained.image, explained.labels, "gray")
    assert (np.abs(again.dividends - explained.dividends) <= explained.rounding[orders(6)]).all()


def test_the_same_seed_gives_the_same_bytes(forms):
    one, same, other = (explain_regions(forms, IMAGE, SIX, "uniform-noise", STEEP, "logit", seed) for seed in (5, 5, 6))
    assert one.worths.tobytes() == same.worths.tobytes()
    assert one.worths.tobytes() != other.worths.tobytes()


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (np.zeros((4, 4), int), r"labels have shape \(4, 4\); expected \(8, 8\)"),
        ([[0, 1]], "labels have shape list; expected"),
        (SIX.astype(float), "labels have dtype float64; expected whole numbers from 0 to n − 1"),
        (2 * SIX, "labels are 6 numbers from 0 to 10; expected every number from 0 to 5"),
        (SIX + 1, "labels are 6 numbers from 1 to 6; expected every number from 0 to 5"),
        (SIX - 1, "labels are 6 numbers from -1 to 4; expected every number from 0 to 5"),
        (0 * SIX, "there is 1 region; expected 2 to 16"),
        (grid(SIZE, 17), "^17 regions take 131,072 forward passes; join some: at most 16 can be explained$"),
        (
            np.arange(64).reshape(SIZE),
            "^64 regions take 2\\^64 forward passes; join some: at most 16 can be explained$",
        ),
    ],
)
def test_labels_that_cannot_be_used_are_refused_in_one_line(forms, labels, told):
    with pytest.raises(InputError, match=told) as refused:
        explain_regions(forms, IMAGE, labels, of="logit")
    assert "\n" not in str(refused.value)


def test_sixteen_regions_are_the_most():
    assert region_cost(LARGEST).forwards == 65_536
    with pytest.raises(InputError, match="of is 'odds'"):
        explain_regions(None, IMAGE, SIX, of="odds")


def test_the_public_name_is_the_function():
    assert igcore.explain_regions is explain_regions


def test_the_question_is_named_by_all_that_its_answer_depends_on(forms):
    def ask(image=IMAGE, labels=SIX, baseline=Gray(), target=STEEP, of="logit", seed=0):  # noqa: B008
        return Regions("closed-form", image, labels, baseline, target, of, seed)

    asked = ask()
    others = [
        ask(image=picture(2)),
        ask(labels=SIX[::-1]),
        ask(baseline=igcore.Black()),
        ask(target=ADDITIVE),
        ask(of="probability"),
        ask(seed=1),
    ]
    assert ask(labels=SIX.copy()).key == asked.key
    assert len({one.key for one in [asked, *others]}) == 7
    assert (asked.forwards, asked.gradients, asked.effort) == (64, 32, ("closed-form:regions", 64))
    assert (ask(labels=grid(SIZE, 17)).gradients, ask(labels=grid(SIZE, 17)).effort[1]) == (0, 1)
    answer = asked.answer(lambda _key: forms, lambda _progress: None, lambda: False)
    expected = explain_regions(forms, IMAGE, SIX, "gray", STEEP, "logit")
    assert answer.worths.tobytes() == expected.worths.tobytes()
    assert asked.size(answer) > 3 * 8 * 64
    assert pickle.loads(pickle.dumps(answer)).dividends.tobytes() == expected.dividends.tobytes()


@pytest.mark.parametrize("shape", [(224, 224), (40, 97), (31, 16)])
@pytest.mark.parametrize("count", range(1, 17))
def test_a_grid_has_so_many_rectangles_of_about_one_size(shape, count):
    labels = grid(shape, count)
    assert labels.shape == shape
    assert np.unique(labels).tolist() == list(range(count))
    for one in range(count):
        rows, columns = np.nonzero(labels == one)
        assert rows.size == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    sizes = np.bincount(labels.ravel())
    assert sizes.max() <= 2.3 * sizes.min()


def test_six_are_two_rows_of_three_and_seven_differ_in_length():
    assert [len(np.unique(row)) for row in grid((6, 6), 6)[[0, 5]]] == [3, 3]
    assert [len(np.unique(row)) for row in grid((12, 12), 7)[[0, 5, 11]]] == [2, 2, 3]
    for count, size in ((0, SIZE), (9, (2, 2))):
        with pytest.raises(InputError, match=f"{count} cells"):
            grid(size, count)


@pytest.mark.parametrize("count", [2, 8, 16])
@pytest.mark.parametrize("key", ["coffee", "motorcycle"])
def test_few_superpixels_are_as_many_as_were_asked_for_and_hold_together(photo, key, count):
    labels = few_superpixels(photo(key), count)
    assert np.unique(labels).tolist() == list(range(count))
    assert all(pieces(labels == one)[1] == 1 for one in range(count))
    assert np.array_equal(labels, few_superpixels(photo(key), count))
    first = [int(np.argmax(labels.ravel() == one)) for one in range(count)]
    assert first == sorted(first)


def test_few_superpixels_find_what_differs_in_color():
    image = np.full((60, 60, 3), 0.2, np.float32)
    image[20:40, 10:30] = (0.9, 0.1, 0.1)
    labels = few_superpixels(image, 2)
    inside = labels == labels[30, 20]
    assert (inside == (image[..., 0] > 0.5)).mean() > 0.97
    assert few_superpixels(image, 100_000).max() < 100_000


def test_what_is_gathered_sums_to_the_same_and_is_the_inverse_of_spreading(photo):
    labels = few_superpixels(photo("cat"), 5)
    values = np.random.default_rng(0).normal(size=labels.shape).astype(np.float32)
    sums = gathered(values, labels)
    np.testing.assert_allclose(sums, [values[labels == one].sum(dtype=np.float64) for one in range(5)])
    np.testing.assert_allclose(gathered(spread(sums, labels), labels), sums)


def test_dividends_of_the_worths_are_the_effects(explained):
    np.testing.assert_array_equal(explained.dividends, dividends(explained.worths))
    np.testing.assert_array_equal(explained.independent, explained.worths[1 << np.arange(6)] - explained.worths[0])
    assert members(6)[1 << np.arange(6)].sum() == 6
