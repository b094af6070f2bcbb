"""The transformations that move pixels: flips, quarter turns, shifts, scales and rotations.

All of a sample's transformations are multiplied into one matrix, and the picture is resampled once. A sample
that only meets flips, quarter turns and whole-pixel shifts keeps its pixels exactly. Beyond its edges a
picture goes on as its own mirror image, without end, so no transformation shows a border.

Matrices act on (x, y, 1) in pixels from the picture's centre, x to the right, y down.
"""

from __future__ import annotations

import torch
from torch import Tensor

from train.augment_config import AugmentStrengths
from train.augment_draws import Draws
from train.augment_resampling import reflected, resample
from train.augment_subset import transform_hit

_QUARTER_COSINES = torch.tensor([1.0, 0.0, -1.0, 0.0], dtype=torch.float64)
_QUARTER_SINES = torch.tensor([0.0, 1.0, 0.0, -1.0], dtype=torch.float64)


def apply_geometry(images: Tensor, draws: Draws, strengths: AugmentStrengths) -> Tensor:
    """Move the pixels of images [N, 3, W, W] as drawn."""
    width = images.shape[-1]
    blits = blit_matrices(draws, strengths, width)
    general = general_matrices(draws, strengths, width)
    # Where an output pixel comes from: the inverse transformation.
    sources = torch.linalg.inv(general @ blits)[:, :2]
    generally = _differs_from_identity(general)
    exactly = _differs_from_identity(blits) & ~generally
    images = transform_hit(images, exactly, lambda x, rows: blit(x, sources[rows]))
    return transform_hit(images, generally, lambda x, rows: resample(x, sources[rows]))


def blit_matrices(draws: Draws, strengths: AugmentStrengths, width: int) -> Tensor:
    """x-flip, then quarter turns anticlockwise, then a shift by whole pixels: float64 [N, 3, 3], exact."""
    turns = draws.choice("quarter_turns", 4)
    return (
        _shifts(
            *((draws.between("integer_shift", strengths.integer_shift, i) * width).round() for i in (0, 1))
        )
        @ _rotations(_QUARTER_COSINES[turns], _QUARTER_SINES[turns])
        @ _scales(1.0 - 2.0 * draws.choice("x_flip", 2), torch.ones(len(turns), dtype=torch.float64))
    )


def general_matrices(draws: Draws, strengths: AugmentStrengths, width: int) -> Tensor:
    """Scale, rotate, scale anisotropically, rotate again, shift: float64 [N, 3, 3]."""
    scale = draws.log_normal("scale", strengths.scale)
    stretch = draws.log_normal("anisotropy", strengths.anisotropy)
    before, after = (
        torch.deg2rad(draws.between(name, strengths.rotation))
        for name in ("rotation_before", "rotation_after")
    )
    return (
        _shifts(*(draws.normal("shift", strengths.shift, i) * width for i in (0, 1)))
        @ _rotations(after.cos(), after.sin())
        @ _scales(stretch, 1 / stretch)
        @ _rotations(before.cos(), before.sin())
        @ _scales(scale, scale)
    )


def blit(images: Tensor, sources: Tensor) -> Tensor:
    """As `augment_resampling.resample`, where every source is a whole pixel: values are copied."""
    count, channels, width, _ = images.shape
    half = (width - 1) / 2
    sources = sources.to(images)  # float32 holds halves of pixels exactly
    centred = torch.arange(width, dtype=images.dtype, device=images.device) - half
    source = sources[:, :, 0, None, None] * centred + sources[:, :, 1, None, None] * centred[:, None]
    column, row = reflected(source + sources[:, :, 2, None, None] + half, width - 1).round().long().unbind(1)
    index = (row * width + column).flatten(1)[:, None]  # [n, 1, W·W]
    return images.flatten(2).gather(2, index.expand(-1, channels, -1)).view(count, channels, width, width)


def _differs_from_identity(matrices: Tensor) -> Tensor:
    return (matrices != torch.eye(3, dtype=torch.float64)).flatten(1).any(1)


def _shifts(x: Tensor, y: Tensor) -> Tensor:
    matrices = torch.eye(3, dtype=torch.float64).repeat(len(x), 1, 1)
    matrices[:, 0, 2], matrices[:, 1, 2] = x, y
    return matrices


def _scales(x: Tensor, y: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([x, y, torch.ones_like(x)], 1))


def _rotations(cosines: Tensor, sines: Tensor) -> Tensor:
    """Anticlockwise as one sees it (y points down)."""
    matrices = torch.eye(3, dtype=torch.float64).repeat(len(cosines), 1, 1)
    matrices[:, 0, 0], matrices[:, 0, 1] = cosines, sines
    matrices[:, 1, 0], matrices[:, 1, 1] = -sines, cosines
    return matrices
