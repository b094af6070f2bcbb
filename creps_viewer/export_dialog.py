"""Save the view as a picture, at any size: the form. Rendering is `exporter`'s."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtWidgets import QFileDialog, QWidget

from creps_core.view import Size
from creps_viewer.export_choice import FORMATS, RESUMABLE, SUFFIXES, ExportChoice, presets
from creps_viewer.exporter import Exporter
from creps_viewer.panels.rows import Choice, Row
from creps_viewer.panels.sheet_row import SheetRow
from creps_viewer.saving_dialog import SavingDialog, Words

WORDS = Words(
    "Save the view as a picture", "Framed as in the window; every pixel is computed at this size.", "Save"
)


class ExportDialog(SavingDialog):
    """The form for pictures.

    Args:
        parent: the main window.
        exporter: does the work.
        begin: takes the form's answer; raises `CrepsError` when it cannot be done.
        window: the canvas's size in device pixels.
        path: the suggested file.
    """

    def __init__(
        self,
        parent: QWidget | None,
        exporter: Exporter,
        begin: Callable[[ExportChoice], None],
        window: Size,
        path: Path,
    ) -> None:
        super().__init__(parent, exporter, WORDS, presets(window), path)
        self.setFixedWidth(440)
        self._begin = begin
        self.sheet_row = SheetRow()
        self.sheet_row.changed.connect(self._use_what)
        self.format = Choice(FORMATS, "Format")
        self.format.activated.connect(self._use_format)
        self.lay_out([self.sheet_row, *self.size_rows, Row("Format", self.format)])

    @property
    def choice(self) -> ExportChoice:
        """What is asked for now."""
        kind = str(self.format.currentData())
        pyramid = kind.startswith("pyr")
        return ExportChoice(self.asked_path, self.asked_size, int(kind[3:]), pyramid, self.sheet_row.sheet)

    def start(self) -> str:
        self._begin(self.choice)
        return ""

    def stopped(self) -> str:
        if str(self.format.currentData())[:3] in RESUMABLE:
            return "Stopped; what is complete is kept: saving the same again goes on from there."
        return "Stopped; nothing was written."

    def choose(self) -> str:
        pictures = "Pictures (*.png *.tif *.tiff *.jpg *.jpeg *.dzi)"
        return QFileDialog.getSaveFileName(self, "Save the view as", self.path_field.text(), pictures)[0]

    def follow_suffix(self, text: str) -> None:
        suffix = Path(text.strip()).suffix.lower()
        if suffix in SUFFIXES[str(self.format.currentData())[:3]]:
            return
        for kind, suffixes in SUFFIXES.items():
            if suffix in suffixes:
                self.format.setCurrentIndex(self.format.findData(f"{kind}8"))
                return

    def _use_what(self) -> None:
        key = "window" if self.sheet_row.what.currentData() == "view" else "small"
        index = self.preset.findData(key)
        self.preset.setCurrentIndex(index)
        self.use_preset(index)

    def _use_format(self, _index: int = 0) -> None:
        kind = str(self.format.currentData())[:3]
        path = Path(self.path_field.text().strip())
        if path.suffix.lower() not in SUFFIXES[kind] and path.name:
            self.path_field.setText(str(path.with_suffix(SUFFIXES[kind][0])))
