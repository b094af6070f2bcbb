"""A pickle reader that cannot run anything: a loop over the opcodes that checkpoints use, and no others.

Python's `pickle` module is not involved, nothing is imported or looked up by name, and no object that the
file can reach has behaviour. GLOBAL pushes a `Name` (two strings). What REDUCE, NEWOBJ, BUILD and BINPERSID
make of it is decided by a `Maker`, which returns plain records. Bytes are never read here: BINBYTES pushes a
`Blob`, the place in the file where they lie, so a file costs no memory for the tensors that nobody asks for.

What a maker accepts is not decided here: see `creps_core.pickle_stand_ins`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Protocol

from creps_core.checkpoint_errors import CorruptCheckpointError, UnsafeCheckpointError
from creps_core.file_window import Budget, Window
from creps_core.pickle_stack import Blob, Name, PickleStack, Refused, plain_key

MAX_INT_BYTES = 64  # longer integers only serve to waste time


class Maker(Protocol):
    """Decides what the file's constructions become: plain records, `Refused`, or an error."""

    def named(self, name: Name) -> object:
        """A global is named: the same name, or `Refused` (and remembered)."""

    def reduce(self, function: object, args: tuple[object, ...]) -> object:
        """A call of a named function."""

    def new(self, cls: object, args: tuple[object, ...]) -> object:
        """A bare instance of a named class."""

    def build(self, instance: object, state: object) -> None:
        """The state of an instance made before."""

    def persistent(self, key: object) -> object:
        """An object that is stored outside of the pickle."""


class PickleMachine(PickleStack):
    """Reads one pickle out of a window. `run` may be called once.

    Attributes:
        protocol: what the pickle says of itself.
        faults: instructions that no checkpoint uses. The reading goes on past them, so that everything the
            pickle names is found out, and fails at the end.
    """

    def __init__(self, window: Window, maker: Maker, budget: Budget) -> None:
        super().__init__()
        self._window = window
        self._maker = maker
        self._budget = budget
        self.protocol = 0
        self.faults: list[str] = []

    def run(self) -> object:
        """The pickled object, made of dict, list, tuple, set, str, numbers, None and records."""
        while True:
            self._budget.spend()
            code = self._window.read(1)
            if code == b".":
                if self.faults:
                    raise UnsafeCheckpointError(self.faults[0])
                return self._pop()
            if code in _CONSTANTS:
                self._push(_CONSTANTS[code])
            elif code in _STEPS:
                _STEPS[code](self)
            elif code in _FOREIGN:
                self._foreign(*_FOREIGN[code])
            else:
                raise CorruptCheckpointError(f"0x{code.hex()} is not a pickle instruction")

    # Reading

    def _number(self, form: str) -> int:
        value: int = struct.unpack(form, self._window.read(struct.calcsize(form)))[0]
        return value

    def _proto(self) -> None:
        self.protocol = self._number("<B")
        if self.protocol > 5:
            raise CorruptCheckpointError(f"pickle protocol {self.protocol} does not exist")

    def _frame(self) -> None:
        self._window.require(self._number("<Q"))

    def _text(self, form: str) -> None:
        length = self._number(form)
        self._window.require(length)
        self._budget.spend_text(length)
        self._push(self._window.read(length).decode("utf-8", "replace"))

    def _bytes(self, form: str) -> None:
        length = self._number(form)
        self._push(Blob(self._window.position, length))
        self._window.skip(length)

    def _long(self, form: str) -> None:
        length = self._number(form)
        if not 0 <= length <= MAX_INT_BYTES:
            raise UnsafeCheckpointError(f"it has an integer of {length} bytes")
        self._push(int.from_bytes(self._window.read(length), "little", signed=True))

    def _float(self) -> None:
        self._push(struct.unpack(">d", self._window.read(8))[0])

    # Constructions: all left to the maker

    def _global(self) -> None:
        module = self._window.line()
        self._push(self._maker.named(Name(module, self._window.line())))

    def _stack_global(self) -> None:
        name = self._pop()
        module = self._pop()
        if type(module) is not str or type(name) is not str:
            raise CorruptCheckpointError("a global's name is not a text")
        self._push(self._maker.named(Name(module, name)))

    def _args(self) -> tuple[object, ...]:
        args = self._pop()
        if type(args) is not tuple:
            raise CorruptCheckpointError("a call lacks its arguments")
        return args

    def _reduce(self) -> None:
        args = self._args()
        self._push(self._maker.reduce(self._pop(), args))

    def _new(self) -> None:
        args = self._args()
        self._push(self._maker.new(self._pop(), args))

    def _build(self) -> None:
        state = self._pop()
        self._maker.build(self._top(), state)

    def _persistent(self) -> None:
        self._push(self._maker.persistent(self._pop()))

    def _foreign(self, name: str, form: str) -> None:
        """Step over an instruction that no checkpoint uses, as far as its shape tells how."""
        fault = f"it uses the pickle instruction {name}"
        self.faults.append(fault)
        if form == "line":
            self._window.line()
            if name == "PUT":  # leaves the stack as it is
                return
        elif form == "two lines":  # INST names a class
            self._global()
            self._stack.pop()
            self._items()
        elif form == "items":
            self._items()
        elif form == "three operands":  # class, arguments, keywords
            self._tuple(3)
            self._pop()
        elif form:
            length = self._number(form)
            if name.endswith(("STRING", "BYTEARRAY8")):
                self._window.skip(length)
        self._push(Refused(fault))


