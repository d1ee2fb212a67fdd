"""Images: bytes that nobody vouches for → validated RGB float32 in [0, 1]."""

from __future__ import annotations

import hashlib
import io
import os
from typing import IO, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from igcore.errors import ImageError, InputError

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "Fit",
    "check_image",
    "digest",
    "load_image",
    "png_bytes",
]

MAX_BYTES = 25_000_000
MAX_PIXELS = 64_000_000
FORMATS = ("JPEG", "PNG", "WEBP")

Fit = Literal["crop", "pad", "stretch"]
FITS: tuple[str, ...] = get_args(Fit)


def load_image(
    source: str | os.PathLike[str] | bytes | IO[bytes],
    size: tuple[int, int] | None = None,
    fit: Fit = "crop",
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
) -> NDArray[np.float32]:
    """Read an image of any mode as RGB, upright, at a model's input size.

    Of an animation the first frame is read; transparency is laid over white; a palette, grey,
    CMYK or 16-bit image becomes 8-bit RGB; the camera's rotation mark is applied.

    Parameters
    ----------
    source : path, bytes or binary file
        A JPEG, PNG or WebP.
    size : (height, width), optional
        The size to bring it to; without one the image keeps its own.
    fit : {"crop", "pad", "stretch"}
        How to reach another aspect ratio: cut the longer side about the centre, add black bars, or distort.
    max_bytes, max_pixels : int
        Of the file and of the image; what is larger is refused before it is decoded.

    Returns
    -------
    (H, W, 3) float32 in [0, 1]

    Raises
    ------
    ImageError
        Where the data is not such an image, or too large.
    """
    if fit not in FITS:
        raise InputError(f"fit is {fit!r}; expected one of {', '.join(FITS)}")
    if size is not None:
        _check_size(size)
    data = _read(source, max_bytes)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            picture, original = _decode(opened, size, max_pixels)
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise ImageError(
            f"the image has more than {max_pixels / 1e6:g} megapixels; make it smaller and try again"
        ) from None
    except Image.UnidentifiedImageError:
        raise ImageError("this is not a JPEG, PNG or WebP image; save it as one of these and try again") from None
    except Exception as error:  # a decoder given hostile bytes may fail in any way
        reason = str(error).split("\n")[0] or type(error).__name__
        raise ImageError(f"the image is damaged or cut off ({reason}); save it again and retry") from error
    if size is not None:
        picture = _fit(picture, size, fit, original)
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


def check_image(array: NDArray[np.float32], name: str, like: NDArray[np.float32] | None = None) -> None:
    """Raise `InputError` unless `array` is (H, W, 3), finite and in [0, 1], and of the shape of `like`."""
    if not isinstance(array, np.ndarray) or array.ndim != 3 or array.shape[2] != 3:
        shape = getattr(array, "shape", type(array).__name__)
        raise InputError(f"{name} shape {shape} is not (height, width, 3); pass an RGB array, or use load_image")
    if array.dtype.kind != "f":
        raise InputError(f"{name} has dtype {array.dtype}; expected floats in [0, 1], for instance array / 255")
    if like is not None and array.shape != like.shape:
        raise InputError(
            f"{name} shape {array.shape} does not match image shape {like.shape}; resize it or choose a named baseline"
        )
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinite values; expected numbers in [0, 1]")
    low, high = float(array.min()), float(array.max())
    if low < -1e-6 or high > 1 + 1e-6:
        raise InputError(f"{name} ranges from {low:.3g} to {high:.3g}; expected [0, 1], for instance array / 255")


def digest(array: NDArray[np.floating]) -> str:
    """Name an image by its shape and decoded pixels: a SHA-256 in hexadecimal."""
    pixels = np.ascontiguousarray(array)
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


