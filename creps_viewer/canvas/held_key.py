"""Whether a key is held down, told from the events that say so; repeats of a held key are not releases."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QKeyEvent


class HeldKey:
    """One plain key of a widget."""

    def __init__(self, key: Qt.Key) -> None:
        self._key = key
        self.down = False

    def watch(self, event: QEvent) -> bool:
        """Take note of a key event; True when it is this key's and nobody else's business."""
        if not isinstance(event, QKeyEvent) or event.key() != self._key:
            return False
        if event.type() == QEvent.Type.KeyRelease:
            self.down = self.down and event.isAutoRepeat()
            return True
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if event.type() == QEvent.Type.ShortcutOverride and plain:
            event.accept()
        elif event.type() == QEvent.Type.KeyPress and plain:
            self.down = True
        return plain
