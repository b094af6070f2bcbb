"""Carries what the render and loading threads report into the GUI thread, where it is dealt with in order."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from creps_core.frame import Frame
from creps_core.inspector import Inspection
from creps_viewer.service.engine import Opened


class ResultQueue(QObject):
    """The listener of both threads: every call becomes a signal, delivered in the GUI thread."""

    frame = pyqtSignal(int, object)
    done = pyqtSignal(int)
    error = pyqtSignal(int, str)
    side = pyqtSignal(str, object)
    inspection = pyqtSignal(int, object)
    progress = pyqtSignal(int, object, object)  # whole numbers beyond 32 bits
    loaded = pyqtSignal(int, object)
    load_error = pyqtSignal(int, object, str)

    def on_frame(self, request: int, frame: Frame) -> None:
        self.frame.emit(request, frame)

    def on_done(self, request: int) -> None:
        self.done.emit(request)

    def on_error(self, request: int, message: str) -> None:
        self.error.emit(request, message)

    def on_side(self, key: str, frame: Frame) -> None:
        self.side.emit(key, frame)

    def on_inspection(self, request: int, inspection: Inspection) -> None:
        self.inspection.emit(request, inspection)

    def on_load_progress(self, load: int, done: int, total: int) -> None:
        self.progress.emit(load, done, total)

    def on_loaded(self, load: int, opened: Opened) -> None:
        self.loaded.emit(load, opened)

    def on_load_error(self, load: int, path: Path, message: str) -> None:
        self.load_error.emit(load, path, message)
