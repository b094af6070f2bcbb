"""Where samples come from: rows × columns of a separable grid, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from creps_core.grid import GROUND, SeparableGrid, outside_alpha
from creps_core.kernels import Poll, TileProgram, compose_product, decode_tile, head_tile
from creps_core.lattice import Block, Rect
from creps_core.line_table import LineTable, line_tasks
from creps_core.plan import Plan
from creps_core.samples import Features, as_slice
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

    def prepare(self, blocks: Sequence[Block], run: Run, poll: Poll) -> int:
        """Compute the line samples that the blocks need; returns how many."""

    def feature(self, block: Block, workspace: Workspace) -> Tensor:
        """The composed and decoded features of a tile, [B + 1, P]."""

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

    def prepare(self, blocks: Sequence[Block], run: Run, poll: Poll) -> int:
        """Compute the rows and columns that the blocks need and the tables lack; returns how many."""
        batches = [
            self.rows.missing((block.rows for block in blocks), is_row=True),
            self.columns.missing((block.columns for block in blocks), is_row=False),
        ]
        run(line_tasks(self.plan, batches, self.plan.chunk_lines, poll))
        return sum(batch.coarse.size for batch in batches)

    def count_missing(self, blocks: Sequence[Block]) -> int:
        """How many line samples `prepare` would compute."""
        rows = self.rows.mark(block.rows for block in blocks)
        columns = self.columns.mark(block.columns for block in blocks)
        return int(rows.sum() + columns.sum())

    def feature(self, block: Block, workspace: Workspace) -> Tensor:
        """Compose rows × columns level by level and decode, [B + 1, P]."""
        rows, columns = as_slice(block.rows), as_slice(block.columns)
        h, w = len(block.rows), len(block.columns)

        b = self.plan.config.biline_channels
        scratch = workspace.program(TileProgram, self.plan).composed
        composed = scratch[: b * h * w].view(b, h, w)
        flat = composed.view(b, h * w)
        row_levels = self.rows.data[:, :, rows].unbind()  # each [B, h, R]
        column_levels = self.columns.data[:, :, columns].transpose(2, 3).unbind()  # each [B, R, w]

        def compose(level: int) -> Tensor:
            compose_product(row_levels[level], column_levels[level], composed)
            return flat

        return decode_tile(self.plan, compose, workspace)

    def alpha(self, block: Block) -> Floats | None:
        """The product of the two axes' weights."""
        if self._opaque:
            return None
        return np.outer(self._row_alpha[as_slice(block.rows)], self._column_alpha[as_slice(block.columns)])


def shade(sampler: Sampler, block: Block, workspace: Workspace, features: Features | None = None) -> Floats:
    """RGB of a tile over the ground, float32 [h, w, 3] on the network's scale.

    Args:
        features: where decoded features are kept; a tile that is there costs the head alone.
    """
    h, w = len(block.rows), len(block.columns)
    alpha = sampler.alpha(block)
    if alpha is not None and not alpha.any():
        return np.broadcast_to(GROUND_FLOAT, (h, w, 3))
    if features is None:
        sampler.feature(block, workspace)
    elif not features.load(block, workspace.program(TileProgram, sampler.plan).feature):
        features.store(block, sampler.feature(block, workspace))
    image = head_tile(sampler.plan, workspace)
    values = image[:, : h * w].float().cpu().numpy().reshape(3, h, w).transpose(1, 2, 0)
    return values if alpha is None else over_ground(values, alpha)


def over_ground(values: Floats, alpha: Floats) -> Floats:
    """Blend [h, w, 3] over the ground colour; weight 1 leaves values as they are, unclamped."""
    weight = alpha[..., None]
    blended = GROUND_FLOAT + weight * (np.clip(values, -1, 1) - GROUND_FLOAT)
    return np.where(weight == 1, values, blended)


def _extent(alpha: Floats) -> tuple[int, int]:
    shown = np.flatnonzero(alpha)
    return (int(shown[0]), int(shown[-1]) + 1) if shown.size else (0, 0)
