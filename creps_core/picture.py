"""A picture that can be asked for any part of itself: what every writer of files takes.

Here is the picture of one view. Sheets of several are in `contact_sheet`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from creps_core.cancel import CancelToken
from creps_core.grid import SeparableGrid
from creps_core.lattice import Rect
from creps_core.line_table import LineTable
from creps_core.plan import Plan
from creps_core.pyramid import Progress
from creps_core.renderer import Part, Renderer
from creps_core.samplers import SeparableSampler
from creps_core.samples import Grid, is_transposed
from creps_core.view import Outside, Size

Floats = NDArray[np.float32]
TABLES_SHARE = 4  # the tables of areas take this part of the renderer's cache


class Picture(Protocol):
    """RGB on [-1, 1], unclamped. The samples of an area are those of the whole picture, to the bit."""

    size: Size

    @property
    def identity(self) -> str:
        """Equal for pictures of one checkpoint that are equal, and for no others."""

    def area(self, rect: Rect) -> Floats:
        """A part of the picture, float32 [h, w, 3]."""

    def bands(self, progress: Progress | None = None) -> Iterator[Floats]:
        """The whole picture, top to bottom, [h, W, 3] each, in bounded memory."""


def grid_size(grid: Grid) -> Size:
    """Of a grid's picture in pixels."""
    return grid.size() if isinstance(grid, SeparableGrid) else grid.size


class ViewPicture:
    """One view of one latent.

    Args:
        renderer: used by no one else meanwhile.
        plan: the renderer's, of the latent.
        grid: the samples.
        outside: what is shown beyond the trained picture.
        cancel: polled between tiles and chunks.
    """

    def __init__(
        self,
        renderer: Renderer,
        plan: Plan,
        grid: Grid,
        outside: Outside = "generate",
        cancel: CancelToken | None = None,
    ) -> None:
        self.size = grid_size(grid)
        self._renderer, self._plan, self._grid = renderer, plan, grid
        self._outside, self._cancel = outside, cancel
        self._tables: OrderedDict[tuple[str, bool, int, int], LineTable] = OrderedDict()

    @property
    def identity(self) -> str:
        """A hash of latents, samples and border."""
        digest = hashlib.sha256(self._plan.ws.contiguous().cpu().numpy().tobytes())
        digest.update(f"{self._grid!r} {self._outside}".encode())
        return digest.hexdigest()

    def bands(self, progress: Progress | None = None) -> Iterator[Floats]:
        """See `Renderer.bands`."""
        return self._renderer.bands(
            self._plan, self._grid, outside=self._outside, cancel=self._cancel, progress=progress
        )

    def area(self, rect: Rect) -> Floats:
        """A part of the picture, float32 [h, w, 3].

        Neighbouring areas share embeddings: those of the rows and columns asked for last are kept, up to a
        quarter of the renderer's cache.
        """
        transposed = is_transposed(self._grid)
        plane = Rect(rect.left, rect.top, rect.right, rect.bottom) if transposed else rect
        out = np.empty((plane.bottom - plane.top, plane.right - plane.left, 3), dtype=np.float32)
        self._renderer.fill(self._plan, partial(self._part, plane), out, self._cancel)
        return out.swapaxes(0, 1) if transposed else out

    def _part(self, plane: Rect, plan: Plan) -> Part:
        """The samples of an area in plane order: where they come from, and which of those they are."""
        grid = self._grid
        if not isinstance(grid, SeparableGrid):
            return self._renderer.sampler(plan, grid, self._outside, cancel=self._cancel), plane
        rows = self._table(plan, True, plane.top, plane.bottom)
        columns = self._table(plan, False, plane.left, plane.right)
        own = SeparableGrid(rows.line, columns.line)
        sampler = SeparableSampler(plan, own, rows, columns, self._outside)
        return sampler, Rect(0, 0, rows.line.count, columns.line.count)

    def _table(self, plan: Plan, is_row: bool, start: int, stop: int) -> LineTable:
        key = (f"{plan.key} {self._renderer.device}", is_row, start, stop)
        if key not in self._tables:
            assert isinstance(self._grid, SeparableGrid)
            line = (self._grid.y if is_row else self._grid.x).slice(start, stop)
            self._tables[key] = LineTable.empty(plan, line, self._renderer.device)
        self._tables.move_to_end(key)
        most = self._renderer.cache_bytes // TABLES_SHARE
        while len(self._tables) > 2 and sum(table.nbytes for table in self._tables.values()) > most:
            self._tables.popitem(last=False)
        return self._tables[key]
