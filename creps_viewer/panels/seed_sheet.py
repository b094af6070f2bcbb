"""The seed sheet: a window of its own with an endless grid of seeds to pick A and B from."""

from __future__ import annotations

import random

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QCloseEvent, QHideEvent, QKeyEvent, QShowEvent
from PyQt6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from creps_core.source import MAX_SEED
from creps_viewer.model import mixing
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.number_field import NumberField, parse_whole
from creps_viewer.panels.seed_grid import CELL_PX, GAP_PX, SeedGrid

FIRST_SIZE = QSize(5 * (CELL_PX + GAP_PX) + 64, 4 * (CELL_PX + GAP_PX) + 84)


class SeedSheet(QDialog):
    """Stays beside the main window; both remain usable."""

    def __init__(self, parent: QWidget | None, model: ViewerModel) -> None:
        super().__init__(parent)
        self.setWindowTitle("Seeds")
        self.resize(FIRST_SIZE)
        self.setMinimumSize(CELL_PX + 80, CELL_PX + 100)
        self._model = model
        self.grid = SeedGrid(model)
        self.grid.picked.connect(self._pick)
        self.start = NumberField(
            "First seed", lambda text: parse_whole(text, "a whole number", 0, MAX_SEED), str, step=_step
        )
        self.start.setFixedWidth(110)
        self.start.set_value(0)
        self.start.setToolTip("The seed with which the sheet begins")
        self.start.committed.connect(self.grid.go_to)
        anywhere = QPushButton("Anywhere")
        anywhere.setAutoDefault(False)
        anywhere.setToolTip("Begin with a seed at random")
        anywhere.clicked.connect(lambda: self.go_to(random.randint(0, MAX_SEED)))
        hint = QLabel("Click for A, Shift-click for B")
        hint.setProperty("quiet", True)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(QLabel("From"))
        head.addWidget(self.start)
        head.addWidget(anywhere)
        head.addStretch(1)
        head.addWidget(hint)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 8, 12)
        column.setSpacing(10)
        column.addLayout(head)
        column.addWidget(self.grid, 1)
        self.grid.setFocus()

    def go_to(self, seed: int) -> None:
        """Begin the sheet with a seed."""
        self.start.set_value(seed)
        self.grid.go_to(seed)

    def release(self) -> None:
        """Ask for nothing any more: the window is about to go."""
        self.grid.release()

    def _pick(self, seed: int, as_b: bool) -> None:
        state = self._model.state
        if as_b:
            self._model.update(**mixing.with_second(state, mixing.second(state).reseeded(seed)))
        else:
            self._model.update(sources=(state.sources[0].reseeded(seed), *state.sources[1:]))

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is not None and a0.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return  # confirms the number; it presses no button
        super().keyPressEvent(a0)

    def showEvent(self, a0: QShowEvent | None) -> None:
        super().showEvent(a0)
        self.grid.refresh()

    def hideEvent(self, a0: QHideEvent | None) -> None:
        super().hideEvent(a0)
        self.grid.refresh()

    def closeEvent(self, a0: QCloseEvent | None) -> None:
        super().closeEvent(a0)
        self.grid.refresh()


def _step(seed: int, steps: float) -> int:
    return (seed + (1 if steps > 0 else -1)) % (MAX_SEED + 1)
