"""Which samples of which pictures a step looks at: training grid, windows, jitter, the order of data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from creps_core.config import TrainingGrid
from train.randomness import permutation, uniforms


class Coordinates(NamedTuple):
    """Sample grids, one per picture, float64 in plane units; `shared` when all are the same."""

    rows: Tensor  # [N, n]
    columns: Tensor  # [N, n]
    shared: bool


def grid_line(grid: TrainingGrid, size: int) -> Tensor:
    """The coordinates of a training axis: float64 [size]."""
    if grid == "endpoints":
        return torch.linspace(0, 1, size, dtype=torch.float64)
    return (torch.arange(size, dtype=torch.float64) + 0.5) / size


def whole(grid: TrainingGrid, size: int, count: int) -> Coordinates:
    """The training grid itself for `count` pictures."""
    line = grid_line(grid, size).expand(count, size)
    return Coordinates(line, line, shared=True)


class Looks:
    """Draws where each sample of a run looks, by its index in the run."""

    def __init__(
        self, grid: TrainingGrid, seed: int, *, windows: float, window_zoom: float, jitter: bool
    ) -> None:
        self._grid: TrainingGrid = grid
        self._seed = seed
        self._windows, self._octaves, self._jitter = windows, math.log2(window_zoom), jitter

    def draw(self, stream: str, samples: Sequence[int], size: int) -> Coordinates:
        """Grids of `size` samples a side, one for each of `samples`."""
        plain = whole(self._grid, size, len(samples))
        if not self._windows and not self._jitter:
            return plain
        u = uniforms(self._seed, f"look.{stream}", samples, 6)
        # Magnifications are spread evenly over octaves, and windows over the picture.
        zoom = torch.where(u[:, 0] < self._windows, 2 ** (u[:, 1] * self._octaves), 1.0)
        extent = 1 / zoom
        offset = u[:, 2:4] * (1 - extent).unsqueeze(1)
        if self._jitter:
            pitch = 1 / (size - 1) if self._grid == "endpoints" else 1 / size
            offset = offset + (u[:, 4:6] - 0.5) * (pitch * extent).unsqueeze(1)
        rows, columns = (
            offset[:, axis, None] + extent[:, None] * line
            for axis, line in ((0, plain.rows), (1, plain.columns))
        )
        return Coordinates(rows, columns, shared=False)


def data_indices(seed: int, samples: Sequence[int], length: int) -> Tensor:
    """Which picture each sample of the run shows: every epoch is a new shuffle. int64 [N].

    Sets too long to be seen twice (drawn ones) are taken in order.
    """
    if length >= 2**31 - 1:
        return torch.tensor(list(samples), dtype=torch.int64) % length
    shuffles = {epoch: permutation(seed, "epoch", epoch, length) for epoch in {s // length for s in samples}}
    return torch.tensor([int(shuffles[s // length][s % length]) for s in samples], dtype=torch.int64)