def png_bytes(array: NDArray[np.floating]) -> bytes:
    """Encode an (H, W, 3) array in [0, 1] as a PNG."""
    pixels = np.rint(np.clip(array, 0, 1) * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _read(source: str | os.PathLike[str] | bytes | IO[bytes], max_bytes: int) -> bytes:
    """Read at most one byte more than may be read, so that a huge file costs nothing."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source[: max_bytes + 1])
    elif isinstance(source, (str, os.PathLike)):
        try:
            with open(source, "rb") as file:
                data = file.read(max_bytes + 1)
        except FileNotFoundError:
            raise ImageError(f"no image at {os.fspath(source)!r}; check the path") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ImageError(f"cannot read {os.fspath(source)!r}: {reason}") from error
    else:
        data = source.read(max_bytes + 1)
    if not data:
        raise ImageError("the image file is empty (0 bytes); choose another")
    if len(data) > max_bytes:
        raise ImageError(f"the image file is larger than {max_bytes / 1e6:g} MB; make it smaller and try again")
    return data


def _check_size(size: tuple[int, int]) -> None:
    if not (isinstance(size, (tuple, list)) and len(size) == 2 and all(isinstance(n, int) and n > 0 for n in size)):
        raise InputError(f"size is {size!r}; expected (height, width), two whole numbers of 1 or more")


def _decode(opened: Image.Image, size: tuple[int, int] | None, max_pixels: int) -> tuple[Image.Image, tuple[int, int]]:
    """Check the size that the header states, and only then decode.

    Returns
    -------
    picture : upright RGB image, perhaps at reduced scale
    original : (width, height) of the upright image at full scale
    """
    width, height = opened.size
    if width * height > max_pixels:
        raise ImageError(
            f"the image has {width} × {height} pixels, more than {max_pixels / 1e6:g} megapixels; "
            "make it smaller and try again"
        )
    if size is not None and opened.format in ("JPEG", "MPO"):
        # The decoder can halve a JPEG up to three times for free; twice the size wanted keeps the resampling exact.
        opened.draft(None, (2 * max(size), 2 * max(size)))
    opened.seek(0)
    opened.load()
    turned = opened.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    return _to_rgb(ImageOps.exif_transpose(opened)), (height, width) if turned else (width, height)


def _to_rgb(picture: Image.Image) -> Image.Image:
    """Bring any mode to 8-bit RGB; transparency shows white, as a browser's page would."""
    if picture.mode.startswith("I") or picture.mode == "F":
        values = np.asarray(picture, dtype=np.float64)
        if "transparency" in picture.info:
            values = np.where(values == picture.info["transparency"], 65535, values)
        return Image.fromarray(np.rint(np.clip(values / 65535, 0, 1) * 255).astype(np.uint8)).convert("RGB")
    if "A" in picture.getbands() or "a" in picture.getbands() or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture.convert("RGB")


def _fit(picture: Image.Image, size: tuple[int, int], fit: str, original: tuple[int, int]) -> Image.Image:
    """Bring a picture, perhaps decoded at reduced scale, to a size; boxes count in the pixels of its original size."""
    reduced = round(max(original) / max(picture.size))
    height, width = size
    box = (0.0, 0.0, original[0] / reduced, original[1] / reduced)
    if fit == "crop":
        # Whole pixels, as the usual evaluation pipelines cut them; ImageOps.fit would take a fractional box.
        scale = min(original[0] / width, original[1] / height)
        box_width, box_height = max(1, round(width * scale)), max(1, round(height * scale))
        left, top = (original[0] - box_width) // 2, (original[1] - box_height) // 2
        right, bottom = left + box_width, top + box_height
        box = (left / reduced, top / reduced, right / reduced, bottom / reduced)
    elif fit == "pad":
        scale = min(width / picture.width, height / picture.height)
        inner = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        padded = Image.new("RGB", (width, height), "black")
        corner = (round((width - inner[0]) / 2), round((height - inner[1]) / 2))
        padded.paste(picture.resize(inner, Image.Resampling.BICUBIC, box=box), corner)
        return padded
    return picture.resize((width, height), Image.Resampling.BICUBIC, box=box)
