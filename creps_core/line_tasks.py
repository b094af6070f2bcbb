"""The tasks that compute line samples of any kind, in chunks of one size.

A sample runs through the whole line network, or goes on after a block whose output is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creps_core.kernels import Poll, embed_chunk, resume_chunk
from creps_core.plan import Plan
from creps_core.resumption import NOWHERE
from creps_core.workers import Task, Workspace

Write = Callable[[slice, Tensor], None]  # (samples of the batch, their embeddings [levels, B, n, R])
Read = Callable[[slice, Tensor, Tensor], None]  # fills block output [C, R, n] and level before [B, n, R]
KeepOutput = Callable[[int, slice, Tensor], None]  # (block, samples of the batch, output [C, R, n])


def _no_read(_part: slice, _output: Tensor, _level: Tensor) -> None: ...


def _keep_nothing(_block: int, _part: slice, _output: Tensor) -> None: ...


@dataclass(frozen=True, eq=False)
class LineBatch:
    """Line samples to compute along one axis, at coordinates coarse + fine (see `grid.Line.split`)."""

    is_row: bool
    coarse: NDArray[np.float64]  # [n]
    fine: NDArray[np.float64]  # [n]
    write: Write
    after: int = NOWHERE  # the block whose outputs `read` knows
    read: Read = _no_read
    keep: KeepOutput = _keep_nothing


@dataclass(frozen=True, eq=False)
class _Part:
    """Samples of one batch within a chunk."""

    batch: LineBatch
    samples: slice  # of the batch
    columns: slice  # of the chunk


def line_tasks(plan: Plan, batches: Sequence[LineBatch], chunk: int, poll: Poll) -> Iterator[Task]:
    """Tasks that compute all samples; rows and columns share chunks of `chunk` samples.

    Chunks are filled up with copies of their last sample, so that all products have one shape.
    """
    for after in sorted({batch.after for batch in batches}):
        chosen = [batch for batch in batches if batch.after == after and batch.coarse.size]
        ordered = sorted(chosen, key=lambda batch: not batch.is_row)
        if ordered:
            yield from _tasks_after(plan, after, ordered, chunk, poll)


def _tasks_after(
    plan: Plan, after: int, batches: Sequence[LineBatch], chunk: int, poll: Poll
) -> Iterator[Task]:
    coarse = np.concatenate([batch.coarse for batch in batches])
    fine = np.concatenate([batch.fine for batch in batches])
    rows = sum(batch.coarse.size for batch in batches if batch.is_row)
    starts = np.cumsum([0] + [batch.coarse.size for batch in batches]).tolist()
    for begin in range(0, coarse.size, chunk):
        end = min(begin + chunk, coarse.size)
        parts = [
            _Part(
                batch,
                slice(max(begin, a) - a, min(end, b) - a),
                slice(max(begin, a) - begin, min(end, b) - begin),
            )
            for batch, a, b in zip(batches, starts[:-1], starts[1:], strict=True)
            if a < end and b > begin
        ]
        if after == NOWHERE:
            take = np.minimum(np.arange(begin, begin + chunk), end - 1)
            yield _whole(plan, coarse[take], fine[take], int(np.sum(take < rows)), parts, poll)
        else:
            yield _resumed(plan, after, chunk, parts, poll)


def _whole(
    plan: Plan,
    coarse: NDArray[np.float64],
    fine: NDArray[np.float64],
    rows: int,
    parts: Sequence[_Part],
    poll: Poll,
) -> Task:
    def run(workspace: Workspace) -> None:
        device = plan.frequencies.device
        both = torch.from_numpy(coarse).to(device), torch.from_numpy(fine).to(device)
        _write(embed_chunk(plan, *both, rows, workspace, poll, _keeper(parts)), parts)

    return run


def _resumed(plan: Plan, after: int, chunk: int, parts: Sequence[_Part], poll: Poll) -> Task:
    def fill(output: Tensor, level_before: Tensor) -> None:
        for part in parts:
            part.batch.read(part.samples, output[:, :, part.columns], level_before[:, part.columns])

    def run(workspace: Workspace) -> None:
        _write(resume_chunk(plan, after, chunk, fill, workspace, poll, _keeper(parts)), parts)

    return run


def _keeper(parts: Sequence[_Part]) -> Callable[[int, Tensor], None]:
    def keep(block: int, output: Tensor) -> None:
        for part in parts:
            part.batch.keep(block, part.samples, output[:, :, part.columns])

    return keep


def _write(embedded: Tensor, parts: Sequence[_Part]) -> None:
    for part in parts:
        part.batch.write(part.samples, embedded[:, :, part.columns])
