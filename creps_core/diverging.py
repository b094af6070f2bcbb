"""Signed numbers as colours: dark at 0, bluish below, warm above, equally light at equal distance.

The lightness rises evenly with the magnitude (Oklab, Ottosson 2020), so that no value looks like an edge
that is not there.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

STEPS = 127  # of either sign
DARK, LIGHT = 0.20, 0.84  # lightness at 0 and at the limit
CHROMA = 0.10
COOL, WARM = 250.0, 65.0  # hue angles of negative and positive numbers
_LIMITS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)  # times a power of ten


@cache
def palette() -> NDArray[np.uint8]:
    """The colours of −STEPS … STEPS, [2·STEPS + 1, 3]."""
    t = np.arange(-STEPS, STEPS + 1) / STEPS
    size = np.abs(t)
    hue = np.radians(np.where(t < 0, COOL, WARM))
    chroma = CHROMA * np.sin(size * math.pi / 2) ** 0.8
    linear = _from_oklab(DARK + (LIGHT - DARK) * size, chroma * np.cos(hue), chroma * np.sin(hue))
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear.clip(1e-9) ** (1 / 2.4) - 0.055)
    return np.round(255 * curve.clip(0, 1)).astype(np.uint8)


def diverging(values: NDArray[np.float32], limit: float) -> NDArray[np.uint8]:
    """The colours [..., 3] of values [...], 0 in the middle; what lies beyond ±limit has the end's colour."""
    steps = np.round(values * np.float32(STEPS / limit)).clip(-STEPS, STEPS)
    return palette()[steps.astype(np.int16) + STEPS]


def round_limit(values: NDArray[np.float32]) -> float:
    """A short number no smaller than any magnitude: colours stay still while values change a little."""
    most = float(np.abs(values).max(initial=0.0))
    if not most > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (*_LIMITS, 20.0) if step * power >= most)


def _from_oklab(
    lightness: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Oklab to linear sRGB, [n, 3]."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    return np.stack([red, green, blue], axis=-1)
