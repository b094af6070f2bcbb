"""The arithmetic of the fast path: one chunk of line samples, one tile of pixels.

Every product has the same shape whatever is asked for (chunks and tiles are filled up), so a sample's
value never depends on which frame, pass or tile it was computed in.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, mm
from torch.nn.functional import leaky_relu_

from creps_core.layers import LRELU_SLOPE
from creps_core.plan import Dense, Plan
from creps_core.workers import Workspace

Poll = Callable[[], None]
SMALLEST_BATCH = 400  # multiplications per matrix of a batch, below which torch has a kernel of its own


class Step(NamedTuple):
    """One product with its operands laid out: y [out, P] = clamp(act(weight @ x)), x [in + 1, P]."""

    weight: Tensor
    x: Tensor  # ends in a row of ones
    y: Tensor
    activate: bool
    bound: float | None


def run_steps(steps: Sequence[Step]) -> None:
    """One product after the other.

    Between two products Python does next to nothing: the workers' threads share one interpreter lock,
    and every microsecond under it is one that the other cores may wait for.
    """
    for weight, x, y, activate, bound in steps:
        mm(weight, x, out=y)
        if activate:
            leaky_relu_(y, LRELU_SLOPE)
        if bound is not None:
            y.clamp_(-bound, bound)


class TileProgram:
    """The products of a tile of P pixels, in a worker's buffers."""

    def __init__(self, plan: Plan, workspace: Workspace) -> None:
        self._buffers = partial(workspace.buffer, columns=plan.tile_pixels, dtype=plan.dtype)
        b = plan.config.biline_channels
        self.feature = self._buffers("feature", b)  # [B + 1, P], ending in a row of ones
        self.composed = self._buffers("composed", b).view(-1)
        x = self.feature
        self.stacks = [
            self._lay_out(x, stack, ("thin", "wide", "thin", "feature")) for stack in plan.decoders
        ]
        self.image, share = self._buffers("image", 3)[:3], self._buffers("share", 3)[:3]
        self.image_step = _step(plan.head.image, x, self.image)
        self.head: list[tuple[list[Step], Tensor]] = []  # (steps, the share of the picture they give)
        for *layers, to_rgb in plan.head.blocks:
            steps = self._lay_out(x, layers, ("head a", "head b"))
            x = self._buffers("head b", layers[-1].weight.shape[0])
            self.head.append(([*steps, _step(to_rgb, x, share)], share))

    def _lay_out(self, x: Tensor, layers: Sequence[Dense], names: Sequence[str]) -> list[Step]:
        steps = []
        for layer, name in zip(layers, names, strict=True):
            width = layer.weight.shape[0]
            y = self._buffers(name, width)
            steps.append(_step(layer, x, y[:width]))
            x = y
        return steps


class ChunkProgram:
    """The products of a chunk of line samples, in a worker's buffers."""

    def __init__(self, plan: Plan, workspace: Workspace) -> None:
        config, samples = plan.config, plan.chunk_lines * plan.config.thickness
        names = itertools.cycle(("line a", "line b"))
        x = workspace.buffer(next(names), config.channels(4), samples, plan.dtype)
        self.features = x[: config.channels(4)]
        shape = (len(config.levels), config.biline_channels, samples)
        self.embedded = torch.empty(shape, dtype=plan.dtype, device=x.device)
        self.blocks: list[list[Step]] = []
        for block in plan.lines:
            steps = []
            for layer in block.layers:
                width = layer.weight.shape[0]
                y = workspace.buffer(next(names), width, samples, plan.dtype)
                steps.append(_step(layer, x, y[:width]))
                x = y
            if block.project is not None:
                steps.append(_step(block.project, x, self.embedded[len(self.blocks) - 1]))
            self.blocks.append(steps)


def _step(layer: Dense, x: Tensor, y: Tensor) -> Step:
    return Step(layer.weight, x, y, layer.activate, layer.clamp)


def fourier_features(plan: Plan, coarse: Tensor, fine: Tensor, rows: int, out: Tensor) -> None:
    """Modulated input features of line samples.

    Args:
        coarse, fine: float64 [L], the coordinate as a sum; see `grid.Line.split`.
        rows: the first `rows` samples are rows, the others columns.
        out: [C, L·R] to fill.
    """
    frequencies = plan.frequencies.unsqueeze(1)  # [C/2, 1, R]
    turns = frequencies * coarse.view(1, -1, 1)  # exact: 24 bits times at most 29
    turns -= turns.round()
    turns += frequencies * fine.view(1, -1, 1)
    turns -= turns.round()
    angle = turns.to(torch.float32).mul_(2 * math.pi).to(plan.row_amplitude.device)
    half = angle.shape[0]
    features = out.view(2 * half, -1, plan.config.thickness)
    features[:half] = angle.sin()
    features[half:] = angle.cos_()
    features[:, :rows] *= plan.row_amplitude.unsqueeze(1)
    features[:, rows:] *= plan.column_amplitude.unsqueeze(1)


def embed_chunk(
    plan: Plan, coarse: Tensor, fine: Tensor, rows: int, workspace: Workspace, poll: Poll
) -> Tensor:
    """The embeddings of a full chunk of line samples, [levels, B, L, R]; polls between layers.

    The result lies in the workspace: it is gone with the next chunk.
    """
    program = workspace.program(ChunkProgram, plan)
    fourier_features(plan, coarse, fine, rows, program.features)
    for steps in program.blocks:
        for step in steps:
            poll()
            run_steps((step,))
    embedded = program.embedded
    for level in range(1, embedded.shape[0]):
        embedded[level] += embedded[level - 1]
    return embedded.unflatten(2, (-1, plan.config.thickness))


def compose_product(row: Tensor, column: Tensor, out: Tensor) -> Tensor:
    """row [B, h, R] times column [B, R, w] into out [B, h, w], each element's bits free of h and w.

    torch and its BLAS take other, differently rounding kernels for tiny batches and for vectors, so
    those are filled up with copies.
    """
    (_, h, lanes), w = row.shape, column.shape[2]
    if h > 1 and w > 1 and h * w * lanes >= SMALLEST_BATCH:
        return torch.bmm(row, column, out=out)
    wide = max(w, 2)
    tall = max(h, 2, -(-SMALLEST_BATCH // (wide * lanes)))
    rows, columns = (torch.arange(n, device=row.device) % m for n, m in ((tall, h), (wide, w)))
    return out.copy_(torch.bmm(row[:, rows], column[:, :, columns])[:, :h, :w])


def decode_tile(plan: Plan, compose: Callable[[int], Tensor], workspace: Workspace) -> Tensor:
    """Compositions and decoders of a tile: the feature that the head reads.

    Args:
        compose: gives the composition of a level (numbered from 0) as [B, n], n pixels of the tile.

    Returns:
        [B + 1, P] of the workspace, ending in a row of ones; only the first n columns mean anything.
    """
    program = workspace.program(TileProgram, plan)
    composed = compose(0)
    target = program.feature[:-1, : composed.shape[1]]
    target.copy_(composed)
    for level, steps in enumerate(program.stacks, start=1):
        run_steps(steps)
        if level < len(program.stacks):
            target += compose(level)
    return program.feature


def head_tile(plan: Plan, workspace: Workspace) -> Tensor:
    """RGB [3, P] of the tile's features in the workspace; the only part that reads the last style."""
    program = workspace.program(TileProgram, plan)
    run_steps((program.image_step,))
    for steps, share in program.head:
        run_steps(steps)
        program.image += share
    return program.image
