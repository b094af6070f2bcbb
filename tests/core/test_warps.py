"""Every warp bends the window as documented, can be undone, and is written exactly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from creps_core.errors import InputError
from creps_core.warps import Lens, Swirl, Tilt, Warp, Wave, parse_warp, warp_forward, warp_inverse
from tests.strategies import lenses, relaxed, swirls, warp_lists, warps, waves

Floats = NDArray[np.float64]


def scatter(count: int = 400, reach: float = 0.9) -> tuple[Floats, Floats]:
    random = np.random.default_rng(7)
    points = random.uniform(-reach, reach, (2, count))
    return points[0], points[1]


def derivative(warp: Warp, x: float, y: float, dx: float, dy: float, h: float = 1e-6) -> Floats:
    """One-sided directional derivative of the forward map, [2]."""
    px, py = warp.forward(np.array([x, x + h * dx]), np.array([y, y + h * dy]))
    return np.array([px[1] - px[0], py[1] - py[0]]) / h


@relaxed
@given(warps)
def test_inverse_undoes_forward_and_the_reverse(warp: Warp) -> None:
    x, y = scatter()
    there = warp.forward(x, y)
    back = warp.inverse(*there)
    # a strong lens squeezes a ring up to 2^5 times: 1e-12 on the way back, well below 1e-8 px
    np.testing.assert_allclose(back[0], x, atol=1e-12, rtol=0)
    np.testing.assert_allclose(back[1], y, atol=1e-12, rtol=0)
    seen = np.isfinite(warp.inverse(x, y)[0])
    again = warp.forward(*warp.inverse(x, y))
    np.testing.assert_allclose(again[0][seen], x[seen], atol=1e-12, rtol=0)
    np.testing.assert_allclose(again[1][seen], y[seen], atol=1e-12, rtol=0)
    assert seen.any()


@relaxed
@given(lenses)
def test_a_lens_magnifies_its_centre_by_two_to_the_s(lens: Lens) -> None:
    h = 1e-5 * lens.r
    x, y = lens.forward(np.array([lens.x + h, lens.x]), np.array([lens.y, lens.y + h]))
    assert x[0] - lens.x == pytest.approx(h * 2**-lens.s, rel=1e-4)
    assert y[1] - lens.y == pytest.approx(h * 2**-lens.s, rel=1e-4)


def test_a_lens_follows_its_formula_and_its_negative_is_the_inverse() -> None:
    x, y = Lens(0.1, -0.2, 0.4, 2.0).forward(np.array([0.1 + 0.2]), np.array([-0.2]))
    assert x[0] == pytest.approx(0.1 + 0.2 * 2 ** (-2 * 0.75**2), abs=1e-15)
    assert y[0] == -0.2
    points = scatter()
    np.testing.assert_array_equal(
        Lens(0.1, -0.2, 0.4, -2.0).forward(*points), Lens(0.1, -0.2, 0.4, 2.0).inverse(*points)
    )
    np.testing.assert_allclose(Lens(0.1, -0.2, 0.4, 0.0).forward(*points), points, atol=1e-15, rtol=0)


@relaxed
@given(lenses)
def test_a_lens_is_strictly_monotone_along_its_radius(lens: Lens) -> None:
    radius = np.linspace(0, 1.2 * lens.r, 500)
    x, _ = lens.forward(lens.x + radius, np.full_like(radius, lens.y))
    assert (np.diff(x) > 0).all()


@relaxed
@given(st.one_of(lenses, swirls), st.floats(0, 2 * math.pi))
def test_lens_and_swirl_join_smoothly_and_leave_the_rest_alone(warp: Lens | Swirl, angle: float) -> None:
    across, along = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
    for at in (1 - 1e-5, 1 + 1e-5):
        x, y = warp.x + at * warp.r * across[0], warp.y + at * warp.r * across[1]
        for direction in (across, along):
            # second derivatives are below about 100/r for these strengths: 1e-5·r away that is 1e-3
            np.testing.assert_allclose(
                derivative(warp, x, y, *direction, h=1e-6 * warp.r), direction, atol=3e-3, rtol=0
            )
    x, y = scatter()
    outside = np.hypot(x - warp.x, y - warp.y) > warp.r * (1 + 1e-12)
    for map_points in (warp.forward, warp.inverse):
        moved = map_points(x, y)
        np.testing.assert_array_equal(moved[0][outside], x[outside])
        np.testing.assert_array_equal(moved[1][outside], y[outside])


def test_a_swirl_turns_the_picture_clockwise_at_its_centre() -> None:
    # what is shown just right of the centre comes from above it: the picture turned clockwise by 90°
    x, y = Swirl(0.1, 0.2, 0.5, 90).forward(np.array([0.1 + 1e-6]), np.array([0.2]))
    assert x[0] - 0.1 == pytest.approx(0, abs=1e-11)
    assert y[0] - 0.2 == pytest.approx(-1e-6, rel=1e-6)


@relaxed
@given(swirls)
def test_a_swirl_keeps_distances_from_its_centre(swirl: Swirl) -> None:
    x, y = scatter()
    moved = swirl.forward(x, y)
    before, after = np.hypot(x - swirl.x, y - swirl.y), np.hypot(moved[0] - swirl.x, moved[1] - swirl.y)
    np.testing.assert_allclose(after, before, atol=1e-14)


@relaxed
@given(waves, st.floats(-1, 1), st.floats(-1, 1))
def test_a_wave_displaces_along_its_amplitude_with_its_period(wave: Wave, x: float, y: float) -> None:
    ox, oy = wave.forward(np.array([x]), np.array([y]))
    swing = math.sin(math.tau * (wave.fx * x + wave.fy * y + wave.phase / 360))
    assert ox[0] - x == pytest.approx(wave.ax * swing, abs=1e-14)
    assert oy[0] - y == pytest.approx(wave.ay * swing, abs=1e-14)
    if abs(wave.fx) > 1e-3:
        next_x, next_y = wave.forward(np.array([x + 1 / wave.fx]), np.array([y]))
        assert next_x[0] - ox[0] == pytest.approx(1 / wave.fx, rel=1e-12, abs=1e-12)
        assert next_y[0] == pytest.approx(oy[0], abs=1e-12)


def test_a_folded_wave_still_finds_a_position_that_shows_the_point() -> None:
    wave = Wave(0.3, 0.1, 4.0, -1.0, 77.0)  # 2π·|a·f| ≈ 6.9
    x, y = scatter()
    shown = wave.forward(*wave.inverse(x, y))
    np.testing.assert_allclose(shown, (x, y), atol=1e-12, rtol=0)


def test_a_tilt_is_perspective_with_a_horizon() -> None:
    tilt = Tilt(2.0, 0.0)
    x, y = tilt.forward(np.array([0.0, 0.25, -0.5, 0.5, 0.7]), np.array([0.0, 0.1, 0.1, 0.1, 0.1]))
    np.testing.assert_allclose(x[:3], [0, 0.5, -0.25])
    np.testing.assert_allclose(y[:3], [0, 0.2, 0.05])
    assert np.isnan(x[3:]).all()
    assert np.isnan(y[3:]).all()
    # behind the viewer: the plane left of −1/2 is shown nowhere
    assert np.isnan(tilt.inverse(np.array([-0.6]), np.array([0.0]))[0]).all()
    # the middle keeps its size
    np.testing.assert_allclose(derivative(Tilt(0.3, -0.2), 0, 0, 1, 0), [1, 0], atol=1e-6)
    np.testing.assert_allclose(derivative(Tilt(0.3, -0.2), 0, 0, 0, 1), [0, 1], atol=1e-6)


@relaxed
@given(warps, warps)
def test_warps_apply_left_to_right(first: Warp, second: Warp) -> None:
    x, y = scatter()
    together = warp_forward((first, second), x, y)
    in_turn = second.forward(*first.forward(x, y))
    seen = np.isfinite(in_turn[0])
    np.testing.assert_array_equal(together[0][seen], in_turn[0][seen])
    np.testing.assert_array_equal(together[1][seen], in_turn[1][seen])
    assert np.isnan(together[0][~seen]).all()


def test_the_order_of_warps_matters() -> None:
    lens, tilt = Lens(0.2, 0, 0.3, 2), Tilt(0.5, 0)
    one, other = warp_forward((lens, tilt), *scatter()), warp_forward((tilt, lens), *scatter())
    assert np.abs(one[0] - other[0]).max() > 0.01


@relaxed
@given(warp_lists)
def test_a_chain_of_warps_can_be_undone(chain: tuple[Warp, ...]) -> None:
    x, y = scatter()
    there = warp_forward(chain, x, y)
    # where a chain magnifies a point a thousandfold, its rounding error is magnified too
    assume(np.nanmax(np.abs(there)) < 10)
    back = warp_inverse(chain, *there)
    seen = np.isfinite(there[0])
    np.testing.assert_allclose(back[0][seen], x[seen], atol=1e-9, rtol=0)
    np.testing.assert_allclose(back[1][seen], y[seen], atol=1e-9, rtol=0)


@relaxed
@given(warps)
def test_a_point_does_not_depend_on_its_neighbours(warp: Warp) -> None:
    x, y = scatter(1003)
    whole = warp.forward(x, y), warp.inverse(x, y)
    some = np.random.default_rng(3).permutation(1003)[:101]
    np.testing.assert_array_equal(warp.forward(x[some], y[some]), np.array(whole[0])[:, some])
    np.testing.assert_array_equal(warp.inverse(x[some], y[some]), np.array(whole[1])[:, some])


@relaxed
@given(warps)
def test_specs_round_trip_exactly(warp: Warp) -> None:
    assert parse_warp(warp.spec()) == warp


def test_specs_are_as_typed() -> None:
    assert parse_warp(" lens:0.1, 0, 0.3,2") == Lens(0.1, 0.0, 0.3, 2.0)
    assert parse_warp("tilt:0.3,-1").spec() == "tilt:0.3,-1"
    assert parse_warp("WAVE:.01,0,4,0,90") == Wave(0.01, 0, 4, 0, 90)
    assert parse_warp("swirl:0,0,0.5,-45").spec() == "swirl:0,0,0.5,-45"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bulge:1,2", "bulge"),
        ("", "unknown warp"),
        ("lens", "lens:x,y,r,s"),
        ("lens:1,2,3", "3 numbers"),
        ("lens:0,0,0.3,2,5", "lens:x,y,r,s"),
        ("swirl:0,0,0.3,abc", "deg is 'abc'"),
        ("lens:0,0,0,1", "r is 0"),
        ("lens:0,0,-1,1", "r is -1"),
        ("lens:0,0,0.3,99", "s is 99"),
        ("tilt:nan,0", "ax is nan"),
        ("tilt:0,inf", "ay is inf"),
        ("wave:1e300,0,1,1,0", "ax is 1e"),
    ],
)
def test_a_bad_spec_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("(", r"\(")):
        parse_warp(text)
