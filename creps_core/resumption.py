"""Where the network can go on when only later styles have changed: pure arithmetic of style indices.

Blocks of the line network are numbered 0 (b4), 1 (b8), …; block m ≥ 1 reads the styles 2m−1 and 2m, and its
projection 2m+1. Composition level l is projected from block l+1. The last style feeds the head alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

from creps_core.config import GeneratorConfig
from creps_core.plan import line_flops, pixel_flops

NOWHERE = -1  # "after block −1": from the coordinates


def shared_styles(a: Tensor, b: Tensor) -> int:
    """How many leading styles of ws [1, num_ws, w_dim] are equal to the bit."""
    differ = (a != b).any(dim=2)[0]
    return int(torch.nonzero(differ)[0]) if differ.any() else differ.numel()


def shared_levels(styles: int) -> int:
    """How many leading composition levels depend on the first `styles` styles alone."""
    return max(0, styles // 2 - 1)


def last_block(styles: int) -> int:
    """The last block whose output depends on the first `styles` styles alone, or `NOWHERE`."""
    return (styles - 1) // 2 if styles >= 2 else NOWHERE


def first_level(block: int) -> int:
    """The first composition level that is computed anew when the network goes on after `block`."""
    return max(0, block - 1)


def line_share(config: GeneratorConfig, block: int) -> float:
    """What is left of a line sample's work after `block`, 0 … 1."""
    return _line_work(config, block) / _line_work(config, NOWHERE)


def _line_work(config: GeneratorConfig, after: int) -> float:
    blocks = config.block_resolutions
    total = 0.0
    for number, name in enumerate(blocks):
        width = config.channels(name)
        if number > after:
            total += width**2 if number == 0 else width * (config.channels(blocks[number - 1]) + width)
        if number and number >= after:
            total += width * config.biline_channels
    return total


def pixel_share(config: GeneratorConfig, level: int) -> float:
    """What is left of a pixel's work when its feature ahead of `level`'s composition is known, 0 … 1."""
    b = config.biline_channels
    decoder, compose = 40.0 * b * b, 2.0 * b * config.thickness
    head = 64.0 * b * b + 42.0 * b
    levels = len(config.levels)
    return ((levels - level) * (decoder + compose) + head) / (levels * (decoder + compose) + head)


def work_left(config: GeneratorConfig, shape: tuple[int, int], styles: int, lines_kept: bool) -> float:
    """What is left of a frame's work when the first `styles` styles are those of an earlier one, 0 … 1.

    Args:
        shape: rows and columns.
        lines_kept: whether the outputs of the line network's blocks are at hand.
    """
    lines = (shape[0] + shape[1]) * line_flops(config)
    pixels = shape[0] * shape[1] * pixel_flops(config)
    left = lines * line_share(config, last_block(styles) if lines_kept else NOWHERE)
    return (left + pixels * pixel_share(config, shared_levels(styles))) / (lines + pixels)
