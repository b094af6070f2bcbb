"""Follow this file: when the open checkpoint is replaced on disk, as a training run does, it is read again.

Changes are heard from the system and, where that is silent (network drives), looked for every few seconds.
The picture, the view and the latents stay; a file that cannot be read leaves the last good one in place.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from PyQt6.QtCore import QFileSystemWatcher, QObject, QTimer

from creps_viewer.model.state import Document
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.service.bridge import RenderBridge

REST_MS = 300  # a file is read when it has not changed for so long
POLL_MS = 3000  # between looks when the system says nothing


class Stamp(NamedTuple):
    """What tells one version of a file from the next, without reading it."""

    changed_ns: int
    length: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """The stamp of the file as it is now, None while there is none."""
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(found.st_mtime_ns, found.st_size, found.st_ino)


class Follower(QObject):
    """Watches the open document's file while `on`, and reads it again in the background."""

    def __init__(self, model: ViewerModel, bridge: RenderBridge) -> None:
        super().__init__()
        self.on = False
        self._model, self._bridge = model, bridge
        self._reading: tuple[Path, Stamp | None, bool] | None = None  # file, its stamp, asked for by us
        self._shown: Stamp | None = None  # of the version that is open
        self._bad: Stamp | None = None  # of a version that could not be read: it is not tried again
        self._changing: Stamp | None = None  # of a version that has yet to prove complete
        self._said = False  # that the file cannot be read; once until it can
        self._asking = False
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._changed)
        self._watcher.directoryChanged.connect(self._changed)
        self._rest, self._poll = QTimer(self), QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._look)
        self._poll.setInterval(POLL_MS)
        self._poll.timeout.connect(self._look)
        bridge.began.connect(self._began)
        bridge.opened.connect(self._opened)
        bridge.open_failed.connect(self._failed)

    def set_on(self, on: bool) -> None:
        """Begin or end following; it goes on with whichever file is opened next."""
        self.on = on
        if on:
            self._poll.start()
            self._look()
        else:
            self.stop()

    def stop(self) -> None:
        """Watch nothing any more."""
        self._poll.stop()
        self._rest.stop()
        watched = self._watcher.files() + self._watcher.directories()
        if watched:
            self._watcher.removePaths(watched)

    def _changed(self, _path: str) -> None:
        self._rest.start()

    def _look(self) -> None:
        """Read the file again if it is another than the one shown, and has come to rest."""
        path = self._model.document.path if self._model.document is not None else None
        if not self.on or path is None:
            return
        self._watch(path)
        stamp = Stamp.of(path)
        if stamp is None or stamp in (self._shown, self._bad) or self._bridge.loading is not None:
            return
        if stamp != self._changing:
            self._changing = stamp
            self._rest.start()
            return
        self._asking = True
        self._bridge.open(path, quietly=True)
        self._asking = False

    def _watch(self, path: Path) -> None:
        # A file that is replaced drops out of the watch; its folder does not.
        wanted = {str(place) for place in (path, path.parent) if place.exists()}
        watched = set(self._watcher.files() + self._watcher.directories())
        if watched - wanted:
            self._watcher.removePaths(list(watched - wanted))
        if wanted - watched:
            self._watcher.addPaths(list(wanted - watched))

    def _began(self, path: Path) -> None:
        # Stamped before it is read: a version that comes meanwhile is noticed as another one.
        self._reading = path, Stamp.of(path), self._asking

    def _opened(self, document: Document) -> None:
        if self._reading is not None and self._reading[0] == document.path:
            self._shown = self._reading[1]
        self._reading, self._bad, self._said = None, None, False
        self._look()

    def _failed(self, path: Path, message: str) -> None:
        reading, self._reading = self._reading, None
        if reading is None or not reading[2]:
            return  # opened by the user: whoever opened it says so
        self._bad = reading[1]
        if not self._said:
            self._said = True
            reason = message.rstrip(".")
            self._model.notice.emit(
                "warning", f"{path.name} has changed but cannot be read; the last good one stays ({reason})."
            )
