"""Controls, built from the registries; each knows its place in the address bar."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import streamlit as st

from igcore.baselines import BASELINES, Baseline, GivenImage
from igcore.errors import ImageError
from igcore.heatmaps import COLOR_MAPS, SIGNS, Drawing, Sign
from igcore.integrators import INTEGRATORS
from igcore.methods import IntegratedGradients
from igcore.models import DEFAULT_MODEL, ModelSpec, Of, catalogue, missing
from igcore.photos import PHOTOS
from igcore.registry import Parameter, parameters
from ui import state
from ui.pictures import Picture, bundled

__all__ = ["choose_drawing", "choose_image", "choose_method", "choose_model", "choose_target"]

TYPES = ["jpg", "jpeg", "png", "webp"]
STEPS = (10, 1000)
TOP = "top"
FIRST = "coffee"
SOURCES = {"bundled": "Bundled", "upload": "Upload", "camera": "Camera"}
FIT_LABELS = {"crop": "Crop", "pad": "Pad", "stretch": "Stretch"}
OF_LABELS = {"probability": "Probability", "logit": "Logit"}
SIGN_LABELS = {"absolute": "Absolute", "positive": "Positive", "negative": "Negative", "signed": "Signed"}


def _select(label: str, key: str, options: list[str], default: str, name: Callable[[str], str], help: str) -> str:
    state.seed(key, default, state.one_of(options))
    if st.session_state[key] not in options:
        st.session_state[key] = default
    value = st.selectbox(label, options, key=key, format_func=name, help=help) or default
    state.remember(key, value)
    return value


def _segments(label: str, key: str, names: dict[str, str], default: str, help: str | None, link: bool = True) -> str:
    state.seed(key, default, state.one_of(names))
    value = st.segmented_control(
        label, list(names), key=key, format_func=lambda one: names[one], help=help, required=True, width="stretch"
    )
    value = value or default
    state.remember(key, value, link)
    return value


def choose_image() -> tuple[Picture, str]:
    """Offer the bundled photos, an upload and the camera.

    Returns
    -------
    picture : Picture
        The last one that could be read, where the newest cannot.
    fit : str
    """
    source = _segments("Image", "source", SOURCES, "bundled", None, link=False)
    picture = _source(source)
    fit = _segments(
        "Fit to the model's square", "fit", FIT_LABELS, "crop", "Cut the longer side, add black bars, or distort."
    )
    return picture, fit


def _source(source: str) -> Picture:
    last: Picture = st.session_state.setdefault("last_picture", bundled(FIRST))
    if source == "bundled":
        key = _select(
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
        st.error(f"{picture.label}: {error}", icon=":material/broken_image:")
        return otherwise
    return picture


def choose_model() -> str:
    """Offer the catalogue; say of a model that is not here why not, and what to do."""
    entries = catalogue()

    def name(key: str) -> str:
        return entries[key].title + ("" if missing(entries[key]) is None else " (not here)")

    key = _select("Model", "model", list(entries), DEFAULT_MODEL, name, "From the server's catalogue.")
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

    value = _select("Class to explain", "target", options, TOP, name, "Type to search all of the model's classes.")
    return top if value == TOP else int(value)


def choose_method(size: tuple[int, int], fit: str) -> IntegratedGradients:
    """Offer baseline, steps, integrator and score.

    Raises
    ------
    InputError
        Where the settings do not go together.
    """
    baseline = _choose_baseline(size, fit)
    low, high = STEPS
    state.seed("steps", 50, state.within(int, low, high))
    steps = st.slider(
        "Steps", low, high, step=10, key="steps", help="How finely the path is cut; each step costs about one gradient."
    )
    state.remember("steps", steps)
    integrator = _select(
        "Integrator",
        "integrator",
        list(INTEGRATORS),
        "trapezoid",
        lambda one: INTEGRATORS[one].label,
        "How the gradients are weighed.",
    )
    st.caption(INTEGRATORS[integrator].description)
    of = _segments(
        "Score", "of", OF_LABELS, "probability", "The probability of the class, or its logit before the softmax."
    )
    return IntegratedGradients(baseline, integrator, steps, cast(Of, of))


def _choose_baseline(size: tuple[int, int], fit: str) -> Baseline:
    key = _select(
        "Baseline", "baseline", list(BASELINES), "black", lambda one: BASELINES[one].label, "Compared with what?"
    )
    st.caption(BASELINES[key].description)
    if key == GivenImage.key:
        return GivenImage(_other_picture().at(size, fit))
    settings = BASELINES[key].settings
    return settings(**{name: _parameter(f"{key}-{name}", known) for name, known in parameters(settings).items()})


def _other_picture() -> Picture:
    """Offer an image to compare with: a bundled one, unless one is uploaded."""
    key = _select("Compared with", "other", list(PHOTOS), "cat", lambda one: PHOTOS[one].label, "A bundled photo.")
    file = st.file_uploader("or with your own", TYPES, key="baseline_upload")
    if file is None:
        return bundled(key)
    return _readable(_uploaded(file), bundled(key))


def _parameter(key: str, known: Parameter) -> Any:
    """Draw the control that fits a parameter; the address holds it where it is not the default."""
    label = f"{known.label} ({known.unit})" if known.unit else known.label
    if isinstance(known.default, str):
        state.seed(key, known.default, str)
        value: Any = st.color_picker(label, key=key, help=known.help)
    elif isinstance(known.default, float):
        low, high = known.low or 0.0, known.high or 1.0
        state.seed(key, known.default, state.within(float, low, high))
        value = st.slider(label, low, high, step=known.step, key=key, help=known.help)
    else:
        low, high = int(known.low or 0), int(known.high or 1)
        state.seed(key, known.default or 0, state.within(int, low, high))
        value = st.number_input(label, low, high, step=1, key=key, help=known.help)
    state.remember(key, value, link=value != known.default)
    return value


def choose_drawing() -> Drawing:
    """Offer how the maps are drawn; none of it computes a gradient."""
    known = parameters(Drawing)
    with st.container(horizontal=True, vertical_alignment="bottom", key="drawing"):
        with st.container(width=380):
            sign = _segments("Map shows", "sign", {one: SIGN_LABELS[one] for one in SIGNS}, "absolute", None)
        fitting = [key for key, one in COLOR_MAPS.items() if one.diverging == (sign == "signed")]
        with st.container(width=190):
            color_map = _select(
                "Colors", "colors", fitting, fitting[0], lambda one: COLOR_MAPS[one].label, "Safe for color-blind eyes."
            )
        with st.popover("Adjust", icon=":material/tune:"):
            numbers = {name: _parameter(name, known[name]) for name in ("strength", "top", "clip")}
    return Drawing(cast(Sign, sign), color_map, **numbers)
