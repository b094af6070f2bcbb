"""Features of pixels, kept between frames of one grid: where a change of later styles can go on.

A feature's *level* says how far it has come: ahead of level l's composition. With all levels done it is what
the head reads, so that a change of the last style costs the head alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from creps_core.lattice import Block, Rect


class Features:
    """Features of a grid's pixels ahead of one level, filled tile by tile."""

    def __init__(
        self, level: int, shape: tuple[int, int], channels: int, dtype: torch.dtype, visible: Rect
    ) -> None:
        self.level = level
        self._data = torch.empty(channels, *shape, dtype=dtype)
        self._have = np.ones(shape, dtype=np.bool_)  # nothing is needed where only ground is shown
        self._have[visible.top : visible.bottom, visible.left : visible.right] = False

    @property
    def nbytes(self) -> int:
        """Memory of the features."""
        return self._data.numel() * self._data.element_size()

    @property
    def whole(self) -> bool:
        """Whether every pixel's feature is here."""
        return bool(self._have.all())

    def has(self, block: Block) -> bool:
        """Whether every pixel of the block is here."""
        return bool(self._have[_slices(block)].all())

    def load(self, block: Block, tile: Tensor) -> None:
        """Copy the block's features into tile [B, h, w]."""
        tile.copy_(self._data[:, *_slices(block)])

    def store(self, block: Block, tile: Tensor) -> None:
        """Keep the features of the block's pixels, [B, h, w]."""
        self._data[:, *_slices(block)] = tile
        self._have[_slices(block)] = True

    def skip(self, block: Block) -> None:
        """The block shows nothing but ground and will not ask for features."""
        self._have[_slices(block)] = True


def known_level(features: Sequence[Features], block: Block) -> int:
    """How far every pixel of the block is known."""
    return max((kept.level for kept in features if kept.has(block)), default=0)


def carried_over(earlier: Sequence[Features], shared: int, levels: int) -> list[Features]:
    """Which of an earlier frame's features hold for latents that share its first `shared` levels.

    Args:
        levels: of the network; features that far are what the head reads.

    Returns:
        At most three: what the head reads, what is nearest to the change, and what else may still help.
    """
    valid = sorted((kept for kept in earlier if kept.level <= shared), key=lambda kept: -kept.level)
    head = [kept for kept in valid if kept.level == levels]
    inner = [kept for kept in valid if kept.level < levels]
    at_change = [kept for kept in inner if kept.level == shared]
    if at_change and at_change[0].whole:
        return head + at_change[:1]
    return head + inner[:2]


def _slices(block: Block) -> tuple[slice, slice]:
    rows, columns = block.rows, block.columns
    return (
        slice(rows.start, rows.stop, rows.step),
        slice(columns.start, columns.stop, columns.step),
    )
