"""Chooses the canvas: OpenGL where a context can really be made, otherwise the CPU, with a notice."""

from __future__ import annotations

import os
from collections.abc import Mapping

from PyQt6.QtGui import QOffscreenSurface, QOpenGLContext
from PyQt6.QtWidgets import QWidget

from creps_core.errors import RunError
from creps_viewer.canvas.gl_canvas import GlCanvas, surface_format
from creps_viewer.canvas.gl_painter import GlPainter
from creps_viewer.canvas.raster_canvas import RasterCanvas
from creps_viewer.model.timings import Timings
from creps_viewer.model.viewer_model import ViewerModel

RASTER_VARIABLE = "CREPS_VIEWER_RASTER"


def create_canvas(
    model: ViewerModel,
    timings: Timings | None = None,
    *,
    raster: bool = False,
    environment: Mapping[str, str] | None = None,
    parent: QWidget | None = None,
) -> GlCanvas | RasterCanvas:
    """The best canvas that works here.

    Args:
        model: what it shows and moves.
        timings: where its paint times go.
        raster: do without OpenGL.
        environment: the process's by default; CREPS_VIEWER_RASTER=1 does without OpenGL.
        parent: the widget's parent.
    """
    environment = os.environ if environment is None else environment
    if raster or environment.get(RASTER_VARIABLE, "") not in ("", "0"):
        model.notice.emit("info", "The picture is drawn without OpenGL, as asked.")
        return RasterCanvas(model, timings, parent=parent)
    fault = opengl_fault()
    if fault is not None:
        model.notice.emit(
            "warning", f"OpenGL cannot be used here ({fault}); the picture is drawn on the CPU."
        )
        return RasterCanvas(model, timings, parent=parent)
    return GlCanvas(model, timings, parent=parent)


def opengl_fault() -> str | None:
    """Why OpenGL cannot be used, or None: a context is made and the canvas's shader built in it."""
    context = QOpenGLContext()
    context.setFormat(surface_format())
    if not context.create():
        return "no context can be made"
    surface = QOffscreenSurface()
    surface.setFormat(context.format())
    surface.create()
    if not context.makeCurrent(surface):
        return "its context cannot be used"
    try:
        GlPainter(context).release()
    except RunError as error:
        return str(error)
    finally:
        context.doneCurrent()
    return None
