"""What stands in for the functions and classes that published checkpoints name: records without behaviour.

`ALLOWED` is the whole allow-list. A name on it is never looked up: it only selects which of our own record
types takes the arguments. Every load makes its own makers and records, so nothing outlives it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn, TypeGuard

from creps_core.checkpoint_errors import (
    CorruptCheckpointError,
    UnknownGlobalError,
    UnsafeCheckpointError,
    clean,
)
from creps_core.pickle_stack import Blob, Name, Refused, describe


@dataclass(eq=False, slots=True)
class Record:
    """An object of a class with its state, both as data. `state` is a module's `__dict__`, for instance."""

    class_name: str
    state: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that no reader needs: a numpy scalar, an activation's state."""

    what: str


@dataclass(frozen=True, slots=True)
class Storage:
    """`count` numbers of a type, little-endian, from byte `start` of the file."""

    dtype: str  # as in ITEM_BYTES
    count: int
    start: int


@dataclass(frozen=True, slots=True)
class TensorRef:
    """A tensor that is still in the file. Its numbers lie within its storage: this was checked."""

    storage: Storage
    offset: int  # of the first number, in numbers
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in numbers

    @property
    def numel(self) -> int:
        """How many numbers the tensor has."""
        return _product(self.shape)

    @property
    def span(self) -> int:
        """How many numbers of the storage lie between the first and the last, both included."""
        if not self.numel:
            return 0
        return 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))


_MAX_DIMENSIONS = 16

# Classes whose instances are records: state in, state out. Discriminators bring the activations.
_ACTIVATIONS = "ELU GELU Hardtanh LeakyReLU PReLU ReLU ReLU6 SELU SiLU Sigmoid Softmax Softplus Softsign Tanh"
_MODULES = frozenset(
    [
        "training.networks_creps.SynthesisInput",
        *(f"torch.nn.modules.container.{name}" for name in ("Sequential", "ModuleList", "ModuleDict")),
        *(f"torch.nn.modules.activation.{name}" for name in _ACTIVATIONS.split()),
    ]
)
_DICTS = frozenset(["collections.OrderedDict", "dnnlib.util.EasyDict"])
_SETS = frozenset(["builtins.set", "__builtin__.set"])  # an empty set in files of protocol 2 and 3
_SCALARS = frozenset(["numpy._core.multiarray.scalar", "numpy.core.multiarray.scalar"])
_FUNCTIONS = frozenset(
    [
        "torch_utils.persistence._reconstruct_persistent_obj",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_tensor_v2",
        "torch.storage._load_from_bytes",
        "numpy.dtype",
    ]
)
ALLOWED = _MODULES | _DICTS | _SETS | _SCALARS | _FUNCTIONS


class Refusals:
    """Names that were refused, over all pickles of one file."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Each name once, in the order of the file."""
        return tuple(self._names)

    def refuse(self, name: Name) -> Refused:
        """Remember the name and go on with a stand-in that swallows everything."""
        text = clean(name)
        self._names[text] = None
        return Refused(text)

    def check(self, also: str = "") -> None:
        """Raise when any name was refused."""
        if self._names:
            raise UnknownGlobalError(self.names, also)


