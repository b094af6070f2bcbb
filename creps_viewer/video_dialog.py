"""Film the journey: the form, the frame being made, progress, cancelling. Filming is `video_exporter`'s."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCloseEvent, QImage, QKeyEvent, QPixmap
from PyQt6.QtWidgets import (
    QCheckBox,
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
from creps_core.video import MAX_FPS, Pixels, VideoOptions, video_size
from creps_core.view import Size
from creps_viewer.export_dialog import side_field, time_left
from creps_viewer.panels.number_field import NumberField, parse_real
from creps_viewer.panels.rows import Choice, Row
from creps_viewer.theme import GROUND, repolish
from creps_viewer.video_exporter import VideoExporter

What = Literal["journey", "zoom"]

FORMATS = (
    (".mp4", "MP4, H.264: plays everywhere"),
    (".webm", "WebM, VP9"),
    (".gif", "GIF"),
    ("", "Folder of PNGs, resumable"),
)
SUPERSAMPLES = (
    ("1", "1 sample per pixel"),
    ("2", "2 × 2 samples per pixel"),
    ("3", "3 × 3 samples per pixel"),
)
SIZES = (
    ("1280x720", "HD — 1280 × 720", Size(1280, 720)),
    ("1920x1080", "Full HD — 1920 × 1080", Size(1920, 1080)),
    ("3840x2160", "4K — 3840 × 2160", Size(3840, 2160)),
    ("1080x1920", "Upright — 1080 × 1920", Size(1080, 1920)),
    ("1080x1080", "Square — 1080 × 1080", Size(1080, 1080)),
)
PREVIEW_PX = (320, 180)
_CUSTOM = "custom"


@dataclass(frozen=True)
class VideoChoice:
    """What the form says."""

    what: What
    seconds: float  # of a plain zoom
    path: Path
    options: VideoOptions


class VideoDialog(QDialog):
    """Stays beside the window, which remains usable; one video at a time.

    Args:
        parent: the main window.
        exporter: does the work; the dialog only listens and cancels.
        begin: takes the form's answer; raises `CrepsError` when it cannot be done.
        what: what is suggested to be filmed.
        path: the suggested file.
    """

    def __init__(
        self,
        parent: QWidget | None,
        exporter: VideoExporter,
        begin: Callable[[VideoChoice], None],
        what: What,
        path: Path,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Film the journey")
        self.setFixedWidth(460)
        self._exporter, self._begin = exporter, begin
        self._make_fields(what, path)
        self._make_foot()
        self._lay_out()
        self._use_preset(0)
        self._use_what()
        exporter.progressed.connect(self._progressed)
        exporter.frame_made.connect(self._show_frame)
        exporter.finished.connect(lambda path: self._over(f"Saved {path.name}."))
        exporter.failed.connect(lambda message: self._over(message, bad=True))
        exporter.cancelled.connect(self._cancelled)
        self._show_running(False)
        self.save_button.setFocus()

    def _make_fields(self, what: What, path: Path) -> None:
        self.what = Choice((("journey", "The journey"), ("zoom", "A zoom from home to here")), "What")
        self.what.setCurrentIndex(self.what.findData(what))
        self.what.activated.connect(self._use_what)
        self.seconds = _number("Seconds", 0.1, 3600.0, 10.0, " s")
        self.preset = Choice([(key, words) for key, words, _ in SIZES] + [(_CUSTOM, "Another size")], "Size")
        self.preset.activated.connect(self._use_preset)
        self.width_field, self.height_field = side_field("Width"), side_field("Height")
        for field in (self.width_field, self.height_field):
            field.committed.connect(lambda _: self._custom())
        self.fps = _number("Frames per second", 1.0, MAX_FPS, 30.0, " fps")
        self.samples = Choice(SUPERSAMPLES, "Samples")
        self.fast = QCheckBox("Fast: interpolate where it is smooth")
        self.fast.setToolTip("At most one level of 255 off, in less than half the time for a zoom")
        self.format = Choice(FORMATS, "Format")
        self.format.activated.connect(self._use_format)
        self.path_field = QLineEdit(str(path))
        self.path_field.setAccessibleName("File")
        self.path_field.textEdited.connect(self._follow_suffix)
        self.browse = QPushButton("Choose…")
        self.browse.clicked.connect(self._choose)

    def _make_foot(self) -> None:
        self.preview = QLabel()
        self.preview.setFixedSize(*PREVIEW_PX)
        self.preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.preview.setStyleSheet(f"background: {GROUND}; border-radius: 6px;")
        self.preview.setAccessibleName("The frame being made")
        self.status = QLabel("")
        self.status.setWordWrap(True)
        self.status.setMinimumHeight(32)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.cancel_button = QPushButton("Close")
        self.cancel_button.clicked.connect(self.reject)
        self.save_button = QPushButton("Film")
        self.save_button.setProperty("primary", True)
        self.save_button.setDefault(True)
        self.save_button.clicked.connect(self.save)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(8)
        title = QLabel("Film the journey")
        title.setProperty("heading", True)
        about = QLabel("Every frame is computed at this size, in the background.")
        about.setProperty("quiet", True)
        column.addWidget(title)
        column.addWidget(about)
        column.addSpacing(6)
        column.addWidget(Row("What", self.what, self.seconds))
        column.addWidget(Row("Size", self.preset))
        column.addWidget(Row("Pixels", self.width_field, QLabel("×"), self.height_field))
        column.addWidget(Row("Frames", self.fps, self.samples))
        column.addWidget(Row("", self.fast))
        column.addWidget(Row("Format", self.format))
        row = Row("File", self.path_field)
        layout = row.layout()
        assert layout is not None
        layout.addWidget(self.browse)
        column.addWidget(row)
        column.addSpacing(4)
        column.addWidget(self.preview, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.status)
        column.addWidget(self.bar)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.cancel_button)
        foot.addWidget(self.save_button)
        column.addLayout(foot)

    @property
    def choice(self) -> VideoChoice:
        """What is asked for now."""
        path = Path(self.path_field.text().strip()).expanduser()
        size = video_size(path, Size(self.width_field.value, self.height_field.value))
        options = VideoOptions(size, self.fps.value, int(self.samples.currentData()), self.fast.isChecked())
        return VideoChoice(self.what.currentData(), self.seconds.value, path, options)

    def save(self) -> None:
        """Begin the video that the form describes."""
        if self._exporter.busy:
            return
        try:
            choice = self.choice
            self._begin(choice)
        except CrepsError as error:
            self._say(str(error), bad=True)
            return
        self._show_running(True)
        size = choice.options.size
        even = size != Size(self.width_field.value, self.height_field.value)
        note = f" H.264 needs even sides: {size.width} × {size.height}." if even else ""
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
            return  # Enter confirms the number first; it does not film yet
        super().keyPressEvent(a0)

    def _use_what(self, _index: int = 0) -> None:
        self.seconds.setVisible(self.what.currentData() == "zoom")

    def _use_preset(self, index: int) -> None:
        if index < len(SIZES):
            size = SIZES[index][2]
            self.width_field.set_value(size.width)
            self.height_field.set_value(size.height)

    def _custom(self) -> None:
        self.preset.setCurrentIndex(self.preset.findData(_CUSTOM))

    def _use_format(self, _index: int = 0) -> None:
        path = Path(self.path_field.text().strip())
        if path.name:
            self.path_field.setText(str(path.with_suffix(self.format.currentData())))

    def _follow_suffix(self, text: str) -> None:
        index = self.format.findData(Path(text.strip()).suffix.lower())
        if index >= 0:
            self.format.setCurrentIndex(index)

    def _choose(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the video as", self.path_field.text(), "Videos (*.mp4 *.webm *.gif);;Folders (*)"
        )
        if name:
            self.path_field.setText(name)
            self._follow_suffix(name)

    def _progressed(self, share: float, seconds: float) -> None:
        self.bar.setValue(round(1000 * share))
        if not self.status.text().startswith("Stopping"):
            self._say(f"{100 * share:.0f} %{time_left(seconds)}")

    def _show_frame(self, pixels: Pixels) -> None:
        height, width = pixels.shape[:2]
        image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        self.preview.setPixmap(
            QPixmap.fromImage(image).scaled(
                self.preview.size(),
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
        )

    def _cancelled(self) -> None:
        folder = not self.format.currentData()
        self._over("Stopped; what is complete is kept." if folder else "Stopped; nothing was written.")

    def _over(self, text: str, bad: bool = False) -> None:
        self._show_running(False)
        self._say(text, bad)

    def _show_running(self, running: bool) -> None:
        fields = (self.what, self.seconds, self.preset, self.width_field, self.height_field, self.fps)
        for widget in (*fields, self.samples, self.fast, self.format, self.path_field, self.browse):
            widget.setEnabled(not running)
        self.save_button.setEnabled(not running)
        self.cancel_button.setText("Cancel" if running else "Close")
        self.bar.setVisible(running)
        self.preview.setVisible(running)
        if running:
            self.preview.clear()
            self.bar.setValue(0)
        self.adjustSize()

    def _say(self, text: str, bad: bool = False) -> None:
        self.status.setProperty("bad", bad)
        repolish(self.status)
        self.status.setText(text)


def _number(name: str, least: float, most: float, value: float, unit: str) -> NumberField:
    def read(text: str) -> float:
        return parse_real(text.strip().removesuffix(unit.strip()), name.lower(), least, most)

    field = NumberField(name, read, lambda v: f"{v:g}{unit}", lambda v: f"{v:g}")
    field.set_value(value)
    return field
