"""Equivariance: a moved or turned picture against the original, moved or turned afterwards.

After EQ-T and EQ-R of StyleGAN3 (Karras et al. 2021), adapted to a network that is asked for coordinates. A
shift by whole samples asks for points that were asked for before: nothing may differ. For fractions of a
sample and for turns, the original is resampled with a windowed sinc, which is right as far as the samples
hold all there is of the picture; so these numbers tell how free of aliasing it is at this size. Turned
pictures come from the renderer's interpolated tables, which are within half a level of 255 themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from creps_core.config import TrainingGrid
from creps_core.grid import SeparableGrid
from creps_core.plan import Plan
from creps_core.renderer import Renderer
from train.evaluation.likeness import psnr
from train.evaluation.views import line_of, rendered, square, turned
from train.randomness import uniforms

TAPS = 5  # samples on either side that the windowed sinc looks at
LEAST_SIDE = 32
LARGEST_SHIFT = 8  # the picture's side over this


@dataclass(frozen=True)
class Motion:
    """How one picture is moved and turned."""

    whole: tuple[int, int]  # samples down and right
    shift: tuple[Fraction, Fraction]  # the same with fractions
    degrees: float  # 5 … 85, clockwise


@dataclass(frozen=True, eq=False)
class EquivarianceCase:
    """One latent, moved and turned."""

    whole_error: float  # greatest difference after a shift by whole samples, levels of 255
    shift_psnr: float  # dB
    turn_psnr: float  # dB
    shifted: tuple[Tensor, Tensor]  # synthesised and resampled, [1, 3, size, size]; -1 where not compared
    turned: tuple[Tensor, Tensor]


def random_motion(seed: int, number: int, size: int) -> Motion:
    """The motion of picture `number`: up to an eighth of a side, fractions never whole, 5 to 85 degrees."""
    u = uniforms(seed, "evaluation: motion", [number], 5)[0].tolist()
    down, right = (1 + int(v * (size // LARGEST_SHIFT)) for v in u[:2])
    # multiples of 1/64 between 1/8 and 7/8: exact, and a fraction worth the name
    parts = [Fraction(8 + int(v * 49), 64) for v in u[2:4]]
    return Motion((down, right), (down - parts[0], right - parts[1]), 5 + 80 * u[4])


def equivariance_case(
    renderer: Renderer, plan: Plan, grid: TrainingGrid, size: int, motion: Motion
) -> EquivarianceCase:
    """Measure one latent. `size` is at least 32, so that enough lies inside."""
    original = rendered(renderer, plan, square(grid, size))
    down, right = motion.whole
    moved = rendered(renderer, plan, _moved(grid, size, Fraction(down), Fraction(right)))
    overlap = original[:, :, down:, right:] - moved[:, :, : size - down, : size - right]
    shifted = rendered(renderer, plan, _moved(grid, size, *motion.shift))
    steps = torch.arange(size, dtype=torch.float64)
    y, x = torch.meshgrid(steps + float(motion.shift[0]), steps + float(motion.shift[1]), indexing="ij")
    shift_psnr, shift_pair = _compare(shifted, original, y, x)
    turned_grid = turned(grid, size, motion.degrees)
    dy, dx = turned_grid.offsets(np.arange(size), np.arange(size))
    middle, pitch = (size - 1) / 2, float(line_of(grid, size).step)
    y, x = (torch.from_numpy(d) / pitch + middle for d in (dy, dx))
    turn_psnr, turn_pair = _compare(rendered(renderer, plan, turned_grid), original, y, x)
    return EquivarianceCase(float(overlap.abs().max()) * 127.5, shift_psnr, turn_psnr, shift_pair, turn_pair)


def resample(picture: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Read pictures between their samples with a Lanczos-windowed sinc of 2 · `TAPS` samples per axis.

    Args:
        picture: [N, C, H, W].
        y: rows [h, w], in samples, float64.
        x: columns [h, w].

    Returns:
        [N, C, h, w], meaningful where `inside` says so.
    """
    rows, row_weights = _taps(y, picture.shape[2])
    columns, column_weights = _taps(x, picture.shape[3])
    out = torch.zeros(*picture.shape[:2], *y.shape, dtype=torch.float64)
    for i, weight in zip(rows, row_weights, strict=True):
        line = torch.zeros_like(out)
        for j, other in zip(columns, column_weights, strict=True):
            line += picture[:, :, i, j] * other
        out += line * weight
    return out.to(picture.dtype)


def inside(t: Tensor, length: int) -> Tensor:
    """Where all samples that `resample` reads exist."""
    return (t >= TAPS - 1) & (t <= length - TAPS)


def _moved(grid: TrainingGrid, size: int, down: Fraction, right: Fraction) -> SeparableGrid:
    return SeparableGrid(line_of(grid, size, down), line_of(grid, size, right))


def _taps(t: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Which samples are read for positions t [h, w], and their weights: [2 · TAPS, h, w] each."""
    offsets = torch.arange(1 - TAPS, TAPS + 1, dtype=torch.float64).view(-1, 1, 1)
    first = t.floor()
    distance = t - first - offsets
    weights = torch.sinc(distance) * torch.sinc(distance / TAPS)
    weights /= weights.sum(dim=0)  # an even area stays what it is
    return (first + offsets).long().clamp(0, length - 1), weights


def _compare(
    synthesised: Tensor, original: Tensor, y: Tensor, x: Tensor
) -> tuple[float, tuple[Tensor, Tensor]]:
    resampled = resample(original, y, x)
    valid = inside(y, original.shape[2]) & inside(x, original.shape[3])
    shown = tuple(picture.clamp(-1, 1).where(valid, -1.0) for picture in (synthesised, resampled))
    return psnr(synthesised, resampled, valid), (shown[0], shown[1])
