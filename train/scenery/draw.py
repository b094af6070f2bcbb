"""The drawn data set: landscapes of any resolution, with no picture twice."""

from __future__ import annotations

import torch
from torch import Tensor

from train.scenery import ridges, sky, water
from train.scenery.noise import smooth
from train.scenery.palette import CLOUD_LIT, CLOUD_SHADE, DISC, GLOW, HAZE, HORIZON, LIT, SHADE
from train.scenery.scene import Scene, draw_scenes

_CHUNK = 2**18  # samples drawn at once: many share the cost of a call, and memory stays small


class Scenery:
    """Drawn landscapes, deterministic by seed and index (see train.pictures.Pictures)."""

    name = "scenery"
    c_dim = 0

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def __len__(self) -> int:
        return 2**31

    def labels(self, indices: Tensor) -> Tensor:
        """No labels: float32 [N, 0]."""
        return torch.zeros(len(indices), 0)

    @torch.no_grad()
    def sample(self, indices: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Draw pictures `indices` (int64 [N]) at rows [N, H] and columns [N, W]: RGB [N, 3, H, W].

        Coordinates may be any real numbers: the landscape goes on beyond [0, 1]².
        """
        scene = draw_scenes(self.seed, indices.tolist())
        rows, columns = rows.double(), columns.double()
        chunk = max(1, _CHUNK // (rows.shape[1] * columns.shape[1]))
        out = torch.empty(len(indices), 3, rows.shape[1], columns.shape[1])
        for start in range(0, len(indices), chunk):
            stop = min(start + chunk, len(indices))
            out[start:stop] = _draw(scene.part(start, stop), rows[start:stop], columns[start:stop])
        return out


def _pitch(rows: Tensor, columns: Tensor) -> Tensor:
    """Distance of neighbouring samples, float64 [N, 1]; 2⁻⁹ for a lone sample."""
    for line in (columns, rows):
        if line.shape[1] > 1:
            return ((line[:, -1:] - line[:, :1]) / (line.shape[1] - 1)).clamp(min=2.0**-50)
    return torch.full_like(rows[:, :1], 2.0**-9)


def _draw(scene: Scene, rows: Tensor, columns: Tensor) -> Tensor:
    pitch = _pitch(rows, columns)
    flow = water.fold(scene, rows, columns, pitch)
    squared = sky.distance_squared(scene, flow.y, columns)
    glow = sky.halo(scene, squared)
    image = _sky(scene, flow, columns, squared, glow)
    _paint_land(image, scene, flow, columns, pitch, glow)
    _tint_water(image, scene, flow, columns)
    return image.mul_(2).sub_(1).clamp_(-1, 1)


def _colour(scene: Scene, name: int) -> Tensor:
    return scene.colours[:, name, :, None, None]


def _each(value: Tensor) -> Tensor:
    """[N] → [N, 1, 1, 1]."""
    return value[:, None, None, None]


def _mix(image: Tensor, colour: Tensor, amount: Tensor) -> None:
    """Move `image` [N, 3, H, W] towards `colour` by `amount` [N, 1, H, W], in place."""
    image.lerp_(colour, amount)


def _sky(scene: Scene, flow: water.Fold, columns: Tensor, squared: Tensor, glow: Tensor) -> Tensor:
    y = flow.rows.float()
    image = sky.gradient(scene, y).expand(-1, -1, -1, columns.shape[1]).contiguous()
    for number in torch.nonzero(scene.night > 0.05).flatten().tolist():
        one = slice(number, number + 1)
        shine = sky.stars(scene.part(number, number + 1), y[one], columns[one], flow.blur[one, 0, :, 0])
        image[one] += 0.9 * scene.night[one] * shine
    _mix(image, _colour(scene, GLOW), glow * 0.85)
    _mix(image, _colour(scene, DISC), sky.disc(scene, squared, flow.blur) * (1 - 0.6 * flow.water))
    cover, thick = sky.clouds(scene, flow.rows, columns)
    colour = torch.lerp(_colour(scene, CLOUD_LIT), _colour(scene, CLOUD_SHADE), thick * (1 - 0.7 * glow))
    _mix(image, colour, cover * 0.85)
    return image


def _paint_land(
    image: Tensor, scene: Scene, flow: water.Fold, columns: Tensor, pitch: Tensor, glow: Tensor
) -> None:
    skyline = ridges.silhouettes(scene, columns, pitch)
    ground = ridges.land(scene, skyline, flow.y, flow.blur)
    facets = ridges.facet_noise(scene, flow.rows, columns)
    light = ridges.light(scene, ground, facets, columns)
    colour = torch.lerp(_colour(scene, SHADE), _colour(scene, LIT), light * _each(0.7 - 0.4 * scene.overcast))
    snow = smooth((_each(scene.snow) + 0.06 * facets - flow.y) / 0.03 + 0.5) * (
        1.5 * ground.far * ground.sharp
    ).clamp_(max=1)
    colour.lerp_(torch.lerp(_colour(scene, HAZE), _colour(scene, CLOUD_LIT), light), snow)
    haze = torch.lerp(_colour(scene, HAZE), _colour(scene, HORIZON), torch.tensor(0.35))
    haze = torch.lerp(haze, _colour(scene, GLOW), glow * 0.6)
    mist = smooth(1 - (ground.foot - flow.y) / 0.16) * 0.35 * (0.3 + ground.far)
    veil = (_each(scene.haze) * (0.08 + 0.72 * ground.far) + mist).clamp_(0, 0.93)
    image.lerp_(colour.lerp_(haze, veil), 1 - ground.sky)


def _tint_water(image: Tensor, scene: Scene, flow: water.Fold, columns: Tensor) -> None:
    deep = (flow.water * (0.10 + 0.5 * flow.below / (0.25 + flow.below))).expand_as(image[:, :1])
    _mix(image, torch.lerp(_colour(scene, SHADE), _colour(scene, HAZE), torch.tensor(0.3)), deep * 0.8)
    image += 0.035 * flow.waves * flow.water
    _mix(
        image,
        _colour(scene, GLOW),
        0.6 * water.path_of_light(scene, flow, columns) * _each(1 - scene.overcast),
    )
