"""The levels of a generator as bars: how much each contributes, and which one is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from creps_viewer import theme
from creps_viewer.panels.rows import VALUE_PX
from creps_viewer.theme import ACCENT, GROUND, HOVER, LABEL_PX, LINE, QUIET, TEXT

ROW_PX = 22
_STEPS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Left: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_Right: 1}


class LevelList(QWidget):
    """One row per level, coarse to fine; click, or the arrow keys, choose. It draws itself."""

    chosen = pyqtSignal(int)  # the level's block, by the user

    def __init__(self) -> None:
        super().__init__()
        self._levels: tuple[int, ...] = ()
        self._shares: tuple[float, ...] = ()
        self._level = 0
        self._hovered = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFont(theme.tabular(self.font()))
        self.setAccessibleName("Level")
        self.setToolTip(
            "How much the picture in sight changes without a level: root mean square, in levels of 255"
        )

    def sizeHint(self) -> QSize:
        return QSize(200, max(1, len(self._levels)) * ROW_PX)

    def set_levels(self, levels: Sequence[int]) -> None:
        """The levels there are."""
        self._levels = tuple(levels)
        self._shares = ()
        self.updateGeometry()
        self.update()

    def set_shares(self, shares: Sequence[float]) -> None:
        """What each contributes, in levels of 255; none while it is not known."""
        self._shares = tuple(shares)
        self.update()

    def set_level(self, level: int) -> None:
        """Show which one is looked at; emits nothing."""
        self._level = level
        self.setAccessibleDescription(f"level {level}")
        self.update()

    def row_at(self, y: float) -> int:
        """The row at a height, or −1."""
        row = int(y // ROW_PX)
        return row if 0 <= row < len(self._levels) else -1

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        row = self.row_at(a0.position().y()) if a0 is not None else -1
        if a0 is not None and row >= 0 and a0.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self._levels[row])

    def mouseMoveEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is not None:
            self._hover(self.row_at(a0.position().y()))

    def leaveEvent(self, a0: QEvent | None) -> None:
        self._hover(-1)

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        step = _STEPS.get(Qt.Key(a0.key())) if a0 is not None else None
        if step is None or self._level not in self._levels:
            super().keyPressEvent(a0)
            return
        row = self._levels.index(self._level) + step
        if 0 <= row < len(self._levels):
            self.chosen.emit(self._levels[row])

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        most = max((*self._shares, 1e-9))
        for row, level in enumerate(self._levels):
            share = self._shares[row] if row < len(self._shares) else None
            self._paint_row(painter, row, level, share, most)

    def _paint_row(self, painter: QPainter, row: int, level: int, share: float | None, most: float) -> None:
        on, top = level == self._level, row * ROW_PX
        box = QRectF(-0.5, top + 0.5, self.width(), ROW_PX - 1)
        painter.setPen(QColor(ACCENT) if on and self.hasFocus() else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(LINE if on else HOVER if row == self._hovered else GROUND))
        if on or row == self._hovered:
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        painter.setPen(QColor(ACCENT if on else TEXT))
        text = QRectF(6, top, LABEL_PX, ROW_PX)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, str(level))
        room = self.width() - LABEL_PX - 8 - VALUE_PX - 8
        track = QRectF(LABEL_PX + 8, top + ROW_PX / 2 - 2, room, 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(GROUND if on else LINE))
        painter.drawRoundedRect(track, 2, 2)
        if share is None:
            return
        painter.setBrush(QColor(ACCENT if on else QUIET))
        bar = QRectF(track.topLeft(), QPointF(track.left() + room * share / most, track.bottom()))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setPen(QColor(TEXT if on else QUIET))
        value = QRectF(self.width() - VALUE_PX - 6, top, VALUE_PX, ROW_PX)
        painter.drawText(value, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{share:.1f}")

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self.update()
