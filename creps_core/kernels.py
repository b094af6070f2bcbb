"""The arithmetic of the fast path: one chunk of line samples, one tile of pixels.

A sample's value never depends on which frame, pass or tile it was computed in, to the bit: chunks are
filled up to one size, and BLAS rounds every column of a product alike, however many there are, as long as
the products are not slim and their columns a multiple of `LEAST_SIDE` (a test holds this).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial, reduce
from itertools import cycle
from typing import NamedTuple

import torch
from torch import Tensor

from creps_core.lattice import LEAST_SIDE
from creps_core.layers import LRELU_SLOPE
from creps_core.plan import Dense, Plan
from creps_core.resumption import NOWHERE, first_level
from creps_core.straight_line import compositions, gathered_compositions, products
from creps_core.workers import Workspace

# Points of a turned view whose embeddings are gathered together: [256, R·B] of both axes stay in cache.
GATHERED_AT_ONCE = 256

Poll = Callable[[], None]
Keep = Callable[[int, Tensor], None]  # (block, its output [C, R, L], gone with the next block)


class Products(NamedTuple):
    """Products with their operands laid out: y [out, n] = clamp(act(weight @ x)), x [in + 1, n]."""

    weights: list[Tensor]
    inputs: list[Tensor]  # each ends in a row of ones
    outputs: list[Tensor]
    activate: list[bool]
    bounds: list[float]  # 0 = none

    def run(self) -> None:
        """One after the other."""
        products()(*self, LRELU_SLOPE)

    def then(self, other: Products) -> Products:
        """These, then the others."""
        return Products(
            self.weights + other.weights,
            self.inputs + other.inputs,
            self.outputs + other.outputs,
            self.activate + other.activate,
            self.bounds + other.bounds,
        )


class TileProgram:
    """The products of a tile of n pixels, laid out in a worker's memory, which all its programs share.

    They have some columns more than n, to fill up to a multiple of `LEAST_SIDE`, which nobody reads.
    """

    def __init__(self, plan: Plan, workspace: Workspace, n: int) -> None:
        columns, most = _filled_up(n), _filled_up(max(n, plan.tile_pixels))
        self._lend = partial(workspace.lend, columns=columns, most=most, dtype=plan.dtype)
        b = plan.config.biline_channels
        self.feature = self._lend("feature", b)  # [B + 1, ≥ n], ending in a row of ones
        names = ("thin", "wide", "thin", "feature")
        stacks = [_lay_out(self.feature, stack, self._lend, names) for stack in plan.decoders]
        self.decoders = reduce(Products.then, stacks)  # all of them in one run
        # Each part of the head gives a share of the picture, clamped on its own, so they are added last.
        self.shares = [self._lend(f"share {i}", 3)[:3] for i in range(1 + len(plan.head.blocks))]
        x = self.feature
        self.head = _lay_out(x, [plan.head.image], lambda *_: self.shares[0])
        for i, (fc0, fc1, to_rgb) in enumerate(plan.head.blocks, start=1):
            layers = _lay_out(x, (fc0, fc1), self._lend, ("head a", "head b"))
            x = self._lend("head b", fc1.weight.shape[0])
            share = _lay_out(x, [to_rgb], lambda *_, i=i: self.shares[i])
            self.head = self.head.then(layers).then(share)
        self.ones = workspace.lent_ones(columns, plan.dtype)


class ChunkProgram:
    """The products of a chunk of line samples, laid out in a worker's memory."""

    def __init__(self, plan: Plan, workspace: Workspace, n: int) -> None:
        config = plan.config
        lend = partial(workspace.lend, columns=n, most=n, dtype=plan.dtype)
        names = cycle(("line a", "line b"))
        x = lend(next(names), config.channels(4))
        self.features = x[: config.channels(4)]
        self.embedded = torch.empty(
            len(config.levels), config.biline_channels, n, dtype=plan.dtype, device=x.device
        )
        self.blocks: list[Products] = []
        self.outputs: list[Tensor] = []  # [C, n] of every block; those of one width share their memory
        self.projections: list[Products] = []  # of block 1 and on
        for block in plan.lines:
            used = [next(names) for _ in block.layers]
            self.blocks.append(_lay_out(x, block.layers, lend, used))
            self.outputs.append(self.blocks[-1].outputs[-1])
            x = lend(used[-1], block.layers[-1].weight.shape[0])
            if block.project is not None:
                target = self.embedded[len(self.projections)]
                self.projections.append(_lay_out(x, [block.project], lambda *_, target=target: target))
        self.ones = workspace.lent_ones(n, plan.dtype)


