"""Journeys: exact at their keyframes, monotone, continuous, optimal and the same backwards, at any depth."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from creps_core.blending import blend_degrees, blend_latents, blend_stretch, blend_warps
from creps_core.errors import InputError
from creps_core.journey import Journey, Moment
from creps_core.keyframe import EASINGS, Keyframe
from creps_core.latents import resolve_ws
from creps_core.session import CheckpointRef, Session, session_from_json, session_to_json
from creps_core.source import Source
from creps_core.view import Size, View, log2_of
from creps_core.warps import Lens, Swirl, Tilt, Wave, warp_forward
from creps_core.zoom_path import RHO, ZoomPath
from tests.strategies import bent_views, relaxed, stretches, views, warp_lists

NUM_WS = 3
shares = st.floats(0, 1)
weights = st.lists(st.floats(-1, 2), min_size=2, max_size=2).map(tuple)
seeds = st.integers(0, 3).map(lambda seed: Source(seed=seed))
keyframes = st.builds(
    Keyframe,
    view=bent_views,
    sources=st.tuples(seeds, seeds),
    mix=st.none() | st.lists(weights, min_size=NUM_WS, max_size=NUM_WS).map(tuple),
    seconds=st.sampled_from([0.0, 0.5, 2.0, 7.25]),
    easing=st.sampled_from(EASINGS),
)
journeys = st.lists(keyframes, min_size=1, max_size=4)


def deep(zoom: float, x: str, y: str) -> View:
    return View(Fraction(x), Fraction(y), log2_of(zoom))


PATHS = {
    "zoom": (deep(1, "0.5", "0.5"), deep(64, "0.5", "0.5")),
    "pan": (deep(30, "0.1", "0.2"), deep(30, "0.9", "0.7")),
    "both": (deep(1, "0.5", "0.5"), deep(64, "0.53", "0.5")),
    "deep": (deep(1, "0.5", "0.5"), deep(1e12, "0.123456789012345678901", "0.77")),
    "across": (
        deep(1e12, "0.123456789012345678901", "0.77"),
        deep(3e11, "0.123456789012345678907", "0.77000000001"),
    ),
    "far": (deep(2**500, "0.1", "0.9"), deep(2**-10, "200", "-3")),
    "nearly": (deep(7, "0.4", "0.4"), deep(7.000001, "0.400001", "0.4")),
}


Point = tuple[Fraction, Fraction, Fraction]  # centre x, y, log2 of the zoom


def points(path: ZoomPath, steps: int) -> list[Point]:
    return [path.at(k / steps) for k in range(steps + 1)]


def step_length(a: Point, b: Point) -> float:
    """Perceived length of a short step: the paper's metric, with the window at its middle."""
    middle = (a[2] + b[2]) / 2
    scale = Fraction(2) ** math.floor(middle)
    u = math.hypot(float((b[0] - a[0]) * scale), float((b[1] - a[1]) * scale))
    u *= 2.0 ** float(middle - math.floor(middle))
    return math.hypot(RHO * u, float(b[2] - a[2]) * math.log(2) / RHO)


@pytest.mark.parametrize("name", PATHS)
def test_the_perceived_velocity_is_constant_and_the_length_is_the_papers(name: str) -> None:
    path = ZoomPath(*PATHS[name])
    steps = max(400, round(path.length * 20))
    lengths = [step_length(a, b) for a, b in pairwise(points(path, steps))]
    np.testing.assert_allclose(lengths, path.length / steps, rtol=1e-3)


@pytest.mark.parametrize("name", ["both", "pan", "nearly"])
def test_no_path_nearby_is_shorter(name: str) -> None:
    path = ZoomPath(*PATHS[name])
    straight = points(path, 400)

    def length(zoom: float, along: float) -> float:
        """Of the path bent by so many octaves, and windows along, in its middle."""
        bent = []
        for k, (x, y, z) in enumerate(straight):
            bump = math.sin(math.pi * k / 400)
            aside = Fraction(along * bump * 2.0 ** -float(z))
            bent.append((x + aside, y, z + Fraction(zoom * bump)))
        return sum(step_length(a, b) for a, b in pairwise(bent))

    assert length(0, 0) == pytest.approx(path.length, rel=1e-4)
    others = [length(zoom, along) for zoom, along in ((1, 0), (-1, 0), (0, 0.1), (0, -0.1))]
    assert min(others) > length(0, 0) * 1.0001


