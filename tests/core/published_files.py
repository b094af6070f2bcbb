"""Writes pickles of the published structure, honest ones and others: the names in them need not exist."""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from creps_core.config import GeneratorConfig
from creps_core.tensor_names import expected_shapes

TINY = GeneratorConfig(
    z_dim=5,
    w_dim=6,
    resolution=8,
    channel_base=32,
    channel_max=4,
    biline_channels=3,
    thickness=2,
    mapping_layers=2,
)


@dataclass(eq=False)
class Name:
    """Pickled as a global of that name."""

    module: str
    name: str


@dataclass(eq=False)
class Call:
    """Pickled as REDUCE of a function and its arguments."""

    function: Any
    args: tuple[Any, ...]


@dataclass(eq=False)
class New:
    """Pickled as NEWOBJ, BUILD when there is a state, and SETITEMS when there are items."""

    cls: Any
    state: Any = None
    items: dict[str, Any] | None = None


@dataclass(eq=False)
class Build:
    """Pickled as an object and a BUILD upon it."""

    target: Any
    state: Any


@dataclass(eq=False)
class Raw:
    """Opcodes that leave one object on the stack."""

    code: bytes


class Writer(pickle._Pickler):
    """The plain Python pickler, which can be taught to write names that do not exist."""

    dispatch: ClassVar[dict[Any, Any]] = dict(pickle._Pickler.dispatch)

    def _name(self, obj: Name) -> None:
        if self.proto >= 4:
            self.save(obj.module)
            self.save(obj.name)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(f"c{obj.module}\n{obj.name}\n".encode())
        self.memoize(obj)

    def _call(self, obj: Call) -> None:
        self.save(obj.function)
        self.save(obj.args)
        self.write(pickle.REDUCE)
        self.memoize(obj)

    def _new(self, obj: New) -> None:
        self.save(obj.cls)
        self.write(pickle.EMPTY_TUPLE + pickle.NEWOBJ)
        self.memoize(obj)
        if obj.state is not None:
            self.save(obj.state)
            self.write(pickle.BUILD)
        if obj.items:
            self._batch_setitems(obj.items.items())

    def _build(self, obj: Build) -> None:
        self.save(obj.target)
        self.save(obj.state)
        self.write(pickle.BUILD)

    def _raw(self, obj: Raw) -> None:
        self.write(obj.code)

    dispatch[Name] = _name
    dispatch[Call] = _call
    dispatch[New] = _new
    dispatch[Build] = _build
    dispatch[Raw] = _raw


def pickled(obj: object, protocol: int = 4) -> bytes:
    """The object as a pickle."""
    out = io.BytesIO()
    Writer(out, protocol).dump(obj)
    return out.getvalue()


ORDERED_DICT = Name("collections", "OrderedDict")
LOAD = Name("torch.storage", "_load_from_bytes")
REBUILD = Name("torch._utils", "_rebuild_tensor_v2")
PARAMETER = Name("torch._utils", "_rebuild_parameter")
PERSISTENT = Name("torch_utils.persistence", "_reconstruct_persistent_obj")


def storage_bytes(tensor: torch.Tensor) -> bytes:
    """What torch itself nests into a pickle for a tensor's storage."""
    out = io.BytesIO()
    torch.save(tensor._typed_storage(), out, _use_new_zipfile_serialization=False)
    return out.getvalue()


def tensor(value: torch.Tensor, data: object = None, **changes: object) -> Call:
    """A buffer; offset, size or stride can be lied about."""
    storage = Call(LOAD, (storage_bytes(value) if data is None else data,))
    offset = changes.get("offset", value.storage_offset())
    size = changes.get("size", tuple(value.shape))
    stride = changes.get("stride", tuple(value.stride()))
    return Call(REBUILD, (storage, offset, size, stride, False, Call(ORDERED_DICT, ())))


