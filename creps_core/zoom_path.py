"""The optimal path between two windows of the plane: zooming out, across and in as one movement.

J. J. van Wijk and W. A. A. Nuij, "Smooth and efficient zooming and panning" (InfoVis 2003). A window of
width w at distance u along the line between both centres moves with the perceived velocity
√(ρ²·u'² + w'²/ρ²) / w (their equation for V at constant ρ); the path of least length in that metric, run
through at constant velocity, is theirs of section 4, evaluated here in forms that neither overflow nor
cancel. Deliberately not here: rotation, warps, latents and timing, which `journey` adds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from creps_core.view import MIN_LOG2_ZOOM, View

RHO = math.sqrt(2)  # trade-off between zooming and panning: the value people in the paper's study chose
NEGLIGIBLE = 1e-12  # of the smaller window: a pan that nobody can see
ZOOM_BITS = 32  # log2 of the zoom differs from an end's by a multiple of 2⁻³²
CENTRE_BITS = 40  # and the centre of 2⁻⁴⁰ of the window, so that its decimals stay few


@dataclass(frozen=True)
class _Half:
    """The path as seen from one of its ends: exact near it, however small the window there is."""

    log_w: float  # ln of the window's width there
    r: float  # the paper's r₀, of the path that leaves this end

    def log_width(self, s: float) -> float:
        """Ln of w(s) = w₀·cosh r₀ / cosh(ρ·s + r₀)."""
        return self.log_w + _log_cosh(self.r) - _log_cosh(RHO * s + self.r)

    def travelled(self, s: float) -> float:
        """U(s) = w₀/ρ²·sinh(ρ·s) / cosh(ρ·s + r₀), in windows of this end.

        This is the paper's w₀/ρ²·(cosh r₀·tanh(ρ·s + r₀) − sinh r₀), without its difference of almost equals.
        """
        x = RHO * s
        return math.exp(_log_sinh(x) - _log_cosh(x + self.r)) / RHO**2 if x > 0 else 0.0


class ZoomPath:
    """From one view's centre and zoom to another's, by length along the path."""

    def __init__(self, start: View, end: View) -> None:
        self._start, self._end = start, end
        self._dx, self._dy = end.center_x - start.center_x, end.center_y - start.center_y
        depth = math.ceil(max(start.log2_zoom, end.log2_zoom))
        scale = Fraction(2) ** depth
        # in windows of about the smaller end: differences of any depth become ordinary doubles
        self._direction = (float(self._dx * scale), float(self._dy * scale))
        distance = math.hypot(*self._direction)
        log_ratio = float(start.log2_zoom - end.log2_zoom) * math.log(2)  # ln(w₁/w₀)
        widths = [float(depth - view.log2_zoom) * math.log(2) for view in (start, end)]
        self._halves: tuple[_Half, _Half] | None = None
        if distance <= NEGLIGIBLE:
            self.length = abs(log_ratio) / RHO
        else:
            log_u = math.log(distance)
            r0 = _r(widths[0], widths[1], log_ratio, log_u)
            r1 = -_r(widths[1], widths[0], -log_ratio, log_u)
            self.length = max((r1 - r0) / RHO, 0.0)
            self._halves = (_Half(widths[0], r0), _Half(widths[1], -r1))
        self._depth, self._distance = depth, distance

    def at(self, fraction: float) -> tuple[Fraction, Fraction, Fraction]:
        """(centre x, centre y, log2 of the zoom) at a share of the length, 0 … 1; the ends exactly."""
        if fraction <= 0 or fraction >= 1:
            view = self._start if fraction <= 0 else self._end
            return view.center_x, view.center_y, view.log2_zoom
        # Seen from the end on whose side of the widest window this is: from the other, the distance between
        # both centres would drown a deep window in rounding.
        turn = 0.5 if self._halves is None else -self._halves[0].r / (RHO * self.length)
        from_start = fraction <= turn
        share = fraction if from_start else 1 - fraction
        anchor, other = (self._start, self._end) if from_start else (self._end, self._start)
        if self._halves is None:
            deeper = (other.log2_zoom - anchor.log2_zoom) * Fraction(share)
            return anchor.center_x, anchor.center_y, anchor.log2_zoom + _rounded(deeper, ZOOM_BITS)
        half = self._halves[0 if from_start else 1]
        s = share * self.length
        deeper = Fraction((half.log_w - half.log_width(s)) / math.log(2))
        # a path between far centres would like to zoom out beyond what a view may be
        log2_zoom = max(anchor.log2_zoom + _rounded(deeper, ZOOM_BITS), Fraction(MIN_LOG2_ZOOM))
        bits = max(math.ceil(log2_zoom), 0) + CENTRE_BITS
        moved = math.exp(half.log_w) * half.travelled(s) / self._distance  # share of the distance
        sign = 1 if from_start else -1
        offsets = (
            _rounded(Fraction(sign * moved * d) / Fraction(2) ** self._depth, bits) for d in self._direction
        )
        x, y = (c + o for c, o in zip((anchor.center_x, anchor.center_y), offsets, strict=True))
        return x, y, log2_zoom


def _r(log_here: float, log_there: float, log_ratio: float, log_u: float) -> float:
    """The paper's r₀ = ln(−b₀ + √(b₀² + 1)) = −asinh(b₀), b₀ = (w₁² − w₀² + ρ⁴u²) / (2·w₀·ρ²·u).

    Args:
        log_here, log_there: ln w₀ and ln w₁.
        log_ratio: their exact difference ln(w₁/w₀), rounded once.
        log_u: ln of the distance.
    """
    log_c = log_u + 2 * math.log(RHO)  # of ρ²u
    largest = max(log_here, log_there, log_c)
    here, c = math.exp(log_here - largest), math.exp(log_c - largest)
    there = math.exp(log_there - largest)
    # w₁² − w₀² from the ratio alone: it does not cancel when both are nearly equal
    difference = math.expm1(log_ratio) * here if log_ratio < 1 else there - here
    numerator = difference * (there + here) + c * c
    if not numerator:
        return 0.0
    log_b = math.log(abs(numerator)) - math.log(2) - (log_here - largest) - (log_c - largest)
    # asinh(b) = ln 2b beyond b = 10⁹, to the last bit
    size = math.asinh(math.exp(log_b)) if log_b < 20 else log_b + math.log(2)
    return -math.copysign(size, numerator)


def _log_cosh(x: float) -> float:
    x = abs(x)
    return x + math.log1p(math.exp(-2 * x)) - math.log(2)


def _log_sinh(x: float) -> float:
    """Of a positive x."""
    return x + math.log(-math.expm1(-2 * x)) - math.log(2)


def _rounded(value: Fraction, bits: int) -> Fraction:
    """The nearest multiple of 2^−bits."""
    return Fraction(round(value * 2**bits), 2**bits)