@relaxed
@given(views, views, st.lists(shares, min_size=2, max_size=6))
def test_paths_are_monotone_and_stay_between_their_ends(a: View, b: View, at: list[float]) -> None:
    path = ZoomPath(a, b)
    points = [path.at(t) for t in sorted(at)]
    line = (b.center_x - a.center_x, b.center_y - a.center_y)
    pixel = Fraction(2) ** (-math.ceil(max(a.log2_zoom, b.log2_zoom)) - 30)
    done = [(x - a.center_x) * line[0] + (y - a.center_y) * line[1] for x, y, _ in points]
    whole = line[0] ** 2 + line[1] ** 2
    slack = (abs(line[0]) + abs(line[1])) * pixel * 2 + whole * Fraction(2) ** -30
    assert all(-slack <= d <= whole + slack for d in done)
    assert all(second - first >= -slack for first, second in pairwise(done))
    depths = [z for *_, z in points]
    rounding = Fraction(1, 2**31)  # where the two halves of the path meet
    turns = [second > first for first, second in pairwise(depths) if abs(second - first) > rounding]
    assert turns == sorted(turns), "out first, then in: the zoom has one turning point"


@relaxed
@given(views, views, shares)
def test_a_path_is_the_same_backwards(a: View, b: View, t: float) -> None:
    there, back = ZoomPath(a, b), ZoomPath(b, a)
    assert there.length == pytest.approx(back.length, rel=1e-9, abs=1e-9)
    (x, y, z), (x2, y2, z2) = there.at(t), back.at(1 - t)
    window = Fraction(2) ** -math.floor(min(z, z2))
    # 1 − t is rounded, and a long path magnifies that
    assert abs(z - z2) < 1e-9 * (1 + there.length)
    assert max(abs(x - x2), abs(y - y2)) < window * Fraction(1e-9 * (1 + there.length))


@relaxed
@given(views, views, shares)
def test_paths_are_continuous(a: View, b: View, t: float) -> None:
    path = ZoomPath(a, b)
    step = 1e-6
    (x, y, z), (x2, y2, z2) = path.at(t), path.at(min(t + step, 1))
    window = Fraction(2) ** -math.floor(min(z, z2))
    moved = step * path.length + 1e-9 * (1 + path.length)
    assert abs(z - z2) <= 2 * RHO * moved + 1e-8
    assert math.hypot(float((x2 - x) / window), float((y2 - y) / window)) <= 2 * moved + 1e-8


def test_the_middle_of_a_deep_dive_is_smooth() -> None:
    """No jitter where the far end's rounding would be larger than its window."""
    start, end = PATHS["deep"]
    path = ZoomPath(start, end)
    pixels = []
    for k in range(1, 200):
        x, y, z = path.at(1 - k * 1e-5)
        unit = Fraction(2) ** math.floor(z) * 1000
        pixels.append((float((x - end.center_x) * unit), float((y - end.center_y) * unit)))
    second = np.diff(np.array(pixels), 2, axis=0)
    assert np.abs(second).max() < 1e-2


@relaxed
@given(journeys, st.booleans())
def test_keyframes_are_met_exactly(frames: list[Keyframe], loop: bool) -> None:
    journey = Journey(frames, NUM_WS, loop=loop)
    time = 0.0
    for number, frame in enumerate(frames):
        if frame.seconds and (loop or number + 1 < len(frames)):
            assert journey.at(time) == Moment(frame.view, frame.sources, frame.mix)
            time += frame.seconds
    assert journey.seconds == time
    first = next((frame for frame in frames if frame.seconds), frames[0])  # others are cut away at once
    last = first if loop else frames[-1]
    assert journey.at(time) == Moment(last.view, last.sources, last.mix)
    assert journey.at(-1.0) == journey.at(journey.seconds - 1.0 if loop else 0.0)


@relaxed
@given(journeys, shares)
def test_every_moment_is_a_session(frames: list[Keyframe], share: float) -> None:
    journey = Journey(frames, NUM_WS, loop=True)
    moment = journey.at(share * journey.seconds)
    session = Session(CheckpointRef("a", ""), moment.sources, moment.mix, moment.view)
    assert session_from_json(session_to_json(session)) == session
    assert moment.mix is None or all(len(row) == len(moment.sources) for row in moment.mix)


