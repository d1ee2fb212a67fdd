"""The page that compares baselines, without a browser."""

from __future__ import annotations

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

import igcore
from igcore.heatmaps import SIGNS
from tests.test_page import QUICK, finished, opened

PAGE = "baselines.py"
TABLES = ["Spearman rank correlation", "Structural similarity (SSIM)", "Overlap of the top 5 % of pixels"]


def compared(*baselines: str, **query: str) -> AppTest:
    return opened(PAGE, baselines=";".join(baselines), **(QUICK | query))


def names(page: AppTest) -> list[str]:
    """What stands over the numbered columns, in their order."""
    found = [re.fullmatch(r"(\d) \*\*(.+)\*\*", one.value) for one in page.markdown]
    numbered = [one.groups() for one in found if one]
    assert [number for number, _ in numbered] == [str(number) for number in range(1, len(numbered) + 1)]
    return [name for _, name in numbered]


def numbers(page: AppTest) -> list[str]:
    """What stands under each column, the average's last."""
    return [one.value for one in page.markdown if one.value.startswith(":small[")]


def pictures(page: AppTest, alt: str) -> list[str]:
    """The pictures with such a description, as addresses that hold all of them."""
    images = [image for element in page.get("image") for image in element.proto.imgs]
    return [image.url for image in images if re.fullmatch(alt, image.alt)]


def masks(page: AppTest) -> list[str]:
    return pictures(page, r"Attribution by (?:(?! over the image).)+")


def tables(page: AppTest) -> list[list[list[str]]]:
    """The cells of each agreement table, row by row."""
    found = []
    for chart in page.get("plotly_chart"):
        heat, *rest = json.loads(chart.proto.spec)["data"]
        if heat["type"] == "heatmap":
            cells, count = rest[0]["text"], len(heat["x"])
            found.append([cells[row * count : (row + 1) * count] for row in range(count)])
    return found


def baselines(page: AppTest) -> list[dict]:
    """The baselines of the jobs that the page follows."""
    return [job.question.method.describe()["baseline"] for job in page.session_state["client"].followed.values()]


def told(page: AppTest, kind: str = "caption") -> str:
    return "\n".join(one.value for one in getattr(page, kind))


def test_first_visit_compares_four_baselines_and_their_average():
    page = opened(PAGE)
    assert names(page) == ["Black", "White", "Gaussian blur 20", "Uniform noise 0"]
    assert len(masks(page)) == len(numbers(page)) == 5
    assert [len(table) for table in tables(page)] == [4, 4, 4]
    assert all(job.value for job in page.session_state["client"].followed.values())
    assert {job.question.method.integrator for job in page.session_state["client"].followed.values()} == {"adaptive"}
    assert page.query_params["baselines"] == "black;white;blur:sigma=20.0;uniform-noise:seed=0"


def test_link_gives_two_of_a_kind_with_their_parameters():
    page = compared("black", "blur:sigma=5.0", "blur:sigma=40.0")
    assert names(page) == ["Black", "Gaussian blur 5", "Gaussian blur 40"]
    assert baselines(page) == [{"key": "black"}, {"key": "blur", "sigma": 5.0}, {"key": "blur", "sigma": 40.0}]
    assert page.query_params["baselines"] == "black;blur:sigma=5.0;blur:sigma=40.0"


def test_every_baseline_can_be_compared():
    kinds = [*igcore.BASELINES]
    for some in (kinds[:5], kinds[5:]):
        page = compared(*("image:rocket" if kind == "image" else kind for kind in some))
        assert [one["key"] for one in baselines(page)] == some
        assert len(numbers(page)) == len(some) + 1
        assert [*page.error] == []
        again = opened(PAGE, **dict(page.query_params))
        assert names(again) == names(page)
        assert baselines(again) == baselines(page)


@pytest.mark.parametrize("color", ["#00ff7f", "teal", "rgb(0%, 100%, 50%)", "hsl(150, 100%, 50%)"])
def test_colors_of_a_link_are_shown_or_refused_in_one_line(color):
    page = compared("black", f"color:color={color}")
    assert [*page.error] == []
    assert names(page)[0] == "Black"
    assert len(masks(page)) == len(names(page)) + 1


def test_nine_baselines_of_a_link_are_cut_to_eight_with_a_line():
    asked = [f"blur:sigma={sigma}.0" for sigma in range(1, 10)]
    page = compared(*asked)
    assert [one.value for one in page.warning] == ["The link asks for 9 baselines; these are the first 8."]
    assert [one["sigma"] for one in baselines(page)] == [*range(1, 9)]
    assert page.button(key="add_baseline").disabled
    # The line speaks of what the link asked for; once the set is another one, it is no longer true.
    page.button(key="slot1-remove").click().run()
    assert [*page.warning] == []


