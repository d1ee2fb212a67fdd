"""Files that are called images, and are none or far too large: what a page and a batch must refuse in one line."""

from __future__ import annotations

import io
import random
import zipfile

from PIL import Image

__all__ = ["hostile_files"]


def hostile_files() -> list[tuple[str, bytes]]:
    """Return names and contents; the largest has 200 MB."""
    good, bomb, archive = io.BytesIO(), io.BytesIO(), io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(good, "PNG")
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("photo.png", good.getvalue())
    return [
        ("text.png", b"this is not an image"),
        ("empty.png", b""),
        ("cut.png", good.getvalue()[:60]),
        ("bomb.png", bomb.getvalue()),
        ("archive.png", archive.getvalue()),
        ("page.jpg", b"<html><script>alert(1)</script></html>"),
        ("scan.png", b"II*\0" + bytes(24_000_000)),
        ("huge.png", b"II*\0" + bytes(200_000_000)),
        ("random.webp", random.Random(0).randbytes(500_000)),
    ]
