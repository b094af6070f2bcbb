"""Pictures and hand-made random numbers for the tests of the augmentations."""

from __future__ import annotations

import math
from statistics import NormalDist

import torch
from torch import Tensor

from train.augment_config import AugmentConfig, augment_set
from train.augment_draws import COLUMNS, COUNT
from train.randomness import uniforms

EVERYTHING = augment_set("bgcfnc")
SINGLE = [name for name in AugmentConfig.__dataclass_fields__ if name != "strengths"]
SPARED = 0.999  # a deciding number that spares its sample at p = ½ …
HIT = 0.0  # … and one that does not


def drawn(count: int, seed: int = 0) -> Tensor:
    return uniforms(seed, "augment", range(count), COUNT)


def noise(count: int, width: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(count, 3, width, width, generator=torch.Generator().manual_seed(1), dtype=dtype)


def smooth(width: int, waves: int = 3) -> Tensor:
    """A picture of a few long waves, float64 [1, 3, width, width]."""
    generator = torch.Generator().manual_seed(2)
    at = torch.arange(width, dtype=torch.float64) / width * 2 * math.pi
    picture = torch.zeros(3, width, width, dtype=torch.float64)
    for y in range(waves):
        for x in range(waves):
            amplitude, phase = torch.rand(2, 3, 1, 1, generator=generator, dtype=torch.float64)
            picture += amplitude * torch.cos(y * at[:, None] + x * at + 6.3 * phase)
    return picture[None]


def chosen(count: int = 1, **numbers: tuple[float, ...]) -> Tensor:
    """Uniforms that apply the named transformations with these numbers, at p = ½."""
    row = torch.full((count, COUNT), SPARED, dtype=torch.float64)
    for name, values in numbers.items():
        row[:, COLUMNS[name]] = torch.tensor([HIT, *values], dtype=torch.float64)
    return row


def quantile(normal: float) -> float:
    """The uniform number that becomes this normal one."""
    return NormalDist().cdf(normal)


def turned(degrees: float) -> Tensor:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.tensor([[[cos, sin, 0.0], [-sin, cos, 0.0]]], dtype=torch.float64)