_CONSTANTS: dict[bytes, object] = {b"N": None, b"\x88": True, b"\x89": False, b")": ()}

_STEPS: dict[bytes, Callable[[PickleMachine], None]] = {
    b"\x80": PickleMachine._proto,
    b"\x95": PickleMachine._frame,
    b"K": lambda m: m._push(m._number("<B")),
    b"M": lambda m: m._push(m._number("<H")),
    b"J": lambda m: m._push(m._number("<i")),
    b"\x8a": lambda m: m._long("<B"),
    b"\x8b": lambda m: m._long("<i"),
    b"G": PickleMachine._float,
    b"\x8c": lambda m: m._text("<B"),
    b"X": lambda m: m._text("<I"),
    b"\x8d": lambda m: m._text("<Q"),
    b"C": lambda m: m._bytes("<B"),
    b"B": lambda m: m._bytes("<I"),
    b"\x8e": lambda m: m._bytes("<Q"),
    b"(": PickleMachine._mark,
    b"0": PickleMachine._pop_or_unmark,
    b"1": PickleMachine._pop_mark,
    b"2": lambda m: m._push(m._top()),
    b"\x94": lambda m: m._put(len(m._memo)),
    b"q": lambda m: m._put(m._number("<B")),
    b"r": lambda m: m._put(m._number("<I")),
    b"h": lambda m: m._get(m._number("<B")),
    b"j": lambda m: m._get(m._number("<I")),
    b"t": lambda m: m._push(tuple(m._items())),
    b"\x85": lambda m: m._tuple(1),
    b"\x86": lambda m: m._tuple(2),
    b"\x87": lambda m: m._tuple(3),
    b"]": lambda m: m._push([]),
    b"a": lambda m: m._append([m._pop()]),
    b"e": lambda m: m._append(m._items()),
    b"}": lambda m: m._push({}),
    b"s": PickleMachine._set_item,
    b"u": lambda m: m._set_items(m._items()),
    b"\x8f": lambda m: m._push(set()),
    b"\x90": PickleMachine._add_items,
    b"\x91": lambda m: m._push(frozenset(map(plain_key, m._items()))),
    b"c": PickleMachine._global,
    b"\x93": PickleMachine._stack_global,
    b"R": PickleMachine._reduce,
    b"\x81": PickleMachine._new,
    b"b": PickleMachine._build,
    b"Q": PickleMachine._persistent,
}

# Instructions of old protocols, of extensions and of buffers outside of the file: code -> name, what follows
_FOREIGN: dict[bytes, tuple[str, str]] = {
    b"i": ("INST", "two lines"),
    b"o": ("OBJ", "items"),
    b"\x82": ("EXT1", "<B"),
    b"\x83": ("EXT2", "<H"),
    b"\x84": ("EXT4", "<i"),
    b"P": ("PERSID", "line"),
    b"\x92": ("NEWOBJ_EX", "three operands"),
    b"\x96": ("BYTEARRAY8", "<Q"),
    b"\x97": ("NEXT_BUFFER", ""),
    b"\x98": ("READONLY_BUFFER", ""),
    b"I": ("INT", "line"),
    b"L": ("LONG", "line"),
    b"F": ("FLOAT", "line"),
    b"S": ("STRING", "line"),
    b"V": ("UNICODE", "line"),
    b"T": ("BINSTRING", "<I"),
    b"U": ("SHORT_BINSTRING", "<B"),
    b"d": ("DICT", "items"),
    b"l": ("LIST", "items"),
    b"g": ("GET", "line"),
    b"p": ("PUT", "line"),
}
