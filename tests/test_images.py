import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from igcore.errors import ImageError, InputError
from igcore.images import FITS, check_image, load_image, png_bytes

RGB = np.random.default_rng(0).integers(0, 256, (24, 16, 3), dtype=np.uint8)
RED, BLUE = (255, 0, 0), (0, 0, 255)
#: Flat blocks of 16 × 16, which even a JPEG keeps.
BLOCKS = RGB[:3, :2].repeat(16, axis=0).repeat(16, axis=1)


def encoded(picture, format="PNG", **options):
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def levels(data, **options):
    """Load and return whole levels from 0 to 255."""
    array = load_image(data, **options)
    assert array.dtype == np.float32
    check_image(array, "image")
    return np.rint(array * 255).astype(int)


@pytest.mark.parametrize(
    ("suffix", "options"), [("png", {}), ("webp", {"lossless": True}), ("jpg", {"quality": 95, "subsampling": 0})]
)
def test_a_file_is_read_alike_from_path_bytes_and_stream(tmp_path, suffix, options):
    path = tmp_path / f"photo.{suffix}"
    Image.fromarray(BLOCKS).save(path, **options)
    tolerance = 4 if suffix == "jpg" else 0
    with path.open("rb") as stream:
        for source in (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), stream):
            assert np.abs(levels(source) - BLOCKS).max() <= tolerance


UPRIGHT = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("format", ["PNG", "WEBP", "JPEG"])
def test_the_rotation_mark_of_the_camera_is_applied(orientation, format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}.get(format, {})
    shown = levels(encoded(BLOCKS, format, exif=exif, **options))
    expected = UPRIGHT[orientation](BLOCKS)
    assert shown.shape == expected.shape
    assert np.abs(shown - expected).max() <= (4 if format == "JPEG" else 0)


def test_gray_becomes_three_equal_channels():
    gray = RGB[..., 0]
    assert np.array_equal(levels(encoded(gray)), np.dstack([gray] * 3))
    assert np.array_equal(levels(encoded(gray > 127)), np.dstack([(gray > 127) * 255] * 3))


def test_sixteen_bits_keep_their_range():
    ramp = np.arange(256, dtype=np.uint16).reshape(16, 16)
    assert np.array_equal(levels(encoded(ramp * 257))[..., 1], ramp)
    ends = load_image(encoded(np.array([[0, 32768, 65535]], np.uint16)))
    np.testing.assert_allclose(ends[0, :, 0], [0, 0.5, 1], atol=0.003)
    assert ends[0, 2, 0] == 1


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_over_white(mode):
    alpha = np.array([[0, 51, 255]], np.uint8)
    color = np.full((1, 3), 100, np.uint8)
    bands = [color] * (3 if mode == "RGBA" else 1)
    picture = Image.merge(mode, [Image.fromarray(band) for band in (*bands, alpha)])
    assert levels(encoded(picture))[0].tolist() == [[255] * 3, [224] * 3, [100] * 3]


def test_a_palette_gives_its_colors_and_its_transparent_entry_white():
    palette = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "L").convert("P")
    palette.putpalette([*RED, *BLUE, 9, 8, 7])
    assert levels(encoded(palette))[0].tolist() == [[*RED], [*BLUE], [9, 8, 7]]
    assert levels(encoded(palette, transparency=1))[0].tolist() == [[*RED], [255] * 3, [9, 8, 7]]
    assert levels(encoded(palette, transparency=b"\xff\x00\xff"))[0].tolist() == [[*RED], [255] * 3, [9, 8, 7]]


def test_the_transparent_color_of_a_png_without_alpha_shows_white():
    rgb = np.array([[RED, BLUE]], np.uint8)
    assert levels(encoded(rgb, transparency=RED))[0].tolist() == [[255] * 3, [*BLUE]]
    gray = np.array([[30, 40]], np.uint8)
    assert levels(encoded(gray, transparency=30))[0, :, 0].tolist() == [255, 40]


def test_the_transparent_level_of_a_sixteen_bit_png_shows_white():
    # Pillow does not write this chunk at this depth.
    data = encoded(np.array([[30 * 257, 40 * 257]], np.uint16))
    kind_and_level = b"tRNS" + struct.pack(">H", 30 * 257)
    chunk = struct.pack(">I", 2) + kind_and_level + struct.pack(">I", zlib.crc32(kind_and_level))
    start = data.index(b"IDAT") - 4
    assert levels(data[:start] + chunk + data[start:])[0, :, 0].tolist() == [255, 40]


def test_cmyk_is_read_as_its_color():
    cmyk = Image.fromarray(BLOCKS).convert("CMYK")
    shown = levels(encoded(cmyk, "JPEG", quality=95, subsampling=0))
    assert np.abs(shown - BLOCKS).max() <= 6