class CheckpointMaker:
    """Makes the records of one published file.

    Args:
        refusals: where refused names are noted.
        load_storage: reads the head of a nested tensor file and says where its numbers are.
    """

    def __init__(self, refusals: Refusals, load_storage: Callable[[Blob], Storage | Refused]) -> None:
        self._refusals = refusals
        self._load_storage = load_storage

    def named(self, name: Name) -> object:
        """Allowed names stay names, others are noted and refused."""
        return name if str(name) in ALLOWED and "." not in name.name else self._refusals.refuse(name)

    def reduce(self, function: object, args: tuple[object, ...]) -> object:
        """A call of an allowed function: its arguments as a record."""
        if isinstance(function, Refused) or any(isinstance(arg, Refused) for arg in args):
            return Refused("a call of something refused")
        if not isinstance(function, Name):
            raise UnsafeCheckpointError(f"it calls a {describe(function)}")
        match str(function):
            case "torch_utils.persistence._reconstruct_persistent_obj":
                return _persistent_object(args)
            case "torch._utils._rebuild_parameter":
                if len(args) == 3 and isinstance(args[0], TensorRef):
                    return args[0]
            case "torch._utils._rebuild_tensor_v2":
                return _tensor(args)
            case "torch.storage._load_from_bytes":
                if len(args) == 1 and isinstance(args[0], Blob):
                    return self._load_storage(args[0])
            case name if name in _DICTS and not args:
                return {}
            case name if name in _SETS and args in ((), ([],)):
                return set()
            case name if name in _SCALARS or name == "numpy.dtype":
                return Opaque(name)
        raise UnsafeCheckpointError(f"it calls {function} with arguments that no checkpoint has")

    def new(self, cls: object, args: tuple[object, ...]) -> object:
        """An instance of an allowed class, still without state."""
        if isinstance(cls, Refused):
            return cls
        if isinstance(cls, Name) and not args:
            if str(cls) in _MODULES:
                return Record(cls.name)
            if str(cls) in _DICTS:
                return {}
        raise UnsafeCheckpointError(f"it makes a new {describe(cls)}")

    def build(self, instance: object, state: object) -> None:
        """The state of a record. Nothing else takes a state, so no attribute is ever set on anything."""
        if isinstance(instance, Refused) or isinstance(state, Refused):
            return
        if isinstance(instance, Record) and type(state) is dict:
            instance.state = state
        elif instance == Opaque("numpy.dtype") and _is_plain_tuple(state):
            return  # byte order and the like
        else:
            raise UnsafeCheckpointError(f"it sets attributes of a {describe(instance)} (BUILD)")

    def persistent(self, key: object) -> NoReturn:
        """Published files keep everything inside."""
        raise UnsafeCheckpointError("it uses the pickle instruction BINPERSID")


def _is_plain_tuple(state: object) -> bool:
    return type(state) is tuple and all(part is None or type(part) in (int, str) for part in state)


def _persistent_object(args: tuple[object, ...]) -> Record:
    """The class name and the state; the embedded source is left alone."""
    meta = args[0] if len(args) == 1 else None
    if type(meta) is not dict or meta.get("type") != "class":
        raise CorruptCheckpointError("a persistent object is not described as one")
    class_name, state = meta.get("class_name"), meta.get("state")
    if type(class_name) is not str or type(state) is not dict:
        raise CorruptCheckpointError("a persistent object lacks its class name or state")
    return Record(class_name, state)


def _tensor(args: tuple[object, ...]) -> TensorRef:
    """Check that a tensor stays within its storage before anything is made of it."""
    if not 6 <= len(args) <= 7 or not isinstance(args[0], Storage):
        raise CorruptCheckpointError("a tensor lacks its storage")
    storage, offset, shape, strides = args[0], args[1], args[2], args[3]
    if not _is_size(offset) or not _are_sizes(shape) or not _are_sizes(strides):
        raise CorruptCheckpointError("a tensor's size is not made of whole numbers")
    if len(shape) != len(strides):
        raise CorruptCheckpointError("a tensor has not as many strides as dimensions")
    tensor = TensorRef(storage, offset, shape, strides)
    # The second check alone lets a stride of 0 with a huge size pass.
    if tensor.numel > storage.count or offset + tensor.span > storage.count:
        raise CorruptCheckpointError(f"a tensor claims more numbers than the {storage.count} that are stored")
    return tensor


def _is_size(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 2**40


def _are_sizes(values: object) -> TypeGuard[tuple[int, ...]]:
    return type(values) is tuple and len(values) <= _MAX_DIMENSIONS and all(map(_is_size, values))


def _product(values: tuple[int, ...]) -> int:
    product = 1
    for value in values:
        product *= value
    return product
