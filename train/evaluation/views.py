"""Pictures of one latent by the renderer: at any size, moved by fractions of a sample, turned."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor

from creps_core.config import TrainingGrid
from creps_core.generator import Generator
from creps_core.grid import GeneralGrid, Line, SeparableGrid
from creps_core.plan import Plan
from creps_core.renderer import Renderer
from creps_core.samples import Grid
from creps_core.view import Size, View, log2_of
from train.evaluation.samples import latents


def picture_plan(renderer: Renderer, number: int, seed: int, truncation_psi: float) -> Plan:
    """The plan of the picture with this number; classes take turns."""
    generator: Generator = renderer.generator
    config = generator.config
    c = None
    if config.c_dim:
        c = torch.nn.functional.one_hot(torch.tensor([number % config.c_dim]), config.c_dim).float()
    z = latents(config.z_dim, range(number, number + 1), seed)
    with torch.no_grad():
        return renderer.plan(generator.mapping(z, c, truncation_psi=truncation_psi))


def line_of(grid: TrainingGrid, size: int, shift: Fraction = Fraction(0)) -> Line:
    """The `size` samples of a side, moved by `shift` of their distance, exactly."""
    start = Fraction(0) if grid == "endpoints" else Fraction(1, 2 * size)
    pitch = Fraction(1, size - 1 if grid == "endpoints" else size)
    return Line(start + shift * pitch, pitch, size)


def square(grid: TrainingGrid, size: int) -> SeparableGrid:
    """All samples of the whole picture."""
    return SeparableGrid(line_of(grid, size), line_of(grid, size))


def turned(grid: TrainingGrid, size: int, degrees: float) -> GeneralGrid:
    """The same samples turned about the picture's middle. `degrees` is no multiple of 90."""
    # A view's samples are centres that fill its unit square; those of `endpoints` lie a little further apart.
    zoom = (size - 1) / size if grid == "endpoints" else 1.0
    return GeneralGrid(View(log2_zoom=log2_of(zoom), rotation_deg=degrees), Size(size, size))


def rendered(renderer: Renderer, plan: Plan, grid: Grid) -> Tensor:
    """float32 [1, 3, H, W], unclamped."""
    return torch.from_numpy(renderer.render(plan, grid)).permute(2, 0, 1).unsqueeze(0)
