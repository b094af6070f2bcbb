"""The session kept for the next start: written a moment after every change, and when the window closes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QObject, QTimer

from creps_core.errors import CrepsError
from creps_core.session import Session, read_session, write_session
from creps_viewer.model.viewer_model import ViewerModel

DELAY_MS = 1000

log = logging.getLogger(__name__)


class Autosave(QObject):
    """Writes `session()` to `path` when the model has been quiet for a second.

    Args:
        model: whose changes are followed.
        path: of the JSON file; replaced as a whole, so that a crash leaves the last good one.
        session: what to write, or None while nothing is open.
    """

    def __init__(self, model: ViewerModel, path: Path, session: Callable[[], Session | None]) -> None:
        super().__init__()
        self._path, self._session = path, session
        self._warned = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY_MS)
        self._timer.timeout.connect(self.save)
        self._model = model
        model.changed.connect(self._later)
        model.document_changed.connect(self._later)

    def save(self) -> None:
        """Write now. A disk that refuses is reported once and never in the way."""
        self._timer.stop()
        session = self._session()
        if session is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_session(self._path, session)
        except (CrepsError, OSError) as error:
            log.warning("the session was not saved: %s", error)
            if not self._warned:
                self._warned = True
                self._model.notice.emit("warning", "What you see cannot be kept for the next start.")

    def _later(self, *_: object) -> None:
        self._timer.start()


def last_session(path: Path) -> Session | None:
    """The session autosaved at `path`, or None when there is none that can be read."""
    if not path.is_file():
        return None
    try:
        return read_session(path)
    except (CrepsError, OSError) as error:
        log.warning("the last session is not restored: %s", error)
        return None
