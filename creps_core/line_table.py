"""Embeddings of line samples, kept: computed once, then shared by tiles, passes, pans and heads.

Here are the table of a separable grid's rows or columns, and the tasks that compute line samples of any
kind; the lattice tables of turned and warped views are in `general`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creps_core.grid import Line
from creps_core.kernels import Poll, embed_chunk
from creps_core.plan import Plan
from creps_core.workers import Task, Workspace

Write = Callable[[slice, Tensor], None]  # (samples of the batch, their embeddings [levels, B, n, R])


@dataclass(frozen=True, eq=False)
class LineBatch:
    """Line samples to compute along one axis, at coordinates coarse + fine (see `grid.Line.split`)."""

    is_row: bool
    coarse: NDArray[np.float64]  # [n]
    fine: NDArray[np.float64]  # [n]
    write: Write


@dataclass(eq=False)
class LineTable:
    """Embeddings along one axis. Entry i belongs to the line's sample i once `have[i]` is true."""

    line: Line
    data: Tensor  # [levels, B, N, R]
    have: NDArray[np.bool_]  # [N]

    @classmethod
    def empty(cls, plan: Plan, line: Line, device: torch.device) -> LineTable:
        """A table for `line`, nothing computed yet."""
        config = plan.config
        shape = (len(config.levels), config.biline_channels, line.count, config.thickness)
        data = torch.empty(shape, dtype=plan.dtype, device=device)
        return cls(line, data, np.zeros(line.count, dtype=np.bool_))

    @property
    def nbytes(self) -> int:
        """Memory of the embeddings."""
        return self.data.numel() * self.data.element_size()

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
            self.have[mine[theirs]] = True

    def mark(self, wanted: Iterable[range]) -> NDArray[np.bool_]:
        """Which entries are wanted and have not been computed, [N]."""
        marks = np.zeros(self.line.count, dtype=np.bool_)
        for part in wanted:
            marks[part.start : part.stop : part.step] = True
        return marks & ~self.have

    def missing(self, wanted: Iterable[range], is_row: bool) -> LineBatch:
        """What is wanted and has not been computed."""
        indices = np.flatnonzero(self.mark(wanted))

        def write(part: slice, embedded: Tensor) -> None:
            chosen = indices[part]
            self.data[:, :, _index(self.data, chosen)] = embedded
            self.have[chosen] = True

        coarse, fine = self.line.split() if indices.size else (np.empty(0), np.empty(0))
        return LineBatch(is_row, coarse[indices], fine[indices], write)


def _index(data: Tensor, numbers: NDArray[np.int64]) -> Tensor | slice:
    """The numbers as an index along one axis; a slice where they are evenly spaced, which copies faster."""
    steps = np.diff(numbers)
    if numbers.size == 1 or (steps[0] > 0 and (steps == steps[0]).all()):
        step = int(steps[0]) if steps.size else 1
        return slice(int(numbers[0]), int(numbers[-1]) + 1, step)
    return torch.from_numpy(np.ascontiguousarray(numbers)).to(data.device)


def line_tasks(plan: Plan, batches: Sequence[LineBatch], chunk: int, poll: Poll) -> Iterator[Task]:
    """Tasks that compute all samples; rows and columns share chunks of `chunk` samples.

    Chunks are filled up with copies of their last sample, so that all products have one shape.
    """
    ordered = sorted((b for b in batches if b.coarse.size), key=lambda batch: not batch.is_row)
    if not ordered:
        return
    coarse = np.concatenate([batch.coarse for batch in ordered])
    fine = np.concatenate([batch.fine for batch in ordered])
    rows = sum(batch.coarse.size for batch in ordered if batch.is_row)
    starts = np.cumsum([0] + [batch.coarse.size for batch in ordered])
    for begin in range(0, coarse.size, chunk):
        end = min(begin + chunk, coarse.size)
        take = np.minimum(np.arange(begin, begin + chunk), end - 1)
        parts = [
            (batch.write, max(begin, a), min(end, b), a)
            for batch, a, b in zip(ordered, starts[:-1], starts[1:], strict=True)
            if a < end and b > begin
        ]
        yield _chunk_task(plan, coarse[take], fine[take], int(np.sum(take < rows)), begin, parts, poll)


def _chunk_task(
    plan: Plan,
    coarse: NDArray[np.float64],
    fine: NDArray[np.float64],
    rows: int,
    begin: int,
    parts: list[tuple[Write, int, int, int]],
    poll: Poll,
) -> Task:
    def run(workspace: Workspace) -> None:
        device = plan.frequencies.device
        embedded = embed_chunk(
            plan,
            torch.from_numpy(coarse).to(device),
            torch.from_numpy(fine).to(device),
            rows,
            workspace,
            poll,
        )
        for write, start, stop, first in parts:
            write(slice(start - first, stop - first), embedded[:, :, start - begin : stop - begin])

    return run
