"""A picture on its way to the screen: samples of one view, at full density or at every s-th pixel."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from creps_core.view import Size, View


@dataclass(frozen=True)
class FrameStats:
    """What a frame cost, for the readout and the performance panel."""

    render_ms: float = 0.0  # since the request began, all passes so far
    line_samples: int = 0  # samples that went through the line network; those that went on late count less
    pixel_samples: int = 0  # pixels that were composed and decoded
    reused: float = 0.0  # share of the frame's pixels kept from the previous frame, 0…1
    table_per_unit: float = 0.0  # line-table samples per plane unit, general grids only
    device: str = "cpu"
    psnr: float | None = None  # dB, of residual frames only: see `consistency`


@dataclass(frozen=True, eq=False)
class Frame:
    """Samples of `view` at the window pixels (origin + stride·index); nobody writes `pixels` again.

    `pixels[a, b]` is the sample of window pixel (origin[0] + stride·a, origin[1] + stride·b). A draft of a
    turned or warped view may be a frame of an axis-aligned `view` and `size` of its own, to be re-projected;
    a settled frame is always of the view that was asked for.
    """

    view: View
    size: Size  # of the whole view, in device pixels
    latents: str  # key of the ws that made it: frames of other latents never mix
    pixels: NDArray[np.uint8]  # [h, w, 4] RGBX, the last byte 255
    stride: int  # 1 = every pixel
    origin: tuple[int, int]  # (row, column) of pixels[0, 0]
    pass_number: int  # 1, 2, … pass_count
    pass_count: int
    settled: bool  # nothing finer will follow for this request
    flat: bool = False  # settled, and spanning fewer than 4 levels in every channel
    stats: FrameStats = field(default_factory=FrameStats)
    exact: bool = True  # float32 throughout, as settled frames are; drafts may be less
    samples: object = None  # the renderer's own record, handed back as `previous` to reuse what is exact
