"""The line network: coordinates along one axis to row or column embeddings (paper section 2.3).

It runs along each axis on its own; a row sample and a column sample never meet here. Rows and columns
share frequencies and all weights, and differ only in how the input's lanes are modulated.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from creps_core.biline import BiLine
from creps_core.config import GeneratorConfig
from creps_core.layers import FullyConnected, ModulatedLinear, ToBiLine

FREQUENCY_DEVIATION = 10.0  # cycles per plane unit, standard deviation of a fresh generator
SKIP_GAIN = math.sqrt(0.5)  # of the summed to-bi-line outputs, rows and columns alike

Axis = Literal["row", "column"]


class FourierInput(nn.Module):
    """Coordinates to modulated Fourier features, in R lanes per axis."""

    freqs: Tensor
    coords: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        channels, lanes = config.channels(4), config.thickness
        self.channels, self.lanes = channels, lanes
        self.weight = nn.Parameter(torch.randn(1, channels, 1, 2 * lanes))
        self.affine = FullyConnected(config.w_dim, channels * 2 * lanes, bias_init=1.0)
        self.register_buffer("freqs", torch.randn(1, channels // 2 * lanes) * FREQUENCY_DEVIATION)
        # The training grid, kept because published files carry it; synthesis never reads it.
        grid = torch.linspace(0, 1, config.resolution).view(1, -1, 1, 1).repeat(1, 1, 2, 1)
        self.register_buffer("coords", grid)

    def modulation(self, w: Tensor) -> Tensor:
        """w [N, w_dim] → factors of √C·features [N, C, 2R]: R lanes for rows, then R for columns."""
        styles = self.affine(w).view(-1, self.channels, 2 * self.lanes)
        return self.weight[:, :, 0] * styles

    def forward(self, coords: Tensor, w: Tensor, axis: Axis) -> Tensor:
        """coords [L], or [N, L] for a line per sample, in plane units, w [N, w_dim] → [N, C, L, R]."""
        freqs = self.freqs.view(self.channels // 2, 1, self.lanes)
        # Cycles first, then radians, the cosine as a shifted sine, √C last: rounded as published images were.
        phase = coords.view(-1, 1, coords.shape[-1], 1) * freqs * (2 * math.pi)  # [1 or N, C/2, L, R]
        features = torch.cat([phase.sin(), (phase + math.pi / 2).sin()], dim=1)  # [1 or N, C, L, R]
        row, column = self.modulation(w).split(self.lanes, dim=2)
        return features * (row if axis == "row" else column).unsqueeze(2) / math.sqrt(self.channels)


class LineBlock(nn.Module):
    """Two modulated layers (one in b4) and the projection of their output to a bi-line."""

    def __init__(self, config: GeneratorConfig, block: int) -> None:
        super().__init__()
        channels = config.channels(block)
        if block == 4:
            self.input = FourierInput(config)
        else:
            self.fc0 = ModulatedLinear(config.channels(block // 2), channels, config.w_dim)
        self.fc1 = ModulatedLinear(channels, channels, config.w_dim)
        # b4's is in every published file and never used: the skip sum starts at b8.
        self.tores = ToBiLine(channels, config.biline_channels, config.w_dim)


def embed_line(blocks: list[LineBlock], ws: Tensor, coords: Tensor, axis: Axis) -> list[Tensor]:
    """Coordinates [L] or [N, L] → the embeddings of every level 8, 16, …, each [N, B, L, R]."""
    first, *later = blocks
    x = first.fc1(first.input(coords, ws[:, 0], axis), ws[:, 1])
    levels: list[Tensor] = []
    skip: Tensor | None = None
    for m, block in enumerate(later, start=1):
        x = block.fc1(block.fc0(x, ws[:, 2 * m - 1]), ws[:, 2 * m])
        projected = block.tores(x, ws[:, 2 * m + 1])
        skip = projected if skip is None else skip + projected
        levels.append(skip * SKIP_GAIN)
    return levels


def embed_bilines(
    blocks: list[LineBlock], ws: Tensor, row_coords: Tensor, column_coords: Tensor
) -> list[BiLine]:
    """Row coordinates [H] or [N, H] and column coordinates [W] or [N, W] → every level's thick bi-line."""
    rows = embed_line(blocks, ws, row_coords, "row")
    columns = embed_line(blocks, ws, column_coords, "column")
    return [BiLine(r, c.transpose(2, 3)) for r, c in zip(rows, columns, strict=True)]
