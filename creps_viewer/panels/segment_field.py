"""The way from one keyframe to the next in the timeline: its seconds, typed, and its easing, chosen."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QAction, QActionGroup, QColor, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from creps_core.keyframe import MAX_SECONDS, Easing, Keyframe
from creps_viewer.model.timeline import EASING_NAMES
from creps_viewer.panels.number_field import NumberField, parse_real
from creps_viewer.theme import QUIET

SECONDS_PX = 46
LINE_PX = 26  # from its top: half-way down the keyframes beside it, nearly


class SegmentField(QWidget):
    """“2.0 s ease” under a line.

    Signals: `retimed(float)`, `eased(str)`: by the user.
    """

    retimed = pyqtSignal(float)
    eased = pyqtSignal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.seconds = NumberField("Seconds", _read_seconds, _short, _full, _step)
        self.seconds.setProperty("flat", True)
        self.seconds.setFixedWidth(SECONDS_PX)
        self.seconds.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.seconds.setToolTip("Seconds to the next keyframe; 0 cuts")
        self.seconds.committed.connect(lambda seconds: self.retimed.emit(seconds))
        self.easing = QToolButton()
        self.easing.setToolTip("How the way is run through")
        self.easing.setCursor(Qt.CursorShape.PointingHandCursor)
        self.easing.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self)
        self._actions: dict[Easing, QAction] = {}
        group = QActionGroup(self)
        for easing, name in EASING_NAMES.items():
            action = QAction(name, self)
            action.setCheckable(True)
            action.triggered.connect(lambda _checked=False, easing=easing: self.eased.emit(easing))
            group.addAction(action)
            self._menu.addAction(action)
            self._actions[easing] = action
        self.easing.setMenu(self._menu)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, LINE_PX + 2, 4, 14)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.seconds)
        row.addWidget(self.easing)
        column.addLayout(row)

    def choose(self, easing: Easing) -> None:
        """As the menu does."""
        self._actions[easing].trigger()

    def show_keyframe(self, frame: Keyframe) -> None:
        """Show the segment that begins there; emits nothing."""
        self.seconds.set_value(frame.seconds)
        self.easing.setText("cut" if not frame.seconds else EASING_NAMES[frame.easing])
        self.easing.setAccessibleName(f"Easing: {EASING_NAMES[frame.easing]}")
        self._actions[frame.easing].setChecked(True)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setPen(QPen(QColor(QUIET), 1))
        painter.drawLine(8, LINE_PX, self.width() - 8, LINE_PX)


def _read_seconds(text: str) -> float:
    return parse_real(text.strip().removesuffix("s").strip(), "seconds", 0.0, MAX_SECONDS)


def _short(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds:.0f} s"


def _full(seconds: float) -> str:
    return repr(seconds).removesuffix(".0")


def _step(seconds: float, steps: float) -> float:
    return min(max(round(seconds + 0.5 * steps, 6), 0.0), MAX_SECONDS)
