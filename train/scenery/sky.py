"""The sky: gradient, halo and disc of sun or moon, clouds, stars."""

from __future__ import annotations

import torch
from torch import Tensor

from train.scenery.noise import hashed, mixed, plane_noise, smooth
from train.scenery.palette import HORIZON, LOWER, UPPER, ZENITH
from train.scenery.scene import Scene

_STARS = 36
_STAR_RADIUS = 0.0035


def gradient(scene: Scene, y: Tensor) -> Tensor:
    """Colour of the clear sky at heights y (float32 [N, H]): RGB [N, 3, H, 1]."""
    up = ((scene.horizon[:, None] - y) / scene.horizon[:, None]).clamp(0, 1)[..., None]  # 0 horizon … 1 top
    stops = [scene.colours[:, None, name] for name in (HORIZON, LOWER, UPPER, ZENITH)]
    colour = torch.lerp(stops[0], stops[1], smooth(up / 0.36))
    colour = torch.lerp(colour, stops[2], smooth((up - 0.14) / 0.5))
    colour = torch.lerp(colour, stops[3], smooth((up - 0.45) / 0.6))
    return colour.transpose(1, 2)[..., None]


def distance_squared(scene: Scene, y: Tensor, columns: Tensor) -> Tensor:
    """Squared distance to the sun's centre, [N, 1, H, W], for y [N, 1, H, W]."""
    dx = (columns.float() - scene.sun_x[:, None])[:, None, None, :]
    dy = y - scene.sun_y[:, None, None, None]
    return dx * dx + dy * dy


def halo(scene: Scene, squared: Tensor) -> Tensor:
    """Glow around the sun, [N, 1, H, W] in [0, 1]: a bright heart in a wide veil."""
    reach = (0.13 + 0.14 * scene.low * (1 - scene.night) - 0.04 * scene.night)[:, None, None, None]
    wide = 1 / (1 + squared / (reach * reach))
    heart = 1 / (1 + squared / 0.005)
    return (0.5 * wide + 0.5 * heart * heart) * scene.glow[:, None, None, None]


def disc(scene: Scene, squared: Tensor, blur: Tensor) -> Tensor:
    """Coverage of sun or moon, [N, 1, H, W]."""
    inside = scene.sun_radius[:, None, None, None] - squared.sqrt()
    return (inside / (blur * 1.25 + 0.002) + 0.5).clamp_(0, 1) * scene.sun_strength[:, None, None, None]


def clouds(scene: Scene, y: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
    """Cover and thickness of the clouds, both [N, 1, H, W] in [0, 1], at heights y (float64 [N, H])."""
    up = ((scene.horizon[:, None] - y) / scene.horizon[:, None]).clamp(-0.05)
    v = 4.2 * torch.log(up + 0.16) / scene.cloud_size[:, None]  # layers crowd towards the horizon
    u = columns / (0.55 * scene.cloud_size[:, None])
    noise = plane_noise(mixed(scene.key, torch.tensor(50)), v, u, octaves=5, gain=0.5)[:, None]
    wanted = scene.clouds[:, None, None, None]
    dense = (noise + 1.5 * wanted - 0.75) / 0.9
    present = (wanted * 6).clamp(max=1)
    return smooth(dense) * present, smooth(dense * 0.8 - 0.2)


def stars(scene: Scene, y: Tensor, columns: Tensor, blur: Tensor) -> Tensor:
    """Brightness of stars, [N, 1, H, W], at heights y (float32 [N, H]) of pixels `blur` [N, H] high."""
    number = torch.arange(_STARS)
    keys = mixed(mixed(scene.key, torch.tensor(60))[:, None], number)
    at_x = 0.5 + 0.75 * hashed(keys, torch.tensor(0))
    at_y = scene.horizon[:, None] * (0.42 + 0.5 * hashed(keys, torch.tensor(1)))
    bright = (0.6 + 0.4 * hashed(keys, torch.tensor(2))) ** 2
    size = (_STAR_RADIUS**2 + 0.25 * blur[:, :1] ** 2).sqrt()[:, None]
    rows = torch.exp(-(((y[:, None] - at_y[..., None]) / size) ** 2))
    across = torch.exp(-(((columns.float()[:, None] - at_x[..., None]) / size) ** 2))
    shine = bright[..., None] * (_STAR_RADIUS / size) ** 2 * rows
    return torch.bmm(shine.transpose(1, 2), across)[:, None]
