"""One high-quality resampling of a picture under an affine transformation, differentiable twice and more.

The picture is enlarged 2× with the low-pass filter of an orthogonal wavelet, read bilinearly at the
transformed positions, and reduced 2× with the same filter (Karras et al. 2020, appendix B). Because the
filter is orthogonal, the identity gives the picture back. Enlarging and reducing along an axis are matrices:
for pictures of training size, two dense products are many times faster than strided one-channel convolutions.

"Half" below counts samples of the enlarged picture: half 2k is where pixel k lies. Its halves run from
2·MARGIN before the first pixel, so that near the edges, too, enlarging and reducing are each other's inverse.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

# The scaling filter of the symlet with six vanishing moments, "sym6" (Daubechies 1992).
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)
_CENTRE = 5  # the tap that stands for a pixel's own place …
_DELAY = sum(tap * i for i, tap in enumerate(SYM6)) / sum(SYM6) - _CENTRE  # … but for this, in halves
_MARGIN = 3  # mirrored pixels kept on each side, as many as the filter reaches


def resample(images: Tensor, sources: Tensor) -> Tensor:
    """Give every pixel of images [n, C, W, W] the value at its source.

    Args:
        images: the pictures; beyond their edges they go on as their own mirror images, without end.
        sources: for each picture the matrix [n, 2, 3] from a pixel's (x, y, 1) to its source's (x, y), both
            in pixels from the picture's centre, x to the right, y down.
    """
    enlarge, reduce = _matrices(images.shape[-1], images.dtype, images.device)
    enlarged = enlarge @ images @ enlarge.mT  # [n, C, L, L], L = 2W + 12
    moved = _read(enlarged, _grid(sources.to(images), images.shape[-1]))
    return reduce @ moved @ reduce.mT


def reflected(positions: Tensor, last: int) -> Tensor:
    """Positions of any range folded into [0, last], as between two mirrors."""
    return last - (positions.remainder(2 * last) - last).abs()


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # kept for callers that differentiate, whoever asks first
def _matrices(width: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """What enlarges an axis, [L, W], and what reduces it, [W, L]."""
    halves = _halves(width)
    enlarge = torch.zeros(len(halves), width, dtype=torch.float64)
    reduce = torch.zeros(width, len(halves), dtype=torch.float64)
    for pixel in range(-2 * _MARGIN, width + 2 * _MARGIN):
        for half, tap in enumerate(SYM6, 2 * pixel - _CENTRE + 2 * _MARGIN):
            if 0 <= half < len(halves):
                enlarge[half, reflected(torch.tensor(pixel), width - 1)] += tap * 2**0.5
                if 0 <= pixel < width:
                    reduce[pixel, half] = tap / 2**0.5
    return enlarge.to(device, dtype), reduce.to(device, dtype)


def _halves(width: int) -> Tensor:
    return torch.arange(-2 * _MARGIN, 2 * (width + _MARGIN))


@torch.no_grad()
def _grid(sources: Tensor, width: int) -> Tensor:
    """Where in the enlarged picture each half is read: [n, L, L, 2], -1 to 1 as torch wants it."""
    halves = _halves(width).to(sources)
    middle = (width - 1) / 2
    centred = (halves - _DELAY) / 2 - middle  # in pixels
    from_x, from_y = sources[:, :, 0, None] * centred, sources[:, :, 1, None] * centred  # [n, 2, L]
    from_y += sources[:, :, 2, None] + middle
    pixels = from_x[:, :, None, :] + from_y[:, :, :, None]  # [n, 2, L, L]
    beyond = (pixels - middle).abs_() > middle + _MARGIN
    pixels = torch.where(beyond, reflected(pixels, width - 1), pixels)
    index = pixels.mul_(2).add_(_DELAY + 2 * _MARGIN)
    return index.mul_(2 / (len(halves) - 1)).sub_(1).movedim(1, -1)


def _read(images: Tensor, grid: Tensor) -> Tensor:
    """Bilinear reading of images [n, C, L, L] at grid [n, L, L, 2], which gets no gradient."""
    return _Bilinear.apply(images, grid)  # type: ignore[no-untyped-call]


def _read_adjoint(gradient: Tensor, grid: Tensor) -> Tensor:
    return _BilinearAdjoint.apply(gradient, grid)  # type: ignore[no-untyped-call]


class _Bilinear(torch.autograd.Function):
    """torch differentiates its `grid_sample` once only.

    But reading is linear in the picture: its gradient is the adjoint map, whose gradient is reading again.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        return nn.functional.grid_sample(
            images, grid, mode="bilinear", padding_mode="border", align_corners=True
        )

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _read_adjoint(gradient, grid), None


class _BilinearAdjoint(torch.autograd.Function):
    """Adds every read value back to the four samples it was read from."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        bilinear, border = 0, 1  # torch's numbers of these modes
        # The pictures that were read have the gradient's shape, and nothing else of them matters.
        back, _ = torch.ops.aten.grid_sampler_2d_backward(
            gradient, gradient, grid, bilinear, border, True, [True, False]
        )
        return back

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _read(gradient, grid), None
