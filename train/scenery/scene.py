"""What one picture shows: the parameters of a batch of scenes, drawn per index.

Lengths are in plane units (the whole picture is 1 wide and 1 high), y grows downwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from train.randomness import uniforms
from train.scenery.palette import HOURS, palette, weathered

RIDGES = 5  # slots, far to near; pictures show two to five
_DRAWS = 96

# Elevation of sun or moon above the horizon at each hour, as a part of the sky.
_ELEVATION = torch.tensor([0.62, -0.14, 0.08, 0.42, 0.74, 0.52, 0.24, 0.07, -0.12, 0.38])


@dataclass(frozen=True)
class Scene:
    """Parameters of N scenes: float32 [N] unless said otherwise."""

    key: Tensor  # int64 [N], seed of all noise of this scene
    hour: Tensor  # [0, 10), see palette
    colours: Tensor  # [N, 11, 3]
    overcast: Tensor  # 0 clear … 1 grey
    haze: Tensor  # aerial perspective, 0.3 … 1
    night: Tensor  # 0 day … 1 night
    horizon: Tensor  # y where the sky ends
    lake: Tensor  # 1 with a lake, 0 without
    waterline: Tensor  # y of the lake's far shore; below all pictures without a lake
    ripple: Tensor  # how rough the water is, 0 … 1
    sun_x: Tensor
    sun_y: Tensor
    low: Tensor  # 1 with sun or moon at the horizon … 0 high above
    sun_radius: Tensor
    sun_strength: Tensor  # of the disc
    glow: Tensor  # strength of the halo
    clouds: Tensor  # cover, 0 … 1
    cloud_size: Tensor
    base: Tensor  # [N, K] y of the ridges' feet
    height: Tensor  # [N, K] of the fractal part
    cell: Tensor  # [N, K] width of the coarsest features
    sharp: Tensor  # [N, K] 0 hills … 1 alpine
    gain: Tensor  # [N, K] roughness
    depth: Tensor  # [N, K] 0 far … 1 near
    peak_x: Tensor  # [N, K]
    peak_height: Tensor  # [N, K]
    peak_width: Tensor  # [N, K]
    valley: Tensor  # [N, K] how far the ridge rises towards the sides
    snow: Tensor  # y above which ridges are white; above all pictures without snow
    trees: Tensor  # [N, K] height of conifers, 0 for none

    def part(self, start: int, stop: int) -> Scene:
        """Scenes start … stop−1 of this batch."""
        return Scene(**{field.name: getattr(self, field.name)[start:stop] for field in fields(self)})


class _Draws:
    """Hands out columns of uniform numbers, in the order of the calls."""

    def __init__(self, numbers: Tensor) -> None:
        self._numbers = numbers
        self._next = 0

    def __call__(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        self._next += 1
        return (low + (high - low) * self._numbers[:, self._next - 1]).float()

    def each(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """One number per ridge, [N, K]."""
        return torch.stack([self(low, high) for _ in range(RIDGES)], dim=1)

    def chance(self, probability: float) -> Tensor:
        """1 with this probability, else 0."""
        return (self() < probability).float()


def draw_scenes(seed: int, indices: Iterable[int]) -> Scene:
    """The scenes of `indices`; each is a function of seed and index alone."""
    draw = _Draws(uniforms(seed, "scenery", indices, _DRAWS))
    key = (draw().double() * 2.0**24).long() * 256 + (draw().double() * 256).long()
    hour = draw(0, HOURS)
    alpine = draw()
    lake = draw.chance(0.5)
    return Scene(key=key, hour=hour, lake=lake, **_weather(draw, hour), **_land(draw, hour, lake, alpine))


def _weather(draw: _Draws, hour: Tensor) -> dict[str, Tensor]:
    night = _night(hour)
    grey = ((draw() - 0.82) / 0.18).clamp(0, 1) * draw(0.5, 0.95) * (1 - 0.7 * night)
    colours = weathered(palette(hour, draw()), grey, draw(-1, 1))
    clouded = draw.chance(0.65)
    return {
        "colours": colours,
        "overcast": grey,
        "night": night,
        "haze": draw(0.35, 1),
        "glow": draw(0.6, 1) * (1 - 0.75 * grey),
        "sun_radius": draw(0.020, 0.042) * (1 + 0.35 * night),
        "sun_strength": (1 - 1.3 * grey).clamp(min=0),
        "clouds": torch.maximum(clouded * draw(0.2, 0.75), grey * 0.9),
        "cloud_size": draw(0.7, 1.5),
        "ripple": draw(),
    }


def _night(hour: Tensor) -> Tensor:
    """1 in the middle of the night, 0 by day, over the hours of dusk and dawn."""
    from_midnight = torch.minimum(hour, HOURS - hour)
    return (1.5 - from_midnight).clamp(0, 1)


def _land(draw: _Draws, hour: Tensor, lake: Tensor, alpine: Tensor) -> dict[str, Tensor]:
    horizon = torch.lerp(draw(0.50, 0.80), draw(0.48, 0.66), lake)
    waterline = torch.where(lake > 0, horizon + draw(0.03, 0.12), torch.full_like(lake, 1e3))
    count = 2 + (draw() * 4).floor()
    slot = torch.arange(RIDGES)
    shown = slot >= RIDGES - count[:, None]  # the far slots stay empty
    depth = ((slot - RIDGES + count[:, None]) / (count[:, None] - 1)).clamp(0, 1)
    foot = torch.where(
        lake > 0, waterline - 0.01, torch.lerp(horizon, torch.ones_like(horizon), draw(0.45, 0.75))
    )
    base = torch.lerp(horizon[:, None] + 0.01, foot[:, None], depth) + draw.each(-0.015, 0.015)
    far = 1 - depth
    size = torch.lerp(draw(0.05, 0.10), draw(0.12, 0.28), alpine)[:, None]
    height = size * torch.lerp(torch.tensor(0.35), torch.tensor(1.0), far) * draw.each(0.7, 1.2)
    sharp = (alpine[:, None] * 1.3 - 0.25 - 0.5 * depth + draw.each(-0.1, 0.1)).clamp(0, 1)
    peaked = (draw.each() < 0.45 * far + 0.1).float()
    wooded = draw.chance(0.6) * draw(0.02, 0.085)
    return {
        "horizon": horizon,
        "waterline": waterline,
        "base": torch.where(shown, base, torch.full_like(base, 1e3)),
        "height": height,
        "cell": draw.each(0.22, 0.55) * torch.lerp(torch.tensor(1.2), torch.tensor(0.8), depth),
        "sharp": sharp,
        "gain": 0.36 + 0.14 * sharp,
        "depth": depth,
        "peak_x": draw.each(0.1, 0.9),
        "peak_height": peaked * draw.each(0.5, 1.5) * size * (0.3 + far),
        "peak_width": draw.each(0.12, 0.3),
        "valley": draw.chance(0.4)[:, None] * draw.each(0.0, 0.16),
        "snow": torch.where(alpine > 0.55, horizon - draw(0.02, 0.16), torch.full_like(alpine, -1e3)),
        "trees": wooded[:, None] * (depth > 0.6) * (0.35 + 0.65 * depth**3),
        **_sun(draw, hour, horizon),
    }


def _sun(draw: _Draws, hour: Tensor, horizon: Tensor) -> dict[str, Tensor]:
    index = hour.floor().long()
    elevation = torch.lerp(_ELEVATION[index % HOURS], _ELEVATION[(index + 1) % HOURS], hour - index)
    above = horizon * elevation * draw(0.8, 1.15) + draw(-0.03, 0.05)
    return {
        "sun_x": draw(0.14, 0.86),
        "sun_y": horizon - above,
        "low": 1 / (1 + (above.clamp(min=0) / 0.2) ** 2),
    }
