"""The page that compares methods, without a browser."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import numpy as np
import pytest
import streamlit as st
import tensorflow as tf
from PIL import Image
from streamlit.testing.v1 import AppTest

import igcore
from igcore.heatmaps import SIGNS
from igcore.registry import parameters
from tests.exports import NotCallable, export
from tests.test_page import APP, finished, opened
from tests.test_page_baselines import TABLES, pictures, tables, told

PAGE = "methods.py"
FIRST = ["gradient", "smoothgrad", "ig", "occlusion-patch", "grad-cam", "lrp-composite"]
FIRST_CLOSED = ["gradient", "smoothgrad", "ig", "guided-ig", "xrai", "occlusion-patch"]

#: Three methods that take one gradient each.
SHORT = ["gradient", "gradient-x-input", "grad-cam"]

#: Few samples for methods that take many by default.
FEW = {
    "smoothgrad-samples": "3",
    "expected-gradients-samples": "8",
    "guided-ig-steps": "3",
    "idgi-steps": "4",
    "occlusion-patch-size": "64",
    "occlusion-patch-stride": "64",
    "shapley-segments": "6",
    "shapley-permutations": "2",
}


def compared(*methods: str, **query: str) -> AppTest:
    return opened(PAGE, methods=";".join(methods), **query)


#: Pages whose jobs nobody waits for.
UNFINISHED: list[AppTest] = []


@pytest.fixture(autouse=True)
def stopped():
    """What nobody waits for is stopped when its test ends, however it ends."""
    yield
    for page in UNFINISHED:
        for job in page.session_state["client"].followed.values() if "client" in page.session_state else ():
            job.cancel()
    UNFINISHED.clear()


def first_run(**query: str) -> AppTest:
    """Run the page once, without waiting for what it has begun."""
    page = AppTest.from_file(APP, default_timeout=300)
    UNFINISHED.append(page)
    page.switch_page(f"pages/{PAGE}")
    page.query_params.update(query)
    page.run()
    assert not page.exception
    return page


def blocks(page: AppTest, key: str) -> list[Any]:
    """The containers whose key begins so, in their order."""
    found: list[Any] = []

    def search(block: Any) -> None:
        for child in block.children.values():
            if (getattr(child, "key", None) or "").startswith(key) and hasattr(child, "children"):
                found.append(child)
            if hasattr(child, "children"):
                search(child)

    search(page.main)
    search(page.sidebar)
    return found


def shown(page: AppTest) -> list[str]:
    """The methods that have a card, in their order."""
    return [block.key.removeprefix("card_") for block in blocks(page, "card_")]


def card(page: AppTest, key: str) -> Any:
    (found,) = blocks(page, f"card_{key}")
    return found


def lines(page: AppTest, key: str) -> list[str]:
    """What a card says under its map, without what the method is."""
    return [one.value for one in card(page, key).caption][:-1]


def maps(page: AppTest) -> list[str]:
    """The picture of each card, as an address that holds all of it."""
    return [image.url for block in blocks(page, "card_") for one in block.get("image") for image in one.proto.imgs]


def jobs(page: AppTest) -> dict[str, Any]:
    """The jobs that the page follows, by method."""
    return {job.question.method.key: job for job in page.session_state["client"].followed.values()}


def expanders(page: AppTest) -> list[str]:
    """The methods that have parameters in the sidebar."""
    return [block.key.removeprefix("parameters_") for block in blocks(page, "parameters_")]


def drawn(page: AppTest) -> set[str]:
    """The keys of all controls of the sidebar."""
    kinds = ("selectbox", "multiselect", "number_input", "slider", "select_slider", "text_input", "toggle")
    return {one.key for kind in kinds for one in getattr(page.sidebar, kind)}


@pytest.fixture
def added(tmp_path, monkeypatch):
    """Put a model into the server's catalogue and return its key, which no other test has."""

    def add(key: str, kind: str, handle: str) -> str:
        path = tmp_path / "models.toml"
        path.write_text(f'[{key}]\nkind = "{kind}"\nhandle = "{handle}"\n')
        monkeypatch.setenv("IGCORE_CATALOGUE", str(path))
        return key

    return add


