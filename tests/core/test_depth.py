"""Depth costs nothing: at 10³×, 10⁶× and 10¹²× frames are those of float64 at the exact coordinates."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from creps_core.grid import SeparableGrid, grid_for
from creps_core.view import Size, View
from tests.conftest import Golden
from tests.core.references import exact_generator, exact_grid, exact_points, pixel_points, renderer_of
from tests.core.tolerances import HALF_LEVEL, REFERENCE, assert_close

SIZE = Size(20, 14)
CENTRE = {
    "center_x": Fraction("0.31415926535897932384626433"),
    "center_y": Fraction("0.27182818284590452353"),
}


@pytest.mark.parametrize("zoom", [1.0, 1e3, 1e6, 1e12])
@pytest.mark.parametrize("rotation", [0.0, 90.0])
def test_rows_and_columns(golden: Callable[[str], Golden], zoom: float, rotation: float) -> None:
    # worst seen: 1.2e-5
    file = golden("creps-64-random")
    ws = file.tensors["ws.seed0.psi1.0"]
    grid = grid_for(View.from_zoom(zoom, rotation_deg=rotation, stretch=(1.5, 1.0), **CENTRE), SIZE)
    assert isinstance(grid, SeparableGrid)
    with renderer_of(file.generator) as made:
        got = made.render(made.plan(ws), grid)
    assert_close(got, exact_grid(exact_generator(file.generator), ws, grid), REFERENCE)


@pytest.mark.parametrize("zoom", [1e3, 1e6, 1e12])
def test_turned(golden: Callable[[str], Golden], zoom: float) -> None:
    file = golden("scenery-64")
    ws = file.tensors["ws.seed0.psi1.0"]
    view = View.from_zoom(zoom, rotation_deg=30.0, **CENTRE)
    with renderer_of(file.generator) as made:
        got = made.render(made.plan(ws), grid_for(view, SIZE))
    pixels = [(i, j) for i in range(0, SIZE.height, 2) for j in range(0, SIZE.width, 2)]
    want = exact_points(exact_generator(file.generator), ws, pixel_points(view, SIZE, pixels))
    assert_close(np.array([got[at] for at in pixels]), want, HALF_LEVEL)


def test_the_exact_evaluation_tells_neighbours_apart_where_float32_does_not(
    golden: Callable[[str], Golden],
) -> None:
    """What the other tests compare with has the detail that a naive float32 coordinate would lose."""
    file = golden("creps-64-random")
    ws = file.tensors["ws.seed0.psi1.0"]
    exact = exact_generator(file.generator)
    view = View.from_zoom(1e8, **CENTRE)
    pictures = [exact_grid(exact, ws, grid_for(view, Size(4, 3)))[0, :, 0] for _ in range(2)]
    assert len(set(pictures[0])) == 4
    assert np.array_equal(*pictures)
    points = pixel_points(view, Size(4, 3), [(0, j) for j in range(4)])
    assert len({np.float32(float(x)) for x, _ in points}) < 4
