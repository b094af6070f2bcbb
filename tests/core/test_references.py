"""The slow evaluations of the other tests agree with the reference network where it can be asked."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from creps_core.grid import Line, SeparableGrid
from tests.core.references import (
    SMALL,
    dense_points,
    exact_generator,
    exact_grid,
    exact_points,
    random_ws,
    reference,
    small_generator,
)

GRID = SeparableGrid(Line(Fraction(1, 8), Fraction(1, 16), 9), Line(Fraction(1, 4), Fraction(1, 32), 11))


def test_points_and_float64_are_the_reference() -> None:
    generator, ws = small_generator(), random_ws(SMALL)
    want = reference(generator, ws, GRID)
    exact = exact_generator(generator)
    np.testing.assert_allclose(exact_grid(exact, ws, GRID), want, atol=2e-5)
    points = [
        (GRID.x.start + j * GRID.x.step, GRID.y.start + i * GRID.y.step) for i in range(9) for j in range(11)
    ]
    flat = want.reshape(-1, 3)
    np.testing.assert_allclose(dense_points(generator, ws, np.array(points, dtype=float)), flat, atol=1e-5)
    np.testing.assert_allclose(exact_points(exact, ws, points), flat, atol=2e-5)
    np.testing.assert_allclose(
        exact_points(exact, ws, points), exact_grid(exact, ws, GRID).reshape(-1, 3), atol=1e-12
    )
