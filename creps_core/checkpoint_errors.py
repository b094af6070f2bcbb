"""What can be wrong with a checkpoint file: one type per kind of fault, each with a one-line message.

The message is short (of many faults the count and the first three); `problems` always lists all.
"""

from __future__ import annotations

from collections.abc import Iterable

from creps_core.errors import InputError

_SHOWN = 3  # faults named in the message, the rest is counted
_NAMES_SHOWN = 12  # refused names in the message: what a hostile file wanted should be plain to see
_LONGEST = 120  # characters of one name taken from a file


class CheckpointError(InputError):
    """A checkpoint cannot be used.

    Attributes:
        problems: every single fault, one line each; empty where the message says it all.
        file_name: name of the file, put before the message once it is known.
    """

    def __init__(self, message: str, problems: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)
        self.file_name: str | None = None

    def __str__(self) -> str:
        message = super().__str__()
        return f"{self.file_name}: {message}" if self.file_name else message


class NotACheckpointError(CheckpointError):
    """The file is something else altogether, or a folder, or empty."""


class TruncatedCheckpointError(CheckpointError):
    """The file ends before its contents do."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(f"the file is truncated{detail and ': ' + detail}; copy or download it again")


class CorruptCheckpointError(CheckpointError):
    """The file contradicts itself."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"the file is damaged: {detail}; copy or download it again")


class UnsafeCheckpointError(CheckpointError):
    """The file asks for something that no checkpoint needs. Nothing of it was run."""

    def __init__(self, detail: str, problems: Iterable[str] = ()) -> None:
        super().__init__(
            f"refused, and nothing in it was run: {detail}; use a checkpoint from a source you trust",
            problems,
        )


class UnknownGlobalError(UnsafeCheckpointError):
    """A pickle names functions or classes beyond the few that checkpoints are made of."""

    def __init__(self, names: Iterable[str], also: str = "") -> None:
        self.names = tuple(names)
        detail = f"it names {summarise(self.names, _NAMES_SHOWN)}, which is not part of any CREPS checkpoint"
        super().__init__(f"{detail}{also and '; ' + also}", self.names)


class UnknownClassError(CheckpointError):
    """The network to show is built from classes that the CREPS generator does not have."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        super().__init__(
            f"its network uses unknown classes: {summarise(self.names)}; only CREPS generators can be opened",
            self.names,
        )


class TensorMismatchError(CheckpointError):
    """Tensors are missing, unexpected, of the wrong shape or type, or not finite."""

    def __init__(self, problems: Iterable[str]) -> None:
        listed = tuple(problems)
        count = f"{len(listed)} tensors do" if len(listed) > 1 else "1 tensor does"
        super().__init__(
            f"{count} not fit a CREPS generator: {summarise(listed)}; creps-info lists all", listed
        )


class OtherNetworkError(CheckpointError):
    """A network of the StyleGAN family, but not CREPS."""

    def __init__(self, family: str, refused: Iterable[str] = ()) -> None:
        self.family = family
        self.names = tuple(refused)
        also = (
            f" (it also names {summarise(self.names, _NAMES_SHOWN)}; nothing was run)" if self.names else ""
        )
        super().__init__(f"this is a {family} network, not a CREPS generator{also}; open a CREPS checkpoint")


class NewerFormatError(CheckpointError):
    """A native file of a later version of this program."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(f"the file has format {found}, this program reads up to {known}; update the program")


def clean(name: object) -> str:
    """A text out of a file, safe to show: printable characters only and no longer than a line."""
    text = str(name).encode("unicode_escape").decode("ascii")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def summarise(faults: tuple[str, ...], shown: int = _SHOWN) -> str:
    """The first few of many, with the count of the rest."""
    more = f" and {len(faults) - shown} more" if len(faults) > shown else ""
    return ", ".join(faults[:shown]) + more
