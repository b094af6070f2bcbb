"""Which frames are drawn over which, and where their samples lie."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creps_core.frame import Frame
from creps_core.view import Size, View
from creps_core.warps import Lens, Tilt
from creps_viewer.canvas.layers import MAX_LAYERS, LayerStack
from creps_viewer.canvas.placement import place, sample_transform
from creps_viewer.model import navigation

SIZE = Size(320, 200)


def frame(view: View, stride: int = 1, latents: str = "a", origin: tuple[int, int] = (0, 0)) -> Frame:
    rows = len(range(origin[0], SIZE.height, stride))
    columns = len(range(origin[1], SIZE.width, stride))
    pixels = np.zeros((rows, columns, 4), np.uint8)
    return Frame(view, SIZE, latents, pixels, stride, origin, 1, 3, settled=stride == 1)


def strides(stack: LayerStack, view: View, now: float = 10.0) -> list[int]:
    return [drawn.layer.frame.stride for drawn in stack.drawn(view, SIZE, now)]


def test_finer_passes_replace_coarser_ones() -> None:
    stack, view = LayerStack(), View()
    for stride in (16, 4, 1):
        stack.add(frame(view, stride), view, SIZE, 0.0)
        assert strides(stack, view) == [stride]
    assert len(stack.layers) == 1


def test_a_coarse_pass_never_covers_something_finer() -> None:
    stack, view = LayerStack(), View()
    stack.add(frame(view), view, SIZE, 0.0)
    closer = navigation.zoom_about(view, SIZE, 160, 100, 1)
    stack.add(frame(closer, 16), closer, SIZE, 0.0)
    assert strides(stack, closer) == [1]  # half a sample per pixel beats a sixteenth
    stack.add(frame(closer, 1), closer, SIZE, 0.0)
    assert [d.layer.frame.view for d in stack.drawn(closer, SIZE, 1.0)] == [closer]


def test_zooming_out_keeps_the_sharp_middle_over_the_coarse_surroundings() -> None:
    stack, view = LayerStack(), View(log2_zoom=Fraction(3))
    stack.add(frame(view), view, SIZE, 0.0)
    wider = navigation.zoom_about(view, SIZE, 160, 100, -1)
    stack.add(frame(wider, 16), wider, SIZE, 0.0)
    assert strides(stack, wider) == [16, 1]


def test_the_settled_frame_of_the_present_view_is_alone_even_where_others_have_more_samples() -> None:
    stack, view = LayerStack(), View(log2_zoom=Fraction(3))
    stack.add(frame(view), view, SIZE, 0.0)
    wider = navigation.zoom_about(view, SIZE, 160, 100, -1)
    stack.add(frame(wider), wider, SIZE, 0.0)
    drawn = stack.drawn(wider, SIZE, 0.0)
    assert [d.layer.frame.view for d in drawn] == [wider]
    assert drawn[0].placement.exact


def test_other_latents_lie_beneath_however_fine() -> None:
    stack, view = LayerStack(), View()
    stack.add(frame(view, 1, "old"), view, SIZE, 0.0)
    stack.add(frame(view, 64, "new"), view, SIZE, 0.0, fade=0.1)
    assert [d.layer.frame.latents for d in stack.drawn(view, SIZE, 0.05)] == ["old", "new"]
    assert [d.opacity for d in stack.drawn(view, SIZE, 0.05)] == [1, pytest.approx(0.5)]
    assert [d.layer.frame.latents for d in stack.drawn(view, SIZE, 0.2)] == ["new"]
    stack.add(frame(view, 16, "new"), view, SIZE, 0.2)
    assert {layer.frame.latents for layer in stack.layers} == {"new"}


def test_another_border_policy_is_another_picture() -> None:
    stack, view = LayerStack(), View()
    stack.add(frame(view), view, SIZE, 0.0)
    other = replace(view, outside="generate")
    stack.add(frame(other, 16), other, SIZE, 0.0)
    assert strides(stack, other) == [16]


def test_a_fading_frame_leaves_what_is_beneath_it() -> None:
    stack, view = LayerStack(), View()
    stack.add(frame(view, 16), view, SIZE, 0.0)
    stack.add(frame(view, 1), view, SIZE, 1.0, fade=0.12)
    assert strides(stack, view, 1.06) == [16, 1]
    assert stack.fading(1.06)
    assert strides(stack, view, 1.13) == [1]
    assert not stack.fading(1.13)


def test_few_layers_are_kept_and_the_widest_among_them() -> None:
    stack = LayerStack()
    for i in range(12):
        view = View(log2_zoom=Fraction(i))
        stack.add(frame(view, 4), view, SIZE, float(i))
    assert len(stack.layers) == MAX_LAYERS
    assert min(layer.frame.view.log2_zoom for layer in stack.layers) == 0
    # zooming far out again is not blank
    assert stack.drawn(View(), SIZE, 20.0)[0].placement.covers


def test_the_backdrop_shows_where_nothing_else_does() -> None:
    stack, deep = LayerStack(), View(log2_zoom=Fraction(9))
    stack.set_backdrop(frame(View(), 16), 0.0)
    stack.add(frame(deep), deep, SIZE, 0.0)
    assert strides(stack, deep) == [1]
    assert strides(stack, View()) == [16, 1]


def test_what_lies_beside_the_window_is_not_drawn() -> None:
    stack, view = LayerStack(), View(log2_zoom=Fraction(3))
    stack.add(frame(view), view, SIZE, 0.0)
    assert strides(stack, navigation.pan_by(view, SIZE, 400, 0)) == []


@given(
    st.integers(1, 64),
    st.tuples(st.integers(0, 40), st.integers(0, 40)),
    st.floats(-3, 3),
    st.floats(-180, 180),
    st.tuples(st.floats(-90, 90), st.floats(-90, 90)),
)
def test_samples_lie_at_their_true_positions(
    stride: int, origin: tuple[int, int], octaves: float, turn: float, pan: tuple[float, float]
) -> None:
    """The plane point of sample [a, b] is drawn where the present view shows that point."""
    old = View(log2_zoom=Fraction(2), center_x=Fraction(3, 8))
    new = navigation.zoom_about(old, SIZE, 30, 70, octaves)
    new = navigation.pan_by(navigation.rotate_about(new, SIZE, 200, 10, turn), SIZE, *pan)
    shown = frame(old, stride, origin=origin)
    placement = place(shown, new, SIZE)
    assert placement.matrix is not None
    a, b = shown.pixels.shape[0] // 2, shown.pixels.shape[1] // 2
    x, y = old.plane_point(origin[1] + stride * b + 0.5, origin[0] + stride * a + 0.5, SIZE)
    px, py = new.window_points(np.array([float(x - new.center_x)]), np.array([float(y - new.center_y)]), SIZE)
    at = placement.matrix @ [px[0], py[0], 1]
    su, ou, sv, ov = sample_transform(shown)
    rows, columns = shown.pixels.shape[:2]
    assert (su * at[0] + ou) * columns - 0.5 == pytest.approx(b, abs=1e-6)
    assert (sv * at[1] + ov) * rows - 0.5 == pytest.approx(a, abs=1e-6)


def test_only_moves_by_whole_pixels_are_exact() -> None:
    view = View(log2_zoom=Fraction(3, 10))
    assert place(frame(view), view, SIZE).exact
    assert place(frame(view), navigation.pan_by(view, SIZE, 17, -3), SIZE).exact
    assert not place(frame(view), navigation.pan_by(view, SIZE, 0.5, 0), SIZE).exact
    assert not place(frame(view), navigation.zoom_about(view, SIZE, 0, 0, 1), SIZE).exact
    assert not place(frame(view, 2), view, SIZE).exact


def test_density_counts_samples_per_screen_pixel() -> None:
    view = View()
    assert place(frame(view, 4), view, SIZE).density == 0.25
    closer = navigation.zoom_about(view, SIZE, 0, 0, 2)
    assert place(frame(view, 4), closer, SIZE).density == pytest.approx(0.0625)
    stretched = replace(view, stretch=(0.5, 1.0))
    assert place(frame(view), stretched, SIZE).density == pytest.approx(0.5**0.5)


def test_a_bent_view_is_a_mesh_with_holes_where_it_shows_nothing() -> None:
    view = View()
    bent = replace(view, warps=(Lens(0, 0, 0.3, 1),))
    placement = place(frame(view), bent, SIZE)
    assert placement.matrix is None
    assert placement.covers
    assert placement.density == pytest.approx(1, rel=0.1)  # most of the window is outside the lens
    tilted = place(frame(view), replace(view, warps=(Tilt(2.0, 0),)), SIZE)
    assert np.isnan(tilted.lattice).any()
    assert not tilted.covers
    # the frame of the bent view itself needs no mesh
    assert place(frame(bent), bent, SIZE).exact
