"""What has been computed of one view, for the screen: its levels, and which of them are exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creps_core.features import Features, carried_over
from creps_core.grid import GROUND, GeneralGrid, SeparableGrid
from creps_core.lattice import Block, Rect
from creps_core.plan import Plan
from creps_core.resumption import shared_levels, shared_styles
from creps_core.view import Outside

Grid = SeparableGrid | GeneralGrid


@dataclass(eq=False)
class Samples:
    """The pixels of one view in plane order (a transposed grid's picture is stored untransposed)."""

    key: tuple[str, Outside]  # plan and border policy: only equal ones may share pixels
    ws: Tensor  # what the plan was folded from
    exact: bool  # of float32 throughout
    grid: Grid
    levels: NDArray[np.uint8]  # [H, W, 4] RGBX
    have: NDArray[np.bool_]  # [H, W] exact samples
    complete: Rect  # inside it every sample is exact
    features: Sequence[Features] = ()

    @classmethod
    def empty(cls, plan: Plan, outside: Outside, grid: Grid, visible: Rect) -> Samples:
        """Ground everywhere; what lies outside `visible` is settled already."""
        height, width = plane_shape(grid)
        levels = np.empty((height, width, 4), dtype=np.uint8)
        levels[:] = (*GROUND, 255)
        have = np.ones((height, width), dtype=np.bool_)
        have[visible.top : visible.bottom, visible.left : visible.right] = False
        exact = plan.dtype == torch.float32
        return cls((plan.key, outside), plan.ws, exact, grid, levels, have, Rect(0, 0, 0, 0))

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

    def shared_levels(self, plan: Plan, outside: Outside, grid: Grid) -> int | None:
        """How many composition levels hold for other latents too; None for another grid or precision."""
        same = self.grid == grid and self.key[1] == outside and self.exact == (plan.dtype == torch.float32)
        return shared_levels(shared_styles(self.ws, plan.ws)) if same else None

    def features_for(self, shared: int, plan: Plan) -> list[Features]:
        """Those features that hold for latents which share the first `shared` levels."""
        return carried_over(self.features, shared, len(plan.config.levels))

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
