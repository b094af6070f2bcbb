"""PNG written row by row: 8 or 16 bits RGB in bounded memory, with one text chunk.

Pillow wants the whole picture in memory and has no 16-bit RGB, so it can do neither of the two things
needed here. Reading is pillow's job (`picture_metadata` reads the text chunk alone).
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NONE, _SUB, _UP = 0, 1, 2  # filter types of the PNG specification
_IDAT_BYTES = 1 << 16
_MAX_SIDE = 2**31 - 1


def text_chunk(keyword: str, text: str) -> bytes:
    """The data of an uncompressed iTXt chunk without language or translated keyword."""
    return keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8")


class PngWriter:
    """Writes an RGB picture of known size to `file` as its rows arrive; `close` completes it."""

    def __init__(
        self, file: BinaryIO, width: int, height: int, bits: int, text: tuple[str, str] | None = None
    ) -> None:
        if not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE and bits in (8, 16)):
            raise ValueError(f"no PNG has {width}x{height} pixels of {bits} bits")
        self._file = file
        self._bytes_per_pixel = 3 * bits // 8
        self._above = np.zeros((1, width * self._bytes_per_pixel), np.uint8)  # the last row written
        self._compressor = zlib.compressobj(6, zlib.DEFLATED, 15, 8, zlib.Z_FILTERED)
        self._pending = bytearray()
        file.write(SIGNATURE)
        # Colour type 2 is RGB; deflate, adaptive filters, not interlaced.
        self._chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0))
        if text is not None:
            self._chunk(b"iTXt", text_chunk(*text))

    def write_rows(self, rows: NDArray[np.uint8] | NDArray[np.uint16]) -> None:
        """Append rows [h, W, 3] of the picture's own bit depth."""
        if rows.dtype == np.uint16:
            rows = rows.astype(">u2")  # PNG is big-endian
        plain = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), -1)  # [h, bytes of a row]
        self._pending += self._compressor.compress(self._filtered(plain).data)
        while len(self._pending) >= _IDAT_BYTES:
            self._chunk(b"IDAT", bytes(self._pending[:_IDAT_BYTES]))
            del self._pending[:_IDAT_BYTES]

    def close(self) -> None:
        """Write what is left and the end mark; the file itself stays open."""
        self._pending += self._compressor.flush()
        self._chunk(b"IDAT", bytes(self._pending))
        self._chunk(b"IEND", b"")

    def _filtered(self, plain: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Each row after the one of None, Sub and Up with the smallest sum of absolute differences."""
        above = np.concatenate([self._above, plain[:-1]])
        self._above = plain[-1:].copy()
        step = self._bytes_per_pixel
        sub = plain.copy()
        sub[:, step:] -= plain[:, :-step]
        candidates = (plain, sub, plain - above)  # in the order of the filter types 0, 1, 2
        cost = np.stack([np.abs(c.view(np.int8).astype(np.int16)).sum(1) for c in candidates])  # [3, h]
        best = cost.argmin(0)
        out = np.empty((len(plain), 1 + plain.shape[1]), np.uint8)
        out[:, 0] = best
        for kind in (_NONE, _SUB, _UP):
            out[best == kind, 1:] = candidates[kind][best == kind]
        return out

    def _chunk(self, kind: bytes, data: bytes) -> None:
        self._file.write(struct.pack(">I", len(data)) + kind)
        self._file.write(data)
        self._file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))
