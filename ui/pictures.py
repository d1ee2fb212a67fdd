"""Photos that a person chose, and the pictures that pages show."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import cast

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from igcore.images import Fit, digest, load_image, png_bytes
from igcore.photos import PHOTOS
from ui.service import limits

__all__ = ["Picture", "bundled", "data_url", "show"]

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Picture:
    """An image file that somebody chose.

    Attributes
    ----------
    name : str
        For file names of downloads.
    label : str
        For people; a bundled photo's is translated where it is shown.
    data : bytes
        The file as it came.
    key : str or None
        Of `PHOTOS`; None for an upload, which never goes into a link.
    """

    name: str
    label: str
    data: bytes
    key: str | None = None

    def at(self, size: tuple[int, int], fit: str) -> Array:
        """Decode it at a model's size: (H, W, 3) float32 in [0, 1].

        Raises
        ------
        ImageError
        """
        return _decoded(hashlib.sha256(self.data).hexdigest(), size, fit, self.data)


@st.cache_data(max_entries=64, show_spinner=False)
def _decoded(name: str, size: tuple[int, int], fit: str, _data: bytes) -> Array:
    del name  # the digest of the data, by which the cache tells files apart
    allowed = limits()
    return load_image(
        _data, size, cast(Fit, fit), int(allowed.upload_megabytes * 1e6), int(allowed.upload_megapixels * 1e6)
    )


@st.cache_data(show_spinner=False)
def _bundled_bytes(key: str) -> bytes:
    return PHOTOS[key].path.read_bytes()


def bundled(key: str) -> Picture:
    """Return a bundled photo."""
    return Picture(key, PHOTOS[key].label, _bundled_bytes(key), key)


def show(array: Array, caption: str, alt: str) -> None:
    """Show an RGB array in [0, 1], losslessly, as wide as its column.

    The picture travels inside the message: a file of its own would be gone before a browser asks for it when the
    next picture is quick, and would have an address that others could open.
    """
    st.image(data_url(digest(array), array), caption=caption, alt=alt, width="stretch")


@st.cache_data(max_entries=256, show_spinner=False)
def data_url(name: str, _array: Array) -> str:
    """Return an RGB array in [0, 1] as a PNG within an address; the name is its digest."""
    del name  # the digest, by which the cache tells arrays apart
    return f"data:image/png;base64,{base64.b64encode(png_bytes(_array)).decode()}"
