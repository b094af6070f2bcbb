"""What the forms for pictures and videos share: size, file, progress, cancelling, one line that says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QKeyEvent
from PyQt6.QtWidgets import (
    QDialog,
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
from creps_viewer.exporter import Exporter
from creps_viewer.panels.number_field import NumberField, parse_whole
from creps_viewer.panels.rows import Choice, Row
from creps_viewer.theme import repolish
from creps_viewer.video_exporter import VideoExporter

MOST_PX = 131072  # a side
_CUSTOM = "custom"

Preset = tuple[str, str, Size]  # (key, words, size)


@dataclass(frozen=True)
class Words:
    """What a form calls things."""

    heading: str
    about: str
    verb: str  # on the button that begins


class SavingDialog(QDialog):
    """Stays beside the window, which remains usable; one export at a time.

    A form makes its own fields, hands its rows to `lay_out`, and answers `start`, `stopped`, `choose` and
    `follow_suffix`.

    Args:
        parent: the main window.
        exporter: does the work; the form only listens and cancels.
        words: what it says.
        presets: sizes to choose from.
        path: the suggested file.
    """

    def __init__(
        self,
        parent: QWidget | None,
        exporter: Exporter | VideoExporter,
        words: Words,
        presets: Sequence[Preset],
        path: Path,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(words.heading)
        self._exporter, self._words, self._presets = exporter, words, presets
        self._rows: list[QWidget] = []
        self._make_fields(path)
        self._make_foot()
        exporter.progressed.connect(self._progressed)
        exporter.finished.connect(lambda path: self._over(f"Saved {path.name}."))
        exporter.failed.connect(lambda message: self._over(message, bad=True))
        exporter.cancelled.connect(lambda: self._over(self.stopped()))

    def _make_fields(self, path: Path) -> None:
        entries = [(key, words) for key, words, _ in self._presets] + [(_CUSTOM, "Another size")]
        self.preset = Choice(entries, "Size")
        self.preset.activated.connect(self.use_preset)
        self.width_field, self.height_field = side_field("Width"), side_field("Height")
        for field in (self.width_field, self.height_field):
            field.committed.connect(lambda _: self.preset.setCurrentIndex(self.preset.findData(_CUSTOM)))
        self.path_field = QLineEdit(str(path))
        self.path_field.setAccessibleName("File")
        self.path_field.textEdited.connect(self.follow_suffix)
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
        self.save_button = QPushButton(self._words.verb)
        self.save_button.setProperty("primary", True)
        self.save_button.setDefault(True)
        self.save_button.clicked.connect(self.save)

    def lay_out(self, rows: Sequence[QWidget], shown: QWidget | None = None) -> None:
        """Put the form's rows above the file, and `shown` between it and the progress."""
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(8)
        title, about = QLabel(self._words.heading), QLabel(self._words.about)
        title.setProperty("heading", True)
        about.setProperty("quiet", True)
        column.addWidget(title)
        column.addWidget(about)
        column.addSpacing(6)
        file_row = Row("File", self.path_field)
        layout = file_row.layout()
        assert layout is not None
        layout.addWidget(self.browse)
        self._rows = [*rows, file_row]
        for row in self._rows:
            column.addWidget(row)
        column.addSpacing(4)
        if shown is not None:
            column.addWidget(shown, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.status)
        column.addWidget(self.bar)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.cancel_button)
        foot.addWidget(self.save_button)
        column.addLayout(foot)
        self.use_preset(0)
        self.show_running(False)
        self.save_button.setFocus()

    @property
    def size_rows(self) -> tuple[QWidget, QWidget]:
        """The rows of the preset and of its pixels."""
        return Row("Size", self.preset), Row("Pixels", self.width_field, QLabel("×"), self.height_field)

    @property
    def asked_size(self) -> Size:
        """The size in the fields."""
        return Size(self.width_field.value, self.height_field.value)

    @property
    def asked_path(self) -> Path:
        """The file in its field."""
        return Path(self.path_field.text().strip()).expanduser()

    def start(self) -> str:
        """Begin what the form describes; returns what is to be known of it. Raises `CrepsError`."""
        raise NotImplementedError

    def stopped(self) -> str:
        """What a cancelled export leaves behind, in one sentence."""
        raise NotImplementedError

    def choose(self) -> str:
        """Ask for the file; an empty text for none."""
        raise NotImplementedError

    def follow_suffix(self, text: str) -> None:
        """The file was named otherwise: the format may follow."""
        raise NotImplementedError

    def save(self) -> None:
        """Begin what the form describes."""
        if self._exporter.busy:
            return
        try:
            note = self.start()
        except CrepsError as error:
            self._say(str(error), bad=True)
            return
        self.show_running(True)
        self._say(f"Beginning…{note}")

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
            return  # Enter confirms the number first; it does not begin yet
        super().keyPressEvent(a0)

    def use_preset(self, index: int) -> None:
        """Put a preset's size into the fields."""
        if index < len(self._presets):
            size = self._presets[index][2]
            self.width_field.set_value(size.width)
            self.height_field.set_value(size.height)

    def show_running(self, running: bool) -> None:
        """The form as it is while something is being saved, or not."""
        for row in self._rows:
            row.setEnabled(not running)
        self.save_button.setEnabled(not running)
        self.cancel_button.setText("Cancel" if running else "Close")
        self.bar.setVisible(running)
        if running:
            self.bar.setValue(0)

    def _choose(self) -> None:
        if name := self.choose():
            self.path_field.setText(name)
            self.follow_suffix(name)

    def _progressed(self, share: float, seconds: float) -> None:
        self.bar.setValue(round(1000 * share))
        if not self.status.text().startswith("Stopping"):
            self._say(f"{100 * share:.0f} %{time_left(seconds)}")

    def _over(self, text: str, bad: bool = False) -> None:
        self.show_running(False)
        self._say(text, bad)

    def _say(self, text: str, bad: bool = False) -> None:
        self.status.setProperty("bad", bad)
        repolish(self.status)
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
