"""Conifers, as a silhouette over a ridge line: a height for every x, no scattered objects."""

from __future__ import annotations

import torch
from torch import Tensor

from train.scenery.noise import hashed, mixed

_ROWS = 2  # of trees behind each other
_TIERS = 5.0  # of branches per tree


def conifers(key: Tensor, x: Tensor, height: Tensor) -> Tensor:
    """Height of a forest's edge.

    Args:
        key: int64 [N, K].
        x: float64 [N, W].
        height: Of the tallest trees, float32 [N, K]; zero for none.

    Returns:
        float32 [N, K, W], from 0 to `height`.
    """
    cell = height.clamp(min=1e-3).double() * 0.34
    best = torch.zeros(*height.shape, x.shape[1])
    for row in range(_ROWS):
        keys = mixed(key, torch.tensor(row))
        at = x[:, None, :] / cell[..., None] + hashed(keys, torch.tensor(1)).double()[..., None]
        middle = at.floor()
        for neighbour in (-1, 0, 1):
            best = torch.maximum(
                best, _tree(keys, middle.long() + neighbour, (at - middle - neighbour).float())
            )
    return best * height[..., None]


def _tree(keys: Tensor, cell: Tensor, offset: Tensor) -> Tensor:
    """Relative height of the tree of a cell at `offset` cells from the cell's left end."""
    cell_key = mixed(keys[..., None], cell)
    size = 0.68 + 0.32 * hashed(cell_key, torch.tensor(0))
    centre = 0.5 + 0.38 * hashed(cell_key, torch.tensor(1))
    away = (offset - centre).abs() / (0.35 + 0.55 * size)  # 0 at the stem, 1 where the lowest branches end
    tier = away * _TIERS
    sag = tier - tier.floor()
    return size * (1 - away - 0.9 / _TIERS * (sag - 0.5) * (away * 4).clamp(max=1)).clamp(min=0) * (away < 1)
