"""Lakes: the scene's rows folded at the waterline, ripples, and the sun's path on the water."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from train.scenery.noise import mixed, plane_noise
from train.scenery.scene import Scene


@dataclass(frozen=True)
class Fold:
    """Where a picture's rows look: above the waterline at themselves, below at what is mirrored."""

    rows: Tensor  # float64 [N, H], folded
    y: Tensor  # float32 [N, 1, H, W], folded and rippled
    water: Tensor  # float32 [N, 1, H, 1], coverage of the water
    blur: Tensor  # float32 [N, 1, H, 1], height over which edges are soft
    below: Tensor  # float32 [N, 1, H, 1], distance below the waterline
    waves: Tensor  # float32 [N, 1, H, W], about ±1, zero where there is no water


def fold(scene: Scene, rows: Tensor, columns: Tensor, pitch: Tensor) -> Fold:
    """Fold `rows` (float64 [N, H], `pitch` [N, 1] apart) at the waterline of each scene."""
    line = scene.waterline.double()[:, None]
    below = (rows - line).clamp(min=0)
    folded = torch.minimum(rows, 2 * line - rows)
    water = ((rows - line) / pitch + 0.5).clamp(0, 1)
    waves = torch.zeros(len(rows), rows.shape[1], columns.shape[1])
    wet = scene.lake > 0
    if bool(wet.any()):
        waves[wet] = _waves(scene.key[wet], below[wet], columns[wet])
    below = below.float()
    waves = waves * (below > 0)[..., None]
    rough = scene.ripple[:, None] * below / (0.1 + below)
    y = folded.float()[..., None] + waves * (0.022 * rough)[..., None]
    blur = (pitch.float() ** 2 + (0.03 * (0.3 + scene.ripple[:, None]) * below) ** 2).sqrt()
    return Fold(
        rows=folded,
        y=y[:, None],
        water=water.float()[:, None, :, None],
        blur=blur[:, None, :, None],
        below=below[:, None, :, None],
        waves=waves[:, None],
    )


def _waves(key: Tensor, below: Tensor, columns: Tensor) -> Tensor:
    """Long flat waves that come closer together towards the far shore, [N, H, W]."""
    v = 9 * torch.log(below + 0.05)
    return plane_noise(mixed(key, torch.tensor(70)), v, columns / 0.35, octaves=2, gain=0.6)


def path_of_light(scene: Scene, flow: Fold, columns: Tensor) -> Tensor:
    """Sunlight on the water, [N, 1, H, W]: a broken column below the sun."""
    width = 0.03 + 0.16 * flow.below
    dx = (columns.float() - scene.sun_x[:, None])[:, None, None, :] / width
    column = 1 / (1 + dx * dx)
    return (
        column
        * column
        * (0.5 + 0.7 * flow.waves).clamp(0, 1)
        * flow.water
        * (0.3 + 0.7 * scene.low)[:, None, None, None]
    )
