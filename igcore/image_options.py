"""From the command line's options to an image and a model."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from igcore.images import FITS, Fit
from igcore.models import DEFAULT_MODEL, load_model
from igcore.noise import quiet
from igcore.photos import PHOTOS

if TYPE_CHECKING:
    from igcore.models.network import TensorFlowModel

__all__ = ["DEFAULT_FIT", "add_image_options", "bundled_key", "image_path", "quietly_loaded"]

#: How an image reaches the model's aspect ratio where nothing else is said.
DEFAULT_FIT: Fit = "crop"


def add_image_options(parser: argparse.ArgumentParser) -> None:
    """Add an image, a model and a fit; the latter two are None where they are not given."""
    parser.add_argument("image", metavar="IMAGE", help=f"a JPEG, PNG or WebP file, or one of {', '.join(PHOTOS)}")
    parser.add_argument(
        "--model",
        metavar="KEY",
        help=f"catalogue key, TF-Hub address, folder or .keras file (default: {DEFAULT_MODEL})",
    )
    parser.add_argument("--fit", choices=FITS, help=f"how to reach the model's aspect ratio (default: {DEFAULT_FIT})")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")


def bundled_key(image: str) -> str | None:
    """Return the key of the bundled photo that is meant; a file of that name comes first."""
    return image if image in PHOTOS and not os.path.exists(image) else None


def image_path(image: str) -> str | os.PathLike[str]:
    """Return where the image lies."""
    key = bundled_key(image)
    return image if key is None else PHOTOS[key].path


def quietly_loaded(handle: str | None) -> TensorFlowModel:
    """Load a model without what TensorFlow has to say; the default one for None."""
    with quiet():
        return load_model(DEFAULT_MODEL if handle is None else handle)
