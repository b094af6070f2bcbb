"""BigTIFF pyramids: tiles appended as they are made, in any order, and known again after an interruption.

Tifffile lays out the directories with empty tiles; tiles follow, compressed, wherever the file ends; when all
are there, their places are filled in. The reduced levels follow the picture as pages of their own, marked as
reduced, which is where GDAL, libvips, OpenSlide and tifffile look for them.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from creps_core.pyramid import Pixels, Pyramid, Tile

FILE, JOURNAL = "picture.tif", "tiles.bin"
DTYPES: dict[int, np.dtype[Any]] = {8: np.dtype("u1"), 16: np.dtype("<u2"), 32: np.dtype("<f4")}
_TILE_OFFSETS, _TILE_BYTE_COUNTS = 324, 325  # TIFF tags
_RECORD = struct.Struct("<IIIQI")  # level, row, column, offset, bytes
_INTEGERS: dict[int, np.dtype[Any]] = {
    3: np.dtype("<u2"),
    4: np.dtype("<u4"),
    16: np.dtype("<u8"),
}  # TIFF's SHORT, LONG, LONG8


@contextmanager
def tiff_tiles(work: Path, pyramid: Pyramid, bits: int, description: str | None) -> Iterator[TiffTiles]:
    """The tiles in the folder `work`, of 8 or 16 bits or float32; made there if there are none yet."""
    if not (work / JOURNAL).exists():
        _lay_out(work / FILE, pyramid, bits, description)
        (work / JOURNAL).touch()
    with (work / FILE).open("r+b") as file, (work / JOURNAL).open("r+b") as journal:
        yield TiffTiles(file, journal, pyramid, bits)


class TiffTiles:
    """A `pyramid.TileStore` in one file; the journal says where each tile is."""

    def __init__(self, file: BinaryIO, journal: BinaryIO, pyramid: Pyramid, bits: int) -> None:
        self._file, self._journal, self._pyramid = file, journal, pyramid
        self._dtype = DTYPES[bits]
        shapes = [pyramid.shape(level) for level in range(len(pyramid.levels))]
        # Per level [rows, columns]: offset, 0 where there is no tile yet, and length in bytes.
        self._offsets = [np.zeros(shape, np.uint64) for shape in shapes]
        self._counts = [np.zeros(shape, np.uint64) for shape in shapes]
        self._read_journal()

    def read(self, tile: Tile) -> Pixels | None:
        """A tile as it was written, [h, w, 3]; None when it is not there or cannot be decompressed."""
        place = (tile.row, tile.column)
        offset, count = int(self._offsets[tile.level][place]), int(self._counts[tile.level][place])
        if not offset:
            return None
        self._file.seek(offset)
        side = self._pyramid.tile_px
        try:
            plain = zlib.decompress(self._file.read(count))
            pixels = np.frombuffer(plain, self._dtype).reshape(side, side, 3)
        except (zlib.error, ValueError):
            return None
        if self._dtype.kind == "u":
            pixels = np.cumsum(pixels, axis=1, dtype=self._dtype)
        rect = self._pyramid.rect(tile)
        return pixels[: rect.bottom - rect.top, : rect.right - rect.left]

    def write(self, tile: Tile, pixels: Pixels) -> None:
        """Append a tile; the journal names it when it is on the disk."""
        height, width = pixels.shape[:2]
        side = self._pyramid.tile_px
        full = np.pad(pixels.astype(self._dtype), ((0, side - height), (0, side - width), (0, 0)))
        if self._dtype.kind == "u":
            full[:, 1:] -= full[:, :-1].copy()  # TIFF's horizontal differencing (predictor 2)
        data = zlib.compress(full.data, 6)
        offset = self._file.seek(0, os.SEEK_END)
        self._file.write(data)
        _to_disk(self._file)
        self._journal.write(_RECORD.pack(tile.level, tile.row, tile.column, offset, len(data)))
        self._journal.flush()
        self._note(tile, offset, len(data))

    def finish(self) -> None:
        """Fill in where the tiles are: from here on the file is a whole TIFF."""
        import tifffile

        assert all(offsets.all() for offsets in self._offsets)
        self._file.seek(0)
        with tifffile.TiffFile(self._file) as tiff:
            pages = [page.tags for page in tiff.pages]
        for tags, offsets, counts in zip(pages, self._offsets, self._counts, strict=True):
            for code, values in ((_TILE_OFFSETS, offsets), (_TILE_BYTE_COUNTS, counts)):
                self._file.seek(tags[code].valueoffset)
                self._file.write(values.astype(_INTEGERS[int(tags[code].dtype)]).tobytes())
        _to_disk(self._file)

    def _note(self, tile: Tile, offset: int, count: int) -> None:
        self._offsets[tile.level][tile.row, tile.column] = offset
        self._counts[tile.level][tile.row, tile.column] = count

    def _read_journal(self) -> None:
        """Take the tiles that are complete; a record cut off by an interruption is written over."""
        end = self._file.seek(0, os.SEEK_END)
        while len(record := self._journal.read(_RECORD.size)) == _RECORD.size:
            level, row, column, offset, count = _RECORD.unpack(record)
            if offset + count <= end:
                self._note(Tile(level, row, column), offset, count)
        self._journal.seek(-len(record), os.SEEK_CUR)


def _lay_out(path: Path, pyramid: Pyramid, bits: int, description: str | None) -> None:
    """The file with all directories, and tiles of no bytes."""
    import tifffile  # here, for the start-up time of everything else

    with path.open("wb+") as file, tifffile.TiffWriter(file, bigtiff=True, byteorder="<") as tiff:
        for level, size in enumerate(pyramid.levels):
            rows, columns = pyramid.shape(level)
            tiff.write(
                (b"" for _ in range(rows * columns)),
                shape=(size.height, size.width, 3),
                dtype=DTYPES[bits],
                tile=(pyramid.tile_px, pyramid.tile_px),
                photometric="rgb",
                compression="zlib",
                predictor=bits != 32,
                subfiletype=1 if level else 0,  # 1: a reduced picture
                description=None if level else description,
                metadata=None,
                software="creps",
                maxworkers=1,
            )


def _to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
