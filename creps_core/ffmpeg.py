"""The ffmpeg that comes with imageio-ffmpeg: finding it, and piping frames of known size into it.

What is encoded and how is in `video`; what a file's tags say is read in `picture_metadata`.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creps_core.errors import RunError
from creps_core.view import Size

FINISH_SECONDS = 600  # for the last frames of the encoder's queue and the second pass of faststart

Pixels = NDArray[np.uint8]


class FfmpegError(RunError):
    """Ffmpeg is there, but failed; the message is what it said."""


def ffmpeg_path() -> str:
    """The program's path; `RunError` when there is none."""
    import imageio_ffmpeg

    try:
        path: str = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        raise RunError(
            "no ffmpeg was found; reinstall imageio-ffmpeg, which brings one, or name yours in "
            "IMAGEIO_FFMPEG_EXE (pictures and folders of pictures need none)"
        ) from None
    return path


@contextlib.contextmanager
def piped_frames(
    target: Path, size: Size, fps: float, tags: dict[str, str], coding: Sequence[str]
) -> Iterator[Callable[[Pixels], None]]:
    """Encode RGB frames to `target`; yields the function that takes the next frame [H, W, 3].

    On any exception the encoder is killed; what it has written is the caller's to remove.

    Args:
        target: written as it stands, not beside.
        size: of every frame.
        fps: frames per second.
        tags: of the file.
        coding: ffmpeg's arguments between input and output.

    Raises:
        RunError: there is no ffmpeg.
        FfmpegError: it failed; with the last line it said.
    """
    program = ffmpeg_path()
    with tempfile.TemporaryDirectory(prefix="creps-") as folder, tempfile.TemporaryFile() as said:
        tag_file = Path(folder) / "tags"  # not on the command line: a session may be longer than it can be
        tag_file.write_text(_ffmetadata(tags), "utf-8")
        # fmt: off
        command = [
            program, "-y", "-v", "error",
            "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size.width}x{size.height}", "-r", f"{fps:.12g}",
            "-i", "pipe:0",
            "-f", "ffmetadata", "-i", str(tag_file),
            "-map_metadata", "1", *coding, f"file:{target.absolute()}",
        ]
        # fmt: on
        # In a session of its own, so that Ctrl-C reaches us alone and we decide what becomes of it.
        process = _start(command, stdin=subprocess.PIPE, stdout=said, stderr=said, start_new_session=True)
        assert process.stdin is not None
        stream = process.stdin

        def write(pixels: Pixels) -> None:
            try:
                stream.write(np.ascontiguousarray(pixels).data)
            except OSError:  # it has ended before us
                process.wait(FINISH_SECONDS)
                raise FfmpegError(_complaint(said, process.returncode)) from None

        try:
            yield write
            with contextlib.suppress(OSError):
                stream.close()
            process.wait(FINISH_SECONDS)
        finally:
            process.kill()
            with contextlib.suppress(OSError):
                stream.close()
            process.wait()
        if process.returncode:
            raise FfmpegError(_complaint(said, process.returncode))


def _start(command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, **options)
    except OSError as error:
        raise RunError(
            f"{command[0]} could not be started: {(error.strerror or str(error)).lower()}"
        ) from None


def _complaint(said: Any, code: int) -> str:
    said.seek(0)
    text = said.read().decode("utf-8", "replace")
    if "No space left" in text:
        return "no space left on device; free some space or write elsewhere"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"ffmpeg failed ({lines[-1] if lines else f'exit code {code}'})"


def _ffmetadata(tags: dict[str, str]) -> str:
    """An ffmetadata file; every character with a meaning of its own is escaped."""
    lines = [";FFMETADATA1"]
    for key, value in tags.items():
        escaped = "".join(f"\\{c}" if c in "=;#\\\n" else c for c in value)
        lines.append(f"{key}={escaped}")
    return "\n".join(lines) + "\n"
