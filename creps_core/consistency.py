"""Scale consistency of frames, the paper's section 3.2: a frame less the same at twice the size, reduced.

Pure functions of 8-bit frames, as the screen shows them: rounding to levels alone leaves about 60 dB.
Pixels are centres, so 2 × 2 samples of the larger frame lie around each sample of the smaller one.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creps_core.errors import InputError
from creps_core.frame import Frame
from creps_core.grid import GROUND
from creps_core.view import Size

MAGNIFIED = 10  # of the residual, as in the paper's figure
ZERO_LEVEL = 128  # how the residual shows that both are equal
BAND_ROWS = 64  # looked at together, so that little memory is needed


@dataclass(frozen=True, eq=False)
class Consistency:
    """How alike a frame and its double are."""

    residual: NDArray[np.uint8]  # [H, W, 4] RGBX: mid-grey plus ten times (frame − reduced double)
    psnr: float  # dB over the pixels that show more than ground; infinite when all are equal


def doubled_size(size: Size) -> Size:
    """The size whose samples lie two by two around those of `size`."""
    return Size(2 * size.width, 2 * size.height)


def reduced(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The means of 2 × 2 pixels: uint8 [2·H, 2·W, C] → float32 [H, W, C], exact."""
    return _sums(pixels).astype(np.float32) / np.float32(4)


def scale_consistency(pixels: NDArray[np.uint8], doubled: NDArray[np.uint8]) -> Consistency:
    """Compare uint8 pixels [H, W, 4] with those of twice the size [2·H, 2·W, 4], reduced.

    Raises:
        InputError: the second is not twice as high and as wide as the first.
    """
    height, width = pixels.shape[:2]
    if doubled.shape[:2] != (2 * height, 2 * width):
        raise InputError(f"{doubled.shape[:2]} is not twice {(height, width)}")
    residual = np.full((height, width, 4), 255, dtype=np.uint8)
    squares, counted = 0, 0
    for top in range(0, height, BAND_ROWS):
        rows = slice(top, top + BAND_ROWS)
        sums = _sums(doubled[2 * top : 2 * (top + BAND_ROWS), :, :3])
        difference = 4 * pixels[rows, :, :3].astype(np.int32) - sums  # four times too large: a whole number
        levels = ZERO_LEVEL + difference * (MAGNIFIED / 4)
        residual[rows, :, :3] = np.clip(np.rint(levels), 0, 255)
        ground = np.array(GROUND, dtype=np.int32)
        shown = ((pixels[rows, :, :3] != ground) | (sums != 4 * ground)).any(axis=-1)
        squares += int((difference[shown].astype(np.int64) ** 2).sum())
        counted += 3 * int(shown.sum())
    error = squares / 16 / counted if counted else 0.0
    return Consistency(residual, 10 * math.log10(255**2 / error) if error else math.inf)


def residual_frame(frame: Frame, doubled: Frame) -> Frame:
    """What the screen shows of `scale_consistency`: a settled frame of the same view, with its `psnr`.

    Args:
        frame: settled.
        doubled: settled, of the same view and latents at `doubled_size`.
    """
    found = scale_consistency(frame.pixels, doubled.pixels)
    return dataclasses.replace(
        doubled,
        size=frame.size,
        latents=f"residual {frame.latents}",
        pixels=found.residual,
        stats=dataclasses.replace(doubled.stats, psnr=found.psnr),
        flat=False,
        samples=None,
    )


def _sums(pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The sums of 2 × 2 pixels."""
    wide = pixels.astype(np.int32)
    rows = wide[0::2] + wide[1::2]
    sums: NDArray[np.int32] = rows[:, 0::2] + rows[:, 1::2]
    return sums
