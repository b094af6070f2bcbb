"""Where samples come from: rows × columns of a separable grid, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creps_core.features import Features
from creps_core.grid import GROUND, SeparableGrid, outside_alpha
from creps_core.kernels import Poll, TileProgram, decode_product, head_tile
from creps_core.lattice import LEAST_SIDE, Block, Rect
from creps_core.line_table import LineTable
from creps_core.line_tasks import LineBatch, line_tasks
from creps_core.plan import Plan
from creps_core.resumption import line_share
from creps_core.samples import as_slice
from creps_core.view import Outside
from creps_core.workers import Run, Workspace

Floats = NDArray[np.float32]
GROUND_FLOAT = ((np.array(GROUND) + 0.5 - 128) / 127.5).astype(np.float32)


class Sampler(Protocol):
    """One grid of one plan."""

    plan: Plan

    @property
    def visible(self) -> Rect:
        """Outside this rectangle (plane order) nothing but ground is shown."""

    def prepare(self, blocks: Sequence[Block], run: Run, poll: Poll) -> float:
        """Compute the line samples that the blocks need; returns how many whole ones that was worth."""

    def decode(self, block: Block, program: TileProgram, levels: range) -> None:
        """Compose and decode a tile; `shape` says how its pixels lie in the program's feature."""

    def shape(self, block: Block) -> tuple[int, int]:
        """(rows, columns) of the tile as computed, at least the block's: its first ones are the block."""

    def alpha(self, block: Block) -> Floats | None:
        """Weight of each pixel over the ground [h, w]; None = all 1."""


class SeparableSampler:
    """Exact embeddings per row and column; a tile is their product."""

    def __init__(
        self, plan: Plan, grid: SeparableGrid, rows: LineTable, columns: LineTable, outside: Outside
    ) -> None:
        self.plan = plan
        self.rows, self.columns = rows, columns
        self._row_alpha = outside_alpha(grid.y.values(), outside)
        self._column_alpha = outside_alpha(grid.x.values(), outside)
        self._opaque = bool((self._row_alpha == 1).all() and (self._column_alpha == 1).all())

    @property
    def visible(self) -> Rect:
        """The rectangle outside which nothing but ground is shown."""
        (top, bottom), (left, right) = _extent(self._row_alpha), _extent(self._column_alpha)
        return Rect(top, left, bottom, right)

    def prepare(self, blocks: Sequence[Block], run: Run, poll: Poll) -> float:
        """Compute the rows and columns that the blocks need and the tables lack."""
        batches = self._missing(blocks)
        run(line_tasks(self.plan, batches, self.plan.chunk_lines, poll))
        return self._worth(batches)

    def work_missing(self, blocks: Sequence[Block]) -> float:
        """How many whole line samples `prepare` would be worth."""
        return self._worth(self._missing(blocks))

    def _missing(self, blocks: Sequence[Block]) -> list[LineBatch]:
        rows = self.rows.missing((block.rows for block in blocks), is_row=True)
        return rows + self.columns.missing((block.columns for block in blocks), is_row=False)

    def _worth(self, batches: Sequence[LineBatch]) -> float:
        return sum(batch.coarse.size * line_share(self.plan.config, batch.after) for batch in batches)

    def decode(self, block: Block, program: TileProgram, levels: range) -> None:
        """Compose rows × columns level by level and decode; slim tiles are filled up with copies."""
        h, w = tile = self.shape(block)
        rows, columns = _take(self.rows.data, block.rows, h), _take(self.columns.data, block.columns, w)
        decode_product(program, rows, columns, tile, levels)

    def shape(self, block: Block) -> tuple[int, int]:
        """The block's, but no side below `LEAST_SIDE`."""
        return max(len(block.rows), LEAST_SIDE), max(len(block.columns), LEAST_SIDE)

    def alpha(self, block: Block) -> Floats | None:
        """The product of the two axes' weights."""
        if self._opaque:
            return None
        return np.outer(self._row_alpha[as_slice(block.rows)], self._column_alpha[as_slice(block.columns)])


def shade(sampler: Sampler, block: Block, workspace: Workspace, features: Sequence[Features] = ()) -> Floats:
    """RGB of a tile over the ground, float32 [h, w, 3] on the network's scale.

    Args:
        features: what is kept ahead of some levels; a tile goes on from the latest that it has.
    """
    h, w = len(block.rows), len(block.columns)
    alpha = sampler.alpha(block)
    if alpha is not None and not alpha.any():
        for kept in features:
            kept.skip(block)
        return np.broadcast_to(GROUND_FLOAT, (h, w, 3))
    tall, wide = sampler.shape(block)
    program = workspace.program(TileProgram, sampler.plan, tall * wide)
    tile = program.feature[:-1, : tall * wide].unflatten(1, (tall, wide))[:, :h, :w]
    level = 0
    for kept in sorted(features, key=lambda kept: kept.level, reverse=True):
        if kept.has(block):
            kept.load(block, tile)
            level = kept.level
            break
    for kept in sorted(features, key=lambda kept: kept.level):
        if kept.level > level:
            sampler.decode(block, program, range(level, kept.level))
            kept.store(block, tile)
            level = kept.level
    levels = len(sampler.plan.config.levels)
    if level < levels:
        sampler.decode(block, program, range(level, levels))
    flat = head_tile(program).float().cpu().numpy()  # [3, ≥ tall·wide]
    values = flat[:, : tall * wide].reshape(3, tall, wide)[:, :h, :w].transpose(1, 2, 0)
    return values if alpha is None else over_ground(values, alpha)


def over_ground(values: Floats, alpha: Floats) -> Floats:
    """Blend [h, w, 3] over the ground colour; weight 1 leaves values as they are, unclamped."""
    weight = alpha[..., None]
    blended = GROUND_FLOAT + weight * (np.clip(values, -1, 1) - GROUND_FLOAT)
    return np.where(weight == 1, values, blended)


def _extent(alpha: Floats) -> tuple[int, int]:
    shown = np.flatnonzero(alpha)
    return (int(shown[0]), int(shown[-1]) + 1) if shown.size else (0, 0)


def _take(data: Tensor, numbers: range, count: int) -> Tensor:
    """The samples [levels, B, count, R] of the numbers, over again when they are fewer than `count`."""
    if len(numbers) == count:
        return data[:, :, as_slice(numbers)]
    chosen = torch.arange(count, device=data.device) % len(numbers) * numbers.step + numbers.start
    return data[:, :, chosen]
