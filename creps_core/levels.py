"""What a level is made of and what it does: its embeddings, its composition, the picture without it.

All is read from the renderer's own tables and decoded by its own kernels (paper sections 2.3 and 2.4).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from creps_core.biline import BiLine
from creps_core.cancel import CancelToken
from creps_core.diverging import round_limit
from creps_core.lattice import Block
from creps_core.renderer import Renderer
from creps_core.samplers import Floats, SeparableSampler, over_ground
from creps_core.samples import as_slice
from creps_core.workers import Task

SHARE_SAMPLES = 40  # along either axis, to measure what each level contributes
LEVELS = 127.5  # of 255 per unit of the network's range

Contribution = Literal["without", "alone", "difference"]


@dataclass(frozen=True)
class Hands:
    """The workers of one look: a renderer's, until they are called off."""

    renderer: Renderer
    cancel: CancelToken | None = None  # polled between tiles and chunks
    moving: bool = False  # a gesture goes on: one core is left to the window

    def run(self, tasks: Iterable[Task]) -> None:
        """Run all tasks. Raises `Cancelled` by the token."""
        pool = self.renderer.pool
        pool.run(tasks, self.cancel, max(1, pool.threads - 1) if self.moving else None)

    def poll(self) -> None:
        """Raise `Cancelled` by the token."""
        if self.cancel is not None:
            self.cancel.check()


def prepare(hands: Hands, sampler: SeparableSampler, block: Block) -> None:
    """Have the embeddings of a block's rows and columns in the sampler's tables."""
    sampler.prepare([block], hands.run, hands.poll)


def embeddings(sampler: SeparableSampler, level: int, block: Block) -> BiLine:
    """The thick bi-line of a level, as the picture's tiles read it; `prepare` comes first.

    Args:
        sampler: of a separable grid.
        level: index into `config.levels`.
        block: which rows and columns.

    Returns:
        Row embeddings [B, H, R] and column embeddings [B, R, W].
    """
    rows = sampler.rows.data[level][:, as_slice(block.rows)]
    columns = sampler.columns.data[level][:, as_slice(block.columns)]
    return BiLine(rows, columns.transpose(1, 2))


def composed(biline: BiLine, channel: int, lane: int | None = None) -> Tensor:
    """F[i, j] = Σ_r row[i, r]·column[r, j] of one channel, or one lane's product of it, [H, W]."""
    row, column = biline.row[channel : channel + 1], biline.column[channel : channel + 1]
    if lane is not None:
        row, column = row[:, :, lane : lane + 1], column[:, lane : lane + 1]
    return torch.bmm(row, column)[0]  # the very product of a tile


def picture_of_levels(
    hands: Hands,
    sampler: SeparableSampler,
    levels: Collection[int],
    block: Block,
) -> Floats:
    """The picture in which only some levels are composed: F_k = 0 for all others; decoders run as ever.

    Args:
        hands: who computes it.
        sampler: of a separable grid, the block's lines prepared.
        levels: indices into `config.levels`; all of them give the picture itself.
        block: which rows and columns.

    Returns:
        float32 RGB [h, w, 3] in plane order, over the ground as the sampler's border policy says.
    """
    absent = [k for k in range(len(sampler.plan.config.levels)) if k not in levels]
    chosen, table = copy.copy(sampler), copy.copy(sampler.rows)
    table.data = sampler.rows.data.clone()
    table.data[absent] = 0
    chosen.rows = table
    out = np.empty((len(block.rows), len(block.columns), 3), dtype=np.float32)

    def write(tile: Block, values: Floats) -> None:
        rows = as_slice(_within(tile.rows, block.rows))
        out[rows, as_slice(_within(tile.columns, block.columns))] = values

    hands.run(hands.renderer.tile_tasks(chosen, [block], write))
    return out


def level_shares(hands: Hands, sampler: SeparableSampler) -> tuple[float, ...]:
    """How much the picture changes without each level: root mean square, in levels of 255.

    Measured at up to `SHARE_SAMPLES`² points of what is shown of the picture; 0 where nothing is.
    """
    every = range(len(sampler.plan.config.levels))
    seen = sampler.visible
    if not seen:
        return tuple(0.0 for _ in every)
    block = Block(_sparse(seen.top, seen.bottom), _sparse(seen.left, seen.right))
    prepare(hands, sampler, block)
    whole = picture_of_levels(hands, sampler, every, block).clip(-1, 1)
    shares = []
    for level in every:
        rest = [k for k in every if k != level]
        less = picture_of_levels(hands, sampler, rest, block).clip(-1, 1)
        shares.append(LEVELS * math.sqrt(float(np.square(whole - less).mean())))
    return tuple(shares)


def contribution(
    hands: Hands,
    sampler: SeparableSampler,
    level: int,
    shown: Contribution,
    block: Block,
) -> tuple[Floats, float]:
    """A picture of what a level does, float32 [h, w, 3] on the network's scale, and the limit of signed ones.

    alone: no other level is composed; without: this one is not; difference: the picture less that, divided
    by the limit, both pictures clipped to [−1, 1]. The limit of the first two is 0.
    """
    every = range(len(sampler.plan.config.levels))
    if shown == "alone":
        return picture_of_levels(hands, sampler, [level], block), 0.0
    without = picture_of_levels(hands, sampler, [k for k in every if k != level], block)
    if shown == "without":
        return without, 0.0
    whole = picture_of_levels(hands, sampler, every, block)
    change = whole.clip(-1, 1) - without.clip(-1, 1)
    limit = round_limit(change)
    alpha = sampler.alpha(block)
    return change / limit if alpha is None else over_ground(change / limit, alpha), limit


def _sparse(start: int, stop: int) -> range:
    stride = -(-(stop - start) // SHARE_SAMPLES)
    return range(start + min(stride // 2, stop - start - 1), stop, stride)


def _within(part: range, whole: range) -> range:
    """The places of `part` in `whole`, of which it is a run."""
    first = (part.start - whole.start) // whole.step
    return range(first, first + len(part))
