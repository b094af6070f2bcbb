"""Videos are filmed here: one thread, its own renderer, frame after frame into the file."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import pyqtSignal

from creps_core.cancel import CancelToken
from creps_core.journey import Journey
from creps_core.keyframe import Keyframe
from creps_core.session import Session
from creps_core.video import Pixels, VideoOptions, write_video
from creps_viewer.exporter import Exporter

if TYPE_CHECKING:
    from creps_core.generator import Generator

PREVIEW_PX = 320
REPORT_SECONDS = 0.1


@dataclass(frozen=True)
class VideoRequest:
    """A video to be made: everything it depends on, so that the window may go on changing."""

    path: Path
    keyframes: tuple[Keyframe, ...]
    loop: bool
    options: VideoOptions
    session: Session  # what the video carries besides the journey


class VideoExporter(Exporter):
    """One video at a time, cancellable at any moment; no half file is left behind."""

    frame_made = pyqtSignal(object)  # uint8 [h, w, 3], a small copy of the frame

    def _export(self, request: Any, generator: Generator, device: str, token: CancelToken) -> None:
        from creps_core.renderer import Renderer
        from creps_core.video_frames import JourneyFrames, session_text

        assert isinstance(request, VideoRequest)
        journey = Journey(request.keyframes, generator.config.num_ws, loop=request.loop)
        options, checkpoint = request.options, request.session.checkpoint
        text = session_text(journey, checkpoint, options.size, request.session)
        with contextlib.closing(Renderer(generator, device)) as renderer:
            frames = JourneyFrames(renderer, journey, options, checkpoint, token)
            report = _Report(self, len(frames))
            write_video(request.path, frames, options.fps, metadata=text, cancel=token, shown=report.shown)


class _Report:
    """Tells how far a video has come, a few times a second."""

    def __init__(self, exporter: VideoExporter, total: int) -> None:
        self._exporter, self._total = exporter, total
        self._began = self._last = time.monotonic()
        self._made = 0

    def shown(self, done: int, pixels: Pixels | None) -> None:
        """A frame is there; None for one that was kept from before."""
        self._made += pixels is not None
        now = time.monotonic()
        if now - self._last < REPORT_SECONDS and done < self._total:
            return
        self._last = now
        known = self._made and now - self._began > 0.3
        left = (now - self._began) / self._made * (self._total - done) if known else -1.0
        self._exporter.progressed.emit(done / self._total, left)
        if pixels is not None:
            step = -(-max(pixels.shape[:2]) // PREVIEW_PX)
            self._exporter.frame_made.emit(pixels[::step, ::step].copy())
