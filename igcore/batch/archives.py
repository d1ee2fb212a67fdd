"""ZIP files that nobody vouches for: images taken out within bounds, and nothing ever written to a path they name."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from functools import partial
from pathlib import PurePosixPath

from igcore.batch.sources import SUFFIXES, Source, distinct
from igcore.errors import ImageError, InputError

__all__ = ["images_of_zip"]

#: What the list of a ZIP's entries may take; an entry takes 46 bytes and its name.
MOST_LISTED = 1_000_000

_END, _SIGNATURE = struct.Struct("<4s4H2LH"), b"PK\x05\x06"


def images_of_zip(data: bytes, most: int, most_bytes: int, most_each: int) -> list[Source]:
    """Unpack the images of a ZIP into memory.

    Folders, hidden files, and files that do not end like an image are left out.

    Parameters
    ----------
    data : bytes
    most : int
        Images.
    most_bytes : int
        Of all images together, unpacked.
    most_each : int
        Of one image; of a larger one no more is unpacked than tells so.

    Raises
    ------
    InputError
        Where it is no ZIP, has a path that leads outside, is encrypted or damaged, or has more than is allowed.
    """
    _check_list(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if _is_image(entry)]
            if len(entries) > most:
                raise InputError(f"the ZIP has {len(entries)} images, more than {most}; split it")
            if not entries:
                raise InputError(f"the ZIP has no images; expected files that end in {', '.join(SUFFIXES)}")
            unpacked, found = 0, []
            for entry in entries:
                content, source = _unpacked(archive, entry, min(most_each + 1, most_bytes - unpacked + 1))
                unpacked += content
                if unpacked > most_bytes:
                    raise InputError(f"the ZIP unpacks to more than {most_bytes / 1e6:g} MB; split it")
                found.append(source)
    except InputError:
        raise
    except Exception as error:  # a reader given hostile bytes may fail in any way
        reason = (str(error) or type(error).__name__).split("\n")[0]
        raise InputError(f"the ZIP is damaged or of a kind that cannot be read ({reason}); pack it again") from error
    return distinct(found)


def _check_list(data: bytes) -> None:
    """Refuse a list of entries that would take long to read, before it is read."""
    at = data.rfind(_SIGNATURE, max(0, len(data) - 65_557))
    if not data.startswith(b"PK") or at < 0 or at + _END.size > len(data):
        raise InputError("this is not a ZIP file; pack the images as one and try again")
    listed = _END.unpack_from(data, at)[5]
    if listed > MOST_LISTED:
        raise InputError("the ZIP lists far more files than this page takes; split it")


def _is_image(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in entry.filename or "\0" in entry.filename:
        raise InputError(f"the ZIP has a file whose path leads outside of it ({entry.filename[:60]!r}); pack it again")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise InputError(f"the ZIP has a link instead of a file ({entry.filename[:60]!r}); pack the files themselves")
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return not entry.is_dir() and not hidden and path.suffix.lower() in SUFFIXES


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> tuple[int, Source]:
    """Unpack no more than so many bytes, whatever the entry says of its size; one that is damaged fails by itself."""
    if entry.flag_bits & 0x1:
        raise InputError("the ZIP is encrypted; pack it without a password")
    try:
        with archive.open(entry) as file:
            content = file.read(most)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        line = f"it is damaged inside the ZIP ({error}); pack it again"
        return 0, Source(entry.filename, partial(_refuse, line))
    return len(content), Source(entry.filename, lambda: content)


def _refuse(line: str) -> bytes:
    raise ImageError(line)
