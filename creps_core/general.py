"""Turned and warped views: embeddings from tables along each axis, read by interpolation.

Every embedding is a function of one coordinate, so a general grid needs no line network per pixel: it
is tabulated at the multiples of 1/per_unit and gathered with Catmull–Rom weights. What counts is
the density in the plane, not on the screen, so deep views need a handful of table entries.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creps_core.grid import COARSE_BITS, SYNTHESIS_RANGE, GeneralGrid, general_alpha
from creps_core.kernels import Poll, Reads, TileProgram, decode_points
from creps_core.lattice import Block, Rect, tiles
from creps_core.line_table import LineTable
from creps_core.line_tasks import LineBatch, line_tasks
from creps_core.plan import Plan
from creps_core.view import Outside
from creps_core.workers import Run, Task, Workspace

Floats = NDArray[np.float32]
TAPS = np.arange(-1, 3)  # Catmull–Rom reads two entries on either side
SURVEY_PIXELS = 2**17  # pixels per task that looks which entries a block needs


def catmull_rom(t: NDArray[np.float64]) -> Floats:
    """Weights of the entries −1, 0, 1, 2 at positions t in [0, 1), [n, 4]."""
    t2, t3 = t * t, t * t * t
    weights = (-t3 + 2 * t2 - t, 3 * t3 - 5 * t2 + 2, -3 * t3 + 4 * t2 + t, t3 - t2)
    return (np.stack(weights, axis=-1) / 2).astype(np.float32)


class LatticeTable:
    """Embeddings along one axis at the multiples of 1/per_unit, filled as they are needed."""

    def __init__(self, plan: Plan, is_row: bool, per_unit: int, device: torch.device) -> None:
        self.plan, self.is_row, self.per_unit = plan, is_row, per_unit
        low, high = SYNTHESIS_RANGE
        self.first = int(low * per_unit) + int(TAPS[0]) - 1
        entries = int(high * per_unit) + int(TAPS[-1]) + 2 - self.first
        self.slots = np.full(entries, -1, dtype=np.int64)  # place of each entry in `data`
        width = plan.config.thickness * plan.config.biline_channels
        self.data = torch.empty(len(plan.config.levels), 0, width, dtype=plan.dtype, device=device)
        self.used = 0

    @property
    def nbytes(self) -> int:
        """Memory of the embeddings."""
        return self.data.numel() * self.data.element_size()

    def missing(self, wanted: NDArray[np.bool_]) -> LineBatch:
        """The wanted entries that have not been computed; they are given places now."""
        entries = np.flatnonzero(wanted & (self.slots < 0))
        self._reserve(self.used + entries.size)
        places = self.used + np.arange(entries.size)
        self.used += entries.size

        def write(part: slice, embedded: Tensor) -> None:  # [levels, B, n, R]
            rows = embedded.permute(0, 2, 3, 1).flatten(2)  # [levels, n, R·B]
            chosen = places[part]
            self.data[:, torch.from_numpy(chosen).to(self.data.device)] = rows
            self.slots[entries[part]] = chosen

        multiples = (entries + self.first).astype(np.float64)
        coarse = np.round(multiples / self.per_unit * 2.0**COARSE_BITS) * 2.0**-COARSE_BITS
        # multiple/per_unit − coarse, with an exact numerator: both products stay below 2⁵³
        fine = (multiples - coarse * self.per_unit) / self.per_unit
        return LineBatch(self.is_row, coarse, fine, write)

    def adopt(self, table: LineTable) -> None:
        """Copy the entries that a table of rows or columns has at multiples of this lattice's pitch."""
        scaled = table.line.start * self.per_unit, table.line.step * self.per_unit
        if scaled[0].denominator != 1 or scaled[1].denominator != 1:
            return
        entries = scaled[0].numerator - self.first + np.arange(table.line.count) * scaled[1].numerator
        useful = np.flatnonzero((entries >= 0) & (entries < self.slots.size) & table.have)
        useful = useful[self.slots[entries[useful]] < 0]
        self._reserve(self.used + useful.size)
        places = self.used + np.arange(useful.size)
        rows = table.data[:, :, torch.from_numpy(useful).to(table.data.device)].permute(0, 2, 3, 1)
        self.data[:, self.used : self.used + useful.size] = rows.flatten(2)
        self.slots[entries[useful]] = places
        self.used += useful.size

    def _reserve(self, places: int) -> None:
        levels, have, width = self.data.shape
        if places > have:
            grown = self.data.new_empty(levels, max(places, min(2 * have, self.slots.size)), width)
            grown[:, : self.used] = self.data[:, : self.used]
            self.data = grown

    def reads(self, entries: NDArray[np.int64], weights: Floats) -> Reads:
        """What points read that lie among the entries [n, 4], with weights [n, 4]."""
        places = torch.from_numpy(self.slots[entries]).to(self.data.device)
        scale = torch.from_numpy(weights).to(self.data.device, self.data.dtype)
        return Reads(list(self.data.unbind()), places, scale)


