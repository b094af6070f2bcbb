"""The menus and their keys, as a table; what they do belongs to the main window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMenu, QWidget

from creps_viewer.settings import Settings

RULE = None  # a separator


@dataclass(frozen=True)
class Command:
    """One entry of a menu."""

    key: str  # the action's name in `Menus.actions`
    text: str
    run: Callable[[], object]
    shortcuts: tuple[str, ...] = ()
    checkable: bool = False


class Menus:
    """Builds menus of commands; the actions belong to `window`, so that keys work with the menus hidden."""

    def __init__(self, window: QWidget) -> None:
        self._window = window
        self.actions: dict[str, QAction] = {}
        self.menus: list[QMenu] = []

    def add(self, title: str, *entries: Command | QMenu | None) -> QMenu:
        """A menu of commands, submenus and separators (None)."""
        menu = QMenu(title, self._window)
        menu.setToolTipsVisible(True)
        for entry in entries:
            if entry is None:
                menu.addSeparator()
            elif isinstance(entry, QMenu):
                menu.addMenu(entry)
            else:
                menu.addAction(self._action(entry))
        self.menus.append(menu)
        return menu

    def _action(self, command: Command) -> QAction:
        action = QAction(command.text, self._window)
        action.setShortcuts([QKeySequence(key) for key in command.shortcuts])
        action.setCheckable(command.checkable)
        action.triggered.connect(lambda _checked=False: command.run())
        self._window.addAction(action)
        self.actions[command.key] = action
        return action


class RecentMenu(QMenu):
    """Open recent: rebuilt when it opens; files that are gone are grey."""

    def __init__(self, parent: QWidget, settings: Settings, open_file: Callable[[Path], object]) -> None:
        super().__init__("Open recent", parent)
        self._settings, self._open = settings, open_file
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self.fill)

    def fill(self) -> None:
        """List the files opened last."""
        self.clear()
        paths = self._settings.recent()
        for path in paths:
            action = QAction(path.name, self)
            action.setToolTip(str(path))
            action.setEnabled(path.is_file())
            action.triggered.connect(lambda _checked=False, p=path: self._open(p))
            self.addAction(action)
        self.addSeparator()
        forget = QAction("Forget these" if paths else "Nothing opened yet", self)
        forget.setEnabled(bool(paths))
        forget.triggered.connect(lambda _checked=False: self._settings.clear_recent())
        self.addAction(forget)
