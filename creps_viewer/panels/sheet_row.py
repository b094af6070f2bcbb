"""One picture or a sheet of seeds: the row of the export form that asks."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QLineEdit

from creps_core.sheet import Sheet, parse_seeds
from creps_viewer.panels.number_field import NumberField, parse_whole
from creps_viewer.panels.rows import Choice, Row

MOST_COLUMNS = 1000
_FIELD_PX = 74


class SheetRow(Row):
    """A choice, and for a sheet its seeds and columns."""

    changed = pyqtSignal()  # by the user, between one picture and a sheet

    def __init__(self) -> None:
        self.what = Choice((("view", "The view"), ("sheet", "A sheet of seeds")), "What")
        self.seeds = QLineEdit("0-63")
        self.seeds.setAccessibleName("Seeds")
        self.seeds.setToolTip("Seeds of the sheet, such as 0-63 or 3,7,20-29; each has the size below")
        self.columns = NumberField("Columns", _read_columns, lambda n: f"{n} across", str, _step)
        self.columns.setToolTip("Pictures side by side")
        self.columns.set_value(8)
        for field in (self.seeds, self.columns):
            field.setFixedWidth(_FIELD_PX)
        super().__init__("What", self.what, self.seeds, self.columns)
        self.what.activated.connect(self._choose)
        self._choose()

    @property
    def sheet(self) -> Sheet | None:
        """The sheet that is asked for, None for one picture. Raises `InputError` for what are no seeds."""
        if self.what.currentData() != "sheet":
            return None
        return Sheet(parse_seeds(self.seeds.text()), self.columns.value)

    def _choose(self, _index: int = 0) -> None:
        for field in (self.seeds, self.columns):
            field.setVisible(self.what.currentData() == "sheet")
        self.changed.emit()


def _read_columns(text: str) -> int:
    number = text.strip().removesuffix("across")
    return parse_whole(number, "a whole number of columns", 1, MOST_COLUMNS)


def _step(value: int, steps: float) -> int:
    return min(max(value + (1 if steps > 0 else -1), 1), MOST_COLUMNS)
