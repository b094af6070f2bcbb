"""Hypothesis strategies for views, windows and warps, shared by the tests of core and viewer."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st

from creps_core.view import Size, View
from creps_core.warps import Lens, Swirl, Tilt, Wave

relaxed = settings(deadline=None, max_examples=80)

sizes = st.builds(Size, st.integers(1, 3000), st.integers(1, 3000))

_at = st.floats(-0.6, 0.6)
lenses = st.builds(Lens, _at, _at, st.floats(0.02, 1.5), st.floats(-5, 5))
swirls = st.builds(Swirl, _at, _at, st.floats(0.02, 1.5), st.floats(-720, 720))
# 2π·|a·f| stays below 1: waves that do not fold
waves = st.builds(
    Wave,
    st.floats(-0.02, 0.02),
    st.floats(-0.02, 0.02),
    st.floats(-3, 3),
    st.floats(-3, 3),
    st.floats(-360, 360),
)
tilts = st.builds(Tilt, st.floats(-0.4, 0.4), st.floats(-0.4, 0.4))
warps = st.one_of(lenses, swirls, waves, tilts)
warp_lists = st.lists(warps, max_size=3).map(tuple)

zooms = st.floats(-10, 50).map(Fraction)  # log2: 1e-3 … 1e15
octaves = st.floats(-20, 20)
rotations = st.one_of(st.sampled_from([0.0, 90.0, 180.0, -90.0]), st.floats(-180, 180))
stretches = st.tuples(*2 * [st.sampled_from([1.0, -1.0, 0.5, 3.0, -0.7])])
centres = st.one_of(
    st.floats(-1, 2).map(Fraction), st.decimals(-1, 2, allow_nan=False, places=40).map(Fraction)
)
views = st.builds(View, centres, centres, zooms, rotations, stretches, st.just(()))
bent_views = st.builds(View, centres, centres, zooms, rotations, stretches, warp_lists)