# The set of methods.


def test_first_visit_shows_six_methods_side_by_side():
    page = opened(PAGE)
    assert shown(page) == [*jobs(page)] == FIRST
    assert all(job.value for job in jobs(page).values())
    assert len(set(maps(page))) == 6
    assert [(len(table), len(table[0])) for table in tables(page)] == [(6, 6)] * 3
    assert [*page.error] == [*page.warning] == [*page.info] == []
    assert any(re.fullmatch(r"espresso: 6 maps in \d+\.\d s", one.value) for one in page.markdown)
    for key in FIRST:
        result = jobs(page)[key].value
        assert card(page, key).markdown[0].value.startswith(f"**{igcore.METHODS[key].label}** :small[")
        spent, meaning = lines(page, key)
        counts = ((result.gradient_count, "gradient"), (result.forward_count, "forward pass"))
        for count, name in counts:
            assert not count or re.match(rf"(.* and )?{count:,} {name}", spent)
        assert re.search(r" in \*\*(< )?\d+(\.\d)? s\*\*$", spent)
        assert ("A heat map" in meaning) == (igcore.METHODS[key].sums == "none")


def test_the_default_set_stays_out_of_the_address_and_another_one_goes_in():
    page = opened(PAGE)
    assert "methods" not in page.query_params
    finished(page.multiselect(key="methods").set_value(SHORT).run())
    assert page.query_params["methods"] == ";".join(SHORT)
    assert shown(page) == SHORT
    assert set(jobs(page)) == set(SHORT)
    finished(page.multiselect(key="methods").set_value(FIRST).run())
    assert "methods" not in page.query_params
    assert shown(page) == FIRST


@pytest.mark.parametrize(
    "asked",
    [
        *(SHORT, SHORT[::-1], ["grad-cam"]),
        # A set that somebody chose is not replaced because another model would begin with it.
        pytest.param(FIRST_CLOSED, id="those of a model without layers"),
    ],
)
def test_a_link_restores_its_methods_in_their_order(asked):
    query = {"guided-ig-steps": "3", "xrai-steps": "2"} if asked is FIRST_CLOSED else {}
    page = compared(*asked, **query)
    assert page.multiselect(key="methods").value == asked
    assert shown(page) == [*jobs(page)] == asked
    assert page.query_params["methods"] == ";".join(asked)
    assert [*page.error] == []


def test_a_method_twice_in_a_link_is_shown_once():
    page = first_run(methods="gradient;grad-cam;gradient")
    assert [*page.error] == []
    assert shown(page) == ["gradient", "grad-cam"]


@pytest.mark.parametrize("text", ["gradient;nothing", "<b>", "gradient,ig", "Gradient", "../ig"])
def test_an_unknown_method_in_a_link_is_told_and_gives_the_default(text):
    page = first_run(methods=text)
    plain = re.sub(r"[^\w.+-]", "", text)
    (toast,) = [one.value for one in page.toast]
    assert toast.startswith(f"The link asks for methods={plain}, which is not possible here; using ")
    assert shown(page) == FIRST
    assert "methods" not in page.query_params


def test_without_a_method_one_line_says_what_to_do():
    page = compared("gradient")
    page.multiselect(key="methods").set_value([]).run()
    assert not page.exception
    assert [one.value for one in page.info] == ["Choose one or more methods above."]
    assert shown(page) == []
    assert jobs(page) == {}
    assert page.query_params["methods"] == ""
    again = opened(PAGE, methods="")
    assert [one.value for one in again.info] == ["Choose one or more methods above."]


def test_one_map_has_nothing_to_agree_with():
    page = compared("gradient")
    assert tables(page) == []
    assert "As soon as two maps are finished, their agreement is shown here." in told(page)


