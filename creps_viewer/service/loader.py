"""Reads checkpoints on a thread of its own, so that the picture stays alive meanwhile. Qt-free."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from creps_core.cancel import CancelToken
from creps_core.errors import Cancelled, CrepsError
from creps_viewer.service.engine import Opened, Progress

logger = logging.getLogger(__name__)

Opener = Callable[[Path, Progress, CancelToken], Opened]


class LoadListener(Protocol):
    """Who is told; called on the loading thread, must not block. `load` is what `Loader.load` returned."""

    def on_load_progress(self, load: int, done: int, total: int) -> None:
        """Bytes read so far."""

    def on_loaded(self, load: int, opened: Opened) -> None:
        """The checkpoint is ready."""

    def on_load_error(self, load: int, path: Path, message: str) -> None:
        """It could not be opened; one sentence says why."""


class Loader:
    """One load at a time; a newer one cancels the older."""

    def __init__(self, opener: Opener, listener: LoadListener) -> None:
        self._opener = opener
        self._listener = listener
        self._token = CancelToken()
        self._threads: list[threading.Thread] = []
        self._count = 0

    def load(self, path: Path) -> int:
        """Begin to read `path`; returns this load's number."""
        self._token.cancel()
        self._token = CancelToken()
        self._count += 1
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._run, args=(self._count, path, self._token), name="creps-load")
        self._threads.append(thread)
        thread.start()
        return self._count

    def cancel(self) -> None:
        """Give up the load that is going on, if any."""
        self._token.cancel()

    def close(self) -> None:
        """Cancel and join; no callback comes after it."""
        self._token.cancel()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _run(self, load: int, path: Path, token: CancelToken) -> None:
        def progress(done: int, total: int) -> None:
            if not token.cancelled:
                self._listener.on_load_progress(load, done, total)

        try:
            opened = self._opener(path, progress, token)
            token.check()
            self._listener.on_loaded(load, opened)
        except Cancelled:
            pass
        except CrepsError as error:
            self._listener.on_load_error(load, path, str(error))
        except Exception as error:
            logger.exception("%s could not be opened", path)
            self._listener.on_load_error(load, path, f"{path.name} could not be opened: {error}")
