"""The sidebar: sections that fold, each holding a panel, and the page shown when a panel fails."""

from __future__ import annotations

import logging
from collections.abc import Callable

from psygnal import SignalInstance
from PyQt6.QtCore import QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.bindings import Bindings
from creps_viewer.panels.rows import draw_chevron
from creps_viewer.theme import ACCENT, LINE, PANEL, QUIET, SIDEBAR_PX, TEXT

log = logging.getLogger(__name__)


class Panel(QWidget):
    """Contents of one section. It keeps no state: `bindings` follow the model, `refresh` the document."""

    title = "Panel"
    failed = pyqtSignal(str)  # one sentence; the section then shows its error page

    def __init__(self, model: ViewerModel) -> None:
        super().__init__()
        self.model = model
        self.bindings = Bindings(model, self.fail)
        self._heard: list[tuple[SignalInstance, Callable[..., object]]] = []
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(0, 0, 0, 0)
        self.rows.setSpacing(6)

    def listen(self, signal: SignalInstance, callback: Callable[..., object]) -> None:
        """Connect to a signal of the model for as long as the panel lives."""
        signal.connect(callback)
        self._heard.append((signal, callback))

    def release(self) -> None:
        """Stop following the model: the panel is about to go."""
        self.bindings.disconnect()
        for signal, callback in self._heard:
            signal.disconnect(callback, missing_ok=True)

    def fail(self, error: Exception) -> None:
        """Say inside the section that the panel cannot go on."""
        log.exception("the panel %s failed", self.title, exc_info=error)
        self.failed.emit(" ".join(str(error).split()) or type(error).__name__)

    def header_action(self) -> QWidget | None:
        """What stands at the right of the section's title, if anything."""
        return None


class Section(QWidget):
    """A title that folds its panel away; a panel that fails is replaced by a page that says so."""

    folded_changed = pyqtSignal(str, bool)

    def __init__(self, title: str, build: Callable[[], Panel]) -> None:
        super().__init__()
        self.title = title
        self._build = build
        self.panel: Panel | None = None
        self.error_page: QWidget | None = None
        self._header = _Header(title)
        self._header.toggled.connect(lambda: self.set_folded(not self.folded))
        self._body = QWidget()
        self._body_layout = QVBoxLayout(self._body)
        self._body_layout.setContentsMargins(0, 2, 0, 6)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._header)
        layout.addWidget(self._body)
        self._make_panel()

    @property
    def folded(self) -> bool:
        """Whether only the title shows."""
        return self._body.isHidden()

    def set_folded(self, folded: bool) -> None:
        """Fold or unfold."""
        if folded != self.folded:
            self._body.setHidden(folded)
            self._header.set_folded(folded)
            self.folded_changed.emit(self.title, folded)

    def _make_panel(self) -> None:
        try:
            panel = self._build()
        except Exception as error:
            log.exception("the panel %s could not be built", self.title)
            self._show_error(" ".join(str(error).split()) or type(error).__name__)
            return
        panel.failed.connect(self._show_error)
        self.panel = panel
        self._body_layout.addWidget(panel)
        self._header.set_action(panel.header_action())

    def _show_error(self, message: str) -> None:
        if self.panel is not None:
            self.panel.hide()
        if self.error_page is not None:
            self.error_page.deleteLater()
        self.error_page = page = QFrame()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(0, 0, 0, 0)
        text = QLabel(f"This section stopped: {message}")
        text.setWordWrap(True)
        text.setProperty("bad", True)
        again = QToolButton()
        again.setText("Try again")
        again.setProperty("button", True)
        again.clicked.connect(self._try_again)
        layout.addWidget(text)
        layout.addWidget(again)
        self._body_layout.addWidget(page)

    def _try_again(self) -> None:
        if self.error_page is not None:
            self.error_page.deleteLater()
            self.error_page = None
        if self.panel is not None:
            self.panel.release()
            self.panel.deleteLater()
            self.panel = None
        self._make_panel()


class _Header(QWidget):
    """The title line of a section: small capitals, a chevron under the pointer, an action on the right."""

    toggled = pyqtSignal()

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title, self._folded = title, False
        self.setFixedHeight(26)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(f"{title} section")
        self.setToolTip("Click to fold or unfold")
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addStretch(1)
        self._action: QWidget | None = None

    def set_folded(self, folded: bool) -> None:
        self._folded = folded
        if self._action is not None:
            self._action.setHidden(folded)
        self.update()

    def set_action(self, action: QWidget | None) -> None:
        if self._action is not None:
            self._action.deleteLater()
        self._action = action
        if action is not None:
            self._layout.addWidget(action)
            action.setHidden(self._folded)

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is not None and a0.button() == Qt.MouseButton.LeftButton:
            self.toggled.emit()

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is not None and a0.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.toggled.emit()
        else:
            super().keyPressEvent(a0)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPixelSize(11)
        font.setBold(True)
        font.setLetterSpacing(font.SpacingType.AbsoluteSpacing, 0.8)
        painter.setFont(font)
        painter.setPen(QColor(ACCENT if self.hasFocus() else TEXT if self.underMouse() else QUIET))
        title = self._title.upper()
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, title)
        if self.underMouse() or self._folded or self.hasFocus():
            x = painter.fontMetrics().horizontalAdvance(title) + 12
            draw_chevron(painter, QPointF(x, self.height() / 2), -90.0 if self._folded else 0.0)


class Sidebar(QScrollArea):
    """All sections in one column of fixed width at the right edge of the window."""

    folded_changed = pyqtSignal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(SIDEBAR_PX)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.sections: dict[str, Section] = {}
        inside = QWidget()
        inside.setObjectName("sidebar")
        inside.setStyleSheet(f"#sidebar {{ background: {PANEL}; border-left: 1px solid {LINE}; }}")
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(16, 8, 16, 16)
        self._column.setSpacing(6)
        self._column.addStretch(1)
        self.setWidget(inside)
        bar = self.verticalScrollBar()
        if bar is not None:  # the bar takes its room from the margin: the rows stay as wide as they were
            bar.rangeChanged.connect(
                lambda least, most: self._column.setContentsMargins(16, 8, 8 if most > least else 16, 16)
            )

    def add(self, section: Section) -> None:
        """Append a section."""
        self.sections[section.title] = section
        self._column.insertWidget(self._column.count() - 1, section)
        section.folded_changed.connect(self.folded_changed)


def link_button(text: str, tip: str) -> QToolButton:
    """A word in small capitals that does something, for the right end of a section's title."""
    button = QToolButton()
    button.setText(text.upper())
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setStyleSheet(
        "QToolButton { font-size: 11px; font-weight: 700; letter-spacing: 0.8px; padding: 2px 0;"
        " margin-right: -4px; }"
        f"QToolButton:hover, QToolButton:focus {{ color: {ACCENT}; background: transparent; }}"
    )
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button
