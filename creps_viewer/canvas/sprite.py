"""A small painted picture that lies over the canvas: readout, minimap, help. Drawn once, shown many times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtGui import QColor, QImage, QPainter


@dataclass(frozen=True, eq=False)
class Sprite:
    """An image at a place, both in whole device pixels, so that text stays crisp."""

    image: QImage  # Format_RGBA8888_Premultiplied
    x: int
    y: int
    opacity: float = 1.0


def paint_image(width: float, height: float, ratio: float, paint: Callable[[QPainter], None]) -> QImage:
    """An image of width × height logical pixels at scale factor `ratio`, painted by `paint`."""
    image = QImage(
        max(1, round(width * ratio)),
        max(1, round(height * ratio)),
        QImage.Format.Format_RGBA8888_Premultiplied,
    )
    image.setDevicePixelRatio(ratio)
    image.fill(QColor(0, 0, 0, 0))
    painter = QPainter(image)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    paint(painter)
    painter.end()
    return image
