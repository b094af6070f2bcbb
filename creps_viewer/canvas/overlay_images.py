"""How the things over the picture look: readout, scale bar, message, hint, help sheet, lens ring.

Each function paints one image from plain values; where it goes is `overlays`' business.
"""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QPolygonF, QRadialGradient

from creps_viewer import theme
from creps_viewer.canvas.readout import ReadoutText, ScaleBar
from creps_viewer.canvas.sprite import paint_image
from creps_viewer.model.state import Message

_PAD = 12.0
_SHADE = QColor(22, 25, 30, 214)
_WIDE_DIGITS = 12  # a centre with more characters than this gets lines of its own


def font_of(font: QFont, px: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """`font` at a pixel size, with digits of equal width."""
    font = theme.tabular(font)
    font.setPixelSize(px)
    font.setWeight(weight)
    return font


def readout_image(text: ReadoutText, font: QFont, ratio: float) -> QImage:
    """The readout's box: zoom large, where, and what is going on."""
    large, small = font_of(font, 20, QFont.Weight.Bold), font_of(font, theme.TEXT_PX)
    wide = QFontMetricsF(large).horizontalAdvance(text.zoom) + 12
    gap = "   "
    own_lines = any(len(part) > _WIDE_DIGITS for part in text.place)
    first = "" if own_lines else gap.join(text.place)
    lines = list(text.place) if own_lines else []
    status = "  ·  ".join(text.status)
    metrics = QFontMetricsF(small)
    notable = f"  ·  {text.notable}" if text.notable and status else text.notable
    widths = [wide + metrics.horizontalAdvance(first), metrics.horizontalAdvance(status + notable)]
    width = max(*widths, *(metrics.horizontalAdvance(line) for line in lines), 120.0) + 2 * _PAD
    height = 32 + 17 * len(lines) + (22 if status or notable else 6) + 4

    def paint(painter: QPainter) -> None:
        _box(painter, width, height)
        painter.setFont(large)
        painter.setPen(QColor("white"))
        painter.drawText(QPointF(_PAD, 28), text.zoom)
        painter.setFont(small)
        painter.setPen(QColor(theme.QUIET))
        painter.drawText(QPointF(_PAD + wide, 28), first)
        y = 28.0
        for line in lines:
            y += 17
            painter.drawText(QPointF(_PAD, y), line)
        painter.drawText(QPointF(_PAD, y + 20), status)
        painter.setPen(QColor(theme.ACCENT))
        painter.drawText(QPointF(_PAD + metrics.horizontalAdvance(status), y + 20), notable)

    return paint_image(width, height, ratio, paint)


def bar_image(width_px: int, ratio: float) -> QImage:
    """The refinement bar: the accent, two logical pixels high, `width_px` device pixels long."""
    return paint_image(
        width_px / ratio,
        2,
        ratio,
        lambda painter: painter.fillRect(QRectF(0, 0, 1e4, 2), QColor(theme.ACCENT)),
    )


def scale_bar_image(bar: ScaleBar, font: QFont, ratio: float) -> QImage:
    """A bracket with its length above, legible on any picture."""
    length = bar.length / ratio
    small = font_of(font, 11)
    text_width = QFontMetricsF(small).horizontalAdvance(bar.label)
    width = max(length, text_width) + 8
    x0 = (width - length) / 2

    def paint(painter: QPainter) -> None:
        painter.setFont(small)
        bracket = [QPointF(x0, 20), QPointF(x0, 26), QPointF(x0 + length, 26), QPointF(x0 + length, 20)]
        for pen, dx in ((QPen(QColor(0, 0, 0, 120), 3), 1), (QPen(QColor(255, 255, 255, 235), 1), 0)):
            painter.setPen(pen)
            painter.drawText(QPointF((width - text_width) / 2 + dx, 12 + dx), bar.label)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, dx == 1)
            painter.drawPolyline(QPolygonF(bracket))

    return paint_image(width, 30, ratio, paint)


def hint_image(text: str, font: QFont, ratio: float) -> QImage:
    """One quiet line in a pill."""
    small = font_of(font, 13)
    width = QFontMetricsF(small).horizontalAdvance(text) + 36

    def paint(painter: QPainter) -> None:
        _box(painter, width, 34, 17)
        painter.setFont(small)
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(QRectF(0, 0, width, 34), Qt.AlignmentFlag.AlignCenter, text)

    return paint_image(width, 34, ratio, paint)


def name_image(text: str, font: QFont, ratio: float) -> QImage:
    """What a picture is called, in a small box."""
    small = font_of(font, theme.TEXT_PX)
    width = QFontMetricsF(small).horizontalAdvance(text) + 20

    def paint(painter: QPainter) -> None:
        _box(painter, width, 24)
        painter.setFont(small)
        painter.setPen(QColor(theme.TEXT))
        painter.drawText(QRectF(0, 0, width, 24), Qt.AlignmentFlag.AlignCenter, text)

    return paint_image(width, 24, ratio, paint)


