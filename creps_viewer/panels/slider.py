"""The accent slider: a thin track, a white knob, exact floats. It knows no model and draws itself."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QSizePolicy, QWidget

from creps_viewer.theme import ACCENT, LINE, QUIET

KNOB_PX = 7.0  # radius
OWN_KEYS = (Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Backspace, Qt.Key.Key_Delete)  # not the window's
FINE = 0.1  # Shift moves the knob this much of the pointer's way


class Slider(QWidget):
    """A horizontal slider over [least, most].

    Click or drag moves the knob, Shift-drag moves it finely, a double-click asks for the default. Arrow
    keys step (Shift: a tenth), Page Up and Down take ten steps. The wheel works only while it has focus,
    so that scrolling the sidebar never changes a value.
    """

    moved = pyqtSignal(float)  # by the user
    drag_started = pyqtSignal()
    drag_finished = pyqtSignal()
    reset_requested = pyqtSignal()

    def __init__(self, least: float, most: float, step: float, *, whole: bool = False) -> None:
        super().__init__()
        self.least, self.most, self.step, self.whole = least, most, step, whole
        self._value = least
        self._fine_value = least  # unrounded, so that fine drags add up
        self._dragging = False
        self._last_x = 0.0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        return QSize(120, 20)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, 20)

    @property
    def value(self) -> float:
        """The value shown; it may lie outside the range, the knob then rests at the end."""
        return self._value

    def set_value(self, value: float) -> None:
        """Show `value`; emits nothing."""
        if value != self._value:
            self._value = value
            self.update()

    def set_range(self, least: float, most: float) -> None:
        """Show another range; the value stays."""
        self.least, self.most = least, most
        self.update()

    def knob_x(self, value: float) -> float:
        """Where the knob's middle is for `value`, in pixels from the left."""
        span = self.most - self.least
        share = (value - self.least) / span if span else 0.0
        return KNOB_PX + min(max(share, 0.0), 1.0) * (self.width() - 2 * KNOB_PX)

    def _value_at(self, x: float) -> float:
        return self.least + (x - KNOB_PX) / max(self.width() - 2 * KNOB_PX, 1.0) * (self.most - self.least)

    def _move_to(self, value: float) -> None:
        value = min(max(value, self.least), self.most)
        value = float(round(value)) if self.whole else round(value, 6)
        if value != self._value:
            self._value = value
            self.update()
            self.moved.emit(value)

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is None or a0.button() != Qt.MouseButton.LeftButton:
            return
        x = a0.position().x()
        self._dragging, self._last_x, self._fine_value = True, x, self._value
        self.drag_started.emit()
        on_knob = abs(x - self.knob_x(self._value)) <= KNOB_PX + 1
        if not on_knob and not a0.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._fine_value = self._value_at(x)
            self._move_to(self._fine_value)

    def mouseMoveEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is None or not self._dragging:
            return
        x = a0.position().x()
        fine = bool(a0.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        travel = self._value_at(x) - self._value_at(self._last_x)
        self._last_x = x
        self._fine_value += travel * (FINE if fine else 1.0)
        self._move_to(self._fine_value)

    def mouseReleaseEvent(self, a0: QMouseEvent | None) -> None:
        if self._dragging:
            self._dragging = False
            self.drag_finished.emit()

    def mouseDoubleClickEvent(self, a0: QMouseEvent | None) -> None:
        self.reset_requested.emit()

    def focusOutEvent(self, a0: QFocusEvent | None) -> None:
        self.mouseReleaseEvent(None)  # a drag that lost its window still ends
        super().focusOutEvent(a0)

    def hideEvent(self, a0: QHideEvent | None) -> None:
        self.mouseReleaseEvent(None)  # so does one whose slider goes away
        super().hideEvent(a0)

    def wheelEvent(self, a0: QWheelEvent | None) -> None:
        if a0 is None:
            return
        if not self.hasFocus():
            a0.ignore()  # the sidebar scrolls
            return
        self._nudge(a0.angleDelta().y() / 120, a0.modifiers())
        a0.accept()

    def event(self, a0: QEvent | None) -> bool:
        override = a0 is not None and a0.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(a0, QKeyEvent) and a0.key() in OWN_KEYS:
            a0.accept()
        return super().event(a0)

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is None:
            return
        key = Qt.Key(a0.key())
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Down: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: 1,
            Qt.Key.Key_PageDown: -10,
            Qt.Key.Key_PageUp: 10,
        }
        if key in steps:
            self._nudge(steps[key], a0.modifiers())
        elif key == Qt.Key.Key_Home:
            self._move_to(self.least)
        elif key == Qt.Key.Key_End:
            self._move_to(self.most)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset_requested.emit()
        else:
            super().keyPressEvent(a0)

    def _nudge(self, steps: float, modifiers: Qt.KeyboardModifier) -> None:
        fine = bool(modifiers & Qt.KeyboardModifier.ShiftModifier) and not self.whole
        self._move_to(self._value + steps * self.step * (FINE if fine else 1.0))

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle, knob = self.height() / 2, self.knob_x(self._value)
        painter.setBrush(QColor(LINE))
        painter.drawRoundedRect(QRectF(0, middle - 2, self.width(), 4), 2, 2)
        zero = self.knob_x(0.0) if self.least < 0 < self.most else 0.0
        painter.setBrush(QColor(ACCENT if self.isEnabled() else QUIET))
        painter.drawRoundedRect(QRectF(min(zero, knob), middle - 2, abs(knob - zero), 4), 2, 2)
        if self.hasFocus():
            painter.setBrush(QColor(242, 166, 90, 70))
            painter.drawEllipse(QPointF(knob, middle), KNOB_PX + 3, KNOB_PX + 3)
        painter.setBrush(QColor("white" if self.isEnabled() else QUIET))
        painter.drawEllipse(QPointF(knob, middle), KNOB_PX, KNOB_PX)
