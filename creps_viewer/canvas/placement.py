"""Where the samples of a frame lie in the present window, and how dense they are there. Arrays only.

Positions map from the present window to the frame's own ("old") window: that direction exists for every
view, also beyond a tilt's horizon (NaN). Deliberately not here: which frame goes over which (`layers`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from creps_core.frame import Frame
from creps_core.reprojection import affine_between, reproject
from creps_core.view import Size, View

SMOOTH_PX = 4  # device pixels
CELLS = (48, 32)  # of the mesh that stands for a bent re-projection, across and down
_SLACK = 1e-6  # pixels by which a frame may miss the window's edge and still cover it


@dataclass(frozen=True, eq=False)
class Placement:
    """A frame under the present view."""

    matrix: NDArray[np.float64] | None  # [2, 3]: old px = matrix · (px, py, 1); None when bent
    lattice: NDArray[np.float64]  # [rows + 1, columns + 1, 2] old px at even steps over the window
    density: float  # samples per screen pixel along an axis (geometric mean of the two)
    covers: bool  # every point of the window lies in the frame
    touches: bool  # some point may
    exact: bool  # a settled-density frame moved by whole pixels: its pixels are the window's


def place(frame: Frame, view: View, size: Size) -> Placement:
    """Place `frame` in a window of `size` device pixels that shows `view`."""
    if frame.view == view and frame.size == size:
        matrix: NDArray[np.float64] | None = np.array([[1.0, 0, 0], [0, 1, 0]])
    else:
        matrix = affine_between(frame.view, frame.size, view, size)
    columns, rows = CELLS if matrix is None else (1, 1)
    px, py = np.meshgrid(np.linspace(0, size.width, columns + 1), np.linspace(0, size.height, rows + 1))
    if matrix is None:
        ox, oy = reproject(frame.view, frame.size, view, size, px, py)
    else:
        ox, oy = (row[0] * px + row[1] * py + row[2] for row in matrix)
    lattice = np.stack([ox, oy], axis=-1)
    covers, touches = _reach(lattice, frame.size)
    return Placement(
        matrix,
        lattice,
        _scale(matrix, lattice, size) / frame.stride,
        covers,
        touches,
        frame.stride == 1 and _whole_pixels(matrix),
    )


def sample_transform(frame: Frame) -> tuple[float, float, float, float]:
    """(su, ou, sv, ov): texture coordinate u = su·(old px) + ou, v likewise; 0…1 over `frame.pixels`.

    Sample [a, b] is the colour of window position (origin + stride·index + ½), and that is where texel
    [a, b] has its centre: nothing is shifted by half a block.
    """
    height, width = frame.pixels.shape[:2]
    row, column = frame.origin
    step_u, step_v = 1 / (frame.stride * width), 1 / (frame.stride * height)
    return (
        step_u, 0.5 / width - (column + 0.5) * step_u,
        step_v, 0.5 / height - (row + 0.5) * step_v,
    )  # fmt: skip


def texels(frame: Frame) -> NDArray[np.uint8]:
    """The samples as they are handed to linear interpolation, [h, w, 4], over the same area.

    Coarse ones are first refined by cubic interpolation (Catmull-Rom) until they lie `SMOOTH_PX` apart:
    linear interpolation alone would show their grid, and cubic in a shader is too slow without a GPU.
    """
    factor = frame.stride // SMOOTH_PX
    pixels = np.ascontiguousarray(frame.pixels)
    if factor <= 1:
        return pixels
    height, width = pixels.shape[:2]
    image = Image.frombuffer("RGBX", (width, height), pixels, "raw", "RGBX", 0, 1)
    return np.array(image.resize((width * factor, height * factor), Image.Resampling.BICUBIC))


def _reach(lattice: NDArray[np.float64], size: Size) -> tuple[bool, bool]:
    """(covers, touches) of the frame's rectangle by the window's points."""
    x, y = lattice[..., 0], lattice[..., 1]
    inside = (x >= -_SLACK) & (x <= size.width + _SLACK) & (y >= -_SLACK) & (y <= size.height + _SLACK)
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.any():
        return False, False
    x, y = x[finite], y[finite]
    apart = x.max() <= 0 or x.min() >= size.width or y.max() <= 0 or y.min() >= size.height
    return bool(inside.all()), not apart


def _scale(matrix: NDArray[np.float64] | None, lattice: NDArray[np.float64], size: Size) -> float:
    """Old pixels per new pixel: of the whole window, or of a bent one's median cell."""
    if matrix is not None:
        return math.sqrt(abs(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]))
    across, down = (np.diff(lattice, axis=axis) for axis in (1, 0))
    across, down = across[:-1], down[:, :-1]
    area = np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0])
    area = area[np.isfinite(area)]
    cell = size.width / CELLS[0] * size.height / CELLS[1]
    return math.sqrt(float(np.median(area)) / cell) if area.size else 0.0


def _whole_pixels(matrix: NDArray[np.float64] | None) -> bool:
    if matrix is None:
        return False
    return bool((matrix[:, :2] == np.eye(2)).all() and (matrix[:, 2] == np.round(matrix[:, 2])).all())
