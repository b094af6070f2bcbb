"""Comparing on the canvas, in OpenGL and without: both pictures are the renderer's, and move together."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QMouseEvent
from pytestqt.qtbot import QtBot

from creps_core.checkpoint_ref import CheckpointRef
from creps_core.comparison import Comparison
from creps_core.consistency import doubled_size, scale_consistency
from creps_core.source import Source
from creps_core.view import Size, View
from creps_core.warps import Lens
from creps_viewer.canvas.create import probe_opengl
from creps_viewer.canvas.gl_canvas import GlCanvas
from creps_viewer.canvas.pane import GAP, panes
from creps_viewer.canvas.raster_canvas import RasterCanvas
from creps_viewer.service.second import SecondPicture
from tests.viewer.fakes import FakeOpener
from tests.viewer.window import HEIGHT, WIDTH, Window

OTHER = Comparison(sources=(Source(seed=5),))
MOVE = QMouseEvent.Type.MouseMove
LINE_PX = 14  # half of what the line and its handle may cover
NAMES_PX = 100, 124  # the rows that the names may cover


class Pair(Window):
    """A window that compares."""

    def __init__(self, qtbot: QtBot, kind: type[GlCanvas] | type[RasterCanvas]) -> None:
        super().__init__(qtbot, kind)
        self.second = SecondPicture(
            self.model, self.bridge, FakeOpener(self.engine), lambda ref: Path(ref.path or ref.name)
        )

    def compare(self, **changes: object) -> None:
        old = self.model.state.compare or OTHER
        self.model.update(compare=dataclasses.replace(old, **changes))
        self.settle()

    def both(self, view: View | None = None, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """What the engine's formula gives for A and for B."""
        size = self.model.canvas_size
        second = self.engine.formula(view or self.model.state.second_view, size, seed, 1)[..., :3]
        return self.expected(), second

    def asked(self) -> list[Size]:
        """The sizes of all pictures that were asked for, but for small ones of the whole."""
        sizes = [size for _, size, _ in self.engine.requests]
        return [size for size in sizes if size.width != size.height]

    def close(self) -> None:
        self.second.close()
        super().close()


@pytest.fixture(params=[pytest.param(GlCanvas, marks=pytest.mark.gl), RasterCanvas])
def pair(request: pytest.FixtureRequest, qtbot: QtBot) -> Iterator[Pair]:
    if request.param is GlCanvas and probe_opengl().fault:
        pytest.skip(f"no OpenGL here: {probe_opengl().fault}")
    pair = Pair(qtbot, request.param)
    pair.open()
    yield pair
    pair.close()


