"""A view is exact, means what the design says, and survives files."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from creps_core.errors import InputError
from creps_core.view import OffPlaneError, Size, View, log2_of, quantise_degrees
from creps_core.warps import Lens, Tilt, warp_forward
from tests.strategies import bent_views, relaxed, rotations, sizes, stretches, views, warp_lists

WIDE = Size(1280, 1024)  # 1/1024 is a double: its plane points are round numbers


@relaxed
@given(rotations, stretches, st.floats(-3, 3), warp_lists, sizes, st.floats(0, 1), st.floats(0, 1))
def test_points_follow_the_four_steps_of_the_design(
    rotation: float,
    stretch: tuple[float, float],
    log2_zoom: float,
    warps: tuple[Any, ...],
    size: Size,
    across: float,
    down: float,
) -> None:
    view = View(Fraction(1, 4), Fraction(3, 4), Fraction(log2_zoom), rotation, stretch, warps)
    px, py = across * size.width, down * size.height
    o = ((px - size.width / 2) / min(size), (py - size.height / 2) / min(size))
    ox, oy = (float(v[0]) for v in warp_forward(warps, np.array([o[0]]), np.array([o[1]])))
    if math.isnan(ox):
        with pytest.raises(OffPlaneError, match="nothing"):
            view.plane_point(px, py, size)
        return
    u, v = stretch[0] * ox, stretch[1] * oy
    cosine, sine = math.cos(math.radians(rotation)), math.sin(math.radians(rotation))
    x = 0.25 + (u * cosine + v * sine) / 2**log2_zoom
    y = 0.75 + (-u * sine + v * cosine) / 2**log2_zoom
    got_x, got_y = view.plane_point(px, py, size)
    # rotation is rounded to 2⁻²⁰ degree: up to 1e-8 rad
    reach = 1e-12 + 1e-8 * (abs(u) + abs(v)) / 2**log2_zoom
    assert float(got_x) == pytest.approx(x, abs=reach, rel=1e-12)
    assert float(got_y) == pytest.approx(y, abs=reach, rel=1e-12)


def test_zoom_1_fits_the_unit_square_into_the_shorter_side() -> None:
    view = View()
    assert view.plane_point(128, 0, WIDE) == (0, 0)
    assert view.plane_point(1152, 1024, WIDE) == (1, 1)
    assert View.from_zoom(2).plane_point(640, 1024, WIDE) == (Fraction(1, 2), Fraction(3, 4))


def test_a_positive_rotation_turns_the_picture_clockwise() -> None:
    view = View(rotation_deg=90)
    # the picture's top left corner comes to the window's top right
    assert view.plane_point(1152, 0, WIDE) == (0, 0)
    assert view.plane_point(1152, 1024, WIDE) == (1, 0)


def test_a_negative_stretch_mirrors() -> None:
    assert View(stretch=(-1, 1)).plane_point(128, 0, WIDE) == (1, 0)
    assert View(stretch=(1, -1)).plane_point(128, 0, WIDE) == (0, 1)


@relaxed
@given(bent_views, sizes, st.floats(0, 1), st.floats(0, 1))
def test_window_points_finds_the_position_that_shows_a_point(
    view: View, size: Size, across: float, down: float
) -> None:
    px, py = across * size.width, down * size.height
    assume(view.pixel_offset(px, py, size) is not None)
    x, y = view.plane_point(px, py, size)
    dx, dy = (np.array([float(v)]) for v in (x - view.center_x, y - view.center_y))
    got_x, got_y = view.window_points(dx, dy, size)
    # a chain of warps may magnify rounding a thousandfold; without warps it is 1e-12
    tolerance = 1e-6 if view.warps else 1e-9
    assert got_x[0] == pytest.approx(px, abs=tolerance)
    assert got_y[0] == pytest.approx(py, abs=tolerance)


@relaxed
@given(views, st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 3000))
def test_the_middle_stays_when_the_window_is_resized(view: View, w: int, h: int, other: int) -> None:
    for size in (Size(w, h), Size(w, other), Size(other, h)):
        assert view.plane_point(size.width / 2, size.height / 2, size) == (view.center_x, view.center_y)


@relaxed
@given(bent_views)
def test_a_view_survives_json_exactly(view: View) -> None:
    assert View.from_json(json.loads(json.dumps(view.to_json()))) == view


def test_json_is_as_documented() -> None:
    view = View(Fraction(1, 8), Fraction(-1, 10), Fraction(20), 30.5, (1, -2), (Lens(0, 0, 0.3, 1),), "frame")
    assert view.to_json() == {
        "center": ["0.125", "-0.1"],
        "log2_zoom": "20",
        "rotation_deg": 30.5,
        "stretch": [1.0, -2.0],
        "warps": ["lens:0,0,0.3,1"],
        "outside": "frame",
    }
    assert View.from_json({}) == View()
    assert View.from_json({"center": [0.1, 1], "size": [3, 4], "new": 1}).center_x == Fraction(1, 10)


def test_a_typed_decimal_of_any_length_is_kept() -> None:
    digits = "0." + "123456789" * 100
    view = View.from_json({"center": [digits, "0.5"]})
    assert view.center_x == Fraction(int(digits[2:]), 10**900)
    assert view.to_json()["center"][0] == digits


@pytest.mark.parametrize(
    "values",
    [
        [],
        None,
        {"center": ["0.5"]},
        {"center": "0.5,0.5"},
        {"center": ["1e999999999", "0.5"]},
        {"center": ["nan", "0.5"]},
        {"center": [True, "0.5"]},
        {"center": [None, "0.5"]},
        {"center": [math.nan, 0.5]},
        {"center": ["1e10", "0.5"]},
        {"log2_zoom": "513"},
        {"log2_zoom": "-17"},
        {"log2_zoom": []},
        {"rotation_deg": math.inf},
        {"rotation_deg": 10**400},
        {"rotation_deg": "30"},
        {"stretch": [1]},
        {"stretch": [0, 1]},
        {"stretch": [math.nan, 1]},
        {"stretch": [1, 1e300]},
        {"warps": "lens:0,0,0.3,1"},
        {"warps": ["lens:0,0,0.3"]},
        {"warps": [5]},
        {"outside": "nowhere"},
        {"outside": ["fade"]},
    ],
)
def test_a_bad_view_is_refused_with_one_line(values: Any) -> None:
    with pytest.raises(InputError) as caught:
        View.from_json(values)
    assert "\n" not in str(caught.value)


def test_a_centre_that_no_file_could_hold_is_refused() -> None:
    with pytest.raises(InputError, match="center_x"):
        View(center_x=Fraction(1, 3))
    with pytest.raises(InputError, match="center_y"):
        View(center_y=math.inf)  # type: ignore[arg-type]


@relaxed
@given(st.floats(-1e6, 1e6))
def test_rotations_are_quantised_and_wrapped(degrees: float) -> None:
    q = quantise_degrees(degrees)
    assert -180 < q <= 180
    assert (q * 2**20).is_integer()
    assert quantise_degrees(q) == q
    turns = (degrees - q) / 360
    assert abs(turns - round(turns)) * 360 <= 2**-21 + 1e-9


def test_rotations_wrap_to_plus_180() -> None:
    assert View(rotation_deg=-180).rotation_deg == 180
    assert View(rotation_deg=270).rotation_deg == -90
    assert View(rotation_deg=360) == View()


@relaxed
@given(st.floats(2.0**-16, 2.0**500))
def test_typed_zooms_are_kept_to_rounding(zoom: float) -> None:
    assert View.from_zoom(zoom).zoom == pytest.approx(zoom, rel=1e-13)


@pytest.mark.parametrize("zoom", [0, -1, math.nan, math.inf])
def test_a_zoom_must_be_a_positive_number(zoom: float) -> None:
    with pytest.raises(InputError, match="zoom"):
        log2_of(zoom)


@relaxed
@given(views, sizes, st.fractions(-16, 511, max_denominator=2**20))
def test_an_octave_halves_the_step_exactly_down_to_the_deepest_zoom(
    view: View, size: Size, z: Fraction
) -> None:
    z = Fraction(round(z * 2**20), 2**20)
    fields = {"rotation_deg": view.rotation_deg, "stretch": view.stretch}
    one = View(log2_zoom=z, **fields).step(size)
    next_one = View(log2_zoom=z + 1, **fields).step(size)
    assert [v / 2 for v in one] == list(next_one)
    assert any(one)


def test_only_quarter_turns_without_warps_are_separable() -> None:
    assert all(View(rotation_deg=r).is_separable for r in (0, 90, 180, -90, 270))
    assert not View(rotation_deg=2**-20).is_separable
    assert not View(warps=(Tilt(0, 0),)).is_separable
