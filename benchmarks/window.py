"""The window itself at 1280×800: input to next paint while frames compute, and how fast it starts.

Runs in a process of its own under an Xvfb of its own where there is one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rows import Row, median_row
from benchmarks.setting import ROOT, Setting, child, percentile

SECONDS = 20.0
BEAT_MS = 40


def run(setting: Setting) -> list[Row]:
    """Latency and start; nothing where no window can open."""
    with _display() as environment:
        if environment is None:
            return [Row("window", "no display and no Xvfb", 0.0, "", note="not measured")]
        starts = [
            child("window", "start", 0, environment=environment)
            for _ in range(1 if setting.quick or setting.tiny else 3)
        ]
        span = 1.5 if setting.tiny else 5.0 if setting.quick else SECONDS
        result = child("window", "gestures", span, environment=environment)
    waits = result["input_ms"]
    assert len(waits) >= 5, f"only {len(waits)} gestures were painted"
    first = [start["first_picture_s"] for start in starts]
    return [
        Row(
            "window",
            "input to paint, median",
            percentile(waits, 0.5),
            "ms",
            "≤",
            50.0,
            note=f"{len(waits)} inputs",
        ),
        Row("window", "input to paint, 99 %", percentile(waits, 0.99), "ms", "≤", 150.0),
        median_row("window", "start to first picture", first, "s", note="process start, bundled model"),
        median_row("window", "start to settled", [start["settled_s"] for start in starts], "s"),
    ]


def imports(setting: Setting) -> list[Row]:
    """Importing the core's and the viewer's entry points, fresh interpreters."""
    rows = []
    for module in ("creps_core.view", "creps_core.renderer", "creps_viewer.app"):
        times = []
        for _ in range(setting.repeats):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", f"import {module}"], check=True, cwd=ROOT, timeout=120)
            times.append(time.perf_counter() - start)
        rows.append(median_row("imports", module, times, "s"))
    return rows


@contextmanager
def _display() -> Iterator[dict[str, str] | None]:
    """The environment of a screen: an Xvfb of its own, else the user's, else None."""
    home = tempfile.TemporaryDirectory()
    settings = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"), home.name)
    server = None
    try:
        if shutil.which("Xvfb"):
            read, write = os.pipe()
            server = subprocess.Popen(
                ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1200x24", "-nolisten", "tcp"],
                pass_fds=[write],
                stderr=subprocess.DEVNULL,
            )
            os.close(write)
            with os.fdopen(read) as lines:
                number = lines.readline().strip()
            yield {**settings, "DISPLAY": f":{number}", "QT_QPA_PLATFORM": "xcb"}
        elif os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform == "darwin":
            yield settings
        else:
            yield None
    finally:
        if server is not None:
            server.terminate()
            server.wait()
        home.cleanup()


def _measure(kind: str, span: float, started: float) -> dict[str, object]:
    from PyQt6.QtCore import QTimer
    from PyQt6.QtWidgets import QApplication

    from creps_core.checkpoint import bundled_checkpoint
    from creps_viewer.application import Viewer
    from creps_viewer.options import Options
    from creps_viewer.settings import Settings
    from creps_viewer.theme import apply_theme

    application = QApplication([])
    apply_theme(application)
    folder = Path(tempfile.mkdtemp())
    viewer = Viewer(Options(file=bundled_checkpoint()), Settings(folder / "settings.ini"), None)
    viewer.window.resize(1280, 800)
    viewer.window.show()
    result: dict[str, object] = {}
    gestures = _Gestures(viewer.canvas, span, application.quit)
    looked = QTimer()

    def look() -> None:
        timings = viewer.bridge.timings
        if "first_picture_s" not in result and timings.last("render") is not None:
            result["first_picture_s"] = time.time() - started
        if not viewer.canvas.stage.settled():
            return
        looked.stop()
        result["settled_s"] = time.time() - started
        if kind == "start":
            application.quit()
        else:
            timings.clear()
            gestures.start()

    looked.timeout.connect(look)
    looked.start(5)
    QTimer.singleShot(300_000, application.quit)
    viewer.start()
    application.exec()
    result["input_ms"] = [float(ms) for ms in viewer.bridge.timings.recent("input")]
    viewer.window.close_at_once()
    viewer.window.deleteLater()
    application.processEvents()
    shutil.rmtree(folder, ignore_errors=True)
    return result


class _Gestures:
    """Wheel turns, drags and rotations sent to the canvas, one event per beat."""

    def __init__(self, canvas: object, span: float, done: object) -> None:
        from PyQt6.QtCore import QTimer

        self._canvas, self._done = canvas, done
        self._end, self._span = 0.0, span
        self._beat = 0
        self._timer = QTimer()
        self._timer.timeout.connect(self._step)

    def start(self) -> None:
        self._end = time.monotonic() + self._span
        self._timer.start(BEAT_MS)

    def _step(self) -> None:
        from PyQt6.QtCore import QEvent, QPointF, Qt

        if time.monotonic() > self._end:
            self._timer.stop()
            self._done()  # type: ignore[operator]
            return
        phase, self._beat = self._beat % 60, self._beat + 1
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        if phase < 20:
            self._wheel(120 if self._beat // 60 % 2 == 0 else -120)
            return
        turn = Qt.KeyboardModifier.ShiftModifier if phase >= 40 else Qt.KeyboardModifier.NoModifier
        at = QPointF(300.0 + 6 * (phase % 20), 300.0 + 4 * (phase % 20))
        if phase % 20 == 0:
            self._mouse(QEvent.Type.MouseButtonPress, at, left, left, turn)
        elif phase % 20 == 19:
            self._mouse(QEvent.Type.MouseButtonRelease, at, left, none, turn)
        else:
            self._mouse(QEvent.Type.MouseMove, at, none, left, turn)

    def _wheel(self, degrees: int) -> None:
        from PyQt6.QtCore import QPoint, QPointF, Qt
        from PyQt6.QtGui import QWheelEvent
        from PyQt6.QtWidgets import QApplication

        at = QPointF(400.0, 350.0)
        event = QWheelEvent(
            at,
            self._canvas.mapToGlobal(at),  # type: ignore[attr-defined]
            QPoint(),
            QPoint(0, degrees),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self._canvas, event)  # type: ignore[arg-type]

    def _mouse(self, kind: object, at: object, button: object, buttons: object, keys: object) -> None:
        from PyQt6.QtGui import QMouseEvent
        from PyQt6.QtWidgets import QApplication

        where = self._canvas.mapToGlobal(at)  # type: ignore[attr-defined]
        event = QMouseEvent(kind, at, where, button, buttons, keys)  # type: ignore[call-overload]
        QApplication.sendEvent(self._canvas, event)  # type: ignore[arg-type]


if __name__ == "__main__":
    before = time.time() - time.process_time()  # the interpreter's own start is in it, about
    print(json.dumps(_measure(sys.argv[1], float(sys.argv[2]), before)))
