"""Glides and flights: monotone, exact at the end, and undone by their reverse."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creps_core.view import Size, View
from creps_core.warps import Lens, Tilt
from creps_viewer.model import navigation
from creps_viewer.model.glide import Flight, Glide, between, ease

SIZE = Size(1280, 800)
octaves = st.integers(-(2**22), 2**22).map(lambda n: Fraction(n, 2**20))
times = st.lists(st.floats(0, 0.19), max_size=12).map(sorted)
places = st.tuples(st.floats(0, 1280), st.floats(0, 800))


def run(view: View, glide: Glide, moments: list[float]) -> View:
    for now in [*moments, 0.2, 0.3]:
        view = glide.advance(view, SIZE, now)
    return view


@given(st.lists(st.floats(-1, 2), min_size=2).map(sorted))
def test_ease_rises_from_0_to_1(moments: list[float]) -> None:
    values = [ease(t) for t in moments]
    assert values == sorted(values)
    assert (ease(0), ease(1)) == (0, 1)
    assert ease(0.25) > 0.6  # fast first


@given(octaves, times, times, places)
def test_a_glide_and_its_reverse_return_the_identical_view(
    zoom: Fraction, there: list[float], back: list[float], at: tuple[float, float]
) -> None:
    view = View(center_x=Fraction(1, 4), log2_zoom=Fraction(7))
    away = run(view, Glide(*at, octaves=zoom, degrees=30.0), there)
    assert away.log2_zoom == 7 + zoom
    assert run(away, Glide(*at, octaves=-zoom), back) == navigation.rotate_about(view, SIZE, *at, 30.0)


@given(octaves, times, places)
def test_however_it_is_cut_a_glide_ends_where_one_step_does(
    zoom: Fraction, moments: list[float], at: tuple[float, float]
) -> None:
    view = View(log2_zoom=Fraction(3))
    assert run(view, Glide(*at, octaves=zoom), moments) == navigation.zoom_about(view, SIZE, *at, zoom)


def test_a_pan_glides_by_whole_pixels() -> None:
    view, glide = View(log2_zoom=Fraction(5)), Glide(0, 0, pan=(81, -40))
    moved = []
    for i in range(12):
        step = glide.advance(view, SIZE, i / 50)
        moved.append((view.center_x - step.center_x) / Fraction(view.step(SIZE).xx))
        view = step
    assert sum(moved) == 81
    assert all(float(move).is_integer() for move in moved)
    assert len([move for move in moved if move]) > 4  # it did glide


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (View(), View(log2_zoom=Fraction(40), center_x=Fraction(1, 8))),
        (View(rotation_deg=170), View(rotation_deg=-170, stretch=(-1, 1))),
        (View(warps=(Lens(0, 0, 0.3, 2),), log2_zoom=Fraction(3)), View()),
        (View(warps=(Tilt(0.2, 0),)), View(warps=(Lens(0, 0, 0.3, 2),))),
    ],
)
def test_a_flight_ends_exactly(a: View, b: View) -> None:
    flight = Flight(a, b, 10.0, 0.2)
    assert flight.at(10.0) == a
    assert flight.at(10.2) == b
    assert flight.finished(10.2)
    assert not flight.finished(10.19)


@given(st.floats(0, 1e6), st.floats(1e-3, 10))
def test_what_is_finished_is_complete(started: float, seconds: float) -> None:
    """Also where (started + seconds − started) / seconds rounds to less than 1."""
    end = started + seconds
    flight, glide = Flight(View(rotation_deg=90), View(), started, seconds), Glide(0, 0, octaves=Fraction(1))
    glide.started, glide.seconds = started, seconds
    assert flight.finished(end)
    assert flight.at(end) == View()
    assert glide.advance(View(), SIZE, end).log2_zoom == 1


def test_a_flight_turns_the_shorter_way() -> None:
    turns = [between(View(rotation_deg=170), View(rotation_deg=-170), s).rotation_deg for s in (0.25, 0.75)]
    assert turns == pytest.approx([175, -175], abs=1e-5)


@given(st.floats(1, 400), st.floats(0.01, 0.99))
def test_a_flight_holds_one_point_still(depth: float, share: float) -> None:
    """The zoom's fixed point, computed from the ends, is under the same pixel on the way."""
    a = View()
    b = View(center_x=Fraction(1, 4), log2_zoom=Fraction(round(depth * 2**20), 2**20))
    middle = between(a, b, share)
    # x − centre is proportional to the pitch for the fixed point: so the three must agree
    pitch = [math.exp2(-float(v.log2_zoom)) for v in (a, middle, b)]
    fixed = float(b.center_x) + (float(b.center_x) - 0.5) * pitch[2] / (1 - pitch[2])
    offset = (fixed - float(middle.center_x)) / pitch[1]
    if pitch[1] > 1e-6:  # doubles cannot see the offset further down
        assert offset == pytest.approx(fixed - 0.5, abs=1e-6)
