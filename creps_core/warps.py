"""Window warps: lens, swirl, wave and tilt, as typed, stored and applied.

A warp bends the window, not the picture: `forward` takes a position o of the window (unit: its shorter
side, origin: its middle, x right, y down) to the position o' whose picture is shown there; several warps
apply left to right. Every value is a function of its own point alone, whatever the array around it.
Deliberately not here: centre, zoom, rotation and stretch, which follow in `view`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creps_core.errors import InputError

Floats = NDArray[np.float64]

LIMIT = 1e6  # largest parameter, far beyond use, so that nothing overflows
MIN_RADIUS = 1e-6
MAX_STRENGTH = 32.0  # octaves of a lens
HORIZON = 1e-9  # a tilt's perspective divisor down to which points are in front of the viewer


class _Parameters:
    """What the warps share: checked parameters and their text."""

    def __post_init__(self) -> None:
        """Make every parameter a double within `LIMIT`, and radii positive; `InputError` names a fault."""
        kind = type(self).__name__.lower()
        for name, given in vars(self).items():
            value = float(given)
            if not abs(value) <= LIMIT:
                raise InputError(f"{kind}: {name} is {value:g}, expected a number within ±{LIMIT:g}")
            if name == "r" and value < MIN_RADIUS:
                raise InputError(f"{kind}: r is {value:g}, expected a radius of at least {MIN_RADIUS:g}")
            # −0 becomes 0, so that equal warps are written alike
            object.__setattr__(self, name, value + 0.0)

    def spec(self) -> str:
        """The text that `parse_warp` reads back to exactly this warp."""
        values = (repr(value).removesuffix(".0") for value in vars(self).values())
        return f"{type(self).__name__.lower()}:{','.join(values)}"


@dataclass(frozen=True)
class Lens(_Parameters):
    """`lens:x,y,r,s`: magnifies its centre 2^s times, identity from radius r on, C¹ everywhere.

    With P = (distance from the centre / r)² the map shrinks distances from the centre by
    2^(−s·(1 − P)²), strictly monotone for s ≥ 0. A negative s is exactly the inverse map of −s, so
    every strength can be inverted.
    """

    x: float  # centre, shorter sides from the window's middle
    y: float
    r: float  # radius, shorter sides, positive
    s: float  # log2 of the magnification at the centre, −32 … 32

    def __post_init__(self) -> None:
        super().__post_init__()
        if abs(self.s) > MAX_STRENGTH:
            raise InputError(f"lens: s is {self.s:g}, expected −{MAX_STRENGTH:g} … {MAX_STRENGTH:g}")

    def forward(self, ox: Floats, oy: Floats) -> tuple[Floats, Floats]:
        """Window position to the position shown there."""
        return self._scale(ox, oy, outwards=self.s < 0)

    def inverse(self, ox: Floats, oy: Floats) -> tuple[Floats, Floats]:
        """The window position where (ox, oy) is shown, to about 1e-15 of its distance from the centre."""
        return self._scale(ox, oy, outwards=self.s >= 0)

    def _scale(self, ox: Floats, oy: Floats, *, outwards: bool) -> tuple[Floats, Floats]:
        dx, dy = ox - self.x, oy - self.y
        squared = (dx * dx + dy * dy) / (self.r * self.r)
        inside = squared < 1  # false for NaN, which so stays NaN
        strength = abs(self.s)
        if outwards:
            factor = np.exp2(strength * (1 - self._before(squared[inside])) ** 2)
        else:
            factor = np.exp2(-strength * (1 - squared[inside]) ** 2)
        x, y = np.array(ox, dtype=np.float64), np.array(oy, dtype=np.float64)
        x[inside] = self.x + dx[inside] * factor
        y[inside] = self.y + dy[inside] * factor
        return x, y

    def _before(self, squared: Floats) -> Floats:
        """P of which the monotone map makes `squared`: log2 P − 2s(1 − P)² = log2 squared, by iteration."""
        strength = abs(self.s)

        def shrunk(log_p: Floats) -> tuple[Floats, Floats]:
            p = np.exp2(log_p)
            return log_p - 2 * strength * (1 - p) ** 2, 1 + 4 * math.log(2) * strength * p * (1 - p)

        low = np.log2(np.maximum(squared, 1e-300))
        return np.exp2(_root(shrunk, low, np.minimum(low + 2 * strength, 0.0), low))


@dataclass(frozen=True)
class Swirl(_Parameters):
    """`swirl:x,y,r,deg`: turns the picture by deg at its centre, less outwards, not at all from radius r on.

    Positive is clockwise. The angle is deg·(1 − P)², P = (distance / r)², so it joins C¹ at r.
    """

    x: float  # centre, shorter sides from the window's middle
    y: float
    r: float  # radius, shorter sides, positive
    deg: float

    def forward(self, ox: Floats, oy: Floats) -> tuple[Floats, Floats]:
        """Window position to the position shown there."""
        return self._turn(ox, oy, math.radians(self.deg))

    def inverse(self, ox: Floats, oy: Floats) -> tuple[Floats, Floats]:
        """The window position where (ox, oy) is shown: turning back keeps the distance, so it is exact."""
        return self._turn(ox, oy, -math.radians(self.deg))

    def _turn(self, ox: Floats, oy: Floats, radians: float) -> tuple[Floats, Floats]:
        dx, dy = ox - self.x, oy - self.y
        squared = (dx * dx + dy * dy) / (self.r * self.r)
        inside = squared < 1
        angle = radians * (1 - squared[inside]) ** 2
        cosine, sine = np.cos(angle), np.sin(angle)
        x, y = np.array(ox, dtype=np.float64), np.array(oy, dtype=np.float64)
        x[inside] = self.x + dx[inside] * cosine + dy[inside] * sine
        y[inside] = self.y - dx[inside] * sine + dy[inside] * cosine
        return x, y


@dataclass(frozen=True)
class Wave(_Parameters):
    """`wave:ax,ay,fx,fy,phase`: a plane wave, o' = o + (ax, ay)·sin(2π·(fx·ox + fy·oy) + phase).

    (ax, ay) is the largest displacement, (fx, fy) the cycles per shorter side along x and y. The map
    folds where 2π·|ax·fx + ay·fy| > 1; `inverse` then gives one of the positions that show the point.
    """

    ax: float  # displacement, shorter sides
    ay: float
    fx: float  # cycles per shorter side
    fy: float
    phase: float  # degrees

    def forward(self, ox: Floats, oy: Floats) -> tuple[Floats, Floats]:
        """Window position to the position shown there."""
        swing = np.sin(2 * math.pi * (self.fx * ox + self.fy * oy) + math.radians(self.phase))
        return ox + self.ax * swing, oy + self.ay * swing

    def inverse(self, ox: Floats, oy: Floats) -> tuple[Floats, Floats]:
        """A window position where (ox, oy) is shown; NaN where the iteration finds none."""
        along = self.ax * self.fx + self.ay * self.fy
        phase = math.radians(self.phase)

        def moved(cycles: Floats) -> tuple[Floats, Floats]:
            angle = 2 * math.pi * cycles + phase
            return cycles + along * np.sin(angle), 1 + 2 * math.pi * along * np.cos(angle)

        target = np.asarray(self.fx * ox + self.fy * oy)
        flat = target.ravel()
        cycles = _root(moved, flat - abs(along), flat + abs(along), flat).reshape(target.shape)
        swing = np.sin(2 * math.pi * cycles + phase)
        return ox - self.ax * swing, oy - self.ay * swing


@dataclass(frozen=True)
class Tilt(_Parameters):
    """`tilt:ax,ay`: perspective, o' = o / (1 − ax·ox − ay·oy).

    The picture leans back towards +x for a positive ax and towards +y (down) for a positive ay; its
    middle keeps place and size, and straight lines stay straight. ax and ay are slopes: the horizon is
    the line ax·ox + ay·oy = 1, and what lies beyond it is NaN.
    """

    ax: float  # per shorter side
    ay: float

    def forward(self, ox: Floats, oy: Floats) -> tuple[Floats, Floats]:
        """Window position to the position shown there, NaN at and beyond the horizon."""
        return self._divide(ox, oy, 1 - self.ax * ox - self.ay * oy)

    def inverse(self, ox: Floats, oy: Floats) -> tuple[Floats, Floats]:
        """The window position where (ox, oy) is shown, NaN behind the viewer: o = o' / (1 + a·o')."""
        return self._divide(ox, oy, 1 + self.ax * ox + self.ay * oy)

    @staticmethod
    def _divide(ox: Floats, oy: Floats, divisor: Floats) -> tuple[Floats, Floats]:
        divisor = np.where(divisor > HORIZON, divisor, np.nan)
        return ox / divisor, oy / divisor


Warp = Lens | Swirl | Wave | Tilt

_KINDS: dict[str, type[Lens] | type[Swirl] | type[Wave] | type[Tilt]] = {
    "lens": Lens,
    "swirl": Swirl,
    "wave": Wave,
    "tilt": Tilt,
}


def parse_warp(text: str) -> Warp:
    """A warp as typed and stored, such as `lens:0.1,0,0.3,2`; `InputError` names what is wrong."""
    name, colon, rest = text.strip().partition(":")
    kind = _KINDS.get(name.strip().lower())
    if kind is None:
        raise InputError(f"unknown warp {name[:40]!r}, expected lens, swirl, wave or tilt")
    names = [field.name for field in dataclasses.fields(kind)]
    words = rest.split(",") if colon else []
    if len(words) != len(names):
        raise InputError(f"warp {text[:60]!r} has {len(words)} numbers, expected {name}:{','.join(names)}")
    values = []
    for field_name, word in zip(names, words, strict=True):
        try:
            values.append(float(word))
        except ValueError:
            raise InputError(f"{name}: {field_name} is {word[:40]!r}, expected a number") from None
    return kind(*values)


def warp_forward(warps: Sequence[Warp], ox: Floats, oy: Floats) -> tuple[Floats, Floats]:
    """All warps applied left to right; both coordinates are NaN where either is not finite."""
    for warp in warps:
        ox, oy = warp.forward(ox, oy)
    return _both_finite(ox, oy) if warps else (ox, oy)


def warp_inverse(warps: Sequence[Warp], ox: Floats, oy: Floats) -> tuple[Floats, Floats]:
    """The window positions that `warp_forward` takes to (ox, oy), NaN where there is none."""
    for warp in reversed(warps):
        ox, oy = warp.inverse(ox, oy)
    return _both_finite(ox, oy) if warps else (ox, oy)


def _both_finite(ox: Floats, oy: Floats) -> tuple[Floats, Floats]:
    finite = np.isfinite(ox) & np.isfinite(oy)
    return np.where(finite, ox, np.nan), np.where(finite, oy, np.nan)


def _root(
    function: Callable[[Floats], tuple[Floats, Floats]], low: Floats, high: Floats, target: Floats
) -> Floats:
    """Solve function(x) = target between low and high, element by element; NaN where it does not settle.

    `function` gives value and slope and crosses the target from below. Newton's step, or halving where
    that leaves the bracket or gains too little; each element stops on its own, so that its result does
    not depend on its neighbours.
    """
    low, high = low.copy(), high.copy()
    x, result = 0.5 * (low + high), np.full_like(low, np.nan)
    before = high - low
    active = np.flatnonzero(np.isfinite(x))
    for _ in range(100):
        if not active.size:
            break
        here = x[active]
        value, slope = function(here)
        value = value - target[active]
        low[active] = np.where(value <= 0, here, low[active])
        high[active] = np.where(value >= 0, here, high[active])
        a, b = low[active], high[active]
        slope = np.where(slope == 0, np.nan, slope)
        newton = here - value / slope
        # Newton must stay in the bracket and at least halve the step; not so for NaN
        good = (newton >= a) & (newton <= b) & (2 * np.abs(newton - here) <= before[active])
        x[active] = np.where(good, newton, 0.5 * (a + b))
        step = np.abs(x[active] - here)
        before[active] = step
        # quadratic convergence: a step of 1e-14 leaves nothing but rounding
        done = step <= 1e-14 * np.maximum(1.0, np.abs(here))
        result[active[done]] = x[active[done]]
        active = active[~done]
    return result
