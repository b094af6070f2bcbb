"""Deep Zoom pictures: a folder of PNG tiles, the .dzi, a page that shows them, the session.

For picture.dzi these are picture_files/, picture.html and picture.session.json beside it. Any Deep Zoom
viewer reads the .dzi; the page needs nothing but a browser. The .dzi comes last: what has one is whole.
"""

from __future__ import annotations

import html
import json
import os
import shutil
from importlib import resources
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

from creps_core.atomic import replacing
from creps_core.errors import InputError
from creps_core.png_stream import PngWriter
from creps_core.pyramid import Pixels, Pyramid, Tile
from creps_core.resumable import check_resumable, part_folder
from creps_core.session import beside_deepzoom

_TILES, _OLD = "tiles", "replaced"
_XML = """<?xml version="1.0" encoding="UTF-8"?>
<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="png" Overlap="0" TileSize="{tile}">
  <Size Width="{width}" Height="{height}"/>
</Image>
"""


def check_deepzoom(path: Path) -> None:
    """Raise `InputError` unless path.dzi and what belongs to it can be made or replaced."""
    check_resumable(path)
    if path.exists() or part_folder(path).exists():
        return  # what lies beside it is ours
    for other in (_files(path), _page(path), beside_deepzoom(path)):
        if other.exists():
            raise InputError(f"{other} exists and belongs to no {path.name}; choose another name")


class DeepZoomTiles:
    """A `pyramid.TileStore` of PNG files; each appears when it is complete."""

    def __init__(self, path: Path, work: Path, pyramid: Pyramid) -> None:
        self._target = Path(os.path.realpath(path))
        self._work, self._pyramid = work, pyramid
        tiles, files = work / _TILES, _files(self._target)
        if not tiles.exists() and files.exists() and not self._target.exists():
            files.rename(tiles)  # interrupted within `finish`
        for left in tiles.glob("*/.creps-*.part"):
            left.unlink()  # of a process that was killed
        for level in range(len(pyramid.levels)):
            (tiles / self._level_name(level)).mkdir(parents=True, exist_ok=True)

    def read(self, tile: Tile) -> Pixels | None:
        """A tile that is there, uint8 [h, w, 3]."""
        rect = self._pyramid.rect(tile)
        try:
            with Image.open(self._file(tile)) as image:
                pixels = np.asarray(image)
        except FileNotFoundError:
            return None
        except (OSError, SyntaxError):  # pillow's words for a damaged PNG
            return None
        return pixels if pixels.shape == (rect.bottom - rect.top, rect.right - rect.left, 3) else None

    def write(self, tile: Tile, pixels: Pixels) -> None:
        """Make a tile's file."""
        with replacing(self._file(tile)) as file:
            writer = PngWriter(file, pixels.shape[1], pixels.shape[0], 8)
            writer.write_rows(pixels)
            writer.close()

    def finish(self, session: str | None) -> None:
        """Give everything its final name, the .dzi last; what was there before goes first."""
        path, files = self._target, _files(self._target)
        path.unlink(missing_ok=True)
        if files.exists():
            shutil.rmtree(self._work / _OLD, ignore_errors=True)
            files.rename(self._work / _OLD)
        (self._work / _TILES).rename(files)
        beside_deepzoom(path).unlink(missing_ok=True)
        if session is not None:
            _write(beside_deepzoom(path), session + "\n")
        size, tile = self._pyramid.size, self._pyramid.tile_px
        _write(_page(path), self._page_text(path))
        _write(path, _XML.format(tile=tile, width=size.width, height=size.height))

    def _page_text(self, path: Path) -> str:
        pyramid = self._pyramid
        picture = {
            "files": f"{quote(_files(path).name)}/",
            "width": pyramid.size.width,
            "height": pyramid.size.height,
            "tile": pyramid.tile_px,
            "levels": len(pyramid.levels),
        }
        template = (resources.files("creps_core") / "deepzoom.html").read_text("utf-8")
        text = template.replace("$PICTURE", json.dumps(picture).replace("<", "\\u003c"))
        return text.replace("$NAME", html.escape(path.stem))

    def _file(self, tile: Tile) -> Path:
        return self._work / _TILES / self._level_name(tile.level) / f"{tile.column}_{tile.row}.png"

    def _level_name(self, level: int) -> str:
        """Deep Zoom counts levels from the smallest, of one pixel, up."""
        return str(len(self._pyramid.levels) - 1 - level)


def _files(path: Path) -> Path:
    return path.with_name(f"{path.stem}_files")


def _page(path: Path) -> Path:
    return path.with_suffix(".html")


def _write(path: Path, text: str) -> None:
    with replacing(path) as file:
        file.write(text.encode("utf-8"))
