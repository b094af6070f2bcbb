"""The arithmetic of the fast path: one chunk of line samples, one tile of pixels.

Every product has the same shape whatever is asked for (chunks and tiles are filled up), so a sample's
value never depends on which frame, pass or tile it was computed in.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu_

from creps_core.layers import LRELU_SLOPE
from creps_core.plan import Dense, Plan
from creps_core.workers import Workspace

Poll = Callable[[], None]
SMALLEST_BATCH = 400  # multiplications per matrix of a batch, below which torch has a kernel of its own


def apply(dense: Dense, x: Tensor, out: Tensor) -> None:
    """out [out, P] = clamp(act(weight @ x)), x [in + 1, P] ending in a row of ones."""
    torch.mm(dense.weight, x, out=out)
    if dense.activate:
        leaky_relu_(out, LRELU_SLOPE)
    if dense.clamp is not None:
        out.clamp_(-dense.clamp, dense.clamp)


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
    """The embeddings of a chunk of line samples, [levels, B, L, R]; polls between layers."""
    config = plan.config
    samples = coarse.shape[0] * config.thickness
    widest = config.channels(4)
    x = workspace.buffer("line a", widest, samples, plan.dtype)
    fourier_features(plan, coarse, fine, rows, x[:widest])
    b = config.biline_channels
    embedded = torch.empty(len(config.levels), b, samples, dtype=plan.dtype, device=x.device)
    names = itertools.cycle(("line b", "line a"))
    level = 0
    for block in plan.lines:
        for layer in block.layers:
            poll()
            width = layer.weight.shape[0]
            y = workspace.buffer(next(names), width, samples, plan.dtype)
            apply(layer, x, y[:width])
            x = y
        if block.project is not None:
            apply(block.project, x, embedded[level])
            if level:
                embedded[level] += embedded[level - 1]
            level += 1
    return embedded.view(len(config.levels), b, -1, config.thickness)


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
    b = plan.config.biline_channels
    feature = workspace.buffer("feature", b, plan.tile_pixels, plan.dtype)
    composed = compose(0)
    pixels = composed.shape[1]
    feature[:b, :pixels] = composed
    for level, stack in enumerate(plan.decoders, start=1):
        x = feature
        for layer, name in zip(stack, ("thin", "wide", "thin", "feature"), strict=True):
            width = layer.weight.shape[0]
            y = workspace.buffer(name, width, plan.tile_pixels, plan.dtype)
            apply(layer, x, y[:width])
            x = y
        if level < len(plan.decoders):
            feature[:b, :pixels] += compose(level)
    return feature


def head_tile(plan: Plan, feature: Tensor, workspace: Workspace) -> Tensor:
    """RGB [3, P] of features [B + 1, P]; the only part that reads the last style."""
    p = feature.shape[1]
    image = workspace.buffer("image", 3, p, plan.dtype)[:3]
    share = workspace.buffer("share", 3, p, plan.dtype)[:3]
    apply(plan.head.image, feature, image)
    x = feature
    for fc0, fc1, to_rgb in plan.head.blocks:
        for layer, name in ((fc0, "head a"), (fc1, "head b")):
            width = layer.weight.shape[0]
            y = workspace.buffer(name, width, p, plan.dtype)
            apply(layer, x, y[:width])
            x = y
        apply(to_rgb, x, share)
        image += share
    return image
