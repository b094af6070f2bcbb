"""Grids hold the exact sample positions of a view, and split them so that depth costs no accuracy."""

from __future__ import annotations

import math
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from creps_core.errors import InputError
from creps_core.grid import (
    GeneralGrid,
    Line,
    SeparableGrid,
    general_alpha,
    grid_for,
    outside_alpha,
    window_grid,
)
from creps_core.view import Size, View
from creps_core.warps import Lens, Swirl, Tilt, Wave
from tests.strategies import bent_views, centres, relaxed, sizes, stretches, zooms

DEPTHS = [1e-3, 1.0, 1e3, 1e6, 1e12, 1e15, 1e100]
SIZE = Size(37, 23)

rationals = st.fractions(-3, 3, max_denominator=10**30)
lines = st.builds(Line, rationals, rationals, st.integers(0, 40))


def frequencies() -> NDArray[np.float32]:
    """As the network draws them: N(0, 10²), float32."""
    return (10 * np.random.RandomState(1).randn(16)).astype(np.float32)


def cycle_error(phase: float, exact: Fraction) -> float:
    """Distance of two phases in cycles, on the circle."""
    difference = float((Fraction(phase) - exact) % 1)
    return min(difference, 1 - difference)


def points(line: Line) -> list[Fraction]:
    return [line.start + i * line.step for i in range(line.count)]


@relaxed
@given(lines)
def test_split_gives_the_nearest_coarse_multiple_and_the_exact_rest_rounded_once(line: Line) -> None:
    coarse, fine = line.split()
    assert len(coarse) == len(fine) == line.count
    for t, c, f in zip(points(line), coarse, fine, strict=True):
        assert (c * 2**26).is_integer()
        assert abs(f) <= 2**-27
        assert f == float(t - Fraction(float(c)))


@relaxed
@given(lines)
def test_values_are_the_points_rounded_once(line: Line) -> None:
    assert line.values().tolist() == [float(t) for t in points(line)]


@relaxed
@given(lines, st.integers(1, 64), st.integers(0, 9), st.integers(0, 40))
def test_a_sample_splits_alike_in_every_line_that_holds_it(line: Line, stride: int, a: int, b: int) -> None:
    coarse, fine = line.split()
    for part, index in (
        (line.every(stride, a), slice(a, None, stride)),
        (line.slice(min(a, line.count), min(b, line.count)), slice(min(a, line.count), min(b, line.count))),
        (Line(line.start + (line.count - 1) * line.step, -line.step, line.count), slice(None, None, -1)),
    ):
        assert points(part) == points(line)[index]
        part_coarse, part_fine = part.split()
        np.testing.assert_array_equal(part_coarse, coarse[index])
        np.testing.assert_array_equal(part_fine, fine[index])


@pytest.mark.parametrize("far", [10**6, -(10**6)])
def test_split_reaches_far_outside_the_picture(far: int) -> None:
    line = Line(far + Fraction(1, 10**20), Fraction(1, 10**18), 5)
    coarse, fine = line.split()
    for t, c, f in zip(points(line), coarse, fine, strict=True):
        assert abs(Fraction(float(c)) + Fraction(float(f)) - t) <= abs(t) / 2**90


@relaxed
@given(lines, st.integers(-100, 100), st.integers(0, 40))
def test_offset_from_finds_whole_shifts_and_nothing_else(line: Line, k: int, count: int) -> None:
    assume(line.step)
    shifted = Line(line.start + k * line.step, line.step, count)
    assert shifted.offset_from(line) == k
    assert line.offset_from(shifted) == -k
    assert Line(shifted.start + line.step / 3, line.step, count).offset_from(line) is None
    assert Line(line.start, line.step * 2, count).offset_from(line) is None


@pytest.mark.parametrize("zoom", DEPTHS)
def test_line_phases_are_exact_at_every_depth(zoom: float) -> None:
    centre = Fraction(314159265358979323846264338327950288419716939937510, 10**51)
    grid = grid_for(View.from_zoom(zoom, center_x=centre, center_y=centre), SIZE)
    assert isinstance(grid, SeparableGrid)
    coarse, fine = grid.x.split()
    # at 1e-3 the window spans 1600 units: f·coarse loses 2⁻⁵³ of 20 000 cycles
    for f in frequencies():
        phases = (float(f) * coarse) % 1 + float(f) * fine
        for t, phase in zip(points(grid.x), phases, strict=True):
            assert cycle_error(float(phase), Fraction(float(f)) * t) < 1e-9


