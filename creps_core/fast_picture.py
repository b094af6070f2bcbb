"""A picture for videos in a fraction of the time: smooth regions are interpolated from exact samples.

Samples are computed on a coarse lattice of the picture's own grid, then on finer ones; wherever
interpolation foretold the finer samples well, the rest of that region is interpolated instead of computed.
Every computed sample is exact. What is interpolated is held within one level of 255 by tests: a test sample
in the middle of a cell sees a smooth error in full and, of a kink, at least half of what it can leave.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from creps_core.cancel import CancelToken
from creps_core.grid import GeneralGrid, Line, SeparableGrid
from creps_core.lattice import Block, Rect, new_blocks
from creps_core.plan import Plan
from creps_core.renderer import Renderer
from creps_core.samplers import Sampler
from creps_core.samples import Grid, is_transposed, plane_shape
from creps_core.view import Outside

TOLERANCE = 0.45 / 127.5  # of [−1, 1]: between foretold and exact samples, not quite half a level
COARSEST = 16  # pixels between samples, at most
PITCH = Fraction(1, 2)  # and at most so much of a trained pixel: nothing the network shows is missed
REGION = 16  # cells per side of what is decided together: tiles of finer samples are then not slim
MOST_PIXELS = 2**25  # that are kept as floats, 400 MB; larger pictures are rendered as they are

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def fast_picture(
    renderer: Renderer, plan: Plan, grid: Grid, outside: Outside, cancel: CancelToken | None = None
) -> Floats | None:
    """RGB [H, W, 3] as `Renderer.render` gives it, to less than a level; None where it would save nothing."""
    height, width = plane_shape(grid)
    stride = _coarsest_stride(plan, grid)
    if stride < 4 or min(height, width) < 4 * stride or height * width > MOST_PIXELS:
        return None
    rows, columns = (-(-(side - 1) // stride) * stride + 1 for side in (height, width))
    wider = grid if isinstance(grid, GeneralGrid) else _extended(grid, rows, columns)
    sampler = renderer.sampler(plan, wider, outside, cancel=cancel)
    picture = _refined(_Source(renderer, sampler, cancel), stride, rows, columns)[:height, :width]
    return picture.swapaxes(0, 1) if is_transposed(grid) else picture


class _Source:
    """Exact samples of the grid, into lattices."""

    def __init__(self, renderer: Renderer, sampler: Sampler, cancel: CancelToken | None) -> None:
        self._renderer, self._sampler, self._cancel = renderer, sampler, cancel

    def fill(self, lattice: Floats, stride: int, blocks: list[Block]) -> None:
        """Write the blocks' samples into the lattice whose [i, j] is pixel (i·stride, j·stride)."""

        def write(tile: Block, values: Floats) -> None:
            lattice[_places(tile.rows, stride), _places(tile.columns, stride)] = values

        def run(tasks: object) -> None:
            self._renderer.pool.run(tasks, self._cancel)  # type: ignore[arg-type]

        self._sampler.prepare(blocks, run, self._poll)
        run(self._renderer.tile_tasks(self._sampler, blocks, write))

    def _poll(self) -> None:
        if self._cancel is not None:
            self._cancel.check()


