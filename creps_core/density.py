"""How dense a checkpoint's line tables must be: measured against exact evaluation, never a constant."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creps_core.general import TAPS, catmull_rom
from creps_core.grid import Line, SeparableGrid
from creps_core.kernels import Poll
from creps_core.lattice import Block, tiles
from creps_core.line_table import LineTable
from creps_core.line_tasks import LineBatch, Write, line_tasks
from creps_core.plan import Plan, line_flops
from creps_core.samplers import SeparableSampler, shade
from creps_core.samples import as_slice
from creps_core.workers import Run, Task, Workspace

# Table entries per unit: fractions of them are finite decimals, as a view's centre must be, and most can
# be halved a few times, for drafts.
LADDER = (128, 160, 200, 256, 320, 400, 512, 640, 800, 1024, 1280, 1600, 2048, 2560, 3200, 4096, 5120, 6400)
FIRST_RUNG = LADDER.index(512)
FEWEST_ANCHORS, MOST_ANCHORS = 32, 256  # per axis, so a thousand points at least
PROBE_FLOPS = 3e10  # that a try may cost; small models afford more points
# Levels of 255 allowed at the points. Few points miss the worst pixel of a frame (its error is 1.2 to 1.8
# times theirs on random 512 px models), many in the middles between entries see it.
FEW_TOLERANCE, MANY_TOLERANCE = 0.3, 0.42
ORDER = 1.5  # the error's power of the pitch, seen on random and trained models: kinks, not curvature


@dataclass(frozen=True)
class Density:
    """A choice and what it was measured to cost in accuracy."""

    per_unit: int  # table entries per plane unit
    worst_level: float  # of 255, over the sampled points


def measure_density(plan: Plan, device: torch.device, run: Run, poll: Poll) -> Density:
    """The coarsest table on the ladder whose interpolated pictures are exact enough.

    Compares at the points where rows and columns in the middle between table entries cross, where
    interpolation is worst. Every try tells how far to jump, so that two or three suffice. Nothing but the
    plan enters: the same picture is the same whatever was shown before.
    """
    probe = _Probe(plan, device, run, poll)
    rung = FIRST_RUNG
    tried: dict[int, float] = {}
    while rung not in tried:
        tried[rung] = probe.worst_level(LADDER[rung])
        enough = [r for r, worst in tried.items() if worst <= probe.tolerance]
        too_few = [r for r, worst in tried.items() if worst > probe.tolerance]
        wanted = LADDER[rung] * (max(tried[rung], 1e-6) / probe.tolerance) ** (1 / ORDER)
        rung = next((r for r, n in enumerate(LADDER) if n >= wanted), len(LADDER) - 1)
        rung = min(max(rung, max(too_few, default=-1) + 1), min(enough, default=len(LADDER) - 1))
    return Density(LADDER[rung], tried[rung])


def _anchors(plan: Plan) -> int:
    """Points per axis: as many as a try can afford."""
    affordable = PROBE_FLOPS / (2 * len(TAPS) * line_flops(plan.config))
    return int(min(max(affordable, FEWEST_ANCHORS), MOST_ANCHORS))


class _Probe:
    """Compares tables with exact evaluation at fixed points."""

    def __init__(self, plan: Plan, device: torch.device, run: Run, poll: Poll) -> None:
        self._plan, self._device, self._run, self._poll = plan, device, run, poll
        self.anchors = _anchors(plan)
        span = np.log2(self.anchors / FEWEST_ANCHORS) / np.log2(MOST_ANCHORS / FEWEST_ANCHORS)
        self.tolerance = float(FEW_TOLERANCE + (MANY_TOLERANCE - FEW_TOLERANCE) * span)
        golden = (np.sqrt(5) - 1) / 2
        self._rows = (np.arange(self.anchors) * golden) % 1
        self._columns = (self._rows + golden / 3) % 1
        self._exact = _image(plan, *_embed(plan, self._rows, self._columns, device, run, poll), run)

    def worst_level(self, per_unit: int) -> float:
        """The largest error of 255 levels with so many table entries per unit."""
        taps = (TAPS - 0.5) / per_unit
        rows, columns = ((c[:, None] + taps).ravel() for c in (self._rows, self._columns))
        entries = _embed(self._plan, rows, columns, self._device, self._run, self._poll)
        weights = torch.from_numpy(catmull_rom(np.array([0.5]))[0]).to(self._device, self._plan.dtype)
        read = [
            torch.einsum("lbntr,t->lbnr", e.unflatten(2, (self.anchors, len(TAPS))), weights) for e in entries
        ]
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
    """RGB of rows × columns, [n, n, 3]."""
    n = rows.shape[2]
    line = Line(Fraction(0), Fraction(0), n)  # where they lie does not matter here
    tables = [LineTable(line, plan.ws, data, np.full(n, data.shape[0])) for data in (rows, columns)]
    sampler = SeparableSampler(plan, SeparableGrid(line, line), tables[0], tables[1], "generate")
    image = np.empty((n, n, 3), dtype=np.float32)

    def shade_into(tile: Block, workspace: Workspace) -> None:
        image[as_slice(tile.rows), as_slice(tile.columns)] = shade(sampler, tile, workspace)

    tasks: list[Task] = [
        partial(shade_into, tile) for tile in tiles(Block(range(n), range(n)), plan.tile_pixels)
    ]
    run(tasks)
    return image