def wipe_image(height_px: int, ratio: float, held: bool) -> QImage:
    """The line between two pictures, `height_px` device pixels long, with a handle in its middle."""
    width, height = 22.0, height_px / ratio

    def paint(painter: QPainter) -> None:
        middle = QPointF(width / 2, height / 2)
        painter.fillRect(QRectF(width / 2 - 1.5, 0, 3, height), QColor(0, 0, 0, 70))
        painter.fillRect(QRectF(width / 2 - 0.5, 0, 1, height), QColor(255, 255, 255, 220))
        painter.setPen(QPen(QColor(0, 0, 0, 90), 1))
        painter.setBrush(QColor(theme.ACCENT_HOVER if held else theme.ACCENT))
        painter.drawEllipse(middle, 9, 9)
        painter.setPen(QPen(QColor(theme.ON_ACCENT), 1.5))
        for side in (-1, 1):
            tip = QPointF(middle.x() + 5.5 * side, middle.y())
            painter.drawLine(tip, QPointF(tip.x() - 3 * side, tip.y() - 3))
            painter.drawLine(tip, QPointF(tip.x() - 3 * side, tip.y() + 3))

    return paint_image(width, height, ratio, paint)


def message_image(
    message: Message, font: QFont, ratio: float, widest: float, boxed: bool
) -> tuple[QImage, QRectF]:
    """The canvas's sentence and its link; also the link's rectangle, in logical pixels of the image.

    `boxed` shades the picture behind it.
    """
    rim = 16.0 if boxed else 0.0
    large, small = font_of(font, 15), font_of(font, 13, QFont.Weight.DemiBold)
    flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
    wrap = int((flags | Qt.TextFlag.TextWordWrap).value)
    text = QFontMetricsF(large).boundingRect(QRectF(0, 0, min(widest, 560), 2000), wrap, message.text)
    link_width = QFontMetricsF(small).horizontalAdvance(message.link)
    width = max(text.width(), link_width, 200.0) + 16 + 2 * rim
    bar = 22.0 if message.progress is not None else 0.0
    link = QRectF((width - link_width) / 2 - 8, rim + text.height() + 12 + bar, link_width + 16, 26)
    if not message.link:
        link = QRectF()
    height = max(rim + text.height() + bar + 4, link.bottom() + 4) + rim

    def paint(painter: QPainter) -> None:
        if boxed:
            _box(painter, width, height, 8)
        painter.setFont(large)
        body = QRectF(rim, rim, width - 2 * rim, text.height() + 2)
        for colour, at in ((QColor(0, 0, 0, 150), body.translated(1, 1)), (QColor(theme.TEXT), body)):
            painter.setPen(colour)
            painter.drawText(at, wrap, message.text)
        if message.progress is not None:
            track = QRectF(width / 2 - 80, rim + text.height() + 12, 160, 2)
            painter.fillRect(track, QColor(theme.LINE))
            track.setWidth(160 * min(max(message.progress, 0.0), 1.0))
            painter.fillRect(track, QColor(theme.ACCENT))
        if message.link:
            painter.setFont(small)
            painter.setPen(QColor(theme.ACCENT))
            painter.drawText(link, Qt.AlignmentFlag.AlignCenter, message.link)

    return paint_image(width, height, ratio, paint), link


def help_image(rows: Sequence[tuple[str, str]], font: QFont, ratio: float) -> QImage:
    """The list of gestures and keys, in two columns."""
    bold, small = font_of(font, theme.TEXT_PX, QFont.Weight.DemiBold), font_of(font, theme.TEXT_PX)
    keys_width = max(QFontMetricsF(bold).horizontalAdvance(keys) for keys, _ in rows)
    does_width = max(QFontMetricsF(small).horizontalAdvance(does) for _, does in rows)
    half = -(-len(rows) // 2)
    column = keys_width + 16 + does_width
    width, height = 2 * column + 3 * 24, 56 + 22 * half + 12

    def paint(painter: QPainter) -> None:
        _box(painter, width, height, 8, QColor(22, 25, 30, 240))
        painter.setFont(font_of(font, 14, QFont.Weight.Bold))
        painter.setPen(QColor("white"))
        painter.drawText(QPointF(24, 34), "Gestures and keys")
        for i, (keys, does) in enumerate(rows):
            x, y = 24 + (i // half) * (column + 24), 64 + 22 * (i % half)
            painter.setFont(bold)
            painter.setPen(QColor(theme.TEXT))
            painter.drawText(QPointF(x, y), keys)
            painter.setFont(small)
            painter.setPen(QColor(theme.QUIET))
            painter.drawText(QPointF(x + keys_width + 16, y), does)

    return paint_image(width, height, ratio, paint)


def lens_image(radius: float, ratio: float) -> QImage:
    """The rim of a lens of `radius` logical pixels, with a soft shadow about it."""
    side = 2 * radius + 48

    def paint(painter: QPainter) -> None:
        middle = QPointF(side / 2, side / 2)
        shadow = QRadialGradient(middle, radius + 24)
        edge = radius / (radius + 24)
        shadow.setColorAt(max(0.0, edge - 1e-3), QColor(0, 0, 0, 0))
        shadow.setColorAt(edge, QColor(0, 0, 0, 110))
        shadow.setColorAt(1, QColor(0, 0, 0, 0))
        painter.fillRect(QRectF(0, 0, side, side), shadow)
        painter.setPen(QPen(QColor(255, 255, 255, 190), 1.2))
        painter.drawEllipse(middle, radius, radius)

    return paint_image(side, side, ratio, paint)


def _box(
    painter: QPainter, width: float, height: float, corner: float = theme.CORNER_PX, colour: QColor = _SHADE
) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(QRectF(0, 0, width, height), corner, corner)
    painter.setBrush(Qt.BrushStyle.NoBrush)
