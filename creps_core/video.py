"""Videos on disk: MP4, WebM and GIF by ffmpeg, or a folder of PNGs; frame by frame in bounded memory.

The suffix decides, none means a folder. Where frames come from is not decided here: see `video_frames`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from creps_core.atomic import check_folder, replacing
from creps_core.cancel import CancelToken
from creps_core.errors import InputError, RunError
from creps_core.ffmpeg import FfmpegError, ffmpeg_path, piped_frames
from creps_core.png_sequence import PngSequence, check_sequence
from creps_core.view import Size

MAX_FPS = 1000.0
MAX_SUPERSAMPLE = 3
MAX_VIDEO_SIDE = 16384  # what H.264 and VP9 encoders take

Pixels = NDArray[np.uint8]
Shown = Callable[[int, Pixels | None], None]  # (frames done, the last of them; None where it was kept)

# Broadcast colours, said so in the file: what players assume of pictures of this size anyway.
# fmt: off
_YUV = [
    "-map", "0:v",
    "-vf", "scale=out_range=tv:out_color_matrix=bt709:flags=accurate_rnd+full_chroma_int,format=yuv420p,"
    "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709",
]
_MP4 = [*_YUV, "-c:v", "libx264", "-preset", "medium", "-crf", "16", "-movflags", "+faststart", "-f", "mp4"]
_WEBM = [
    *_YUV, "-c:v", "libvpx-vp9", "-crf", "22", "-b:v", "0", "-row-mt", "1", "-deadline", "good",
    "-cpu-used", "4", "-f", "webm",
]
# A palette per frame: one for all would need all frames in memory first.
_GIF = [
    "-filter_complex",
    "[0:v]split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=sierra2_4a",
    "-loop", "0", "-f", "gif",
]
# fmt: on


@dataclass(frozen=True)
class _Format:
    coding: list[str]
    multiple: int  # both sides are multiples of it
    most_fps: float


_FORMATS = {
    ".mp4": _Format(_MP4, 2, MAX_FPS),  # 4:2:0 H.264 has no odd sides
    ".webm": _Format(_WEBM, 1, MAX_FPS),
    ".gif": _Format(_GIF, 1, 50.0),  # browsers slow down what is faster
}


@dataclass(frozen=True)
class VideoOptions:
    """How a journey becomes frames."""

    size: Size
    fps: float = 30.0
    supersample: int = 1  # samples per pixel along each axis, 1 … 3; their mean is the pixel
    fast: bool = False  # smooth regions may be interpolated, at most one level of 255 off

    def __post_init__(self) -> None:
        if not 1 <= self.supersample <= MAX_SUPERSAMPLE:
            raise InputError(f"supersample is {self.supersample}, expected 1, 2 or 3")


class Frames(Protocol):
    """The frames of a video, each made when it is asked for."""

    size: Size

    def __len__(self) -> int: ...

    def pixels(self, number: int) -> Pixels:
        """A frame, uint8 [H, W, 3]."""

    def text(self, number: int) -> str:
        """What a picture of the frame carries: its session, and all that its pixels depend on."""


def is_sequence(path: Path) -> bool:
    """Whether the target is a folder of PNGs."""
    return not path.suffix or path.is_dir()


def video_size(path: Path, size: Size) -> Size:
    """The size of the video's frames: an odd side of an MP4 becomes one pixel longer.

    That pixel is synthesised like all others: nothing is stretched, repeated or cut off.
    """
    multiple = 1 if is_sequence(path) else _format(path).multiple
    return Size(*(-(-side // multiple) * multiple for side in size))


def check_video(path: Path, size: Size, fps: float) -> None:
    """Whether such a video can be written at `path`, before anything is rendered.

    Raises:
        InputError: an unknown suffix, a size or rate that the format cannot have, an unusable folder.
        RunError: there is no ffmpeg.
    """
    if not (math.isfinite(fps) and 0 < fps <= MAX_FPS):
        raise InputError(f"{fps:g} frames per second; expected more than 0 and at most {MAX_FPS:g}")
    if is_sequence(path):
        check_sequence(path)
        return
    most = _format(path).most_fps
    if fps > most:
        raise InputError(f"{path.name}: {fps:g} frames per second are too many, {path.suffix} has {most:g}")
    if max(size) > MAX_VIDEO_SIDE:
        raise InputError(
            f"{path.name}: a video has at most {MAX_VIDEO_SIDE} pixels a side; a folder of PNGs may be larger"
        )
    check_folder(path)
    ffmpeg_path()


def write_video(
    path: Path,
    frames: Frames,
    fps: float,
    *,
    metadata: str | None = None,
    cancel: CancelToken | None = None,
    shown: Shown | None = None,
) -> None:
    """Write all frames. A file is replaced when it is complete; a folder keeps the frames it has.

    Args:
        path: .mp4, .webm, .gif, or a folder.
        frames: of the size that `video_size` gives.
        fps: frames per second.
        metadata: the session as JSON, for the file's comment tag; a GIF has no place for it, and the
            pictures of a folder carry texts of their own.
        cancel: polled between frames. `Cancelled` leaves no file; a folder keeps its complete frames.
        shown: called after every frame.

    Raises:
        InputError: see `check_video`.
        RunError: the system or ffmpeg refused.
    """
    check_video(path, frames.size, fps)
    if is_sequence(path):
        sequence = PngSequence(path, len(frames))
        for number in range(len(frames)):
            _check(cancel)
            made = sequence.add(number, frames.text(number), lambda n=number: frames.pixels(n))  # type: ignore[misc]
            _show(shown, number + 1, made)
        return
    tags = {} if metadata is None else {"comment": metadata}
    try:
        with (
            replacing(path) as file,
            piped_frames(Path(file.name), frames.size, fps, tags, _format(path).coding) as write,
        ):
            for number in range(len(frames)):
                _check(cancel)
                pixels = frames.pixels(number)
                write(pixels)
                _show(shown, number + 1, pixels)
            _check(cancel)
    except FfmpegError as error:
        raise RunError(f"{path} could not be written: {error}") from error


def _format(path: Path) -> _Format:
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise InputError(
            f"{path.name}: the suffix must be .mp4, .webm or .gif, or none for a folder of PNGs"
        ) from None


def _check(cancel: CancelToken | None) -> None:
    if cancel is not None:
        cancel.check()


def _show(shown: Shown | None, done: int, pixels: Pixels | None) -> None:
    if shown is not None:
        shown(done, pixels)
