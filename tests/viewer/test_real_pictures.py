"""A real checkpoint in a real window: the canvas's pixels are those that the renderer gives for an export."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtTest import QTest
from pytestqt.qtbot import QtBot

from creps_core.grid import grid_for
from creps_core.image import to_uint8
from creps_core.source import Source
from creps_core.view import View
from creps_core.warps import Lens
from creps_viewer.canvas.gl_canvas import GlCanvas
from creps_viewer.canvas.raster_canvas import RasterCanvas
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.service.bridge import RenderBridge
from creps_viewer.service.engine import CheckpointEngine
from tests.viewer.window import rgb

SCENERY = Path(__file__).parents[1] / "data" / "golden" / "scenery-64.pkl"


class Viewer:
    """Model, bridge and canvas of 240 × 160 px, and nothing fake."""

    def __init__(self, qtbot: QtBot, kind: type[GlCanvas] | type[RasterCanvas]) -> None:
        self.qtbot = qtbot
        self.model = ViewerModel()
        self.bridge = RenderBridge(self.model)
        self.canvas = kind(self.model, self.bridge.timings)
        self.canvas.stage.set_animated(False)
        self.canvas.stage.overlays.readout_shown = False
        qtbot.addWidget(self.canvas)
        self.canvas.resize(240, 160)
        self.canvas.show()
        qtbot.waitExposed(self.canvas)
        self.bridge.open(SCENERY)
        self.settle()

    def settle(self) -> None:
        self.qtbot.waitUntil(self.canvas.stage.settled, timeout=60_000)

    def shown(self) -> np.ndarray:
        canvas = self.canvas
        return rgb(canvas.grabFramebuffer() if isinstance(canvas, GlCanvas) else canvas.grab().toImage())

    def rendered(self) -> np.ndarray:
        """The same view as an export computes it, by a renderer of its own."""
        from creps_core.renderer import Renderer

        engine, state = self.bridge.engine, self.model.state
        assert isinstance(engine, CheckpointEngine)
        renderer = Renderer(engine.generator)
        try:
            plan = CheckpointEngine(engine.generator, renderer).plan(state.sources, state.mix)
            grid = grid_for(state.view, self.model.canvas_size)
            return to_uint8(renderer.render(plan, grid, outside=state.view.outside))
        finally:
            renderer.close()

    def close(self) -> None:
        self.canvas.close()
        self.bridge.close()


@pytest.fixture
def viewer(canvas_kind: type[GlCanvas] | type[RasterCanvas], qtbot: QtBot) -> Iterator[Viewer]:
    viewer = Viewer(qtbot, canvas_kind)
    yield viewer
    viewer.close()


@pytest.mark.slow
def test_what_is_shown_is_what_is_exported(viewer: Viewer) -> None:
    for view in (
        View(),
        View(log2_zoom=Fraction(5, 2), center_x=Fraction(3, 8), outside="generate"),
        View(log2_zoom=Fraction(1), rotation_deg=25.0),
        View(warps=(Lens(0.1, 0.05, 0.3, 1.0),), outside="frame"),
    ):
        viewer.model.update(view=view, sources=(Source(seed=3, psi=0.8),))
        viewer.settle()
        assert (viewer.shown() == viewer.rendered()).all(), view


@pytest.mark.slow
def test_pans_and_drags_end_in_the_same_pixels(viewer: Viewer) -> None:
    """Whatever was reused on the way, strips and all."""
    from PyQt6.QtCore import QPoint, Qt

    viewer.model.update(view=View(log2_zoom=Fraction(3, 2)))
    viewer.settle()
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(viewer.canvas, left, pos=QPoint(100, 80))
    for i in range(12):
        QTest.mouseMove(viewer.canvas, QPoint(100 + 5 * i, 80 - 3 * i))
        QTest.qWait(10)
    QTest.mouseRelease(viewer.canvas, left, pos=QPoint(155, 47))
    viewer.settle()
    assert viewer.model.state.view.center_x < Fraction(1, 2)
    assert (viewer.shown() == viewer.rendered()).all()


@pytest.mark.slow
def test_closing_in_the_middle_of_a_frame_takes_a_moment(viewer: Viewer) -> None:
    viewer.canvas.resize(1200, 900)
    QTest.qWait(50)
    viewer.model.update(view=View(rotation_deg=10.0))
    QTest.qWait(30)
    assert not viewer.model.settled
    began = time.monotonic()
    viewer.close()
    assert time.monotonic() - began < 0.5  # polls are 50 ms apart; the rest is for busy machines
