"""The whole picture, small, with what the window shows of it; a press there goes there."""

from __future__ import annotations

import math
from collections.abc import Hashable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPolygonF

from creps_core.frame import Frame
from creps_core.view import Size, View
from creps_core.warps import warp_forward
from creps_viewer import theme
from creps_viewer.canvas.sprite import paint_image
from creps_viewer.model import navigation
from creps_viewer.model.viewer_model import ViewerModel

SIDE = 120  # logical pixels
_EDGE_POINTS = 9  # per side of the outline, where the window is bent


class Minimap:
    """Knows which small picture it needs, how it looks, and which view a press on it means."""

    KEY = "minimap"

    def __init__(self, model: ViewerModel) -> None:
        self._model = model
        self._picture: QImage | None = None
        self._asked: Hashable = None

    def set_picture(self, frame: Frame | None) -> None:
        """The picture that was asked for; None when the document has changed."""
        self._picture, asked = None, self._asked
        if frame is None:
            self._asked = None
            return
        pixels = np.ascontiguousarray(frame.pixels)
        height, width = pixels.shape[:2]
        self._picture = QImage(
            pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBX8888
        ).copy()
        self._asked = asked

    def wanted(self) -> tuple[View, Size] | None:
        """The small picture that is needed and was not asked for yet."""
        model, state = self._model, self._model.state
        if model.document is None or model.moving or model.frame is None:
            return None
        key = (model.document.generation, state.sources, state.mix, state.view.outside)
        if key == self._asked:
            return None
        self._asked = key
        return View(outside=state.view.outside), Size(2 * SIDE, 2 * SIDE)

    def shown(self, size: Size) -> bool:
        """Whether it is of use: something of the picture lies outside the window."""
        if self._picture is None:
            return False
        rect = navigation.visible_rect(self._model.state.view, size)
        return not (rect.x0 <= 0 and rect.y0 <= 0 and rect.x1 >= 1 and rect.y1 >= 1)

    def content(self, size: Size) -> Hashable:
        """What the image depends on."""
        picture = self._picture
        return None if picture is None else (picture.cacheKey(), self._model.state.view, size)

    def image(self, size: Size, ratio: float) -> QImage:
        """The map, SIDE logical pixels square."""
        return paint_image(SIDE, SIDE, ratio, lambda painter: self._paint(painter, size))

    def goal(self, u: float, v: float) -> View:
        """The present view moved to the map's point (u, v), 0…1."""
        x, y = (Fraction(round(t * 2**20), 2**20) for t in (u, v))
        return navigation.with_centre(self._model.state.view, x, y)

    def _paint(self, painter: QPainter, size: Size) -> None:
        frame = QRectF(0.5, 0.5, SIDE - 1, SIDE - 1)
        path = QPainterPath()
        path.addRoundedRect(frame, theme.CORNER_PX, theme.CORNER_PX)
        painter.setClipPath(path)
        if self._picture is not None:
            painter.drawImage(QRectF(0, 0, SIDE, SIDE), self._picture)
        outline = window_outline(self._model.state.view, size) * SIDE
        painter.setPen(QPen(QColor(theme.ACCENT), 1.5))
        finite = outline[np.isfinite(outline).all(axis=1)]
        if len(finite) and np.ptp(finite, axis=0).max() < 8:
            _paint_spot(painter, finite.mean(axis=0))
        elif len(finite):
            # far outside the map the painter's numbers would overflow
            points = np.clip(finite, -4 * SIDE, 5 * SIDE)
            painter.drawPolygon(QPolygonF([QPointF(float(x), float(y)) for x, y in points]))
        painter.setClipping(False)
        painter.setPen(QPen(QColor(255, 255, 255, 60), 1))
        painter.drawPath(path)


def _paint_spot(painter: QPainter, at: NDArray[np.float64]) -> None:
    """A view too small to outline: cross hairs that leave its place free."""
    x, y = float(at[0]), float(at[1])
    painter.drawRect(QRectF(x - 4, y - 4, 8, 8))
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        painter.drawLine(QPointF(x + 4 * dx, y + 4 * dy), QPointF(x + 8 * dx, y + 8 * dy))


def window_outline(view: View, size: Size) -> NDArray[np.float64]:
    """The window's edge in the image plane, [n, 2] (x, y), as doubles; NaN where a warp shows nothing."""
    points = _EDGE_POINTS if view.warps else 2
    t = np.linspace(-0.5, 0.5, points)[:-1]
    half = np.full(points - 1, 0.5)
    right = np.concatenate([t, half, -t, -half]) * (size.width / size.shorter)
    down = np.concatenate([-half, t, half, -t]) * (size.height / size.shorter)
    ox, oy = warp_forward(view.warps, right, down)
    step = view.step(size)
    x = float(view.center_x) + (ox * step.xx + oy * step.yx) * size.shorter
    y = float(view.center_y) + (ox * step.xy + oy * step.yy) * size.shorter
    return np.stack([x, y], axis=1) if math.isfinite(step.xx) else np.full((len(x), 2), np.nan)
