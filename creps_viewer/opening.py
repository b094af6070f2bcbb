"""What happens to a file that is named, picked or dropped: a checkpoint is opened, a session restored.

Also the way back: the session that describes what is shown. Reading happens in the bridge's thread.
"""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

import assets
from creps_core.errors import CrepsError
from creps_core.session import CheckpointRef, Session, read_session
from creps_core.session_checkpoint import file_sha256
from creps_core.view import Size
from creps_viewer.model.sentences import sentence as sentence  # what opening says, others say alike
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.service.bridge import RenderBridge, fitting_state
from creps_viewer.settings import Settings

CHECKPOINTS = (".safetensors", ".pkl")
SESSIONS = (".json", ".png", ".tif", ".tiff", ".dzi", ".mp4", ".webm")

BUNDLED = "scenery.safetensors"
OPENING = "Opening"  # how the notice begins that is gone when the file is open

log = logging.getLogger(__name__)


class Opening(QObject):
    """Opens what the user points at; every failure is one calm sentence in the window."""

    checkpoint_wanted = pyqtSignal(str)  # one sentence: a session needs a checkpoint that was not found

    def __init__(self, model: ViewerModel, bridge: RenderBridge, settings: Settings) -> None:
        super().__init__()
        self._model, self._bridge, self._settings = model, bridge, settings
        self._awaited: Session | None = None  # to be restored when its checkpoint is open
        self._restored: Session | None = None  # the last one restored; its unknown keys travel on
        bridge.opened.connect(self._opened)

    def open(self, path: Path) -> None:
        """Open a checkpoint or a session, by suffix."""
        if path.suffix.lower() in SESSIONS:
            self.open_session_file(path)
        else:
            self.open_checkpoint(path)

    def open_checkpoint(self, path: Path, state: ViewerState | None = None) -> None:
        """Read a checkpoint in the background; without `state` the view and the latents stay."""
        if self._model.document is not None:  # without one the canvas says it
            self._model.notice.emit("info", f"{OPENING} {path.name}…")
        self._bridge.open(path, state)

    def open_session_file(self, path: Path) -> None:
        """Restore the session in a file, or in a picture or video that carries one."""
        session = self.session_in(path)
        if session is not None:
            self.restore(session, path.parent)

    def session_in(self, path: Path) -> Session | None:
        """The session that a file carries; none, and a notice that says why, where it cannot be read."""
        try:
            return read_session(path)
        except (CrepsError, OSError) as error:
            self._model.notice.emit("error", sentence(str(error)))
            return None

    def restore(self, session: Session, beside: Path | None = None) -> None:
        """Show a session: at once when its checkpoint is open, else when that has been read."""
        document = self._model.document
        if document is not None and same_checkpoint(session, document):
            self._show(session, document)
            return
        path = self.locate(session.checkpoint, beside)
        self._awaited = session
        if path is not None:
            self.open_checkpoint(path, state_of(session))
            return
        reference = session.checkpoint
        known = f" (sha256 {reference.sha256[:12]}…)" if reference.sha256 else ""
        self.checkpoint_wanted.emit(
            f"This session needs the checkpoint {reference.name}{known}, which is not here."
        )

    def can_restore(self, session: Session) -> bool:
        """Whether the session's checkpoint is still to be found."""
        return self.locate(session.checkpoint) is not None

    def reload(self) -> None:
        """Read the open checkpoint again, at the same view and latents."""
        document = self._model.document
        if document is not None and document.path is not None:
            self.open_checkpoint(document.path, self._model.state)

    def session(self, size: Size | None = None) -> Session | None:
        """What is shown, as a session, or None while nothing is open."""
        document, state = self._model.document, self._model.state
        if document is None or document.path is None:
            return None
        fields: dict[str, Any] = {
            "checkpoint": CheckpointRef.of(document.path, document.sha256),
            "sources": state.sources,
            "mix": state.mix,
            "view": state.view,
            "size": size,
            "keyframes": state.keyframes or None,
            "loop": state.loop,
            "compare": state.compare,
            "inspector": state.inspector,
        }
        carried = self._restored
        if carried is not None and same_checkpoint(carried, document):
            return dataclasses.replace(carried, **fields)
        return Session(**fields)

    def locate(self, reference: CheckpointRef, beside: Path | None = None) -> Path | None:
        """A session's checkpoint: where it was, beside the session, opened lately, or the bundled one.

        A single find is opened without hashing it here: reading it tells its sha256 soon enough.
        """
        name = Path(reference.name).name
        places = [Path(reference.path)] if reference.path else []
        places += [beside / name] if beside is not None and name else []
        places += [path for path in self._settings.recent() if path.name == name]
        found = list(dict.fromkeys(place.absolute() for place in places if place.is_file()))
        if len(found) == 1:
            return found[0]
        bundled = bundled_path()
        if bundled is not None:
            found.append(bundled)
        for place in found:
            if file_sha256(place) == reference.sha256:
                return place
        return found[0] if found and found[0] != bundled else None

    def _show(self, session: Session, document: Document) -> None:
        self._awaited, self._restored = None, session
        state = fitting_state(state_of(session), document)
        self._model.update(**vars(state))

    def _opened(self, document: Document) -> None:
        if document.path is not None:
            self._settings.add_recent(document.path)
        awaited, self._awaited = self._awaited, None
        if awaited is None:
            return
        if same_checkpoint(awaited, document):
            self._show(awaited, document)
        elif document.path is not None and document.path.name == Path(awaited.checkpoint.name).name:
            self._show(awaited, document)
            self._model.notice.emit(
                "warning",
                f"{document.path.name} is not the file the session was made with: the picture may differ.",
            )


def bundled_path() -> Path | None:
    """The checkpoint that comes with the viewer, if it was installed."""
    path = Path(assets.__file__).parent / BUNDLED
    return path if path.is_file() else None


def state_of(session: Session) -> ViewerState:
    """The session's view, latents, journey and comparison."""
    return ViewerState(
        session.view,
        session.sources,
        session.mix,
        session.keyframes or (),
        session.loop,
        session.inspector,
        session.compare,
    )


def same_checkpoint(session: Session, document: Document) -> bool:
    """Whether `document` is the very file the session was made with."""
    return session.checkpoint.sha256 == document.sha256 or (
        not session.checkpoint.sha256 and session.checkpoint.name == (document.path or Path()).name
    )
