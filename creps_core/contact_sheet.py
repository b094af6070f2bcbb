"""A sheet of many seeds: the same view of each in rows and columns, with its number below."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from creps_core.cancel import CancelToken
from creps_core.latents import resolve_ws
from creps_core.lattice import Rect
from creps_core.picture import Picture, ViewPicture, grid_size
from creps_core.pyramid import Progress
from creps_core.renderer import Renderer
from creps_core.samplers import GROUND_FLOAT
from creps_core.samples import Grid
from creps_core.sheet import Sheet, seeded
from creps_core.source import Mix, Source
from creps_core.view import Outside, Size

Floats = NDArray[np.float32]

INK = 200  # of labels, on 255 levels
_BAND_PIXELS = 1 << 22  # 50 MB of float32 RGB: a row of cells is computed at once up to this size
_OPEN_PICTURES = 4


class ContactSheet:
    """A `picture.Picture` of many.

    Args:
        sheet: which seeds, row by row.
        cell: the size of each picture.
        open_picture: makes the picture of a seed, of the cells' size; called again when it was long ago.
    """

    def __init__(self, sheet: Sheet, cell: Size, open_picture: Callable[[int], Picture]) -> None:
        self._layout = sheet.layout(cell)
        self.size = self._layout.size
        self._seeds, self._open = sheet.seeds, open_picture
        self._pictures: OrderedDict[int, Picture] = OrderedDict()

    @property
    def identity(self) -> str:
        """A hash of layout, seeds and what the first one's picture is."""
        text = f"{self._layout!r} {list(self._seeds)} {self._picture(0).identity}"
        return hashlib.sha256(text.encode()).hexdigest()

    def area(self, rect: Rect) -> Floats:
        """A part of the sheet, float32 [h, w, 3]."""
        out = np.empty((rect.bottom - rect.top, rect.right - rect.left, 3), np.float32)
        out[:] = GROUND_FLOAT
        cell, label_px = self._layout.cell, self._layout.label_px
        for number, top, left in self._layout.cells(rect):
            shown = Rect(top, left, top + cell.height, left + cell.width).intersect(rect)
            if shown:
                own = Rect(shown.top - top, shown.left - left, shown.bottom - top, shown.right - left)
                out[_within(shown, rect)] = self._picture(number).area(own)
            foot = top + cell.height
            shown = Rect(foot, left, foot + label_px, left + cell.width).intersect(rect)
            if shown:
                label = _label(str(self._seeds[number]), Size(cell.width, label_px))
                part = label[shown.top - foot : shown.bottom - foot, shown.left - left : shown.right - left]
                out[_within(shown, rect)] = part
        return out

    def bands(self, progress: Progress | None = None) -> Iterator[Floats]:
        """The sheet top to bottom, a row of cells at a time where that is not too much."""
        width, height = self.size
        step = min(self._layout.pitch.height, max(1, _BAND_PIXELS // width))
        for top in range(0, height, step):
            bottom = min(top + step, height)
            band = self.area(Rect(top, 0, bottom, width))
            if progress is not None:
                progress(bottom, height)
            yield band

    def _picture(self, number: int) -> Picture:
        if number not in self._pictures:
            self._pictures[number] = self._open(self._seeds[number])
        self._pictures.move_to_end(number)
        while len(self._pictures) > _OPEN_PICTURES:
            self._pictures.popitem(last=False)
        return self._pictures[number]


def picture_of(
    renderer: Renderer,
    latents: tuple[tuple[Source, ...], Mix | None],
    grid: Grid,
    outside: Outside,
    sheet: Sheet | None = None,
    cancel: CancelToken | None = None,
) -> Picture:
    """The picture of latents, or a sheet of them with the seeds of `sheet` in place of the first source's."""
    sources, mix = latents

    def open_picture(sources: tuple[Source, ...]) -> ViewPicture:
        plan = renderer.plan(resolve_ws(renderer.generator, sources, mix))
        return ViewPicture(renderer, plan, grid, outside, cancel)

    if sheet is None:
        return open_picture(sources)
    return ContactSheet(sheet, grid_size(grid), lambda seed: open_picture(seeded(sources, seed)))


def _within(rect: Rect, outer: Rect) -> tuple[slice, slice]:
    return (
        slice(rect.top - outer.top, rect.bottom - outer.top),
        slice(rect.left - outer.left, rect.right - outer.left),
    )


def _label(text: str, size: Size) -> Floats:
    """A text in the middle of a strip, float32 [h, w, 3]."""
    from PIL import Image, ImageDraw, ImageFont

    mask = Image.new("L", size)
    font = ImageFont.load_default(size=0.7 * size.height)
    ImageDraw.Draw(mask).text((size.width / 2, size.height / 2), text, fill=255, font=font, anchor="mm")
    weight = np.asarray(mask, np.float32)[..., None] / 255
    ink = np.float32((INK + 0.5 - 128) / 127.5)
    return GROUND_FLOAT + weight * (ink - GROUND_FLOAT)
