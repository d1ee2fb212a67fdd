"""Uploads that the server holds: all of them together take so much memory, whoever sends them."""

from __future__ import annotations

import streamlit as st
from cachetools import LRUCache
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from ui.language import _

__all__ = ["holds_any", "limit_total", "limit_total_of_server", "lost", "tell_lost"]

#: Bytes that a file takes beside what it brings.
RECORD = 1000

#: Sessions that lost a file, and took none back themselves since.
_lost: LRUCache[str, bool] = LRUCache(10_000)


def limit_total_of_server(most: int) -> None:
    """Let the files that this server holds take so many bytes at most; see `limit_total`."""
    manager = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
    if isinstance(manager, MemoryUploadedFileManager):
        limit_total(manager, most)


def limit_total(manager: MemoryUploadedFileManager, most: int) -> None:
    """Let the files that a manager holds take so many bytes at most.

    A browser deletes the file that another one replaces, but nothing makes a program do so, and Streamlit keeps what
    is sent until its session ends. Where there is no room, whoever holds most loses the oldest file; a page without it
    says so (`tell_lost`).
    """
    add, remove = manager.add_file, manager.remove_file

    def add_within(session_id: str, file: UploadedFileRec) -> None:
        add(session_id, file)
        while sum((sizes := _sizes(manager)).values()) > most:
            greedy = max(sizes, key=sizes.__getitem__)
            remove(greedy, next(iter(manager.file_storage[greedy])))
            _lost[greedy] = True

    def remove_on_request(session_id: str, file_id: str) -> None:
        _lost.pop(session_id, None)
        remove(session_id, file_id)

    manager.add_file = add_within  # type: ignore[method-assign]
    manager.remove_file = remove_on_request  # type: ignore[method-assign]


def lost(session: str) -> bool:
    """Return whether a session lost a file, and took none back itself since."""
    return session in _lost


def holds_any() -> bool:
    """Return whether this session has a file of its own on the server."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return False
    manager = runtime.get_instance().uploaded_file_mgr
    return isinstance(manager, MemoryUploadedFileManager) and bool(manager.file_storage.get(context.session_id))


def tell_lost() -> None:
    """Say on a page that a file of its session is gone, where it is."""
    context = get_script_run_ctx()
    if context is not None and lost(context.session_id):
        st.warning(
            _("The server had no room left for uploads and let a file of yours go; send it again in a while."),
            icon=":material/cloud_off:",
        )


def _sizes(manager: MemoryUploadedFileManager) -> dict[str, int]:
    """Return the bytes of every session."""
    return {session: sum(map(_size, files.values())) for session, files in manager.file_storage.items()}


def _size(file: UploadedFileRec) -> int:
    return len(file.data) + len(file.name) + len(file.type) + RECORD
