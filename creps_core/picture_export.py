"""Pictures into files of every kind: stills in one go; pyramids and Deep Zoom in tiles, resumable."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from creps_core.cancel import CancelToken
from creps_core.deepzoom import DeepZoomTiles, check_deepzoom
from creps_core.errors import InputError
from creps_core.image import to_uint8, to_uint16
from creps_core.lattice import Rect
from creps_core.pyramid import Pixels, Progress, Pyramid, PyramidMaker
from creps_core.resumable import check_resumable, resumable
from creps_core.stills import check_target, write_still
from creps_core.tiled_tiff import FILE, tiff_tiles
from creps_core.view import Size

if TYPE_CHECKING:
    from creps_core.picture import Picture  # brings torch, which checking a request must not wait for

TILE_PX = 512
_FORMAT = 1  # of what interrupted exports keep


@dataclass(frozen=True)
class ExportOptions:
    """How a picture becomes a file."""

    bits: int | None = None  # per channel; None = the format's usual
    pyramid: bool = False  # TIFF in tiles, with reduced levels
    tile_px: int = TILE_PX  # of a side, even; a multiple of 16 for TIFF


def is_tiled(path: Path, options: ExportOptions) -> bool:
    """Whether the file is made of tiles, and so can be gone on with after an interruption."""
    return options.pyramid or _is_deepzoom(path)


def check_export(path: Path, options: ExportOptions, size: Size | None = None) -> int:
    """Whether such a file can be written, before anything is rendered; returns the bits per channel.

    Raises:
        InputError: an unknown suffix, bits or a size that the format does not have, a pyramid that is no
            TIFF, or a place that cannot be written.
    """
    if _is_deepzoom(path):
        if options.bits not in (None, 8):
            raise InputError(f"{path.name}: Deep Zoom has 8 bits per channel, not {options.bits}")
        if options.pyramid:
            raise InputError(f"{path.name} has its reduced levels anyway; leave out --pyramid, or use .tif")
        check_deepzoom(path)
        return 8
    if options.pyramid:
        if path.suffix.lower() not in (".tif", ".tiff"):
            raise InputError(f"{path.name}: only .tif holds a pyramid; .dzi is another way to have one")
        check_resumable(path)
    return check_target(path, options.bits, size)


def export_picture(
    path: Path,
    picture: Picture,
    options: ExportOptions,
    *,
    metadata: str | None = None,
    checkpoint: str = "",
    cancel: CancelToken | None = None,
    progress: Progress | None = None,
) -> None:
    """Render a picture into a file; the suffix decides the kind.

    Args:
        path: .png .tif .jpg .npy, or .dzi. It appears, or is replaced, when it is complete.
        picture: all that is to be seen.
        options: bits and tiles.
        metadata: the session as JSON, carried by PNG, TIFF and Deep Zoom.
        checkpoint: names the weights, so that an interrupted export is not gone on with by others.
        cancel: what the picture polls, too.
        progress: called with rows, or with tiles of the full size.

    Raises:
        InputError: see `check_export`; also when an interrupted export of something else is in the way.
        RunError: the system refused to write.
        Cancelled: stills leave nothing behind; tiles that are complete are kept for the next time.
    """
    bits = check_export(path, options, picture.size)
    if not is_tiled(path, options):
        bands = picture.bands(progress)
        write_still(path, picture.size, bands, bits=bits, metadata=metadata, cancel=cancel)
        return
    request = {
        "format": _FORMAT,
        "picture": picture.identity,
        "checkpoint": checkpoint,
        "size": list(picture.size),
        "bits": bits,
        "tile_px": options.tile_px,
        "session": metadata,
    }

    def render(rect: Rect) -> Pixels:
        if cancel is not None:
            cancel.check()
        values = picture.area(rect)
        return values if bits == 32 else to_uint8(values) if bits == 8 else to_uint16(values)

    deep = _is_deepzoom(path)
    pyramid = Pyramid(picture.size, options.tile_px, 1 if deep else options.tile_px)
    with resumable(path, request) as work:
        if deep:
            tiles = DeepZoomTiles(path, work, pyramid)
            PyramidMaker(pyramid, render, tiles, progress).make()
            tiles.finish(metadata)
            return
        with tiff_tiles(work, pyramid, bits, metadata) as store:
            PyramidMaker(pyramid, render, store, progress).make()
            store.finish()
        os.replace(work / FILE, os.path.realpath(path))


def _is_deepzoom(path: Path) -> bool:
    return path.suffix.lower() == ".dzi"
