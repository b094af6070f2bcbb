"""The canvas without OpenGL: the same stage, drawn by QPainter on the CPU.

Affine moves are Qt's smooth image transform; bent ones are looked up at half resolution.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QEvent, QPoint, QRectF, Qt
from PyQt6.QtGui import QCloseEvent, QColor, QImage, QPainter, QPaintEvent, QRegion, QResizeEvent, QTransform
from PyQt6.QtWidgets import QWidget

from creps_core.frame import Frame
from creps_core.grid import GROUND
from creps_core.view import Size
from creps_viewer.canvas.layers import Drawn
from creps_viewer.canvas.placement import Placement, texels
from creps_viewer.canvas.stage import Scene, Stage
from creps_viewer.model.timings import Timings
from creps_viewer.model.viewer_model import ViewerModel

Doubles = NDArray[np.float64]

BENT_STEP = 2  # device pixels per looked-up pixel of a bent layer


class RasterCanvas(QWidget):
    """The picture, drawn on the CPU. Its `stage` has the signals and everything that can be asked."""

    def __init__(
        self,
        model: ViewerModel,
        timings: Timings | None = None,
        clock: Callable[[], float] = time.monotonic,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setMinimumSize(160, 120)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.stage = Stage(self, model, timings, clock)
        self._images: dict[int, QImage] = {}  # by layer key

    def release(self) -> None:
        """Stop listening; nothing is painted any more."""
        self.stage.close()
        self._images.clear()

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        super().resizeEvent(a0)
        self.stage.resized()

    def changeEvent(self, a0: QEvent | None) -> None:
        super().changeEvent(a0)
        if a0 is not None and a0.type() == QEvent.Type.DevicePixelRatioChange:
            self.stage.resized()

    def closeEvent(self, a0: QCloseEvent | None) -> None:
        self.release()
        super().closeEvent(a0)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        scene = self.stage.begin_paint()
        painter = QPainter(self)
        self._paint(painter, scene)
        painter.end()
        self.stage.end_paint()

    def _paint(self, painter: QPainter, scene: Scene) -> None:
        # everything below is in device pixels, whatever the scale factor
        ratio = self.devicePixelRatioF()
        painter.scale(1 / ratio, 1 / ratio)
        painter.fillRect(0, 0, scene.size.width, scene.size.height, QColor(*GROUND))
        alive = {layer.key for layer in self.stage.alive()}
        self._images = {key: image for key, image in self._images.items() if key in alive}
        for pane, layers in scene.pictures:
            painter.setTransform(QTransform.fromScale(1 / ratio, 1 / ratio))
            painter.translate(pane.x, 0)
            shown = QRegion(pane.left - pane.x, 0, pane.right - pane.left, pane.size.height)
            for drawn, hidden in reversed(_with_hidden(layers, pane.size)):
                painter.setClipRegion(shown.subtracted(hidden))
                self._draw_layer(painter, drawn, pane.size)
        painter.setClipping(False)
        painter.setTransform(QTransform.fromScale(1 / ratio, 1 / ratio))
        for sprite in scene.sprites:
            painter.setOpacity(sprite.opacity)
            image = QImage(sprite.image)
            image.setDevicePixelRatio(1.0)
            painter.drawImage(QPoint(sprite.x, sprite.y), image)

    def _draw_layer(self, painter: QPainter, drawn: Drawn, size: Size) -> None:
        frame, placement = drawn.layer.frame, drawn.placement
        painter.save()
        painter.setOpacity(drawn.opacity)
        if placement.matrix is None:
            image = _bent(frame, placement, size)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRectF(0, 0, size.width, size.height), image)
        elif placement.exact:
            row, column = frame.origin
            x, y = -placement.matrix[0, 2] + column, -placement.matrix[1, 2] + row
            painter.drawImage(QPoint(round(x), round(y)), self._image(drawn))
        else:
            (a, c, e), (b, d, f) = placement.matrix
            to_new, invertible = QTransform(a, b, c, d, e, f).inverted()
            if invertible:
                painter.setTransform(to_new * painter.transform())
                painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
                rect = QRectF(0, 0, frame.size.width, frame.size.height)
                painter.setClipRect(rect, Qt.ClipOperation.IntersectClip)
                painter.drawImage(_texel_rect(frame), self._image(drawn))
        painter.restore()

    def _image(self, drawn: Drawn) -> QImage:
        """The layer's samples, and round them one more where they do not reach the window's edge."""
        key, frame = drawn.layer.key, drawn.layer.frame
        if key not in self._images:
            began = time.perf_counter()
            pixels = texels(frame if frame.stride == 1 else _padded(frame))
            height, width = pixels.shape[:2]
            image = QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBX8888)
            # painting wants Qt's own order of bytes; converting once also makes the image own its memory
            self._images[key] = image.convertToFormat(QImage.Format.Format_RGB32)
            self.stage.timings.add("upload", 1e3 * (time.perf_counter() - began))
        return self._images[key]


def _with_hidden(layers: list[Drawn], window: Size) -> list[tuple[Drawn, QRegion]]:
    """The layers, finest first, each with what finer opaque ones hide of it: scaling costs by the pixel."""
    covered, result = QRegion(), []
    for drawn in reversed(layers):
        result.append((drawn, covered))
        matrix, size = drawn.placement.matrix, drawn.layer.frame.size
        if matrix is not None and drawn.opacity >= 1 and matrix[0, 1] == 0 == matrix[1, 0]:
            (a, _, e), (_, d, f) = matrix
            x0, x1 = sorted((-e / a, (size.width - e) / a))
            y0, y1 = sorted((-f / d, (size.height - f) / d))
            # whole pixels well inside, within the window lest numbers overflow
            left, top = math.ceil(max(x0, -1)) + 1, math.ceil(max(y0, -1)) + 1
            right = math.floor(min(x1, window.width + 1)) - 1
            bottom = math.floor(min(y1, window.height + 1)) - 1
            if left < right and top < bottom:
                covered = covered.united(QRegion(left, top, right - left, bottom - top))
    return result


def _padded(frame: Frame) -> Frame:
    return dataclasses.replace(frame, pixels=np.pad(frame.pixels, ((1, 1), (1, 1), (0, 0)), mode="edge"))


def _texel_rect(frame: Frame) -> QRectF:
    """Where `_image` lies in the frame's window: every sample in the middle of its own pixel."""
    height, width = frame.pixels.shape[:2]
    (row, column), stride = frame.origin, frame.stride
    rim = 0 if stride == 1 else 1
    left, top = column + 0.5 - stride / 2 - rim * stride, row + 0.5 - stride / 2 - rim * stride
    return QRectF(left, top, (width + 2 * rim) * stride, (height + 2 * rim) * stride)


