"""From a file's bytes to 8-bit RGB, whatever kind of PNG, JPEG or WebP it is.

Only these three decoders are ever tried, whatever a file calls itself: some of pillow's others start
programs.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from train.picture_files import BrokenPicture, printable

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_PIXELS = 2**27  # 134 million; three bytes each, a few copies of which must fit into memory
WHITE = (255, 255, 255)

_ORIENTATION = 0x0112  # EXIF: how the camera was held; 1 is upright
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_FIRST_QUARTER_TURN = 5  # from here on width and height change places
_PNG_EXIF = {"exif", "Raw profile type exif"}
_DECODER_ERRORS = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, OverflowError)
_ERRORS = (*_DECODER_ERRORS, struct.error, zlib.error, Image.DecompressionBombError)
# Filters of warnings belong to the whole process: one thread at a time may set them aside.
_quiet = threading.Lock()


@dataclass(frozen=True)
class PictureInfo:
    """What a picture's header says."""

    width: int  # pixels, as it is meant to be seen: after turning
    height: int
    mode: str  # pillow's name: RGB, RGBA, L, LA, P, CMYK, I;16, 1, …
    turned: bool  # EXIF says that it is to be turned or mirrored
    animated: bool
    transparent: bool  # has an alpha channel or a transparent colour

    @property
    def is_plain_square(self) -> bool:
        """Square RGB that can be used as it is."""
        return self.width == self.height and self.mode == "RGB" and not (self.turned or self.transparent)


def read_info(data: bytes, file: str) -> PictureInfo:
    """Read the header of a picture, of which `data` may be the beginning; raises `BrokenPicture`.

    PNG may carry its EXIF at the end, so only `decode` knows for sure that it need not be turned.
    """
    with _opened(data, file) as picture:
        return _info(picture)


def decode(data: bytes, file: str) -> tuple[PictureInfo, Image.Image]:
    """Decode a picture's first frame, upright, in its own mode; raises `BrokenPicture`."""
    with _opened(data, file) as picture:
        try:
            picture.load()
            turn = _TURNS.get(_orientation(picture))
            upright = picture.copy() if turn is None else picture.transpose(turn)
        except MemoryError as error:
            raise BrokenPicture(file, "too large for this machine's memory") from error
        except _ERRORS as error:
            raise BrokenPicture(file, _reason(error)) from error
        return _info(picture), upright


def decode_plain(data: bytes, file: str, size: int) -> NDArray[np.uint8]:
    """The pixels of an RGB picture of `size` × `size` that needs no conversion: uint8 [size, size, 3]."""
    info, picture = decode(data, file)
    if not info.is_plain_square or info.width != size:
        raise BrokenPicture(file, f"not a plain RGB picture of {size} × {size}; run creps-data prepare")
    return np.array(picture)


def to_rgb(picture: Image.Image, background: tuple[int, int, int] = WHITE) -> Image.Image:
    """Any mode as 8-bit RGB; what is transparent shows `background`."""
    if picture.mode.startswith("I"):
        picture = _from_16_bits(picture)
    if _is_transparent(picture):
        ground = Image.new("RGBA", picture.size, (*background, 255))
        picture = Image.alpha_composite(ground, picture.convert("RGBA"))
    return picture.convert("RGB")


def _opened(data: bytes, file: str) -> Image.Image:
    try:
        # Damaged EXIF is warned about, and bombs from half the limit on: neither is news for the terminal.
        with _quiet, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except _ERRORS as error:
        raise BrokenPicture(file, _reason(error)) from error
    if picture.width * picture.height > MAX_PIXELS:
        picture.close()
        raise BrokenPicture(file, f"{picture.width} × {picture.height} pixels are too many")
    return picture


def _info(picture: Image.Image) -> PictureInfo:
    orientation = _orientation(picture)
    width, height = picture.size
    if orientation >= _FIRST_QUARTER_TURN:
        width, height = height, width
    return PictureInfo(
        width=width,
        height=height,
        mode=picture.mode,
        turned=orientation in _TURNS,
        # Phones put a second exposure into what is one photograph (MPO).
        animated=picture.format != "MPO" and bool(getattr(picture, "is_animated", False)),
        transparent=_is_transparent(picture),
    )


def _is_transparent(picture: Image.Image) -> bool:
    # Not pillow's own property: it fails for a palette picture without a palette.
    return picture.mode.endswith(("A", "a")) or "transparency" in picture.info


def _orientation(picture: Image.Image) -> int:
    """EXIF orientation, 1 … 8; 1 where there is none or it cannot be read."""
    if picture.format == "PNG" and not _PNG_EXIF & picture.info.keys():
        return 1  # pillow would decode the whole picture to look behind it
    try:
        with _quiet, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = picture.getexif().get(_ORIENTATION, 1)
    except (*_ERRORS, AttributeError):
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _from_16_bits(picture: Image.Image) -> Image.Image:
    """16-bit grey as 8-bit grey, rounded; a transparent grey becomes alpha."""
    levels = np.asarray(picture).astype(np.uint32)
    grey = Image.fromarray(((levels.clip(0, 65535) + 128) // 257).astype(np.uint8))
    clear = picture.info.get("transparency")
    if isinstance(clear, int):
        grey.putalpha(Image.fromarray(np.where(levels == clear, 0, 255).astype(np.uint8)))
    return grey


def _reason(error: BaseException) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not a PNG, JPEG or WebP picture, or its header is damaged"
    if isinstance(error, Image.DecompressionBombError):
        return "far too many pixels (a decompression bomb?)"
    return printable(str(error)) or type(error).__name__
