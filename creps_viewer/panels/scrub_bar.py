"""The journey's time as a line: keyframes as marks, the playhead to drag."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QWidget

from creps_viewer.theme import ACCENT, LINE, QUIET

HEIGHT = 18
MARGIN = 14
KEY_SECONDS = 0.1


class ScrubBar(QWidget):
    """Press or drag to look at a moment.

    Signals: `drag_started()`, `sought(float)` seconds, `drag_finished()`.
    """

    drag_started = pyqtSignal()
    sought = pyqtSignal(float)
    drag_finished = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Time")
        self.setToolTip("Drag to look at any moment of the journey")
        self._length, self._marks, self._seconds = 0.0, [0.0], 0.0
        self._held = False

    def sizeHint(self) -> QSize:
        return QSize(200, HEIGHT)

    def set_journey(self, length: float, marks: Sequence[float]) -> None:
        """Its seconds, and when its keyframes are met."""
        self._length, self._marks = length, list(marks)
        self.update()

    def set_seconds(self, seconds: float) -> None:
        """Show the playhead there; emits nothing."""
        self._seconds = seconds
        self.update()

    def place_of(self, seconds: float) -> float:
        """Where a time lies, in pixels from the left."""
        share = seconds / self._length if self._length else 0.0
        return MARGIN + min(max(share, 0.0), 1.0) * (self.width() - 2 * MARGIN)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle, head = HEIGHT / 2 + 1, self.place_of(self._seconds)
        for start, stop, colour in ((head, self.width() - MARGIN, LINE), (MARGIN, head, ACCENT)):
            painter.setPen(QPen(QColor(colour), 2, cap=Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(start, middle), QPointF(stop, middle))
        painter.setPen(Qt.PenStyle.NoPen)
        for mark in self._marks:
            x = self.place_of(mark)
            painter.setBrush(QColor(ACCENT if x <= head else QUIET))
            painter.drawEllipse(QPointF(x, middle), 2.5, 2.5)
        painter.setBrush(QColor("white"))
        side = 11 if self.hasFocus() or self._held else 9
        painter.drawEllipse(QRectF(head - side / 2, middle - side / 2, side, side))

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is not None and a0.button() == Qt.MouseButton.LeftButton:
            self._held = True
            self.drag_started.emit()
            self._seek(a0.position().x())

    def mouseMoveEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is not None and self._held:
            self._seek(a0.position().x())

    def mouseReleaseEvent(self, a0: QMouseEvent | None) -> None:
        if self._held:
            self._held = False
            self.drag_finished.emit()
            self.update()

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is not None and a0.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            step = KEY_SECONDS if a0.key() == Qt.Key.Key_Right else -KEY_SECONDS
            self.sought.emit(min(max(self._seconds + step, 0.0), self._length))
        else:
            super().keyPressEvent(a0)

    def _seek(self, x: float) -> None:
        share = (x - MARGIN) / max(self.width() - 2 * MARGIN, 1)
        self.sought.emit(min(max(share, 0.0), 1.0) * self._length)