class Positions(NamedTuple):
    """Where the pixels of a block read the tables."""

    alpha: Floats  # [h, w]
    shown: NDArray[np.bool_]  # [h, w]
    rows: tuple[NDArray[np.int64], Floats]  # entries and weights, each [h·w, 4]
    columns: tuple[NDArray[np.int64], Floats]


class GeneralSampler:
    """A general grid over two lattice tables."""

    def __init__(
        self, plan: Plan, grid: GeneralGrid, rows: LatticeTable, columns: LatticeTable, outside: Outside
    ) -> None:
        self.plan, self.grid, self.outside = plan, grid, outside
        self.rows, self.columns = rows, columns
        self._last = threading.local()
        self._centre = (float(grid.view.center_y), float(grid.view.center_x))
        self._base = tuple(
            _lattice_position(c, rows.per_unit) for c in (grid.view.center_y, grid.view.center_x)
        )

    @property
    def visible(self) -> Rect:
        """All of it: what is outside is only known pixel by pixel."""
        return Rect(0, 0, self.grid.size.height, self.grid.size.width)

    def prepare(self, blocks: Sequence[Block], run: Run, poll: Poll) -> float:
        """Compute the table entries that the blocks read; returns how many line samples that took."""
        wanted_rows = np.zeros(self.rows.slots.size, dtype=np.bool_)
        wanted_columns = np.zeros(self.columns.slots.size, dtype=np.bool_)

        def look(block: Block) -> Task:
            def mark(_: Workspace) -> None:
                at = self._locate(block)
                wanted_rows[at.rows[0][at.shown.ravel()]] = True
                wanted_columns[at.columns[0][at.shown.ravel()]] = True

            return mark

        run([look(part) for block in blocks for part in tiles(block, SURVEY_PIXELS)])
        batches = [self.rows.missing(wanted_rows), self.columns.missing(wanted_columns)]
        chunk = self.plan.chunk_lines
        run(line_tasks(self.plan, batches, chunk, poll))
        return sum(batch.coarse.size for batch in batches)

    def missing_share(self, block: Block) -> float:
        """Share of the entries that the block reads which have not been computed, 0 … 1."""
        at = self._locate(block)
        both = ((self.rows, at.rows[0]), (self.columns, at.columns[0]))
        read = [table.slots[entries[at.shown.ravel()]] for table, entries in both]
        slots = np.concatenate([part.ravel() for part in read])
        return float((slots < 0).mean()) if slots.size else 0.0

    def decode(self, block: Block, program: TileProgram, levels: range) -> None:
        """Gather both embeddings of every pixel, multiply and sum over the lanes, decode."""
        at = self._positions(block)
        hidden = ~at.shown.ravel()
        if hidden.any():
            at.rows[0][hidden] = self._any_entry(self.rows)
            at.columns[0][hidden] = self._any_entry(self.columns)
        decode_points(program, self.rows.reads(*at.rows), self.columns.reads(*at.columns), levels)

    def shape(self, block: Block) -> tuple[int, int]:
        """The block's own."""
        return len(block.rows), len(block.columns)

    def alpha(self, block: Block) -> Floats:
        """Weight of each pixel, 0 beyond [−1, 2]² and where a warp shows nothing."""
        return self._positions(block).alpha

    def _positions(self, block: Block) -> Positions:
        """Where the block's pixels read; every worker remembers its last block's."""
        if getattr(self._last, "block", None) is not block:
            self._last.positions = self._locate(block)
            self._last.block = block
        positions: Positions = self._last.positions
        return positions

    def _locate(self, block: Block) -> Positions:
        dy, dx = self.grid.offsets(np.array(block.rows), np.array(block.columns))
        alpha = general_alpha(self._centre[0] + dy, self._centre[1] + dx, self.outside)
        shown = alpha > 0
        if not shown.all():
            dy, dx = np.where(shown, dy, 0.0), np.where(shown, dx, 0.0)
        return Positions(alpha, shown, self._entries(dy, 0, self.rows), self._entries(dx, 1, self.columns))

    def _entries(
        self, offset: NDArray[np.float64], axis: int, table: LatticeTable
    ) -> tuple[NDArray[np.int64], Floats]:
        whole, part = self._base[axis]
        position = part + offset.ravel() * table.per_unit
        below = np.floor(position)
        first = below.astype(np.int64) + (whole - table.first)
        entries = np.clip(first[:, None] + TAPS, 0, table.slots.size - 1)
        return entries, catmull_rom(position - below)

    @staticmethod
    def _any_entry(table: LatticeTable) -> int:
        filled = np.flatnonzero(table.slots >= 0)
        return int(filled[0]) if filled.size else 0


def _lattice_position(coordinate: Fraction, per_unit: int) -> tuple[int, float]:
    """A coordinate in units of the lattice's pitch, as (whole, fraction)."""
    scaled = coordinate * per_unit
    whole = scaled.numerator // scaled.denominator
    return whole, float(scaled - whole)