@pytest.mark.parametrize(
    "text",
    [
        *("black", ";;", "black;sepia", "<b>;black", "black:white;white"),
        *("black;blur:sigma=-1", "black;blur:sigma=nan", "black;blur:size=3"),
        *("black;image", "black;image:/etc/passwd", "black;image:nothing"),
    ],
)
def test_link_with_one_baseline_or_nonsense_gives_the_default_set(text):
    page = opened(PAGE, baselines=text, **QUICK)
    assert names(page) == ["Black", "White", "Gaussian blur 20", "Uniform noise 0"]
    assert [*page.error] == []


def test_the_same_baseline_twice_is_computed_once_and_agrees_with_itself():
    page = compared("black", "black")
    assert names(page) == ["Black", "Black"]
    assert len(page.session_state["client"].followed) == 1
    assert len(numbers(page)) == 3
    assert tables(page) == [[["1.00"] * 2] * 2] * 3


def test_adding_and_removing_stays_between_two_and_eight_and_the_address_follows():
    page = compared("black", "white")
    assert [page.button(key=f"slot{slot}-remove").disabled for slot in (1, 2)] == [True, True]
    for count in range(3, 9):
        page.button(key="add_baseline").click().run()
        assert len(page.query_params["baselines"].split(";")) == count
    assert page.button(key="add_baseline").disabled
    added = ["gray", "mean", "max-distance", "gaussian-noise:sigma=0.5,seed=0", "black", "black"]
    assert page.query_params["baselines"].split(";") == ["black", "white", *added]
    finished(page)
    assert len(numbers(page)) == 9
    for slot in (1, 3, 8):
        page.button(key=f"slot{slot}-remove").click().run()
    assert page.query_params["baselines"].split(";") == ["white", *added[1:-1]]
    assert not page.button(key="add_baseline").disabled
    finished(page)
    assert names(page)[:2] == ["White", "Image mean"]


def test_a_parameter_moves_its_own_column_only():
    page = compared("black", "blur:sigma=5.0", "blur:sigma=40.0")
    page.toggle(key="shared_scale").set_value(False).run()
    jobs, before, maps = [*page.session_state["client"].followed.values()], numbers(page), masks(page)
    page.slider(key="slot2-blur-sigma").set_value(10.0).run()
    finished(page)
    assert names(page) == ["Black", "Gaussian blur 10", "Gaussian blur 40"]
    assert page.query_params["baselines"] == "black;blur:sigma=10.0;blur:sigma=40.0"
    after = page.session_state["client"].followed.values()
    assert [job in jobs for job in after].count(True) == 2
    assert [one in jobs for one in after].count(False) == 1
    assert (numbers(page)[0], numbers(page)[2]) == (before[0], before[2])
    assert numbers(page)[1] != before[1]
    assert [a == b for a, b in zip(masks(page), maps, strict=True)] == [True, False, True, False]


def test_a_change_of_kind_keeps_the_place():
    page = compared("black", "white", "gray")
    page.selectbox(key="slot2").set_value("blur").run()
    finished(page)
    assert names(page) == ["Black", "Gaussian blur 20", "Gray"]
    page.slider(key="slot2-blur-sigma").set_value(33.0).run()
    page.selectbox(key="slot2").set_value("mean").run()
    finished(page)
    assert page.query_params["baselines"] == "black;mean;gray"


def test_a_bundled_photo_is_a_baseline():
    page = compared("black", "image:rocket")
    assert names(page) == ["Black", "Your own image: Rocket"]
    page.selectbox(key="slot2-other").set_value("clock").run()
    finished(page)
    assert names(page) == ["Black", "Your own image: Moving clock"]
    assert page.query_params["baselines"] == "black;image:clock"


def test_an_upload_is_a_baseline_and_never_enters_the_address():
    page = compared("black", "white", "image:rocket")
    photo = igcore.PHOTOS["camera"].path.read_bytes()
    page.get("file_uploader")[0].set_value(("my secret.png", photo, "image/png")).run()
    finished(page)
    assert names(page) == ["Black", "White", "Your own image: my-secret.png"]
    assert page.query_params["baselines"] == "black;white"
    assert "secret" not in str(page.query_params)
    assert [*page.error] == []


def test_an_upload_that_cannot_be_read_is_told_and_the_photo_beside_it_serves():
    page = compared("black", "image:rocket")
    page.get("file_uploader")[0].set_value(("note.png", b"not an image", "image/png")).run()
    finished(page)
    assert len(page.error) == 1
    assert page.error[0].value.startswith("note.png: ")
    assert names(page) == ["Black", "Your own image: Rocket"]


