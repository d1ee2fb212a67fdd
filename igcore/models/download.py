"""Fetch a model from where it is published, within a time limit.

The libraries that download have no limit of their own, so each download runs in a process that can be ended.
Run as ``python -m igcore.models.download KIND HANDLE``, this module is that process.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from igcore.errors import ModelUnavailable
from igcore.models.catalogue import CatalogueEntry

__all__ = ["DOWNLOAD_SECONDS", "cached", "fetch", "hub_folder"]

#: Time limit of one download; IGCORE_DOWNLOAD_SECONDS overrides it.
DOWNLOAD_SECONDS = 120.0


def hub_cache() -> Path:
    """Return TF-Hub's cache folder; a lasting one where TFHUB_CACHE_DIR does not name it."""
    named = os.environ.get("TFHUB_CACHE_DIR")
    if named:
        return Path(named).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "igcore" / "tfhub"


def hub_folder(handle: str) -> Path:
    """Return the folder in which TF-Hub's cache keeps a handle: the SHA-1 of the handle names it."""
    return hub_cache() / hashlib.sha1(handle.encode(), usedforsecurity=False).hexdigest()


def _keras_cache() -> Path:
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models"


def _keras_weights(name: str) -> bool:
    """Whether Keras has this application's weights, with a head, in its cache.

    Keras writes the name with or without underscores and sometimes with "weights" in front; MobileNet's file name
    begins like that of MobileNetV2.
    """
    pattern = re.compile(rf"(weights)?{re.escape(name.lower())}(?!v\d)(?!.*notop)")
    return any(pattern.match(re.sub("[-_]", "", path.stem.lower())) for path in _keras_cache().glob("*.h5"))


def cached(entry: CatalogueEntry) -> bool:
    """Whether an entry's files are on this machine, so that loading it downloads nothing."""
    if entry.kind == "tf-hub":
        return (hub_folder(entry.handle) / "saved_model.pb").is_file()
    if entry.kind == "keras-application":
        return _keras_weights(entry.handle)
    path = entry.path(entry.handle)
    return path.is_file() or (path / "saved_model.pb").is_file()


def fetch(entry: CatalogueEntry, seconds: float | None = None) -> None:
    """Download an entry's files unless they are here.

    Parameters
    ----------
    entry : CatalogueEntry
    seconds : float, optional
        Time limit; without one, IGCORE_DOWNLOAD_SECONDS or `DOWNLOAD_SECONDS`.

    Raises
    ------
    ModelUnavailable
        Where the download fails or does not end in time; the message says what to do.
    """
    if entry.kind not in ("tf-hub", "keras-application") or cached(entry):
        return
    limit = _limit() if seconds is None else seconds
    try:
        with tempfile.TemporaryDirectory() as apart:
            reason = _download(entry, limit, Path(apart))
    except subprocess.TimeoutExpired:
        reason = f"did not arrive within {limit:g} s"
    if reason is not None:
        _clear_partial(entry)
        raise ModelUnavailable(
            f"{entry.title} {reason}; try again later, run python -m igcore fetch {entry.key} on a machine with access "
            "and copy its cache, or name a local folder in a catalogue (IGCORE_CATALOGUE)"
        )


def _download(entry: CatalogueEntry, limit: float, apart: Path) -> str | None:
    """Run the download in a process of its own; return what went wrong, or None."""
    # Keras writes straight to the final name, so it writes elsewhere, and only a whole file is moved.
    homes = {"TFHUB_CACHE_DIR": str(hub_cache()), "KERAS_HOME": str(apart)}
    done = subprocess.run(
        [sys.executable, "-m", "igcore.models.download", entry.kind, entry.handle],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **homes},
        timeout=limit,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    if done.returncode:
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        return f"could not be downloaded ({lines[-1][:200] if lines else f'exit code {done.returncode}'})"
    for file in (apart / "models").glob("*.h5"):
        _keras_cache().mkdir(parents=True, exist_ok=True)
        shutil.move(file, _keras_cache() / file.name)
    return None if cached(entry) else "could not be downloaded (what arrived holds no model)"


def _limit() -> float:
    try:
        return float(os.environ.get("IGCORE_DOWNLOAD_SECONDS", DOWNLOAD_SECONDS))
    except ValueError:
        return DOWNLOAD_SECONDS


def _clear_partial(entry: CatalogueEntry) -> None:
    """Remove what TF-Hub left: it would wait ten minutes for a lock, and take any folder for the model."""
    if entry.kind != "tf-hub":
        return
    folder = hub_folder(entry.handle)
    for path in folder.parent.glob(f"{folder.name}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _main(kind: str, handle: str) -> None:
    if kind == "tf-hub":
        import tensorflow_hub

        tensorflow_hub.resolve(handle)
    else:
        import tensorflow as tf

        getattr(tf.keras.applications, handle)(weights="imagenet")


if __name__ == "__main__":
    try:
        _main(*sys.argv[1:])
    except Exception as failure:
        sys.exit(f"{type(failure).__name__}: {str(failure).splitlines()[0] if str(failure) else ''}")
