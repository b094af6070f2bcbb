"""What the Compare menu, its keys and the header's button do; files to compare with are picked here."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QObject, Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import QApplication, QFileDialog

from creps_core.comparison import Comparison
from creps_core.session import Session
from creps_viewer.actions import RULE, Command
from creps_viewer.main_window import MainWindow
from creps_viewer.model import comparing
from creps_viewer.opening import SESSIONS, Opening, same_checkpoint
from creps_viewer.service.second import SecondPicture


class Comparisons(QObject):
    """Binds menu, bar and header to the model's comparison."""

    def __init__(self, window: MainWindow, opening: Opening, second: SecondPicture) -> None:
        super().__init__(window)
        self._window, self._model = window, window.model
        self._opening, self._second = opening, second
        window.header.compare.connect(self.toggle)
        window.compare_bar.file_wanted.connect(self.pick_file)

    def menu(self) -> tuple[Command | None, ...]:
        """The Compare menu's entries."""
        return (
            Command("compare", "With another seed", self.toggle, ("C",), checkable=True),
            Command("compare_mix", "With the mix's second source", self.compare_mix),
            Command("compare_file", "With a checkpoint or session…", self.pick_file),
            Command("residual", "Scale consistency", self.toggle_residual, ("Shift+C",), checkable=True),
            RULE,
            Command("compare_layout", "Side by side", self._toggle_layout, ("X",), checkable=True),
            Command("compare_link", "Linked views", self._toggle_link, ("U",), checkable=True),
            Command("wipe_left", "Wipe line to the left", lambda: self._move_line(-1), (",",)),
            Command("wipe_right", "Wipe line to the right", lambda: self._move_line(1), (".",)),
        )

    def sync(self, actions: dict[str, QAction]) -> None:
        """Which entries can be used now, and which hold."""
        state, opened = self._model.state, self._model.document is not None
        compare = state.compare
        for key in ("compare", "compare_file", "residual"):
            actions[key].setEnabled(opened)
        actions["compare_mix"].setEnabled(opened and len(state.sources) > 1)
        for key in ("compare_layout", "compare_link", "wipe_left", "wipe_right"):
            actions[key].setEnabled(opened and compare is not None)
        actions["compare"].setChecked(compare is not None and compare.shows == "picture")
        actions["residual"].setChecked(compare is not None and compare.shows == "residual")
        actions["compare_layout"].setChecked(compare is not None and compare.layout == "side")
        actions["compare_link"].setChecked(compare is not None and compare.linked)
        self._window.header.compare_button.setChecked(compare is not None)
        self._window.header.compare_button.setEnabled(opened)

    def toggle(self) -> None:
        """Compare with another seed, with Shift with the mix's second source; or with nothing any more."""
        shift = bool(QApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier)
        if shift and self._model.state.compare is None:
            self.compare_mix()
        else:
            self._show(comparing.toggled(self._model.state))

    def compare_mix(self) -> None:
        """Compare with the mix's second source."""
        self._show(comparing.toggled(self._model.state, mixed_in=True))

    def toggle_residual(self) -> None:
        """The scale-consistency view on or off."""
        self._show(comparing.toggled_residual(self._model.state))

    def pick_file(self) -> None:
        """Let the user pick what to compare with."""
        settings = self._window.settings
        name, _ = QFileDialog.getOpenFileName(
            self._window,
            "Compare with a checkpoint or a session",
            str(settings.folder("open") or Path.home()),
            "Checkpoints and sessions (*.safetensors *.pkl *.json *.png *.mp4 *.webm);;All files (*)",
        )
        if name:
            settings.set_folder("open", Path(name).parent)
            self.compare_with(Path(name))

    def compare_with(self, path: Path) -> None:
        """Compare with a checkpoint or a session's picture; what cannot be read changes nothing."""
        if self._model.document is None:
            return
        if path.suffix.lower() not in SESSIONS:
            self._second.open(path, comparing.with_checkpoint(self._model.state))
            return
        session = self._opening.session_in(path)
        if session is not None:
            self._compare_session(session, path.parent)

    def _compare_session(self, session: Session, folder: Path) -> None:
        document = self._model.document
        assert document is not None
        wanted = comparing.with_session(self._model.state, session)
        if same_checkpoint(session, document):
            self._show(wanted)
            return
        path = self._opening.locate(session.checkpoint, folder)
        if path is None:
            name = session.checkpoint.name
            self._model.notice.emit("error", f"This session needs the checkpoint {name}, which is not here.")
        else:
            self._second.open(path, wanted)

    def _toggle_layout(self) -> None:
        compare = self._model.state.compare
        if compare is not None:
            self._show(comparing.with_layout_toggled(compare))

    def _toggle_link(self) -> None:
        compare = self._model.state.compare
        if compare is not None:
            self._show(comparing.with_link_toggled(self._model.state, compare))

    def _move_line(self, steps: int) -> None:
        compare = self._model.state.compare
        if compare is not None:
            self._show(comparing.with_wipe(compare, compare.wipe + steps * comparing.WIPE_STEP))

    def _show(self, compare: Comparison | None) -> None:
        if self._model.document is not None:
            self._model.update(compare=compare)
