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
from ui.language import N_, _, line
from ui.markup import plain
from ui.pictures import Picture, bundled
from ui.uploads import tell_lost
from ui.widgets import from_parameter, segments, select

__all__ = ["choose_drawing", "choose_image", "choose_model", "choose_other_picture", "choose_photo", "choose_target"]

TYPES = ["jpg", "jpeg", "png", "webp"]
TOP = "top"
FIRST = "coffee"
SOURCES = {"bundled": N_("Bundled"), "upload": N_("Upload"), "camera": N_("Camera")}
FIT_LABELS = {"crop": N_("Crop"), "pad": N_("Pad"), "stretch": N_("Stretch")}
FIT_HELP = N_("Cut the longer side, add black bars, or distort.")
SIGN_LABELS = {
    "absolute": N_("Absolute"),
    "positive": N_("Positive"),
    "negative": N_("Negative"),
    "signed": N_("Signed"),
}


def choose_image() -> tuple[Picture, str]:
    """Offer the bundled photos, an upload and the camera.

    Returns
    -------
    picture : Picture
        The last one that could be read, where the newest cannot.
    fit : str
    """
    source = segments(_("Image"), "source", _all(SOURCES), "bundled", None, link=False)
    picture = _source(source)
    fit = segments(_("Fit to the model's square"), "fit", _all(FIT_LABELS), "crop", _(FIT_HELP))
    return picture, fit


def _all(names: dict[str, str]) -> dict[str, str]:
    """Return names of keys in the page's language."""
    return {key: _(name) for key, name in names.items()}


def _source(source: str) -> Picture:
    last: Picture = st.session_state.setdefault("last_picture", bundled(FIRST))
    if source == "bundled":
        key = choose_photo(FIRST)
        st.caption(f"{_(PHOTOS[key].description)} {PHOTOS[key].credit}.")
        picture = bundled(key)
    else:
        if source == "upload":
            file = st.file_uploader(
                _("Photo"), TYPES, key="upload", help=_("JPEG, PNG or WebP, at most 25 MB and 64 megapixels.")
            )
        else:
            file = st.camera_input(_("Photo"), key="camera")
        st.caption(_("Stays on this server while the session lasts, and never goes into a link."))
        if file is None:
            tell_lost()
            st.info(_("Until you choose one, this shows {picture}.", picture=_(last.label)), icon=":material/image:")
            return last
        picture = _readable(_uploaded(file), last)
    st.session_state["last_picture"] = picture
    return picture


def choose_photo(default: str) -> str:
    """Offer the bundled photos, and return the key of the chosen one."""
    told = _("Photos that come with scikit-image.")
    return select(_("Photo"), "image", list(PHOTOS), default, _photo_label, told)


def _photo_label(key: str) -> str:
    return _(PHOTOS[key].label)


def _uploaded(file: Any) -> Picture:
    """Take an upload, its name reduced to plain characters: it goes into markup and into file names."""
    stem, _dot, ending = file.name.rpartition(".")
    plain = re.sub(r"[^\w-]", "-", stem or ending)[:40] or "image"
    return Picture(plain, f"{plain}.{re.sub(r'[^a-z]', '', ending.lower())[:5]}", file.getvalue())


def _readable(picture: Picture, otherwise: Picture) -> Picture:
    """Return the picture if it can be decoded; else say why not, and keep the one before."""
    try:
        picture.at((8, 8), "stretch")
    except ImageError as error:
        st.error(plain(f"{picture.label}: {line(str(error))}"), icon=":material/broken_image:")
        return otherwise
    return picture


def choose_other_picture(key: str, label: str, default: str, link: bool = True) -> Picture:
    """Offer a second image, under a label in the page's language: a bundled one, unless one is uploaded."""
    name = select(label, key, list(PHOTOS), default, _photo_label, _("A bundled photo."), link)
    file = st.file_uploader(_("or your own"), TYPES, key=f"{key}_upload")
    if file is None:
        tell_lost()
    return bundled(name) if file is None else _readable(_uploaded(file), bundled(name))


def choose_model() -> str:
    """Offer the catalogue; say of a model that is not here why not, and what to do."""
    entries = catalogue()

    def name(key: str) -> str:
        title = entries[key].title
        return title if missing(entries[key]) is None else _("{title} (not here)", title=title)

    key = select(_("Model"), "model", list(entries), DEFAULT_MODEL, name, _("From the server's catalogue."))
    entry = entries[key]
    if entry.input_size:
        size = _("{width} × {height} px", width=entry.input_size[1], height=entry.input_size[0])
    else:
        size = _("size by its signature")
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
        if option == TOP:
            return _("Top class: {label}", label=spec.label(top))
        return f"{spec.labels[int(option)]} ({option})"

    told = _("Type to search all of the model's classes.")
    value = select(_("Class to explain"), "target", options, TOP, name, told)
    return top if value == TOP else int(value)


def choose_drawing() -> Drawing:
    """Offer how the maps are drawn; none of it computes a gradient."""
    known = parameters(Drawing)
    with st.container(horizontal=True, vertical_alignment="bottom", key="drawing"):
        with st.container(width=380):
            sign = segments(_("Map shows"), "sign", {one: _(SIGN_LABELS[one]) for one in SIGNS}, "absolute", None)
        fitting = [key for key, one in COLOR_MAPS.items() if one.diverging == (sign == "signed")]
        with st.container(width=190):
            told = _("Safe for color-blind eyes.")
            color_map = select(_("Colors"), "colors", fitting, fitting[0], lambda one: _(COLOR_MAPS[one].label), told)
        with st.popover(_("Adjust"), icon=":material/tune:"):
            numbers = {name: from_parameter(name, known[name]) for name in ("strength", "top", "clip")}
    return Drawing(cast(Sign, sign), color_map, **numbers)