@pytest.mark.parametrize("zoom", DEPTHS)
@pytest.mark.parametrize("warps", [(), (Lens(0.1, 0, 0.4, 2), Tilt(0.2, 0.1))], ids=["turned", "bent"])
def test_general_phases_are_exact_at_every_depth(zoom: float, warps: tuple[Lens | Tilt, ...]) -> None:
    centre = Fraction(271828182845904523536028747135266249775724709369995, 10**51)
    view = View.from_zoom(zoom, center_x=centre, center_y=1 - centre, rotation_deg=30, warps=warps)
    grid = GeneralGrid(view, SIZE)
    dy, dx = grid.offsets(range(SIZE.height), range(SIZE.width))
    for i, j in [(0, 0), (11, 18), (22, 36), (5, 30)]:
        x, y = view.plane_point(j + 0.5, i + 0.5, SIZE)
        for centre_t, offset, t in ((view.center_y, dy[i, j], y), (view.center_x, dx[i, j], x)):
            for f in frequencies():
                base = float(Fraction(float(f)) * centre_t % 1)
                assert cycle_error(base + float(f) * offset, Fraction(float(f)) * t) < 1e-9


@relaxed
@given(bent_views, sizes, st.data())
def test_general_offsets_agree_with_the_exact_plane_point(
    view: View, size: Size, data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.integers(0, size.height - 1), min_size=1, max_size=4))
    columns = data.draw(st.lists(st.integers(0, size.width - 1), min_size=1, max_size=4))
    dy, dx = GeneralGrid(view, size).offsets(rows, columns)
    assert dy.shape == dx.shape == (len(rows), len(columns))
    for a, i in enumerate(rows):
        for b, j in enumerate(columns):
            if view.pixel_offset(j + 0.5, i + 0.5, size) is None:
                assert np.isnan([dy[a, b], dx[a, b]]).all()
                continue
            x, y = view.plane_point(j + 0.5, i + 0.5, size)
            # relative to the window's extent (a tilt's far points: their own distance), so good at any depth
            scale = 3000 / size.shorter / view.zoom + abs(dy[a, b]) + abs(dx[a, b])
            assert abs(dx[a, b] - float(x - view.center_x)) <= 1e-13 * scale
            assert abs(dy[a, b] - float(y - view.center_y)) <= 1e-13 * scale


def test_general_offsets_do_not_depend_on_the_tile() -> None:
    warps = (Lens(0.1, 0, 0.4, -2), Swirl(0, 0.1, 0.5, 200), Wave(0.02, 0, 1, 3, 10), Tilt(1.5, 0.4))
    grid = GeneralGrid(View(rotation_deg=17, log2_zoom=Fraction(30), warps=warps), Size(143, 97))
    whole = grid.offsets(range(97), range(143))
    assert np.isnan(whole[0]).any()
    assert np.isnan(whole[0]).mean() < 0.5
    for rows, columns in (
        (slice(10, 61), slice(3, 90)),
        (slice(0, 97, 8), slice(5, 143, 8)),
        (slice(96, 97),) * 2,
    ):
        part = grid.offsets(np.arange(97)[rows], np.arange(143)[columns])
        np.testing.assert_array_equal(part[0], whole[0][rows, columns])
        np.testing.assert_array_equal(part[1], whole[1][rows, columns])


@relaxed
@given(centres, centres, zooms, st.sampled_from([0.0, 90.0, 180.0, -90.0]), stretches, sizes, st.data())
def test_quarter_turns_and_mirrors_are_separable_and_exact(
    x: Fraction,
    y: Fraction,
    zoom: Fraction,
    rotation: float,
    stretch: tuple[float, float],
    size: Size,
    data: st.DataObject,
) -> None:
    view = View(x, y, zoom, rotation, stretch)
    grid = grid_for(view, size)
    assert isinstance(grid, SeparableGrid)
    assert grid.transposed == (rotation in (90, -90))
    assert grid.size() == size
    i = data.draw(st.integers(0, size.height - 1))
    j = data.draw(st.integers(0, size.width - 1))
    row, column = (j, i) if grid.transposed else (i, j)
    point = (grid.x.start + column * grid.x.step, grid.y.start + row * grid.y.step)
    assert point == view.plane_point(j + 0.5, i + 0.5, size)


