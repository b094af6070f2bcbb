"""Ridges: silhouettes as functions of x, their coverage of pixels, and what shows in a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from train.scenery.noise import line_noise, mixed, plane_noise
from train.scenery.plants import conifers
from train.scenery.scene import Scene

_INSIDE = 4  # points within a pixel at which trees are looked at
_WOODED = 2  # so many of the nearest ridges may have trees


@dataclass(frozen=True)
class Silhouettes:
    """Skylines of the ridges over columns, far to near: float32 [N, K, W]."""

    top: Tensor  # y of the skyline, averaged over the pixel
    spread: Tensor  # how far it varies within the pixel: the height of a soft edge
    slope: Tensor  # dy/dx of the broad shape, without the finer octaves


@dataclass(frozen=True)
class Land:
    """What of the ridges shows in every pixel: float32 [N, 1, H, W], averages where several ridges meet."""

    sky: Tensor  # how much of the pixel no ridge covers
    far: Tensor  # 1 the farthest ridge … 0 the nearest
    foot: Tensor  # y of the ridge's foot
    sharp: Tensor  # 0 hills … 1 rock
    slope: Tensor  # dy/dx of the ridge


def silhouettes(scene: Scene, columns: Tensor, pitch: Tensor) -> Silhouettes:
    """Skylines at `columns` (float64 [N, W]), averaged over `pitch` (float64 [N, 1])."""
    edges = torch.cat([columns - pitch / 2, columns[:, -1:] + pitch / 2], dim=1)
    line = _skyline(scene, edges, pitch)
    left, right = line[..., :-1], line[..., 1:]
    top, fall = (left + right) / 2, right - left
    variance = fall * fall / 12
    if bool((scene.trees > 0).any()):
        crowns = _crowns(scene, columns, pitch)
        top[:, -_WOODED:] -= crowns.mean(-1)
        variance[:, -_WOODED:] += crowns.var(-1, unbiased=False)
    return Silhouettes(top=top, spread=(12 * variance).sqrt(), slope=_broad_slope(scene, columns))


def _skyline(scene: Scene, x: Tensor, pitch: Tensor) -> Tensor:
    """y of the bare ridges at x, float32 [N, K, W]."""
    slots = torch.arange(scene.base.shape[1])
    noise = line_noise(
        mixed(scene.key[:, None], slots), x, scene.cell.double(), pitch, scene.sharp, scene.gain
    )
    return _broad_shape(scene, x) - scene.height[..., None] * (0.35 + 0.65 * noise)


def _broad_slope(scene: Scene, columns: Tensor) -> Tensor:
    """dy/dx of the skyline's coarsest octaves: what light falls on."""
    around = torch.cat([columns - 0.01, columns + 0.01], dim=1)
    low, high = _skyline(scene, around, scene.cell.double().amin(1, keepdim=True) * 0.2).chunk(2, dim=-1)
    return (high - low) / 0.02


def _broad_shape(scene: Scene, x: Tensor) -> Tensor:
    at = x.float()[:, None, :]
    t = ((at - scene.peak_x[..., None]) / scene.peak_width[..., None]).abs()
    cone = torch.lerp(1 / (1 + 2 * t * t), 1 / (1 + t + t * t), scene.sharp[..., None])
    aside = (at - 0.5).abs() * 2
    valley = scene.valley[..., None] * (aside * aside / (1 + 0.3 * aside * aside) - 0.2)
    return scene.base[..., None] - scene.peak_height[..., None] * cone - valley


def _crowns(scene: Scene, columns: Tensor, pitch: Tensor) -> Tensor:
    """Heights of trees on the nearest ridges, at several points of every pixel, [N, _WOODED, W, points]."""
    inside = (torch.arange(_INSIDE, dtype=torch.float64) + 0.5) / _INSIDE - 0.5
    x = (columns[..., None] + inside * pitch[..., None]).flatten(1)
    key = mixed(scene.key[:, None], torch.arange(20, 20 + _WOODED))
    return conifers(key, x, scene.trees[:, -_WOODED:]).unflatten(-1, (-1, _INSIDE))


def land(scene: Scene, skyline: Silhouettes, y: Tensor, blur: Tensor) -> Land:
    """What shows at heights y [N, 1, H, W], where edges are `blur` [N, 1, H, 1] high."""
    width = (blur * blur + (skyline.spread * skyline.spread)[:, :, None]).rsqrt_()
    seen = (y - skyline.top[:, :, None]).mul_(width).add_(0.5).clamp_(0, 1)  # [N, K, H, W]
    sky = torch.ones_like(y)
    for ridge in reversed(range(seen.shape[1])):
        part = seen[:, ridge, None].mul_(sky)
        sky -= part
    weights = torch.stack([1 - scene.depth, scene.base.clamp(max=9), scene.sharp], dim=1)  # [N, 3, K]
    slope = (seen * skyline.slope[:, :, None]).sum(1, keepdim=True)
    known = torch.bmm(weights, seen.flatten(2)).unflatten(2, seen.shape[2:])
    share = (1 - sky).clamp_(min=1e-4).reciprocal_()
    known *= share
    return Land(sky, known[:, 0:1], known[:, 1:2], known[:, 2:3], slope.mul_(share))


def light(scene: Scene, ground: Land, facets: Tensor, columns: Tensor) -> Tensor:
    """How much the sun meets the slopes, [N, 1, H, W] in [0, 1]; `facets` [N, 1, H, W] roughens them."""
    towards = (scene.sun_x[:, None] - columns.float()) * 3
    towards = (towards / (1 + towards.abs()))[:, None, None, :]
    steep = ground.slope / (1 + ground.slope.abs())
    lit = facets * (0.12 + 0.6 * ground.sharp) - steep.mul_(towards)
    return lit.mul_(1 + 1.6 * ground.sharp).add_(0.5).clamp_(0, 1)


def facet_noise(scene: Scene, rows: Tensor, columns: Tensor) -> Tensor:
    """Roughness of rock faces, [N, 1, H, W]: gullies taller than wide."""
    key = mixed(scene.key, torch.tensor(40))
    return plane_noise(key, rows / 0.22, columns / 0.11, octaves=4, gain=0.6)[:, None]
