"""How dense a checkpoint's line tables must be: measured against exact evaluation, never a constant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creps_core.general import TAPS, catmull_rom
from creps_core.kernels import Poll, decode_tile, head_tile
from creps_core.line_table import LineBatch, Write, line_tasks
from creps_core.plan import Plan
from creps_core.workers import Run, Task, Workspace

LADDER = tuple(quarter << octave for octave in range(5, 11) for quarter in (4, 5, 6, 7))  # 128 … 7168
FIRST_RUNG = LADDER.index(512)
ANCHORS = 16  # per axis: a few hundred points
TOLERANCE = 0.3  # of a level at the sampled points; the worst pixel of a whole frame is up to 1.5 times that
ORDER = 1.5  # the error's power of the pitch, seen on random and trained models: kinks, not curvature


@dataclass(frozen=True)
class Density:
    """A choice and what it was measured to cost in accuracy."""

    per_unit: int  # table entries per plane unit
    worst_level: float  # of 255, over the sampled points


def measure_density(
    plan: Plan, device: torch.device, run: Run, poll: Poll, first_guess: Density | None = None
) -> Density:
    """The coarsest table on the ladder whose interpolated pictures are exact enough.

    Compares at ANCHORS² points in the middle between table entries, where interpolation is worst. Every
    try tells how far to jump, so that two or three suffice.
    """
    probe = _Probe(plan, device, run, poll)
    rung = LADDER.index(first_guess.per_unit) if first_guess else FIRST_RUNG
    tried: dict[int, float] = {}
    while rung not in tried:
        tried[rung] = probe.worst_level(LADDER[rung])
        enough = [r for r, worst in tried.items() if worst <= TOLERANCE]
        too_few = [r for r, worst in tried.items() if worst > TOLERANCE]
        wanted = LADDER[rung] * (max(tried[rung], 1e-6) / TOLERANCE) ** (1 / ORDER)
        rung = next((r for r, n in enumerate(LADDER) if n >= wanted), len(LADDER) - 1)
        rung = min(max(rung, max(too_few, default=-1) + 1), min(enough, default=len(LADDER) - 1))
    return Density(LADDER[rung], tried[rung])


class _Probe:
    """Compares tables with exact evaluation at fixed points."""

    def __init__(self, plan: Plan, device: torch.device, run: Run, poll: Poll) -> None:
        self._plan, self._device, self._run, self._poll = plan, device, run, poll
        golden = (np.sqrt(5) - 1) / 2
        self._rows = (np.arange(ANCHORS) * golden) % 1
        self._columns = (self._rows + golden / 3) % 1
        self._exact = _image(plan, *_embed(plan, self._rows, self._columns, device, run, poll), run)

    def worst_level(self, per_unit: int) -> float:
        """The largest error of 255 levels with so many table entries per unit."""
        taps = (TAPS - 0.5) / per_unit
        rows, columns = ((c[:, None] + taps).ravel() for c in (self._rows, self._columns))
        entries = _embed(self._plan, rows, columns, self._device, self._run, self._poll)
        weights = torch.from_numpy(catmull_rom(np.array([0.5]))[0]).to(self._device, self._plan.dtype)
        read = [torch.einsum("lbntr,t->lbnr", e.unflatten(2, (ANCHORS, len(TAPS))), weights) for e in entries]
        return float(np.abs(_image(self._plan, read[0], read[1], self._run) - self._exact).max() * 127.5)


def _embed(
    plan: Plan,
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    device: torch.device,
    run: Run,
    poll: Poll,
) -> tuple[Tensor, Tensor]:
    """Exact embeddings of both axes at any coordinates, each [levels, B, n, R]."""
    config = plan.config
    out = []
    batches = []
    for coordinates, is_row in ((rows, True), (columns, False)):
        data = torch.empty(
            len(config.levels),
            config.biline_channels,
            coordinates.size,
            config.thickness,
            dtype=plan.dtype,
            device=device,
        )
        coarse = np.round(coordinates * 2.0**26) * 2.0**-26
        batches.append(LineBatch(is_row, coarse, coordinates - coarse, _writer(data)))
        out.append(data)
    run(line_tasks(plan, batches, plan.chunk_lines, poll))
    return out[0], out[1]


def _writer(data: Tensor) -> Write:
    def write(part: slice, embedded: Tensor) -> None:
        data[:, :, part] = embedded

    return write


def _image(plan: Plan, rows: Tensor, columns: Tensor, run: Run) -> NDArray[np.float32]:
    """RGB of rows × columns, [3, ANCHORS²]."""
    result: list[NDArray[np.float32]] = []

    def tile(workspace: Workspace) -> None:
        def compose(level: int) -> Tensor:
            return torch.bmm(rows[level], columns[level].transpose(1, 2)).flatten(1)

        feature = decode_tile(plan, compose, workspace)
        image = head_tile(plan, feature, workspace)
        result.append(image[:, : ANCHORS * ANCHORS].float().cpu().numpy().copy())

    tasks: list[Task] = [tile]
    run(tasks)
    return result[0]
