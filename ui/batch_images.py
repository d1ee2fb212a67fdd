"""The images of a batch: several uploads, a ZIP, or the bundled photos."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from igcore.batch import Source, images_of_zip
from igcore.errors import InputError
from igcore.photos import PHOTOS
from ui.controls import TYPES
from ui.language import _, line
from ui.markup import plain
from ui.service import limits
from ui.uploads import tell_lost

__all__ = ["choose_images"]

_BUNDLED = "batch of bundled photos"


def choose_images() -> list[Source]:
    """Offer uploads and a ZIP; without any, the bundled photos."""
    allowed = limits()
    most = int(allowed.batch_images)
    files = st.file_uploader(
        _("Up to {count} images, or one ZIP of images", count=most),
        [*TYPES, "zip"],
        accept_multiple_files=True,
        key="batch_upload",
        max_upload_size=int(max(allowed.batch_zip_megabytes, allowed.upload_megabytes)),
        help=_(
            "JPEG, PNG or WebP, each at most {megabytes:g} MB and {megapixels:g} megapixels; "
            "a ZIP {packed:g} MB, and {unpacked:g} MB unpacked.",
            megabytes=allowed.upload_megabytes,
            megapixels=allowed.upload_megapixels,
            packed=allowed.batch_zip_megabytes,
            unpacked=allowed.batch_unpacked_megabytes,
        ),
    )
    tell_lost()
    if not files:
        return _offered()
    st.session_state.pop(_BUNDLED, None)
    try:
        return _uploaded(files, most)
    except InputError as error:
        st.error(plain(line(str(error))), icon=":material/folder_off:")
        return []


def _offered() -> list[Source]:
    """Offer the bundled photos to whoever has no images at hand."""
    if st.session_state.get(_BUNDLED):
        return [Source(f"{key}{photo.path.suffix}", photo.path.read_bytes) for key, photo in PHOTOS.items()]
    st.caption(_("Uploads stay on this server while the session lasts, and never go into a link."))
    st.button(
        _("Use the {count} bundled photos instead", count=len(PHOTOS)),
        icon=":material/photo_library:",
        key="batch_bundled",
        on_click=st.session_state.update,
        args=({_BUNDLED: True},),
    )
    return []


def _uploaded(files: Sequence[Any], most: int) -> list[Source]:
    allowed = limits()
    each = int(allowed.upload_megabytes * 1e6)
    sources: list[Source] = []
    unpacked = allowed.batch_unpacked_megabytes * 1e6
    for file in files:
        if file.name.lower().endswith(".zip"):
            if file.size > allowed.batch_zip_megabytes * 1e6:
                limit = allowed.batch_zip_megabytes
                raise InputError(
                    _("{name} is larger than {megabytes:g} MB; split it", name=file.name[:60], megabytes=limit)
                )
            sources += images_of_zip(file.getvalue(), most, int(unpacked), each)
        else:
            sources.append(Source(file.name, _reader(file, each + 1)))
    if len(sources) > most:
        told = _(
            "these are {count} images, more than {most}; take fewer, or use the command line",
            count=len(sources),
            most=most,
        )
        raise InputError(told)
    return _numbered(sources)


def _numbered(sources: Sequence[Source]) -> list[Source]:
    """Give each image a name of its own, of characters that are safe in a page and in a file's name."""
    taken: set[str] = set()
    found = []
    for source in sources:
        stem, _dot, ending = re.sub(r"[^\w.() /-]", "-", source.name)[-80:].rpartition(".")
        name, number = f"{stem}.{ending}", 2
        while name in taken:
            name, number = f"{stem} ({number}).{ending}", number + 1
        taken.add(name)
        found.append(Source(name, source.read))
    return found


def _reader(file: Any, most: int) -> Callable[[], bytes]:
    return lambda: bytes(file.getbuffer()[:most])
