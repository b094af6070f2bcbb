"""The line over the picture's top: the checkpoint's name, the seed, the menus, Snapshot and Export."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QToolButton, QWidget

HEADER_PX = 44
NAME_PX = 260  # a longer name is shortened in its middle


class Header(QWidget):
    """Translucent; what is not a button lets the pointer through to the picture."""

    snapshot = pyqtSignal()
    export = pyqtSignal()
    compare = pyqtSignal()
    inspect = pyqtSignal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedHeight(HEADER_PX)
        self._title = ("", "")
        self._name = QLabel("")
        self._name.setStyleSheet("color: white; font-weight: 700;")
        self._detail = QLabel("")
        self._detail.setStyleSheet("color: rgba(255, 255, 255, 165);")
        for label in (self._name, self._detail):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.snapshot_button = _button(
            "Snapshot", "Save what the window shows as a PNG, at once (Ctrl+Shift+S)"
        )
        self.snapshot_button.setProperty("over", True)
        self.export_button = _button("Export…", "Save the view at any size (Ctrl+S)")
        self.export_button.setProperty("primary", True)
        self.compare_button = _word(
            "Compare", "Lay another picture beside this one (C); with Shift, the mix's second source"
        )
        self.compare_button.clicked.connect(self.compare)
        self.snapshot_button.clicked.connect(self.snapshot)
        self.export_button.clicked.connect(self.export)
        self.inspect_button = _word(
            "Inspect", "Look inside: row and column embeddings, and what each level contributes (B)"
        )
        self.inspect_button.clicked.connect(self.inspect)
        self._layout = layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 0, 14, 4)
        layout.setSpacing(10)
        layout.addWidget(self._name)
        layout.addWidget(self._detail)
        self._menus = QHBoxLayout()
        self._menus.setSpacing(2)
        layout.addLayout(self._menus)
        layout.addStretch(1)
        layout.addWidget(self.inspect_button)
        layout.addWidget(self.compare_button)
        layout.addWidget(self.snapshot_button)
        layout.addWidget(self.export_button)

    def add_menu(self, menu: QMenu) -> QToolButton:
        """A quiet word that opens `menu`."""
        button = QToolButton()
        button.setText(menu.title())
        button.setMenu(menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setProperty("over", True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        self._menus.addWidget(button)
        return button

    def show_title(self, name: str, detail: str) -> None:
        """Name the checkpoint and what is shown of it."""
        self._title = name, detail
        self._fit()

    def _fit(self) -> None:
        """Shorten the name, leave out detail and words, so that menus and buttons always have room."""
        layout, (name, detail) = self._layout, self._title
        self._name.clear()
        self._detail.clear()
        words = [self.inspect_button, self.compare_button]
        for count in (2, 1, 0):
            for i, word in enumerate(words):
                word.setVisible(i < count)  # their keys and menu entries stay
            layout.activate()
            if layout.minimumSize().width() <= self.width():
                break
        room = self.width() - layout.minimumSize().width()
        metrics = self._name.fontMetrics()
        shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, max(min(room, NAME_PX), 0))
        self._name.setText(shown)
        if metrics.horizontalAdvance(shown) + metrics.horizontalAdvance(detail) <= room:
            self._detail.setText(detail)

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        super().resizeEvent(a0)
        self._fit()

    def set_ready(self, ready: bool) -> None:
        """Whether there is a picture that can be saved."""
        self.inspect_button.setEnabled(ready)
        self.snapshot_button.setEnabled(ready)
        self.export_button.setEnabled(ready)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        shade = QLinearGradient(0, 0, 0, self.height())
        for place, alpha in ((0.0, 205), (0.45, 120), (1.0, 0)):
            shade.setColorAt(place, QColor(14, 16, 19, alpha))
        QPainter(self).fillRect(self.rect(), shade)


def _word(text: str, tip: str) -> QToolButton:
    """A quiet word that is on or off; who owns the state checks it."""
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setCheckable(True)
    button.setProperty("over", True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button
