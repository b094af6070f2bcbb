"""A field into which a number is typed: short when read, in full when edited, calm about bad input."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from PyQt6.QtCore import QPoint, QPropertyAnimation, Qt, pyqtSignal
from PyQt6.QtGui import QFocusEvent, QKeyEvent
from PyQt6.QtWidgets import QLineEdit, QToolTip

from creps_core.errors import InputError
from creps_viewer.theme import repolish

_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,4})?", re.IGNORECASE)


class NumberField(QLineEdit):
    """Text on one side, a value on the other; Enter or leaving the field commits.

    What cannot be read is coloured and shaken, and a bubble says what is expected; the value stays as it
    was, and Escape or leaving the field shows it again. Up and Down step where a step is given.

    Args:
        name: what the field is, for screen readers.
        parse: text to value; raises `InputError` with one sentence on what is expected.
        short: value to the text shown while reading.
        full: value to the text shown while editing, with nothing lost; `short` where it loses nothing.
        step: (value, number of steps) to the next value.
    """

    committed = pyqtSignal(object)  # the new value, typed or stepped by the user
    rejected = pyqtSignal(str)  # what was expected

    def __init__(
        self,
        name: str,
        parse: Callable[[str], Any],
        short: Callable[[Any], str],
        full: Callable[[Any], str] | None = None,
        step: Callable[[Any, float], Any] | None = None,
    ) -> None:
        super().__init__()
        self._parse, self._short, self._full, self._step = parse, short, full or short, step
        self._value: Any = None
        self._bad = False
        self.setAccessibleName(name)
        self.returnPressed.connect(self._return_pressed)
        self.textEdited.connect(lambda _: self._mark(False))

    @property
    def value(self) -> Any:
        """The value shown, or None before the first `set_value`."""
        return self._value

    def set_value(self, value: Any) -> None:
        """Show `value`; emits nothing. Text being typed is left alone until the value differs."""
        if value == self._value and (self.hasFocus() or self._bad):
            return
        self._value = value
        self._show_value()

    def type_text(self, text: str) -> None:
        """Take `text` as if typed and confirmed (paste, tests of the whole window)."""
        self.setText(text)
        self._commit(keep_bad_text=True)

    def _show_value(self) -> None:
        self._mark(False)
        if self._value is None:
            self.setText("")
            return
        self.setText(self._full(self._value) if self.hasFocus() else self._short(self._value))
        if not self.hasFocus():
            self.setCursorPosition(0)

    def _return_pressed(self) -> None:
        if self._commit(keep_bad_text=True):
            self._show_value()
            self.selectAll()

    def _commit(self, *, keep_bad_text: bool) -> bool:
        text = self.text().strip()
        if self._value is not None and text in (self._full(self._value), self._short(self._value)):
            return True  # nothing was changed: a rounded reading must not become the value
        try:
            value = self._parse(text)
        except InputError as error:
            self._reject(str(error), keep_bad_text)
            return False
        self._mark(False)
        if value != self._value:
            self._value = value
            self.committed.emit(value)
        return True

    def _reject(self, expected: str, keep_bad_text: bool) -> None:
        if keep_bad_text:
            self._mark(True)
            self.selectAll()
        else:
            self._show_value()
        self._shake()
        words = expected[:1].upper() + expected[1:]
        QToolTip.showText(self.mapToGlobal(QPoint(0, self.height())), words, self)
        self.rejected.emit(expected)

    def _mark(self, bad: bool) -> None:
        if bad != self._bad:
            self._bad = bad
            self.setProperty("bad", bad)
            repolish(self)

    def _shake(self) -> None:
        shake = QPropertyAnimation(self, b"pos", self)
        home = self.pos()
        shake.setDuration(220)
        for share, offset in ((0.0, 0), (0.2, -4), (0.45, 4), (0.7, -2), (1.0, 0)):
            shake.setKeyValueAt(share, home + QPoint(offset, 0))
        shake.start(QPropertyAnimation.DeletionPolicy.DeleteWhenStopped)

    def focusInEvent(self, a0: QFocusEvent | None) -> None:
        super().focusInEvent(a0)
        if not self._bad:
            self._show_value()
        self.selectAll()

    def focusOutEvent(self, a0: QFocusEvent | None) -> None:
        super().focusOutEvent(a0)
        if a0 is not None and a0.reason() in (
            Qt.FocusReason.PopupFocusReason,
            Qt.FocusReason.MenuBarFocusReason,
        ):
            return
        self._commit(keep_bad_text=False)
        self._show_value()

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is None:
            return
        key = a0.key()
        if key == Qt.Key.Key_Escape:
            self._show_value()
            self.clearFocus()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and self._step is not None and self._value is not None:
            fine = 0.1 if a0.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            if self._commit(keep_bad_text=True):
                self._value = self._step(self._value, fine if key == Qt.Key.Key_Up else -fine)
                self._show_value()
                self.committed.emit(self._value)
        else:
            super().keyPressEvent(a0)


def parse_real(text: str, what: str = "a number", least: float = -math.inf, most: float = math.inf) -> float:
    """A typed number, forgiving about × and ° at the end, the typographic minus and a decimal comma."""
    value = float(parse_exact(text, what))
    if not math.isfinite(value) or not least <= value <= most:
        raise InputError(f"expected {what}{_range_words(least, most)}")
    return value


def parse_exact(text: str, what: str = "a number") -> Fraction:
    """A typed decimal with any number of digits, exactly; `1.5e-7` and `1,5e-7` are understood."""
    plain = text.strip().replace("−", "-").rstrip("×x°% ").strip()
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    if not _DECIMAL.fullmatch(plain):
        raise InputError(f"expected {what}, as in 0.5 or 1.5e-7")
    value = Fraction(plain)
    if abs(value) > Fraction(10) ** 300:
        raise InputError(f"expected {what} below 1e300")
    return value


def parse_whole(text: str, what: str, least: int, most: int) -> int:
    """A typed whole number in [least, most]."""
    plain = text.strip().replace("−", "-").replace(" ", "")
    if not re.fullmatch(r"[+-]?\d{1,30}", plain) or not least <= int(plain) <= most:
        raise InputError(f"expected {what} from {least} to {most}")
    return int(plain)


def _range_words(least: float, most: float) -> str:
    if math.isfinite(least) and math.isfinite(most):
        return f" from {least:g} to {most:g}"
    if math.isfinite(least):
        return f" of at least {least:g}"
    return f" of at most {most:g}" if math.isfinite(most) else ""
