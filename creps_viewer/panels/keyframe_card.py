"""One keyframe in the timeline: its thumbnail and zoom; clicked, dragged to another place, or deleted."""

from __future__ import annotations

import math

from PyQt6.QtCore import QPoint, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QContextMenuEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PyQt6.QtWidgets import QApplication, QMenu, QWidget

from creps_core.frame import Frame
from creps_core.keyframe import Keyframe
from creps_viewer.theme import ACCENT, GROUND, LINE, QUIET

CARD = QSize(92, 62)
CORNER = 4


class KeyframeCard(QWidget):
    """A thumbnail. What is done to it is emitted; it changes nothing by itself.

    Signals: `chosen()` to be shown; `dragged_to(int)` the pointer's x in the parent, while dragging;
    `dropped()`; `asked(str)`: "set", "duplicate", "delete", "left" or "right".
    """

    chosen = pyqtSignal()
    drag_started = pyqtSignal()
    dragged_to = pyqtSignal(int)
    dropped = pyqtSignal()
    asked = pyqtSignal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedSize(CARD)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._image: QImage | None = None
        self._caption = ""
        self.current = False  # what is shown is this keyframe
        self._pressed: QPoint | None = None
        self._dragging = False

    def show_keyframe(self, frame: Keyframe, number: int, current: bool, first_seed: int | None) -> None:
        """Show what it stands for."""
        source = frame.sources[0]
        zoom = zoom_words(float(frame.view.log2_zoom))
        other = source.seed is not None and source.seed != first_seed
        caption = f"{zoom} seed {source.seed}" if other else zoom
        if (caption, current) != (self._caption, self.current):
            self._caption, self.current = caption, current
            self.update()
        self.setAccessibleName(f"Keyframe {number + 1}, {caption}")
        self.setToolTip("Click to go there, drag to reorder; right-click for more")

    def show_picture(self, frame: Frame | None) -> None:
        """Its thumbnail has come, or is to be awaited."""
        if frame is None:
            self._image = None
        else:
            height, width = frame.pixels.shape[:2]
            image = QImage(frame.pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBX8888)
            self._image = image.copy()
        self.update()

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform, True
        )
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        shape = QPainterPath()
        shape.addRoundedRect(box, CORNER, CORNER)
        painter.setClipPath(shape)
        painter.fillPath(shape, QColor(GROUND))
        if self._image is not None:
            painter.drawImage(box, self._image)
        painter.setClipping(False)
        edge = ACCENT if self.current else QUIET if self.hasFocus() else LINE
        painter.setPen(QPen(QColor(edge), 1.6 if self.current else 1))
        painter.drawPath(shape)
        words = box.adjusted(6, 0, -4, -4)
        where = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom
        text = self.fontMetrics().elidedText(self._caption, Qt.TextElideMode.ElideRight, round(words.width()))
        painter.setPen(QColor(0, 0, 0, 190))
        painter.drawText(words.translated(1, 1), where, text)
        painter.setPen(QColor("white"))
        painter.drawText(words, where, text)

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is not None and a0.button() == Qt.MouseButton.LeftButton:
            self._pressed = a0.position().toPoint()

    def mouseMoveEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is None or self._pressed is None:
            return
        here = a0.position().toPoint()
        if not self._dragging:
            if (here - self._pressed).manhattanLength() < QApplication.startDragDistance():
                return
            self._dragging = True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.drag_started.emit()
        self.dragged_to.emit(self.mapToParent(here).x())

    def mouseReleaseEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is None or self._pressed is None:
            return
        self._pressed = None
        if self._dragging:
            self._dragging = False
            self.setCursor(Qt.CursorShape.PointingHandCursor)
            self.dropped.emit()
        elif self.rect().contains(a0.position().toPoint()):
            self.chosen.emit()

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is None:
            return
        key, modifiers = a0.key(), a0.modifiers()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.asked.emit("delete")
        elif modifiers & Qt.KeyboardModifier.AltModifier and key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.asked.emit("left" if key == Qt.Key.Key_Left else "right")
        elif key == Qt.Key.Key_D and modifiers & Qt.KeyboardModifier.ControlModifier:
            self.asked.emit("duplicate")
        else:
            super().keyPressEvent(a0)

    def contextMenuEvent(self, a0: QContextMenuEvent | None) -> None:
        if a0 is None:
            return
        menu = self.make_menu()
        menu.exec(a0.globalPos())
        menu.deleteLater()

    def make_menu(self) -> QMenu:
        """What can be done to it."""
        menu = QMenu(self)
        for key, text in (
            ("set", "Set to what is shown"),
            ("duplicate", "Duplicate\tCtrl+D"),
            ("left", "Move left\tAlt+←"),
            ("right", "Move right\tAlt+→"),
            ("delete", "Delete\tDel"),
        ):
            action = menu.addAction(text)
            assert action is not None
            action.triggered.connect(lambda _checked=False, key=key: self.asked.emit(key))
        return menu


def zoom_words(log2_zoom: float) -> str:
    """2**log2_zoom in few characters: 1×, 12.4×, 6.1e5×."""
    zoom = math.exp2(log2_zoom)
    if zoom < 1e5:
        return f"{zoom:.3g}×" if zoom < 1000 else f"{zoom:.0f}×"
    return f"{zoom:.1e}×".replace("e+0", "e").replace("e+", "e")
