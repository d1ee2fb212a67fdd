"""The reader of weight files: it reads exactly what torch wrote, and runs nothing of what others wrote."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from igcore.errors import ModelError
from igcore.models.efficientnet_lite import read_weights
from igcore.models.torch_file import MAGIC, PROTOCOL, read_torch_file

SYSTEM = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}


class Global:
    """A name that the pickle gives, whether or not such a thing is installed."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self, *_: Any) -> None:
        raise AssertionError("only named, never called, while writing")


@dataclass(eq=False)
class Storage:
    key: str
    numbers: np.ndarray
    kind: str = "FloatStorage"
    announced: int | None = None


@dataclass
class Tensor:
    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Call:
    """An object that is pickled as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> Any:
        return self.function, self.arguments


class Writer(pickle._Pickler):
    """Writes as torch does: storages by reference, tensors as calls of _rebuild_tensor_v2."""

    def save_name(self, value: Global) -> None:
        self.write(f"c{value.module}\n{value.name}\n".encode())

    dispatch: ClassVar = {**pickle._Pickler.dispatch, Global: save_name}

    def persistent_id(self, value: Any) -> Any:
        if not isinstance(value, Storage):
            return None
        count = value.numbers.size if value.announced is None else value.announced
        return "storage", Global("torch", value.kind), value.key, "cpu", count, None

    def reducer_override(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return NotImplemented
        parts = (value.storage, value.offset, value.shape, value.strides, False, OrderedDict())
        return Global("torch._utils", "_rebuild_tensor_v2"), parts


def pickled(value: Any) -> bytes:
    buffer = BytesIO()
    Writer(buffer, protocol=2).dump(value)
    return buffer.getvalue()


def torch_file(state: Any, *storages: Storage, magic: Any = MAGIC, system: Any = SYSTEM, keys: Any = None) -> bytes:
    """The old format: five pickles, then each storage's count and numbers."""
    keys = [storage.key for storage in storages] if keys is None else keys
    head = b"".join(map(pickled, (magic, PROTOCOL, system, state, keys)))
    body = (storage.numbers.size.to_bytes(8, "little") + storage.numbers.tobytes() for storage in storages)
    return head + b"".join(body)


NUMBERS = Storage("0", np.arange(24, dtype="<f4") / 7)
COUNTER = Storage("1", np.array([2**40 + 1], "<i8"), "LongStorage")
STATE = OrderedDict(
    whole=Tensor(NUMBERS, 0, (2, 3, 4), (12, 4, 1)),
    turned=Tensor(NUMBERS, 0, (4, 3), (1, 4)),
    part=Tensor(NUMBERS, 5, (2, 2), (12, 3)),
    counter=Tensor(COUNTER, 0, (), ()),
)
GOOD = torch_file(STATE, NUMBERS, COUNTER)


