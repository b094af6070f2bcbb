"""The thick bi-line along the picture: row embeddings down the left edge, column embeddings across the top.

Heat maps over the canvas, one sample per row or column of pixels, one band per lane. They move with the view
at once; new ones come with the model's inspection. Where the view is turned or bent they show the plane's
rows and columns over the range in sight, from end to end.
"""

from __future__ import annotations

import pyqtgraph as pg
from PyQt6.QtCore import QEvent, QObject, QRect, QRectF, Qt
from PyQt6.QtGui import QColor, QPen, QResizeEvent
from PyQt6.QtWidgets import QGraphicsRectItem, QLabel, QWidget

from creps_core.diverging import diverging
from creps_core.inspector import Inspection, Strip
from creps_core.reprojection import affine_between
from creps_viewer.canvas.stage import Stage
from creps_viewer.model.state import ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.theme import ACCENT, GROUND, QUIET

THICKNESS_PX = 48  # of all lanes together, at least a pixel each
_NAMES = {"row": "Row embeddings fʳ", "column": "Column embeddings fᶜ"}
_ALONG = "{name} of level {level}, channel {channel}: one value per {axis} of the picture and lane"
_IN_SIGHT = (
    "{name} of level {level}, channel {channel}, along the plane's {axis}s in sight: the view is not upright"
)


class EdgeStrip(QWidget):
    """One heat map. The pointer's gestures go on to the canvas below."""

    def __init__(self, parent: QWidget, orientation: Qt.Orientation) -> None:
        super().__init__(parent)
        self._down = orientation == Qt.Orientation.Vertical
        self._length = 1
        self.strip: Strip | None = None
        self.view = pg.GraphicsView(self, background=GROUND)
        self.view.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.image = pg.ImageItem(axisOrder="row-major")
        self.view.addItem(self.image)
        self.lane = QGraphicsRectItem()
        pen = QPen(QColor(ACCENT), 1.0)
        pen.setCosmetic(True)
        self.lane.setPen(pen)
        self.view.addItem(self.lane)

    def show_strip(self, inspection: Inspection) -> None:
        """Show its strip of that edge."""
        strip = inspection.down if self._down else inspection.across
        colours = diverging(strip.values, strip.limit)  # [L, R, 3]
        self.image.setImage(colours if self._down else colours.swapaxes(0, 1), levels=(0, 255))
        self.strip = strip
        self._length = (inspection.size.height if self._down else inspection.size.width) or 1
        inspector = inspection.inspector
        self._mark_lane(inspector.lane, strip.values.shape[1])
        text = _ALONG if inspection.aligned else _IN_SIGHT
        channel, name = inspector.channel, _NAMES[strip.axis]
        self.setToolTip(text.format(name=name, level=inspector.level, channel=channel, axis=strip.axis))

    def place(self, start: float, step: float) -> None:
        """Lay the strip's window pixels at start + step·pixel of this widget, logical pixels."""
        if self.strip is None:
            return
        first = start + step * (self.strip.origin + 0.5 - self.strip.stride / 2)
        length = step * self.strip.stride * len(self.strip.values)
        along = (0.0, first, float(self.width()), length)
        self.image.setRect(QRectF(*along) if self._down else QRectF(first, 0.0, length, float(self.height())))

    def stretch(self) -> None:
        """Show the strip from end to end."""
        self.place(0.0, (self.height() if self._down else self.width()) / self._length)

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        super().resizeEvent(a0)
        self.view.setGeometry(self.rect())

    def _mark_lane(self, lane: int | None, lanes: int) -> None:
        self.lane.setVisible(lane is not None)
        if lane is None:
            return
        band = (self.width() if self._down else self.height()) / lanes
        long = float(self.height() if self._down else self.width())
        rect = QRectF(lane * band, 0, band, long) if self._down else QRectF(0, lane * band, long, band)
        self.lane.setRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))


class Edges(QObject):
    """Both strips and the corner between them, over a canvas.

    Args:
        canvas: their parent, with its `stage`.
        model: whose inspection they show.
        top_px: height of what lies over the canvas's top, logical pixels.
    """

    def __init__(self, canvas: QWidget, model: ViewerModel, top_px: int) -> None:
        super().__init__(canvas)
        self._canvas, self._model, self._top = canvas, model, top_px
        self._allowed = True
        self._thick = THICKNESS_PX
        self.down = EdgeStrip(canvas, Qt.Orientation.Vertical)
        self.across = EdgeStrip(canvas, Qt.Orientation.Horizontal)
        self.corner = QLabel("", canvas)
        self.corner.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.corner.setStyleSheet(f"background: {GROUND}; color: {QUIET}; font-size: 10px;")
        for widget in self._widgets:
            widget.hide()
        canvas.installEventFilter(self)
        model.inspection_changed.connect(self._show)
        model.changed.connect(self._follow)

    @property
    def _widgets(self) -> tuple[QWidget, ...]:
        return self.down, self.across, self.corner

    def set_allowed(self, allowed: bool) -> None:
        """Hide or show them with the panels."""
        self._allowed = allowed
        self._show(self._model.inspection)

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        if a1 is not None and a1.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self._show(self._model.inspection)
        return super().eventFilter(a0, a1)

    def _show(self, inspection: Inspection | None) -> None:
        shown = inspection is not None and self._allowed
        if inspection is not None and shown:
            lanes = inspection.down.values.shape[1]
            self._thick = lanes * max(1, THICKNESS_PX // lanes)
            self._lay_out()
            for strip in (self.down, self.across):
                strip.show_strip(inspection)
            self.corner.setText(f"level {inspection.inspector.level}\nch {inspection.inspector.channel}")
            self._place(inspection)
        for widget in self._widgets:
            widget.setVisible(shown)
        stage = getattr(self._canvas, "stage", None)
        if isinstance(stage, Stage):
            stage.overlays.left_px = self._thick if shown else 0
        self._canvas.update()

    def _lay_out(self) -> None:
        thick, top = self._thick, self._top
        width, height = self._canvas.width(), self._canvas.height()
        self.corner.setGeometry(0, top, thick, thick)
        self.across.setGeometry(QRect(thick, top, max(width - thick, 1), thick))
        self.down.setGeometry(QRect(0, top + thick, thick, max(height - top - thick, 1)))

    def _follow(self, old: ViewerState, new: ViewerState) -> None:
        inspection = self._model.inspection
        if inspection is not None and old.view != new.view and self._allowed:
            self._place(inspection)

    def _place(self, inspection: Inspection) -> None:
        """Where the strips' samples lie in the present view; end to end where they are of other axes."""
        if not inspection.aligned:
            self.down.stretch()
            self.across.stretch()
            return
        view, size = self._model.state.view, self._model.canvas_size
        matrix = affine_between(view, size, inspection.view, inspection.size)  # old to new window
        if matrix is None or matrix[0, 1] or matrix[1, 0]:
            return  # the view has been turned: a new look is on its way
        ratio = self._canvas.devicePixelRatioF()
        self.across.place(matrix[0, 2] / ratio - self._thick, matrix[0, 0] / ratio)
        self.down.place(matrix[1, 2] / ratio - self._top - self._thick, matrix[1, 1] / ratio)
