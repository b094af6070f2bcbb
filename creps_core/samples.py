"""What has been computed of one view, for the screen: levels, which of them are exact, features to reuse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from creps_core.grid import GROUND, GeneralGrid, SeparableGrid
from creps_core.kernels import TileProgram
from creps_core.lattice import Block, Rect
from creps_core.plan import Plan
from creps_core.view import Outside
from creps_core.workers import Workspace

Grid = SeparableGrid | GeneralGrid


class Features:
    """Decoded features of a grid, what the head reads: with them a change of the last style is cheap."""

    def __init__(self, shape: tuple[int, int], channels: int, dtype: torch.dtype, visible: Rect) -> None:
        self._data = torch.empty(channels, *shape, dtype=dtype)
        self._have = np.ones(shape, dtype=np.bool_)  # nothing is needed where only ground is shown
        self._have[visible.top : visible.bottom, visible.left : visible.right] = False

    @property
    def whole(self) -> bool:
        """Whether every pixel's feature is here."""
        return bool(self._have.all())

    def load(self, block: Block, n: int, plan: Plan, workspace: Workspace) -> TileProgram | None:
        """The program whose first columns hold the block's features, None when one of them is missing."""
        rows, columns = as_slice(block.rows), as_slice(block.columns)
        if not self._have[rows, columns].all():
            return None
        program = workspace.program(TileProgram, plan, n)
        tile = self._data[:, rows, columns]
        program.feature[:-1, : len(block)].unflatten(1, tuple(tile.shape[1:])).copy_(tile)
        return program

    def skip(self, block: Block) -> None:
        """The block shows nothing but ground and will not ask for features."""
        self._have[as_slice(block.rows), as_slice(block.columns)] = True

    def store(self, block: Block, feature: torch.Tensor) -> None:
        """Keep a tile's features [B, ≥ h, ≥ w], of which the block's are the first."""
        rows, columns = as_slice(block.rows), as_slice(block.columns)
        self._data[:, rows, columns] = feature[:, : len(block.rows), : len(block.columns)]
        self._have[rows, columns] = True


@dataclass(eq=False)
class Samples:
    """The pixels of one view in plane order (a transposed grid's picture is stored untransposed)."""

    key: tuple[str, Outside]  # plan and border policy: only equal ones may share pixels
    body_key: str
    grid: Grid
    levels: NDArray[np.uint8]  # [H, W, 4] RGBX
    have: NDArray[np.bool_]  # [H, W] exact samples
    complete: Rect  # inside it every sample is exact
    features: Features | None = None

    @classmethod
    def empty(cls, key: tuple[str, Outside], body_key: str, grid: Grid, visible: Rect) -> Samples:
        """Ground everywhere; what lies outside `visible` is settled already."""
        height, width = plane_shape(grid)
        levels = np.empty((height, width, 4), dtype=np.uint8)
        levels[:] = (*GROUND, 255)
        have = np.ones((height, width), dtype=np.bool_)
        have[visible.top : visible.bottom, visible.left : visible.right] = False
        return cls(key, body_key, grid, levels, have, Rect(0, 0, 0, 0))

    def adopt_shifted(self, other: Samples, visible: Rect) -> None:
        """Keep what `other` has of exactly these coordinates: a pan by whole pixels keeps most."""
        shift = _shift(self.grid, other.grid)
        if shift is None or self.key != other.key:
            return
        down, right = shift
        height, width = self.have.shape
        overlap = Rect(0, 0, height, width).intersect(
            Rect(-down, -right, other.have.shape[0] - down, other.have.shape[1] - right)
        )
        if not overlap:
            return
        here = (slice(overlap.top, overlap.bottom), slice(overlap.left, overlap.right))
        there = (
            slice(overlap.top + down, overlap.bottom + down),
            slice(overlap.left + right, overlap.right + right),
        )
        self.levels[here] = other.levels[there]
        self.have[here] = other.have[there]
        kept = other.complete
        self.complete = (
            Rect(kept.top - down, kept.left - right, kept.bottom - down, kept.right - right)
            .intersect(overlap)
            .intersect(visible)
        )

    def adopt_features(self, other: Samples) -> None:
        """Take over the features of the same grid and body: the last style alone has changed."""
        if self.body_key == other.body_key and self.grid == other.grid and self.key[1] == other.key[1]:
            self.features = other.features

    def is_done(self, block: Block) -> bool:
        """Whether every sample of the block is exact already."""
        return bool(self.have[as_slice(block.rows), as_slice(block.columns)].all())

    def picture(self, stride: int, anchor: tuple[int, int]) -> NDArray[np.uint8]:
        """The lattice's samples in window order, a copy [h, w, 4]."""
        part = self.levels[anchor[0] % stride :: stride, anchor[1] % stride :: stride]
        return np.ascontiguousarray(part.swapaxes(0, 1) if is_transposed(self.grid) else part)


def is_transposed(grid: Grid) -> bool:
    """Whether plane order is the window's order transposed."""
    return isinstance(grid, SeparableGrid) and grid.transposed


def plane_shape(grid: Grid) -> tuple[int, int]:
    """(rows, columns) in plane order."""
    if isinstance(grid, SeparableGrid):
        return grid.y.count, grid.x.count
    return grid.size.height, grid.size.width


def as_slice(numbers: range) -> slice:
    """The same numbers as a slice."""
    return slice(numbers.start, numbers.stop, numbers.step)


def _shift(new: Grid, old: Grid) -> tuple[int, int] | None:
    """(rows, columns) with new[i, j] = old[i + rows, j + columns], None if they share no lattice."""
    if isinstance(new, GeneralGrid) or isinstance(old, GeneralGrid):
        return (0, 0) if new == old else None
    if new.transposed != old.transposed:
        return None
    down, right = new.y.offset_from(old.y), new.x.offset_from(old.x)
    return None if down is None or right is None else (down, right)
