"""The transformations that damage a picture: noise and cutout."""

from __future__ import annotations

import torch
from torch import Tensor

from train.augment_config import AugmentStrengths
from train.augment_draws import Draws
from train.augment_subset import transform_hit


def apply_noise(images: Tensor, draws: Draws, strengths: AugmentStrengths) -> Tensor:
    """Add Gaussian noise of the drawn levels to images [N, C, H, W]."""
    levels = draws.normal("noise", strengths.noise).abs()
    seeds = (draws.uniform("noise", 1) * 2.0**53).long()

    def add(x: Tensor, rows: Tensor) -> Tensor:
        noise = hashed_normals(seeds[rows].to(x.device), x[0].numel()).view(x.shape)
        return x + noise.to(x.dtype) * levels[rows].to(x)[:, None, None, None]

    return transform_hit(images, levels > 0, add)


def hashed_normals(seeds: Tensor, count: int) -> Tensor:
    """Normal numbers that depend on a seed and a position alone: int64 [n] → float32 [n, count]."""
    positions = torch.arange(1, count + 1, device=seeds.device)
    bits = _mixed(_mixed(seeds)[:, None] + positions * _signed(0x9E3779B97F4A7C15))
    # 23 bits and a half are exact in float32, and neither 0 nor 1.
    return torch.special.ndtri((_shifted(bits, 41) + 0.5) * 2.0**-23)


def _mixed(x: Tensor) -> Tensor:
    """SplitMix64's output function (Steele, Lea and Flood 2014), on int64 that wraps around."""
    x = (x ^ _shifted(x, 30)) * _signed(0xBF58476D1CE4E5B9)
    x = (x ^ _shifted(x, 27)) * _signed(0x94D049BB133111EB)
    return x ^ _shifted(x, 31)


def _shifted(x: Tensor, bits: int) -> Tensor:
    """x shifted right, zeros moving in: torch has signed integers only."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def _signed(constant: int) -> int:
    """The int64 of the same 64 bits, for constants above 2⁶³."""
    return constant - (1 << 64)


def apply_cutout(images: Tensor, draws: Draws, strengths: AugmentStrengths) -> Tensor:
    """Set a square of images [N, C, W, W] to zero, its centre drawn."""
    width = images.shape[-1]
    centres = torch.stack([draws.uniform("cutout", i) for i in (0, 1)], 1)  # [N, 2], x and y

    def cut(x: Tensor, rows: Tensor) -> Tensor:
        pixels = (torch.arange(width, dtype=torch.float64) + 0.5) / width
        column, row = ((pixels - centres[rows][..., None]).abs() < strengths.cutout / 2).unbind(1)  # [n, W]
        inside = (row[:, None, :, None] & column[:, None, None, :]).to(x.device)
        return x.masked_fill(inside, 0.0)

    return transform_hit(images, draws.hit("cutout"), cut)
