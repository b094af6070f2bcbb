"""How one view becomes sharp: which samples to compute next, and the frames that show them.

Separable views: nested lattices of the same grid; every pass computes only samples that no earlier pass,
and no earlier frame, has. Turned and warped views: axis-aligned drafts on coarse lattices first, whose
line samples the exact tables take over, then nested lattices likewise.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creps_core.cancel import CancelToken
from creps_core.features import Features, known_level
from creps_core.frame import Frame, FrameStats
from creps_core.general import GeneralSampler
from creps_core.grid import GeneralGrid, Line, SeparableGrid, grid_for
from creps_core.image import to_uint8
from creps_core.lattice import STRIDES, Block, Rect, new_blocks, strides_from, tiles
from creps_core.plan import Plan, line_flops, pixel_flops
from creps_core.resumption import pixel_share, shared_styles, work_left
from creps_core.samplers import Sampler, SeparableSampler, shade
from creps_core.samples import Samples, as_slice, is_transposed, plane_shape
from creps_core.view import Size, View, log2_of
from creps_core.workers import Task, Workspace

if TYPE_CHECKING:
    from creps_core.renderer import Renderer

FIRST_PASS_SECONDS = 0.1
DRAFT_SHARE = 0.05  # of a turned view's pixels may be spent on axis-aligned drafts
GUESSED_PER_UNIT = 512  # of a table, until it was measured
FIRST_DRAFT = 20  # samples per plane unit of the coarsest draft, at least
FLAT_LEVELS = 4
SPARSE = 16  # pixels between those that tell how much of a table is there
WORTHWHILE = 3.0  # a coarse start must be so much quicker than the whole frame
FEATURES_SHARE = 0.625  # of the cache
DRAFT_WORK = 0.5  # what a draft in half precision costs, of a frame: exact is better where less is left
GUESSED_FLOPS = 4e10  # per worker and second, until something was measured


@dataclass
class Costs:
    """Measured seconds per line sample and per pixel, for one kind of plan and number of workers."""

    line: float
    pixel: float

    def learn(self, name: str, seconds: float, count: float, least: int) -> None:
        """Take in a measurement, unless so few samples were computed that filling up distorts it."""
        if count >= least:
            setattr(self, name, 0.5 * getattr(self, name) + 0.5 * seconds / count)


class Refinement:
    """One request's passes. Made by `Renderer.passes`."""

    def __init__(
        self,
        renderer: Renderer,
        plan: Plan,
        view: View,
        size: Size,
        moving: bool,
        cancel: CancelToken | None,
        previous: Frame | None,
        aside: bool = False,
    ) -> None:
        self.renderer, self.view, self.size, self.moving, self.cancel = renderer, view, size, moving, cancel
        self.aside = aside
        self.grid = grid_for(view, size)
        earlier = previous.samples if previous is not None else None
        self.earlier = earlier if isinstance(earlier, Samples) else None
        self.plan = renderer.draft_plan(plan) if moving and not self._is_small_step(plan) else plan
        height, width = plane_shape(self.grid)
        self.anchor = (height // 2, width // 2)
        self.exact = self.plan is plan
        self.latents = plan.key  # also of drafts in half precision: they show the same picture
        self.workers = max(1, renderer.pool.threads - (1 if moving else 0))
        self.costs = renderer.costs(self.plan, self.workers)
        self.started = time.perf_counter()
        self.lines = 0.0
        self.pixels = 0
        self.reused = 0.0

    def frames(self) -> Iterator[Frame]:
        """Coarse to fine; see `Renderer.passes`."""
        if isinstance(self.grid, GeneralGrid):
            yield from self._drafts(self.grid)
        sampler = self.renderer.sampler(
            self.plan, self.grid, self.view.outside, keep=not self.aside, cancel=self.cancel
        )
        samples = self._begin(sampler)
        areas = sampler.visible.minus(samples.complete)
        strides = strides_from(self._first_stride(sampler, areas, samples))
        last = None
        for number, stride in enumerate(strides, start=1):
            blocks = [b for area in areas for b in new_blocks(area, stride, last, self.anchor)]
            self._compute(sampler, blocks, samples)
            last = stride
            if stride == 1:
                samples.complete = sampler.visible
            yield self._frame(samples, stride, number, len(strides))

    def _is_small_step(self, plan: Plan) -> bool:
        """Whether only late styles differ from the earlier frame's, so that little is left to compute."""
        if self.earlier is None:
            return False
        levels = self.earlier.shared_levels(plan, self.view.outside, self.grid)
        if not levels:
            return False
        styles = shared_styles(self.earlier.ws, plan.ws)
        # The tables of turned and warped views begin anew with every body.
        lines_kept = isinstance(self.grid, SeparableGrid) or styles >= plan.config.num_ws - 1
        return work_left(plan.config, plane_shape(self.grid), styles, lines_kept) <= DRAFT_WORK

    def _begin(self, sampler: Sampler) -> Samples:
        """The record of this view, with what an earlier frame can give."""
        samples = Samples.empty(self.plan, self.view.outside, self.grid, sampler.visible)
        if self.earlier is not None:
            samples.adopt_shifted(self.earlier, sampler.visible)
        visible = sampler.visible
        if visible:
            inside = samples.have[visible.top : visible.bottom, visible.left : visible.right]
            self.reused = float(inside.mean())
        samples.features = self._features(visible)
        return samples

    def _features(self, visible: Rect) -> list[Features]:
        """What holds of the earlier frame's features, and room for more where it will be of use."""
        earlier, levels = self.earlier, len(self.plan.config.levels)
        shared = earlier.shared_levels(self.plan, self.view.outside, self.grid) if earlier else None
        if self.aside or (shared is None and self.moving):
            return []  # no frame follows, or the next one of a gesture has another grid
        kept = earlier.features_for(shared, self.plan) if earlier and shared else []
        shape, channels = plane_shape(self.grid), self.plan.config.biline_channels
        room = self.renderer.cache_bytes * FEATURES_SHARE - sum(features.nbytes for features in kept)
        # During a drag the next step starts ahead of the change again; what the head reads can wait.
        for level in (shared or 0,) if self.moving else (levels, shared or 0):
            known = level in {features.level for features in kept}
            if level and not known and room >= shape[0] * shape[1] * channels * self.plan.dtype.itemsize:
                kept.append(Features(level, shape, channels, self.plan.dtype, visible))
                room -= kept[-1].nbytes
        return kept

    def _first_stride(self, sampler: Sampler, areas: Sequence[Rect], samples: Samples) -> int:
        """The finest stride whose first pass keeps the eye waiting no longer than it may.

        1 when the whole frame is quick, or when starting coarse would not save much: line samples
        come in chunks, so a narrow strip costs about as much coarse as fine.
        """
        fitting = [
            s for s in reversed(STRIDES) if self._seconds(sampler, areas, samples, s) <= FIRST_PASS_SECONDS
        ]
        first = fitting[0] if fitting else STRIDES[0]
        whole = self._seconds(sampler, areas, samples, 1)
        coarse = self._seconds(sampler, areas, samples, first)
        return 1 if whole <= max(FIRST_PASS_SECONDS, WORTHWHILE * coarse) else first

    def _seconds(self, sampler: Sampler, areas: Sequence[Rect], samples: Samples, stride: int) -> float:
        """What a first pass at that stride is expected to take."""
        config, levels = self.plan.config, len(self.plan.config.levels)
        level = max((kept.level for kept in samples.features if kept.whole), default=0)
        blocks = [b for area in areas for b in new_blocks(area, stride, None, self.anchor)]
        seconds = sum(map(len, blocks)) * self.costs.pixel * pixel_share(config, level)
        if isinstance(sampler, SeparableSampler) and level < levels:
            chunks = math.ceil(sampler.work_missing(blocks) / self.plan.chunk_lines)
            rounds = -(-chunks // self.workers)
            seconds += rounds * self.workers * self.plan.chunk_lines * self.costs.line
        return seconds

    def _compute(self, sampler: Sampler, blocks: Sequence[Block], samples: Samples) -> None:
        pixels, levels = self.plan.tile_pixels, len(self.plan.config.levels)
        todo = [tile for block in blocks for tile in tiles(block, pixels) if not samples.is_done(tile)]
        known = [known_level(samples.features, tile) for tile in todo]
        composed = [tile for tile, level in zip(todo, known, strict=True) if level < levels]
        start = time.perf_counter()
        computed = sampler.prepare(composed, self._run, self._poll)
        self.costs.learn("line", time.perf_counter() - start, computed, 2 * self.plan.chunk_lines)
        self.lines += computed
        start = time.perf_counter()
        self._run(self._tile(sampler, tile, samples) for tile in todo)
        count = sum(map(len, todo))
        if not any(known):
            self.costs.learn("pixel", time.perf_counter() - start, count, 4 * pixels)
        self.pixels += count

    def _tile(self, sampler: Sampler, tile: Block, samples: Samples) -> Task:
        rows, columns = as_slice(tile.rows), as_slice(tile.columns)

        def run(workspace: Workspace) -> None:
            values = shade(sampler, tile, workspace, samples.features)
            samples.levels[rows, columns, :3] = to_uint8(values)
            samples.have[rows, columns] = True

        return run

    def _drafts(self, grid: GeneralGrid) -> Iterator[Frame]:
        """Axis-aligned frames on coarse lattices, while the exact tables would keep the eye waiting."""
        box = _bounding_box(grid)
        if box is None:
            return
        extent = (box[1] - box[0], box[3] - box[2])
        last = self.renderer.known_density
        guess = last.per_unit if last else GUESSED_PER_UNIT
        missing = sum(extent) * guess
        if self.renderer.has_density(self.plan):
            sampler = self.renderer.sampler(self.plan, grid, self.view.outside, keep=True, cancel=self.cancel)
            assert isinstance(sampler, GeneralSampler)
            look = Block(range(0, self.size.height, SPARSE), range(0, self.size.width, SPARSE))
            missing *= sampler.missing_share(look)
        if missing * self.costs.line <= FIRST_PASS_SECONDS:
            return
        coarsest = _drafts_of(guess)[0]
        yield self._draft(box, coarsest, guess)  # before the density is measured, which takes a moment
        per_unit = self.renderer.density(self.plan, self.cancel).per_unit
        allowed = DRAFT_SHARE * self.size.width * self.size.height
        for draft in _drafts_of(per_unit):
            allowed -= extent[0] * extent[1] * draft**2
            if allowed < 0:
                return
            if draft > coarsest:
                yield self._draft(box, draft, per_unit)

    def _draft(self, box: tuple[float, float, float, float], draft: int, per_unit: int) -> Frame:
        """One frame on the multiples of 1/draft in the box (top, bottom, left, right)."""
        y, x = _lattice_line(box[0], box[1], draft), _lattice_line(box[2], box[3], draft)
        grid = SeparableGrid(y, x)
        view, size = _lattice_view(grid, self.view)
        tables, device = self.renderer.tables, self.renderer.device
        rows = tables.line(self.plan, y, "row draft", device)
        columns = tables.line(self.plan, x, "column draft", device)
        sampler = SeparableSampler(self.plan, grid, rows, columns, self.view.outside)
        samples = Samples.empty(self.plan, self.view.outside, grid, sampler.visible)
        visible = sampler.visible
        block = Block(range(visible.top, visible.bottom), range(visible.left, visible.right))
        self._compute(sampler, [block] if visible else [], samples)
        for is_row, table in ((True, rows), (False, columns)):
            tables.lattice(self.plan, is_row, per_unit, device).adopt(table)
        stats = self._stats()
        return Frame(
            view,
            size,
            self.latents,
            samples.levels,
            stride=1,
            origin=(0, 0),
            pass_number=1,
            pass_count=2,
            settled=False,
            stats=stats,
            exact=self.exact,
        )

    def _frame(self, samples: Samples, stride: int, number: int, count: int) -> Frame:
        row, column = (a % stride for a in self.anchor)
        settled = stride == 1 and self.exact
        pixels = samples.picture(stride, self.anchor)
        return Frame(
            view=self.view,
            size=self.size,
            latents=self.latents,
            pixels=pixels,
            stride=stride,
            origin=(column, row) if is_transposed(self.grid) else (row, column),
            pass_number=number,
            pass_count=count,
            settled=settled,
            flat=settled and _is_flat(pixels),
            stats=self._stats(),
            exact=self.exact,
            samples=samples,
        )

    def _stats(self) -> FrameStats:
        density = self.renderer.known_density if isinstance(self.grid, GeneralGrid) else None
        return FrameStats(
            render_ms=(time.perf_counter() - self.started) * 1e3,
            line_samples=round(self.lines),
            pixel_samples=self.pixels,
            reused=self.reused,
            table_per_unit=float(density.per_unit) if density else 0.0,
            device=self.renderer.device_name,
        )

    def _run(self, tasks: Iterable[Task]) -> None:
        self.renderer.pool.run(tasks, self.cancel, self.workers)

    def _poll(self) -> None:
        if self.cancel is not None:
            self.cancel.check()


def guessed_costs(plan: Plan, workers: int) -> Costs:
    """Costs to begin with, from flop counts."""
    speed = GUESSED_FLOPS * workers
    return Costs(line_flops(plan.config) / speed, pixel_flops(plan.config) / speed)


def _is_flat(pixels: NDArray[np.uint8]) -> bool:
    rgb = pixels[..., :3]
    sparse = rgb[::SPARSE, ::SPARSE].reshape(-1, 3).astype(int)
    if (np.ptp(sparse, axis=0) >= FLAT_LEVELS).any():
        return False  # most pictures: no need to look at every pixel
    spans = rgb.max(axis=(0, 1)).astype(int) - rgb.min(axis=(0, 1))
    return bool((spans < FLAT_LEVELS).all())


def _bounding_box(grid: GeneralGrid) -> tuple[float, float, float, float] | None:
    """(top, bottom, left, right) in the plane of what the view shows of [−1, 2]², from a sparse look."""
    height, width = grid.size.height, grid.size.width
    rows = np.unique(np.linspace(0, height - 1, min(height, 65)).astype(np.int64))
    columns = np.unique(np.linspace(0, width - 1, min(width, 65)).astype(np.int64))
    dy, dx = grid.offsets(rows, columns)
    y, x = float(grid.view.center_y) + dy, float(grid.view.center_x) + dx
    low, high = (-1.0, 2.0) if grid.view.outside == "generate" else (-0.1, 1.1)
    if not np.isfinite(y).any():
        return None
    top, bottom = np.clip([np.nanmin(y), np.nanmax(y)], low, high)
    left, right = np.clip([np.nanmin(x), np.nanmax(x)], low, high)
    return (top, bottom, left, right) if top < bottom and left < right else None


def _drafts_of(per_unit: int) -> list[int]:
    """The coarser lattices whose points the table of that density has too, coarsest first."""
    drafts = [per_unit >> n for n in range(1, per_unit.bit_length()) if per_unit % (1 << n) == 0]
    return [draft for draft in reversed(drafts) if draft >= FIRST_DRAFT]


def _lattice_line(start: float, stop: float, per_unit: int) -> Line:
    """The multiples of 1/per_unit from just before `start` to just after `stop`."""
    first, last = int(np.floor(start * per_unit)), int(np.ceil(stop * per_unit))
    return Line(Fraction(first, per_unit), Fraction(1, per_unit), last - first + 1)


def _lattice_view(grid: SeparableGrid, like: View) -> tuple[View, Size]:
    """The axis-aligned view whose pixel centres are the lattice points."""
    size = grid.size()
    middle = [line.start + (line.count - 1) * line.step / 2 for line in (grid.x, grid.y)]
    zoom = 1 / (float(grid.x.step) * size.shorter)
    return View(middle[0], middle[1], log2_of(zoom), outside=like.outside), size
