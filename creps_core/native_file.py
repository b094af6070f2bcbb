"""The native checkpoint file: safetensors, with the generator's sizes in its metadata.

Layout: an int64 length, a JSON header, the numbers. It is read through one open file and never mapped into
memory, so a file that is replaced or cut off meanwhile cannot crash the reader; it is written with a fixed
order of keys, so the same checkpoint gives the same bytes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import torch
from torch import Tensor

from creps_core.checkpoint_errors import (
    CorruptCheckpointError,
    NewerFormatError,
    NotACheckpointError,
    OtherNetworkError,
    TruncatedCheckpointError,
    clean,
)
from creps_core.config import GeneratorConfig
from creps_core.errors import InputError
from creps_core.families import recognise
from creps_core.pickle_stand_ins import Storage, TensorRef
from creps_core.torch_storage import ITEM_BYTES

FORMAT = 1  # raised when older programs could misread a file

_MAX_HEADER = 16 * 2**20  # a published generator's takes 20 kB
_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


@dataclass(frozen=True)
class Native:
    """What the header says, before any tensor is read."""

    config: GeneratorConfig
    tensors: dict[str, TensorRef]
    source: dict[str, str]
    extra: dict[str, str] = field(default_factory=dict)  # metadata of others, kept as it is


def looks_native(head: bytes) -> bool:
    """Whether a file that begins with `head` (9 bytes or more) is safetensors."""
    return head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] <= 100 * 2**20


def read_native(file: BinaryIO, size: int) -> Native:
    """Read the header of a safetensors file of `size` bytes.

    Raises:
        CheckpointError: one of its kinds, for everything that is wrong with the file.
    """
    if size < 8:
        raise TruncatedCheckpointError()
    file.seek(0)
    (length,) = struct.unpack("<Q", file.read(8))
    if length > _MAX_HEADER:
        raise CorruptCheckpointError(f"its header takes {length} bytes")
    text = file.read(length)
    if len(text) < length:
        raise TruncatedCheckpointError()
    header = _object(text, "header")
    metadata = header.pop("__metadata__", {})
    tensors = {clean(name): _tensor(name, entry, 8 + length, size) for name, entry in header.items()}
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise CorruptCheckpointError("its metadata is not made of texts")
    return _interpret(metadata, tensors)


def _interpret(metadata: dict[str, str], tensors: dict[str, TensorRef]) -> Native:
    version = metadata.get("format", "")
    if not (version.isascii() and version.isdigit() and len(version) < 10) or "config" not in metadata:
        family = recognise((), tensors)
        if family:
            raise OtherNetworkError(family)
        raise NotACheckpointError("this safetensors file carries no generator; open a CREPS checkpoint")
    if int(version) > FORMAT:
        raise NewerFormatError(int(version), FORMAT)
    try:
        config = GeneratorConfig.from_dict(_object(metadata["config"], "config"))
    except InputError as error:
        if isinstance(error, CorruptCheckpointError):
            raise
        raise CorruptCheckpointError(f"its config cannot be used ({error})") from error
    source = {str(k): str(v) for k, v in _object(metadata.get("source", "{}"), "source").items()}
    extra = {k: v for k, v in metadata.items() if k not in ("format", "config", "source")}
    return Native(config, tensors, source, extra)


def _object(text: str | bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CorruptCheckpointError(f"its {what} is not JSON") from error
    if not isinstance(value, dict):
        raise CorruptCheckpointError(f"its {what} is not a JSON object")
    return value


def _tensor(name: str, entry: object, data_start: int, size: int) -> TensorRef:
    match entry:
        case {"dtype": str(code), "shape": list(shape), "data_offsets": [int(begin), int(end)]} if (
            code in _DTYPES and len(shape) <= 16 and all(type(n) is int and 0 <= n < 2**40 for n in shape)
        ):
            dtype, count = _DTYPES[code], 1
            for n in shape:
                count *= n
            if 0 <= begin <= end and end - begin == count * ITEM_BYTES[dtype]:
                if data_start + end > size:
                    raise TruncatedCheckpointError()
                strides = tuple(_contiguous(shape))
                return TensorRef(Storage(dtype, count, data_start + begin), 0, tuple(shape), strides)
    raise CorruptCheckpointError(f"the entry of {clean(name)} in its header makes no sense")


def _contiguous(shape: list[int]) -> list[int]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return strides[::-1]


def write_native(
    file: BinaryIO,
    config: GeneratorConfig,
    tensors: Mapping[str, Tensor],
    source: Mapping[str, str],
    extra: Mapping[str, str],
) -> None:
    """Write a checkpoint: float32 tensors in the given order, one at a time."""
    metadata = {
        **extra,
        "format": str(FORMAT),
        "config": json.dumps(config.to_dict()),
        "source": json.dumps(dict(source)),
    }
    header: dict[str, object] = {"__metadata__": metadata}
    offset = 0
    for name, tensor in tensors.items():
        end = offset + 4 * tensor.numel()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # numbers begin at a multiple of 8
    file.write(struct.pack("<Q", len(text)) + text)
    for tensor in tensors.values():
        values = tensor.detach().to("cpu", torch.float32).contiguous()
        file.write(values.numpy().astype("<f4", copy=False).tobytes())
