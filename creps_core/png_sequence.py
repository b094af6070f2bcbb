"""A folder of numbered PNGs, each with its own session; frames that are there already are kept.

A frame belongs to the same request when it carries the very text that would be written: its session, and
how it was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from creps_core.atomic import check_folder, replacing
from creps_core.errors import InputError, RunError
from creps_core.picture_metadata import read_png_text
from creps_core.png_stream import PngWriter
from creps_core.stills import METADATA_KEY

DIGITS = 5
END_MARK = b"IEND\xaeB`\x82"  # the last bytes of every complete PNG

Pixels = NDArray[np.uint8]


class PngSequence:
    """The folder and its frames 0 … count − 1.

    Raises:
        InputError: the folder cannot be made or written, or holds frames beyond the last one.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self._digits = max(DIGITS, len(str(count - 1)))
        check_sequence(folder)
        found = [int(m[1]) for p in _entries(folder) if (m := re.fullmatch(r"frame_(\d+)\.png", p.name))]
        if max(found, default=-1) >= count:
            raise InputError(
                f"{folder} holds frames of a longer video, up to {max(found)}; take another folder"
            )

    def path(self, number: int) -> Path:
        """Where a frame is, or will be."""
        return self.folder / f"frame_{number:0{self._digits}d}.png"

    def add(self, number: int, text: str, pixels: Callable[[], Pixels]) -> Pixels | None:
        """Make a frame unless it is there; returns what was made.

        Args:
            number: of the frame.
            text: that it carries, and by which it is known again.
            pixels: gives the frame, uint8 [H, W, 3].
        """
        path = self.path(number)
        if _carries(path, text):
            return None
        made = pixels()
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise RunError(
                f"{self.folder} could not be made: {(error.strerror or str(error)).lower()}"
            ) from None
        with replacing(path) as file:
            writer = PngWriter(file, made.shape[1], made.shape[0], 8, (METADATA_KEY, text))
            writer.write_rows(made)
            writer.close()
        return made


def check_sequence(folder: Path) -> None:
    """Raise `InputError` unless frames can be written into the folder, which need not be there yet."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give a folder's name, or a suffix: .mp4 .webm .gif")
    check_folder(folder / "frame" if folder.is_dir() else folder)


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _carries(path: Path, text: str) -> bool:
    """Whether a complete PNG with this text is there."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        file.seek(-min(len(END_MARK), path.stat().st_size), 2)
        if file.read() != END_MARK:
            return False
    try:
        return read_png_text(path, METADATA_KEY) == text
    except InputError:
        return False  # damaged, so it is made again