def _bent(frame: Frame, placement: Placement, size: Size) -> QImage:
    """The frame looked up at every other pixel through the lattice; transparent where there is none of it."""
    width, height = -(-size.width // BENT_STEP), -(-size.height // BENT_STEP)
    old = _upsampled(placement.lattice, width, height)
    x, y = old[..., 0], old[..., 1]  # comparisons with NaN are false
    inside = (x >= 0) & (x <= frame.size.width) & (y >= 0) & (y <= frame.size.height)
    rows, columns = frame.pixels.shape[:2]
    safe = np.where(inside[..., None], old, 0.0)
    i = np.clip((safe[..., 1] - 0.5 - frame.origin[0]) / frame.stride, 0, rows - 1)
    j = np.clip((safe[..., 0] - 0.5 - frame.origin[1]) / frame.stride, 0, columns - 1)
    pixels = _interpolated(frame.pixels, i, j)
    pixels[~inside] = 0
    image = QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888_Premultiplied)
    return image.copy()  # owns its bytes


def _interpolated(pixels: NDArray[np.uint8], i: Doubles, j: Doubles) -> NDArray[np.uint8]:
    """`pixels` at fractional rows and columns, linearly."""
    i0, j0 = i.astype(np.intp), j.astype(np.intp)
    i1, j1 = np.minimum(i0 + 1, pixels.shape[0] - 1), np.minimum(j0 + 1, pixels.shape[1] - 1)
    s, t = ((at - low).astype(np.float32)[..., None] for at, low in ((i, i0), (j, j0)))
    upper = pixels[i0, j0] * (1 - t) + pixels[i0, j1] * t
    lower = pixels[i1, j0] * (1 - t) + pixels[i1, j1] * t
    return (upper * (1 - s) + lower * s + 0.5).astype(np.uint8)


def _upsampled(lattice: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """The lattice, linearly interpolated at the centres of width × height equal cells, [height, width, 2]."""
    rows, columns = lattice.shape[0] - 1, lattice.shape[1] - 1

    def places(count: int, cells: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        at = (np.arange(count) + 0.5) * cells / count
        low = np.minimum(at.astype(np.intp), cells - 1)
        return low, at - low

    (i, s), (j, t) = places(height, rows), places(width, columns)
    down = lattice[i] * (1 - s)[:, None, None] + lattice[i + 1] * s[:, None, None]
    return down[:, j] * (1 - t)[None, :, None] + down[:, j + 1] * t[None, :, None]