def test_an_image_that_equals_its_baseline_has_a_zero_map_and_no_agreement():
    page = compared("black", "image:cat", "white", image="cat")
    (zero,) = [
        job for job in page.session_state["client"].followed.values() if job.question.method.baseline.key == "image"
    ]
    assert not zero.value.by_rule["trapezoid"].values.any()
    assert "**+0.000**" in numbers(page)[1]
    assert [*page.error] == []
    for table in tables(page):
        assert table[1] == [row[1] for row in table] == ["–"] * 3
        assert "–" not in (table[0][0], table[0][2], table[2][2])
    page.selectbox(key="pair_b").set_value(2).run()
    assert {metric.label: metric.value for metric in page.metric} == dict.fromkeys(TABLES, "–")
    assert "100.0% of the image" in [caption for element in page.get("image") for caption in element.captions]


def test_one_color_scale_or_each_its_own_is_a_matter_of_drawing():
    page = compared("black", "white", "blur:sigma=40.0")
    jobs, before = dict(page.session_state["client"].followed), masks(page)
    page.toggle(key="shared_scale").set_value(False).run()
    assert dict(page.session_state["client"].followed) == jobs
    after = masks(page)
    assert len(after) == len(before) == 4
    assert sum(a != b for a, b in zip(after, before, strict=True)) >= 3
    page.toggle(key="shared_scale").set_value(True).run()
    assert masks(page) == before


def test_every_sign_draws_and_compares_the_same_maps():
    page = compared("black", "white")
    jobs, seen = dict(page.session_state["client"].followed), set()
    for sign in SIGNS:
        page.session_state["sign"] = sign
        page.run()
        assert not page.exception
        assert [*page.error] == []
        assert dict(page.session_state["client"].followed) == jobs
        seen.add((*masks(page), str(tables(page))))
    assert len(seen) == len(SIGNS)


def test_the_pair_of_maps_is_chosen_by_select_boxes():
    page = compared("black", "white", "gray", "mean")
    assert (page.selectbox(key="pair_a").value, page.selectbox(key="pair_b").value) == (1, 2)
    page.selectbox(key="pair_a").set_value(4).run()
    page.selectbox(key="pair_b").set_value(3).run()
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown == {title: table[3][2] for title, table in zip(TABLES, tables(page), strict=True)}
    assert len(pictures(page, "Map of Image mean")) == len(pictures(page, "Map of Gray")) == 1
    # The pair follows when its columns go.
    page.button(key="slot4-remove").click().run()
    finished(page)
    assert page.selectbox(key="pair_a").value in (1, 2, 3)
    assert len(page.metric) == 3


def test_two_images_are_each_explained_for_their_own_class_or_for_one():
    page = opened(PAGE, by="images", second_image="rocket", **QUICK)
    assert names(page) == ["Espresso: espresso", "Rocket: missile"]
    assert len(numbers(page)) == 2
    assert len(tables(page)) == 3
    page.toggle(key="own_class").set_value(False).run()
    finished(page)
    assert names(page) == ["Espresso: espresso", "Rocket: espresso"]


def test_two_classes_are_the_first_and_the_next_or_a_chosen_one():
    page = opened(PAGE, by="classes", **QUICK)
    first, second = names(page)
    assert first == "espresso"
    assert second != first
    page.selectbox(key="second_target").set_value("504").run()
    finished(page)
    assert names(page) == ["espresso", "coffee mug"]
    assert page.query_params["second_target"] == "504"


def test_without_a_second_model_the_page_says_what_is_missing_and_shows_the_first():
    page = opened(PAGE, by="models", **QUICK)
    assert [one.value for one in page.warning] == [
        "Inception V1 is not on this machine: not downloaded; run python -m igcore fetch inception-v1. "
        "Choose another as the second model."
    ]
    assert names(page) == ["espresso"]
    assert len(masks(page)) == 1
    assert "As soon as two maps are finished" in told(page)


@pytest.mark.parametrize(
    "query",
    [
        {"by": "colors"},
        {"by": "images", "second_image": "../x"},
        {"by": "classes", "second_target": "99999"},
        {"by": "models", "second_model": "/tmp/model"},
    ],
)
def test_nonsense_in_a_link_falls_back(query):
    page = opened(PAGE, **query, **QUICK)
    assert [*page.error] == []
    assert names(page)
    assert all(page.query_params.get(key) != value for key, value in query.items() if key != "by" or value == "colors")


def test_settings_that_do_not_go_together_are_one_line():
    page = compared("black", "white", integrator="simpson", steps="20")
    page.slider(key="steps").set_value(25).run()
    assert [one.value for one in page.error] == ["simpson needs an even number of steps, got 25; take 24 or 26"]
    page.slider(key="steps").set_value(30).run()
    finished(page)
    assert len(numbers(page)) == 3
