"""Rows of a section: a 64-px label, a control, and a value in tabular figures on the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from creps_viewer.panels.number_field import NumberField, parse_real, parse_whole
from creps_viewer.panels.slider import Slider
from creps_viewer.theme import ACCENT, GROUND, LABEL_PX, LINE, QUIET, TEXT

VALUE_PX = 46  # width of a slider's typed value


def quiet_label(text: str, tip: str = "") -> QLabel:
    """The label at the head of a row."""
    label = QLabel(text)
    label.setFixedWidth(LABEL_PX)
    label.setToolTip(tip)
    return label


class Row(QWidget):
    """A label and what belongs to it, side by side."""

    def __init__(self, label: str, *controls: QWidget, tip: str = "") -> None:
        super().__init__()
        self.setToolTip(tip)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        self.label = quiet_label(label, tip)
        layout.addWidget(self.label)
        for control in controls:
            layout.addWidget(control, 0 if isinstance(control, QLabel) else 1)


class SliderRow(Row):
    """A slider and its value, which can be typed.

    Args:
        label: at most about nine letters.
        least, most: ends of the slider.
        default: where a double-click leads.
        step: one arrow key.
        typed: the range that may be typed, where it is wider than the slider's.
        whole: whole numbers only.
        show: value to text, where two decimals do not fit.
        read: text to value, where a plain number does not fit.
        tip: one sentence on what it does.
    """

    edited = pyqtSignal(float)  # by the user: dragged, stepped, typed or reset

    def __init__(
        self,
        label: str,
        least: float,
        most: float,
        default: float,
        *,
        step: float = 0.01,
        typed: tuple[float, float] | None = None,
        whole: bool = False,
        show: Callable[[float], str] | None = None,
        read: Callable[[str], float] | None = None,
        tip: str = "",
    ) -> None:
        self.slider = Slider(least, most, step, whole=whole)
        self._typed = typed
        self._whole = whole
        self._what = f"a {'whole ' if whole else ''}number"
        self._read = read or self._read_number
        brief = show or ((lambda v: f"{v:.0f}") if whole else format_short)
        self.field = NumberField(label, self._read, brief, show or format_full, self._stepped)
        super().__init__(label, self.slider, tip=tip)
        self.default = default
        self.field.setProperty("flat", True)
        self.field.setFixedWidth(VALUE_PX)
        self.field.setTextMargins(0, 0, -4, 0)  # the figures end where the other fields' frames do
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.slider.setAccessibleName(label)
        self.slider.setToolTip(f"{tip}\nDouble-click resets, Shift-drag is fine." if tip else "")
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self.field)
        self.slider.moved.connect(self._edit)
        self.field.committed.connect(self._edit)
        self.slider.reset_requested.connect(lambda: self._edit(self.default))

    @property
    def value(self) -> float:
        """The value shown."""
        return self.slider.value

    def set_value(self, value: float) -> None:
        """Show `value`; emits nothing."""
        self.slider.set_value(value)
        self.field.set_value(value)

    def set_range(self, least: float, most: float) -> None:
        """Another range for the slider."""
        self.slider.set_range(least, most)

    def _edit(self, value: float) -> None:
        self.set_value(value)
        self.edited.emit(value)

    def _stepped(self, value: float, steps: float) -> float:
        least, most = self._typed or (self.slider.least, self.slider.most)
        moved = value + steps * self.slider.step
        return min(max(float(round(moved)) if self._whole else round(moved, 9), least), most)

    def _read_number(self, text: str) -> float:
        least, most = self._typed or (self.slider.least, self.slider.most)
        if self._whole:
            return float(parse_whole(text, self._what, int(least), int(most)))
        return parse_real(text, self._what, least, most)


class Choice(QComboBox):
    """A drop-down list in the look of the fields. The wheel works only while it has focus."""

    def __init__(self, entries: Sequence[tuple[str, str]], name: str) -> None:
        super().__init__()
        for value, text in entries:
            self.addItem(text, value)
        self.setAccessibleName(name)
        self.setFixedHeight(26)
        self.setMinimumWidth(40)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def wheelEvent(self, e: QWheelEvent | None) -> None:
        if self.hasFocus():
            super().wheelEvent(e)
        elif e is not None:
            e.ignore()

    def paintEvent(self, e: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(QColor(GROUND))
        painter.setPen(QColor(ACCENT if self.hasFocus() else "#363c46" if self.underMouse() else LINE))
        painter.drawRoundedRect(box, 6, 6)
        painter.setPen(QColor(TEXT if self.currentIndex() >= 0 else QUIET))
        text = self.currentText() if self.currentIndex() >= 0 else self.placeholderText()
        painter.drawText(box.adjusted(8, 0, -22, 0), Qt.AlignmentFlag.AlignVCenter, text)
        draw_chevron(painter, QPointF(box.right() - 12, box.center().y()), 0.0)


def draw_chevron(painter: QPainter, middle: QPointF, turn: float) -> None:
    """A small quiet chevron, pointing down, turned by `turn` degrees."""
    painter.save()
    painter.translate(middle)
    painter.rotate(turn)
    painter.setPen(QPen(QColor(QUIET), 1.4, cap=Qt.PenCapStyle.RoundCap))
    painter.drawPolyline(QPolygonF([QPointF(-3.5, -1.75), QPointF(0, 1.75), QPointF(3.5, -1.75)]))
    painter.restore()


def format_short(value: float) -> str:
    """Two decimals at least, more when the value is small: what fits beside a slider."""
    text = f"{value:.2f}" if value == 0 or 0.1 <= abs(value) < 1000 else f"{value:.3g}"
    return text.replace("-", "−")


def format_full(value: float) -> str:
    """Every digit of a double; reading it back gives the same double."""
    text = repr(float(value))
    return text.removesuffix(".0")