def test_each_method_is_offered_by_its_name_with_its_time():
    offered = compared("gradient").multiselect(key="methods").options
    for spec, name in zip(igcore.METHODS.values(), offered, strict=True):
        assert re.fullmatch(rf"{re.escape(spec.label)} · (< 0\.1|\d\.\d|\d+) s", name)


def test_a_table_tells_what_each_of_them_takes_here():
    (table,) = compared("gradient").dataframe
    rows = table.value
    assert [*rows["Method"]] == [spec.label for spec in igcore.METHODS.values()]
    assert [*rows["Paper"]] == [spec.reference for spec in igcore.METHODS.values()]
    assert [*rows["Takes"]] == [str(spec.settings().cost((224, 224))) for spec in igcore.METHODS.values()]
    assert (rows["Seconds here"] > 0).all()


# Their parameters.


def test_a_parameter_of_a_link_reaches_its_method_and_no_other():
    given = {"occlusion-patch-size": "64", "occlusion-patch-stride": "32", "smoothgrad-samples": "3"}
    page = compared("smoothgrad", "vargrad", "occlusion-patch", **given, **{"vargrad-samples": "5"})
    found = {key: job.value.settings for key, job in jobs(page).items()}
    assert (found["occlusion-patch"]["size"], found["occlusion-patch"]["stride"]) == (64, 32)
    assert (found["smoothgrad"]["samples"], found["vargrad"]["samples"]) == (3, 5)
    assert {name: page.query_params[name] for name in given} == given
    assert lines(page, "smoothgrad")[0].startswith("3 gradients and 1 forward pass in ")


@pytest.mark.parametrize(
    ("name", "text"), [("occlusion-patch-size", "0"), ("occlusion-patch-size", "1e9"), ("occlusion-patch-size", "big")]
)
def test_an_impossible_parameter_of_a_link_gets_the_default(name, text):
    page = first_run(methods="gradient;occlusion-patch", **{name: text})
    assert [one.value for one in page.toast] == [
        f"The link asks for {name}={text}, which is not possible here; using 32."
    ]
    assert jobs(page)["occlusion-patch"].question.method.size == 32


def test_the_sidebar_has_the_parameters_of_the_chosen_methods_only():
    page = opened(PAGE)
    with_parameters = [key for key in FIRST if parameters(igcore.METHODS[key].settings)]
    assert expanders(page) == with_parameters
    finished(page.multiselect(key="methods").set_value(["gradient", "lrp-epsilon", "blur-ig"]).run())
    assert expanders(page) == ["lrp-epsilon", "blur-ig"]
    assert drawn(page) >= {"lrp-epsilon-epsilon", "blur-ig-sigma", "blur-ig-steps"}
    assert not {one for one in drawn(page) if one.startswith(("smoothgrad-", "occlusion-", "grad-cam-"))}
    finished(page.multiselect(key="methods").set_value(["gradient"]).run())
    assert expanders(page) == []


@pytest.mark.parametrize("key", [key for key, spec in igcore.METHODS.items() if key != "ig"])
def test_every_parameter_of_a_method_has_its_control(key):
    """No map is waited for."""
    page = first_run(methods=key)
    known = parameters(igcore.METHODS[key].settings)
    assert {name for name in drawn(page) if name.startswith(f"{key}-")} == {f"{key}-{name}" for name in known}
    assert [*page.error] == []
    settings = igcore.METHODS[key].settings()
    for job in jobs(page).values():
        for name in known:
            assert getattr(job.question.method, name) == getattr(settings, name)


def test_integrated_gradients_has_its_integrator():
    page = compared("gradient", "ig", integrator="midpoint", steps="10")
    assert expanders(page) == ["ig"]
    settings = jobs(page)["ig"].value.settings
    assert (settings["integrator"], settings["steps"]) == ("midpoint", 10)
    page.selectbox(key="integrator").set_value("adaptive").run()
    assert jobs(page)["ig"].question.method.integrator == "adaptive"


