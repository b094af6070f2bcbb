"""A stored picture at any coordinates: separable Lanczos-3 resampling, one small matrix per axis.

Where samples lie farther apart than pixels, the filter widens with their pitch, so that each value is an
average over it (anti-aliasing). Where they lie closer, it interpolates. At the pixels' own places it gives
back the pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from creps_core.config import TrainingGrid

LOBES = 3
# Pixels by which a coordinate may miss a pixel's place and still mean it: float32 does by half of this at
# 1024 pixels, and a whole one changes no value by more than 0.03 levels of 255.
_ROUNDING = 1e-4


@dataclass(frozen=True)
class AxisFilter:
    """Which pixels of an axis the samples need, and with what weights.

    Attributes:
        first: the first pixel needed.
        weights: float32 [samples, pixels needed], each row with the sum 1.
        is_exact: every sample is one pixel, in order and without gaps: the weights are the identity.
    """

    first: int
    weights: Tensor
    is_exact: bool

    @property
    def pixels(self) -> slice:
        """The pixels needed."""
        return slice(self.first, self.first + self.weights.shape[1])


def axis_filter(points: Tensor, size: int, grid: TrainingGrid) -> AxisFilter:
    """The filter for `points` (ascending, uniform, plane units) of an axis of `size` ≥ 2 pixels.

    Pixel k lies at k / (size − 1) for `endpoints` and at (k + ½) / size for `centres`. Beyond its ends the
    picture goes on as its last pixel. A single point is not averaged over more than a pixel.
    """
    at = points.to("cpu", torch.float64)
    at = at * (size - 1) if grid == "endpoints" else at * size - 0.5
    near = at.round()
    at = torch.where((at - near).abs() < _ROUNDING, near, at)
    pitch = float(at[-1] - at[0]) / (len(at) - 1) if len(at) > 1 else 1.0
    width = pitch if pitch > 1 + _ROUNDING else 1.0
    first, last = (min(max(int(end), 0), size - 1) for end in (at[0], at[-1]))
    if torch.equal(at, torch.arange(first, last + 1, dtype=at.dtype)):
        return AxisFilter(first, torch.eye(len(at)), is_exact=True)
    reach = LOBES * width
    # Beyond the ends, a filter's whole width is as good as any farther point.
    at = at.clamp(-reach, size - 1 + reach)
    taps = torch.arange(int((at[0] - reach).floor()), int((at[-1] + reach).ceil()) + 1)
    weights = _lanczos((taps - at[:, None]) / width)
    weights /= weights.sum(dim=1, keepdim=True)
    inside = taps.clamp(0, size - 1)
    first = int(inside[0])
    gathered = torch.zeros(len(at), int(inside[-1]) - first + 1, dtype=weights.dtype)
    gathered.index_add_(1, inside - first, weights)
    return AxisFilter(first, gathered.float(), is_exact=False)


def resample(pixels: Tensor, rows: AxisFilter, columns: AxisFilter) -> Tensor:
    """Apply a filter per axis to a picture, uint8 [3, S, S]: float32 [3, H, W], RGB in [-1, 1]."""
    picture = pixels[:, rows.pixels, columns.pixels].float() / 127.5 - 1
    if not columns.is_exact:
        picture = picture @ columns.weights.T
    if not rows.is_exact:
        picture = rows.weights @ picture
    return picture.clamp_(-1, 1)  # the filter's negative lobes overshoot at edges


def _lanczos(x: Tensor) -> Tensor:
    return torch.where(x.abs() < LOBES, torch.sinc(x) * torch.sinc(x / LOBES), 0.0)
