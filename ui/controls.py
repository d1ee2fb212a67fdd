"""Controls for image, model, class and drawing, built from the registries."""

from __future__ import annotations

import re
from typing import Any, cast

import streamlit as st

from igcore.errors import ImageError
from igcore.heatmaps import COLOR_MAPS, SIGNS, Drawing, Sign
from igcore.models import DEFAULT_MODEL, ModelSpec, catalogue, missing
from igcore.photos import PHOTOS
from igcore.registry import parameters
from ui.markup import plain
from ui.pictures import Picture, bundled
from ui.uploads import tell_lost
from ui.widgets import from_parameter, segments, select

__all__ = ["choose_drawing", "choose_image", "choose_model", "choose_other_picture", "choose_target"]

TYPES = ["jpg", "jpeg", "png", "webp"]
TOP = "top"
FIRST = "coffee"
SOURCES = {"bundled": "Bundled", "upload": "Upload", "camera": "Camera"}
FIT_LABELS = {"crop": "Crop", "pad": "Pad", "stretch": "Stretch"}
FIT_HELP = "Cut the longer side, add black bars, or distort."
SIGN_LABELS = {"absolute": "Absolute", "positive": "Positive", "negative": "Negative", "signed": "Signed"}


def choose_image() -> tuple[Picture, str]:
    """Offer the bundled photos, an upload and the camera.

    Returns
    -------
    picture : Picture
        The last one that could be read, where the newest cannot.
    fit : str
    """
    source = segments("Image", "source", SOURCES, "bundled", None, link=False)
    picture = _source(source)
    fit = segments("Fit to the model's square", "fit", FIT_LABELS, "crop", FIT_HELP)
    return picture, fit


def _source(source: str) -> Picture:
    last: Picture = st.session_state.setdefault("last_picture", bundled(FIRST))
    if source == "bundled":
        key = select(
            "Photo", "image", list(PHOTOS), FIRST, lambda one: PHOTOS[one].label, "Photos that come with scikit-image."
        )
        st.caption(f"{PHOTOS[key].description} {PHOTOS[key].credit}.")
        picture = bundled(key)
    else:
        if source == "upload":
            file = st.file_uploader(
                "Photo", TYPES, key="upload", help="JPEG, PNG or WebP, at most 25 MB and 64 megapixels."
            )
        else:
            file = st.camera_input("Photo", key="camera")
        st.caption("Stays on this server while the session lasts, and never goes into a link.")
        if file is None:
            tell_lost()
            st.info(f"Until you choose one, this shows {last.label}.", icon=":material/image:")
            return last
        picture = _readable(_uploaded(file), last)
    st.session_state["last_picture"] = picture
    return picture


def _uploaded(file: Any) -> Picture:
    """Take an upload, its name reduced to plain characters: it goes into markup and into file names."""
    stem, _, ending = file.name.rpartition(".")
    plain = re.sub(r"[^\w-]", "-", stem or ending)[:40] or "image"
    return Picture(plain, f"{plain}.{re.sub(r'[^a-z]', '', ending.lower())[:5]}", file.getvalue())


def _readable(picture: Picture, otherwise: Picture) -> Picture:
    """Return the picture if it can be decoded; else say why not, and keep the one before."""
    try:
        picture.at((8, 8), "stretch")
    except ImageError as error:
        st.error(plain(f"{picture.label}: {error}"), icon=":material/broken_image:")
        return otherwise
    return picture


def choose_other_picture(key: str, label: str, default: str, link: bool = True) -> Picture:
    """Offer a second image: a bundled one, unless one is uploaded."""
    name = select(label, key, list(PHOTOS), default, lambda one: PHOTOS[one].label, "A bundled photo.", link)
    file = st.file_uploader("or your own", TYPES, key=f"{key}_upload")
    if file is None:
        tell_lost()
    return bundled(name) if file is None else _readable(_uploaded(file), bundled(name))


def choose_model() -> str:
    """Offer the catalogue; say of a model that is not here why not, and what to do."""
    entries = catalogue()

    def name(key: str) -> str:
        return entries[key].title + ("" if missing(entries[key]) is None else " (not here)")

    key = select("Model", "model", list(entries), DEFAULT_MODEL, name, "From the server's catalogue.")
    entry = entries[key]
    size = f"{entry.input_size[1]} × {entry.input_size[0]} px" if entry.input_size else "size by its signature"
    st.caption(f"{entry.source}. {entry.licence}. {size}.")
    return key


def choose_target(spec: ModelSpec, top: int) -> int:
    """Offer every class by name; the top class is the default."""
    if st.session_state.get("target_labels") not in (None, spec.labels):
        # Another model may number its classes differently.
        st.session_state["target"] = TOP
    st.session_state["target_labels"] = spec.labels
    options = [TOP, *map(str, range(len(spec.labels)))]

    def name(option: str) -> str:
        return f"Top class: {spec.label(top)}" if option == TOP else f"{spec.labels[int(option)]} ({option})"

    value = select("Class to explain", "target", options, TOP, name, "Type to search all of the model's classes.")
    return top if value == TOP else int(value)


def choose_drawing() -> Drawing:
    """Offer how the maps are drawn; none of it computes a gradient."""
    known = parameters(Drawing)
    with st.container(horizontal=True, vertical_alignment="bottom", key="drawing"):
        with st.container(width=380):
            sign = segments("Map shows", "sign", {one: SIGN_LABELS[one] for one in SIGNS}, "absolute", None)
        fitting = [key for key, one in COLOR_MAPS.items() if one.diverging == (sign == "signed")]
        with st.container(width=190):
            color_map = select(
                "Colors", "colors", fitting, fitting[0], lambda one: COLOR_MAPS[one].label, "Safe for color-blind eyes."
            )
        with st.popover("Adjust", icon=":material/tune:"):
            numbers = {name: from_parameter(name, known[name]) for name in ("strength", "top", "clip")}
    return Drawing(cast(Sign, sign), color_map, **numbers)