def test_what_methods_share_reaches_those_that_take_it():
    methods = ("gradient", "smoothgrad", "idgi", "occlusion-patch", "shapley", "deeplift-rescale", "grad-cam")
    page = compared(*methods, baseline="white", of="logit", seed="7", **FEW)
    assert [*page.error] == []
    for job in jobs(page).values():
        settings = job.value.settings
        assert settings["seed"] == 7
        assert settings["of"] == "logit"
        assert settings.get("baseline", {"key": "white"}) == {"key": "white"}
    assert [key for key in methods if "baseline" in jobs(page)[key].value.settings] == [
        *("idgi", "occlusion-patch", "shapley", "deeplift-rescale")
    ]
    assert page.query_params["seed"] == "7"
    before = {key: job.value for key, job in jobs(page).items()}
    finished(page.selectbox(key="baseline").set_value("gray").run())
    changed = {key for key, job in jobs(page).items() if job.value is not before[key]}
    assert changed == {"idgi", "occlusion-patch", "shapley", "deeplift-rescale"}


def test_another_seed_gives_another_map():
    page = compared("gradient", "smoothgrad", **FEW)
    before = {key: job.value.values for key, job in jobs(page).items()}
    finished(page.number_input(key="seed").set_value(1).run())
    after = {key: job.value.values for key, job in jobs(page).items()}
    # Another network that ran in this process may have the library round differently (tests/test_engine_runs.py).
    np.testing.assert_allclose(
        after["gradient"], before["gradient"], rtol=0, atol=1e-5 * np.abs(before["gradient"]).max()
    )
    assert not np.array_equal(after["smoothgrad"], before["smoothgrad"])


