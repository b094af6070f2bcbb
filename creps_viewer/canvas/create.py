"""Chooses the canvas: OpenGL where a graphics card offers it, otherwise QPainter on the CPU.

OpenGL in software (Mesa's llvmpipe) would do too, but takes three times as long per picture as QPainter
and takes the cores from the render thread.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from PyQt6.QtGui import QOffscreenSurface, QOpenGLContext
from PyQt6.QtWidgets import QWidget

from creps_core.errors import RunError
from creps_viewer.canvas.gl_canvas import GlCanvas, surface_format
from creps_viewer.canvas.gl_painter import GlPainter
from creps_viewer.canvas.raster_canvas import RasterCanvas
from creps_viewer.model.timings import Timings
from creps_viewer.model.viewer_model import ViewerModel

RASTER_VARIABLE = "CREPS_VIEWER_RASTER"  # 1: never OpenGL; 0: OpenGL even in software
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "software rasterizer")

logger = logging.getLogger(__name__)

Drawing = Literal["auto", "gl", "raster"]


@dataclass(frozen=True)
class OpenGl:
    """What OpenGL is worth here."""

    renderer: str = ""  # who draws, in the driver's words
    fault: str = ""  # why it cannot be used

    @property
    def software(self) -> bool:
        """Whether it is drawn by the CPU."""
        return any(name in self.renderer.lower() for name in SOFTWARE)


def create_canvas(
    model: ViewerModel,
    timings: Timings | None = None,
    *,
    drawing: Drawing = "auto",
    environment: Mapping[str, str] | None = None,
    parent: QWidget | None = None,
) -> GlCanvas | RasterCanvas:
    """The best canvas that works here; the model's notice says so when OpenGL was wanted and fails.

    Args:
        model: what it shows and moves.
        timings: where its paint times go.
        drawing: "gl" takes OpenGL even in software, "raster" none.
        environment: the process's by default; CREPS_VIEWER_RASTER=1 or 0 decides where `drawing` is "auto".
        parent: the widget's parent.
    """
    if drawing == "auto":
        wish = (os.environ if environment is None else environment).get(RASTER_VARIABLE, "")
        drawing = "auto" if not wish else "gl" if wish == "0" else "raster"
    if drawing == "raster":
        return RasterCanvas(model, timings, parent=parent)
    found = probe_opengl()
    if found.fault:
        logger.warning("OpenGL cannot be used: %s", found.fault)
        model.notice.emit(
            "warning", f"OpenGL cannot be used here ({found.fault}): the CPU draws the picture."
        )
        return RasterCanvas(model, timings, parent=parent)
    if found.software and drawing == "auto":
        logger.info("OpenGL is drawn by the CPU (%s): drawing without it", found.renderer)
        return RasterCanvas(model, timings, parent=parent)
    return GlCanvas(model, timings, parent=parent)


def probe_opengl() -> OpenGl:
    """Make a context and build the canvas's shader in it, to see whether that works."""
    context = QOpenGLContext()
    context.setFormat(surface_format())
    if not context.create():
        return OpenGl(fault="no context can be made")
    surface = QOffscreenSurface()
    surface.setFormat(context.format())
    surface.create()
    if not context.makeCurrent(surface):
        return OpenGl(fault="its context cannot be used")
    try:
        painter = GlPainter(context)
        renderer = painter.renderer
        painter.release()
    except RunError as error:
        return OpenGl(fault=str(error))
    finally:
        context.doneCurrent()
    return OpenGl(renderer)