def test_of_the_pictures_in_a_telephone_s_jpeg_the_first_is_read():
    pictures = [Image.new("RGB", (16, 16), color) for color in (RED, BLUE)]
    data = encoded(pictures[0], "MPO", save_all=True, append_images=pictures[1:], quality=95)
    for size in (None, (8, 8)):
        assert np.abs(levels(data, size=size) - RED).max() <= 4


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_read(format):
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, BLUE)]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=100, **options)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.n_frames == 2
    assert (levels(data) == RED).all()


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 700)])
def test_thin_images_reach_any_size(shape, fit):
    data = encoded(np.full((*shape, 3), 200, np.uint8))
    assert levels(data).shape == (*shape, 3)
    shown = levels(data, size=(32, 20), fit=fit)
    assert shown.shape == (32, 20, 3)
    assert (shown == 200).any() if fit == "pad" else (shown == 200).all()


def test_a_size_of_its_own_is_kept_exactly():
    for fit in FITS:
        assert np.array_equal(levels(encoded(RGB), size=(24, 16), fit=fit), RGB)


def test_crop_cuts_the_longer_side_about_the_center():
    assert np.array_equal(levels(encoded(RGB), size=(16, 16), fit="crop"), RGB[4:20])
    assert np.array_equal(levels(encoded(RGB), size=(24, 8), fit="crop"), RGB[:, 4:12])


def test_pad_keeps_all_and_adds_equal_black_bars():
    shown = levels(encoded(RGB), size=(24, 30), fit="pad")
    assert np.array_equal(shown[:, 7:23], RGB)
    assert not shown[:, :7].any()
    assert not shown[:, 23:].any()


def test_stretch_keeps_the_corners():
    shown = levels(encoded(BLOCKS), size=(40, 60), fit="stretch")
    for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        assert np.array_equal(shown[row, column], BLOCKS[row, column])


def test_an_unknown_fit_is_refused():
    with pytest.raises(InputError, match="fit is 'cover'; expected one of crop, pad, stretch"):
        load_image(encoded(RGB), size=(8, 8), fit="cover")


@pytest.mark.parametrize("size", [(0, 10), (-1, 5), (2.5, 3), (3,), 224, "224"], ids=str)
def test_an_unusable_size_is_refused(size):
    for fit in FITS:
        with pytest.raises(InputError, match="size"):
            load_image(encoded(RGB), size=size, fit=fit)


@pytest.mark.parametrize("width", [2700, 4000, 6000])
def test_a_large_jpeg_is_decoded_at_reduced_scale_to_the_same_picture(width):
    height = width * 2 // 3
    small = Image.fromarray(np.random.default_rng(1).integers(0, 256, (120, 180, 3), dtype=np.uint8))
    data = encoded(small.resize((width, height), Image.Resampling.BILINEAR), "JPEG", quality=90)
    started = time.process_time()
    with Image.open(io.BytesIO(data)) as opened:
        square = opened.convert("RGB").crop(((width - height) // 2, 0, (width + height) // 2, height))
        full = np.asarray(square.resize((224, 224), Image.Resampling.BICUBIC), int)
    between = time.process_time()
    reduced = levels(data, size=(224, 224))
    if width == 6000:
        assert time.process_time() - between < 0.8 * (between - started)
    assert np.abs(reduced - full).mean() < 1
    assert np.abs(reduced - full).max() <= 16


def test_png_bytes_keep_every_level():
    assert np.array_equal(levels(png_bytes(RGB / np.float32(255))), RGB)
    assert levels(png_bytes(np.array([[[-1.0, 0.5, 2.0]]])))[0, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (None, "image shape NoneType is not"),
        ([[[0.0] * 3]], "image shape list is not"),
        (np.zeros((4, 4)), r"shape \(4, 4\) is not \(height, width, 3\)"),
        (np.zeros((1, 4, 4, 3)), "is not"),
        (np.zeros((4, 4, 4)), "is not"),
        (np.zeros((0, 4, 3)), "image shape"),
        (np.zeros((4, 4, 3), np.uint8), "dtype uint8; expected floats"),
        (np.zeros((4, 4, 3), object), "dtype object"),
        (np.zeros((4, 4, 3), complex), "dtype complex128"),
        (np.full((4, 4, 3), np.nan), "NaN or infinite"),
        (np.full((4, 4, 3), np.inf), "NaN or infinite"),
        (np.full((4, 4, 3), 1.01), r"ranges from 1.01 to 1.01; expected \[0, 1\]"),
        (np.full((4, 4, 3), -0.01), "ranges from -0.01"),
        (np.zeros((5, 4, 3)), "does not match image shape"),
    ],
    ids=str,
)
def test_an_array_that_is_no_image_is_refused_in_one_line(array, message):
    with pytest.raises(InputError, match=message) as caught:
        check_image(array, "image", like=np.zeros((4, 4, 3)))
    assert not isinstance(caught.value, ImageError)
    assert "\n" not in str(caught.value)