def free_of_names(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([pixels[: NAMES_PX[0]], pixels[NAMES_PX[1] :]])


def assert_divided(pair: Pair, line: int, first: np.ndarray, second: np.ndarray) -> None:
    """Left of the line are the first one's pixels, right of it the second one's, exactly."""
    shown = free_of_names(pair.pixels())
    first, second = free_of_names(first), free_of_names(second)
    left, right = max(line - LINE_PX, 0), line + LINE_PX
    assert (shown[:, :left] == first[:, :left]).all()
    assert (shown[:, right:] == second[:, right:]).all()


@pytest.mark.parametrize(
    "view",
    [
        View(),
        View(log2_zoom=Fraction(13, 10), center_x=Fraction(3, 10)),
        View(rotation_deg=33.0),
        View(warps=(Lens(0.1, 0, 0.3, 1.5),)),
    ],
)
@pytest.mark.parametrize("wipe", [0.0, 0.3, 1.0])
def test_each_side_of_the_line_shows_what_the_renderer_gives(pair: Pair, view: View, wipe: float) -> None:
    pair.model.update(view=view)
    pair.compare(wipe=wipe)
    assert_divided(pair, round(wipe * WIDTH), *pair.both())


def test_side_by_side_shows_both_whole_at_one_size(pair: Pair) -> None:
    pair.compare(layout="side")
    size = pair.model.canvas_size
    assert size == Size((WIDTH - GAP) // 2, HEIGHT)
    first, second = pair.both()
    shown = free_of_names(pair.pixels())
    assert (shown[:, : size.width] == free_of_names(first)).all()
    assert (shown[:, WIDTH - size.width :] == free_of_names(second)).all()
    pair.compare(layout="wipe")
    assert pair.model.canvas_size == Size(WIDTH, HEIGHT)


def test_ending_the_comparison_leaves_the_first_picture_alone(pair: Pair) -> None:
    pair.compare(layout="side")
    pair.model.update(compare=None)
    pair.settle()
    assert (pair.pixels() == pair.expected()).all()
    assert pair.model.second.frame is None
    assert len(pair.stage.alive()) == len(pair.stage.layers.layers)


@pytest.mark.parametrize("layout", ["wipe", "side"])
@pytest.mark.parametrize("where", ["first", "second"])
def test_a_linked_pan_in_either_picture_moves_both(pair: Pair, layout: str, where: str) -> None:
    pair.compare(layout=layout)
    before = pair.both()
    x = 60 if where == "first" else WIDTH - 120
    pair.drag((x, 200), (x + 31, 188))
    pair.settle()
    after = pair.both()
    for old, new in zip(before, after, strict=True):  # by whole pixels, so the samples are the same
        assert (new[:-12, 31:] == old[12:, :-31]).all()
    if layout == "wipe":
        assert_divided(pair, WIDTH // 2, *after)


def test_a_linked_zoom_is_about_the_pointer_of_the_picture_it_is_in(pair: Pair) -> None:
    pair.compare(layout="side")
    second = panes(pair.model.state.compare, Size(WIDTH, HEIGHT), 1.0)[1]
    pair.wheel(2, x=second.x + 40, y=90)
    pair.settle()
    from_second = pair.model.state.view
    pair.model.undo()
    pair.wheel(2, x=40, y=90)
    pair.settle()
    assert pair.model.state.view == from_second != View()


def test_unlinked_views_move_apart_and_together_again(pair: Pair) -> None:
    pair.compare(linked=False, view=View())
    pair.drag((300, 200), (320, 190))  # in the second
    pair.settle()
    state = pair.model.state
    assert state.view == View() != state.second_view
    own = state.second_view
    pair.drag((60, 200), (90, 190))  # in the first
    pair.settle()
    state = pair.model.state
    assert state.second_view == own != state.view != View()
    assert_divided(pair, WIDTH // 2, *pair.both())
    pair.compare(linked=True, view=None)
    assert pair.model.state.second_view == state.view
    assert_divided(pair, WIDTH // 2, *pair.both())


def test_dragging_the_line_is_one_undo_step_and_asks_for_nothing(pair: Pair) -> None:
    pair.compare()
    asked = pair.asked()
    pair.drag((WIDTH / 2 + 3, 220), (101 + 3, 240))
    assert pair.model.state.compare.wipe == pytest.approx(101 / WIDTH)
    assert pair.model.state.view == View()
    pair.settle()
    assert_divided(pair, 101, *pair.both())
    assert pair.asked() == asked
    pair.drag((101, 220), (-50, 220))  # beyond the edge
    assert pair.model.state.compare.wipe == 0
    pair.model.undo()
    pair.model.undo()
    assert pair.model.state.compare.wipe == 0.5


def test_a_line_that_is_held_when_the_comparison_ends_is_let_go(pair: Pair) -> None:
    pair.compare()
    with pair.held(WIDTH / 2, 220) as move:
        move(150, 220)
        assert pair.model.moving
        pair.model.update(compare=None)
        assert not pair.model.moving
    pair.settle()
    assert (pair.pixels() == pair.expected()).all()


def test_the_pointer_shows_what_can_be_dragged(pair: Pair) -> None:
    pair.compare()
    for x, shape in ((WIDTH / 2 + 2, Qt.CursorShape.SplitHCursor), (60, Qt.CursorShape.ArrowCursor)):
        pair.mouse(MOVE, x, 200)
        assert pair.canvas.cursor().shape() == shape


def test_until_the_second_picture_has_come_its_old_samples_move_with_the_view(pair: Pair) -> None:
    pair.compare()
    before = pair.both()[1]
    pair.engine.gate = gate = threading.Semaphore(0)
    pair.drag((60, 200), (91, 188))
    shown, moved = free_of_names(pair.pixels()), np.zeros_like(before)
    moved[:-12, 31:] = before[12:, :-31]
    right = WIDTH // 2 + 31 + LINE_PX
    assert (shown[:, right:][:180] == free_of_names(moved)[:, right:][:180]).all()
    gate.release(1000)
    pair.settle()
    assert_divided(pair, WIDTH // 2, *pair.both())


def test_a_mix_and_another_border_reach_the_second_picture(pair: Pair) -> None:
    pair.compare()
    asked = len(pair.engine.requests)
    pair.model.update(view=View(outside="generate"))
    pair.settle()
    assert pair.model.second.frame.view.outside == "generate"
    assert len(pair.engine.requests) > asked
    pair.model.update(sources=(Source(seed=9),))  # the second has its own
    pair.settle()
    assert_divided(pair, WIDTH // 2, *pair.both())


# scale consistency


def residual_of(pair: Pair) -> tuple[np.ndarray, float]:
    view, size = pair.model.state.view, pair.model.canvas_size
    seed = pair.model.state.sources[0].seed
    frames = (pair.engine.formula(view, each, seed, 1) for each in (size, doubled_size(size)))
    found = scale_consistency(*frames)
    return found.residual[..., :3], found.psnr


@pytest.mark.parametrize("view", [View(), View(log2_zoom=Fraction(1), rotation_deg=20.0)])
def test_the_residual_on_the_screen_is_the_functions(pair: Pair, view: View) -> None:
    pair.model.update(view=view)
    pair.compare(shows="residual", sources=None)
    residual, psnr = residual_of(pair)
    assert_divided(pair, WIDTH // 2, pair.expected(), residual)
    assert pair.model.second.frame.stats.psnr == psnr


def test_the_residual_follows_view_and_latents(pair: Pair) -> None:
    pair.compare(shows="residual", sources=None, wipe=0.0)
    for changes in ({"view": View(log2_zoom=Fraction(1))}, {"sources": (Source(seed=8),)}):
        pair.model.update(**changes)
        pair.settle()
        residual, psnr = residual_of(pair)
        assert_divided(pair, 0, residual, residual)
        assert pair.model.second.frame.stats.psnr == psnr


def test_during_a_gesture_nothing_is_measured(pair: Pair) -> None:
    pair.compare(shows="residual", sources=None)
    with pair.model.gesture():
        asked = pair.asked()
        pair.model.update(view=View(log2_zoom=Fraction(1)))
        pair.until(lambda: len(pair.asked()) > len(asked))
        pair.until(lambda: pair.model.frame.stride == 1)
        assert set(pair.asked()[len(asked) :]) == {pair.model.canvas_size}
    pair.settle()
    assert_divided(pair, WIDTH // 2, pair.expected(), residual_of(pair)[0])


# places


def test_panes_fill_the_canvas_without_overlap() -> None:
    for width in (1, 2, 3, 479, 960):
        for compare in (OTHER, dataclasses.replace(OTHER, layout="side"), dataclasses.replace(OTHER, wipe=1)):
            first, second = panes(compare, Size(width, 300), 1.5)
            assert first.left == 0 <= first.right <= width
            assert second.right == width
            assert first.size == second.size
            assert width < 8 or first.right <= second.left


def test_hovering_does_not_stop_what_glides_in_the_other_picture(pair: Pair) -> None:
    pair.compare(linked=False, view=View())
    pair.wheel(1, x=60, y=200)
    assert pair.stage.gestures.motion.active
    pair.mouse(MOVE, 300, 200)
    assert pair.stage.gestures.motion.active
    pair.settle()
    assert pair.model.state.second_view == View() != pair.model.state.view


def test_a_checkpoint_that_the_state_names_but_is_not_to_be_had_ends_the_comparison(pair: Pair) -> None:
    said: list[str] = []
    pair.model.notice.connect(lambda level, text: said.append(text))
    bad = CheckpointRef("bad.pkl", "b" * 64, "/nowhere/bad.pkl")
    pair.model.update(compare=Comparison(checkpoint=bad))
    pair.until(lambda: pair.model.state.compare is None)
    pair.settle()
    assert said == ["bad.pkl is not a checkpoint."]
    assert (pair.pixels() == pair.expected()).all()