@pytest.mark.parametrize(
    ("methods", "needed"),
    [
        (("gradient", "grad-cam"), set()),
        (("gradient", "smoothgrad"), {"of"}),
        (("deeplift-rescale",), {"baseline"}),
        (("idgi",), {"baseline", "of"}),
        (("deep-shap",), {"averaged"}),
        (("expected-gradients", "gradient"), {"averaged", "of"}),
        (("expected-gradients", "idgi"), {"averaged", "baseline", "of"}),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
def test_a_shared_control_is_there_where_a_method_takes_it(methods, needed):
    page = compared(*methods, **FEW)
    there = drawn(page) | {one.key for one in page.sidebar.get("button_group")}
    # The gradient takes a score as well.
    assert there & {"averaged", "baseline", "of"} == needed | ({"of"} if "gradient" in methods else set())


def test_baselines_to_average_over_reach_both_that_do():
    page = compared("expected-gradients", "deep-shap", averaged="black;gray", **FEW)
    for job in jobs(page).values():
        assert job.value.settings["baselines"] == [{"key": "black"}, {"key": "gray"}]
    assert page.query_params["averaged"] == "black;gray"
    finished(page.multiselect(key="averaged").set_value(["white"]).run())
    for job in jobs(page).values():
        assert job.value.settings["baselines"] == [{"key": "white"}]
    default = compared("deep-shap")
    assert [one["key"] for one in jobs(default)["deep-shap"].value.settings["baselines"]] == [
        *("black", "white", "blur", "uniform-noise")
    ]
    assert "averaged" not in default.query_params


@pytest.mark.parametrize("text", ["nothing", "black;nothing", "black;image", "<b>"])
def test_unknown_baselines_of_a_link_are_told_and_give_the_default(text):
    page = first_run(methods="gradient;deep-shap", averaged=text)
    assert any("The link asks for averaged=" in one.value for one in page.toast)
    assert page.multiselect(key="averaged").value == ["black", "white", "blur", "uniform-noise"]


# What takes long, what cannot be, and what goes wrong.


def test_what_takes_long_waits_for_a_click():
    page = first_run(methods="gradient;occlusion-1", **{"occlusion-1-size": "1"})
    assert [*jobs(page)] == ["gradient"], "something long has been begun unasked"
    assert shown(finished(page)) == ["gradient", "occlusion-1"]
    (line,) = lines(page, "occlusion-1")
    assert re.fullmatch(r"This takes 50,177 forward passes, \d+ s\.", line)
    button = page.button(key="run_occlusion-1")
    assert button.label == "Run it"
    button.click().run()
    assert not page.exception
    job = jobs(page)["occlusion-1"]
    assert job.question.method.size == 1
    assert [*page.get("download_button")] == [], "a file is packed while its maps still come"
    job.cancel()
    assert job.wait(60)
    page.run()
    assert lines(page, "occlusion-1") == [":orange[:material/stop_circle:] Stopped."]
    assert [one.label for one in page.get("download_button")] == ["1 maps (ZIP)"]
    assert jobs(page)["gradient"].value is not None
    assert len(maps(page)) == 2


def test_a_click_on_one_does_not_begin_another():
    page = first_run(methods="occlusion-1;rise", **{"occlusion-1-size": "1", "rise-samples": "20000"})
    assert jobs(page) == {}
    page.button(key="run_occlusion-1").click().run()
    assert [*jobs(page)] == ["occlusion-1"]
    jobs(page)["occlusion-1"].cancel()
    assert jobs(page)["occlusion-1"].wait(60)
    assert page.button(key="run_rise").label == "Run it"


def test_a_model_without_layers_begins_with_methods_that_it_serves(added, tmp_path):
    folder = export(NotCallable(), tmp_path / "closed", (64, 64), signature="serving_default")
    page = opened(PAGE, model=added("closed-first", "saved-model", folder), **FEW)
    assert shown(page) == [*jobs(page)] == FIRST_CLOSED
    assert [job.error for job in jobs(page).values()] == [None] * 6
    assert "methods" not in page.query_params


def test_a_model_without_layers_says_so_on_the_card_and_the_others_run(added, tmp_path):
    folder = export(NotCallable(), tmp_path / "closed", (64, 64), signature="serving_default")
    key = added("closed-card", "saved-model", folder)
    page = compared("gradient", "grad-cam", "lrp-composite", "idgi", model=key, **FEW)
    assert shown(page) == ["gradient", "grad-cam", "lrp-composite", "idgi"]
    assert [*jobs(page)] == ["gradient", "idgi"]
    assert all(job.value.model == key for job in jobs(page).values())
    for one in ("grad-cam", "lrp-composite"):
        assert lines(page, one) == [
            f":material/block: It goes through the network's layers: model {key} is a closed box of scores and "
            "gradients; choose a Keras model."
        ]
    assert [len(table) for table in tables(page)] == [2, 2, 2]
    assert [*page.error] == []


def test_a_layer_that_is_not_known_is_named_on_the_card(added, tmp_path):
    layers = tf.keras.layers
    first = layers.Conv2D(4, 3, activation="tanh", name="bent")
    network = tf.keras.Sequential([tf.keras.Input((64, 64, 3)), first, layers.GlobalAveragePooling2D()])
    network.save(tmp_path / "bent.keras")
    key = added("bent", "keras-file", str(tmp_path / "bent.keras"))
    page = compared("gradient", "deeplift-rescale", model=key)
    assert [*jobs(page)] == ["gradient"]
    (line,) = lines(page, "deeplift-rescale")
    assert "layer bent has activation tanh, which layer-wise methods do not know" in line


@pytest.mark.parametrize(
    ("method", "query", "says"),
    [
        ("grad-cam", {"grad-cam-layer": "nothing"}, "there is no layer 'nothing' with positions; choose one of "),
        ("occlusion-patch", {"occlusion-patch-size": "300"}, "size 300 is larger than the image of 224 × 224 pixels"),
        # What is refused before a job is begun is the method's own affair as well.
        (
            "expected-gradients",
            {"expected-gradients-samples": "4", "averaged": "black;white;gray;mean;blur"},
            "samples is 4; expected at least 5, one for each baseline",
        ),
        (
            "ig",
            {"integrator": "simpson", "steps": "25"},
            "simpson needs an even number of steps, got 25; take 24 or 26",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and value in igcore.METHODS else "",
)
def test_an_error_is_one_line_on_its_card_and_the_others_are_shown(method, query, says):
    page = compared("gradient", method, "gradient-x-input", **query)
    assert shown(page) == ["gradient", method, "gradient-x-input"]
    (line,) = lines(page, method)
    assert line.startswith(":red[:material/error:] ")
    assert says in line
    assert "\n" not in line
    assert all(jobs(page)[key].value is not None for key in ("gradient", "gradient-x-input"))
    assert [len(table) for table in tables(page)] == [2, 2, 2]


def test_what_a_link_says_is_no_markup_on_the_page():
    """A picture from elsewhere would tell that server who has followed the link."""
    page = compared("gradient", "grad-cam", **{"grad-cam-layer": "![x](http://127.0.0.1:9/x.png)"})
    assert jobs(page)["grad-cam"].error
    for one in (*page.markdown, *page.caption, *page.error):
        assert not re.search(r"(?<!\\)\]\(http", one.value)


# What is drawn, and what is taken away.


def test_drawing_computes_nothing_anew():
    page = compared(*SHORT)
    values = [job.value for job in jobs(page).values()]
    seen = {tuple(maps(page))}
    for sign in (*SIGNS[1:], SIGNS[0]):
        page.session_state["sign"] = sign
        page.run()
        assert not page.exception
        seen.add(tuple(maps(page)))
    assert len(seen) == len(SIGNS)
    for change in ("one_scale", "over"):
        before = maps(page)
        page.session_state[change] = True if change == "one_scale" else "overlay"
        page.run()
        assert not page.exception
        assert maps(page) != before
    alts = [image.alt for block in blocks(page, "card_") for one in block.get("image") for image in one.proto.imgs]
    assert all(alt.endswith(" over the image") for alt in alts)
    assert [id(job.value) for job in jobs(page).values()] == [*map(id, values)]
    assert [*page.error] == []


def test_one_color_scale_changes_all_maps_but_the_strongest():
    page = compared(*SHORT)
    before = maps(page)
    page.toggle(key="one_scale").set_value(True).run()
    assert sum(a != b for a, b in zip(maps(page), before, strict=True)) >= 2
    page.toggle(key="one_scale").set_value(False).run()
    assert maps(page) == before


def test_the_pair_is_chosen_by_select_boxes():
    page = compared(*SHORT)
    page.selectbox(key="pair_a").set_value(3).run()
    page.selectbox(key="pair_b").set_value(2).run()
    values = {metric.label: metric.value for metric in page.metric}
    assert values == {title: table[2][1] for title, table in zip(TABLES, tables(page), strict=True)}
    assert len(pictures(page, re.escape("Map of Grad-CAM"))) == len(pictures(page, "Map of Gradient × Input")) == 1
    # The pair follows when one of the two goes.
    finished(page.multiselect(key="methods").set_value(SHORT[:2]).run())
    assert {page.selectbox(key=f"pair_{name}").value for name in "ab"} <= {1, 2}


def test_a_chosen_pair_stays_when_a_map_between_them_is_finished(monkeypatch):
    monkeypatch.setattr("ui.method_cards.UNASKED_SECONDS", 0.5)
    page = compared("gradient", "smoothgrad", "grad-cam", **{"smoothgrad-samples": "200"})
    assert set(jobs(page)) == {"gradient", "grad-cam"}
    page.selectbox(key="pair_a").set_value(3).run()
    page.selectbox(key="pair_b").set_value(1).run()
    finished(page.button(key="run_smoothgrad").click().run())
    assert [len(table) for table in tables(page)] == [3, 3, 3]
    shown_now = [caption for one in page.get("image") for caption in one.captions if caption.startswith(("**A", "**B"))]
    assert shown_now[:2] == ["**A**: Grad-CAM", "**B**: Gradient"]


@pytest.fixture
def downloads(monkeypatch):
    """The files that pages have offered, by what stands on the button and the file's name."""
    files = {}

    def record(label: str, data: bytes, name: str, *rest: Any, **more: Any) -> bool:
        files[label, name] = data
        return original(label, data, name, *rest, **more)

    original = st.download_button
    monkeypatch.setattr(st, "download_button", record)
    return files


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_download_has_a_picture_and_the_numbers_of_each_finished_map(downloads):
    methods = ("gradient", "shapley", "lrp-epsilon", "grad-cam", "occlusion-1")
    more = {"grad-cam-layer": "nothing", "occlusion-1-size": "1", "image": "cat"}
    page = compared(*methods, **more, **FEW)
    content = unpacked(downloads["3 maps (ZIP)", "cat_egyptian-cat_methods.zip"])
    done = methods[:3]
    assert [*content] == [f"cat_egyptian-cat_{key}.{kind}" for key in done for kind in ("png", "npz")]
    for key in done:
        result = jobs(page)[key].value
        loaded = igcore.Attribution.load(io.BytesIO(content[f"cat_egyptian-cat_{key}.npz"]))
        np.testing.assert_array_equal(loaded.values, result.values)
        assert (loaded.method, loaded.settings, loaded.absorbed) == (key, result.settings, result.absorbed)
        assert (loaded.standard_error is None) == (key != "shapley")
        with Image.open(io.BytesIO(content[f"cat_egyptian-cat_{key}.png"])) as picture:
            picture.load()
            assert (picture.format, picture.size) == ("PNG", (224, 224))


def test_a_download_follows_the_drawing_and_the_settings(downloads):
    """The gradient has no use for a seed, so that two seeds give the same map; their files are still two."""
    name = ("1 maps (ZIP)", "cat_egyptian-cat_methods.zip")
    page = compared("gradient", image="cat")
    first = unpacked(downloads[name])
    page.session_state["sign"] = "signed"
    page.run()
    signed = unpacked(downloads[name])
    assert signed["cat_egyptian-cat_gradient.png"] != first["cat_egyptian-cat_gradient.png"]
    assert signed["cat_egyptian-cat_gradient.npz"] == first["cat_egyptian-cat_gradient.npz"]
    finished(page.number_input(key="seed").set_value(5).run())
    other = igcore.Attribution.load(io.BytesIO(unpacked(downloads[name])["cat_egyptian-cat_gradient.npz"]))
    assert other.settings == jobs(page)["gradient"].value.settings == {"of": "probability", "seed": 5}


def test_without_a_map_there_is_nothing_to_download():
    page = compared("occlusion-1", **{"occlusion-1-size": "1"})
    assert [*page.get("download_button")] == []
    assert [one.label for one in compared("gradient").get("download_button")] == ["1 maps (ZIP)"]


@pytest.mark.parametrize("key", igcore.METHODS)
def test_a_card_tells_what_its_method_is(key):
    page = first_run(methods=key)
    (about,) = blocks(page, f"about_{key}")
    spec = igcore.METHODS[key]
    assert about.label == "What is this?"
    assert about.markdown[0].value == spec.description
    assert spec.formula in about.latex[0].value
    assert about.caption[0].value == spec.reference


def test_a_sampling_method_tells_its_standard_error():
    page = compared("gradient", "shapley", **FEW)
    meaning = lines(page, "shapley")[1]
    assert re.search(
        r"by construction, so it says nothing of the map\. Its standard error is \d+% of the map\.$", meaning
    )
    result = jobs(page)["shapley"].value
    assert f" {result.standard_error.sum() / np.abs(result.values).sum():.0%} of the map" in meaning


def test_the_class_is_chosen_for_all():
    page = compared(*SHORT, target="504")
    assert {job.value.label for job in jobs(page).values()} == {"coffee mug"}
    assert any(one.value.startswith("coffee mug: 3 maps in ") for one in page.markdown)
