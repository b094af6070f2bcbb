"""What the menus do about journeys, and filming: the dialog, its exporter, what becomes of them."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QObject, QStandardPaths, QUrl
from PyQt6.QtGui import QAction

from creps_core.errors import InputError
from creps_core.journey import Journey
from creps_core.keyframe import Keyframe
from creps_core.video import check_video
from creps_viewer.actions import Command
from creps_viewer.main_window import MainWindow
from creps_viewer.model import timeline
from creps_viewer.opening import Opening, sentence
from creps_viewer.service.bridge import RenderBridge
from creps_viewer.service.engine import CheckpointEngine
from creps_viewer.video_dialog import VideoChoice, VideoDialog, What
from creps_viewer.video_exporter import VideoExporter, VideoRequest


class Journeys(QObject):
    """Binds timeline and video dialog to the model and the exporter."""

    def __init__(self, window: MainWindow, bridge: RenderBridge, opening: Opening, device: str) -> None:
        super().__init__(window)
        self._window, self._model, self._bridge = window, window.model, bridge
        self._opening, self._device = opening, device
        self.exporter = VideoExporter()
        self.dialog: VideoDialog | None = None
        window.timeline.video_wanted.connect(self.film)
        self.exporter.finished.connect(self._finished)
        self.exporter.failed.connect(self._failed)

    def saving(self) -> tuple[Command, ...]:
        """The entries of the File menu."""
        return (
            Command("film", "Film the journey…", self.film),
            Command("film_zoom", "Film a zoom from home to here…", self.film_zoom),
        )

    def travelling(self) -> tuple[Command, ...]:
        """The entries of the View menu."""
        drawer = self._window.timeline
        return (
            Command("keyframe", "Add keyframe", drawer.add_keyframe, ("K",)),
            Command("play", "Play the journey, or stop", drawer.player.toggle),
            Command("loop", "Loop the journey", self._toggle_loop, checkable=True),
        )

    def sync(self, actions: dict[str, QAction]) -> None:
        """Which entries can be used now."""
        state, opened = self._model.state, self._model.document is not None
        for key in ("keyframe", "film_zoom"):
            actions[key].setEnabled(opened)
        for key in ("play", "loop", "film"):
            actions[key].setEnabled(opened and bool(state.keyframes))
        actions["loop"].setChecked(state.loop)

    def film(self) -> None:
        """Open the dialog for the journey, or bring it to the front."""
        self._open("journey")

    def film_zoom(self) -> None:
        """Open the dialog for a plain zoom from the whole picture to what is shown."""
        self._open("zoom")

    def escape(self) -> bool:
        """Stop what plays, else what is filmed; whether there was anything."""
        if self._window.timeline.player.playing:
            self._window.timeline.player.stop()
        elif self.exporter.busy:
            self.exporter.cancel()
        else:
            return False
        return True

    def stop(self) -> None:
        """Stop playing, give up what is being filmed and wait for it."""
        self._window.timeline.player.stop()
        self.exporter.stop()
        if self.dialog is not None:
            self.dialog.close()

    def _toggle_loop(self) -> None:
        self._model.update(loop=not self._model.state.loop)

    def _open(self, what: What) -> None:
        if self._model.document is None:
            return
        if self.dialog is None or not self.dialog.isVisible():
            if self.exporter.busy:
                self._model.notice.emit("info", "A video is still being made.")
                return
            self.dialog = VideoDialog(self._window, self.exporter, self._begin, what, self._free_path())
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def _begin(self, choice: VideoChoice) -> None:
        engine = self._bridge.engine
        session = self._opening.session(choice.options.size)
        if not isinstance(engine, CheckpointEngine) or session is None:
            raise InputError("nothing is open that could be filmed")
        keyframes, loop = self._keyframes(choice)
        check_video(choice.path, choice.options.size, choice.options.fps)
        if not Journey(keyframes, engine.config.num_ws, loop=loop).seconds:
            raise InputError("the journey takes no time; give a segment some seconds, or add a keyframe")
        request = VideoRequest(choice.path, keyframes, loop, choice.options, session)
        self._window.timeline.player.stop()
        self.exporter.start(request, engine.generator, self._device)
        self._window.settings.set_folder("video", choice.path.parent)

    def _keyframes(self, choice: VideoChoice) -> tuple[tuple[Keyframe, ...], bool]:
        state = self._model.state
        if choice.what == "zoom":
            return timeline.zoom_from_home(state, choice.seconds), False
        if not state.keyframes:
            raise InputError("the journey has no keyframes yet; add some, or film a zoom from home to here")
        return state.keyframes, state.loop

    def _finished(self, path: Path) -> None:
        folder = QUrl.fromLocalFile(str(path if path.is_dir() else path.parent)).toString()
        self._window.notices.show_notice("info", f"Saved {path.name}.", (folder, "Show the folder"))

    def _failed(self, message: str) -> None:
        if self.dialog is None or not self.dialog.isVisible():
            self._model.notice.emit("error", sentence(message))

    def _free_path(self) -> Path:
        movies = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.MoviesLocation)
        found = self._window.settings.folder("video") or Path(movies or "")
        folder = found if found.is_dir() else Path.home()
        document = self._model.document
        stem = f"{document.name}-journey" if document is not None else "journey"
        path, number = folder / f"{stem}.mp4", 1
        while path.exists():
            number += 1
            path = folder / f"{stem}-{number}.mp4"
        return path