@relaxed
@given(journeys, shares)
def test_a_journey_is_the_same_backwards(frames: list[Keyframe], share: float) -> None:
    assume(all(frame.easing != "hold" for frame in frames))
    mirrored = {"ease-in": "ease-out", "ease-out": "ease-in"}
    back = [
        Keyframe(frame.view, frame.sources, frame.mix, how.seconds, mirrored.get(how.easing, how.easing))  # type: ignore[arg-type]
        for frame, how in zip(frames[::-1], [*frames[-2::-1], frames[-1]], strict=True)
    ]
    there, again = Journey(frames, NUM_WS), Journey(back, NUM_WS)
    assert there.seconds == pytest.approx(again.seconds)
    time = share * there.seconds
    ends = np.cumsum([0.0, *(frame.seconds for frame in frames)])
    assume(np.abs(ends - time).min() > 1e-6)  # at a cut one side must be taken
    a, b = there.at(time), again.at(there.seconds - time)
    assert abs(a.view.log2_zoom - b.view.log2_zoom) < 1e-6
    window = 2.0 ** -float(a.view.log2_zoom)
    assert abs(a.view.center_x - b.view.center_x) < 1e-6 * window
    assert abs((a.view.rotation_deg - b.view.rotation_deg + 180) % 360 - 180) < 1e-5
    if all(x * y > 0 for f in frames for g in frames for x, y in zip(f.view.stretch, g.view.stretch)):  # noqa: B905
        assert a.view.stretch == pytest.approx(b.view.stretch)
    assert [type(w) for w in a.view.warps] == [type(w) for w in b.view.warps]


@pytest.mark.parametrize("easing", EASINGS)
def test_time_never_runs_back(easing: str) -> None:
    views = [
        View(),
        View.from_zoom(40, center_x=Fraction(1, 4)),
        View.from_zoom(3e5, center_x=Fraction(1, 4)),
    ]
    frames = [Keyframe(view, seconds=s, easing=easing) for view, s in zip(views, (0.7, 3, 1), strict=True)]  # type: ignore[arg-type]
    journey = Journey(frames, NUM_WS)
    depths = [journey.at(t).view.log2_zoom for t in np.linspace(0, journey.seconds, 500)]
    assert all(second >= first for first, second in pairwise(depths))
    jumps = max(float(second - first) for first, second in pairwise(depths))
    assert (jumps > 1) == (easing == "hold")


def test_smooth_segments_pass_their_keyframe_without_stopping() -> None:
    views = [View(), View.from_zoom(8), View.from_zoom(64)]

    def speeds(*easings: str) -> list[float]:
        frames = [Keyframe(v, seconds=s, easing=e) for v, s, e in zip(views, (1, 3, 1), easings, strict=True)]  # type: ignore[arg-type]
        journey = Journey(frames, NUM_WS)
        around = [journey.at(t).view.log2_zoom for t in (0.999, 1.0, 1.001)]
        return [float(b - a) / 0.001 for a, b in pairwise(around)]

    before, after = speeds("smooth", "smooth", "ease")
    assert before == pytest.approx(after, rel=0.02)
    assert 1 < before < 3
    assert max(speeds("ease", "ease", "ease")) < 0.05
    assert speeds("linear", "linear", "linear") == pytest.approx([3, 1], rel=1e-3)


def test_cuts_and_holds() -> None:
    a, b = View(), View.from_zoom(9)
    journey = Journey([Keyframe(a, seconds=1, easing="hold"), Keyframe(b, seconds=0), Keyframe(a)], NUM_WS)
    assert [journey.at(t).view for t in (0, 0.5, 0.999, 1.0, 5.0)] == [a, a, a, a, a]
    journey = Journey([Keyframe(a, seconds=0), Keyframe(b, seconds=1, easing="hold"), Keyframe(a)], NUM_WS)
    assert [journey.at(t).view for t in (0, 0.999, 1.0)] == [b, b, a]
    assert Journey([Keyframe(a)], NUM_WS).times(30) == [0.0]
    with pytest.raises(InputError, match="at least one keyframe"):
        Journey([], NUM_WS)


