"""Still pictures on disk: PNG, TIFF, JPEG and NPY, streamed from bands of rows in bounded memory.

The suffix decides the format. Rendering is not done here, nor is anything decided about what is shown.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from creps_core.atomic import check_folder, replacing
from creps_core.cancel import CancelToken
from creps_core.errors import InputError
from creps_core.image import to_uint8, to_uint16
from creps_core.png_stream import PngWriter
from creps_core.view import Size

METADATA_KEY = "creps"  # keyword of the PNG's iTXt chunk

_JPEG_MAX_SIDE = 65500  # libjpeg's limit
_BLOCK_PIXELS = 1 << 18  # 3 MB of float32 RGB are converted and compressed at a time

Bands = Iterable[NDArray[np.float32]]
Blocks = Iterator[NDArray[np.float32]]


@dataclass(frozen=True)
class _Job:
    """What a format's writer needs to know besides the pixels."""

    size: Size
    bits: int
    rows: int  # of every block but the last
    metadata: str | None


@dataclass(frozen=True)
class _Format:
    bits: tuple[int, ...]  # per channel, the usual one first
    write: Callable[[BinaryIO, _Job, Blocks], None]


def check_target(path: Path, bits: int | None = None, size: Size | None = None) -> int:
    """Whether a still can be written at `path`, before anything is rendered; returns the bits per channel.

    `bits` None takes the format's first: 8, or 32 for .npy. Raises `InputError` for an unknown suffix, bits
    the format does not have, a size it cannot hold, and a folder that is missing or not writable.
    """
    choices = _format(path).bits
    if bits is not None and bits not in choices:
        known = " or ".join(map(str, choices))
        raise InputError(f"{path.name}: {path.suffix} has {known} bits per channel, not {bits}")
    if size is not None and min(size) < 1:
        raise InputError(f"{size.width}x{size.height} is not a picture size; both sides must be at least 1")
    if size is not None and _format(path).write is _write_jpeg and max(size) > _JPEG_MAX_SIDE:
        raise InputError(f"{path.name}: a JPEG has at most {_JPEG_MAX_SIDE} pixels a side; use .png or .tif")
    check_folder(path)
    return choices[0] if bits is None else bits


def write_still(
    path: Path | str,
    size: Size,
    bands: Bands,
    *,
    bits: int | None = None,
    metadata: str | None = None,
    cancel: CancelToken | None = None,
) -> None:
    """Write a picture from its bands, top to bottom.

    Args:
        path: Where to; the suffix decides: .png .tif .tiff .jpg .jpeg .npy. Replaced when complete.
        size: The whole picture, in pixels.
        bands: RGB on [-1, 1], [h, W, 3] each, unclamped; their rows must add up to the height.
        bits: Per channel: 8 or 16 for PNG, 8, 16 or 32 (float, unclamped) for TIFF; None = the format's
            first. NPY is always float32 [H, W, 3], unclamped.
        metadata: The session, as JSON. PNG and TIFF have a place for it; elsewhere it is dropped.
        cancel: Polled between blocks of rows; `Cancelled` leaves nothing behind.

    Raises:
        InputError: The target or the bits cannot be used (see `check_target`).
        RunError: The system refused to write, for want of space for instance.
    """
    path = Path(path)
    bits = check_target(path, bits, size)
    job = _Job(size, bits, max(1, _BLOCK_PIXELS // size.width), metadata)
    with replacing(path) as file:
        _format(path).write(file, job, _blocks(bands, job, cancel))


def _format(path: Path) -> _Format:
    try:
        return _FORMATS[path.suffix.lower()]
    except KeyError:
        raise InputError(f"{path.name}: the suffix must be one of .png .tif .jpg .npy .dzi") from None


def _blocks(bands: Bands, job: _Job, cancel: CancelToken | None) -> Blocks:
    """The bands again, in blocks of exactly `job.rows` rows (the last may have fewer), in one buffer."""
    size, rows = job.size, job.rows
    block = np.empty((rows, size.width, 3), np.float32)
    filled = done = 0
    for band in bands:
        if band.ndim != 3 or band.shape[1:] != (size.width, 3):
            raise ValueError(f"a band has shape {band.shape}, expected [h, {size.width}, 3]")
        start = 0
        while start < len(band):
            if cancel is not None:
                cancel.check()
            take = min(rows - filled, len(band) - start)
            block[filled : filled + take] = band[start : start + take]
            start, filled, done = start + take, filled + take, done + take
            if filled == rows:
                yield block
                filled = 0
    if done != size.height:
        raise ValueError(f"the bands have {done} rows together, expected {size.height}")
    if cancel is not None:
        cancel.check()
    if filled:
        yield block[:filled]


def _write_png(file: BinaryIO, job: _Job, blocks: Blocks) -> None:
    text = None if job.metadata is None else (METADATA_KEY, job.metadata)
    writer = PngWriter(file, job.size.width, job.size.height, job.bits, text)
    for block in blocks:
        writer.write_rows(to_uint8(block) if job.bits == 8 else to_uint16(block))
    writer.close()


def _write_tiff(file: BinaryIO, job: _Job, blocks: Blocks) -> None:
    import tifffile  # here, for the start-up time of everything else

    size, bits = job.size, job.bits
    dtype = {8: np.uint8, 16: np.uint16, 32: np.float32}[bits]

    def strips() -> Iterator[bytes]:
        for block in blocks:
            if bits == 32:
                yield zlib.compress(np.ascontiguousarray(block, "<f4").data, 6)
                continue
            levels = to_uint8(block) if bits == 8 else to_uint16(block).astype("<u2")
            levels[:, 1:] -= levels[:, :-1].copy()  # TIFF's horizontal differencing (predictor 2)
            yield zlib.compress(levels.data, 6)

    raw_bytes = size.width * size.height * 3 * bits // 8
    # Classic TIFF offsets end at 4 GB; compression may even add a little, so switch well before.
    with tifffile.TiffWriter(file, bigtiff=raw_bytes > 3_900_000_000, byteorder="<") as tiff:
        tiff.write(
            strips(),
            shape=(size.height, size.width, 3),
            dtype=dtype,
            photometric="rgb",
            compression="zlib",
            predictor=bits != 32,
            rowsperstrip=min(job.rows, size.height),
            description=job.metadata,
            metadata=None,  # tifffile's own description
            software="creps",
            maxworkers=1,
        )


def _write_jpeg(file: BinaryIO, job: _Job, blocks: Blocks) -> None:
    from PIL import Image

    # Pillow has no streaming encoder; 3 bytes a pixel are the least it can do with.
    picture = np.empty((job.size.height, job.size.width, 3), np.uint8)
    top = 0
    for block in blocks:
        picture[top : top + len(block)] = to_uint8(block)
        top += len(block)
    Image.fromarray(picture).save(file, "JPEG", quality=95, subsampling=0)


def _write_npy(file: BinaryIO, job: _Job, blocks: Blocks) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": (job.size.height, job.size.width, 3)}
    np.lib.format.write_array_header_1_0(file, header)
    for block in blocks:
        file.write(np.ascontiguousarray(block, "<f4").data)


_TIFF, _JPEG = _Format((8, 16, 32), _write_tiff), _Format((8,), _write_jpeg)
_FORMATS = {
    ".png": _Format((8, 16), _write_png),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".npy": _Format((32,), _write_npy),
}
