"""A real canvas in a real window with a render thread behind it, and the hands that use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QImage, QMouseEvent, QWheelEvent
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from creps_viewer.canvas.gl_canvas import GlCanvas
from creps_viewer.canvas.raster_canvas import RasterCanvas
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.service.bridge import RenderBridge
from tests.viewer.fakes import FakeEngine, FakeOpener

WIDTH, HEIGHT = 400, 300
NONE = Qt.KeyboardModifier.NoModifier
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton
RIGHT = Qt.MouseButton.RightButton


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Window:
    """Canvas, model, bridge and fake engine; gestures in logical pixels."""

    def __init__(self, qtbot: QtBot, kind: type[GlCanvas] | type[RasterCanvas]) -> None:
        self.qtbot = qtbot
        self.clock = Clock()
        self.model = ViewerModel()
        self.engine = FakeEngine()
        self.bridge = RenderBridge(self.model, FakeOpener(self.engine))
        self.canvas = kind(self.model, self.bridge.timings, self.clock)
        self.stage = self.canvas.stage
        qtbot.addWidget(self.canvas)
        self.canvas.resize(WIDTH, HEIGHT)
        self.canvas.show()
        qtbot.waitExposed(self.canvas)
        self.canvas.setFocus()

    def open(self) -> None:
        """Open the fake checkpoint and wait until it is settled, overlays hidden."""
        self.stage.overlays.readout_shown = False
        self.bridge.open(Path("scenery.pkl"))
        self.settle()

    def settle(self, seconds: float = 10.0) -> None:
        """Let glides and fades end and wait for the settled picture."""

        def settled() -> bool:
            self.pass_time(1.0)
            return self.stage.settled()

        self.qtbot.waitUntil(settled, timeout=int(1000 * seconds))

    def pass_time(self, seconds: float) -> None:
        """Let the clock run and what depends on it happen."""
        self.clock.now += seconds
        self.stage.gestures.motion.tick()

    def until(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=10_000)

    def pixels(self) -> np.ndarray:
        """What the canvas shows, [h, w, 3] uint8, device pixels."""
        if isinstance(self.canvas, GlCanvas):
            image = self.canvas.grabFramebuffer()
        else:
            image = self.canvas.grab().toImage()
        return rgb(image)

    def expected(self) -> np.ndarray:
        """What the engine's formula gives for the present state, [h, w, 3] uint8."""
        state = self.model.state
        seed = state.sources[0].seed or 0
        return self.engine.formula(state.view, self.model.canvas_size, seed, 1)[..., :3]

    def wheel(
        self, notches: float, x: float = 130, y: float = 90, modifiers: Qt.KeyboardModifier = NONE
    ) -> None:
        at = QPointF(x, y)
        event = QWheelEvent(
            at,
            self.canvas.mapToGlobal(at),
            QPoint(),
            QPoint(0, round(120 * notches)),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.canvas, event)

    def mouse(
        self,
        kind: QMouseEvent.Type,
        x: float,
        y: float,
        button: Qt.MouseButton = LEFT,
        modifiers: Qt.KeyboardModifier = NONE,
    ) -> None:
        at = QPointF(x, y)
        move, release = kind == QMouseEvent.Type.MouseMove, kind == QMouseEvent.Type.MouseButtonRelease
        event = QMouseEvent(
            kind,
            at,
            self.canvas.mapToGlobal(at),
            Qt.MouseButton.NoButton if move else button,
            Qt.MouseButton.NoButton if release else button,
            modifiers,
        )
        QApplication.sendEvent(self.canvas, event)

    @contextmanager
    def held(
        self, x: float, y: float, button: Qt.MouseButton = LEFT, modifiers: Qt.KeyboardModifier = NONE
    ) -> Iterator[Callable[[float, float], None]]:
        """Press at (x, y); the value moves the pointer; released at the end where it is."""
        place = [x, y]

        def move(to_x: float, to_y: float) -> None:
            place[:] = [to_x, to_y]
            self.mouse(QMouseEvent.Type.MouseMove, to_x, to_y, button, modifiers)

        self.mouse(QMouseEvent.Type.MouseButtonPress, x, y, button, modifiers)
        yield move
        self.mouse(QMouseEvent.Type.MouseButtonRelease, place[0], place[1], button, modifiers)

    def drag(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        button: Qt.MouseButton = LEFT,
        modifiers: Qt.KeyboardModifier = NONE,
        steps: int = 5,
    ) -> None:
        with self.held(*start, button, modifiers) as move:
            for i in range(1, steps + 1):
                move(*(a + (b - a) * i / steps for a, b in zip(start, end, strict=True)))

    def click(self, x: float, y: float, modifiers: Qt.KeyboardModifier = NONE) -> None:
        with self.held(x, y, LEFT, modifiers):
            pass

    def close(self) -> None:
        self.canvas.close()
        self.bridge.close()


def rgb(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGBX8888)
    bits = image.constBits()
    assert bits is not None
    bits.setsize(image.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4)[..., :3].copy()
