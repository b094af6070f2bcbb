"""Scale consistency of frames: the residual and its PSNR are what their definition says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from creps_core.checkpoint import bundled_checkpoint, read_checkpoint
from creps_core.consistency import (
    MAGNIFIED,
    ZERO_LEVEL,
    doubled_size,
    reduced,
    residual_frame,
    scale_consistency,
)
from creps_core.errors import InputError
from creps_core.grid import GROUND
from creps_core.latents import Source, resolve_ws
from creps_core.renderer import Renderer
from creps_core.view import Size, View

sides = st.integers(1, 70)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    height, width = draw(sides), draw(st.integers(1, 9))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spread = draw(st.sampled_from([2, 20, 256]))
    return tuple(random.integers(0, spread, (n * height, n * width, 4), dtype=np.uint8) for n in (1, 2))


@settings(max_examples=40, deadline=None)
@given(npst.arrays(np.uint8, st.tuples(sides, sides, st.just(3)).map(lambda s: (2 * s[0], 2 * s[1], 3))))
def test_reducing_takes_exact_means_of_two_by_two(pixels: np.ndarray) -> None:
    height, width = pixels.shape[0] // 2, pixels.shape[1] // 2
    expected = pixels.reshape(height, 2, width, 2, 3).astype(np.float64).mean(axis=(1, 3))
    assert (reduced(pixels) == expected).all()


@settings(max_examples=40, deadline=None)
@given(pairs())
def test_the_residual_is_ten_times_the_difference_about_mid_grey(pair: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, doubled = pair
    found = scale_consistency(pixels, doubled)
    difference = pixels[..., :3].astype(np.float64) - reduced(doubled[..., :3])
    expected = np.clip(np.rint(ZERO_LEVEL + MAGNIFIED * difference), 0, 255)
    assert (found.residual[..., :3] == expected).all()
    assert (found.residual[..., 3] == 255).all()


@settings(max_examples=40, deadline=None)
@given(pairs())
def test_the_psnr_is_that_of_the_difference(pair: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, doubled = pair
    error = ((pixels[..., :3].astype(np.float64) - reduced(doubled[..., :3])) ** 2).mean()
    expected = 10 * math.log10(255**2 / error) if error else math.inf
    assert scale_consistency(pixels, doubled).psnr == pytest.approx(expected)


def test_ground_does_not_flatter_the_psnr() -> None:
    pixels = np.full((8, 8, 4), 255, dtype=np.uint8)
    pixels[..., :3] = GROUND
    doubled = pixels.repeat(2, axis=0).repeat(2, axis=1)
    pixels[2, 3, 0] = GROUND[0] + 10  # the only pixel with something in it
    assert scale_consistency(pixels, doubled).psnr == pytest.approx(10 * math.log10(255**2 / (100 / 3)))
    assert scale_consistency(doubled[::2, ::2], doubled).psnr == math.inf


def test_other_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="not twice"):
        scale_consistency(np.zeros((4, 4, 4), np.uint8), np.zeros((8, 9, 4), np.uint8))


@pytest.mark.parametrize("view", [View(), View(rotation_deg=20)])
def test_a_real_frame_agrees_with_its_double(view: View) -> None:
    generator = read_checkpoint(bundled_checkpoint()).build()
    renderer = Renderer(generator, "cpu")
    try:
        plan = renderer.plan(resolve_ws(generator, [Source(seed=26)]))
        size = Size(96, 80)
        frame = list(renderer.passes(plan, view, size))[-1]
        doubled = list(renderer.passes(plan, view, doubled_size(size)))[-1]
    finally:
        renderer.close()
    shown = residual_frame(frame, doubled)
    assert (shown.view, shown.size, shown.settled) == (view, size, True)
    assert (shown.pixels == scale_consistency(frame.pixels, doubled.pixels).residual).all()
    assert shown.stats.psnr > 30
