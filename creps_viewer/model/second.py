"""What there is of the second picture; like the first one's frame, derived from the state."""

from __future__ import annotations

from dataclasses import dataclass

from creps_core.frame import Frame


@dataclass(frozen=True, eq=False)
class Second:
    """The second picture as far as it has come."""

    frame: Frame | None = None  # the newest that can be shown
    settled: bool = False  # whether `frame` is the finished picture of the present state and size
    backdrop: Frame | None = None  # all of it, small
    note: str = ""  # what is being done: opening, measuring
    document: str = ""  # the name of its own checkpoint, "" while it shares the first picture's
