import os
import resource
from contextlib import contextmanager
from pathlib import Path

import pytest

from igcore.errors import InputError
from igcore.files import write_whole

OLD, NEW = b"old", b"new" * 10_000


@contextmanager
def full_disk():
    """Let no file grow beyond 1000 bytes, so that a write fails on its way as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextmanager
def umask(mask):
    previous = os.umask(mask)
    try:
        yield
    finally:
        os.umask(previous)


@pytest.mark.parametrize("name", ["out.npz", "größe 1.png", "x" * 200])
def test_a_file_is_written_and_replaced(tmp_path, name):
    for data in (NEW, OLD):
        write_whole(tmp_path / name, data)
        assert (tmp_path / name).read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.npz"
    path.write_bytes(OLD)
    with full_disk(), pytest.raises(InputError, match="File too large"):
        write_whole(path, NEW)
    assert path.read_bytes() == OLD
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_no_new_file(tmp_path):
    with full_disk(), pytest.raises(InputError):
        write_whole(tmp_path / "out.npz", NEW)
    with pytest.raises(TypeError):
        write_whole(tmp_path / "out.npz", "text")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["no/such/folder/out.npz", "folder", "file/out.npz", "x" * 300, "nul\0.npz", ""])
def test_a_place_that_cannot_be_written_is_refused_in_one_line(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("file").touch()
    with pytest.raises(InputError, match="cannot write") as caught:
        write_whole(name, NEW)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_of_a_plainly_opened_one(tmp_path, mask):
    with umask(mask):
        write_whole(tmp_path / "whole", NEW)
        (tmp_path / "plain").write_bytes(NEW)
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_replaced_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "out.npz"
    path.write_bytes(OLD)
    path.chmod(mode)
    write_whole(path, NEW)
    assert path.stat().st_mode & 0o777 == mode
