"""Where the window positions of one view lie in the window of another: how an old frame is shown at once.

The difference of the centres is taken exactly before anything becomes a float, so a re-projected frame
does not jitter at any depth. Deliberately not here: drawing.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from creps_core.view import Size, View
from creps_core.warps import Floats, warp_forward


def reproject(
    old: View, old_size: Size, new: View, new_size: Size, px: NDArray[np.float64], py: NDArray[np.float64]
) -> tuple[Floats, Floats]:
    """Positions in the new window to the positions of the old window that show the same plane points.

    Args:
        old: the view of the frame at hand.
        old_size: its window.
        new: the view to show.
        new_size: its window.
        px: positions in the new window, device pixels from its top left corner.
        py: likewise, of the same shape.

    Returns:
        (old_px, old_py), of that shape; NaN where either window does not show the point.
    """
    unit = new_size.shorter
    ox, oy = (px - new_size.width / 2) / unit, (py - new_size.height / 2) / unit
    ox, oy = warp_forward(new.warps, ox, oy)
    right, down = ox * unit, oy * unit
    step = new.step(new_size)
    return old.window_points(
        float(new.center_x - old.center_x) + right * step.xx + down * step.yx,
        float(new.center_y - old.center_y) + right * step.xy + down * step.yy,
        old_size,
    )


def affine_between(old: View, old_size: Size, new: View, new_size: Size) -> NDArray[np.float64] | None:
    """The matrix A, [2, 3], with (old_px, old_py) = A·(new_px, new_py, 1); None if either view has warps.

    Computed exactly and rounded once: a pan by whole pixels gives whole numbers.
    """
    if old.warps or new.warps:
        return None
    xx, xy, yx, yy = map(Fraction, old.step(old_size))
    determinant = xx * yy - yx * xy

    def to_old(x: Fraction, y: Fraction) -> tuple[Fraction, Fraction]:
        return (x * yy - y * yx) / determinant, (y * xx - x * xy) / determinant

    step = [Fraction(entry) for entry in new.step(new_size)]
    right, down = to_old(step[0], step[1]), to_old(step[2], step[3])
    middle = to_old(new.center_x - old.center_x, new.center_y - old.center_y)
    rows = [
        (
            right[axis],
            down[axis],
            Fraction(old_size[axis], 2)
            + middle[axis]
            - right[axis] * Fraction(new_size.width, 2)
            - down[axis] * Fraction(new_size.height, 2),
        )
        for axis in (0, 1)
    ]
    return np.array([[float(entry) for entry in row] for row in rows])
