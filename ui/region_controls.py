"""How a photo is cut into regions: by color, by a grid, or by rectangles that a person drags."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from igcore.images import digest
from igcore.region_effects import LARGEST
from igcore.superpixels import few_superpixels, grid
from ui import state
from ui.language import N_, _
from ui.photo_box import Box, drag_box
from ui.pictures import Array, show
from ui.region_figures import region_picture
from ui.widgets import segments

__all__ = ["choose_regions", "drawn_regions", "numbered"]

Labels = NDArray[np.intp]

CUTS = {"superpixels": N_("By color"), "grid": N_("Grid"), "drawn": N_("Drawn")}

#: How many regions a first visit has: 256 forward passes.
FIRST = 8

#: In the session: the boxes that make regions, and the one that is being dragged.
BOXES, BOX = "region_boxes", "region_box"


def choose_regions(image: Array) -> Labels | None:
    """Offer the ways to cut a photo, and show what comes of it.

    Parameters
    ----------
    image : (H, W, 3) float32 in [0, 1]

    Returns
    -------
    (H, W) int or None
        The region of each pixel, from 0 to n − 1; None until there are two.
    """
    left, right = st.columns([1, 1], gap="medium")
    with right:
        cut = segments(
            _("Cut into regions"),
            "region_cut",
            {key: _(name) for key, name in CUTS.items()},
            "superpixels",
            _("By color joins neighbors that look alike; drawn are the rectangles that you drag."),
        )
        labels = _by_boxes(image) if cut == "drawn" else _by_number(image, cut)
    with left:
        if cut == "drawn":
            drag_box(image, BOX, st.session_state[BOXES])
            _boxes_buttons(0 if labels is None else int(labels.max()) + 1)
        elif labels is not None:
            _show_regions(image, labels)
    if cut == "drawn" and labels is not None:
        with right:
            _show_regions(image, labels)
    return labels


def _show_regions(image: Array, labels: Labels) -> None:
    with st.container(width=380):
        count = int(labels.max()) + 1
        told = _("{count} regions", count=count)
        show(numbered(digest(image), digest(labels.astype(np.float32)), image, labels), told, told)


@st.cache_data(max_entries=64, show_spinner=False)
def numbered(
    image_name: str, labels_name: str, _image: Array, _labels: Labels, lit: tuple[int, ...] | None = None
) -> Array:
    """Draw a photo's regions; the first two name photo and regions, by which the cache tells them apart."""
    del image_name, labels_name
    return region_picture(_image, _labels, lit)


def _by_number(image: Array, cut: str) -> Labels:
    state.seed("region_count", FIRST, state.within(int, 2, LARGEST))
    count = st.slider(
        _("Regions"),
        2,
        LARGEST,
        st.session_state["region_count"],
        key="region_count",
        help=_("All 2ⁿ combinations of n regions are scored, so each region more doubles the time."),
    )
    state.remember("region_count", count, link=count != FIRST)
    return grid(image.shape, count) if cut == "grid" else _by_color(digest(image), count, image)


@st.cache_data(max_entries=64, show_spinner=False)
def _by_color(name: str, count: int, _image: Array) -> Labels:
    del name  # the digest, by which the cache tells images apart
    return few_superpixels(_image, count)


def _by_boxes(image: Array) -> Labels | None:
    """Return the regions that the boxes make; None without a box."""
    none: tuple[Box, ...] = ()
    state.seed(BOXES, none, _read_boxes)
    boxes: tuple[Box, ...] = st.session_state[BOXES]
    state.remember(BOXES, boxes, bool(boxes), ";".join(".".join(map(str, box)) for box in boxes))
    st.caption(
        _(
            "Drag a rectangle over the photo and add it as a region. A later one lies over earlier ones; what no "
            "rectangle covers is a region of its own."
        )
    )
    labels = drawn_regions((image.shape[0], image.shape[1]), boxes)
    if labels.max() == 0:
        st.info(_("Add a first rectangle: then there are two regions."), icon=":material/select:")
        return None
    return labels


def drawn_regions(shape: tuple[int, int], boxes: Sequence[Box]) -> Labels:
    """Return the region of each pixel, (H, W) int: the boxes in their order, then the rest; none is empty."""
    labels = np.full(shape, len(boxes), np.intp)
    for number, (top, left, bottom, right) in enumerate(boxes):
        labels[top:bottom, left:right] = number
    return np.unique(labels, return_inverse=True)[1].astype(np.intp).reshape(shape)


def _read_boxes(text: str) -> tuple[Box, ...]:
    """Read boxes from a link."""
    boxes = []
    for one in filter(None, text.split(";")):
        top, left, bottom, right = map(int, one.split("."))
        if not (0 <= top < bottom and 0 <= left < right):
            raise ValueError(one)
        boxes.append((top, left, bottom, right))
    if len(boxes) >= LARGEST:
        raise ValueError(text)
    return tuple(boxes)


def _boxes_buttons(regions: int) -> None:
    """Offer to add the dragged box, and to take boxes away."""
    boxes = st.session_state[BOXES]
    with st.container(horizontal=True, gap="small", key="region_buttons"):
        full = max(len(boxes) + 1, regions) >= LARGEST
        more = _(
            "{count} regions would take {passes:,} forward passes; at most {most} are explained.",
            count=LARGEST + 1,
            passes=2 << LARGEST,
            most=LARGEST,
        )
        st.button(
            _("Add"),
            icon=":material/add:",
            key="region_add",
            on_click=_add,
            disabled=full or st.session_state.get(BOX) is None,
            help=more if full else _("Drag a rectangle first."),
        )
        st.button(_("Undo last"), icon=":material/undo:", key="region_undo", on_click=_undo, disabled=not boxes)
        st.button(_("Clear"), icon=":material/delete:", key="region_clear", on_click=_clear, disabled=not boxes)


def _add() -> None:
    st.session_state[BOXES] = (*st.session_state[BOXES], st.session_state[BOX])
    st.session_state[BOX] = None


def _undo() -> None:
    st.session_state[BOXES] = st.session_state[BOXES][:-1]


def _clear() -> None:
    st.session_state[BOXES] = ()
