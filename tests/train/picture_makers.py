"""Pictures and sets of pictures for tests, made with pillow: every kind that people have lying about."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def rgb(width: int = 16, height: int | None = None, seed: int = 0) -> Image.Image:
    """Smooth colours, another for each seed."""
    height = height or width
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 256, (3, 3, 3), dtype=np.uint8)
    return Image.fromarray(corners).resize((width, height), Image.Resampling.BICUBIC)


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture as a file's bytes."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def png_of_16_bits(levels: NDArray[np.uint16], colour_type: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A 16-bit PNG, which pillow writes of grey only: levels [H, W, channels]."""
    height, width = levels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    return png_of((b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))


def png_of(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG put together from its chunks."""
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def turned_jpeg(picture: Image.Image, orientation: int) -> bytes:
    """A JPEG of the picture as a camera held that way stores it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(picture, "JPEG", exif=exif, quality=95, subsampling=0)


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder with these files."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def write_zip(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """A zip with these files, whatever their names."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def plain_set(count: int = 3, size: int = 16) -> dict[str, bytes]:
    """PNGs that training can read as they are."""
    return {f"00000/img{i:08d}.png": encoded(rgb(size, seed=i)) for i in range(count)}


def labelled(files: dict[str, bytes], labels: Any) -> dict[str, bytes]:
    """The files with a dataset.json; a list of classes is paired with their names."""
    if isinstance(labels, list) and len(labels) == len(files) and not isinstance(labels[0], list):
        labels = [list(pair) for pair in zip(files, labels, strict=True)]
    return {**files, "dataset.json": json.dumps({"labels": labels}).encode()}
