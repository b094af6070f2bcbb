"""What the window says while a picture is there: one sentence near its top. Without one the canvas speaks."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QRectF, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QColor, QEnterEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from creps_viewer.theme import ACCENT, ERROR, QUIET

TOP_PX = 52  # below the header
WIDEST_PX = 640
SECONDS = {"info": 6, "warning": 10, "error": 0}  # 0: stays until closed or replaced
_EDGE = {"info": QUIET, "warning": ACCENT, "error": ERROR}


class NoticeBar(QWidget):
    """One notice at a time: text, an optional link, and a cross. It waits while the pointer is on it."""

    link = pyqtSignal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.level = "info"
        self._text = QLabel("")
        self._text.setTextFormat(Qt.TextFormat.RichText)
        self._text.setWordWrap(True)
        self._text.linkActivated.connect(self.link)
        close = QToolButton()
        close.setText("✕")
        close.setToolTip("Close")
        close.setAccessibleName("Close the notice")
        close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close.clicked.connect(self.hide)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 7, 8, 7)
        layout.setSpacing(10)
        layout.addWidget(self._text, 1)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide)
        self.message = ""
        self.top = TOP_PX
        self.hide()

    def show_notice(self, level: str, text: str, link: tuple[str, str] | None = None) -> None:
        """Show one sentence.

        Args:
            level: info, warning or error.
            text: plain text.
            link: (target, words), handed back by the signal `link`.
        """
        self.level = level if level in SECONDS else "info"
        self.message = text
        words = _escape(text)
        if link is not None:
            words += (
                f' <a href="{link[0]}" style="color:{ACCENT}; text-decoration:none">{_escape(link[1])}</a>'
            )
        self._text.setText(words)
        self.place()
        self.show()
        self.raise_()
        self._timer.stop()
        if SECONDS[self.level]:
            self._timer.start(SECONDS[self.level] * 1000)

    def place(self) -> None:
        """Take the room that the text needs, in the middle below the header."""
        parent = self.parentWidget()
        if parent is None:
            return
        plain = self._text.fontMetrics().horizontalAdvance(self.message) + 150
        width = max(200, min(plain, WIDEST_PX, parent.width() - 32))
        self.setFixedWidth(width)
        layout = self.layout()
        height = layout.heightForWidth(width) if layout is not None else 36
        self.setFixedHeight(max(height, 36))
        self.move((parent.width() - width) // 2, self.top)

    def enterEvent(self, event: QEnterEvent | None) -> None:
        self._timer.stop()

    def leaveEvent(self, a0: QEvent | None) -> None:
        if SECONDS[self.level]:
            self._timer.start(3000)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(255, 255, 255, 18)))
        painter.setBrush(QColor(22, 25, 30, 232))
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(box, 8, 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(_EDGE[self.level]))
        painter.drawRoundedRect(QRectF(6, 9, 3, self.height() - 18), 1.5, 1.5)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
