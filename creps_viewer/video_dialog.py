"""Film the journey: the form, with the frame being made. Filming is `video_exporter`'s."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage, QPixmap
from PyQt6.QtWidgets import QCheckBox, QFileDialog, QLabel, QWidget

from creps_core.video import MAX_FPS, Pixels, VideoOptions, video_size
from creps_core.view import Size
from creps_viewer.panels.number_field import NumberField, parse_real
from creps_viewer.panels.rows import Choice, Row
from creps_viewer.saving_dialog import SavingDialog, Words
from creps_viewer.theme import GROUND
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
WORDS = Words("Film the journey", "Every frame is computed at this size, in the background.", "Film")


@dataclass(frozen=True)
class VideoChoice:
    """What the form says."""

    what: What
    seconds: float  # of a plain zoom
    path: Path
    options: VideoOptions


class VideoDialog(SavingDialog):
    """The form for videos.

    Args:
        parent: the main window.
        exporter: does the work.
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
        super().__init__(parent, exporter, WORDS, SIZES, path)
        self.setFixedWidth(460)
        self._begin = begin
        self._make_choices(what)
        self.preview = QLabel()
        self.preview.setFixedSize(*PREVIEW_PX)
        self.preview.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.preview.setStyleSheet(f"background: {GROUND}; border-radius: 6px;")
        self.preview.setAccessibleName("The frame being made")
        exporter.frame_made.connect(self._show_frame)
        rows = [
            Row("What", self.what, self.seconds),
            *self.size_rows,
            Row("Frames", self.fps, self.samples),
            Row("", self.fast),
            Row("Format", self.format),
        ]
        self.lay_out(rows, self.preview)
        self._use_what()

    def _make_choices(self, what: What) -> None:
        self.what = Choice((("journey", "The journey"), ("zoom", "A zoom from home to here")), "What")
        self.what.setCurrentIndex(self.what.findData(what))
        self.what.activated.connect(self._use_what)
        self.seconds = _number("Seconds", 0.1, 3600.0, 10.0, " s")
        self.fps = _number("Frames per second", 1.0, MAX_FPS, 30.0, " fps")
        self.samples = Choice(SUPERSAMPLES, "Samples")
        self.fast = QCheckBox("Fast: interpolate where it is smooth")
        self.fast.setToolTip("At most one level of 255 off, in less than half the time for a zoom")
        self.format = Choice(FORMATS, "Format")
        self.format.activated.connect(self._use_format)

    @property
    def choice(self) -> VideoChoice:
        """What is asked for now."""
        path = self.asked_path
        size = video_size(path, self.asked_size)
        options = VideoOptions(size, self.fps.value, int(self.samples.currentData()), self.fast.isChecked())
        return VideoChoice(self.what.currentData(), self.seconds.value, path, options)

    def start(self) -> str:
        choice = self.choice
        self._begin(choice)
        size = choice.options.size
        even = size != self.asked_size
        return f" H.264 needs even sides: {size.width} × {size.height}." if even else ""

    def stopped(self) -> str:
        folder = not self.format.currentData()
        return "Stopped; what is complete is kept." if folder else "Stopped; nothing was written."

    def choose(self) -> str:
        videos = "Videos (*.mp4 *.webm *.gif);;Folders (*)"
        return QFileDialog.getSaveFileName(self, "Save the video as", self.path_field.text(), videos)[0]

    def follow_suffix(self, text: str) -> None:
        index = self.format.findData(Path(text.strip()).suffix.lower())
        if index >= 0:
            self.format.setCurrentIndex(index)

    def show_running(self, running: bool) -> None:
        super().show_running(running)
        self.preview.setVisible(running)
        if running:
            self.preview.clear()
        self.adjustSize()

    def _use_what(self, _index: int = 0) -> None:
        self.seconds.setVisible(self.what.currentData() == "zoom")

    def _use_format(self, _index: int = 0) -> None:
        path = Path(self.path_field.text().strip())
        if path.name:
            self.path_field.setText(str(path.with_suffix(self.format.currentData())))

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


def _number(name: str, least: float, most: float, value: float, unit: str) -> NumberField:
    def read(text: str) -> float:
        return parse_real(text.strip().removesuffix(unit.strip()), name.lower(), least, most)

    field = NumberField(name, read, lambda v: f"{v:g}{unit}", lambda v: f"{v:g}")
    field.set_value(value)
    return field
