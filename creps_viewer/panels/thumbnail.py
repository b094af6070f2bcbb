"""A small live picture of some latents: asked for when it can be seen, kept until a newer one comes."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QShowEvent,
)
from PyQt6.QtWidgets import QWidget

from creps_core.frame import Frame
from creps_core.source import Mix, Source
from creps_core.view import Size, View, log2_of
from creps_viewer.model.state import Document
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.theme import ACCENT, CORNER_PX, GROUND, LINE


class Thumbnail(QWidget):
    """A picture of fixed size with a word in its corner; it can be clicked, also by Enter and Space.

    Args:
        model: asked for the picture.
        key: names it among all small pictures.
        size: in logical pixels.
        rank: among all small pictures, lower ones come first.
    """

    clicked = pyqtSignal(bool)  # with Shift

    def __init__(self, model: ViewerModel, key: str, size: QSize, rank: int = 1) -> None:
        super().__init__()
        self.setFixedSize(size)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.image: QImage | None = None
        self._model, self._key, self._rank = model, key, rank
        self._caption = ""
        self._wanted: tuple[tuple[Source, ...], Mix | None] | None = None
        self._asked: object = None
        model.side.arrived.connect(self._arrived)
        model.document_changed.connect(self._document_changed)

    def release(self) -> None:
        """Stop listening: the widget is about to go."""
        self._model.side.arrived.disconnect(self._arrived, missing_ok=True)
        self._model.document_changed.disconnect(self._document_changed, missing_ok=True)

    def set_caption(self, text: str) -> None:
        """The word in the corner, also for screen readers."""
        if text != self._caption:
            self._caption = text
            self.setAccessibleName(text)
            self.update()

    def show_latents(self, sources: tuple[Source, ...], mix: Mix | None = None) -> None:
        """Show these latents as soon as there is time."""
        self._wanted = sources, mix
        self._ask()

    def _ask(self) -> None:
        document = self._model.document
        if self._wanted is None or document is None or not self.isVisible():
            return
        ratio = self.devicePixelRatioF()
        asked = (*self._wanted, document.generation, ratio)
        if asked != self._asked:
            self._asked = asked
            size = Size(round(self.width() * ratio), round(self.height() * ratio))
            self._model.side.ask(self._key, covering_view(size), size, *self._wanted, rank=self._rank)

    def _arrived(self, key: str, frame: Frame) -> None:
        if key == self._key:
            self.image = image_of(frame)
            self.update()

    def _document_changed(self, document: Document | None) -> None:
        self._asked = None
        if document is None:
            self.image = None
        self._ask()
        self.update()

    def showEvent(self, a0: QShowEvent | None) -> None:
        super().showEvent(a0)
        self._ask()

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is not None and a0.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(bool(a0.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is not None and a0.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit(bool(a0.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        else:
            super().keyPressEvent(a0)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        edge = ACCENT if self.hasFocus() else "#454c58" if self.underMouse() else LINE
        paint_picture(painter, QRectF(self.rect()), self.image, self._caption, edge)


def covering_view(size: Size) -> View:
    """The view in which the trained picture covers all of a window, its longer sides cut off."""
    return View(log2_zoom=log2_of(max(size.width, size.height) / size.shorter), outside="generate")


def image_of(frame: Frame) -> QImage:
    """The frame's pixels as an image of its own."""
    height, width = frame.pixels.shape[:2]
    return QImage(frame.pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBX8888).copy()


def paint_picture(painter: QPainter, box: QRectF, image: QImage | None, caption: str, edge: str) -> None:
    """A picture with round corners, its caption over a shade, and an edge."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    outline = box.adjusted(0.5, 0.5, -0.5, -0.5)
    path = QPainterPath()
    path.addRoundedRect(outline, CORNER_PX, CORNER_PX)
    painter.save()
    painter.setClipPath(path)
    painter.fillRect(box, QColor(GROUND))
    if image is not None:
        painter.drawImage(box, image)
    if caption:
        shade = QLinearGradient(box.topLeft(), QPointF(box.left(), box.top() + 26))
        shade.setColorAt(0, QColor(14, 16, 19, 170))
        shade.setColorAt(1, QColor(14, 16, 19, 0))
        painter.fillRect(box, shade)
        font = painter.font()
        font.setBold(True)
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(QColor("white"))
        text = painter.fontMetrics().elidedText(caption, Qt.TextElideMode.ElideRight, int(box.width()) - 12)
        painter.drawText(box.adjusted(6, 3, -6, 0), Qt.AlignmentFlag.AlignTop, text)
    painter.restore()
    painter.setPen(QPen(QColor(edge), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(path_outline(outline))


def path_outline(outline: QRectF) -> QPainterPath:
    """The rounded edge of a picture."""
    path = QPainterPath()
    path.addRoundedRect(outline, CORNER_PX, CORNER_PX)
    return path