def _filled_up(columns: int) -> int:
    return -(-columns // LEAST_SIDE) * LEAST_SIDE


def _lay_out(
    x: Tensor, layers: Sequence[Dense], lend: Callable[[str, int], Tensor], names: Sequence[str] = ("",)
) -> Products:
    """The layers one after the other from x on, each into the memory of its name."""
    made = Products([], [], [], [], [])
    for layer, name in zip(layers, names, strict=True):
        width = layer.weight.shape[0]
        y = lend(name, width)
        made.weights.append(layer.weight)
        made.inputs.append(x)
        made.outputs.append(y[:width])
        made.activate.append(layer.activate)
        made.bounds.append(layer.clamp or 0.0)
        x = y
    return made


def fourier_features(plan: Plan, coarse: Tensor, fine: Tensor, rows: int, out: Tensor) -> None:
    """Modulated input features of line samples.

    Args:
        coarse, fine: float64 [L], the coordinate as a sum; see `grid.Line.split`.
        rows: the first `rows` samples are rows, the others columns.
        out: [C, R·L] to fill: the lanes of a channel one after the other, each with all samples.
    """
    frequencies = plan.frequencies.flatten()  # [C/2·R]
    turns = torch.outer(frequencies, coarse).addr_(frequencies, fine)
    turns -= turns.round()  # reduced in float64: at any depth the angle is right to 1e-7
    angle = turns.to(torch.float32).mul_(2 * math.pi).to(out.device)
    lanes = plan.config.thickness
    features = out.view(-1, lanes, coarse.shape[0])  # [C, R, L]
    half = features.shape[0] // 2
    features[:half] = angle.sin().view(half, lanes, -1)
    features[half:] = angle.cos_().view(half, lanes, -1)
    features[:, :, :rows] *= plan.row_amplitude.unsqueeze(2)
    features[:, :, rows:] *= plan.column_amplitude.unsqueeze(2)


def embed_chunk(
    plan: Plan, coarse: Tensor, fine: Tensor, rows: int, workspace: Workspace, poll: Poll, keep: Keep
) -> Tensor:
    """The embeddings of a chunk of line samples, [levels, B, L, R]; polls between blocks.

    The result lies in the workspace: it is gone with the next chunk.
    """
    program = workspace.program(ChunkProgram, plan, coarse.shape[0] * plan.config.thickness)
    fourier_features(plan, coarse, fine, rows, program.features)
    return _go_on(plan, program, NOWHERE, poll, keep)


def resume_chunk(
    plan: Plan,
    block: int,
    samples: int,
    fill: Callable[[Tensor, Tensor], None],
    workspace: Workspace,
    poll: Poll,
    keep: Keep,
) -> Tensor:
    """The embeddings of a chunk whose outputs of `block` are known, from level `first_level(block)` on.

    Args:
        samples: L, line samples in the chunk.
        fill: puts what is known into the output of the block [C, R, L] and the embeddings of the level
            before the first [B, L, R], which exist from block 2 on.
    """
    program = workspace.program(ChunkProgram, plan, samples * plan.config.thickness)
    fill(_by_lane(plan, program.outputs[block]), _embeddings(plan, program)[max(0, block - 2)])
    return _go_on(plan, program, block, poll, keep)


def _go_on(plan: Plan, program: ChunkProgram, block: int, poll: Poll, keep: Keep) -> Tensor:
    """The projection of `block`, all later blocks, and the sums of their projections."""
    if block > 0:
        program.projections[block - 1].run()
    for number in range(block + 1, len(program.blocks)):
        poll()
        program.blocks[number].run()
        keep(number, _by_lane(plan, program.outputs[number]))
        if number:
            program.projections[number - 1].run()
    embedded = program.embedded
    for level in range(max(1, first_level(block)), embedded.shape[0]):
        embedded[level] += embedded[level - 1]
    return _embeddings(plan, program)


def _by_lane(plan: Plan, output: Tensor) -> Tensor:
    return output.unflatten(1, (plan.config.thickness, -1))  # [C, R, L]


def _embeddings(plan: Plan, program: ChunkProgram) -> Tensor:
    return program.embedded.unflatten(2, (plan.config.thickness, -1)).transpose(2, 3)  # [levels, B, L, R]


def decode_product(
    program: TileProgram, rows: Tensor, columns: Tensor, tile: tuple[int, int], levels: range
) -> None:
    """Compositions and decoders of a rectangular tile, in the program's feature [B + 1, h·w].

    Args:
        rows: [levels, B, h, R], columns: [levels, B, w, R]; h and w at least `LEAST_SIDE`, so that every
            composed element has the same bits whatever the tile: BLAS has other kernels for slim products.
        tile: (h, w).
        levels: which ones; the feature holds what came before.
    """
    decoders = program.decoders
    compositions()(
        program.feature[:-1, : tile[0] * tile[1]].unflatten(1, tile),
        list(rows.unbind()),
        list(columns.transpose(2, 3).unbind()),
        decoders.weights,
        decoders.inputs,
        decoders.outputs,
        LRELU_SLOPE,
        levels.start,
        levels.stop,
    )


class Reads(NamedTuple):
    """Where points read a table along one axis, and how much of each entry."""

    tables: list[Tensor]  # levels of [N, R·B]
    places: Tensor  # int64 [n, taps]
    weights: Tensor  # [n, taps]


def decode_points(program: TileProgram, rows: Reads, columns: Reads, levels: range) -> None:
    """Compositions and decoders of n points of any arrangement, in the feature's first n columns."""
    n = rows.places.shape[0]
    decoders = program.decoders
    gathered_compositions()(
        program.feature[:-1, :n],
        rows.tables,
        columns.tables,
        rows.places,
        columns.places,
        rows.weights,
        columns.weights,
        GATHERED_AT_ONCE,
        decoders.weights,
        decoders.inputs,
        decoders.outputs,
        LRELU_SLOPE,
        levels.start,
        levels.stop,
    )


def head_tile(program: TileProgram) -> Tensor:
    """RGB [3, ≥ n] of the program's features; the only part that reads the last style."""
    program.head.run()
    image, *shares = program.shares
    for share in shares:
        image += share
    return image