def test_a_loop_has_no_seam() -> None:
    frames = [
        Keyframe(View(), seconds=2, easing="smooth"),
        Keyframe(View.from_zoom(4), seconds=3, easing="smooth"),
    ]
    loop = Journey(frames, NUM_WS, loop=True)
    times = loop.times(10)
    assert len(times) == 50
    depths = np.array([float(loop.at(t).view.log2_zoom) for t in [*times, 5.0, 5.1]])
    assert depths[50] == depths[0]
    assert depths[51] == pytest.approx(depths[1])
    assert np.abs(np.diff(depths)).max() < 0.25
    open_end = Journey(frames, NUM_WS).times(10)
    assert (open_end[0], open_end[-1], len(open_end)) == (0.0, 2.0, 20)


def test_latents_between_keyframes_are_interpolated_in_w(generator: object) -> None:
    num_ws = generator.config.num_ws  # type: ignore[attr-defined]
    mix = tuple((k / num_ws, 1 - k / num_ws) for k in range(num_ws))
    a = ((Source(seed=3), Source(seed=4, psi=0.5)), mix)
    b = ((Source(seed=5, psi=0.7),), None)
    first, second = (resolve_ws(generator, *latents) for latents in (a, b))  # type: ignore[arg-type]
    sources, mixed = blend_latents(a, b, 0.25, num_ws)
    assert set(sources) == {Source(seed=3), Source(seed=4, psi=0.5), Source(seed=5, psi=0.7)}
    got = resolve_ws(generator, sources, mixed)  # type: ignore[arg-type]
    np.testing.assert_allclose(got, first * 0.75 + second * 0.25, atol=1e-5)
    assert blend_latents(a, b, 0, num_ws) == a
    assert blend_latents(a, b, 1, num_ws) == b


def test_rotation_goes_the_short_way_and_returns_the_way_it_came() -> None:
    assert blend_degrees(170, -170, 0.5) == 180
    assert blend_degrees(-10, 20, 0.5) == 5
    assert blend_degrees(0, 180, 0.25) == 45
    assert blend_degrees(180, 0, 0.75) == 45


@relaxed
@given(stretches, stretches, shares)
def test_stretch_never_leaves_its_range(a: tuple[float, float], b: tuple[float, float], t: float) -> None:
    blended = View(stretch=blend_stretch(a, b, t)).stretch
    for x, y, between in zip(a, b, blended, strict=True):
        if x * y > 0:
            assert min(abs(x), abs(y)) * (1 - 1e-12) <= abs(between) <= max(abs(x), abs(y)) * (1 + 1e-12)
    assert blend_stretch((1, 1), (4, 1), 0.5) == (2, 1)


@relaxed
@given(warp_lists, warp_lists, shares)
def test_warps_are_the_same_backwards(a: tuple[Lens, ...], b: tuple[Lens, ...], t: float) -> None:
    assert blend_warps(a, b, 0) == a
    assert blend_warps(a, b, 1) == b
    there, back = blend_warps(a, b, t), blend_warps(b, a, 1 - t)
    x = np.linspace(-0.4, 0.4, 7)
    np.testing.assert_allclose(warp_forward(there, x, x[::-1]), warp_forward(back, x, x[::-1]), atol=1e-6)


def test_warps_of_one_kind_meet_and_others_fade() -> None:
    lens, wide, swirl = Lens(0, 0, 0.3, 2), Lens(0.2, 0, 0.5, 1), Swirl(0.1, 0, 0.4, 80)
    assert blend_warps([lens], [wide], 0.5) == (Lens(0.1, 0, 0.4, 1.5),)
    assert set(blend_warps([lens], [swirl], 0.25)) == {Lens(0, 0, 0.3, 1.5), Swirl(0.1, 0, 0.4, 20)}
    assert blend_warps([swirl, lens], [wide], 0.5) == (Swirl(0.1, 0, 0.4, 40), Lens(0.1, 0, 0.4, 1.5))
    faded = blend_warps([], [Wave(0.1, 0.2, 3, 4, 5), Tilt(0.2, 0.4)], 0.5)
    assert faded == (Wave(0.05, 0.1, 3, 4, 5), Tilt(0.1, 0.2))


def test_too_many_frames_are_refused() -> None:
    with pytest.raises(InputError, match="too many"):
        Journey([Keyframe(seconds=86400), Keyframe()], NUM_WS).times(60)


def test_views_on_the_way_have_few_digits() -> None:
    start, end = PATHS["across"]
    journey = Journey([Keyframe(start), Keyframe(end)], NUM_WS)
    size = Size(1280, 720)
    view = journey.at(0.7).view
    assert len(view.to_json()["center"][0]) < 120
    assert abs(view.step(size).xx) > 0