def one(offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    return torch_file({"w": Tensor(NUMBERS, offset, shape, strides)}, NUMBERS)


def refused(data: bytes, says: str = "the weight file") -> None:
    with pytest.raises(ModelError, match=says) as refusal:
        read_torch_file(data)
    assert "\n" not in str(refusal.value)


def test_a_file_reads_back_exactly():
    tensors = read_torch_file(GOOD)
    numbers = NUMBERS.numbers
    assert list(tensors) == list(STATE)
    np.testing.assert_array_equal(tensors["whole"], numbers.reshape(2, 3, 4))
    np.testing.assert_array_equal(tensors["turned"], numbers[:12].reshape(3, 4).T)
    np.testing.assert_array_equal(tensors["part"], [[numbers[5], numbers[8]], [numbers[17], numbers[20]]])
    assert tensors["counter"] == 2**40 + 1
    assert {name: str(tensor.dtype) for name, tensor in tensors.items()} == {
        "whole": "float32",
        "turned": "float32",
        "part": "float32",
        "counter": "int64",
    }


def test_tensors_of_one_storage_are_copies_of_their_own():
    tensors = read_torch_file(GOOD)
    tensors["turned"][...] = -1
    np.testing.assert_array_equal(tensors["whole"].ravel(), NUMBERS.numbers)


PLACES = {
    "magic": lambda value: torch_file(STATE, NUMBERS, COUNTER, magic=value),
    "system": lambda value: torch_file(STATE, NUMBERS, COUNTER, system=value),
    "state": lambda value: torch_file(value, NUMBERS),
    "tensor": lambda value: torch_file({"w": value}, NUMBERS),
    "keys": lambda value: torch_file(STATE, NUMBERS, COUNTER, keys=value),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_file_that_names_os_system_is_refused_and_nothing_runs(tmp_path, place):
    marker = tmp_path / "ran"
    refused(PLACES[place](Call(Global("os", "system"), f"touch {marker}")), r"os\.system.*nothing was run")
    refused(PLACES[place](Call(os.system, f"touch {marker}")), rf"{os.system.__module__}\.system.*nothing was run")
    assert not marker.exists()
    # The same bytes are live: the plain unpickler runs them.
    pickle.loads(pickled(Call(Global("os", "system"), f"touch {marker}")))
    assert marker.exists()


@pytest.mark.parametrize(
    "name",
    [
        "builtins.eval",
        "builtins.getattr",
        "builtins.__import__",
        "subprocess.Popen",
        "torch._utils._rebuild_parameter",
        "torch.nn.modules.conv.Conv2d",
        "torch.load",
        "torch.HalfStorage",
        "numpy.core.multiarray._reconstruct",
        "collections.defaultdict",
    ],
)
def test_names_that_weights_do_not_need_are_refused(name):
    module, _, last = name.rpartition(".")
    refused(torch_file({"w": Global(module, last)}), f"names {name}.*refused")
    # Newer pickles name things by another opcode, and may reach into a thing by dots.
    for names in ((module, last), ("collections", "OrderedDict.__init__.__globals__")):
        parts = b"".join(b"\x8c" + bytes([len(part)]) + part.encode() for part in names)
        refused(b"\x80\x04" + parts + b"\x93.", "refused")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "damaged"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
        (torch_file(STATE, NUMBERS, COUNTER, magic=MAGIC + 1), "not a PyTorch file"),
        (torch_file(STATE, NUMBERS, COUNTER, system={**SYSTEM, "little_endian": False}), "big-endian"),
        (torch_file([1, 2], NUMBERS), "damaged"),
        (torch_file({"w": 5}, NUMBERS), "damaged"),
        (torch_file(STATE, NUMBERS, COUNTER, keys=["0"]), "damaged"),
        (torch_file(STATE, NUMBERS, COUNTER, keys=["0", "2"]), "damaged"),
    ],
    ids=["empty", "zip", "magic", "endian", "list", "number", "key missing", "key unknown"],
)
def test_other_files_are_refused(data, says):
    refused(data, says)


def test_a_file_cut_off_anywhere_is_refused():
    for length in range(len(GOOD)):
        refused(GOOD[:length])


@pytest.mark.parametrize("announced", [0, 23, 25, 2**62])
def test_a_storage_that_lies_about_its_count_is_refused(announced):
    storage = Storage("0", NUMBERS.numbers, announced=announced)
    refused(torch_file({"w": Tensor(storage, 0, (2,), (1,))}, storage), f"announces {announced} numbers and holds 24")


def test_a_storage_shorter_than_both_counts_say_is_refused():
    storage = Storage("0", NUMBERS.numbers, announced=25)
    data = torch_file({"w": Tensor(storage, 0, (2,), (1,))}, storage)
    count = (24).to_bytes(8, "little") + NUMBERS.numbers.tobytes()
    assert data.endswith(count)
    refused(data[: -len(count)] + (25).to_bytes(8, "little") + NUMBERS.numbers.tobytes(), "damaged")


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (25,), (1,)),
        (1, (24,), (1,)),
        (0, (2, 12), (13, 1)),
        (24, (1,), (1,)),
        (24, (), ()),
        (-1, (4,), (1,)),
        (23, (24,), (-1,)),
        (0, (-3,), (1,)),
        (0, (2**40,), (2**40,)),
        (0, (2, 3), (1,)),
    ],
)
def test_a_tensor_outside_its_numbers_is_refused(offset, shape, strides):
    refused(one(offset, shape, strides))


def test_a_tensor_at_the_very_end_is_read():
    np.testing.assert_array_equal(read_torch_file(one(20, (2, 2), (2, 1)))["w"].ravel(), NUMBERS.numbers[20:])


def test_another_weight_file_is_refused_by_its_digest_before_it_is_read(tmp_path):
    path = Path(tmp_path, "weights.pth")
    for data in (GOOD, b"nothing at all"):
        path.write_bytes(data)
        with pytest.raises(ModelError, match="SHA-256"):
            read_weights(path)
