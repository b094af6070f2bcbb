"""Gestures keep the point under the cursor, and gestures that return, return the identical view."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from creps_core.grid import SeparableGrid, grid_for
from creps_core.view import MAX_LOG2_ZOOM, MIN_LOG2_ZOOM, OffPlaneError, Size, View
from creps_core.warps import Lens, Swirl, Tilt
from creps_viewer.model import navigation
from tests.strategies import bent_views, octaves, relaxed, sizes, views, zooms

SIZE = Size(1280, 800)
BENT = (Lens(0.1, 0.05, 0.4, 2.0), Swirl(-0.2, 0, 0.3, 120), Tilt(0.2, -0.3))
shares = st.floats(0, 1)  # of the window's width or height


def shown_at(view: View, size: Size, point: tuple[Fraction, Fraction]) -> tuple[float, float]:
    """Window position of an exact plane point."""
    dx, dy = (np.array([float(v)]) for v in (point[0] - view.center_x, point[1] - view.center_y))
    px, py = view.window_points(dx, dy, size)
    return float(px[0]), float(py[0])


def assert_stays(before: View, after: View, size: Size, px: float, py: float) -> None:
    """The plane point of `before` at (px, py) is at (px, py) in `after` too."""
    point = before.plane_point(px, py, size)
    # exact arithmetic, in pixels of the new view, first …
    seen = after.plane_point(px, py, size)
    pitch = min(abs(s) for s in after.stretch) / size.shorter / after.zoom
    assert abs(seen[0] - point[0]) <= 1e-6 * pitch
    assert abs(seen[1] - point[1]) <= 1e-6 * pitch
    # … and where the float path, which draws overlays, puts the point
    assert shown_at(after, size, point) == pytest.approx((px, py), abs=1e-6)


@relaxed
@given(bent_views, sizes, shares, shares, octaves)
def test_the_point_under_the_cursor_stays_when_zooming(
    view: View, size: Size, across: float, down: float, by: float
) -> None:
    px, py = across * size.width, down * size.height
    assume(view.pixel_offset(px, py, size) is not None)
    after = navigation.zoom_about(view, size, px, py, by)
    assert abs(after.log2_zoom - view.log2_zoom - Fraction(by)) <= Fraction(1, 2**21) or (
        after.log2_zoom == MIN_LOG2_ZOOM
    )
    assert_stays(view, after, size, px, py)


@relaxed
@given(bent_views, zooms, sizes, shares, shares)
def test_the_point_under_the_cursor_stays_over_any_jump_of_zoom(
    view: View, log2_zoom: Fraction, size: Size, across: float, down: float
) -> None:
    px, py = across * size.width, down * size.height
    assume(view.pixel_offset(px, py, size) is not None)
    after = navigation.zoom_to(view, size, px, py, log2_zoom)
    assert after.log2_zoom == log2_zoom
    assert_stays(view, after, size, px, py)


@relaxed
@given(bent_views, sizes, shares, shares, st.floats(-1000, 1000))
def test_the_point_under_the_cursor_stays_when_turning(
    view: View, size: Size, across: float, down: float, degrees: float
) -> None:
    px, py = across * size.width, down * size.height
    assume(view.pixel_offset(px, py, size) is not None)
    assert_stays(view, navigation.rotate_about(view, size, px, py, degrees), size, px, py)


@relaxed
@given(bent_views, sizes, shares, shares, shares, shares)
def test_the_grabbed_point_follows_a_drag(
    view: View, size: Size, x0: float, y0: float, x1: float, y1: float
) -> None:
    start = (x0 * size.width, y0 * size.height)
    end = (x1 * size.width, y1 * size.height)
    assume(view.pixel_offset(*start, size) is not None)
    assume(view.pixel_offset(*end, size) is not None)
    after = navigation.drag(view, size, *start, *end)
    assert after.plane_point(*end, size) == view.plane_point(*start, size)
    assert navigation.drag(after, size, *end, *start) == view
    if not view.warps:
        panned = navigation.pan_by(view, size, end[0] - start[0], end[1] - start[1])
        assert shown_at(panned, size, view.plane_point(*start, size)) == pytest.approx(end, abs=1e-6)


@relaxed
@given(views, sizes, st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_a_pan_moves_the_picture_by_its_pixels(view: View, size: Size, dx: float, dy: float) -> None:
    middle = (size.width / 2, size.height / 2)
    after = navigation.pan_by(view, size, dx, dy)
    assert shown_at(after, size, view.plane_point(*middle, size)) == pytest.approx(
        (middle[0] + dx, middle[1] + dy), abs=1e-6
    )


def test_positive_degrees_turn_the_picture_clockwise() -> None:
    above = View().plane_point(640, 300, SIZE)
    turned = navigation.rotate_about(View(), SIZE, 640, 400, 90)
    assert shown_at(turned, SIZE, above) == pytest.approx((740, 400), abs=1e-9)
    assert turned.rotation_deg == 90


@relaxed
@given(bent_views, sizes, shares, shares, st.lists(st.floats(-0.7, 0.7), max_size=30))
def test_in_and_out_again_through_any_glide_is_the_identical_view(
    start: View, size: Size, across: float, down: float, glide: list[float]
) -> None:
    px, py = across * size.width, down * size.height
    view = start
    for by in glide:
        view = navigation.zoom_about(view, size, px, py, by)
    # the way back takes other steps: all that counts is that the zoom returns
    view = navigation.zoom_about(view, size, px, py, float(start.log2_zoom - view.log2_zoom) / 2)
    view = navigation.zoom_to(view, size, px, py, start.log2_zoom)
    assert view == start


@relaxed
@given(bent_views, sizes, shares, shares, st.lists(st.floats(-170, 170), max_size=20))
def test_turning_there_and_back_is_the_identical_view(
    start: View, size: Size, across: float, down: float, turns: list[float]
) -> None:
    px, py = across * size.width, down * size.height
    view = start
    for degrees in turns:
        view = navigation.rotate_about(view, size, px, py, degrees)
    for degrees in sorted(turns):
        view = navigation.rotate_about(view, size, px, py, -degrees)
    assert view == start


@pytest.mark.parametrize(("zoom", "rotation"), [(1e-3, 37.3), (1.0, 0.0), (1e6, 90.0), (1e15, 37.3)])
def test_ten_thousand_pans_and_their_reverses_are_the_identical_view(zoom: float, rotation: float) -> None:
    dice = random.Random(5)
    start = View.from_zoom(zoom, center_x=Fraction(1, 10), rotation_deg=rotation, stretch=(1.3, -1))
    pans = [(dice.uniform(-40, 40), dice.uniform(-40, 40)) for _ in range(10_000)]
    view = start
    for dx, dy in pans:
        view = navigation.pan_by(view, SIZE, dx, dy)
    assert view != start
    dice.shuffle(pans)
    for dx, dy in pans:
        view = navigation.pan_by(view, SIZE, -dx, -dy)
    assert view == start


@pytest.mark.parametrize("warps", [(), BENT], ids=["plain", "bent"])
def test_ten_thousand_wheel_steps_in_and_out_are_the_identical_view(warps: tuple[Lens, ...]) -> None:
    dice = random.Random(6)
    start = View(center_x=Fraction(1, 2**22), rotation_deg=12.5, warps=warps)
    steps = [dice.uniform(0, 0.02) for _ in range(5_000)]
    view = start
    for by in steps:
        view = navigation.zoom_about(view, SIZE, 311.25, 702.5, by)
    assert view.zoom > 1e12
    for by in reversed(steps):
        view = navigation.zoom_about(view, SIZE, 311.25, 702.5, -by)
    assert view == start


def test_the_centre_does_not_grow_without_bound() -> None:
    dice = random.Random(7)
    view = View.from_zoom(1e15)
    for _ in range(3_000):
        px, py = dice.uniform(0, 1280), dice.uniform(0, 800)
        view = navigation.zoom_about(view, SIZE, px, py, dice.uniform(-0.5, 0.5))
        view = navigation.pan_by(view, SIZE, dice.uniform(-9, 9), dice.uniform(-9, 9))
        view = navigation.rotate_about(view, SIZE, px, py, dice.uniform(-9, 9))
    assert view.center_x.denominator.bit_length() < 300
    assert View.from_json(view.to_json()) == view


@relaxed
@given(views, sizes, st.integers(-3000, 3000), st.integers(-3000, 3000))
def test_pans_by_whole_pixels_shift_the_lines_exactly(view: View, size: Size, dx: int, dy: int) -> None:
    assume(view.is_separable)
    before = grid_for(view, size)
    after = grid_for(navigation.pan_by(view, size, dx, dy), size)
    assert isinstance(before, SeparableGrid)
    assert isinstance(after, SeparableGrid)
    right, down = (before.y, before.x) if before.transposed else (before.x, before.y)
    new_right, new_down = (after.y, after.x) if after.transposed else (after.x, after.y)
    # the picture moved right by dx: the new sample i is the old sample i − dx
    assert new_right.offset_from(right) == -dx
    assert new_down.offset_from(down) == -dy


@relaxed
@given(views, sizes, shares, shares)
def test_zoom_stops_at_its_limits_and_the_point_still_stays(
    view: View, size: Size, across: float, down: float
) -> None:
    px, py = across * size.width, down * size.height
    deepest = navigation.zoom_about(view, size, px, py, 10_000)
    assert deepest.log2_zoom == MAX_LOG2_ZOOM
    assert deepest.plane_point(px, py, size) == view.plane_point(px, py, size)
    assert navigation.zoom_about(deepest, size, px, py, 1) == deepest
    widest = navigation.zoom_about(view, size, px, py, -10_000)
    assert widest.log2_zoom == MIN_LOG2_ZOOM
    assert navigation.zoom_to(deepest, size, px, py, view.log2_zoom) == view


def test_no_gesture_leaves_the_range_of_views() -> None:
    view = View.from_zoom(2.0**-16, stretch=(1000, 1))
    for _ in range(20):
        view = navigation.pan_by(view, SIZE, -1e6, 1e6)
        view = navigation.zoom_about(view, SIZE, 0, 0, -1)
        view = navigation.rotate_about(view, SIZE, 1e5, 0, 100)
    assert View.from_json(view.to_json()) == view


def test_home_keeps_only_what_is_outside() -> None:
    view = View(Fraction(1, 8), Fraction(2), Fraction(9), 45, (2, -1), BENT, "generate")
    assert navigation.home(view) == View(outside="generate")


@relaxed
@given(views, sizes)
def test_fit_shows_all_of_the_picture_and_touches_the_window(view: View, size: Size) -> None:
    fitted = navigation.fit(view, size)
    assert (fitted.rotation_deg, fitted.stretch) == (view.rotation_deg, view.stretch)
    corners = [
        shown_at(fitted, size, (Fraction(x), Fraction(y))) for x, y in [(0, 0), (0, 1), (1, 0), (1, 1)]
    ]
    margin = min(
        min(px, py, size.width - px, size.height - py) for px, py in corners
    )  # distance of the nearest corner from the window's edge, inside positive
    assert margin == pytest.approx(0, abs=1e-6 * size.shorter)


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_fit_of_a_plain_picture_is_zoom_1(rotation: float) -> None:
    away = View(Fraction(3), Fraction(-2), Fraction(30), rotation)
    for size in (SIZE, Size(800, 1280), navigation.SQUARE):
        assert navigation.fit(away, size) == View(rotation_deg=rotation)


@relaxed
@given(bent_views, sizes, shares, shares, st.floats(-3, 3))
def test_a_lens_magnifies_what_is_under_the_cursor(
    view: View, size: Size, across: float, down: float, strength: float
) -> None:
    assume(size.shorter > 50)
    px, py = across * size.width, down * size.height

    def local_area(v: View) -> float:
        """Of the plane per window pixel around the cursor."""
        h = 1e-4
        x0, y0 = v.plane_point(px, py, size)
        x1, y1 = v.plane_point(px + h, py, size)
        x2, y2 = v.plane_point(px, py + h, size)
        return abs(float((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)))

    try:
        before = local_area(view)
    except OffPlaneError:
        return
    lensed = navigation.with_lens(view, size, px, py, strength, 0.25)
    assert_stays(view, lensed, size, px, py)
    assert local_area(lensed) == pytest.approx(before * 4**-strength, rel=1e-2)
    assert navigation.without_last_warp(lensed) == view


def test_a_first_lens_is_as_large_as_asked() -> None:
    lensed = navigation.with_lens(View(), SIZE, 740, 300, 2, 0.25)
    assert lensed.warps == (Lens(0.125, -0.125, 0.25, 2),)
    # under another lens of 4× the same circle on the screen is a smaller one of what it shows
    again = navigation.with_lens(lensed, SIZE, 740, 300, 1, 0.05).warps[-1]
    assert isinstance(again, Lens)
    assert again.r == pytest.approx(0.05 / 4, rel=1e-3)


def test_warps_can_be_changed_and_taken_off_again() -> None:
    view = View(warps=BENT)
    stronger = navigation.strengthen_last_lens(view, 1.5)
    assert stronger.warps == (Lens(0.1, 0.05, 0.4, 3.5), *BENT[1:])
    strongest = navigation.strengthen_last_lens(view, 1e9).warps[0]
    assert isinstance(strongest, Lens)
    assert strongest.s == 32
    assert navigation.strengthen_last_lens(View(), 1) == View()
    assert navigation.with_last_warp(view, Tilt(0, 1)).warps == (*BENT[:2], Tilt(0, 1))
    assert navigation.with_last_warp(View(), Tilt(0, 1)).warps == (Tilt(0, 1),)
    for left in (2, 1, 0, 0):
        view = navigation.without_last_warp(view)
        assert view.warps == BENT[:left]


def test_gestures_beyond_a_horizon_do_no_harm() -> None:
    view = View(warps=(Tilt(2.0, 0),))
    beyond = (1100.0, 400.0)
    with pytest.raises(OffPlaneError):
        view.plane_point(*beyond, SIZE)
    zoomed = navigation.zoom_about(view, SIZE, *beyond, 1)
    assert (zoomed.zoom, zoomed.center_x, zoomed.center_y) == (2, view.center_x, view.center_y)
    assert navigation.drag(view, SIZE, *beyond, 100, 100) == view
    assert navigation.with_lens(view, SIZE, *beyond) == view
    # a hair before the horizon, where a lens would have to be as large as the plane
    assert navigation.with_lens(view, SIZE, 1040 - 1e-4, 400) == view


@relaxed
@given(views, sizes, shares, shares)
def test_all_that_is_shown_lies_in_the_visible_rectangle(
    view: View, size: Size, across: float, down: float
) -> None:
    rect = navigation.visible_rect(view, size)
    x, y = map(float, view.plane_point(across * size.width, down * size.height, size))
    slack = 1e-9 * (abs(rect.x1 - rect.x0) + abs(rect.y1 - rect.y0)) + 1e-12
    assert rect.x0 - slack <= x <= rect.x1 + slack
    assert rect.y0 - slack <= y <= rect.y1 + slack


def test_the_visible_rectangle_is_tight() -> None:
    assert navigation.visible_rect(View(), Size(2048, 1024)) == (-0.5, 0, 1.5, 1)
    turned = navigation.visible_rect(View(rotation_deg=45), Size(100, 100))
    assert turned == pytest.approx((0.5 - math.sqrt(0.5), 0.5 - math.sqrt(0.5), *2 * [0.5 + math.sqrt(0.5)]))
    # a tilt that shows half the plane: finite, and from the points that are shown
    tilted = navigation.visible_rect(View(warps=(Tilt(2.0, 0),)), SIZE)
    assert all(map(math.isfinite, tilted))
    assert tilted.x1 > 2
    magnified = navigation.visible_rect(View(warps=(Lens(0, 0, 2, 3),)), Size(100, 100))
    assert magnified.x1 - magnified.x0 < 0.5
