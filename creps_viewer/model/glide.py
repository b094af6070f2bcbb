"""Motion as pure functions of time: exponential glides of zoom, pan and turn, and flights between views.

A glide says how much of it is done at a time; what is done is exact and ends exactly, so that glides which
cancel each other return the identical view. Deliberately not here: clocks and widgets.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from fractions import Fraction

from creps_core.view import ROTATION_STEP, Size, View
from creps_core.warps import Lens, Swirl, Tilt, Warp, Wave
from creps_viewer.model import navigation

GLIDE_SECONDS = 0.2
SHARPNESS = 5.0  # how much faster a glide begins than it ends: e^5


def ease(t: float) -> float:
    """Exponential approach: 0 at t ≤ 0, 1 at t ≥ 1, monotone, fast first and gentle at the end."""
    if t <= 0:
        return 0.0
    if t >= 1:
        return 1.0
    return (1 - math.exp(-SHARPNESS * t)) / (1 - math.exp(-SHARPNESS))


@dataclass
class Glide:
    """A zoom, pan or turn about a window position that is spread over time, in exact steps.

    Several may run at once: each adds its own steps to whatever view it finds.
    """

    px: float  # the window position that stays under the cursor
    py: float
    octaves: Fraction = Fraction(0)  # a multiple of 2⁻²⁰
    pan: tuple[int, int] = (0, 0)  # whole device pixels
    degrees: float = 0.0  # a multiple of 2⁻²⁰
    seconds: float = GLIDE_SECONDS
    started: float = 0.0
    _done: tuple[int, int, int, int] = (0, 0, 0, 0)

    def finished(self, now: float) -> bool:
        """Whether everything is done at time `now`."""
        return now >= self.started + self.seconds

    def advance(self, view: View, size: Size, now: float) -> View:
        """`view` with what has become due since the last call."""
        share = Fraction(1.0 if self.finished(now) else ease((now - self.started) / self.seconds))
        steps = (self.octaves / navigation.OCTAVES_STEP, *self.pan, self.degrees / ROTATION_STEP)
        due = tuple(round(share * Fraction(step)) for step in steps)
        zoom, right, down, turn = (a - b for a, b in zip(due, self._done, strict=True))
        self._done = (due[0], due[1], due[2], due[3])
        if zoom:
            view = navigation.zoom_about(view, size, self.px, self.py, zoom * navigation.OCTAVES_STEP)
        if right or down:
            view = navigation.pan_by(view, size, right, down)
        if turn:
            view = navigation.rotate_about(view, size, self.px, self.py, turn * ROTATION_STEP)
        return view


@dataclass(frozen=True)
class Flight:
    """A way from one view to another: the shorter turn, zoom in log space, ending in exactly `goal`."""

    origin: View
    goal: View
    started: float
    seconds: float = GLIDE_SECONDS

    def finished(self, now: float) -> bool:
        """Whether the goal is reached at time `now`."""
        return now >= self.started + self.seconds

    def at(self, now: float) -> View:
        """The view at time `now`."""
        share = 1.0 if self.finished(now) else ease((now - self.started) / self.seconds)
        return between(self.origin, self.goal, share)


def between(a: View, b: View, share: float) -> View:
    """The view at `share` of the way from `a` (0) to `b` (1); the ends are exact."""
    if share <= 0 or share >= 1:
        return b if share >= 1 else a
    part = Fraction(round(share * 2**20), 2**20)
    log2_zoom = a.log2_zoom + _stepped((b.log2_zoom - a.log2_zoom) * part)
    turn = (b.rotation_deg - a.rotation_deg + 180) % 360 - 180
    center_x, center_y = _centre(a, b, log2_zoom, part)
    return View(
        center_x=center_x,
        center_y=center_y,
        log2_zoom=log2_zoom,
        rotation_deg=a.rotation_deg + turn * share,
        stretch=(
            _stretch(a.stretch[0], b.stretch[0], share),
            _stretch(a.stretch[1], b.stretch[1], share),
        ),
        warps=_warps(a.warps, b.warps, share),
        outside=b.outside,
    )


def _centre(a: View, b: View, log2_zoom: Fraction, part: Fraction) -> tuple[Fraction, Fraction]:
    """The centre when the zoom has come this far: so that one plane point holds still on the screen."""
    wide, deep = (a, b) if a.log2_zoom <= b.log2_zoom else (b, a)
    depth = float(deep.log2_zoom - wide.log2_zoom)
    if depth < 1e-3:
        from_deep = 1 - part if deep is b else part
    else:
        # how far from the deep end, in units of the wide view's pitch: accurate at any depth
        done = float(log2_zoom - wide.log2_zoom)
        from_deep = Fraction((math.exp2(-done) - math.exp2(-depth)) / (1 - math.exp2(-depth)))
    return (
        deep.center_x + (wide.center_x - deep.center_x) * from_deep,
        deep.center_y + (wide.center_y - deep.center_y) * from_deep,
    )


def _stepped(octaves: Fraction) -> Fraction:
    return round(octaves / navigation.OCTAVES_STEP) * navigation.OCTAVES_STEP


def _stretch(a: float, b: float, share: float) -> float:
    """Geometric between equal signs; a mirror flips half way."""
    if (a > 0) == (b > 0):
        return math.copysign(abs(a) ** (1 - share) * abs(b) ** share, b)
    return a if share < 0.5 else b


def _warps(a: tuple[Warp, ...], b: tuple[Warp, ...], share: float) -> tuple[Warp, ...]:
    """Warps that only one end has fade; others jump to the goal's."""
    if a == b:
        return b
    if not b:
        return tuple(_weaker(warp, 1 - share) for warp in a)
    if not a:
        return tuple(_weaker(warp, share) for warp in b)
    return b


def _weaker(warp: Warp, by: float) -> Warp:
    match warp:
        case Lens():
            return dataclasses.replace(warp, s=warp.s * by)
        case Swirl():
            return dataclasses.replace(warp, deg=warp.deg * by)
        case Wave() | Tilt():
            return dataclasses.replace(warp, ax=warp.ax * by, ay=warp.ay * by)
