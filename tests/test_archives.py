"""ZIP files that nobody vouches for."""

from __future__ import annotations

import contextlib
import io
import random
import stat
import struct
import tracemalloc
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from igcore.batch import images_of_zip
from igcore.errors import ImageError, InputError

MOST, BYTES, EACH = 50, 5_000_000, 1_000_000


def picture(color="red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), color).save(buffer, "PNG")
    return buffer.getvalue()


def packed(*names, content=None, method=zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name in names:
            archive.writestr(name, picture() if content is None else content)
    return buffer.getvalue()


def images(data, most=MOST, most_bytes=BYTES, each=EACH):
    return images_of_zip(data, most, most_bytes, each)


def refusal(data, **options) -> str:
    with pytest.raises(InputError) as caught:
        images(data, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_images_come_out_and_nothing_else():
    names = ("a.png", "folder/b.JPG", "folder/deep/c.webp")
    others = ("notes.txt", "folder/", ".hidden.png", "__MACOSX/a.png", "folder/.git/x.png", "script.py", "inner.zip")
    found = images(packed(*names, *others))
    assert [source.name for source in found] == list(names)
    assert all(source.read() == picture() for source in found)


@pytest.mark.parametrize(
    "name", ["../a.png", "a/../../b.png", "/etc/a.png", "..\\a.png", "C:\\a.png", "c:a.png", "\\\\server\\a.png"]
)
def test_a_path_that_leads_outside_is_refused(name):
    assert "leads outside" in refusal(packed("fine.png", name))


def test_a_link_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("link.png")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    assert "link instead of a file" in refusal(buffer.getvalue())


def test_too_many_images_are_refused_and_other_files_do_not_count():
    assert len(images(packed(*(f"{n}.png" for n in range(50)), *(f"{n}.txt" for n in range(50))))) == 50
    assert "51 images, more than 50" in refusal(packed(*(f"{n}.png" for n in range(51))))


def test_a_bomb_takes_neither_memory_nor_time():
    bomb = packed(*(f"{n}.png" for n in range(40)), content=bytes(20_000_000))
    assert len(bomb) < 1_000_000
    tracemalloc.start()
    try:
        assert "unpacks to more than 5 MB" in refusal(bomb)
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


def test_of_one_that_is_too_large_no_more_is_unpacked_than_tells_so():
    (source,) = images(packed("large.png", content=bytes(3_000_000)))
    assert len(source.read()) == EACH + 1


def test_a_size_that_lies_changes_nothing():
    data = bytearray(packed("a.png", content=bytes(3_000_000)))
    at = data.rfind(b"PK\x01\x02")
    struct.pack_into("<L", data, at + 24, 10)  # the unpacked size, as the list of entries tells it
    (source,) = images(bytes(data))
    with pytest.raises(ImageError, match="damaged inside the ZIP"):
        source.read()


def test_an_encrypted_one_is_refused():
    data = bytearray(packed("a.png"))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        struct.pack_into("<H", data, data.find(signature) + offset, 1)
    assert "without a password" in refusal(bytes(data))


def test_a_damaged_image_fails_by_itself():
    data = bytearray(packed("bad.png", "good.png", method=zipfile.ZIP_STORED))
    at = data.find(picture())
    data[at + 20] ^= 0xFF
    bad, good = images(bytes(data))
    with pytest.raises(ImageError, match="damaged inside the ZIP"):
        bad.read()
    assert good.read() == picture()


@pytest.mark.parametrize(
    "data", [b"", b"PK", b"not a zip", picture(), packed("a.png")[:-30], b"PK\x05\x06", b"PK" + bytes(1000)]
)
def test_what_is_no_zip_is_refused(data):
    assert refusal(data)


def test_no_images_are_told():
    assert "the ZIP has no images" in refusal(packed("a.txt"))


def test_a_long_list_of_entries_is_refused_before_it_is_read():
    data = bytearray(packed("a.png"))
    at = data.rfind(b"PK\x05\x06")
    struct.pack_into("<L", data, at + 12, 0x7FFFFFFF)
    assert "lists far more files" in refusal(bytes(data))
    assert "lists far more files" in refusal(packed(*(f"{n:0200d}.txt" for n in range(5000)), content=b""))


def test_of_two_with_one_name_the_first_counts():
    with pytest.warns(UserWarning, match="Duplicate"):
        data = packed("a.png", "a.png")
    assert len(images(data)) == 1


@given(st.integers(0, 2**32))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_flipped_bytes_give_images_or_one_line(seed):
    chance = random.Random(seed)
    data = bytearray(packed("a.png", "b/c.jpg"))
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    with contextlib.suppress(InputError):  # anything else is a fault
        for source in images(bytes(data)):
            assert len(source.read()) <= EACH + 1
