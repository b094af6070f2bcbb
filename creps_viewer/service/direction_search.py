"""Finds directions in the background, and keeps the named ones: the model asks, and is answered."""

from __future__ import annotations

import logging
import math
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal

from creps_core.cancel import CancelToken
from creps_core.errors import Cancelled, CrepsError
from creps_core.source import Source
from creps_viewer.direction_store import DirectionStore
from creps_viewer.model.state import Document
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.service.bridge import RenderBridge
from creps_viewer.service.engine import CheckpointEngine

if TYPE_CHECKING:
    from creps_core.generator import Generator

log = logging.getLogger(__name__)

ALIKE = 0.999  # cosine from which two directions are one


class DirectionSearch(QObject):
    """One search at a time; it ends with its document."""

    _found = pyqtSignal(int, object)  # generation of the document, tuple of sources
    _failed = pyqtSignal(int, str)

    def __init__(self, model: ViewerModel, bridge: RenderBridge, store: DirectionStore | None) -> None:
        super().__init__()
        self._model, self._bridge, self._store = model, bridge, store
        self._token = CancelToken()
        self._path: Path | None = None  # of the checkpoint whose directions are listed
        self._thread: threading.Thread | None = None
        self._found.connect(self._take)
        self._failed.connect(self._say)
        model.directions.wanted.connect(self.start)
        model.directions.named.connect(self._keep)
        model.document_changed.connect(self._document_changed)

    def start(self) -> None:
        """Look for the directions of the open checkpoint."""
        engine, document = self._bridge.engine, self._model.document
        if not isinstance(engine, CheckpointEngine) or document is None or self._model.directions.searching:
            return
        self._model.directions.set_searching(True)
        self._token = CancelToken()
        label = self._model.state.sources[0].label
        self._thread = threading.Thread(
            target=self._run,
            args=(engine.generator, label, document.generation, self._token),
            name="creps-directions",
        )
        self._thread.start()

    def close(self) -> None:
        """Stop and join."""
        self._token.cancel()
        if self._thread is not None:
            self._thread.join()

    def _run(self, generator: Generator, label: int, generation: int, token: CancelToken) -> None:
        from creps_core.directions import principal_directions

        try:
            found = principal_directions(generator, label=label, cancel=token).sources()
        except Cancelled:
            return
        except CrepsError as error:
            self._failed.emit(generation, str(error))
        except Exception as error:  # a fault of ours: the window must live, the log gets the traceback
            log.exception("no directions were found")
            self._failed.emit(generation, f"no directions were found: {error}")
        else:
            self._found.emit(generation, found)

    def _take(self, generation: int, found: tuple[Source, ...]) -> None:
        document, directions = self._model.document, self._model.directions
        if document is None or document.generation != generation:
            return
        known = directions.listed
        new = [source for source in found if not any(_alike(source, other) for other in known)]
        directions.set_searching(False)
        directions.set_listed((*known, *new))

    def _say(self, generation: int, message: str) -> None:
        document = self._model.document
        if document is not None and document.generation == generation:
            self._model.directions.set_searching(False)
            self._model.notice.emit("error", f"{message.rstrip('.')}.")

    def _document_changed(self, document: Document | None) -> None:
        self._token.cancel()
        directions = self._model.directions
        directions.set_searching(False)
        path, self._path = self._path, document.path if document is not None else None
        if path is not None and path == self._path:
            return  # a newer version of the same file: w has turned a little at most
        kept = self._store.load(document.sha256) if document is not None and self._store is not None else ()
        width = document.config.w_dim if document is not None else 0
        directions.set_listed(tuple(source for source in kept if len(source.w or ()) == width))

    def _keep(self) -> None:
        document = self._model.document
        if document is None or self._store is None:
            return
        try:
            self._store.save(document.sha256, self._model.directions.own)
        except (CrepsError, OSError) as error:
            log.warning("directions were not kept: %s", error)
            self._model.notice.emit("warning", "The names of directions cannot be kept for the next start.")


def _alike(a: Source, b: Source) -> bool:
    if a.w is None or b.w is None or len(a.w) != len(b.w):
        return False
    product = sum(x * y for x, y in zip(a.w, b.w, strict=True))
    return abs(product) >= ALIKE * math.hypot(*a.w) * math.hypot(*b.w)
