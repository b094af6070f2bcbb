"""What the menus, the header's buttons and the notices' links do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QObject, QStandardPaths, QUrl
from PyQt6.QtGui import QDesktopServices, QGuiApplication, QImage
from PyQt6.QtWidgets import QFileDialog

from creps_core.errors import CrepsError, InputError
from creps_core.picture_export import ExportOptions, check_export
from creps_core.session import session_from_json, session_to_json
from creps_core.sheet import session_of
from creps_viewer.actions import RULE, Command, Menus, RecentMenu
from creps_viewer.comparisons import Comparisons
from creps_viewer.export_choice import ExportChoice
from creps_viewer.export_dialog import ExportDialog
from creps_viewer.exporter import Exporter, ExportRequest
from creps_viewer.following import Follower
from creps_viewer.help_dialog import AboutDialog
from creps_viewer.journeys import Journeys
from creps_viewer.main_window import MainWindow
from creps_viewer.opening import CHECKPOINTS, SESSIONS, Opening, sentence
from creps_viewer.panels.seed_sheet import SeedSheet
from creps_viewer.service.bridge import RenderBridge
from creps_viewer.service.engine import CheckpointEngine
from creps_viewer.service.second import SecondPicture

NEED_DOCUMENT = (
    "reload", "follow", "snapshot", "export", "copy_picture", "copy_view", "random", "home", "seeds",
    "inspect",
)  # fmt: skip


class Commands(QObject):
    """Binds the window's menus and buttons to the model, the bridge and the exporter."""

    def __init__(
        self,
        window: MainWindow,
        bridge: RenderBridge,
        opening: Opening,
        gesture: Callable[[str], None],
        device: str,
        second: SecondPicture,
    ) -> None:
        super().__init__(window)
        self.window, self.model = window, window.model
        self._bridge, self._opening, self._device = bridge, opening, device
        self._gesture = gesture  # runs a command of the canvas, gliding
        self.exporter = Exporter()
        self.follower = Follower(self.model, bridge)
        self.journeys = Journeys(window, bridge, opening, device)
        self.comparisons = Comparisons(window, opening, second)
        self.dialog: ExportDialog | None = None
        self.seeds: SeedSheet | None = None
        self._snapshot: Path | None = None  # being written
        self.menus = Menus(window)
        self._add_menus()
        self._connect()
        self._sync()

    def _add_menus(self) -> None:
        window, menus = self.window, self.menus
        recent = RecentMenu(window, window.settings, self._opening.open)
        file = menus.add(
            "File",
            Command("open", "Open…", self.open_dialog, ("Ctrl+O",)),
            recent,
            Command("reload", "Reload", self._opening.reload, ("F5",)),
            Command("follow", "Follow this file", self._toggle_follow, checkable=True),
            RULE,
            Command("snapshot", "Snapshot", self.snapshot, ("Ctrl+Shift+S",)),
            Command("export", "Save picture…", self.export, ("Ctrl+S",)),
            *self.journeys.saving(),
            RULE,
            Command("quit", "Quit", window.close, ("Ctrl+Q",)),
        )
        edit = menus.add(
            "Edit",
            Command("undo", "Undo", self.model.undo, ("Ctrl+Z",)),
            Command("redo", "Redo", self.model.redo, ("Ctrl+Shift+Z", "Ctrl+Y")),
            RULE,
            Command("random", "Random seed", lambda: self._gesture("random_seed"), ("R",)),
            RULE,
            Command("copy_picture", "Copy picture", self.copy_picture, ("Ctrl+C",)),
            Command("copy_view", "Copy view as text", self.copy_view, ("Ctrl+Shift+C",)),
            Command("paste", "Paste view", self.paste_view, ("Ctrl+V",)),
        )
        view = menus.add(
            "View",
            Command("home", "Home", lambda: self._gesture("home"), ("Home",)),
            Command("seeds", "Seed sheet", self.show_seeds, ("S",)),
            RULE,
            *self.journeys.travelling(),
            RULE,
            Command("panels", "Panels", window.toggle_panels, ("F9",), checkable=True),
            Command("inspect", "Look inside", window.toggle_inspector, ("B",), checkable=True),
            Command("readout", "Readout", lambda: self._gesture("readout"), ("I",)),
            Command("full_screen", "Full screen", window.toggle_full_screen, ("F", "F11"), checkable=True),
            RULE,
            menus.add("Compare", *self.comparisons.menu()),
            RULE,
            Command("help", "Gestures and keys", lambda: self._gesture("help"), ("H",)),
        )
        about = menus.add("Help", Command("about", "About and licences", lambda: AboutDialog(window).show()))
        for menu in (file, edit, view, about):
            window.header.add_menu(menu)
            menu.aboutToShow.connect(self._sync)

    def _connect(self) -> None:
        window, model, exporter = self.window, self.model, self.exporter
        window.header.snapshot.connect(self.snapshot)
        window.header.inspect.connect(window.toggle_inspector)
        window.header.export.connect(self.export)
        window.file_dropped.connect(self._opening.open)
        window.notices.link.connect(self._follow_link)
        window.may_close = self._may_close
        self._opening.checkpoint_wanted.connect(
            lambda text: window.notices.show_notice("error", text, ("open", "Find it…"))
        )
        model.changed.connect(self._state_changed)
        model.document_changed.connect(self._sync)
        exporter.finished.connect(self._finished)
        exporter.failed.connect(self._failed)
        exporter.cancelled.connect(self._cancelled)

    def canvas_command(self, command: str) -> None:
        """A key on the canvas that is the window's business."""
        if command == "escape":
            self.escape()
        elif command in self.menus.actions:
            self.menus.actions[command].trigger()

    def escape(self) -> None:
        """Leave full screen, else give up what is being opened, saved or said."""
        if self.window.isFullScreen():
            self.window.toggle_full_screen()
        elif self._bridge.loading is not None:
            self._bridge.cancel_open()
        elif self.exporter.busy:
            self.exporter.cancel()
        elif not self.journeys.escape():
            self.window.notices.hide()

    def message_action(self, action: str) -> None:
        """What the link in the canvas's message does: open, retry or cancel."""
        {"open": self.open_dialog, "retry": self._bridge.retry, "cancel": self._bridge.cancel_open}.get(
            action, lambda: None
        )()

    def open_dialog(self) -> None:
        """Let the user pick a checkpoint or a session."""
        settings = self.window.settings
        folder = settings.folder("open") or Path.home()
        name, _ = QFileDialog.getOpenFileName(
            self.window,
            "Open a checkpoint or a session",
            str(folder),
            f"Checkpoints and sessions ({' '.join(f'*{s}' for s in CHECKPOINTS + SESSIONS)});;All files (*)",
        )
        if name:
            settings.set_folder("open", Path(name).parent)
            self._opening.open(Path(name))

    def copy_picture(self) -> None:
        """The picture as it is on the screen, without what lies over it."""
        frame = self.model.frame
        clipboard = QGuiApplication.clipboard()
        if frame is None or clipboard is None:
            self.model.notice.emit("info", "There is no picture to copy yet.")
            return
        height, width = frame.pixels.shape[:2]
        image = QImage(frame.pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBX8888)
        clipboard.setImage(image.copy())
        still = "" if frame.settled else " It was still being refined."
        self.model.notice.emit("info", f"Copied the picture, {width} × {height}.{still}")

    def copy_view(self) -> None:
        """The whole session as text, so that it can be mailed and pasted."""
        session, clipboard = self._opening.session(self.model.canvas_size), QGuiApplication.clipboard()
        if session is None or clipboard is None:
            return
        clipboard.setText(session_to_json(session, portable=True))
        self.model.notice.emit("info", "Copied the view as text; Paste view brings it back.")

    def paste_view(self) -> None:
        """Show the session whose text is on the clipboard."""
        clipboard = QGuiApplication.clipboard()
        text = clipboard.text() if clipboard is not None else ""
        try:
            self._opening.restore(session_from_json(text))
        except InputError as error:
            self.model.notice.emit("warning", sentence(f"the clipboard holds no view: {error}"))

    def export(self) -> None:
        """Open the export dialog, or bring it to the front."""
        if self.model.document is None:
            return
        if self.dialog is None or not self.dialog.isVisible():
            if self.exporter.busy:
                self.model.notice.emit("info", "A picture is still being saved.")
                return
            path = free_name(self._folder(), self._stem(), ".png")
            self.dialog = ExportDialog(self.window, self.exporter, self._begin, self.model.canvas_size, path)
        self.dialog.show()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def snapshot(self) -> None:
        """Save what the window shows, at its size, without asking anything."""
        if self.model.document is None:
            return
        if self.exporter.busy:
            self.model.notice.emit("info", "A picture is still being saved.")
            return
        path = free_name(self._folder(), self._stem(), ".png")
        try:
            self._begin(ExportChoice(path, self.model.canvas_size, 8))
        except CrepsError as error:
            self.model.notice.emit("error", sentence(str(error)))
            return
        self._snapshot = path

    def _begin(self, choice: ExportChoice) -> None:
        engine, state = self._bridge.engine, self.model.state
        session = self._opening.session(choice.size)
        if not isinstance(engine, CheckpointEngine) or session is None:
            raise InputError("nothing is open that could be saved")
        options = ExportOptions(choice.bits, choice.pyramid)
        check_export(choice.path, options, choice.whole)
        metadata = session_to_json(session_of(session, choice.sheet), portable=True)
        request = ExportRequest(
            choice.path, choice.size, state.view, state.sources, state.mix, metadata, options, choice.sheet
        )
        self._snapshot = None
        self.exporter.start(request, engine.generator, self._device)
        self.window.settings.set_folder("export", choice.path.parent)

    def _finished(self, path: Path) -> None:
        folder = QUrl.fromLocalFile(str(path.parent)).toString()
        self.window.notices.show_notice("info", f"Saved {path.name}.", (folder, "Show the folder"))
        self._snapshot = None

    def _failed(self, message: str) -> None:
        if self._snapshot is not None or self.dialog is None or not self.dialog.isVisible():
            self.model.notice.emit("error", sentence(message))
        self._snapshot = None

    def _cancelled(self) -> None:
        self._snapshot = None

    def _may_close(self) -> bool:
        if not (self.exporter.busy or self.journeys.exporter.busy):
            return True
        what = "picture" if self.exporter.busy else "video"
        if not self.window.ask(f"A {what} is still being saved.", "Stop and quit", "Go on"):
            return False
        self.exporter.cancel()
        self.journeys.exporter.cancel()
        return True

    def _toggle_follow(self) -> None:
        self.follower.set_on(not self.follower.on)
        self._sync()

    def show_seeds(self) -> None:
        """Open the seed sheet at the present seed, or bring it to the front."""
        if self.seeds is None:
            self.seeds = SeedSheet(self.window, self.model)
            self.seeds.go_to(self.model.state.sources[0].seed or 0)
        self.seeds.show()
        self.seeds.raise_()
        self.seeds.activateWindow()

    def stop(self) -> None:
        """Give up what is being saved and wait for it; follow nothing."""
        self.follower.stop()
        if self.seeds is not None:
            self.seeds.release()
            self.seeds.close()
        self.exporter.stop()
        self.journeys.stop()
        if self.dialog is not None:
            self.dialog.close()

    def _follow_link(self, target: str) -> None:
        if target == "open":
            self.open_dialog()
        else:
            QDesktopServices.openUrl(QUrl(target))

    def _state_changed(self, *_: object) -> None:
        self._sync()

    def _sync(self, *_: object) -> None:
        actions, opened = self.menus.actions, self.model.document is not None
        actions["undo"].setEnabled(self.model.can_undo)
        actions["redo"].setEnabled(self.model.can_redo)
        for key in NEED_DOCUMENT:
            actions[key].setEnabled(opened)
        actions["follow"].setChecked(self.follower.on)
        self.journeys.sync(actions)
        self.comparisons.sync(actions)
        actions["inspect"].setChecked(self.model.state.inspector.open)
        actions["panels"].setChecked(self.window.panels_visible)
        actions["full_screen"].setChecked(self.window.isFullScreen())

    def _folder(self) -> Path:
        pictures = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        found = self.window.settings.folder("export") or Path(pictures or "")
        return found if found.is_dir() else Path.home()

    def _stem(self) -> str:
        document, first = self.model.document, self.model.state.sources[0]
        name = document.name if document is not None else "picture"
        return f"{name}-seed{first.seed}" if first.seed is not None else name


def free_name(folder: Path, stem: str, suffix: str) -> Path:
    """A file name in `folder` that is not taken: stem.png, else stem-2.png and so on."""
    path, number = folder / f"{stem}{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{suffix}"
    return path
