"""The warps that bend the window: a chooser to add one, and for each its numbers and a way to remove it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from creps_core.warps import Lens, Swirl, Tilt, Warp, Wave
from creps_viewer.panels.rows import Choice, Row, SliderRow
from creps_viewer.theme import QUIET

MOST = 12  # warps that can be stacked by hand

FRESH: dict[str, Warp] = {
    "lens": Lens(0.0, 0.0, 0.3, 1.0),
    "swirl": Swirl(0.0, 0.0, 0.4, 90.0),
    "wave": Wave(0.0, 0.02, 3.0, 0.0, 0.0),
    "tilt": Tilt(0.0, 0.5),
}
CHOICES = (("lens", "Lens"), ("swirl", "Swirl"), ("wave", "Wave"), ("tilt", "Tilt"))

# Per parameter: label, slider ends, typed ends, what it does. Units: shorter sides, octaves, degrees.
NUMBERS: dict[str, dict[str, tuple[str, float, float, float, float, str]]] = {
    "lens": {
        "x": ("x", -1, 1, -1e6, 1e6, "Centre, shorter sides right of the window's middle"),
        "y": ("y", -1, 1, -1e6, 1e6, "Centre, shorter sides below the window's middle"),
        "r": ("Radius", 0.01, 1, 1e-6, 1e6, "Radius in shorter sides"),
        "s": ("Strength", -3, 3, -32, 32, "Octaves by which the centre is magnified"),
    },
    "swirl": {
        "x": ("x", -1, 1, -1e6, 1e6, "Centre, shorter sides right of the window's middle"),
        "y": ("y", -1, 1, -1e6, 1e6, "Centre, shorter sides below the window's middle"),
        "r": ("Radius", 0.01, 1, 1e-6, 1e6, "Radius in shorter sides"),
        "deg": ("Degrees", -360, 360, -1e6, 1e6, "Turn at the centre, clockwise"),
    },
    "wave": {
        "ax": ("Swing x", -0.2, 0.2, -1e6, 1e6, "Largest displacement along x, in shorter sides"),
        "ay": ("Swing y", -0.2, 0.2, -1e6, 1e6, "Largest displacement along y, in shorter sides"),
        "fx": ("Waves x", -10, 10, -1e6, 1e6, "Cycles per shorter side along x"),
        "fy": ("Waves y", -10, 10, -1e6, 1e6, "Cycles per shorter side along y"),
        "phase": ("Phase", -180, 180, -1e6, 1e6, "Degrees"),
    },
    "tilt": {
        "ax": ("Lean x", -1.5, 1.5, -1e6, 1e6, "Slope along x: positive leans the right side back"),
        "ay": ("Lean y", -1.5, 1.5, -1e6, 1e6, "Slope along y: positive leans the bottom back"),
    },
}


class WarpList(QWidget):
    """Shows a stack of warps and hands edited stacks back; it keeps none of its own.

    Args:
        write: takes the new stack.
        begin, end: bracket the drag of one slider.
    """

    def __init__(
        self, write: Callable[[tuple[Warp, ...]], None], begin: Callable[[], None], end: Callable[[], None]
    ) -> None:
        super().__init__()
        self._write, self._begin, self._end = write, begin, end
        self._shown: tuple[Warp, ...] = ()
        self.cards: list[WarpCard] = []
        self.add = Choice(CHOICES, "Add a warp")
        self.add.setPlaceholderText("Add…")
        self.add.setCurrentIndex(-1)
        self.add.activated.connect(self._add)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._column.addWidget(
            Row("Warp", self.add, tip="Bend the window; warps apply from the first to the last")
        )

    def show_warps(self, warps: tuple[Warp, ...]) -> None:
        """Show this stack; cards are rebuilt only when the kinds change."""
        if [type(w) for w in warps] != [type(w) for w in self._shown]:
            self._rebuild(warps)
        self._shown = warps
        for card, warp in zip(self.cards, warps, strict=True):
            card.show_warp(warp)

    def _rebuild(self, warps: tuple[Warp, ...]) -> None:
        for card in self.cards:
            card.setParent(None)
            card.deleteLater()
        self.cards = []
        for index, warp in enumerate(warps):
            card = WarpCard(warp, self._begin, self._end)
            card.edit = functools.partial(self._edit, index)
            card.remove.clicked.connect(lambda _checked, i=index: self._remove(i))
            self.cards.append(card)
            self._column.addWidget(card)

    def _add(self, index: int) -> None:
        kind = self.add.itemData(index)
        self.add.setCurrentIndex(-1)
        if len(self._shown) < MOST:
            self._write((*self._shown, FRESH[kind]))

    def _edit(self, index: int, name: str, value: float) -> None:
        warps = list(self._shown)
        numbers: dict[str, Any] = {name: value}
        warps[index] = dataclasses.replace(warps[index], **numbers)
        self._write(tuple(warps))

    def _remove(self, index: int) -> None:
        self._write(self._shown[:index] + self._shown[index + 1 :])


class WarpCard(QWidget):
    """One warp: its name, a cross to remove it, and a slider for each of its numbers."""

    def __init__(self, warp: Warp, begin: Callable[[], None], end: Callable[[], None]) -> None:
        super().__init__()
        self.edit: Callable[[str, float], None] = lambda _name, _value: None
        kind = type(warp).__name__.lower()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 2)
        column.setSpacing(2)
        title = QLabel(kind.capitalize())
        title.setStyleSheet(f"color: {QUIET}; font-weight: 600;")
        self.remove = QToolButton()
        self.remove.setText("✕")
        self.remove.setToolTip(f"Remove this {kind}")
        self.remove.setAccessibleName(f"Remove this {kind}")
        self.remove.setCursor(Qt.CursorShape.PointingHandCursor)
        line = QHBoxLayout()
        line.addWidget(title, 1)
        line.addWidget(self.remove)
        column.addLayout(line)
        self.rows: dict[str, SliderRow] = {}
        for name, (label, least, most, low, high, tip) in NUMBERS[kind].items():
            step = 1.0 if most - least > 100 else 0.01
            default = getattr(FRESH[kind], name)
            row = SliderRow(label, least, most, default, step=step, typed=(low, high), tip=tip)
            row.edited.connect(lambda value, n=name: self.edit(n, value))
            row.slider.drag_started.connect(begin)
            row.slider.drag_finished.connect(end)
            row.label.setIndent(8)
            self.rows[name] = row
            column.addWidget(row)

    def show_warp(self, warp: Warp) -> None:
        """Show the numbers of `warp`; emits nothing."""
        for name, row in self.rows.items():
            row.set_value(getattr(warp, name))
