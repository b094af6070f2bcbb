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
from creps_core.plan import Plan, chunk_lines, tile_pixels
from creps_core.workers import Run, Task, Workspace

CANDIDATES = range(7, 13)  # log2 of table entries per plane unit
ANCHORS = 16  # per axis: a few hundred points
TOLERANCE = 0.25  # of a level, at the sampled points; the worst pixel of a frame is about twice as bad


@dataclass(frozen=True)
class Density:
    """A choice and what it was measured to cost in accuracy."""

    log2_per_unit: int
    worst_level: float  # of 255, over the sampled points


def measure_density(plan: Plan, device: torch.device, run: Run, poll: Poll) -> Density:
    """The coarsest table whose interpolated pictures are exact enough.

    Compares at ANCHORS² points in the middle between table entries, where interpolation is worst.
    """
    golden = (np.sqrt(5) - 1) / 2
    anchors = (np.arange(ANCHORS) * golden) % 1
    rows, columns = anchors, (anchors + golden / 3) % 1
    exact = _image(plan, *_embed(plan, rows, columns, device, run, poll), run)
    worst = float("inf")
    for log2_density in CANDIDATES:
        pitch = 2.0**-log2_density
        taps = (TAPS - 0.5) * pitch
        wide = _embed(
            plan, (rows[:, None] + taps).ravel(), (columns[:, None] + taps).ravel(), device, run, poll
        )
        weights = torch.from_numpy(catmull_rom(np.array([0.5]))[0]).to(device, plan.dtype)
        read = [torch.einsum("lbntr,t->lbnr", e.unflatten(2, (ANCHORS, len(TAPS))), weights) for e in wide]
        worst = float(np.abs(_image(plan, read[0], read[1], run) - exact).max() * 127.5)
        if worst <= TOLERANCE:
            return Density(log2_density, worst)
    return Density(CANDIDATES[-1], worst)


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
    run(line_tasks(plan, batches, chunk_lines(plan, device), poll))
    return out[0], out[1]


def _writer(data: Tensor) -> Write:
    def write(part: slice, embedded: Tensor) -> None:
        data[:, :, part] = embedded

    return write


def _image(plan: Plan, rows: Tensor, columns: Tensor, run: Run) -> NDArray[np.float32]:
    """RGB of rows × columns, [3, ANCHORS²]."""
    pixels = tile_pixels(plan, rows.device)
    result: list[NDArray[np.float32]] = []

    def tile(workspace: Workspace) -> None:
        def compose(level: int, feature: Tensor, add: bool) -> None:
            composed = torch.bmm(rows[level], columns[level].transpose(1, 2)).flatten(1)
            target = feature[:, : composed.shape[1]]
            if add:
                target += composed
            else:
                target.copy_(composed)

        feature = decode_tile(plan, compose, workspace, pixels)
        image = head_tile(plan, feature, workspace)
        result.append(image[:, : ANCHORS * ANCHORS].float().cpu().numpy().copy())

    tasks: list[Task] = [tile]
    run(tasks)
    return result[0]