def _refined(source: _Source, stride: int, rows: int, columns: int) -> Floats:
    """Every sample of rows × columns (multiples of the stride, plus 1)."""
    lattice = np.empty((rows // stride + 1, columns // stride + 1, 3), dtype=np.float32)
    source.fill(lattice, stride, [Block(range(0, rows, stride), range(0, columns, stride))])
    doubtful: Mask | None = None  # of the lattice's samples; None = all
    while stride > 1:
        finer = _doubled(lattice)
        areas = _areas(doubtful, lattice.shape[0] - 1, lattice.shape[1] - 1, stride)
        stride //= 2
        blocks = [b for area in areas for b in new_blocks(area, stride, 2 * stride, (0, 0))]
        foretold = finer.copy() if stride > 1 else finer
        source.fill(finer, stride, blocks)
        if stride > 1:
            doubtful = _spread(_differ(foretold, finer))
        lattice = finer
    return lattice


def _areas(doubtful: Mask | None, down: int, across: int, stride: int) -> list[Rect]:
    """The pixels of the cells to look into, as rectangles; neighbours in a row are joined."""
    if doubtful is None:
        return [Rect(0, 0, down * stride + 1, across * stride + 1)]
    tall, wide = -(-down // REGION), -(-across // REGION)
    padded = np.zeros((tall * REGION, wide * REGION), dtype=np.bool_)
    padded[:down, :across] = doubtful[:-1, :-1] | doubtful[1:, :-1] | doubtful[:-1, 1:] | doubtful[1:, 1:]
    active: Mask = np.logical_or.reduce(padded.reshape(tall, REGION, wide, REGION), axis=(1, 3))
    areas = []
    for i in range(tall):
        edges = np.flatnonzero(np.diff(active[i].astype(np.int8), prepend=0, append=0))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            bottom, right = min((i + 1) * REGION, down), min(int(stop) * REGION, across)
            # the last lattice row and column belong to the last regions
            areas.append(
                Rect(
                    i * REGION * stride,
                    int(start) * REGION * stride,
                    bottom * stride + (bottom == down),
                    right * stride + (right == across),
                )
            )
    return areas


def _doubled(lattice: Floats) -> Floats:
    """The lattice of half the pitch, new samples from cubics through the four nearest along each axis."""
    return _doubled_rows(_doubled_rows(lattice).swapaxes(0, 1)).swapaxes(0, 1)


def _doubled_rows(a: Floats) -> Floats:
    out = np.empty((2 * len(a) - 1, *a.shape[1:]), dtype=np.float32)
    out[::2] = a
    middle = out[3:-3:2]
    np.add(a[1:-2], a[2:-1], out=middle)
    middle *= np.float32(9)
    middle -= a[:-3]
    middle -= a[3:]
    middle *= np.float32(1 / 16)
    for at, (p, q, r) in ((1, a[:3]), (-2, a[:-4:-1])):  # parabolas at both ends
        out[at] = (3 * p + 6 * q - r) / 8
    return out


def _differ(foretold: Floats, exact: Floats) -> Mask:
    """Where they are further apart than the tolerance, as it would be seen: beyond ±1 nothing is."""
    difference = np.clip(foretold, -1, 1)
    difference -= np.clip(exact, -1, 1)
    np.abs(difference, out=difference)
    return difference.max(axis=2) > TOLERANCE


def _spread(mask: Mask) -> Mask:
    """The mask and what lies within two samples of it: interpolation reads that far."""
    for axis in (0, 1):
        turned = mask.swapaxes(0, axis)
        wider = turned.copy()
        for distance in (1, 2):
            wider[distance:] |= turned[:-distance]
            wider[:-distance] |= turned[distance:]
        mask = wider.swapaxes(0, axis)
    return mask


def _coarsest_stride(plan: Plan, grid: Grid) -> int:
    """The largest power of two that keeps the lattice's pitch below `PITCH` of a trained pixel."""
    if isinstance(grid, GeneralGrid):
        pitch = max(map(abs, grid.view.step(grid.size))) * _magnification(grid)
    else:
        pitch = float(max(abs(grid.y.step), abs(grid.x.step)))
    allowed = float(PITCH) / (plan.config.resolution * max(pitch, 1e-300))
    stride = 1
    while stride < COARSEST and 2 * stride <= allowed:
        stride *= 2
    return stride


def _magnification(grid: GeneralGrid) -> float:
    """How much wider than the view's own the pitch gets by warps, from a sparse look."""
    rows = np.linspace(0, grid.size.height - 1, 33).astype(np.int64)
    columns = np.linspace(0, grid.size.width - 1, 33).astype(np.int64)
    plain = max(map(abs, grid.view.step(grid.size)))
    steps = []
    for down, right in ((1, 0), (0, 1)):
        here, there = grid.offsets(rows, columns), grid.offsets(rows + down, columns + right)
        steps += [np.abs(b - a) for a, b in zip(here, there, strict=True)]
    seen = np.stack(steps)
    return float(np.nanmax(seen, initial=plain)) / plain


def _extended(grid: SeparableGrid, rows: int, columns: int) -> SeparableGrid:
    """The same grid with more rows and columns at its ends."""
    y, x = Line(grid.y.start, grid.y.step, rows), Line(grid.x.start, grid.x.step, columns)
    return SeparableGrid(y, x, grid.transposed)


def _places(numbers: range, stride: int) -> slice:
    """Pixel numbers as places in a lattice of that stride."""
    first, step = numbers.start // stride, numbers.step // stride
    return slice(first, first + (len(numbers) - 1) * step + 1, step)
