"""An old frame is shown exactly where the new view wants it, at any depth."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from creps_core.reprojection import affine_between, reproject
from creps_core.view import Size, View
from creps_core.warps import Lens, Swirl, Tilt
from creps_viewer.model import navigation
from tests.strategies import relaxed, rotations, sizes, stretches, views, zooms

SIZE = Size(640, 400)


@relaxed
@given(views, zooms, rotations, stretches, sizes, sizes, st.floats(-2, 2), st.floats(-2, 2))
def test_positions_lead_to_the_same_plane_point(
    old: View,
    zoom: Fraction,
    rotation: float,
    stretch: tuple[float, float],
    old_size: Size,
    new_size: Size,
    dx: float,
    dy: float,
) -> None:
    new = replace(old, log2_zoom=zoom, rotation_deg=rotation, stretch=stretch)
    new = navigation.pan_by(new, new_size, dx * new_size.width, dy * new_size.height)
    px, py = np.array([0.0, 10.5, new_size.width]), np.array([0.0, new_size.height, 3.25])
    old_px, old_py = reproject(old, old_size, new, new_size, px, py)
    matrix = affine_between(old, old_size, new, new_size)
    assert matrix is not None
    # one old pixel may be a million new ones: compare in units of what the new window spans in the old
    span = float(np.abs(matrix[:, :2]).sum()) * 3000 * 3 + 3000
    for k in range(3):
        exact = new.plane_point(px[k], py[k], new_size)
        # both as exact numbers: the old window's plane point at the re-projected position
        seen = old.plane_point(float(old_px[k]), float(old_py[k]), old_size)
        pitch = max(map(abs, old.step(old_size)))
        assert abs(float(seen[0] - exact[0])) <= 1e-11 * span * pitch
        assert abs(float(seen[1] - exact[1])) <= 1e-11 * span * pitch
        affine = matrix @ [px[k], py[k], 1]
        np.testing.assert_allclose(affine, [old_px[k], old_py[k]], atol=1e-11 * span, rtol=0)


@pytest.mark.parametrize("zoom", [1.0, 1e6, 1e15, 1e100])
def test_a_pan_by_whole_pixels_is_whole_at_any_depth(zoom: float) -> None:
    old = View.from_zoom(zoom, center_x=Fraction(1, 10), rotation_deg=23.4)
    new = navigation.pan_by(old, SIZE, 37, -12)
    assert affine_between(old, SIZE, new, SIZE).tolist() == [[1, 0, -37], [0, 1, 12]]  # type: ignore[union-attr]
    x, y = reproject(old, SIZE, new, SIZE, np.array([100.5]), np.array([7.5]))
    assert (x[0], y[0]) == pytest.approx((63.5, 19.5), abs=1e-9)


def test_a_zoom_about_the_cursor_scales_about_it() -> None:
    old = View.from_zoom(1e12, rotation_deg=40)
    new = navigation.zoom_about(old, SIZE, 100, 300, 1)
    np.testing.assert_allclose(affine_between(old, SIZE, new, SIZE), [[0.5, 0, 50], [0, 0.5, 150]], atol=1e-9)


@relaxed
@given(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4), st.floats(-4, 4))
def test_warps_are_undone_and_done_anew(x: float, y: float, strength: float) -> None:
    old = View(log2_zoom=Fraction(30), warps=(Swirl(0.1, 0, 0.5, 60), Tilt(0.3, 0)))
    new = replace(old, warps=(Lens(x, y, 0.3, strength), *old.warps))
    px, py = np.array([320 + 400 * x + 3, 50.0]), np.array([200 + 400 * y + 2, 60.0])
    old_px, old_py = reproject(old, SIZE, new, SIZE, px, py)
    assume(np.isfinite(old_px).all())
    for k in range(2):
        here = new.plane_point(px[k], py[k], SIZE)
        there = old.plane_point(old_px[k], old_py[k], SIZE)
        pitch = max(map(abs, old.step(SIZE)))
        assert abs(float(here[0] - there[0])) < 1e-8 * pitch
        assert abs(float(here[1] - there[1])) < 1e-8 * pitch
    assert affine_between(old, SIZE, new, SIZE) is None


def test_what_a_window_does_not_show_is_nan() -> None:
    tilted = View(warps=(Tilt(2.0, 0),))
    x, _ = reproject(View(), SIZE, tilted, SIZE, np.array([620.0, 320.0]), np.array([200.0, 200.0]))
    assert np.isnan(x[0])
    assert x[1] == 320
    x, _ = reproject(tilted, SIZE, View(), SIZE, np.array([20.0, 320.0]), np.array([200.0, 200.0]))
    assert np.isnan(x[0])
    assert x[1] == 320
