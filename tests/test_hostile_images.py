import io
import math
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from igcore.errors import ImageError
from igcore.images import FORMATS, MAX_BYTES, load_image

ROOT = Path(__file__).parent.parent
SMOOTH = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)).resize((64, 48))

each_format = pytest.mark.parametrize("format", FORMATS)


def encoded(format, **options):
    buffer = io.BytesIO()
    SMOOTH.save(buffer, format, **options)
    return buffer.getvalue()


VALID = {format: encoded(format) for format in FORMATS}


def png(width, height, pixels=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def jpeg(width, height):
    data = bytearray(VALID["JPEG"])
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def webp(width, height):
    data = bytearray(VALID["WEBP"])
    start = data.index(b"\x9d\x01\x2a") + 3
    data[start : start + 4] = struct.pack("<HH", width, height)
    return bytes(data)


def refusal(source, **options):
    with pytest.raises(ImageError) as caught:
        load_image(source, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def shown(data, **options):
    """Load an image, or return None where it is refused, in one line."""
    try:
        return load_image(data, **options)
    except ImageError as error:
        message = str(error)
    assert "\n" not in message
    return None


def test_an_empty_file_is_called_empty(tmp_path):
    (tmp_path / "empty.jpg").touch()
    assert "empty (0 bytes)" in refusal(tmp_path / "empty.jpg")
    assert "empty (0 bytes)" in refusal(b"")


def test_text_under_an_image_s_name_is_refused(tmp_path):
    (tmp_path / "notes.jpg").write_text("this is no image\n" * 100)
    assert "not a JPEG, PNG or WebP" in refusal(tmp_path / "notes.jpg")


@pytest.mark.parametrize("format", ["GIF", "TIFF", "BMP", "PPM", "ICO", "TGA"])
def test_other_formats_are_refused_whatever_their_name(tmp_path, format):
    path = tmp_path / "photo.png"
    SMOOTH.save(path, format)
    assert "not a JPEG, PNG or WebP" in refusal(path)


def test_a_path_without_a_file_is_named(tmp_path):
    assert "no image at" in refusal(tmp_path / "cat.jpg")
    assert "cannot read" in refusal(tmp_path)
    assert "cannot read" in refusal("nul\0.jpg")
    assert "cat\\njpg" in refusal("cat\njpg")


def test_a_file_of_too_many_bytes_is_refused():
    assert "larger than 25 MB" in refusal(VALID["JPEG"].ljust(MAX_BYTES + 1, b"\0"))
    assert load_image(VALID["JPEG"].ljust(MAX_BYTES, b"\0")).shape == (48, 64, 3)


def test_a_file_without_an_end_is_read_only_up_to_the_limit():
    assert "larger than 25 MB" in refusal("/dev/zero")


@pytest.mark.parametrize(("make", "largest"), [(png, 30_000), (jpeg, 65_000), (webp, 16_000)])
@pytest.mark.parametrize("side", [8001, 12_000, math.inf])
@pytest.mark.filterwarnings("ignore")
def test_too_many_pixels_are_called_so(make, largest, side):
    side = min(side, largest)
    assert "megapixels" in refusal(make(side, side))


def test_a_small_file_of_many_pixels_is_refused_by_its_header_before_it_takes_time_or_memory(tmp_path):
    row = bytes(1 + 3 * 8500)
    packer = zlib.compressobj(1)
    pixels = b"".join(packer.compress(row) for _ in range(8500)) + packer.flush()
    (tmp_path / "large.png").write_bytes(png(8500, 8500, pixels))
    (tmp_path / "larger.png").write_bytes(png(30_000, 30_000, pixels))
    code = """
import resource, sys, time
from igcore.errors import ImageError
from igcore.images import load_image

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000

for path in sys.argv[1:]:
    started, before = time.process_time(), peak()
    try:
        load_image(path)
    except ImageError:
        print(time.process_time() - started, peak() - before)
"""
    paths = [str(tmp_path / name) for name in ("large.png", "larger.png")]
    run = subprocess.run([sys.executable, "-c", code, *paths], cwd=ROOT, capture_output=True, text=True, check=True)
    measured = [[float(number) for number in line.split()] for line in run.stdout.splitlines()]
    assert len(measured) == len(paths)
    for seconds, megabytes in measured:
        assert seconds < 0.3
        assert megabytes < 30


@each_format
@pytest.mark.parametrize("options", [{}, {"size": (16, 16)}], ids=str)
def test_a_file_that_is_cut_off_is_never_shown_half(format, options):
    data = VALID[format]
    whole = load_image(data, **options)
    for cut in range(1, len(data), max(1, len(data) // 200)):
        picture = shown(data[:cut], **options)
        assert picture is None or np.array_equal(picture, whole)
        assert picture is None or cut > 0.9 * len(data)


@each_format
@pytest.mark.filterwarnings("ignore")
@settings(max_examples=300, deadline=None)
@given(
    flips=st.lists(
        st.tuples(st.one_of(st.integers(0, 99), st.integers(0, 9999)), st.integers(0, 255)), min_size=1, max_size=12
    ),
    size=st.sampled_from([None, (16, 24)]),
)
@example(flips=[(25, 8)], size=None)
def test_flipped_bytes_give_an_image_or_an_image_error(format, flips, size):
    data = bytearray(VALID[format])
    for position, value in flips:
        data[position % len(data)] = value
    picture = shown(bytes(data), size=size)
    assert picture is None or (picture.dtype == np.float32 and picture.ndim == 3)
    assert picture is None or 0 <= picture.min() <= picture.max() <= 1


@each_format
@pytest.mark.filterwarnings("ignore")
@settings(deadline=None)
@given(kept=st.integers(1, 64), tail=st.binary(max_size=200))
def test_a_true_beginning_before_random_bytes_is_refused(format, kept, tail):
    refusal(VALID[format][:kept] + tail)
