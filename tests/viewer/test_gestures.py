"""Gestures in a real window: what they do to the view, exactly, and that each is one undo step."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction

import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QNativeGestureEvent, QPointingDevice, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from creps_core.source import Source
from creps_core.view import Size, View
from creps_core.warps import Lens
from creps_viewer.canvas.keys import BINDINGS, command_for, sheet_rows
from creps_viewer.canvas.raster_canvas import RasterCanvas
from creps_viewer.model import navigation
from tests.viewer.window import CTRL, HEIGHT, LEFT, NONE, RIGHT, SHIFT, WIDTH, Window

SIZE = Size(WIDTH, HEIGHT)
Key = Qt.Key


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[Window]:
    window = Window(qtbot, RasterCanvas)
    window.open()
    yield window
    window.close()


def undo_steps(window: Window, act: Callable[[], object]) -> int:
    """How many undo steps `act` leaves, glides included; checks that they lead back."""
    model = window.model
    before = model.state
    act()
    window.pass_time(1.0)
    window.pass_time(1.0)
    assert not model.moving
    after, steps = model.state, 0
    while model.can_undo and model.state != before:
        model.undo()
        steps += 1
    assert model.state == before
    for _ in range(steps):
        model.redo()
    assert model.state == after
    return steps


def test_the_wheel_zooms_at_the_pointer_smoothly(window: Window) -> None:
    view = window.model.state.view
    point = view.plane_point(130, 90, SIZE)
    seen = []
    window.wheel(2)
    while window.stage.gestures.motion.active:
        window.pass_time(0.02)
        now = window.model.state.view
        seen.append(now.log2_zoom)
        assert now.plane_point(130, 90, SIZE) == point  # exactly, at every moment of the glide
    assert seen == sorted(seen)
    assert len(set(seen)) > 5
    assert seen[-1] == 1  # two notches: an octave


def test_in_and_out_again_is_the_identical_view(window: Window) -> None:
    view = window.model.state.view
    for notches in (3, -1, 1.5, -3.5):
        window.wheel(notches)
        window.pass_time(random.Random(notches).uniform(0, 0.3))
    window.pass_time(1)
    assert window.model.state.view == view


def test_notches_during_a_glide_add_up_and_are_one_undo_step(window: Window) -> None:
    def act() -> None:
        for _ in range(4):
            window.wheel(1)
            window.pass_time(0.05)

    assert undo_steps(window, act) == 1
    assert window.model.state.view.log2_zoom == 2


def test_dragging_keeps_the_grabbed_point_under_the_pointer(window: Window) -> None:
    view = window.model.state.view
    point = view.plane_point(100.5, 80.5, SIZE)
    assert undo_steps(window, lambda: window.drag((100.5, 80.5), (163.5, 41.5), steps=13)) == 1
    assert window.model.state.view.plane_point(163.5, 41.5, SIZE) == point
    window.drag((163.5, 41.5), (100.5, 80.5), steps=7)
    assert window.model.state.view == view


def test_drags_snap_to_whole_pixels_and_carry_the_rest(window: Window) -> None:
    view = window.model.state.view
    with window.held(50, 50) as move:
        for i in range(1, 42):
            move(50 + 0.3 * i, 50)
            now = window.model.state.view
            moved = (view.center_x - now.center_x) / Fraction(view.step(SIZE).xx)
            assert moved.denominator == 1
            assert abs(moved - Fraction(0.3 * i)) <= Fraction(1, 2) or i < 10  # below that it is a click
    assert moved == 12


def test_dragging_under_a_lens_keeps_the_grabbed_point_too(window: Window) -> None:
    view = View(warps=(Lens(0.0, 0.0, 0.4, 1.0),))
    window.model.update(view=view)
    x, y = view.plane_point(210, 160, SIZE)
    window.drag((210, 160), (230, 150))
    shown = window.model.state.view.plane_point(230, 150, SIZE)
    assert float(shown[0] - x) == pytest.approx(0, abs=1e-12)
    assert float(shown[1] - y) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("button", "modifiers"), [(RIGHT, NONE), (LEFT, SHIFT)])
def test_turning_about_the_pressed_point(
    window: Window, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier
) -> None:
    view = window.model.state.view
    point = view.plane_point(120, 70, SIZE)
    assert undo_steps(window, lambda: window.drag((120, 70), (195, 75), button, modifiers)) == 1
    turned = window.model.state.view
    assert turned.rotation_deg == 30
    assert turned.plane_point(120, 70, SIZE) == point
    window.drag((120, 70), (45, 70), button, modifiers)
    assert window.model.state.view == view


def test_a_lens_is_placed_moved_strengthened_and_removed(window: Window) -> None:
    assert undo_steps(window, lambda: window.drag((100, 100), (200, 150), LEFT, CTRL)) == 1
    (lens,) = window.model.state.view.warps
    assert isinstance(lens, Lens)
    assert (lens.x, lens.y, lens.s) == (0, 0, 1)
    assert undo_steps(window, lambda: window.wheel(2, 50, 50, CTRL)) == 1
    (stronger,) = window.model.state.view.warps
    assert stronger == Lens(lens.x, lens.y, lens.r, 1.5)
    assert undo_steps(window, lambda: window.drag((30, 30), (260, 150), LEFT, CTRL)) == 1
    (moved,) = window.model.state.view.warps
    assert moved == Lens(60 / HEIGHT, 0, lens.r, 1.5)
    window.settle()
    assert (window.pixels() == window.expected()).all()
    assert undo_steps(window, lambda: QTest.keyClick(window.canvas, Key.Key_Backspace)) == 1
    assert window.model.state.view.warps == ()


def test_a_double_click_zooms_in_twice_there(window: Window) -> None:
    point = window.model.state.view.plane_point(90, 200, SIZE)

    def act() -> None:
        window.click(90, 200)
        window.mouse(QMouseEvent.Type.MouseButtonDblClick, 90, 200)
        window.mouse(QMouseEvent.Type.MouseButtonRelease, 90, 200)

    assert undo_steps(window, act) == 1
    assert window.model.state.view.log2_zoom == 1
    assert window.model.state.view.plane_point(90, 200, SIZE) == point


def test_a_click_changes_nothing(window: Window) -> None:
    before = window.model.state
    window.click(10, 10)
    with window.held(50, 50) as move:
        move(51, 51)
    assert window.model.state == before
    assert not window.model.can_undo


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([Key.Key_Plus, Key.Key_Plus], View(log2_zoom=Fraction(1))),
        ([Key.Key_Plus, Key.Key_Minus], View()),
        ([Key.Key_Left, Key.Key_Up], navigation.pan_by(View(), SIZE, 30, 30)),
        ([Key.Key_Left, Key.Key_Right, Key.Key_Up, Key.Key_Down], View()),
        ([Key.Key_BracketRight] * 2, View(rotation_deg=15)),
        ([Key.Key_BracketRight, Key.Key_BracketLeft], View()),
        ([Key.Key_M], View(stretch=(-1, 1))),
        ([Key.Key_M, Key.Key_Plus, Key.Key_BracketLeft, Key.Key_Home], View()),
    ],
)
def test_keys_move_the_view(window: Window, keys: list[Qt.Key], expected: View) -> None:
    for key in keys:
        assert undo_steps(window, lambda key=key: QTest.keyClick(window.canvas, key)) == 1
    assert window.model.state.view == expected


def test_home_glides_and_keeps_the_latents(window: Window) -> None:
    model = window.model
    model.update(sources=(Source(seed=4),))
    model.update(
        view=View(log2_zoom=Fraction(20), rotation_deg=-170, warps=(Lens(0, 0, 0.3, 2),), outside="frame")
    )
    zooms = []
    QTest.keyClick(window.canvas, Key.Key_Home)
    while window.stage.gestures.motion.active:
        window.pass_time(0.02)
        zooms.append(model.state.view.log2_zoom)
    assert zooms == sorted(zooms, reverse=True)
    assert len(set(zooms)) > 5
    assert model.state.view == View(outside="frame")
    assert model.state.sources == (Source(seed=4),)


def test_r_is_another_seed_and_undo_the_old_one(window: Window) -> None:
    seeds = {window.model.state.sources[0].seed}
    for _ in range(5):
        assert undo_steps(window, lambda: QTest.keyClick(window.canvas, Key.Key_R)) == 1
        seeds.add(window.model.state.sources[0].seed)
    assert len(seeds) > 3
    for _ in range(5):
        QTest.keyClick(window.canvas, Key.Key_Z, CTRL)
    assert window.model.state.sources == (Source(seed=0),)
    QTest.keyClick(window.canvas, Key.Key_Z, CTRL | SHIFT)
    assert window.model.state.sources != (Source(seed=0),)


@pytest.mark.parametrize("how", ["key", "menu"])
def test_undo_in_the_middle_of_a_glide_stays_undone(window: Window, how: str) -> None:
    view = window.model.state.view
    window.wheel(4)
    window.pass_time(0.05)
    if how == "key":
        QTest.keyClick(window.canvas, Key.Key_Z, CTRL)
    else:
        window.model.undo()
    assert window.model.state.view == view
    assert not window.model.moving
    window.pass_time(1.0)
    assert window.model.state.view == view


def test_typing_a_view_in_the_middle_of_a_flight_wins(window: Window) -> None:
    window.model.update(view=View(log2_zoom=Fraction(8)))
    QTest.keyClick(window.canvas, Key.Key_Home)
    window.pass_time(0.05)
    typed = View(log2_zoom=Fraction(3), center_x=Fraction(1, 4))
    window.model.update(view=typed)
    window.pass_time(1.0)
    assert window.model.state.view == typed
    assert not window.model.moving


@pytest.mark.parametrize("end", ["focus", "hide", "lost release"])
def test_a_drag_that_is_torn_away_ends_its_gesture(window: Window, end: str) -> None:
    window.mouse(QMouseEvent.Type.MouseButtonPress, 50, 50)
    window.mouse(QMouseEvent.Type.MouseMove, 80, 60)
    assert window.model.moving
    match end:
        case "focus":
            QApplication.sendEvent(window.canvas, QFocusEvent(QFocusEvent.Type.FocusOut))
        case "hide":
            window.canvas.hide()
        case "lost release":
            window.mouse(QMouseEvent.Type.MouseMove, 90, 60, Qt.MouseButton.NoButton)
    assert not window.model.moving
    assert window.model.can_undo
    after = window.model.state
    window.mouse(QMouseEvent.Type.MouseMove, 120, 60)  # nothing is held any more
    assert window.model.state == after


def test_a_hundred_gestures_in_a_burst(window: Window) -> None:
    """Any mixture as fast as events can come: the window follows, and the last state is what is shown."""
    rng = random.Random(7)
    for i in range(100):
        x, y = rng.uniform(20, WIDTH - 20), rng.uniform(20, HEIGHT - 20)
        match rng.randrange(6):
            case 0 | 1:
                window.wheel(rng.choice([1, -1, 0.25]), x, y)
            case 2:
                window.drag((x, y), (x + rng.uniform(-40, 40), y + rng.uniform(-40, 40)), steps=3)
            case 3:
                window.drag((x, y), (x + 25, y), RIGHT, steps=2)
            case 4:
                window.drag((x, y), (y, x), LEFT, CTRL, steps=2)
            case 5:
                QTest.keyClick(window.canvas, rng.choice([Key.Key_R, Key.Key_Left, Key.Key_Backspace]))
        if i % 10 == 0:
            window.pass_time(0.03)
            QApplication.processEvents()
    window.settle()
    assert not window.model.moving
    assert (window.pixels() == window.expected()).all()
    assert len(window.engine.requests) < 150  # the newest wins: not one per event


def test_while_a_gesture_lasts_drafts_come_and_at_its_end_the_settled_picture(window: Window) -> None:
    window.engine.requests.clear()
    gate = window.engine.gate = threading.Semaphore(0)
    frames: list[tuple[View, bool]] = []
    window.model.frame_changed.connect(lambda frame: frames.append((frame.view, frame.settled)))
    with window.held(50, 50) as move:
        move(60, 60)
        first = window.model.state.view
        for i in range(40):
            move(60 + i, 60)
        # a long drag does not cancel the draft that is being made: its first pass appears
        gate.release()
        window.until(lambda: bool(frames))
        assert frames == [(first, False)]
        last = window.model.state.view
        gate.release()
        window.until(lambda: len(frames) > 1)
        assert frames[1] == (last, False)
        gate.release(100)
    window.settle()
    assert frames[-1] == (last, True)
    assert [moving for _, size, moving in window.engine.requests if size == SIZE] == [True, True, False]


def trackpad(window: Window, pixels: float, phase: Qt.ScrollPhase) -> None:
    at = QPointF(100, 100)
    event = QWheelEvent(
        at, window.canvas.mapToGlobal(at), QPoint(0, round(pixels)), QPoint(0, round(pixels * 8)),
        Qt.MouseButton.NoButton, NONE, phase, False,
    )  # fmt: skip
    QApplication.sendEvent(window.canvas, event)


def test_trackpad_scrolling_zooms_by_its_pixels_as_one_gesture(window: Window) -> None:
    point = window.model.state.view.plane_point(100, 100, SIZE)

    def act() -> None:
        trackpad(window, 8, Qt.ScrollPhase.ScrollBegin)
        for _ in range(31):
            trackpad(window, 8, Qt.ScrollPhase.ScrollUpdate)
        trackpad(window, 0, Qt.ScrollPhase.ScrollEnd)

    assert undo_steps(window, act) == 1
    assert window.model.state.view.log2_zoom == 1  # 256 px; as many wheel notches would be 8.5 octaves
    assert window.model.state.view.plane_point(100, 100, SIZE) == point


def native(window: Window, kind: Qt.NativeGestureType, value: float = 0.0) -> None:
    at = QPointF(150, 120)
    device = QPointingDevice.primaryPointingDevice()
    event = QNativeGestureEvent(
        kind, device, 2, at, at, window.canvas.mapToGlobal(at), value, QPointF()
    )  # fmt: skip
    QApplication.sendEvent(window.canvas, event)


def test_pinching_and_turning_on_a_trackpad(window: Window) -> None:
    point = window.model.state.view.plane_point(150, 120, SIZE)

    def act() -> None:
        native(window, Qt.NativeGestureType.BeginNativeGesture)
        native(window, Qt.NativeGestureType.ZoomNativeGesture, 1.0)
        native(window, Qt.NativeGestureType.RotateNativeGesture, -12.0)
        native(window, Qt.NativeGestureType.EndNativeGesture)

    assert undo_steps(window, act) == 1
    view = window.model.state.view
    assert (view.log2_zoom, view.rotation_deg) == (1, 12)
    assert view.plane_point(150, 120, SIZE) == point


def test_pressing_the_minimap_goes_there_and_dragging_there_is_one_step(window: Window) -> None:
    window.stage.overlays.readout_shown = True
    window.canvas.resize(640, 480)
    window.until(lambda: window.model.canvas_size == Size(640, 480))
    window.model.update(view=View(log2_zoom=Fraction(3)))
    window.settle()
    window.until(lambda: bool(window.pixels().any()) and window.stage.overlays._map is not None)
    area = window.stage.overlays._map
    assert area is not None
    x, y = area.x() + area.width() / 4, area.y() + area.height() * 3 / 4
    assert undo_steps(window, lambda: window.click(x, y)) == 1
    view = window.model.state.view
    assert (float(view.center_x), float(view.center_y)) == pytest.approx((0.25, 0.75), abs=1e-5)
    assert view.log2_zoom == 3
    assert undo_steps(window, lambda: window.drag((x, y), (x + 30, y - 60))) == 1
    view = window.model.state.view
    assert (float(view.center_x), float(view.center_y)) == pytest.approx((0.5, 0.25), abs=1e-5)


def test_the_hint_goes_with_the_first_gesture(window: Window) -> None:
    plain = window.pixels()
    window.stage.overlays.show_hint()
    assert (window.pixels() != plain).any()
    window.click(5, 5)
    window.pass_time(1.0)
    assert (window.pixels() == plain).all()


def test_every_binding_is_on_the_sheet_and_every_key_does_something(window: Window) -> None:
    passed_on: list[str] = []
    window.stage.command.connect(passed_on.append)
    assert all(does for _, does in sheet_rows())
    keys = [combination for binding in BINDINGS for combination in binding.keys]
    assert len(set(keys)) == len(keys)
    for binding in BINDINGS:
        for key, modifiers in binding.keys:
            assert command_for(key.value, modifiers) == binding.command
            event = QKeyEvent(QKeyEvent.Type.KeyPress, key, modifiers)
            event.ignore()
            assert QApplication.sendEvent(window.canvas, event)
        window.pass_time(1.0)
    window_commands = {"copy_picture", "copy_view", "full_screen", "panels"}
    assert window_commands <= set(passed_on)
    assert passed_on.count("panels") == 3
    assert not window.stage.overlays.help_shown  # Escape closed it again
    assert command_for(Key.Key_Q.value, NONE) is None


def test_help_covers_and_any_click_closes_it(window: Window) -> None:
    plain, before = window.pixels(), window.model.state
    QTest.keyClick(window.canvas, Key.Key_H)
    assert (window.pixels() != plain).any()
    window.drag((100, 100), (150, 150))
    assert window.model.state == before
    assert (window.pixels() == plain).all()


def test_input_to_paint_is_recorded(window: Window) -> None:
    timings = window.bridge.timings
    timings.clear()
    window.wheel(1)
    window.until(lambda: timings.last("input") is not None)
    assert timings.last("paint") is not None
    assert len(timings.recent("input")) == len(timings.times("input"))
