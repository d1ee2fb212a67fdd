"""Uploads that the server holds: all of them together take so much memory, whoever sends them."""

from __future__ import annotations

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

__all__ = ["bound"]


def bound(held: MemoryUploadedFileManager, most: int) -> None:
    """Let the files that a server holds take so many bytes at most.

    A browser deletes the file that another one replaces, but nothing makes a program do so, and Streamlit keeps what
    is sent until its session ends. A file that has no room takes that of the oldest file of whoever holds most; who
    loses one sees a page without it, as before the upload.
    """
    add = held.add_file

    def add_within(session_id: str, file: UploadedFileRec) -> None:
        add(session_id, file)
        while (sizes := _sizes(held)) and sum(sizes.values()) > most:
            greedy = max(sizes, key=sizes.__getitem__)
            held.remove_file(greedy, next(iter(held.file_storage[greedy])))

    held.add_file = add_within  # type: ignore[method-assign]


def _sizes(held: MemoryUploadedFileManager) -> dict[str, int]:
    """Return the bytes of every session that has files."""
    sizes = {session: sum(len(file.data) for file in files.values()) for session, files in held.file_storage.items()}
    return {session: size for session, size in sizes.items() if size}