@relaxed
@given(centres, zooms, stretches, st.sampled_from([0.0, 90.0]), sizes)
def test_twice_the_size_has_two_samples_around_each_old_one(
    centre: Fraction, zoom: Fraction, stretch: tuple[float, float], rotation: float, size: Size
) -> None:
    view = View(centre, centre, zoom, rotation, stretch)
    small, large = grid_for(view, size), grid_for(view, Size(2 * size.width, 2 * size.height))
    assert isinstance(small, SeparableGrid)
    assert isinstance(large, SeparableGrid)
    for few, many in ((small.y, large.y), (small.x, large.x)):
        assert many.count == 2 * few.count
        assert many.step * 2 == few.step
        assert many.start + many.step / 2 == few.start


def test_anything_else_is_a_general_grid() -> None:
    for view in (View(rotation_deg=1), View(warps=(Lens(0, 0, 1, 1),))):
        assert grid_for(view, SIZE) == GeneralGrid(view, SIZE)


def test_window_grid_is_linspace_with_both_ends() -> None:
    grid = window_grid(0, -0.25, 1, 1.5, Size(64, 48))
    assert grid.size() == Size(64, 48)
    np.testing.assert_allclose(grid.y.values(), np.linspace(0, 1, 48), atol=1e-15, rtol=0)
    np.testing.assert_allclose(grid.x.values(), np.linspace(-0.25, 1.5, 64), atol=1e-15, rtol=0)
    assert grid.y.values()[[0, -1]].tolist() == [0, 1]
    one = window_grid(Fraction(1, 3), 0.75, 2, 3, Size(1, 1))
    assert points(one.y) == [Fraction(1, 3)]
    assert one.x.split()[0][0] + one.x.split()[1][0] == 0.75
    constant = window_grid(0.5, 0, 0.5, 1, Size(4, 3))
    assert constant.y.values().tolist() == [0.5] * 3
    with pytest.raises(InputError, match="finite"):
        window_grid(0, math.nan, 1, 1, SIZE)


def test_splitting_costs_microseconds_per_sample_even_at_the_deepest_zoom() -> None:
    view = View(Fraction(1, 8) + Fraction(1, 2**600), log2_zoom=Fraction(500))
    line = grid_for(view, Size(2000, 2000)).x
    best = min(_timed(line) for _ in range(5))
    # 1.5 µs on two idle cores; the bound leaves room for a busy machine
    assert best / line.count < 8e-6


def _timed(line: Line) -> float:
    start = time.perf_counter()
    line.split()
    return time.perf_counter() - start


def test_outside_weights() -> None:
    t = np.array([-5, -0.1, -0.05, 0, 0.5, 1, 1.025, 1.05, 1.1, np.inf, np.nan])
    fade = outside_alpha(t, "fade")
    assert fade.dtype == np.float32
    np.testing.assert_allclose(fade, [0, 0, 0.5, 1, 1, 1, 0.84375, 0.5, 0, 0, 0], atol=1e-6)
    assert outside_alpha(t, "frame").tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0]
    assert outside_alpha(t, "generate").tolist() == [1] * 10 + [0]


def test_general_grids_show_nothing_far_outside() -> None:
    y = np.array([[-1.01, -1.0, 0.5, 2.0, 2.01, np.nan, 0.5, 1.05]])
    x = np.array([[0.5, 0.5, 0.5, 0.5, 0.5, 0.5, np.nan, 1.05]])
    assert general_alpha(y, x, "generate").tolist() == [[0, 1, 1, 1, 0, 0, 0, 1]]
    np.testing.assert_allclose(general_alpha(y, x, "fade"), [[0, 0, 1, 0, 0, 0, 0, 0.25]], atol=1e-6)
