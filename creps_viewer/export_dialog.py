"""Save the view as a picture, at any size: the form, its progress, cancelling. Rendering is `exporter`'s."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QKeyEvent
from PyQt6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from creps_core.errors import CrepsError
from creps_core.view import Size
from creps_viewer.export_choice import FORMATS, RESUMABLE, SUFFIXES, ExportChoice, presets
from creps_viewer.exporter import Exporter
from creps_viewer.panels.number_field import NumberField, parse_whole
from creps_viewer.panels.rows import Choice, Row
from creps_viewer.panels.sheet_row import SheetRow

MOST_PX = 131072  # a side
_CUSTOM = "custom"


class ExportDialog(QDialog):
    """Stays beside the window, which remains usable; one export at a time.

    Args:
        parent: the main window.
        exporter: does the work; the dialog only listens and cancels.
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
        super().__init__(parent)
        self.setWindowTitle("Save the view as a picture")
        self.setFixedWidth(440)
        self._exporter, self._begin = exporter, begin
        self._presets = presets(window)
        self._make_fields(path)
        self._make_foot()
        self._lay_out()
        self._use_preset(0)
        exporter.progressed.connect(self._progressed)
        exporter.finished.connect(self._finished)
        exporter.failed.connect(self._failed)
        exporter.cancelled.connect(self._cancelled)
        self._show_running(False)
        self.save_button.setFocus()

    def _make_fields(self, path: Path) -> None:
        self.sheet_row = SheetRow()
        self.sheet_row.changed.connect(self._use_what)
        entries = [(key, words) for key, words, _ in self._presets] + [(_CUSTOM, "Another size")]
        self.preset = Choice(entries, "Size")
        self.preset.activated.connect(self._use_preset)
        self.width_field, self.height_field = side_field("Width"), side_field("Height")
        for field in (self.width_field, self.height_field):
            field.committed.connect(lambda _: self._custom())
        self.format = Choice(FORMATS, "Format")
        self.format.activated.connect(self._use_format)
        self.path_field = QLineEdit(str(path))
        self.path_field.setAccessibleName("File")
        self.path_field.textEdited.connect(self._follow_suffix)
        self.browse = QPushButton("Choose…")
        self.browse.clicked.connect(self._choose)

    def _make_foot(self) -> None:
        self.status = QLabel("")
        self.status.setWordWrap(True)
        self.status.setMinimumHeight(32)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.cancel_button = QPushButton("Close")
        self.cancel_button.clicked.connect(self.reject)
        self.save_button = QPushButton("Save")
        self.save_button.setProperty("primary", True)
        self.save_button.setDefault(True)
        self.save_button.clicked.connect(self.save)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(8)
        title = QLabel("Save the view as a picture")
        title.setProperty("heading", True)
        about = QLabel("Framed as in the window; every pixel is computed at this size.")
        about.setProperty("quiet", True)
        column.addWidget(title)
        column.addWidget(about)
        column.addSpacing(6)
        column.addWidget(self.sheet_row)
        column.addWidget(Row("Size", self.preset))
        times = QLabel("×")
        column.addWidget(Row("Pixels", self.width_field, times, self.height_field))
        column.addWidget(Row("Format", self.format))
        row = Row("File", self.path_field)
        layout = row.layout()
        assert layout is not None
        layout.addWidget(self.browse)
        column.addWidget(row)
        column.addSpacing(4)
        column.addWidget(self.status)
        column.addWidget(self.bar)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.cancel_button)
        foot.addWidget(self.save_button)
        column.addLayout(foot)

    @property
    def choice(self) -> ExportChoice:
        """What is asked for now."""
        kind = str(self.format.currentData())
        size = Size(self.width_field.value, self.height_field.value)
        path = Path(self.path_field.text().strip()).expanduser()
        return ExportChoice(path, size, int(kind[3:]), kind.startswith("pyr"), self.sheet_row.sheet)

    def save(self) -> None:
        """Begin the export that the form describes."""
        if self._exporter.busy:
            return
        try:
            self._begin(self.choice)
        except CrepsError as error:
            self._say(str(error), bad=True)
            return
        self._show_running(True)
        self._say("Beginning…")

    def reject(self) -> None:
        if self._exporter.busy:
            self._say("Stopping…")
            self._exporter.cancel()
        else:
            super().reject()

    def closeEvent(self, a0: QCloseEvent | None) -> None:
        if self._exporter.busy and a0 is not None:
            self.reject()
            a0.ignore()

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        in_field = isinstance(self.focusWidget(), NumberField)
        if a0 is not None and in_field and a0.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return  # Enter confirms the number first; it does not save yet
        super().keyPressEvent(a0)

    def _use_what(self) -> None:
        key = "window" if self.sheet_row.what.currentData() == "view" else "small"
        index = self.preset.findData(key)
        self.preset.setCurrentIndex(index)
        self._use_preset(index)

    def _use_preset(self, index: int) -> None:
        if index < len(self._presets):
            size = self._presets[index][2]
            self.width_field.set_value(size.width)
            self.height_field.set_value(size.height)

    def _custom(self) -> None:
        self.preset.setCurrentIndex(self.preset.findData(_CUSTOM))

    def _use_format(self, _index: int = 0) -> None:
        kind = str(self.format.currentData())[:3]
        path = Path(self.path_field.text().strip())
        if path.suffix.lower() not in SUFFIXES[kind] and path.name:
            self.path_field.setText(str(path.with_suffix(SUFFIXES[kind][0])))

    def _follow_suffix(self, text: str) -> None:
        suffix = Path(text.strip()).suffix.lower()
        if suffix in SUFFIXES[str(self.format.currentData())[:3]]:
            return
        for kind, suffixes in SUFFIXES.items():
            if suffix in suffixes:
                self.format.setCurrentIndex(self.format.findData(f"{kind}8"))
                return

    def _choose(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self,
            "Save the view as",
            self.path_field.text(),
            "Pictures (*.png *.tif *.tiff *.jpg *.jpeg *.dzi)",
        )
        if name:
            self.path_field.setText(name)
            self._follow_suffix(name)

    def _progressed(self, share: float, seconds: float) -> None:
        self.bar.setValue(round(1000 * share))
        if not self.status.text().startswith("Stopping"):
            self._say(f"{100 * share:.0f} %{time_left(seconds)}")

    def _finished(self, path: Path) -> None:
        self._show_running(False)
        self._say(f"Saved {path.name}.")

    def _failed(self, message: str) -> None:
        self._show_running(False)
        self._say(message, bad=True)

    def _cancelled(self) -> None:
        self._show_running(False)
        resumable = str(self.format.currentData())[:3] in RESUMABLE
        kept = "Stopped; what is complete is kept: saving the same again goes on from there."
        self._say(kept if resumable else "Stopped; nothing was written.")

    def _show_running(self, running: bool) -> None:
        for widget in (
            self.sheet_row,
            self.preset,
            self.width_field,
            self.height_field,
            self.format,
            self.path_field,
            self.browse,
        ):
            widget.setEnabled(not running)
        self.save_button.setEnabled(not running)
        self.cancel_button.setText("Cancel" if running else "Close")
        self.bar.setVisible(running)
        if running:
            self.bar.setValue(0)

    def _say(self, text: str, bad: bool = False) -> None:
        self.status.setProperty("bad", bad)
        style = self.status.style()
        if style is not None:
            style.polish(self.status)
        self.status.setText(text)


def time_left(seconds: float) -> str:
    """“ · 12 s left”, or nothing while it is not known."""
    if seconds < 0:
        return ""
    if seconds >= 90:
        return f" · {seconds / 60:.0f} min left"
    return f" · {max(seconds, 1):.0f} s left"


def side_field(name: str) -> NumberField:
    """A field for one side of a picture, in pixels."""

    def read(text: str) -> int:
        return parse_whole(text, "a whole number of pixels", 1, MOST_PX)

    def step(value: int, steps: float) -> int:
        return min(max(value + (1 if steps > 0 else -1), 1), MOST_PX)

    return NumberField(name, read, str, step=step)