def parameter(value: torch.Tensor) -> Call:
    """A trained tensor."""
    return Call(PARAMETER, (tensor(value), True, Call(ORDERED_DICT, ())))


def persistent(class_name: str, state: object, source: str = 'raise SystemExit("ran")') -> Call:
    """A persistent object, as `persistent_class` networks are pickled."""
    meta = {"type": "class", "version": 6, "module_src": source, "class_name": class_name, "state": state}
    return Call(PERSISTENT, (meta,))


_CLASSES = (
    (r"", "Generator"),
    (r"mapping", "MappingNetwork"),
    (r"synthesis", "SynthesisNetwork"),
    (r"synthesis\.(b\d+|block[01])", "SynthesisBlock"),
    (r"synthesis\.b4\.input", "SynthesisInput"),
    (r".*\.fc\d(?<!mapping\.fc\d)", "SynthesisLayer"),
    (r".*\.tores", "ToResLayer"),
    (r"synthesis\.decoder_(\d+|last)", "Sequential"),
    (r".*", "FullyConnectedLayer"),
)

_ORDINARY = {
    "SynthesisInput": Name("training.networks_creps", "SynthesisInput"),
    "Sequential": Name("torch.nn.modules.container", "Sequential"),
}


def network(
    tensors: Mapping[str, Any],
    name_class: Callable[[str], str] | None = None,
    kwargs: Mapping[str, object] | None = None,
    path: str = "",
) -> Call | New:
    """A network as a tree of modules from its state dict: tensors, or anything else in their place."""
    children: dict[str, dict[str, Any]] = {}
    own: dict[str, Any] = {}
    for name, value in tensors.items():
        head, dot, rest = name.partition(".")
        if dot:
            children.setdefault(head, {})[rest] = value
        else:
            own[head] = value
    class_name = (name_class or creps_class)(path)
    inside = {
        head: network(part, name_class, None, f"{path}.{head}" if path else head)
        for head, part in children.items()
    }
    buffers = ("w_avg", "freqs", "coords", "resample_filter")
    state = {
        "training": False,
        "_parameters": {
            k: parameter(v) if isinstance(v, torch.Tensor) else v for k, v in own.items() if k not in buffers
        },
        "_buffers": {
            k: tensor(v) if isinstance(v, torch.Tensor) else v for k, v in own.items() if k in buffers
        },
        "_non_persistent_buffers_set": set(),
        "_forward_hooks": Call(ORDERED_DICT, ()),
        "_modules": inside,
        "weight_gain": scalar(),
    }
    if not path:
        state |= {"_init_args": (), "_init_kwargs": dict(kwargs or {})}
    ordinary = _ORDINARY.get(class_name) if name_class is None else None
    return New(ordinary, state) if ordinary else persistent(class_name, state)


def creps_class(path: str) -> str:
    """The class of a module of the CREPS generator."""
    return next(name for pattern, name in _CLASSES if re.fullmatch(pattern, path))


def scalar() -> Call:
    """A numpy number, as plain attributes are."""
    dtype = Build(Call(Name("numpy", "dtype"), ("f8", False, True)), (3, "<", None, None, None, -1, -1, 0))
    return Call(Name("numpy._core.multiarray", "scalar"), (dtype, b"\0" * 8))


def weights(config: GeneratorConfig = TINY) -> dict[str, torch.Tensor]:
    """Random tensors for every name."""
    random = np.random.RandomState(0)
    return {
        name: torch.from_numpy(random.standard_normal(shape).astype(np.float32))
        for name, shape in expected_shapes(config).items()
    }


def checkpoint(g_ema: object, **others: object) -> dict[str, object]:
    """The dict at the top of a published file."""
    return {"G": None, "D": None, "augment_pipe": None, "training_set_kwargs": {}, **others, "G_ema": g_ema}


def published(config: GeneratorConfig = TINY, protocol: int = 4) -> bytes:
    """A whole small file."""
    return pickled(checkpoint(network(weights(config))), protocol)
