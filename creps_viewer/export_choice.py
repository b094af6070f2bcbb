"""What an export may be: formats, sizes to begin with, and the answer that the form gives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from creps_core.sheet import Sheet
from creps_core.view import Size

FORMATS = (
    ("png8", "PNG, 8 bits"),
    ("png16", "PNG, 16 bits"),
    ("tif8", "TIFF, 8 bits"),
    ("tif16", "TIFF, 16 bits"),
    ("tif32", "TIFF, 32-bit float"),
    ("jpg8", "JPEG"),
    ("pyr8", "TIFF pyramid in tiles, 8 bits, resumable"),
    ("pyr16", "TIFF pyramid in tiles, 16 bits, resumable"),
    ("pyr32", "TIFF pyramid in tiles, 32-bit float, resumable"),
    ("dzi8", "Deep Zoom with a page for browsers, resumable"),
)
SUFFIXES = {
    "png": (".png",),
    "tif": (".tif", ".tiff"),
    "jpg": (".jpg", ".jpeg"),
    "pyr": (".tif", ".tiff"),
    "dzi": (".dzi",),
}
RESUMABLE = ("pyr", "dzi")


@dataclass(frozen=True)
class ExportChoice:
    """What the form says."""

    path: Path
    size: Size  # of a sheet: of each of its pictures
    bits: int
    pyramid: bool = False
    sheet: Sheet | None = None

    @property
    def whole(self) -> Size:
        """Of the file's picture."""
        return self.size if self.sheet is None else self.sheet.layout(self.size).size


def presets(window: Size) -> list[tuple[str, str, Size]]:
    """(key, words, size): the window and its multiples, and 4K and 8K in the window's orientation."""
    upright = window.height > window.width
    sizes = [
        ("window", "Window", window),
        ("2x", "Window × 2", Size(window.width * 2, window.height * 2)),
        ("4x", "Window × 4", Size(window.width * 4, window.height * 4)),
        ("4k", "4K", Size(2160, 3840) if upright else Size(3840, 2160)),
        ("8k", "8K", Size(4320, 7680) if upright else Size(7680, 4320)),
        ("square", "Square, 2048", Size(2048, 2048)),
        ("huge", "Square, 32768: as tiles", Size(32768, 32768)),
        ("small", "Small, for a sheet", Size(256, 256)),
    ]
    return [(key, f"{words} — {size.width} × {size.height}", size) for key, words, size in sizes]
