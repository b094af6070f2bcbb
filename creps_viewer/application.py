"""Composition root: builds model, bridge, canvas and window, decides what is opened first, runs the loop."""

from __future__ import annotations

import dataclasses
import logging
import sys
from pathlib import Path
from types import TracebackType

from PyQt6 import sip
from PyQt6.QtCore import QObject, QTimer
from PyQt6.QtWidgets import QApplication

from creps_core.errors import CrepsError
from creps_core.frame import Frame
from creps_core.session import Session, read_session
from creps_core.source import Source
from creps_core.view import View
from creps_viewer.autosave import Autosave, last_session
from creps_viewer.canvas.create import create_canvas
from creps_viewer.commands import Commands
from creps_viewer.direction_store import DirectionStore
from creps_viewer.favourites import Favourites
from creps_viewer.log import start_log
from creps_viewer.main_window import MainWindow
from creps_viewer.model.inspecting import Inspections
from creps_viewer.model.state import ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.opening import SESSIONS, Opening, bundled_path, sentence, state_of
from creps_viewer.options import Options
from creps_viewer.screenshot import Screenshot
from creps_viewer.service.bridge import RenderBridge, opener_for
from creps_viewer.service.direction_search import DirectionSearch
from creps_viewer.service.loader import Opener
from creps_viewer.service.second import SecondPicture
from creps_viewer.settings import Settings, config_folder, state_folder
from creps_viewer.theme import apply_theme
from creps_viewer.unix_signals import UnixSignals

SHOWN_FIRST = Source(seed=84)  # a peak and its lake in low sun: of the bundled pictures one of the finest
FIRST_ZOOM = 1.3  # where the first start begins
FIRST_SECONDS = 2.0  # how long it takes to come home

log = logging.getLogger(__name__)


