"""What a pickle's instructions work on: a stack, marks, a memo, and containers of plain values.

Nothing here reads the file, and nothing has behaviour: see `creps_core.pickle_machine`.
"""

from __future__ import annotations

from dataclasses import dataclass

from creps_core.checkpoint_errors import CorruptCheckpointError, UnsafeCheckpointError


@dataclass(frozen=True, slots=True)
class Name:
    """A global that the file names. Only ever compared as text, never looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that stay in the file."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Refused:
    """What became of something that is not allowed; it swallows what is done to it, and the load fails."""

    what: str


class PickleStack:
    """The stack and its containers. Only plain dict, list and set objects made here are ever changed."""

    def __init__(self) -> None:
        self._stack: list[object] = []
        self._marked: list[list[object]] = []  # stacks put aside by MARK
        self._memo: dict[int, object] = {}

    def _push(self, value: object) -> None:
        self._stack.append(value)

    def _pop(self) -> object:
        if not self._stack:
            raise CorruptCheckpointError("a pickle instruction lacks its operand")
        return self._stack.pop()

    def _top(self) -> object:
        if not self._stack:
            raise CorruptCheckpointError("a pickle instruction lacks its operand")
        return self._stack[-1]

    def _mark(self) -> None:
        self._marked.append(self._stack)
        self._stack = []

    def _items(self) -> list[object]:
        """What was pushed since the last MARK."""
        if not self._marked:
            raise CorruptCheckpointError("a pickle instruction lacks its mark")
        items, self._stack = self._stack, self._marked.pop()
        return items

    def _pop_or_unmark(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._items()

    def _pop_mark(self) -> None:
        self._items()

    def _put(self, index: int) -> None:
        self._memo[index] = self._top()

    def _get(self, index: int) -> None:
        if index not in self._memo:
            raise CorruptCheckpointError(f"memo entry {index} does not exist")
        self._push(self._memo[index])

    def _tuple(self, length: int) -> None:
        parts = [self._pop() for _ in range(length)]
        self._push(tuple(reversed(parts)))

    def _append(self, items: list[object]) -> None:
        target = self._top()
        if isinstance(target, Refused):
            return
        if type(target) is not list:
            raise UnsafeCheckpointError(f"it appends to a {describe(target)}")
        target.extend(items)

    def _set_items(self, items: list[object]) -> None:
        target = self._top()
        if isinstance(target, Refused):
            return
        if type(target) is not dict:
            raise UnsafeCheckpointError(f"it sets items of a {describe(target)}")
        if len(items) % 2:
            raise CorruptCheckpointError("a dictionary key lacks its value")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[plain_key(key)] = value

    def _set_item(self) -> None:
        value = self._pop()
        key = self._pop()
        self._set_items([key, value])

    def _add_items(self) -> None:
        items = self._items()
        target = self._top()
        if isinstance(target, Refused):
            return
        if type(target) is not set:
            raise UnsafeCheckpointError(f"it adds to a {describe(target)}")
        target.update(plain_key(item) for item in items)


def describe(value: object) -> str:
    """A value out of a file, in words that name it without showing its contents."""
    return f"global {value}" if isinstance(value, Name) else type(value).__name__


def plain_key(key: object) -> str | int | float | None:
    """Keys that hash in no time and without recursion."""
    if key is None or type(key) in (str, int, float, bool):
        return key  # type: ignore[return-value]  # the line above checked it
    raise UnsafeCheckpointError(f"it uses a {describe(key)} as a key")
