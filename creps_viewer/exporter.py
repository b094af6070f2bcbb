"""Exports run here: one thread, its own renderer, bands or tiles of bounded memory straight into the file."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal

from creps_core.cancel import CancelToken
from creps_core.errors import Cancelled, CrepsError
from creps_core.grid import grid_for
from creps_core.picture_export import ExportOptions, export_picture
from creps_core.pyramid import Progress
from creps_core.sheet import Sheet
from creps_core.source import Mix, Source
from creps_core.view import Size, View

if TYPE_CHECKING:
    from creps_core.generator import Generator

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ExportRequest:
    """A picture to be made: everything it depends on, so that the window may go on changing."""

    path: Path
    size: Size
    view: View
    sources: tuple[Source, ...]
    mix: Mix | None
    metadata: str | None  # the session, as JSON without any absolute path
    options: ExportOptions
    sheet: Sheet | None = None  # of many seeds, each of that size


class Exporter(QObject):
    """One export at a time, cancellable at any moment; nothing half-written is left behind."""

    progressed = pyqtSignal(float, float)  # share done, seconds left (negative: not known yet)
    finished = pyqtSignal(object)  # Path
    failed = pyqtSignal(str)  # one sentence
    cancelled = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._token = CancelToken()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether an export is under way."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, request: Any, generator: Generator, device: str) -> None:
        """Begin an `ExportRequest`; one of `finished`, `failed` and `cancelled` follows."""
        assert not self.busy
        self._token = CancelToken()
        self._thread = threading.Thread(
            target=self._run, args=(request, generator, device, self._token), name="creps-export", daemon=True
        )
        self._thread.start()

    def cancel(self) -> None:
        """Ask the export to stop."""
        self._token.cancel()

    def stop(self, timeout: float = 10.0) -> None:
        """Cancel and wait for the thread."""
        self.cancel()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self, request: Any, generator: Generator, device: str, token: CancelToken) -> None:
        try:
            self._export(request, generator, device, token)
        except Cancelled:
            self.cancelled.emit()
        except (CrepsError, OSError) as error:
            self.failed.emit(" ".join(str(error).split()))
        except MemoryError:
            self.failed.emit("There was not enough memory; a smaller size needs less.")
        except Exception as error:  # a fault of ours: the window must live, the log gets the traceback
            log.exception("the export to %s failed", request.path)
            self.failed.emit(" ".join(str(error).split()) or type(error).__name__)
        else:
            self.finished.emit(request.path)

    def _export(self, request: Any, generator: Generator, device: str, token: CancelToken) -> None:
        """The work itself, on the export's thread."""
        export_still(request, generator, device, token, self._report())

    def _report(self) -> Progress:
        began = time.monotonic()
        last = began

        def report(done: int, total: int, kept: int = 0) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last < 0.05 and done < total:
                return
            last = now
            share = done / total if total else 1.0
            known = done > kept and now - began > 0.3
            left = (now - began) * (total - done) / (done - kept) if known else -1.0
            self.progressed.emit(share, left)

        return report


def export_still(
    request: ExportRequest,
    generator: Generator,
    device: str,
    cancel: CancelToken,
    progress: Progress | None = None,
) -> None:
    """Render `request` and write it; the file appears when it is complete.

    Raises:
        Cancelled: `cancel` was set; see `export_picture` for what is left.
        CrepsError: the file cannot be written, the size is impossible, the device failed.
    """
    from creps_core.contact_sheet import picture_of
    from creps_core.renderer import Renderer

    with contextlib.closing(Renderer(generator, device)) as renderer:
        grid, latents = grid_for(request.view, request.size), (request.sources, request.mix)
        picture = picture_of(renderer, latents, grid, request.view.outside, request.sheet, cancel)
        export_picture(
            request.path,
            picture,
            request.options,
            metadata=request.metadata,
            cancel=cancel,
            progress=progress,
        )