class Viewer(QObject):
    """Everything of one window, wired together. `start` opens what the options ask for."""

    def __init__(
        self,
        options: Options,
        settings: Settings,
        autosave_path: Path | None,
        opener: Opener | None = None,
    ) -> None:
        super().__init__()
        self.options = options
        self.model = ViewerModel()
        opener = opener or opener_for(options.device, options.cache_mb)
        self.bridge = RenderBridge(self.model, opener)
        early: list[tuple[str, str]] = []  # what is said before the window can show it
        keep = self.model.notice.connect(lambda level, text: early.append((level, text)))
        self.inspections = Inspections(self.model, self.bridge.request_inspection)
        self.canvas = create_canvas(self.model, self.bridge.timings)
        stage = self.canvas.stage
        self.settings = settings
        self.window = MainWindow(
            self.model,
            self.canvas,
            self.bridge.timings,
            settings,
            lambda: stage.gestures.run("home"),
            options.cache_mb,
        )
        self.model.notice.disconnect(keep)
        for level, text in early:
            self.window.notices.show_notice(level, text)
        self.opening = Opening(self.model, self.bridge, settings)
        self.second = SecondPicture(self.model, self.bridge, opener, self.opening.locate)
        self.commands = Commands(
            self.window, self.bridge, self.opening, stage.gestures.run, options.device, self.second
        )
        kept = autosave_path.parent if autosave_path is not None else None  # None: nothing is kept
        store = DirectionStore(kept / "directions") if kept is not None else None
        self.directions = DirectionSearch(self.model, self.bridge, store)
        self.favourites = Favourites(self.model, kept / "favourites" if kept is not None else None)
        self.autosave: Autosave | None = None
        self._autosave_path = autosave_path
        if autosave_path is not None:
            self.autosave = Autosave(self.model, autosave_path, self.opening.session)
        stage.command.connect(self.commands.canvas_command)
        stage.link_activated.connect(self.commands.message_action)
        self.window.closing.connect(self.close)

    def start(self) -> None:
        """Open --session, else the file, else the last session, else the bundled model."""
        options = self.options
        try:
            if options.session is not None:
                self._restore(read_session(options.session), options.session.parent)
            elif options.file is not None and options.file.suffix.lower() in SESSIONS:
                self._restore(read_session(options.file), options.file.parent)
            elif options.file is not None:
                self.opening.open_checkpoint(options.file, options.override(ViewerState()))
            else:
                self._start_unasked()
        except (CrepsError, OSError) as error:
            self.model.notice.emit("error", sentence(str(error)))

    def close(self) -> None:
        """Save the session and stop every thread."""
        if self.autosave is not None:
            self.autosave.save()
        self.commands.stop()
        self.second.close()
        self.directions.close()
        self.bridge.close()
        self.canvas.release()

    def _restore(self, session: Session, beside: Path | None) -> None:
        options = self.options
        session = dataclasses.replace(session, sources=options.override_sources(session.sources))
        if options.session is not None and options.file is not None:
            self.opening.open_checkpoint(options.file, state_of(session))
        else:
            self.opening.restore(session, beside)

    def _start_unasked(self) -> None:
        session = last_session(self._autosave_path) if self._autosave_path is not None else None
        if session is not None and self.opening.can_restore(session):
            self._restore(session, None)
            return
        bundled = bundled_path()
        if bundled is None:
            self.model.notice.emit("warning", "The bundled model is missing; install the viewer again.")
            return
        state = self.options.override(ViewerState(sources=(SHOWN_FIRST,)))
        if self.settings.first_start and self.canvas.stage.animated:
            self._welcome(state)
        else:
            self.opening.open_checkpoint(bundled, state)

    def _welcome(self, state: ViewerState) -> None:
        """The first start: come home slowly from a little nearer, when the first picture is there."""
        bundled = bundled_path()
        assert bundled is not None
        near = dataclasses.replace(state, view=View.from_zoom(FIRST_ZOOM))
        self.opening.open_checkpoint(bundled, near)
        self.canvas.stage.overlays.show_hint()

        def glide(_frame: Frame) -> None:
            self.model.frame_changed.disconnect(glide)
            if self.model.state.view == near.view:
                self.canvas.stage.gestures.motion.fly(state.view, FIRST_SECONDS)

        self.model.frame_changed.connect(glide)


def run(options: Options) -> int:
    """Open the window and stay until it is closed; returns the exit code.

    Raises:
        InputError: with --screenshot, what was to be opened cannot be.
        RunError: with --screenshot, the picture did not settle in time, or could not be written.
    """
    taking = options.screenshot is not None
    start_log(None if taking else state_folder() / "viewer.log", debug=options.debug)
    app = QApplication(sys.argv[:1])
    app.setApplicationName("creps-viewer")
    app.setApplicationDisplayName("CREPS viewer")
    apply_theme(app)
    settings = Settings(None if taking else config_folder() / "settings.ini")
    viewer = Viewer(options, settings, None if taking else state_folder() / "session.json")
    signals = UnixSignals(viewer.window.close_at_once)
    _install_excepthook(viewer.model)
    try:
        screenshot = Screenshot(viewer, options) if taking else None
        viewer.window.show()
        QTimer.singleShot(0, viewer.start)
        app.exec()
    finally:
        sys.excepthook = sys.__excepthook__
        viewer.window.close_at_once()
        signals.restore()
        sip.delete(viewer.window)  # while the application lives: left to chance, the order can crash Qt
    if signals.received is not None:
        return 128 + signals.received
    if screenshot is not None:
        screenshot.conclude()
    return 0


def _install_excepthook(model: ViewerModel) -> None:
    """Faults of ours go to the log and into a notice; the window lives on."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.critical("unexpected fault", exc_info=(kind, error, trace))
        if issubclass(kind, Exception):
            text = " ".join(str(error).split())[:200] or kind.__name__
            model.notice.emit("error", f"Something went wrong ({text}). The log has the details.")

    sys.excepthook = hook
