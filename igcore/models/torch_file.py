"""Read the tensors of a PyTorch file of the old, non-zip format without PyTorch.

Such a file is five pickles (magic number, protocol, system, state, storage keys) followed by the raw
storages. A pickle can name any function; the unpickler here knows the four names that a file of weights
needs and refuses every other, so that nothing from the file runs.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from igcore.errors import ModelError

__all__ = ["read_torch_file"]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001


@dataclass(frozen=True)
class _Storage:
    """A storage that the state refers to and whose numbers come later in the file."""

    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True)
class _View:
    """A tensor: a strided view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _tensor(storage: _Storage, offset: int, shape: Any, strides: Any, *_: Any) -> _View:
    return _View(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


_ADMITTED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise ModelError(
                f"the weight file names {module}.{name}, which weights do not need; refused, nothing was run"
            ) from None

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _location, count, _view = pid
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise ModelError("the weight file refers to something that is not a storage; refused")
        return _Storage(str(key), dtype, int(count))


def read_torch_file(data: bytes) -> dict[str, NDArray[Any]]:
    """Return the tensors of a PyTorch state dictionary by name.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    dict of str to array
        float32 or int64, each its own contiguous copy.

    Raises
    ------
    ModelError
        Where the data is not such a file, names anything but tensors, or is cut off.
    """
    file = io.BytesIO(data)
    try:
        if _Unpickler(file).load() != MAGIC or _Unpickler(file).load() != PROTOCOL:
            raise ModelError("the weight file is not a PyTorch file of the old format")
        if not _Unpickler(file).load().get("little_endian"):
            raise ModelError("the weight file is big-endian; only little-endian files are read")
        views: dict[str, _View] = _Unpickler(file).load()
        keys = _Unpickler(file).load()
        storages = {view.storage.key: view.storage for view in views.values()}
        numbers = {key: _read_storage(file, storages[key]) for key in keys}
        return {name: _materialize(view, numbers[view.storage.key]) for name, view in views.items()}
    except ModelError:
        raise
    except Exception as error:  # pickle fails in many ways on a damaged file
        raise ModelError(f"the weight file is damaged ({type(error).__name__}: {error})") from error


def _read_storage(file: IO[bytes], storage: _Storage) -> NDArray[Any]:
    count = int.from_bytes(file.read(8), "little")
    if count != storage.count:
        raise ModelError(f"the weight file announces {storage.count} numbers and holds {count}")
    return np.frombuffer(file.read(count * storage.dtype.itemsize), storage.dtype, count)


def _materialize(view: _View, numbers: NDArray[Any]) -> NDArray[Any]:
    last = view.offset + sum((length - 1) * stride for length, stride in zip(view.shape, view.strides, strict=True))
    if min(view.shape, default=1) < 1 or min((view.offset, *view.strides)) < 0 or last >= numbers.size:
        raise ModelError("the weight file holds a tensor that reaches outside its numbers")
    strides = tuple(stride * numbers.itemsize for stride in view.strides)
    return np.lib.stride_tricks.as_strided(numbers[view.offset :], view.shape, strides).copy()
