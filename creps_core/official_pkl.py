"""Published checkpoints (`network-snapshot-*.pkl`): their generator as names, shapes and places in the file.

Together with `pickle_machine`, `pickle_stack`, `pickle_stand_ins` and `torch_storage` this is the only
unpickling code. Nothing of the file is ever run, the source code embedded in it included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from creps_core.checkpoint_errors import (
    CheckpointError,
    CorruptCheckpointError,
    NotACheckpointError,
    OtherNetworkError,
    UnknownClassError,
    clean,
)
from creps_core.families import recognise
from creps_core.file_window import Budget, Window
from creps_core.pickle_machine import PickleMachine
from creps_core.pickle_stand_ins import CheckpointMaker, Record, Refusals, TensorRef
from creps_core.torch_storage import locate_storage

_MAX_PARTS = 20_000  # modules, and tensors; the published generator has 300
_MAX_DEPTH = 32
_MAX_KEY = 200

# Everything that the published generator is built from.
CREPS_CLASSES = frozenset(
    [
        "Generator",
        "MappingNetwork",
        "SynthesisNetwork",
        "SynthesisBlock",
        "SynthesisInput",
        "SynthesisLayer",
        "ToResLayer",
        "FullyConnectedLayer",
        "Sequential",
    ]
)


@dataclass(frozen=True)
class Published:
    """What a published file says, before any tensor is read."""

    protocol: int
    tensors: dict[str, TensorRef]  # of G_ema, by state-dict name
    init_kwargs: dict[str, object]  # the keyword arguments that made G_ema
    classes: tuple[str, ...]  # G_ema's, sorted
    networks: dict[str, str]  # what else is inside: key -> class
    training_set: dict[str, str | int | float | bool | None]  # plain values of training_set_kwargs


def read_published(file: BinaryIO, size: int, poll: Callable[[], None] = lambda: None) -> Published:
    """Read the structure of a published file of `size` bytes; tensors stay where they are.

    Args:
        file: open for reading, at any position.
        size: bytes of it that count.
        poll: called now and then; may raise to stop.

    Raises:
        CheckpointError: one of its kinds, for everything that is wrong with the file.
    """
    refusals, budget = Refusals(), Budget(poll)
    maker = CheckpointMaker(refusals, lambda blob: locate_storage(file, blob, refusals, budget))
    machine = PickleMachine(Window(file, 0, size), maker, budget)
    try:
        top = machine.run()
    except CheckpointError as error:
        _check_refusals(refusals, {}, also=str(error))
        raise
    network = top.get("G_ema") if type(top) is dict else None
    modules = dict(_modules(network)) if isinstance(network, Record) else {}
    _check_refusals(refusals, modules)
    if type(top) is not dict:
        raise NotACheckpointError("this pickle holds no networks; open a CREPS checkpoint")
    if not isinstance(network, Record):
        raise NotACheckpointError(f"it has no G_ema network ({_contents(top)}); open a CREPS checkpoint")
    return _describe(machine.protocol, top, network, modules)


def _describe(
    protocol: int, top: dict[object, object], network: Record, modules: dict[str, Record]
) -> Published:
    tensors = dict(_tensors(modules))
    classes = tuple(sorted({clean(module.class_name) for module in modules.values()}))
    unknown = [name for name in classes if name not in CREPS_CLASSES]
    if "synthesis.b8.tores.weight" not in tensors or unknown:
        family = recognise(classes, tensors)
        if family:
            raise OtherNetworkError(family)
        if unknown:
            raise UnknownClassError(unknown)
    kwargs = network.state.get("_init_kwargs")
    training_set = top.get("training_set_kwargs")
    return Published(
        protocol=protocol,
        tensors=tensors,
        init_kwargs={str(k): v for k, v in kwargs.items()} if type(kwargs) is dict else {},
        classes=classes,
        networks={clean(k): clean(v.class_name) for k, v in top.items() if isinstance(v, Record)},
        training_set=_plain(training_set) if type(training_set) is dict else {},
    )


def _check_refusals(refusals: Refusals, modules: dict[str, Record], also: str = "") -> None:
    """Raise when names were refused; say which network it is where that explains them."""
    if not refusals.names:
        return
    try:
        tensors = list(dict(_tensors(modules)))
    except CorruptCheckpointError:  # something refused stands in a tensor's place
        tensors = []
    classes = [clean(module.class_name) for module in modules.values()]
    family = recognise([*classes, *refusals.names], tensors)
    if family:
        raise OtherNetworkError(family, refusals.names)
    refusals.check(also)


def _modules(network: Record) -> Iterator[tuple[str, Record]]:
    """A network's modules with the prefixes of their tensors, parents first. Bounded: the file may loop."""
    waiting: list[tuple[str, Record, int]] = [("", network, 0)]
    count = 1  # found so far, whether visited or not
    while waiting:
        prefix, module, depth = waiting.pop()
        yield prefix, module
        children = _part(module, "_modules")
        count += len(children)
        if count > _MAX_PARTS or depth > _MAX_DEPTH:
            raise CorruptCheckpointError("its network is nested without end")
        for name, child in reversed(children.items()):
            if isinstance(child, Record):
                waiting.append((f"{prefix}{_key(name)}.", child, depth + 1))
            elif child is not None:
                raise CorruptCheckpointError(f"{prefix}{_key(name)} is not a module")


def _tensors(modules: dict[str, Record]) -> Iterator[tuple[str, TensorRef]]:
    """The tensors that a state dict would have."""
    count = 0
    for prefix, module in modules.items():
        transient = module.state.get("_non_persistent_buffers_set")
        for part in ("_parameters", "_buffers"):
            entries = _part(module, part)
            count += len(entries)
            if count > _MAX_PARTS:
                raise CorruptCheckpointError("its network has too many tensors")
            for name, value in entries.items():
                full = f"{prefix}{_key(name)}"
                if isinstance(value, TensorRef):
                    if part == "_parameters" or not (isinstance(transient, set) and name in transient):
                        yield full, value
                elif value is not None:
                    raise CorruptCheckpointError(f"{full} is not a tensor")


def _part(module: Record, part: str) -> dict[object, object]:
    value = module.state.get(part, {})
    if type(value) is not dict:
        raise CorruptCheckpointError(f"the {part} of a {clean(module.class_name)} are not a dictionary")
    return value


def _key(name: object) -> str:
    if type(name) is not str or len(name) > _MAX_KEY:
        raise CorruptCheckpointError("a tensor's name is not a short text")
    return clean(name)


def _contents(top: dict[object, object]) -> str:
    keys = [clean(key) for key, _ in zip(top, range(6), strict=False)]
    return f"it has {', '.join(keys)}" if keys else "it is empty"


def _plain(values: dict[object, object]) -> dict[str, str | int | float | bool | None]:
    """The plain values among them; folders of paths are nobody's business."""
    plain: dict[str, str | int | float | bool | None] = {}
    for key, value in values.items():
        if type(value) is str:
            plain[clean(key)] = clean(value.replace("\\", "/").rsplit("/", 1)[-1])
        elif value is None or isinstance(value, int | float | bool):
            plain[clean(key)] = value
    return plain
