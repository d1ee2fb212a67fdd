"""Regions on a page, without a browser: ways to cut, what is drawn, tables and files; and a box set by sliders."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from igcore.agreement import spearman
from igcore.region_effects import RegionEffects
from igcore.superpixels import gathered, grid
from tests.test_page import finished
from ui.photo_box import _between, _clipped
from ui.region_controls import drawn_regions
from ui.region_figures import SCALE, order_bars, region_picture
from ui.region_table import csv_of_effects

#: In the corners, where no number stands.
PLACES = [(0, 0), (0, -1), (-1, 0), (-1, -1)]

FEW = {"region_count": "4", "region_methods": "gradient-x-input"}


def page_of_regions() -> None:
    """The view by itself, for the class on top."""
    from igcore.runtime.model_questions import Abilities
    from ui import state
    from ui.region_view import region_view
    from ui.scene import answered, choose_subject

    state.begin()
    subject = choose_subject()
    assert subject is not None
    able = answered(Abilities(subject.spec.key), "measuring")
    assert able is not None
    region_view(subject, subject.top, able)
    state.write_address()


def begun(**query: str) -> AppTest:
    page = AppTest.from_function(page_of_regions, default_timeout=300)
    page.query_params.update(FEW | query)
    return page


@pytest.fixture(scope="module")
def four() -> AppTest:
    """Four regions of a photo and one method, finished."""
    return finished(begun())


def values_of(page: AppTest) -> list[Any]:
    return [job.value for job in page.session_state["client"].followed.values()]


def effects_of(page: AppTest) -> RegionEffects:
    return next(value for value in values_of(page) if isinstance(value, RegionEffects))


def told(page: AppTest) -> str:
    return " ".join(one.value for one in [*page.markdown, *page.caption, *page.info])


def table_of(page: AppTest) -> Any:
    return next(one.value for one in page.dataframe if "Shapley value, exact" in one.value)


def test_four_regions_are_explained_unasked_and_the_sum_is_shown(four):
    effects = effects_of(four)
    assert effects.complete
    assert effects.regions == 4
    sentence = f"All 15 effects sum to {effects.score_difference:+.4f}; F(x) − F(x′) = {effects.score:.4f}"
    assert sentence in told(four)
    assert "All combinations of 4 regions: 16 forward passes" in told(four)
    assert not four.error


def test_the_list_is_that_of_the_strongest_and_who_chooses_one_keeps_it(four):
    radio = four.radio(key="region_pick")
    expected = [" · ".join(str(region + 1) for region in one.regions) for one in effects_of(four).strongest(10)]
    assert radio.value == expected[0]
    assert [option.split("**")[1] for option in radio.options] == expected
    page = radio.set_value(expected[2]).run()
    assert not page.exception
    assert page.radio(key="region_pick").value == expected[2]


def test_the_table_holds_exact_values_and_each_methods_sums_with_their_ranks(four):
    effects, table = effects_of(four), table_of(four)
    method = next(value for value in values_of(four) if not isinstance(value, RegionEffects))
    sums = gathered(method.values.sum(axis=-1, dtype=np.float64), effects.labels)
    exact = table["Shapley value, exact"].to_numpy()
    np.testing.assert_allclose(exact[:4], effects.shapley_values)
    np.testing.assert_allclose(table["Gradient × Input"].to_numpy()[:4], sums)
    assert table["Gradient × Input"].to_numpy()[4] == pytest.approx(spearman(sums, effects.shapley_values))
    assert table["Independent effect"].to_numpy()[4] == pytest.approx(
        spearman(effects.independent, effects.shapley_values)
    )
    assert table["Part of the photo"].to_numpy()[:4].sum() == pytest.approx(1)
    assert "With n = 4 regions ranks agree too easily by chance" in told(four)


def test_boxes_of_a_link_are_regions_and_the_rest_is_one_more():
    page = finished(begun(region_cut="drawn", region_boxes="10.20.110.120;100.20.200.120"))
    labels = effects_of(page).labels
    assert labels.max() == 2
    assert (labels[10:100, 20:120] == 0).all()
    assert (labels[100:200, 20:120] == 1).all()
    assert (labels == 2).sum() == 224 * 224 - 190 * 100
    page.button(key="region_undo").click()
    assert effects_of(finished(page)).labels.max() == 1
    page.button(key="region_clear").click().run()
    assert not page.exception
    assert "Add a first rectangle" in told(page)


def test_a_box_set_by_its_rows_and_columns_is_added():
    page = begun(region_cut="drawn").run()
    assert page.button(key="region_add").disabled
    page.slider(key="region_box_rows").set_value((30, 90)).run()
    page.slider(key="region_box_columns").set_value((0, 100)).run()
    assert page.session_state["region_box"] == (30, 0, 90, 100)
    page.button(key="region_add").click()
    finished(page)
    assert page.session_state["region_box"] is None
    assert page.query_params["region_boxes"] == "30.0.90.100"
    assert (effects_of(page).labels == 0).sum() == 60 * 100


def test_many_regions_wait_for_a_yes_and_their_cost_is_told():
    page = finished(begun(region_count="16"))
    assert "All combinations of 16 regions: 65,536 forward passes" in told(page)
    assert not any(isinstance(value, RegionEffects) for value in values_of(page))
    assert page.button(key="region_run").label.startswith("Run: ")
    assert page.slider(key="region_count").max == 16


def test_later_boxes_lie_over_earlier_ones_and_none_is_empty():
    labels = drawn_regions((4, 6), [(0, 0, 2, 2), (0, 0, 2, 3), (3, 0, 4, 6)])
    assert labels.tolist() == [[0, 0, 0, 2, 2, 2], [0, 0, 0, 2, 2, 2], [2] * 6, [1] * 6]
    assert drawn_regions((4, 6), []).tolist() == [[0] * 6] * 4
    assert drawn_regions((2, 2), [(0, 0, 2, 2)]).max() == 0


def test_a_box_is_whole_pixels_within_the_image_and_never_empty():
    assert _between((10.4, 2.6), (-3.0, 500.0), (20, 30)) == (3, 0, 10, 30)
    assert _between((5.2, 5.3), (29.9, 31.0), (20, 30)) == (5, 29, 6, 30)
    assert _clipped((5, 5, 50, 50), (20, 30)) == (5, 5, 20, 30)
    assert _clipped((25, 5, 50, 50), (20, 30)) is None
    assert _clipped(None, (20, 30)) is None


def test_what_is_not_lit_is_dim_and_gray():
    image, labels = np.full((60, 60, 3), (0.9, 0.5, 0.1), np.float32), grid((60, 60), 4)
    drawn = region_picture(image, labels, {1})
    assert drawn.shape == (60 * SCALE, 60 * SCALE, 3)
    seen = [drawn[place] for place in PLACES]
    np.testing.assert_allclose(seen[1], (0.9, 0.5, 0.1), atol=0.01)
    assert all(seen[region].max() < 0.2 and np.ptp(seen[region]) == 0 for region in (0, 2, 3))
    everything = region_picture(image, labels)
    np.testing.assert_allclose([everything[place] for place in PLACES], [(0.9, 0.5, 0.1)] * 4, atol=0.01)


def test_bars_of_orders_that_are_not_known_are_left_out():
    sums, sizes = np.array([1.0, -2.0, np.nan]), np.array([1.5, 3.0, np.nan])
    signed, absolute = order_bars(sums, sizes).data
    np.testing.assert_array_equal(signed.y, sums)
    np.testing.assert_array_equal(absolute.y, sizes)
    assert list(signed.x) == ["1", "2", "3"]
    assert list(signed.customdata) == [3, 3, 1]


def test_the_file_holds_every_set_with_its_score_and_effect(four):
    effects = effects_of(four)
    rows = list(csv.DictReader(io.StringIO(csv_of_effects("file", 4, effects).decode())))
    assert len(rows) == 16
    assert [int(row["order"]) for row in rows] == sorted(int(row["order"]) for row in rows)
    found = {row["regions"]: (float(row["score"]), float(row["effect"])) for row in rows}
    assert found[""] == (effects.worths[0], effects.worths[0])
    assert found["1 3"] == (effects.worths[0b101], effects.dividends[0b101])
