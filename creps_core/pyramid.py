"""A picture and its halves, quarters and so on, in tiles: which there are, and making them in order.

Level 0 is the picture itself. A tile is made when the four below it are there, so at any moment one tile
per level is in memory, whatever the size. Files are the stores' job: `tiled_tiff`, `deepzoom`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from creps_core.lattice import Rect
from creps_core.view import Size

Pixels = NDArray[Any]  # [h, w, 3], uint8, uint16 or float32


class Progress(Protocol):
    """Told how far a picture is."""

    def __call__(self, done: int, total: int, kept: int = 0) -> None:
        """Rows or tiles done, of how many; `kept` of them were there before and took no time."""


@dataclass(frozen=True)
class Tile:
    """One tile; rows and columns count tiles of its level."""

    level: int
    row: int
    column: int


class TileStore(Protocol):
    """Where tiles are kept. Whoever has a tile has all the tiles below it, too."""

    def read(self, tile: Tile) -> Pixels | None:
        """A tile that was written, exactly as it was; None when it was not, or is damaged."""

    def write(self, tile: Tile, pixels: Pixels) -> None:
        """Keep a tile. When this returns, it survives an interruption."""


@dataclass(frozen=True)
class Pyramid:
    """The levels of a picture, each half as large as the one below it (odd sides rounded up)."""

    size: Size
    tile_px: int  # of a side, even; tiles at the right and the bottom may be smaller
    least_px: int  # levels go on until the longer side is no longer than this

    def __post_init__(self) -> None:
        assert self.tile_px % 2 == 0
        assert self.least_px >= 1

    @cached_property
    def levels(self) -> tuple[Size, ...]:
        """The size of every level, level 0 first."""
        sizes = [self.size]
        while max(sizes[-1]) > self.least_px:
            sizes.append(Size(*(-(-side // 2) for side in sizes[-1])))
        # The last level is one tile, so that making it makes everything.
        while max(sizes[-1]) > self.tile_px:
            sizes.append(Size(*(-(-side // 2) for side in sizes[-1])))
        return tuple(sizes)

    @property
    def top(self) -> Tile:
        """The only tile of the last level."""
        return Tile(len(self.levels) - 1, 0, 0)

    def shape(self, level: int) -> tuple[int, int]:
        """(rows, columns) of tiles."""
        size = self.levels[level]
        return -(-size.height // self.tile_px), -(-size.width // self.tile_px)

    def rect(self, tile: Tile) -> Rect:
        """The pixels of a tile, in its level."""
        size, side = self.levels[tile.level], self.tile_px
        top, left = tile.row * side, tile.column * side
        return Rect(top, left, min(top + side, size.height), min(left + side, size.width))

    def below(self, tile: Tile) -> list[Tile]:
        """The up to four tiles that a tile of level 1 or more is the half of."""
        rows, columns = self.shape(tile.level - 1)
        return [
            Tile(tile.level - 1, row, column)
            for row in range(2 * tile.row, min(2 * tile.row + 2, rows))
            for column in range(2 * tile.column, min(2 * tile.column + 2, columns))
        ]

    def base_tiles(self, tile: Tile) -> int:
        """How many tiles of level 0 lie under a tile."""
        rows, columns = self.shape(0)
        span = 1 << tile.level
        down = min((tile.row + 1) * span, rows) - tile.row * span
        return down * (min((tile.column + 1) * span, columns) - tile.column * span)


class PyramidMaker:
    """Makes all tiles of a pyramid, depth first; those that the store has are kept.

    Args:
        pyramid: which tiles.
        render: gives an area of level 0.
        store: takes every tile when it is made.
        progress: called with tiles of level 0.
    """

    def __init__(
        self,
        pyramid: Pyramid,
        render: Callable[[Rect], Pixels],
        store: TileStore,
        progress: Progress | None = None,
    ) -> None:
        self._pyramid, self._render, self._store, self._progress = pyramid, render, store, progress
        self._done = self._kept = 0

    def make(self) -> None:
        """Make what is missing."""
        self._tile(self._pyramid.top)

    def _tile(self, tile: Tile) -> Pixels:
        pixels = self._store.read(tile)
        if pixels is not None:
            count = self._pyramid.base_tiles(tile)
            self._done, self._kept = self._done + count, self._kept + count
            self._report()
            return pixels
        if tile.level:
            pixels = self._from_below(tile)
            self._store.write(tile, pixels)
            return pixels
        pixels = self._render(self._pyramid.rect(tile))
        self._store.write(tile, pixels)
        self._done += 1
        self._report()
        return pixels

    def _from_below(self, tile: Tile) -> Pixels:
        rows: list[list[Pixels]] = [[], []]
        for part in self._pyramid.below(tile):
            rows[part.row - 2 * tile.row].append(halved(self._tile(part)))
        return np.concatenate([np.concatenate(row, axis=1) for row in rows if row], axis=0)

    def _report(self) -> None:
        if self._progress is not None:
            self._progress(self._done, self._pyramid.base_tiles(self._pyramid.top), self._kept)


def halved(pixels: Pixels) -> Pixels:
    """Means of 2 × 2 pixels, [⌈h/2⌉, ⌈w/2⌉, 3], halves rounded up; at odd ends, of the pixels there are."""
    height, width = pixels.shape[:2]
    # A last row or column twice does not change the means that it takes part in.
    even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    wide = even if even.dtype.kind == "f" else even.astype(np.uint32)
    total = wide[::2, ::2] + wide[::2, 1::2] + wide[1::2, ::2] + wide[1::2, 1::2]
    if pixels.dtype.kind == "f":
        return total * pixels.dtype.type(0.25)
    return ((total + 2) >> 2).astype(pixels.dtype)
