"""Favourites on disk: a folder for every checkpoint, in it a session for each, which `creps-render` takes."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from creps_core.errors import CrepsError
from creps_core.session import CheckpointRef, Session, read_session, write_session
from creps_viewer.model.favourite_list import Favourite
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.viewer_model import ViewerModel

MOST = 500

log = logging.getLogger(__name__)


class Favourites:
    """Answers the model's wishes; `folder` None keeps them for this run alone."""

    def __init__(self, model: ViewerModel, folder: Path | None) -> None:
        self._model, self._folder = model, folder
        self._path: Path | None = None  # of the checkpoint whose favourites are listed
        model.favourites.add_wanted.connect(self._add)
        model.favourites.remove_wanted.connect(self._remove)
        model.document_changed.connect(self._load)

    def _place(self, document: Document) -> Path | None:
        return self._folder / document.sha256[:32] if self._folder is not None else None

    def _load(self, document: Document | None) -> None:
        path, self._path = self._path, document.path if document is not None else None
        if path is not None and path == self._path:
            return  # a newer version of the same file: what was found in the last one is of use still
        place = self._place(document) if document is not None else None
        files = sorted(place.glob("*.json"), reverse=True)[:MOST] if place is not None else []
        found: list[Favourite] = []
        for path in files:
            try:
                session = read_session(path)
            except (CrepsError, OSError) as error:
                log.warning("the favourite %s cannot be read: %s", path, error)
                continue
            found.append(Favourite(path.stem, session.sources, session.mix, session.view))
        self._model.favourites.set_listed(tuple(found))

    def _add(self, state: ViewerState) -> None:
        document, favourites = self._model.document, self._model.favourites
        if document is None:
            return
        new = Favourite(f"{time.time_ns():020d}", state.sources, state.mix, state.view)
        favourites.set_listed((new, *favourites.listed))
        place = self._place(document)
        if place is None:
            return
        reference = CheckpointRef(document.name, document.sha256)
        if document.path is not None:
            reference = CheckpointRef.of(document.path, document.sha256)
        try:
            place.mkdir(parents=True, exist_ok=True)
            session = Session(reference, state.sources, state.mix, state.view)
            write_session(place / f"{new.key}.json", session)
        except (CrepsError, OSError) as error:
            log.warning("a favourite was not kept: %s", error)
            self._model.notice.emit("warning", "This favourite cannot be kept for the next start.")

    def _remove(self, key: str) -> None:
        document, favourites = self._model.document, self._model.favourites
        favourites.set_listed(tuple(kept for kept in favourites.listed if kept.key != key))
        place = self._place(document) if document is not None else None
        if place is None:
            return
        try:
            (place / f"{key}.json").unlink(missing_ok=True)
        except OSError as error:
            log.warning("a favourite was not removed: %s", error)
            self._model.notice.emit("warning", "This favourite cannot be removed for good.")
