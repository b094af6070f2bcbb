"""Sample positions of a picture: exact lines of rows and columns, or points of a turned or warped window.

Also how much of a sample is shown outside the trained picture. Deliberately not here: how samples are
computed, and which of them a pass takes (`renderer`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from creps_core.errors import InputError
from creps_core.view import Outside, Size, View
from creps_core.warps import Floats, warp_forward

GROUND = (0x0E, 0x10, 0x13)  # the colour of nothing
FADE = 0.1  # plane units over which `fade` runs out
COARSE_BITS = 26  # a float32 frequency times a coarse coordinate below 8 is exact in float64
SYNTHESIS_RANGE = (-1.0, 2.0)  # general grids synthesise nothing beyond it


@dataclass(frozen=True)
class Line:
    """Coordinates t_i = start + i·step of the samples along one axis, exactly."""

    start: Fraction
    step: Fraction
    count: int

    def values(self) -> NDArray[np.float64]:
        """Every t_i rounded once, [count]."""
        first, step, denominator = self._integers()
        return np.array([n / denominator for n in _arithmetic(first, step, self.count)], dtype=np.float64)

    def split(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Every t_i as coarse + fine, each [count].

        Returns:
            coarse: the multiple of 2⁻²⁶ nearest to t_i (exactly so for |t_i| < 2²⁷);
            fine: t_i − coarse, rounded once. Both depend on the exact t_i alone.
        """
        first, step, denominator = self._integers()
        # in units of half a coarse step, so that the nearest multiple is a floor division
        scaled, divisor = (first << COARSE_BITS + 1) + denominator, 2 * denominator
        pairs = [divmod(n, divisor) for n in _arithmetic(scaled, step << COARSE_BITS + 1, self.count)]
        rest = divisor << COARSE_BITS
        coarse = np.array([q for q, _ in pairs], dtype=np.float64) * 2.0**-COARSE_BITS
        fine = np.array([(r - denominator) / rest for _, r in pairs], dtype=np.float64)
        return coarse, fine

    def every(self, stride: int, first: int = 0) -> Line:
        """Every stride-th sample, beginning with the one numbered first."""
        count = len(range(first, self.count, stride))
        return Line(self.start + first * self.step, self.step * stride, count)

    def slice(self, a: int, b: int) -> Line:
        """The samples a … b − 1."""
        return Line(self.start + a * self.step, self.step, max(b - a, 0))

    def offset_from(self, other: Line) -> int | None:
        """The k with self's t_i equal to other's t_(i + k), exactly and for all i; None if there is none."""
        if self.step != other.step:
            return None
        difference = self.start - other.start
        if not difference:
            return 0
        shift = difference / self.step if self.step else Fraction(1, 2)
        return shift.numerator if shift.denominator == 1 else None

    def _integers(self) -> tuple[int, int, int]:
        """(a, b, d) with t_i = (a + i·b) / d."""
        denominator = math.lcm(self.start.denominator, self.step.denominator)
        a = self.start.numerator * (denominator // self.start.denominator)
        return a, self.step.numerator * (denominator // self.step.denominator), denominator


@dataclass(frozen=True)
class SeparableGrid:
    """Rows times columns of the plane.

    Not transposed: pixel (i, j) shows (y_i, x_j). Transposed (quarter turns): it shows (y_j, x_i).
    """

    y: Line
    x: Line
    transposed: bool = False

    def size(self) -> Size:
        """Of the picture in pixels."""
        return Size(self.y.count, self.x.count) if self.transposed else Size(self.x.count, self.y.count)


@dataclass(frozen=True)
class GeneralGrid:
    """The pixels of a turned or warped view."""

    view: View
    size: Size

    def offsets(
        self, rows: NDArray[np.integer] | Sequence[int], columns: NDArray[np.integer] | Sequence[int]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Plane offsets from the exact centre of the pixels rows × columns.

        Each is right to about 1e-15 of the window's extent, at any depth, and does not depend on which
        other pixels are asked for.

        Returns:
            (dy, dx), each [len(rows), len(columns)]; NaN where a warp shows nothing.
        """
        width, height = self.size
        right = (np.asarray(columns, dtype=np.float64) + (0.5 - width / 2))[None, :]
        down = (np.asarray(rows, dtype=np.float64) + (0.5 - height / 2))[:, None]
        if self.view.warps:
            right, down = self._warped(right, down)
        step = self.view.step(self.size)
        return right * step.xy + down * step.yy, right * step.xx + down * step.yx

    def _warped(self, right: Floats, down: Floats) -> tuple[Floats, Floats]:
        unit = self.size.shorter
        ox, oy = np.broadcast_arrays(right / unit, down / unit)
        ox, oy = warp_forward(self.view.warps, ox, oy)
        return ox * unit, oy * unit


def grid_for(view: View, size: Size) -> SeparableGrid | GeneralGrid:
    """The samples of a view: pixel centres, separable whenever the view is."""
    if not view.is_separable:
        return GeneralGrid(view, size)
    step = view.step(size)
    if view.rotation_deg in (0.0, 180.0):
        return SeparableGrid(
            y=_centred(view.center_y, step.yy, size.height), x=_centred(view.center_x, step.xx, size.width)
        )
    return SeparableGrid(
        y=_centred(view.center_y, step.xy, size.width),
        x=_centred(view.center_x, step.yx, size.height),
        transposed=True,
    )


def window_grid(
    y0: Fraction | float, x0: Fraction | float, y1: Fraction | float, x1: Fraction | float, size: Size
) -> SeparableGrid:
    """The published tools' samples: linspace, both ends included; a single sample takes the start."""
    try:
        ends = [Fraction(v) for v in (y0, x0, y1, x1)]
    except (ValueError, OverflowError):
        raise InputError(f"the window {y0},{x0},{y1},{x1} holds a number that is not finite") from None
    return SeparableGrid(
        y=_linspace(ends[0], ends[2], size.height), x=_linspace(ends[1], ends[3], size.width)
    )


def outside_alpha(t: NDArray[np.float64], outside: Outside) -> NDArray[np.float32]:
    """Weight of samples by one coordinate: 1 on [0, 1], 0 for NaN, beyond as `outside` says.

    A pixel's weight is the product of its two axes'; the rest of it is `GROUND`.
    """
    beyond = np.maximum(np.maximum(-t, t - 1), 0.0)
    if outside == "generate":
        weight = np.ones_like(beyond)
    elif outside == "frame":
        weight = np.where(beyond > 0, 0.0, 1.0)
    else:
        d = np.minimum(beyond / FADE, 1.0)
        weight = 1 - d * d * (3 - 2 * d)
    return np.where(np.isnan(t), 0.0, weight).astype(np.float32)


def general_alpha(y: NDArray[np.float64], x: NDArray[np.float64], outside: Outside) -> NDArray[np.float32]:
    """Weight of the points of a general grid: as for rows × columns, and 0 outside [−1, 2]² always."""
    low, high = SYNTHESIS_RANGE
    within = (y >= low) & (y <= high) & (x >= low) & (x <= high)
    return np.where(within, outside_alpha(y, outside) * outside_alpha(x, outside), np.float32(0))


def _centred(centre: Fraction, step: float, count: int) -> Line:
    exact = Fraction(step)
    return Line(centre + (1 - count) * exact / 2, exact, count)


def _linspace(start: Fraction, end: Fraction, count: int) -> Line:
    return Line(start, (end - start) / (count - 1) if count > 1 else Fraction(0), count)


def _arithmetic(first: int, step: int, count: int) -> range | list[int]:
    """first, first + step, … as integers of any size; a range cannot have step 0."""
    return range(first, first + step * count, step) if step else [first] * count
