"""The canvas in OpenGL: layers as textures, uploaded in place, and the sprites over them.

OpenGL 2.1 through Qt's own wrappers: it runs on any driver, Mesa's software one included. What is drawn is
the stage's business; if OpenGL fails, `create` takes the raster canvas instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QCloseEvent, QResizeEvent, QSurfaceFormat
from PyQt6.QtOpenGLWidgets import QOpenGLWidget
from PyQt6.QtWidgets import QWidget

from creps_viewer.canvas.gl_painter import GlPainter
from creps_viewer.canvas.stage import Stage
from creps_viewer.model.timings import Timings
from creps_viewer.model.viewer_model import ViewerModel


def surface_format() -> QSurfaceFormat:
    """Eight bits per channel, no depth, no multisampling, no sRGB: pixels arrive as they are."""
    wanted = QSurfaceFormat()
    wanted.setVersion(2, 1)
    wanted.setProfile(QSurfaceFormat.OpenGLContextProfile.NoProfile)
    wanted.setDepthBufferSize(0)
    wanted.setStencilBufferSize(0)
    wanted.setSamples(0)
    return wanted


class GlCanvas(QOpenGLWidget):
    """The picture, in OpenGL. Its `stage` has the signals and everything that can be asked."""

    def __init__(
        self,
        model: ViewerModel,
        timings: Timings | None = None,
        clock: Callable[[], float] = time.monotonic,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setFormat(surface_format())
        self.setUpdateBehavior(QOpenGLWidget.UpdateBehavior.NoPartialUpdate)
        self.setMinimumSize(160, 120)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.stage = Stage(self, model, timings, clock)
        self._painter: GlPainter | None = None

    def release(self) -> None:
        """Stop listening and give the graphics card's memory back; nothing is painted any more."""
        self.stage.close()
        self._drop_painter()

    def initializeGL(self) -> None:
        context = self.context()
        assert context is not None
        # a new context (the widget went to another window) knows nothing of the old one's textures
        context.aboutToBeDestroyed.connect(self._drop_painter)
        self._painter = GlPainter(context)

    def resizeGL(self, w: int, h: int) -> None:
        self.stage.resized()

    def resizeEvent(self, e: QResizeEvent | None) -> None:
        super().resizeEvent(e)
        self.stage.resized()

    def changeEvent(self, a0: QEvent | None) -> None:
        super().changeEvent(a0)
        if a0 is not None and a0.type() == QEvent.Type.DevicePixelRatioChange:
            self.stage.resized()

    def paintGL(self) -> None:
        if self._painter is None:
            return
        scene = self.stage.begin_paint()
        upload_ms = self._painter.paint(scene, self.stage.alive())
        if upload_ms:
            self.stage.timings.add("upload", upload_ms)
        self.stage.end_paint()

    def closeEvent(self, a0: QCloseEvent | None) -> None:
        self.release()
        super().closeEvent(a0)

    def _drop_painter(self) -> None:
        painter, self._painter = self._painter, None
        if painter is not None and self.context() is not None:
            self.makeCurrent()
            painter.release()
            self.doneCurrent()
