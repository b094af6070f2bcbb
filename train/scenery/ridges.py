"""Ridges: silhouettes as functions of x, their coverage of pixels, and the light on them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from train.scenery.noise import line_noise, mixed, plane_noise, smooth
from train.scenery.plants import conifers
from train.scenery.scene import Scene

_INSIDE = 4  # points within a pixel at which trees are looked at


@dataclass(frozen=True)
class Silhouettes:
    """Skylines of the ridges over columns, far to near: float32 [N, K, W]."""

    top: Tensor  # y of the skyline, averaged over the pixel
    spread: Tensor  # how far it varies within the pixel: the height of a soft edge
    slope: Tensor  # dy/dx of the broad shape, without the finest octaves


def silhouettes(scene: Scene, columns: Tensor, pitch: Tensor) -> Silhouettes:
    """Skylines at `columns` (float64 [N, W]), averaged over `pitch` (float64 [N, 1])."""
    edges = torch.cat([columns - pitch / 2, columns[:, -1:] + pitch / 2], dim=1)
    line = _skyline(scene, edges, pitch)
    left, right = line[..., :-1], line[..., 1:]
    top, fall = (left + right) / 2, right - left
    variance = fall * fall / 12
    if bool((scene.trees > 0).any()):
        crowns = _crowns(scene, columns, pitch)
        top = top - crowns.mean(-1)
        variance = variance + crowns.var(-1, unbiased=False)
    broad = (_broad(scene, columns + 0.01) - _broad(scene, columns - 0.01)) / 0.02
    return Silhouettes(top=top, spread=(12 * variance).sqrt(), slope=broad)


def _skyline(scene: Scene, x: Tensor, pitch: Tensor) -> Tensor:
    """y of the bare ridges at x, float32 [N, K, W]."""
    slots = torch.arange(scene.base.shape[1])
    noise = line_noise(
        mixed(scene.key[:, None], slots), x, scene.cell.double(), pitch, scene.sharp, scene.gain
    )
    return _broad_shape(scene, x) - scene.height[..., None] * (0.35 + 0.65 * noise)


def _broad(scene: Scene, x: Tensor) -> Tensor:
    """The skyline's two coarsest octaves: what light falls on."""
    return _skyline(scene, x, scene.cell.double().amin(1, keepdim=True) * 0.2)


def _broad_shape(scene: Scene, x: Tensor) -> Tensor:
    at = x.float()[:, None, :]
    t = ((at - scene.peak_x[..., None]) / scene.peak_width[..., None]).abs()
    cone = torch.lerp(1 / (1 + 2 * t * t), 1 / (1 + t + t * t), scene.sharp[..., None])
    aside = (at - 0.5).abs() * 2
    valley = scene.valley[..., None] * (aside * aside / (1 + 0.3 * aside * aside) - 0.2)
    return scene.base[..., None] - scene.peak_height[..., None] * cone - valley


def _crowns(scene: Scene, columns: Tensor, pitch: Tensor) -> Tensor:
    """Heights of trees at several points of every pixel, [N, K, W, points]."""
    inside = (torch.arange(_INSIDE, dtype=torch.float64) + 0.5) / _INSIDE - 0.5
    x = (columns[..., None] + inside * pitch[..., None]).flatten(1)
    key = mixed(scene.key[:, None], torch.arange(20, 20 + scene.base.shape[1]))
    return conifers(key, x, scene.trees).unflatten(-1, (-1, _INSIDE))


def coverage(skyline: Silhouettes, y: Tensor, blur: Tensor) -> Tensor:
    """How much of every pixel lies below the skylines: [N, K, H, W], for y and blur (its height) [N, 1, H, W]."""
    top, spread = skyline.top[:, :, None, :], skyline.spread[:, :, None, :]
    width = (blur * blur + spread * spread).sqrt()
    return ((y - top) / width + 0.5).clamp_(0, 1)


def slopes_light(scene: Scene, skyline: Silhouettes, facets: Tensor, columns: Tensor) -> Tensor:
    """How much the sun meets the slopes: [N, K, H, W] in [0, 1]; `facets` [N, 1, H, W] roughens them."""
    towards = (scene.sun_x[:, None] - columns.float()) * 3
    towards = (towards / (1 + towards.abs()))[:, None, :]
    steep = skyline.slope * (1.2 - 0.5 * scene.depth[..., None])
    lean = steep / (1 + steep.abs()) * towards * 1.1
    return smooth(0.5 - lean[:, :, None, :] + facets * (0.25 + 0.55 * scene.sharp[..., None, None]))


def facet_noise(scene: Scene, rows: Tensor, columns: Tensor) -> Tensor:
    """Roughness of rock faces, [N, 1, H, W]: gullies taller than wide."""
    key = mixed(scene.key, torch.tensor(40))
    return plane_noise(key, rows / 0.22, columns / 0.11, octaves=4, gain=0.6)[:, None]
