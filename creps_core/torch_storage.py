"""The legacy torch.save file around a tensor's numbers, as published pickles nest it: where the numbers lie.

Five pickles (magic number, protocol, system, the storage, its key), an int64 count, little-endian numbers.
This is the second place where a hostile file could run code: it gets the same machine, and a stricter maker.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import torch
from torch import Tensor

from creps_core.checkpoint_errors import (
    CorruptCheckpointError,
    TruncatedCheckpointError,
    UnsafeCheckpointError,
)
from creps_core.file_window import Budget, Window
from creps_core.pickle_machine import PickleMachine
from creps_core.pickle_stack import Blob, Name, Refused, describe
from creps_core.pickle_stand_ins import Refusals, Storage, TensorRef

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001

ITEM_BYTES = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
}

FLOATS = {
    "float64": torch.float64,
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
}

_STORAGES = {
    "torch.DoubleStorage": "float64",
    "torch.FloatStorage": "float32",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}


class StorageMaker:
    """Makes the one record of a nested file: its storage. Calls, instances and states do not occur."""

    def __init__(self, refusals: Refusals) -> None:
        self._refusals = refusals

    def named(self, name: Name) -> object:
        """Storage types stay names."""
        return name if str(name) in _STORAGES else self._refusals.refuse(name)

    def reduce(self, function: object, args: tuple[object, ...]) -> object:
        """No nested file calls anything."""
        return self._no("calls", function)

    def new(self, cls: object, args: tuple[object, ...]) -> object:
        """No nested file makes an instance."""
        return self._no("makes a new", cls)

    def build(self, instance: object, state: object) -> None:
        """No nested file has objects with a state."""
        self._no("sets attributes of a", instance)

    def persistent(self, key: object) -> object:
        """('storage', type, key, device, count, None) → a storage whose place is not known yet."""
        if isinstance(key, tuple) and any(isinstance(part, Refused) for part in key):
            return Refused("a storage of a refused type")
        match key:
            case ("storage", Name() as kind, str() as name, str(), int() as count, None) if count >= 0:
                return _Described(_STORAGES[str(kind)], name, count)
        raise CorruptCheckpointError("a tensor's storage is described in an unknown way")

    def _no(self, what: str, subject: object) -> Refused:
        if isinstance(subject, Refused):
            return subject
        raise UnsafeCheckpointError(f"tensor data {what} {describe(subject)}")


class _Described:
    """A storage that was described, before its numbers were found."""

    __slots__ = ("count", "dtype", "key")

    def __init__(self, dtype: str, key: str, count: int) -> None:
        self.dtype, self.key, self.count = dtype, key, count


def locate_storage(file: BinaryIO, blob: Blob, refusals: Refusals, budget: Budget) -> Storage | Refused:
    """Read the head of a nested torch.save file, and where its numbers are; the numbers stay in the file."""
    window = Window(file, blob.start, blob.start + blob.length, _ends_early)
    maker = StorageMaker(refusals)
    magic, protocol, system, storage, keys = [PickleMachine(window, maker, budget).run() for _ in range(5)]
    if magic != _MAGIC or protocol != _PROTOCOL:
        raise CorruptCheckpointError("tensor data is not a torch.save file of the legacy layout")
    if type(system) is not dict or system.get("little_endian") is not True:
        raise CorruptCheckpointError("tensor data is not little-endian")
    if isinstance(storage, Refused):
        return storage
    if not isinstance(storage, _Described) or keys != [storage.key]:
        raise CorruptCheckpointError("tensor data is not one storage")
    (count,) = struct.unpack("<q", window.read(8))
    start = window.position
    if count != storage.count or window.end - start != count * ITEM_BYTES[storage.dtype]:
        raise CorruptCheckpointError("tensor data does not have the length it claims")
    return Storage(storage.dtype, count, start)


def read_tensor(file: BinaryIO, ref: TensorRef) -> Tensor:
    """The tensor's numbers as float32 on the CPU. Only floating-point storages can be read."""
    storage = ref.storage
    start = storage.start + ref.offset * ITEM_BYTES[storage.dtype]
    numbers = read_floats(file, storage.dtype, start, ref.span)
    if not ref.numel:
        return torch.empty(ref.shape)
    return numbers.as_strided(ref.shape, ref.strides).contiguous()


def read_floats(file: BinaryIO, dtype: str, start: int, count: int) -> Tensor:
    """`count` little-endian numbers from byte `start`, as a float32 vector; `dtype` is one of `FLOATS`."""
    data = bytearray(count * ITEM_BYTES[dtype])
    if not data:
        return torch.empty(0)
    file.seek(start)
    view = memoryview(data)
    if file.readinto(view) != len(data):  # type: ignore[attr-defined]  # every binary file has it
        raise TruncatedCheckpointError()
    return torch.frombuffer(data, dtype=FLOATS[dtype]).float()


def _ends_early() -> CorruptCheckpointError:
    return CorruptCheckpointError("tensor data ends early")
