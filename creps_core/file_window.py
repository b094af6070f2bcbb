"""Reading a file that nobody trusts: stretches of it with checked lengths, and a budget for the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from creps_core.checkpoint_errors import (
    CheckpointError,
    CorruptCheckpointError,
    TruncatedCheckpointError,
    UnsafeCheckpointError,
)

MAX_OPCODES = 2_000_000  # a published file has about 30 000
MAX_TEXT_BYTES = 64 * 2**20  # all strings together; a published file has less than 1 MB
MAX_LINE_BYTES = 4096  # module or class name in the text form of GLOBAL


class Budget:
    """Work that one file may cause, over all its pickles."""

    def __init__(self, poll: Callable[[], None] = lambda: None) -> None:
        self._opcodes = MAX_OPCODES
        self._text = MAX_TEXT_BYTES
        self._poll = poll  # raises when the caller cancelled

    def spend(self, opcodes: int = 1) -> None:
        """Count work; raise when there is too much."""
        self._opcodes -= opcodes
        if self._opcodes < 0:
            raise UnsafeCheckpointError(f"it has more than {MAX_OPCODES} pickle instructions")
        if self._opcodes % 4096 == 0:
            self._poll()

    def spend_text(self, length: int) -> None:
        """Count the bytes of a string before it is read."""
        self._text -= length
        if self._text < 0:
            raise UnsafeCheckpointError(f"its texts take more than {MAX_TEXT_BYTES} bytes")


class Window:
    """A stretch of a file that is read forwards; lengths are checked before anything is allocated."""

    def __init__(
        self, file: BinaryIO, start: int, end: int, short: Callable[[], CheckpointError] | None = None
    ):
        self.file = file
        self.position = start
        self.end = end
        self._short = short or TruncatedCheckpointError

    def read(self, length: int) -> bytes:
        """The next `length` bytes."""
        start = self.position
        self.skip(length)
        self.file.seek(start)
        data = self.file.read(length)
        if len(data) != length:  # the file shrank under our eyes
            raise self._short()
        return data

    def skip(self, length: int) -> None:
        """Move on without reading."""
        self.require(length)
        self.position += length

    def require(self, length: int) -> None:
        """Raise unless that many bytes are left."""
        if length < 0 or length > self.end - self.position:
            raise self._short()

    def line(self) -> str:
        """Text up to the next newline, which is not returned."""
        start = self.position
        self.file.seek(start)
        data = self.file.readline(min(MAX_LINE_BYTES, self.end - start))
        if not data.endswith(b"\n"):
            raise self._short() if len(data) < MAX_LINE_BYTES else CorruptCheckpointError("a name never ends")
        self.skip(len(data))
        return data[:-1].decode("utf-8", "replace")
