"""The seed lattice: every seed has a place in the plane, and between four of them lies a mixture in w.

Neighbours to the right are the next seeds, those below are `ROW` seeds further; both wrap around.
"""

from __future__ import annotations

import math

from creps_core.source import MAX_SEED

ROW = 100


def seed_at(x: int, y: int) -> int:
    """The seed at a whole place."""
    return (x + ROW * y) % (MAX_SEED + 1)


def corners(x: float, y: float) -> list[tuple[int, float]]:
    """The seeds around a place and their bilinear weights, which add up to 1; none of weight 0."""
    left, top = math.floor(x), math.floor(y)
    right, down = x - left, y - top
    around = (
        (0, 0, (1 - right) * (1 - down)),
        (1, 0, right * (1 - down)),
        (0, 1, (1 - right) * down),
        (1, 1, right * down),
    )
    return [(seed_at(left + i, top + j), weight) for i, j, weight in around if weight]
