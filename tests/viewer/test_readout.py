"""What the readout and the scale bar say."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creps_core.config import GeneratorConfig
from creps_core.frame import Frame, FrameStats
from creps_core.view import Size, View, log2_of
from creps_viewer.canvas.readout import (
    BEYOND_DETAIL,
    fixed,
    readout_text,
    scale_bar,
    significant,
    trained_pixels,
    zoom_text,
)

SIZE = Size(1080, 764)
CONFIG = GeneratorConfig(resolution=64)


def frame(view: View, **changes: object) -> Frame:
    stats = FrameStats(render_ms=38.2, device="cuda:0 NVIDIA H200", reused=0.923)
    made = Frame(view, SIZE, "a", np.zeros((1, 1, 4), np.uint8), 4, (0, 0), 2, 4, settled=False, stats=stats)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_readout_of_a_refining_frame() -> None:
    view = View(
        log2_zoom=log2_of(12.4),
        center_x=Fraction("0.417321"),
        center_y=Fraction("0.520609"),
        rotation_deg=14.0,
    )
    text = readout_text(view, SIZE, CONFIG, frame(view))
    assert text.zoom == "12.4×"
    assert text.place == ("x 0.41732", "y 0.52061", "↻ 14.0°")
    assert text.status == ("150 px per trained pixel", "refining 2/4", "38 ms", "cuda:0", "92 % reused")
    assert text.refined == 0.5
    assert text.notable == "beyond trained detail"


def test_a_settled_frame_refines_no_more_and_may_be_flat() -> None:
    view = View()
    text = readout_text(view, SIZE, CONFIG, frame(view, settled=True, pass_number=4))
    assert text.refined == 1
    assert not [part for part in text.status if "refining" in part]
    assert text.notable == ""
    flat = readout_text(view, SIZE, CONFIG, frame(view, settled=True, flat=True))
    assert flat.notable == "flat here: Home returns"
    # once one moves on, the old frame's flatness is no news
    assert (
        readout_text(View(center_x=Fraction(1, 4)), SIZE, None, frame(view, settled=True, flat=True)).notable
        == ""
    )


@given(st.floats(0.01, 1e6), st.sampled_from([64, 512]), st.sampled_from(["endpoints", "centres"]))
def test_beyond_trained_detail_begins_past_16_pixels(zoom: float, resolution: int, grid: str) -> None:
    config = GeneratorConfig(resolution=resolution, grid=grid)  # type: ignore[arg-type]
    view = View(log2_zoom=log2_of(zoom))
    samples = resolution - 1 if grid == "endpoints" else resolution
    pixels = SIZE.shorter * view.zoom / samples
    assert trained_pixels(view, SIZE, config) == pytest.approx(pixels)
    said = readout_text(view, SIZE, config).notable == "beyond trained detail"
    assert said == (trained_pixels(view, SIZE, config) > BEYOND_DETAIL)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1.00"),
        (0.25, "0.250"),
        (12.44, "12.4"),
        (999.6, "1000"),
        (1240, "1240"),
        (9999.7, "1.00·10⁴"),
        (1.05e6, "1.05·10⁶"),
        (3e-9, "3.00·10⁻⁹"),
        (0.0, "0"),
    ],
)
def test_three_digits(value: float, text: str) -> None:
    assert significant(value) == text


def test_zoom_beyond_every_screen() -> None:
    assert zoom_text(Fraction(512)) == "1.34·10¹⁵⁴×"
    assert zoom_text(Fraction(-2)) == "0.250×"


@given(st.fractions(-3, 3), st.integers(1, 40))
def test_fixed_digits_are_exact_at_any_depth(value: Fraction, digits: int) -> None:
    text = fixed(value, digits).replace("−", "-")
    assert abs(Fraction(text) - value) <= Fraction(1, 2 * 10**digits)
    assert len(text.split(".")[1]) == digits


def test_centres_a_pixel_apart_read_differently_at_depth() -> None:
    view = View(log2_zoom=Fraction(60), center_x=Fraction("0.3"))
    there = replace(view, center_x=view.center_x + Fraction(view.step(SIZE).xx))
    assert readout_text(view, SIZE).place[0] != readout_text(there, SIZE).place[0]


@given(st.floats(-16, 400), st.integers(40, 300), st.integers(100, 4000))
def test_the_scale_bar_is_round_and_fits(octaves: float, longest: int, side: int) -> None:
    view, size = View(log2_zoom=Fraction(round(octaves * 2**20), 2**20)), Size(side, side)
    bar = scale_bar(view, size, longest)
    assert longest / 2.5 * (1 - 1e-9) <= bar.length <= longest * (1 + 1e-9)
    units = bar.length * view.step(size).xx
    digits = units / 10.0 ** math.floor(math.log10(units * (1 + 1e-9)))
    assert min(abs(digits - n) for n in (1, 2, 5)) < 1e-6


@pytest.mark.parametrize(("zoom", "label"), [(1, "0.1"), (12.4, "0.01"), (1e-3, "100"), (1e6, "10⁻⁷")])
def test_the_scale_bars_label(zoom: float, label: str) -> None:
    assert scale_bar(View(log2_zoom=log2_of(zoom)), SIZE, 140).label == label
