"""Uploads that the server holds: all of them together take so much memory, whoever sends them."""

from __future__ import annotations

from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

__all__ = ["limit_total", "limit_total_of_server"]

#: Bytes that a file takes beside what it brings.
RECORD = 1000


def limit_total_of_server(most: int) -> None:
    """Let the files that this server holds take so many bytes at most; see `limit_total`."""
    manager = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    if isinstance(manager, MemoryUploadedFileManager):
        limit_total(manager, most)


def limit_total(manager: MemoryUploadedFileManager, most: int) -> None:
    """Let the files that a manager holds take so many bytes at most.

    A browser deletes the file that another one replaces, but nothing makes a program do so, and Streamlit keeps what
    is sent until its session ends. Where there is no room, whoever holds most loses the oldest file, and sees a page
    without it, as before the upload.
    """
    add = manager.add_file

    def add_within(session_id: str, file: UploadedFileRec) -> None:
        add(session_id, file)
        while sum((sizes := _sizes(manager)).values()) > most:
            greedy = max(sizes, key=sizes.__getitem__)
            manager.remove_file(greedy, next(iter(manager.file_storage[greedy])))

    manager.add_file = add_within  # type: ignore[method-assign]


def _sizes(manager: MemoryUploadedFileManager) -> dict[str, int]:
    """Return the bytes of every session."""
    return {session: sum(map(_size, files.values())) for session, files in manager.file_storage.items()}


def _size(file: UploadedFileRec) -> int:
    return len(file.data) + len(file.name) + len(file.type) + RECORD
