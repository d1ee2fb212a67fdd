"""Digests of what a network is made of, so that two machines can tell whether they have the same one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["file_digest", "folder_digest", "weights_digest"]

PIECE = 1 << 20


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            sha.update(piece)
    return sha.hexdigest()


def folder_digest(folder: Path) -> str:
    """Return a SHA-256 of a SavedModel: of the names and digests of its program and of all files of its variables.

    Where the folder lies, and what else is in it, does not count.
    """
    variables = [path for path in (folder / "variables").rglob("*") if path.is_file()]
    files = {path.relative_to(folder).as_posix(): path for path in [folder / "saved_model.pb", *variables]}
    lines = [f"{file_digest(files[name])}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def weights_digest(network: Any) -> str:
    """Return a SHA-256 of a Keras model's weights: of the shape, type and values of each, in the model's order."""
    sha = hashlib.sha256()
    for weight in network.get_weights():
        array = np.ascontiguousarray(weight)
        sha.update(f"{array.shape} {array.dtype.str}\n".encode() + array.tobytes())
    return sha.hexdigest()
