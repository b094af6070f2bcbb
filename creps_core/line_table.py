"""Embeddings of a separable grid's rows or columns, kept: shared by tiles, passes, pans and latents.

Beside them a table may keep what chosen blocks of the line network put out. For latents that share their
first styles the network then goes on where they part. The tasks that compute are in `line_tasks`; the
lattice tables of turned and warped views are in `general`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creps_core.grid import Line
from creps_core.line_tasks import LineBatch
from creps_core.plan import Plan
from creps_core.resumption import NOWHERE, first_level, last_block, shared_levels


@dataclass(eq=False)
class Outputs:
    """What one block put out for the samples of a line; entry i counts once `have[i]` is true."""

    data: Tensor  # [C, R, N]
    have: NDArray[np.bool_]  # [N]


@dataclass(eq=False)
class LineTable:
    """Embeddings along one axis, level by level."""

    line: Line
    ws: Tensor  # the latents
    data: Tensor  # [levels, B, N, R]
    done: NDArray[np.int64]  # [N] leading levels of each sample that are computed
    outputs: dict[int, Outputs] = field(default_factory=dict)  # of blocks

    @classmethod
    def empty(cls, plan: Plan, line: Line, device: torch.device, blocks: Sequence[int] = ()) -> LineTable:
        """A table for `line`, nothing computed yet, that keeps the outputs of `blocks`."""
        config = plan.config
        shape = (len(config.levels), config.biline_channels, line.count, config.thickness)
        data = torch.empty(shape, dtype=plan.dtype, device=device)
        table = cls(line, plan.ws, data, np.zeros(line.count, dtype=np.int64))
        for block in blocks:
            width = config.channels(config.block_resolutions[block])
            kept = torch.empty(width, config.thickness, line.count, dtype=plan.dtype, device=device)
            table.outputs[block] = Outputs(kept, np.zeros(line.count, dtype=np.bool_))
        return table

    @property
    def have(self) -> NDArray[np.bool_]:
        """Which samples are computed to the last level, [N]."""
        return self.done == self.data.shape[0]

    @cached_property
    def _split(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.line.split()

    @property
    def nbytes(self) -> int:
        """Memory of embeddings and outputs."""
        tensors = [self.data, *(kept.data for kept in self.outputs.values())]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def adopt(self, other: LineTable) -> None:
        """Copy what `other`, of the same or a coarser step, has of the same exact coordinates."""
        if not self.line.step or not other.line.step:
            return
        ratio = other.line.step / self.line.step
        first = (other.line.start - self.line.start) / self.line.step
        if ratio.denominator != 1 or first.denominator != 1 or ratio < 1:
            return
        mine = first.numerator + np.arange(other.line.count) * ratio.numerator
        theirs = np.flatnonzero((mine >= 0) & (mine < self.line.count) & other.have)
        if theirs.size:
            self.data[:, :, _index(self.data, mine[theirs])] = other.data[:, :, _index(other.data, theirs)]
            self.done[mine[theirs]] = self.data.shape[0]

    def go_on_from(self, other: LineTable, styles: int) -> None:
        """Take over what `other`, a table of the same line, has for latents that share `styles` styles.

        Its outputs come along; those of later blocks are to be overwritten.
        """
        levels = min(shared_levels(styles), self.data.shape[0])
        self.data[:levels] = other.data[:levels]
        self.done = np.minimum(other.done, levels)
        for block in list(self.outputs):
            kept = other.outputs.get(block)
            if kept is not None:
                self.outputs[block] = kept
                kept.have &= block <= last_block(styles)
        usable = {block: kept for block, kept in other.outputs.items() if block <= last_block(styles)}
        if usable and not any(self.outputs[block].have.any() for block in self.outputs):
            latest = max(usable)  # of no further use than for this step
            self.outputs[latest] = usable[latest]

    def mark(self, wanted: Iterable[range]) -> NDArray[np.bool_]:
        """Which entries are wanted and have not been computed, [N]."""
        marks = np.zeros(self.line.count, dtype=np.bool_)
        for part in wanted:
            marks[part.start : part.stop : part.step] = True
        return marks & ~self.have

    def missing(self, wanted: Iterable[range], is_row: bool) -> list[LineBatch]:
        """What is wanted and has not been computed: a batch for every block after which to go on."""
        marks = self.mark(wanted)
        batches: list[LineBatch] = []
        for block in sorted(self.outputs, reverse=True):
            known = marks & self.outputs[block].have & (self.done >= first_level(block))
            if known.any():
                batches.append(self._batch(np.flatnonzero(known), is_row, block))
                marks &= ~known
        return [*batches, self._batch(np.flatnonzero(marks), is_row, NOWHERE)] if marks.any() else batches

    def _batch(self, indices: NDArray[np.int64], is_row: bool, after: int) -> LineBatch:
        first = first_level(after)

        def write(part: slice, embedded: Tensor) -> None:
            chosen = indices[part]
            self.data[first:, :, _index(self.data, chosen)] = embedded[first:]
            self.done[chosen] = self.data.shape[0]

        def read(part: slice, output: Tensor, level_before: Tensor) -> None:
            chosen = _index(self.data, indices[part])
            output.copy_(self.outputs[after].data[:, :, chosen])
            if first > 0:
                level_before.copy_(self.data[first - 1][:, chosen])

        def keep(block: int, part: slice, output: Tensor) -> None:
            kept = self.outputs.get(block)
            if kept is not None:
                kept.data[:, :, _index(kept.data, indices[part])] = output
                kept.have[indices[part]] = True

        coarse, fine = self._split
        return LineBatch(is_row, coarse[indices], fine[indices], write, after, read, keep)


def _index(data: Tensor, numbers: NDArray[np.int64]) -> Tensor | slice:
    """The numbers as an index along one axis; a slice where they are evenly spaced, which copies faster."""
    steps = np.diff(numbers)
    if numbers.size == 1 or (steps[0] > 0 and (steps == steps[0]).all()):
        step = int(steps[0]) if steps.size else 1
        return slice(int(numbers[0]), int(numbers[-1]) + 1, step)
    return torch.from_numpy(np.ascontiguousarray(numbers)).to(data.device)
