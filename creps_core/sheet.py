"""Sheets of many seeds: how people name them, where each cell is, what a session says. Torch-free."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, isqrt
from typing import Any

from creps_core.errors import InputError
from creps_core.lattice import Rect
from creps_core.session import Session
from creps_core.source import MAX_SEED, Source
from creps_core.view import Size

MOST_SEEDS = 100_000
GAP_PX = 4
SHEET_KEY = "sheet"  # in the session of a sheet: how it was made


def parse_seeds(text: str) -> tuple[int, ...]:
    """`0-63` or `3,7,20-29`: seeds in the order they are named.

    Raises:
        InputError: something else, a seed out of range, or more than `MOST_SEEDS`.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,10})\s*(?:-\s*([0-9]{1,10})\s*)?", part)
        if match is None:
            raise InputError(f"{text!r} is not a list of seeds such as 0-63 or 3,7,20-29")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last <= MAX_SEED:
            raise InputError(f"{part.strip()!r}: seeds go up, from 0 to {MAX_SEED}")
        if len(seeds) + last - first >= MOST_SEEDS:
            raise InputError(f"{text!r} names more than {MOST_SEEDS} seeds")
        seeds.extend(range(first, last + 1))
    return tuple(seeds)


@dataclass(frozen=True)
class Layout:
    """Where the cells of a sheet are."""

    count: int
    columns: int
    cell: Size  # of one picture
    labelled: bool

    @classmethod
    def of(cls, count: int, columns: int | None, cell: Size, labelled: bool) -> Layout:
        """A sheet of so many cells; `columns` None makes about as many columns as rows."""
        most = max(1, count)
        return cls(count, min(columns or isqrt(most - 1) + 1, most), cell, labelled)

    @property
    def label_px(self) -> int:
        """Height of a label below its picture."""
        return min(max(self.cell.height // 8, 14), 48) if self.labelled else 0

    @property
    def pitch(self) -> Size:
        """From one cell to the next."""
        return Size(self.cell.width + GAP_PX, self.cell.height + self.label_px + GAP_PX)

    @property
    def size(self) -> Size:
        """Of the whole sheet."""
        rows = ceil(self.count / self.columns)
        return Size(self.columns * self.pitch.width - GAP_PX, rows * self.pitch.height - GAP_PX)

    def cells(self, rect: Rect) -> Iterator[tuple[int, int, int]]:
        """(number, top, left) of the cells that may have pixels in an area."""
        width, height = self.pitch
        for row in range(rect.top // height, ceil(rect.bottom / height)):
            for column in range(rect.left // width, min(ceil(rect.right / width), self.columns)):
                if (number := row * self.columns + column) < self.count:
                    yield number, row * height, column * width


@dataclass(frozen=True)
class Sheet:
    """A sheet that is asked for."""

    seeds: tuple[int, ...]
    columns: int | None = None  # None: about as many as rows
    labels: bool = True

    def layout(self, cell: Size) -> Layout:
        """Where the pictures are, each of the size `cell`."""
        return Layout.of(len(self.seeds), self.columns, cell, self.labels)


def seeded(sources: tuple[Source, ...], seed: int) -> tuple[Source, ...]:
    """The sources with another seed for the first."""
    return (replace(sources[0], seed=seed, z=None, w=None), *sources[1:])


def session_of(session: Session, sheet: Sheet | None) -> Session:
    """What a picture made from a session carries: of a sheet its first picture, and what sheet it is."""
    unknown: dict[str, Any] = {key: value for key, value in session.unknown.items() if key != SHEET_KEY}
    if sheet is None:
        return replace(session, unknown=unknown)
    made = {"seeds": list(sheet.seeds), "columns": sheet.columns, "labels": sheet.labels}
    sources = seeded(session.sources, sheet.seeds[0])
    return replace(session, sources=sources, unknown={**unknown, SHEET_KEY: made})
