"""Which samples a pass computes: nested sample lattices cut into rectangles of rows × columns. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

LEAST_SIDE = 16  # of a rectangular tile as it is computed, see `kernels`
TILE_OVERHEAD = 64  # what a tile costs beyond its samples, in samples
STRIDES = (64, 32, 16, 8)  # where a picture may begin; then halving down to 1


@dataclass(frozen=True)
class Block:
    """A product set of samples: every row of `rows` with every column of `columns`."""

    rows: range
    columns: range

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)


@dataclass(frozen=True)
class Rect:
    """Rows top … bottom−1 and columns left … right−1."""

    top: int
    left: int
    bottom: int
    right: int

    def __bool__(self) -> bool:
        return self.top < self.bottom and self.left < self.right

    @property
    def area(self) -> int:
        """Samples in it."""
        return max(0, self.bottom - self.top) * max(0, self.right - self.left)

    def intersect(self, other: Rect) -> Rect:
        """The common part, empty (false) when there is none."""
        return Rect(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )

    def minus(self, hole: Rect) -> list[Rect]:
        """What is left of this rectangle outside `hole`: at most four rectangles, together disjoint."""
        hole = self.intersect(hole)
        if not hole:
            return [self] if self else []
        parts = [
            Rect(self.top, self.left, hole.top, self.right),
            Rect(hole.bottom, self.left, self.bottom, self.right),
            Rect(hole.top, self.left, hole.bottom, hole.left),
            Rect(hole.top, hole.right, hole.bottom, self.right),
        ]
        return [part for part in parts if part]


def strides_from(first: int) -> list[int]:
    """first, first/2, … 1."""
    strides = [first]
    while strides[-1] > 1:
        strides.append(strides[-1] // 2)
    return strides


def lattice(start: int, stop: int, stride: int, anchor: int) -> range:
    """The numbers of start … stop−1 that lie on the lattice through `anchor`."""
    return range(start + (anchor - start) % stride, stop, stride)


def new_blocks(area: Rect, stride: int, previous: int | None, anchor: tuple[int, int]) -> list[Block]:
    """The samples of `area` on the stride's lattice that the previous (a multiple) stride's lacks.

    Args:
        anchor: a (row, column) that lies on every lattice, so that coarse ones are subsets of finer ones.
    """
    rows = lattice(area.top, area.bottom, stride, anchor[0])
    columns = lattice(area.left, area.right, stride, anchor[1])
    if previous is None or previous == stride:
        blocks = [Block(rows, columns)] if previous is None else []
    else:
        old_rows = lattice(area.top, area.bottom, previous, anchor[0])
        blocks = []
        for phase in range(stride, previous, stride):
            new_rows = lattice(area.top, area.bottom, previous, anchor[0] + phase)
            new_columns = lattice(area.left, area.right, previous, anchor[1] + phase)
            blocks += [Block(new_rows, columns), Block(old_rows, new_columns)]
    return [block for block in blocks if len(block)]


def tiles(block: Block, pixels: int) -> Iterator[Block]:
    """Cut a block into tiles of at most `pixels` (≥ LEAST_SIDE²) samples, slim ones counted as filled up."""
    if not len(block):
        return
    tall, wide = _tile_shape(len(block.rows), len(block.columns), pixels)
    for a in range(0, len(block.rows), tall):
        for b in range(0, len(block.columns), wide):
            yield Block(block.rows[a : a + tall], block.columns[b : b + wide])


@lru_cache(maxsize=1024)
def _tile_shape(rows: int, columns: int, pixels: int) -> tuple[int, int]:
    """(rows, columns) of a tile: few samples computed in vain, few tiles, square."""
    best: tuple[int, int, int, int] | None = None  # (cost, how far from square, rows, columns)
    for across in range(max(1, columns * LEAST_SIDE // pixels), columns + 1):
        wide = -(-columns // across)
        tall = min(rows, pixels // max(wide, LEAST_SIDE))
        if wide * LEAST_SIDE > pixels or (best is not None and wide < LEAST_SIDE):
            continue
        down = -(-rows // tall)
        across = -(-columns // wide)
        computed = _filled(rows, tall) * _filled(columns, wide)
        candidate = (computed + across * down * TILE_OVERHEAD, abs(tall - wide), tall, wide)
        if best is None or candidate < best:
            best = candidate
    assert best is not None
    return best[2], best[3]


def _filled(length: int, side: int) -> int:
    """Samples along one axis when every tile has at least LEAST_SIDE."""
    whole, rest = divmod(length, side)
    return whole * max(side, LEAST_SIDE) + (max(rest, LEAST_SIDE) if rest else 0)
