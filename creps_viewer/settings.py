"""What the viewer remembers between runs: window, folded sections, recent files, last folders.

One ini file in the platform's configuration folder. Everything read is checked, so that a damaged file
costs the layout and nothing more. What is *shown* is not here: that is the autosaved session.
"""

from __future__ import annotations

import logging
from pathlib import Path

import platformdirs
from PyQt6.QtCore import QByteArray, QSettings

RECENT_FILES = 10

log = logging.getLogger(__name__)


def config_folder() -> Path:
    """Where settings live on this platform."""
    return Path(platformdirs.user_config_dir("creps-viewer", appauthor=False))


def state_folder() -> Path:
    """Where the autosaved session and the log live on this platform."""
    return Path(platformdirs.user_state_dir("creps-viewer", appauthor=False))


class Settings:
    """The remembered layout; `path` None keeps nothing (screenshots)."""

    def __init__(self, path: Path | None) -> None:
        self._store: QSettings | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            log.warning("settings are not remembered: %s", error)
            return
        self._store = QSettings(str(path), QSettings.Format.IniFormat)
        if self._store.status() != QSettings.Status.NoError:
            log.warning("the settings file %s is damaged and starts anew", path)
            self._store.clear()

    @property
    def first_start(self) -> bool:
        """Whether no run has ended with these settings yet."""
        return not self.flag("window/known", False)

    def flag(self, key: str, default: bool) -> bool:
        """A remembered yes or no."""
        text = self._text(key).lower()
        return {"true": True, "false": False}.get(text, default)

    def set_flag(self, key: str, value: bool) -> None:
        """Remember a yes or no."""
        self._set(key, "true" if value else "false")

    def geometry(self) -> QByteArray | None:
        """The window's place and size, or None."""
        return self._bytes("window/geometry")

    def set_geometry(self, geometry: QByteArray) -> None:
        """Remember the window's place and size."""
        self._set("window/geometry", geometry)
        self.set_flag("window/known", True)

    def recent(self) -> list[Path]:
        """The files opened last, newest first; they may be gone."""
        if self._store is None:
            return []
        try:
            values = self._store.value("recent/files")
        except Exception as error:  # noqa: BLE001 - a damaged file makes Qt's conversion raise anything
            log.warning("the list of recent files cannot be read: %s", error)
            return []
        names = [values] if isinstance(values, str) else values if isinstance(values, list) else []
        return [Path(name) for name in names if isinstance(name, str) and name][:RECENT_FILES]

    def add_recent(self, path: Path) -> None:
        """Put `path` first in the list of recent files."""
        path = path.resolve()
        self._set(
            "recent/files", [str(p) for p in [path, *(p for p in self.recent() if p != path)]][:RECENT_FILES]
        )
        self.sync()

    def clear_recent(self) -> None:
        """Forget the recent files."""
        self._set("recent/files", [])

    def folder(self, purpose: str) -> Path | None:
        """The folder used last for `purpose` ("open", "export"), if it still exists."""
        text = self._text(f"folders/{purpose}")
        return Path(text) if text and Path(text).is_dir() else None

    def set_folder(self, purpose: str, folder: Path) -> None:
        """Remember a folder."""
        self._set(f"folders/{purpose}", str(folder))

    def sync(self) -> None:
        """Write to disk now."""
        if self._store is not None:
            self._store.sync()

    def _set(self, key: str, value: object) -> None:
        if self._store is not None:
            self._store.setValue(key, value)

    def _text(self, key: str) -> str:
        value = self._value(key)
        return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else ""

    def _bytes(self, key: str) -> QByteArray | None:
        value = self._value(key)
        return value if isinstance(value, QByteArray) and not value.isEmpty() else None

    def _value(self, key: str) -> object:
        if self._store is None:
            return None
        try:
            return self._store.value(key)
        except Exception as error:  # noqa: BLE001 - a damaged file makes Qt's conversion raise anything
            log.warning("the setting %s cannot be read: %s", key, error)
            return None
