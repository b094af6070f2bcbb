"""The transformations of colour: brightness, contrast, luma flip, hue and saturation, as one matrix."""

from __future__ import annotations

import torch
from torch import Tensor

from train.augment_config import AugmentStrengths
from train.augment_draws import Draws
from train.augment_subset import transform_hit

# The grey axis v = (1, 1, 1)/√3: what projects onto it, and the turn about it (v × ·).
_ON_GREY = torch.full((3, 3), 1 / 3, dtype=torch.float64)
_AROUND_GREY = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], dtype=torch.float64) / 3**0.5


def apply_colour(images: Tensor, draws: Draws, strengths: AugmentStrengths) -> Tensor:
    """Change the colours of images [N, 3, H, W] as drawn."""
    matrices = colour_matrices(draws, strengths)
    hit = (matrices != torch.eye(4, dtype=torch.float64)).flatten(1).any(1)
    return transform_hit(images, hit, lambda x, rows: recolour(x, matrices[rows].to(x)))


def recolour(images: Tensor, matrices: Tensor) -> Tensor:
    """images [n, 3, H, W] with each colour (r, g, b, 1) multiplied by the picture's matrix of [n, 4, 4]."""
    return torch.baddbmm(matrices[:, :3, 3:], matrices[:, :3, :3], images.flatten(2)).view_as(images)


def colour_matrices(draws: Draws, strengths: AugmentStrengths) -> Tensor:
    """Brightness, then contrast, luma flip, hue and saturation: float64 [N, 4, 4]."""
    brightness = draws.normal("brightness", strengths.brightness)
    contrast = _3x3(draws.log_normal("contrast", strengths.contrast))
    flipped = _3x3(draws.choice("luma_flip", 2))
    angle = _3x3(torch.deg2rad(draws.between("hue", strengths.hue)))
    saturation = _3x3(draws.log_normal("saturation", strengths.saturation))

    identity = torch.eye(3, dtype=torch.float64)
    luma_flip = identity - 2 * flipped * _ON_GREY  # Householder's reflection of the grey axis
    hue = angle.cos() * identity + angle.sin() * _AROUND_GREY + (1 - angle.cos()) * _ON_GREY  # Rodrigues
    saturate = saturation * identity + (1 - saturation) * _ON_GREY
    linear = saturate @ hue @ luma_flip * contrast

    matrices = torch.eye(4, dtype=torch.float64).repeat(len(brightness), 1, 1)
    matrices[:, :3, :3] = linear
    matrices[:, :3, 3] = linear.sum(2) * brightness[:, None]  # brightness comes first
    return matrices


def _3x3(numbers: Tensor) -> Tensor:
    """[N] → [N, 1, 1], to multiply matrices with."""
    return numbers[:, None, None]
