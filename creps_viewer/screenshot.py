"""--screenshot: wait until the picture is settled, save what the window shows, leave."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QBuffer, QIODevice, QObject, QSize, QTimer
from PyQt6.QtGui import QPixmap
from PyQt6.QtWidgets import QApplication

from creps_core.atomic import check_folder, replacing
from creps_core.errors import CrepsError, InputError, RunError
from creps_viewer.options import Options

if TYPE_CHECKING:
    from creps_viewer.application import Viewer

REST_MS = 300  # after the last pass: the plot is drawn, the side pictures have come
POLL_MS = 50


class Screenshot(QObject):
    """Watches a viewer and ends the loop; `conclude` then writes the file or raises what went wrong."""

    def __init__(self, viewer: Viewer, options: Options) -> None:
        super().__init__()
        assert options.screenshot is not None
        if options.screenshot.suffix.lower() != ".png":
            raise InputError(f"{options.screenshot}: a screenshot is a .png file")
        check_folder(options.screenshot)
        self._viewer, self._path, self._seconds = viewer, options.screenshot, options.timeout
        self._error: CrepsError | None = None
        self._picture: QPixmap | None = None
        self._rested = 0
        viewer.canvas.stage.set_animated(False)
        ratio = viewer.window.devicePixelRatioF()
        viewer.window.setFixedSize(
            QSize(round(options.size.width / ratio), round(options.size.height / ratio))
        )
        viewer.bridge.open_failed.connect(lambda _path, message: self._fail(InputError(message)))
        viewer.opening.checkpoint_wanted.connect(lambda message: self._fail(InputError(message)))
        viewer.model.notice.connect(self._noticed)
        self._limit, self._poll = QTimer(self), QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.timeout.connect(self._too_late)
        self._poll.timeout.connect(self._look)
        self._limit.start(round(1000 * options.timeout))
        self._poll.start(POLL_MS)

    def conclude(self) -> None:
        """Write the picture; raises `CrepsError` when there is none."""
        if self._error is not None:
            raise self._error
        if self._picture is None:
            raise RunError("the window was closed before its picture was settled")
        _write_png(self._picture, self._path)

    def _look(self) -> None:
        viewer = self._viewer
        settled = viewer.canvas.stage.settled() and viewer.window.timeline.complete
        settled = settled and viewer.inspections.current()
        settled = settled and not viewer.bridge.side_jobs  # the panels' small pictures have come
        self._rested = self._rested + POLL_MS if settled else 0
        if self._rested >= REST_MS:
            self._picture = self._viewer.window.grab()
            self._leave()

    def _noticed(self, level: str, text: str) -> None:
        if level == "error" and self._viewer.model.document is None:
            self._fail(InputError(text))

    def _too_late(self) -> None:
        self._fail(RunError(f"the picture was not settled within {self._seconds:g} seconds; see --timeout"))

    def _fail(self, error: CrepsError) -> None:
        if self._error is None:
            self._error = error
        self._leave()

    def _leave(self) -> None:
        self._poll.stop()
        self._limit.stop()
        QApplication.exit()


def _write_png(picture: QPixmap, path: Path) -> None:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    if not picture.save(buffer, "PNG"):
        raise RunError("the window's picture could not be encoded")
    with replacing(path) as file:
        file.write(buffer.data().data())
