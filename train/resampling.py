"""A stored picture at any coordinates: separable Lanczos-3 resampling, a few small matrices per axis.

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
_RUN = 64  # samples that share a matrix: short enough that it is not mostly zeros


@dataclass(frozen=True)
class AxisFilter:
    """Which pixels of an axis the samples need, and with what weights.

    Attributes:
        pixels: the pixels needed.
        parts: for a run of samples each, in order: the pixels that it needs and their weights, float32
            [samples, pixels], each row with the sum 1. None if the samples are the pixels themselves.
    """

    pixels: slice
    parts: tuple[tuple[slice, Tensor], ...] | None


def axis_filter(points: Tensor, size: int, grid: TrainingGrid) -> AxisFilter:
    """The filter for `points` (ascending, uniform, plane units) of an axis of `size` ≥ 2 pixels.

    Pixel k lies at k / (size − 1) for `endpoints` and at (k + ½) / size for `centres`. Beyond its ends the
    picture goes on as its last pixel. A single point is not averaged over more than a pixel.
    """
    at = points.to("cpu", torch.float64)
    at = at * (size - 1) if grid == "endpoints" else at * size - 0.5
    near = at.round()
    at = torch.where((at - near).abs() < _ROUNDING, near, at)
    first, last = (min(max(int(end), 0), size - 1) for end in (at[0], at[-1]))
    if torch.equal(at, torch.arange(first, last + 1, dtype=at.dtype)):
        return AxisFilter(slice(first, last + 1), None)
    pitch = float(at[-1] - at[0]) / (len(at) - 1) if len(at) > 1 else 1.0
    width = max(pitch, 1.0)
    # Farther out than the filter reaches, all is the last pixel.
    at = at.clamp(-LOBES * width, size - 1 + LOBES * width)
    parts = tuple(_part(run, size, width) for run in at.split(_RUN))
    return AxisFilter(slice(parts[0][0].start, parts[-1][0].stop), parts)


def resample(pixels: Tensor, rows: AxisFilter, columns: AxisFilter) -> Tensor:
    """Apply a filter per axis to a picture, uint8 [3, S, S]: float32 [3, H, W], RGB in [-1, 1]."""
    picture = pixels[:, rows.pixels, columns.pixels].float().div_(127.5).sub_(1)
    if rows.parts is None and columns.parts is None:
        return picture
    if rows.parts is not None:
        parts = [weights @ picture[:, _within(rows, taps)] for taps, weights in rows.parts]
        picture = torch.cat(parts, dim=1)
    if columns.parts is not None:
        parts = [picture[..., _within(columns, taps)] @ weights.T for taps, weights in columns.parts]
        picture = torch.cat(parts, dim=2)
    return picture.clamp_(-1, 1)  # the filter's negative lobes overshoot at edges


def _part(at: Tensor, size: int, width: float) -> tuple[slice, Tensor]:
    """Pixels and weights of samples at places `at`, in pixels, of a filter `width` pixels per lobe."""
    reach = LOBES * width
    taps = torch.arange(int((at[0] - reach).floor()), int((at[-1] + reach).ceil()) + 1)
    weights = _lanczos((taps - at[:, None]) / width)
    weights /= weights.sum(dim=1, keepdim=True)
    inside = taps.clamp(0, size - 1)
    first, last = int(inside[0]), int(inside[-1])
    gathered = torch.zeros(len(at), last - first + 1, dtype=weights.dtype)
    gathered.index_add_(1, inside - first, weights)
    return slice(first, last + 1), gathered.float()


def _within(axis: AxisFilter, taps: slice) -> slice:
    """Pixels, counted from the first that the filter needs."""
    return slice(taps.start - axis.pixels.start, taps.stop - axis.pixels.start)


def _lanczos(x: Tensor) -> Tensor:
    return torch.where(x.abs() < LOBES, torch.sinc(x) * torch.sinc(x / LOBES), 0.0)
