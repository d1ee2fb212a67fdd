import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igcore.errors import InputError, ModelError
from igcore.models import ModelSpec
from igcore.models.labels import find_label, imagenet_labels, labels_for, read_labels, short_names

LABELS = imagenet_labels()
SHARED = {"crane": (134, 517), "maillot": (638, 639), "cardigan": (264, 474)}


def test_there_are_a_thousand_names_and_the_known_ones_stand_in_their_places():
    assert len(LABELS) == 1000
    known = {0: "tench", 285: "Egyptian cat", 967: "espresso", 665: "moped", 872: "tripod", 999: "toilet tissue"}
    assert {index: short_names(LABELS)[index] for index in known} == known
    assert all(label.strip() == label != "" for label in LABELS)


def test_the_names_are_guessed_from_the_number_of_classes():
    assert labels_for(1000) == LABELS
    assert labels_for(1001) == ("background", *LABELS)
    assert labels_for(3) == ("class 0", "class 1", "class 2")


def test_short_names_are_unique_and_lead_back_to_their_class():
    for labels in (LABELS, labels_for(1001)):
        names = short_names(labels)
        assert len(set(names)) == len(labels)
        assert [find_label(labels, name) for name in names] == list(range(len(labels)))
    assert short_names(LABELS)[134] == "crane (134)"


def test_a_full_name_leads_back_to_its_class():
    for index, label in enumerate(LABELS):
        if label.casefold() not in SHARED:
            assert find_label(LABELS, label) == index


@pytest.mark.parametrize(
    "target",
    [285, np.int64(285), np.uint16(285), "285", " 285 ", "+285", "Egyptian cat", "egyptian CAT", " Egyptian cat "],
    ids=repr,
)
def test_a_class_is_found_by_number_and_by_name_in_any_case(target):
    assert find_label(LABELS, target) == 285


@pytest.mark.parametrize(
    ("synonym", "index"), [("Tinca tinca", 0), ("man-eater", 2), ("CARCHARODON CARCHARIAS", 2), ("tabby cat", 281)]
)
def test_a_class_is_found_by_any_of_its_names(synonym, index):
    assert find_label(LABELS, synonym) == index


def test_the_background_moves_every_class_by_one():
    assert find_label(labels_for(1001), "Egyptian cat") == 286
    assert find_label(labels_for(1001), "background") == 0


@pytest.mark.parametrize(("name", "indices"), SHARED.items(), ids=list(SHARED))
def test_a_name_that_two_classes_share_is_refused_with_their_numbers(name, indices):
    with pytest.raises(InputError, match=f"shared by classes {indices[0]}, {indices[1]}; give the number"):
        find_label(LABELS, name.upper())


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("espreso", "did you mean espresso"),
        ("egyptian", "did you mean Egyptian cat"),
        ("xyzzy", "give an index from 0 to 999 or a class name"),
        ("", "give an index"),
        (1000, "class 1000 does not exist; expected 0 to 999"),
        (-1, "class -1 does not exist"),
        ("-1", "class -1 does not exist"),
        ("1000", "class 1000 does not exist"),
        (2.0, "target is 2.0; expected a class index or a class name"),
        (True, "target is True"),
        (None, "target is None"),
        (np.array([1, 2]), "expected a class index"),
    ],
    ids=str,
)
def test_an_unknown_class_is_refused_with_the_way_out(target, message):
    with pytest.raises(InputError, match=message) as caught:
        find_label(LABELS, target)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("target", ["²", "+-5", "--5", "1e3", "9" * 5000, "٣٤٥x"], ids=lambda text: text[:5])
def test_what_only_looks_like_a_number_is_refused(target):
    with pytest.raises(InputError):
        find_label(LABELS, target)


@settings(deadline=None)
@given(st.one_of(st.text(), st.text("0123456789+-²③५ ,", max_size=6), st.integers()))
def test_any_target_gives_a_class_or_an_input_error(target):
    with contextlib.suppress(InputError):
        assert 0 <= find_label(LABELS, target) < 1000


def test_a_model_names_and_finds_its_classes():
    spec = ModelSpec("m", "M", "test", "none", (8, 8), LABELS)
    assert spec.label(517) == "crane (517)"
    assert spec.find("crane (517)") == 517


def test_names_are_read_from_a_file_without_comments_and_blank_lines(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("# two classes\ncat, Katze\n\n  größe  \n", "utf-8")
    assert read_labels(path) == ("cat, Katze", "größe")


def test_a_file_of_names_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"gr\xf6\xdfe")
    for name in ("latin.txt", "missing.txt"):
        with pytest.raises(ModelError, match=name):
            read_labels(tmp_path / name)
