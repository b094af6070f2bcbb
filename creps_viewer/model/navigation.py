"""Gestures as pure functions from a view to the next one.

Every move adds exact rationals to the centre, chosen so that they telescope: in and out about one window
position, a turn and its reverse, a pan and its reverse return the identical view through any number of
steps. Window positions and distances are device pixels from the top left corner, y down. Deliberately not
here: speeds, glides and which key or button does what.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from creps_core.view import (
    MAX_CENTRE,
    MAX_LOG2_ZOOM,
    MIN_LOG2_ZOOM,
    ROTATION_STEP,
    Size,
    View,
    log2_of,
    quantise_degrees,
)
from creps_core.warps import LIMIT, MAX_STRENGTH, MIN_RADIUS, Lens, Warp, warp_forward

OCTAVES_STEP = Fraction(1, 2**20)  # gestures change log2(zoom) by multiples of it
SQUARE = Size(1, 1)
Offset = tuple[Fraction, Fraction]  # window pixels from the middle, after the warps


class PlaneRect(NamedTuple):
    """A rectangle of the image plane, as doubles: for overlays, not for computing."""

    x0: float
    y0: float
    x1: float
    y1: float


def zoom_about(view: View, size: Size, px: float, py: float, octaves: Fraction | float) -> View:
    """Zoom in by `octaves` (out when negative); the point under (px, py) stays there, exactly.

    Octaves are rounded to multiples of 2⁻²⁰ and the zoom kept within its range. Where a warp shows
    nothing under (px, py) the window's middle stays.
    """
    steps = round(Fraction(octaves) / OCTAVES_STEP)
    return zoom_to(view, size, px, py, view.log2_zoom + steps * OCTAVES_STEP)


def zoom_to(view: View, size: Size, px: float, py: float, log2_zoom: Fraction) -> View:
    """Zoom to 2**log2_zoom, kept within the range of views; the point under (px, py) stays there."""
    return _keeping(view, replace(view, log2_zoom=_clamp_zoom(log2_zoom)), size, px, py)


def rotate_about(view: View, size: Size, px: float, py: float, degrees: float) -> View:
    """Turn the picture clockwise about (px, py), by degrees rounded to multiples of 2⁻²⁰."""
    turned = view.rotation_deg + round(degrees / ROTATION_STEP) * ROTATION_STEP
    return _keeping(view, replace(view, rotation_deg=quantise_degrees(turned)), size, px, py)


def pan_by(view: View, size: Size, dx: float, dy: float) -> View:
    """Move the picture by (dx, dy) pixels, to the right and down when positive.

    Under warps this is the picture before it is bent; `drag` keeps a point under the cursor.
    """
    return _moved(view, size, (-Fraction(dx), -Fraction(dy)))


def drag(view: View, size: Size, px: float, py: float, to_px: float, to_py: float) -> View:
    """Move the picture so that the point shown at (px, py) is shown at (to_px, to_py), through the warps.

    Without warps the same as `pan_by` the difference. Unchanged where a warp shows nothing at either.
    """
    grabbed, goal = view.pixel_offset(px, py, size), view.pixel_offset(to_px, to_py, size)
    if grabbed is None or goal is None:
        return view
    return _moved(view, size, (grabbed[0] - goal[0], grabbed[1] - goal[1]))


def home(view: View) -> View:
    """The whole picture, upright and unbent; only what is shown outside it is kept."""
    return View(outside=view.outside)


def fit(view: View, size: Size = SQUARE) -> View:
    """Centre the picture and zoom so that all of it is in the window, as it is turned and stretched.

    Without a size the window is taken to be square. Warps are kept and not allowed for.
    """
    radians = math.radians(view.rotation_deg)
    # at quarter turns cos or sin is a rounding error away from 0; that must not shrink the picture
    reach = round(abs(math.cos(radians)) + abs(math.sin(radians)), 12) / 2
    sx, sy = map(abs, view.stretch)
    zoom = min(size.width * sx, size.height * sy) / (2 * size.shorter * reach)
    middle = replace(view, center_x=Fraction(1, 2), center_y=Fraction(1, 2))
    return with_zoom(middle, log2_of(zoom))


def with_zoom(view: View, log2_zoom: Fraction) -> View:
    """The view at another zoom about its middle, kept within the range of views."""
    return replace(view, log2_zoom=_clamp_zoom(log2_zoom))


def with_centre(view: View, x: Fraction, y: Fraction) -> View:
    """The view about another plane point, kept within the range of views."""
    return replace(view, center_x=_clamp_centre(x), center_y=_clamp_centre(y))


def with_lens(
    view: View, size: Size, px: float, py: float, strength: float = 1.0, radius: float = 0.25
) -> View:
    """Add a lens at (px, py) that magnifies 2^strength times within `radius` (shorter sides).

    It becomes the last warp. Under earlier warps it is placed and sized so that it appears where and, to
    first order, as large as asked. Unchanged at and beyond a horizon.
    """
    unit = size.shorter
    o = np.array([(px - size.width / 2) / unit, (py - size.height / 2) / unit])
    x, y = warp_forward(view.warps, *(o[:, None] + np.array([[0, 1e-6, 0], [0, 0, 1e-6]])))
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return view
    area = abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])) / 1e-12
    fitting = max(radius * math.sqrt(area), MIN_RADIUS) if view.warps else radius
    if max(abs(x[0]), abs(y[0]), fitting) > LIMIT:  # all but at the horizon
        return view
    lens = Lens(float(x[0]), float(y[0]), fitting, _clamp_strength(strength))
    return replace(view, warps=(*view.warps, lens))


def strengthen_last_lens(view: View, octaves: float) -> View:
    """Make the most recent lens 2^octaves times stronger; unchanged when there is none."""
    for i in reversed(range(len(view.warps))):
        warp = view.warps[i]
        if isinstance(warp, Lens):
            lens = dataclasses.replace(warp, s=_clamp_strength(warp.s + octaves))
            return replace(view, warps=(*view.warps[:i], lens, *view.warps[i + 1 :]))
    return view


def with_last_warp(view: View, warp: Warp) -> View:
    """The view with its last warp replaced, or with `warp` added when there is none."""
    return replace(view, warps=(*view.warps[:-1], warp))


def without_last_warp(view: View) -> View:
    """The view without its last warp; unchanged when there is none."""
    return replace(view, warps=view.warps[:-1])


def visible_rect(view: View, size: Size) -> PlaneRect:
    """The bounding box of what the window shows; of a lattice of its points when it is bent."""
    across = np.linspace(-0.5, 0.5, 33 if view.warps else 2)
    lattice = np.meshgrid(across * size.width / size.shorter, across * size.height / size.shorter)
    ox, oy = warp_forward(view.warps, lattice[0].ravel(), lattice[1].ravel())
    seen = np.isfinite(ox)
    # where nothing at all is shown the rectangle is the centre alone
    right, down = ((o[seen] if seen.any() else np.zeros(1)) * size.shorter for o in (ox, oy))
    step = view.step(size)
    x = float(view.center_x) + right * step.xx + down * step.yx
    y = float(view.center_y) + right * step.xy + down * step.yy
    return PlaneRect(float(x.min()), float(y.min()), float(x.max()), float(y.max()))


def _keeping(old: View, new: View, size: Size, px: float, py: float) -> View:
    """`new` with its centre moved from `old`'s so that (px, py) shows the same plane point as in `old`.

    offset·(old step − new step) telescopes over any chain of views about one position.
    """
    dx, dy = old.pixel_offset(px, py, size) or (Fraction(0), Fraction(0))
    a, b = (list(map(Fraction, view.step(size))) for view in (old, new))
    return with_centre(
        new,
        old.center_x + dx * (a[0] - b[0]) + dy * (a[2] - b[2]),
        old.center_y + dx * (a[1] - b[1]) + dy * (a[3] - b[3]),
    )


def _moved(view: View, size: Size, offset: Offset) -> View:
    xx, xy, yx, yy = map(Fraction, view.step(size))
    dx, dy = offset
    return with_centre(view, view.center_x + dx * xx + dy * yx, view.center_y + dx * xy + dy * yy)


def _clamp_zoom(log2_zoom: Fraction) -> Fraction:
    return min(max(Fraction(log2_zoom), Fraction(MIN_LOG2_ZOOM)), Fraction(MAX_LOG2_ZOOM))


def _clamp_centre(value: Fraction) -> Fraction:
    return min(max(Fraction(value), Fraction(-MAX_CENTRE)), Fraction(MAX_CENTRE))


def _clamp_strength(octaves: float) -> float:
    return min(max(octaves, -MAX_STRENGTH), MAX_STRENGTH)
