"""Slow ways to the same picture, and small networks to try them on: what the renderer is compared with."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from creps_core.config import GeneratorConfig
from creps_core.generator import Generator
from creps_core.grid import Line, SeparableGrid
from creps_core.lines import Axis, FourierInput, embed_line
from creps_core.renderer import Renderer
from creps_core.view import Size, View

Floats = NDArray[np.float32]
Point = tuple[Fraction, Fraction]  # (x, y)

SMALL = GeneratorConfig(
    z_dim=8,
    w_dim=8,
    resolution=32,
    channel_base=256,
    channel_max=16,
    biline_channels=8,
    thickness=3,
    mapping_layers=1,
)


def small_generator(config: GeneratorConfig = SMALL, seed: int = 0) -> Generator:
    """A network of random weights, ready to use."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Generator(config).eval().requires_grad_(False)


def random_ws(config: GeneratorConfig, seed: int = 0) -> Tensor:
    """Styles of no particular latent, [1, num_ws, w_dim]: every style differs."""
    return torch.randn(1, config.num_ws, config.w_dim, generator=torch.Generator().manual_seed(seed))


@contextmanager
def renderer_of(generator: Generator, **options: Any) -> Iterator[Renderer]:
    """A renderer on the CPU that is closed again."""
    renderer = Renderer(generator, "cpu", **options)
    try:
        yield renderer
    finally:
        renderer.close()


@torch.no_grad()
def reference(generator: Generator, ws: Tensor, grid: SeparableGrid) -> Floats:
    """The reference network on a separable grid, float32 [H, W, 3]."""
    rows, columns = (torch.from_numpy(line.values()).float() for line in (grid.y, grid.x))
    image = generator.synthesis(ws, rows, columns)[0].permute(1, 2, 0).numpy()
    return image.swapaxes(0, 1) if grid.transposed else image


class ExactFourierInput(nn.Module):
    """`FourierInput` in float64, its phases from exact rationals: coordinates are lists of Fractions."""

    def __init__(self, published: FourierInput) -> None:
        super().__init__()
        self.published = copy.deepcopy(published).double()
        self.freqs = [Fraction(f) for f in published.freqs.flatten().tolist()]

    def forward(self, coords: Sequence[Fraction], w: Tensor, axis: Axis) -> Tensor:
        lanes = self.published.lanes
        turns = torch.tensor([[float(f * t % 1) for t in coords] for f in self.freqs], dtype=torch.float64)
        phase = 2 * math.pi * turns.view(-1, lanes, len(coords)).transpose(1, 2)
        features = torch.cat([phase.sin(), phase.cos()])
        row, column = self.published.modulation(w).split(lanes, dim=2)
        factor = (row if axis == "row" else column).unsqueeze(2)
        return features * factor / math.sqrt(self.published.channels)


def exact_generator(generator: Generator) -> Generator:
    """The network in float64, whose synthesis takes coordinates as lists of Fractions."""
    exact = copy.deepcopy(generator).double()
    exact.synthesis.b4.input = ExactFourierInput(generator.synthesis.b4.input)
    return exact


def exact_coordinates(line: Line) -> list[Fraction]:
    """The line's t_i as they are defined."""
    return [line.start + i * line.step for i in range(line.count)]


@torch.no_grad()
def exact_grid(exact: Generator, ws: Tensor, grid: SeparableGrid) -> NDArray[np.float64]:
    """Float64 evaluation of a separable grid at its exact coordinates, [H, W, 3]."""
    image = exact.synthesis(ws.double(), exact_coordinates(grid.y), exact_coordinates(grid.x))
    picture = image[0].permute(1, 2, 0).numpy()
    return picture.swapaxes(0, 1) if grid.transposed else picture


def exact_points(exact: Generator, ws: Tensor, points: Sequence[Point]) -> NDArray[np.float64]:
    """Float64 evaluation at points, [n, 3]."""
    return _at_points(exact, ws.double(), [y for _, y in points], [x for x, _ in points])


def dense_points(generator: Generator, ws: Tensor, points: NDArray[np.float64]) -> Floats:
    """The float32 reference at points [n, 2] of (x, y), [n, 3]: the line network for every one of them."""
    x, y = torch.from_numpy(points).float().unbind(1)
    return _at_points(generator, ws, y, x)


@torch.no_grad()
def _at_points(generator: Generator, ws: Tensor, y: Any, x: Any) -> NDArray[Any]:
    """`SynthesisNetwork.forward`, but the i-th row meets the i-th column alone."""
    net = generator.synthesis
    rows, columns = embed_line(net.line_blocks, ws, y, "row"), embed_line(net.line_blocks, ws, x, "column")
    first, *later = [(r * c).sum(3, keepdim=True) for r, c in zip(rows, columns, strict=True)]  # [1, B, n, 1]
    feature = first
    for level, composed in zip(generator.config.levels[1:], later, strict=True):
        feature = net.decoder(level)(feature) + composed
    feature = net.decoder_last(feature)
    feature, img = net.block0(feature, net.decoder_img(feature), ws[:, -1])
    _, img = net.block1(feature, img, ws[:, -1])
    return img[0, :, :, 0].t().numpy()


def pixel_points(view: View, size: Size, pixels: Sequence[tuple[int, int]]) -> list[Point]:
    """The exact plane points of pixels given as (row, column)."""
    return [view.plane_point(column + 0.5, row + 0.5, size) for row, column in pixels]
