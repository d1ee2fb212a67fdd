"""What a server holds of uploads: a browser deletes what it replaces, a program need not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from ui import uploads

ROOT, KB = Path(__file__).parents[1], 1000


@pytest.fixture
def held():
    held = MemoryUploadedFileManager("/upload")
    uploads.limit_total(held, 100 * KB)
    return held


def send(held, session, name, kilobytes):
    held.add_file(session, UploadedFileRec(name, f"{name}.png", "image/png", bytes(kilobytes * KB)))


def names(held, session):
    return [file.file_id for file in held.get_files(session, list("abcdefgh"))]


def test_what_fits_stays(held):
    send(held, "one", "a", 48)
    send(held, "two", "b", 48)
    assert (names(held, "one"), names(held, "two")) == (["a"], ["b"])


def test_who_holds_most_loses_the_oldest(held):
    send(held, "one", "a", 30)
    send(held, "greedy", "b", 20)
    send(held, "greedy", "c", 40)
    send(held, "one", "d", 20)
    assert (names(held, "one"), names(held, "greedy")) == (["a", "d"], ["c"])
    assert (uploads.lost("one"), uploads.lost("greedy")) == (False, True)
    held.remove_file("greedy", "c")
    assert not uploads.lost("greedy")


def test_a_file_larger_than_all_is_not_kept_and_costs_others_nothing(held):
    send(held, "one", "a", 30)
    send(held, "greedy", "b", 101)
    assert (names(held, "one"), names(held, "greedy")) == (["a"], [])


def test_files_that_hold_nothing_are_counted_too(held):
    for number in range(300):
        send(held, "greedy", f"{number}", 0)
    assert 90 <= len(held.file_storage["greedy"]) < 100


def test_what_is_deleted_gives_its_room(held):
    send(held, "one", "a", 60)
    held.remove_file("one", "a")
    send(held, "one", "b", 60)
    held.remove_session_files("one")
    send(held, "two", "c", 60)
    assert (names(held, "one"), names(held, "two")) == ([], ["c"])


SERVED = """
import asyncio
from streamlit import runtime
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from app import app

async def main():
    async with app.lifespan()(app):
        held = runtime.get_instance().uploaded_file_mgr
        for name in "abc":
            held.add_file("one", UploadedFileRec(name, name, "image/png", bytes(600_000)))
        print([file.name for file in held.get_files("one", list("abc"))])

asyncio.run(main())
"""


def test_the_server_holds_what_its_limits_say(tmp_path):
    limits = tmp_path / "limits.toml"
    limits.write_text("[upload]\nheld_megabytes = 1.3\n")
    run = subprocess.run(
        [sys.executable, "-c", SERVED],
        cwd=ROOT,
        env=os.environ | {"IGCORE_LIMITS": str(limits)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split("\n")[-2] == "['b', 'c']"
