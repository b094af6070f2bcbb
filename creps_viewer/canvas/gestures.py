"""Turns mouse, wheel, touch and keys into steps of the model: what both canvases share of Qt's events.

The arithmetic is `creps_viewer.model.navigation`'s and `glide`'s; here is which event means what, and that
every gesture and every glide is one undo step. What concerns the window is passed on as `command`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from fractions import Fraction

from PyQt6.QtCore import QEvent, QObject, QPointF, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import (
    QInputDevice,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QGestureEvent, QPinchGesture, QWidget

from creps_core.view import Size, View
from creps_core.warps import Lens
from creps_viewer.canvas.drags import Drag, LensDrag, PanDrag, TurnDrag, WalkDrag
from creps_viewer.canvas.held_key import HeldKey
from creps_viewer.canvas.key_commands import WALKS, run_command
from creps_viewer.canvas.keys import WINDOW_COMMANDS, command_for
from creps_viewer.canvas.motion import Motion
from creps_viewer.model import navigation
from creps_viewer.model.movable import Movable

NOTCH_OCTAVES = Fraction(1, 2)  # one notch of a wheel
TRACKPAD_PX = 256  # two-finger pixels per octave; a power of two, so that scrolling back is exactly back
TURN_PX = 2.5  # logical pixels per degree of a turning drag
WALK_PX = 240  # logical pixels from one seed to the next
LENS_NOTCH = 0.25  # octaves of the lens per notch
DRAG_PX = 3  # a press that moves less is a click
SCROLL_REST_MS = 180  # a trackpad scroll without an end event has ended

_Modifier = Qt.KeyboardModifier


class Gestures(QObject):
    """The event filter of a canvas.

    Signals: `command(str)`, what is not the model's business (`keys.BINDINGS`); `began()`, any gesture;
    `input_arrived()`, an event that will change the picture, for measuring.
    """

    command = pyqtSignal(str)
    began = pyqtSignal()
    input_arrived = pyqtSignal()
    lens_touched = pyqtSignal()
    cancelled = pyqtSignal()  # the pointer or the focus went away: whoever holds something lets go

    def __init__(
        self,
        widget: QWidget,
        model: Movable,
        over: Callable[[QPointF, QEvent], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Watch `widget`; `over` may take a pointer event first (logical px) and say that it did."""
        super().__init__(widget)
        self._widget, self._model, self._over = widget, model, over
        self.motion = Motion(model, clock, self)
        self.origin = 0  # of the picture that is moved, device pixels from the canvas's left edge
        self._drag: Drag | None = None
        self._scrolling = False
        self._walk = HeldKey(Qt.Key.Key_L)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(SCROLL_REST_MS)
        self._rest.timeout.connect(self._end_scroll)
        widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        widget.setMouseTracking(True)
        widget.grabGesture(Qt.GestureType.PinchGesture)
        widget.installEventFilter(self)

    @property
    def busy(self) -> bool:
        """Whether a gesture or a glide goes on."""
        return self._scrolling or self.motion.active or (self._drag is not None and self._drag.active)

    def cancel(self) -> None:
        """End whatever goes on, as it is now."""
        self._let_go()
        self.motion.stop()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is None:
            return False
        if self._walk.watch(event):
            return True
        match event.type():
            case QEvent.Type.Wheel:
                return self._wheel(event)
            case QEvent.Type.MouseButtonPress | QEvent.Type.MouseButtonDblClick:
                return self._press(event)
            case QEvent.Type.MouseMove:
                return self._move(event)
            case QEvent.Type.MouseButtonRelease:
                return self._release(event)
            case QEvent.Type.KeyPress:
                return self._key(event)
            case QEvent.Type.ShortcutOverride:
                # the canvas's own plain keys, before a menu's
                return self._claim(event)
            case QEvent.Type.NativeGesture:
                return self._native(event)
            case QEvent.Type.Gesture:
                return self._touch(event)
            case QEvent.Type.FocusOut | QEvent.Type.Hide | QEvent.Type.Close:
                self._walk.down = False
                self._let_go()
        return False

    # what the events mean

    def _wheel(self, event: QEvent) -> bool:
        assert isinstance(event, QWheelEvent)
        if self._over(event.position(), event):
            return True
        pixels, notches = event.pixelDelta().y(), event.angleDelta().y() / 120
        # Alt turns a wheel sideways
        notches = notches or event.angleDelta().x() / 120
        if not pixels and not notches:
            if event.phase() == Qt.ScrollPhase.ScrollEnd:
                self._end_scroll()
            return True
        self._announce()
        if event.modifiers() & _Modifier.ControlModifier:
            with self._model.gesture():
                self._strengthen(event.position(), notches or pixels / 40)
        elif pixels and _is_trackpad(event):
            self._begin_scroll()
            px, py = self._device(event.position())
            view = navigation.zoom_about(self._view, self._size, px, py, pixels / TRACKPAD_PX)
            self._model.update(view=view)
            if event.phase() == Qt.ScrollPhase.ScrollEnd:
                self._end_scroll()
        else:
            px, py = self._device(event.position())
            self.motion.glide(px, py, octaves=_octaves(notches * NOTCH_OCTAVES))
        return True

    def _press(self, event: QEvent) -> bool:
        assert isinstance(event, QMouseEvent)
        if self._drag is not None:
            return True
        if self._over(event.position(), event):
            return True
        left = event.button() == Qt.MouseButton.LeftButton
        twice = event.type() == QEvent.Type.MouseButtonDblClick and not self._walk.down
        if left and twice and not event.modifiers():
            self._announce()
            px, py = self._device(event.position())
            self.motion.glide(px, py, octaves=Fraction(1))
            return True
        at = self._device(event.position())
        if left and self._walk.down:
            self._drag = WalkDrag(self._model, at, WALK_PX * self._ratio)
        elif left and event.modifiers() & _Modifier.ControlModifier:
            self._drag = LensDrag(self._model, at)
        elif event.button() == Qt.MouseButton.RightButton or (
            left and event.modifiers() & _Modifier.ShiftModifier
        ):
            self._drag = TurnDrag(self._model, at, TURN_PX * self._ratio)
        elif left or event.button() == Qt.MouseButton.MiddleButton:
            self._drag = PanDrag(self._model, at)
        if self._drag is not None:
            self._drag.button = event.button()
            self._drag.slack = DRAG_PX * self._ratio
            self._announce()
        return True

    def _move(self, event: QEvent) -> bool:
        assert isinstance(event, QMouseEvent)
        drag = self._drag
        if drag is None:
            return self._over(event.position(), event)
        if not event.buttons() & drag.button:
            self._end_drag()  # the release went elsewhere
            return True
        at = self._device(event.position())
        if not drag.active and math.dist(at, drag.start) >= drag.slack:
            self.motion.stop()
            self._model.begin_gesture()
            drag.active = True
        if drag.active:
            self.input_arrived.emit()
            self._drag_to(drag, at)
        return True

    def _release(self, event: QEvent) -> bool:
        assert isinstance(event, QMouseEvent)
        drag = self._drag
        if drag is None:
            return self._over(event.position(), event)
        if event.button() == drag.button:
            if isinstance(drag, LensDrag) and not drag.active:
                with self._model.gesture():  # a plain Ctrl-click puts the lens there too
                    self._drag_to(drag, drag.start)
            self._end_drag()
        return True

    def _key(self, event: QEvent) -> bool:
        assert isinstance(event, QKeyEvent)
        command = command_for(event.key(), event.modifiers())
        if command is None:
            return False
        self.run(WALKS.get(command, command) if self._walk.down else command)
        return True

    def _claim(self, event: QEvent) -> bool:
        assert isinstance(event, QKeyEvent)
        if command_for(event.key(), event.modifiers()) is None:
            return False
        event.accept()
        return True

    def _native(self, event: QEvent) -> bool:
        assert isinstance(event, QNativeGestureEvent)
        px, py = self._device(event.position())
        match event.gestureType():
            case Qt.NativeGestureType.BeginNativeGesture:
                self._begin_scroll(rests=False)
            case Qt.NativeGestureType.EndNativeGesture:
                self._end_scroll()
            case Qt.NativeGestureType.ZoomNativeGesture:
                self._announce()
                self._begin_scroll(rests=not self._scrolling or self._rest.isActive())
                octaves = math.log2(max(1 + event.value(), 0.1))
                self._model.update(view=navigation.zoom_about(self._view, self._size, px, py, octaves))
            case Qt.NativeGestureType.RotateNativeGesture:
                self._announce()
                self._begin_scroll(rests=not self._scrolling or self._rest.isActive())
                # Qt counts it counter-clockwise on a trackpad
                self._model.update(
                    view=navigation.rotate_about(self._view, self._size, px, py, -event.value())
                )
            case Qt.NativeGestureType.SmartZoomNativeGesture:
                self._announce()
                self.motion.glide(px, py, octaves=Fraction(1))
            case _:
                return False
        return True

    def _touch(self, event: QEvent) -> bool:
        assert isinstance(event, QGestureEvent)
        pinch = event.gesture(Qt.GestureType.PinchGesture)
        if not isinstance(pinch, QPinchGesture):
            return False
        self._end_drag()
        self._announce()
        self._begin_scroll(rests=False)
        centre, before = pinch.centerPoint(), pinch.lastCenterPoint()
        px, py = self._device(QPointF(self._widget.mapFromGlobal(centre.toPoint())))
        moved = (centre - before) * self._ratio
        view = navigation.pan_by(self._view, self._size, round(moved.x()), round(moved.y()))
        view = navigation.zoom_about(view, self._size, px, py, math.log2(max(pinch.scaleFactor(), 0.1)))
        turn = pinch.rotationAngle() - pinch.lastRotationAngle()
        self._model.update(view=navigation.rotate_about(view, self._size, px, py, turn))
        if pinch.state() in (Qt.GestureState.GestureFinished, Qt.GestureState.GestureCanceled):
            self._end_scroll()
        return True

    # commands

    def run(self, command: str) -> None:
        """Do what a key does, or pass it on to the window."""
        if command in WINDOW_COMMANDS:
            self.command.emit(command)
        else:
            self._announce()
            run_command(command, self._model, self.motion)

    def _strengthen(self, position: QPointF, notches: float) -> None:
        view = self._view
        if not any(isinstance(warp, Lens) for warp in view.warps):
            view = navigation.with_lens(view, self._size, *self._device(position), strength=0.0)
        self._model.update(view=navigation.strengthen_last_lens(view, notches * LENS_NOTCH))
        self.lens_touched.emit()

    def _drag_to(self, drag: Drag, at: tuple[float, float]) -> None:
        drag.move(at)
        if isinstance(drag, LensDrag):
            self.lens_touched.emit()

    # brackets

    def _announce(self) -> None:
        self.input_arrived.emit()
        self.began.emit()

    def _let_go(self) -> None:
        self._end_drag()
        self._end_scroll()
        self.cancelled.emit()

    def _end_drag(self) -> None:
        drag, self._drag = self._drag, None
        if drag is not None and drag.active:
            self._model.end_gesture()

    def _begin_scroll(self, rests: bool = True) -> None:
        if not self._scrolling:
            self.motion.stop()
            self._scrolling = True
            self._model.begin_gesture()
        if rests:
            self._rest.start()

    def _end_scroll(self) -> None:
        self._rest.stop()
        if self._scrolling:
            self._scrolling = False
            self._model.end_gesture()

    # places

    @property
    def _view(self) -> View:
        return self._model.state.view

    @property
    def _size(self) -> Size:
        return self._model.canvas_size

    @property
    def _ratio(self) -> float:
        return self._widget.devicePixelRatioF()

    def _device(self, position: QPointF) -> tuple[float, float]:
        return position.x() * self._ratio - self.origin, position.y() * self._ratio


def _octaves(notches: float | Fraction) -> Fraction:
    return round(Fraction(notches) / navigation.OCTAVES_STEP) * navigation.OCTAVES_STEP


def _is_trackpad(event: QWheelEvent) -> bool:
    device = event.device()
    known = device is not None and device.type() == QInputDevice.DeviceType.TouchPad
    return known or event.phase() != Qt.ScrollPhase.NoScrollPhase or not event.angleDelta().y()
