"""The renderer: the reference's inputs and outputs, fast, in tiles, cancellable.

`render` and `bands` give floats for files; `passes` gives frames for the screen, coarse to fine. All run
the same tiles (`kernels`), so what is exported is what was seen. How a picture is refined is in
`refinement`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from creps_core.cancel import CancelToken
from creps_core.density import Density, measure_density
from creps_core.device import draft_dtype, pick_device
from creps_core.errors import RunError
from creps_core.frame import Frame
from creps_core.general import GeneralSampler
from creps_core.generator import Generator
from creps_core.grid import SeparableGrid
from creps_core.kernels import Poll
from creps_core.lattice import Block, Rect, tiles
from creps_core.line_table import LineTable
from creps_core.plan import Plan, fold
from creps_core.refinement import Costs, Refinement, guessed_costs
from creps_core.samplers import GROUND_FLOAT, Sampler, SeparableSampler, shade
from creps_core.samples import Grid, as_slice, is_transposed, plane_shape
from creps_core.table_cache import TableCache
from creps_core.view import Outside, Size, View
from creps_core.workers import Task, WorkerPool, Workspace

Floats = NDArray[np.float32]
Part = tuple[Sampler, Rect]  # where samples come from, and which of them (plane order)
PLANS_KEPT = 8
MOST_HALVINGS = 4
DENSITIES_KEPT = 64
BAND_PIXELS = 2**20
TABLES_SHARE = 0.375  # of the cache; the larger rest is for features, see `refinement`


class Renderer:
    """Renders one generator. One caller at a time; cancelling may come from any thread.

    Args:
        generator: in eval mode; it is not changed.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        threads: workers on the CPU; None = as many as torch uses.
        cache_mb: bound on embeddings and decoded features kept between frames.

    Raises:
        InputError: the device is not there.
    """

    def __init__(
        self, generator: Generator, device: str = "auto", *, threads: int | None = None, cache_mb: int = 512
    ) -> None:
        self.generator = generator
        self.device, self.device_name = pick_device(device)
        self.cache_bytes = cache_mb * 2**20
        self.notice = ""  # what the user should know about the device, "" = nothing
        self._threads = threads or torch.get_num_threads()
        self.pool = WorkerPool(self.device, self._threads)
        self._halvings = 0
        self._plans: OrderedDict[tuple[bytes, torch.dtype], Plan] = OrderedDict()
        self.tables = TableCache(int(self.cache_bytes * TABLES_SHARE))
        self._densities: OrderedDict[str, Density] = OrderedDict()
        self._costs: dict[tuple[torch.dtype, int], Costs] = {}

    def close(self) -> None:
        """End the workers and drop all caches."""
        self.pool.close()
        self.tables.clear()
        self._plans.clear()

    def plan(self, ws: Tensor, dtype: torch.dtype = torch.float32) -> Plan:
        """The plan of ws [1, num_ws, w_dim]; the last few are kept."""
        key = (ws.detach().cpu().numpy().tobytes(), dtype)
        if key not in self._plans:
            self._plans[key] = fold(self.generator, ws, self.device, dtype, self._plans.values())
            while len(self._plans) > PLANS_KEPT:
                self._plans.popitem(last=False)
        self._plans.move_to_end(key)
        return self._plans[key]

    def draft_plan(self, plan: Plan) -> Plan:
        """The plan to use while moving: of half precision where this device is faster with it."""
        return self.plan(plan.ws, draft_dtype(self.device))

    def density(self, plan: Plan, cancel: CancelToken | None = None) -> Density:
        """How dense these latents' tables must be for turned and warped views; measured once for each body.

        A change of the last style keeps the tables, so that style must have no say in how dense they are, or
        a picture would depend on what was shown before it: the style before stands in for it. Drafts make do
        with what was measured last.
        """
        found = self._densities.get(plan.body_key)
        if found is None and plan.dtype != torch.float32:
            found = self.known_density
        if found is None:
            ws = torch.cat([plan.ws[:, :-1], plan.ws[:, -2:-1]], dim=1)
            measured = self._placed(fold(self.generator, ws, self.device, plan.dtype, [plan]))
            found = measure_density(measured, self.device, self._runner(cancel), _poll(cancel))
        self._densities[plan.body_key] = found
        self._densities.move_to_end(plan.body_key)
        while len(self._densities) > DENSITIES_KEPT:
            self._densities.popitem(last=False)
        return found

    def has_density(self, plan: Plan) -> bool:
        """Whether `density` would answer at once."""
        return plan.body_key in self._densities

    @property
    def known_density(self) -> Density | None:
        """What `density` found last, if it was ever asked."""
        return next(reversed(self._densities.values()), None)

    def costs(self, plan: Plan, workers: int) -> Costs:
        """The measured costs of such plans on that many workers, updated by whoever measures."""
        key = (plan.dtype, workers)
        if key not in self._costs:
            self._costs[key] = guessed_costs(plan, workers)
        return self._costs[key]

    def render(
        self, plan: Plan, grid: Grid, *, outside: Outside = "generate", cancel: CancelToken | None = None
    ) -> Floats:
        """The whole grid: float32 RGB [H, W, 3], unclamped wherever the border policy shows it fully."""
        height, width = plane_shape(grid)
        out = np.empty((height, width, 3), dtype=np.float32)
        whole = Rect(0, 0, height, width)
        self.fill(plan, lambda p: (self.sampler(p, grid, outside, cancel=cancel), whole), out, cancel)
        return out.swapaxes(0, 1) if is_transposed(grid) else out

    def bands(
        self,
        plan: Plan,
        grid: Grid,
        *,
        outside: Outside = "generate",
        cancel: CancelToken | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[Floats]:
        """The grid top to bottom in bands [h, W, 3] of about a megapixel, in bounded memory.

        `progress` is called with (rows done, rows in all).
        """
        transposed = is_transposed(grid)
        lines = plane_shape(grid)[1 if transposed else 0]
        across = plane_shape(grid)[0 if transposed else 1]
        step = max(1, min(lines, BAND_PIXELS // across))
        part = self._parts(grid, outside, cancel)
        for start in range(0, lines, step):
            stop = min(lines, start + step)
            shape = (across, stop - start, 3) if transposed else (stop - start, across, 3)
            out = np.empty(shape, dtype=np.float32)
            self.fill(plan, partial(part, start, stop), out, cancel)
            if progress:
                progress(stop, lines)
            yield out.swapaxes(0, 1) if transposed else out

    def _parts(
        self, grid: Grid, outside: Outside, cancel: CancelToken | None
    ) -> Callable[[int, int, Plan], Part]:
        """The picture's rows start … stop − 1 as (sampler, area of it); embeddings across are shared."""
        across: dict[str, LineTable] = {}

        def part(start: int, stop: int, plan: Plan) -> Part:
            if not isinstance(grid, SeparableGrid):
                whole = self.sampler(plan, grid, outside, cancel=cancel)
                return whole, Rect(start, 0, stop, grid.size.width)
            shared = grid.y if grid.transposed else grid.x
            table = across.setdefault(plan.key + str(self.device), LineTable.empty(plan, shared, self.device))
            own = LineTable.empty(
                plan, (grid.x if grid.transposed else grid.y).slice(start, stop), self.device
            )
            rows, columns = (table, own) if grid.transposed else (own, table)
            sampler = SeparableSampler(plan, SeparableGrid(rows.line, columns.line), rows, columns, outside)
            return sampler, Rect(0, 0, rows.line.count, columns.line.count)

        return part

    def passes(
        self,
        plan: Plan,
        view: View,
        size: Size,
        *,
        previous: Frame | None = None,
        moving: bool = False,
        aside: bool = False,
        cancel: CancelToken | None = None,
    ) -> Iterator[Frame]:
        """The picture for the screen, coarse to fine; the last frame is settled unless `moving`.

        Args:
            previous: an earlier frame of this renderer; what it has of the same samples is kept.
            moving: a gesture goes on: half precision may be used, and one core is left alone.
            aside: a thumbnail: nothing is kept of it that would push out what the main picture keeps.

        Raises:
            Cancelled: by the token, at most about 50 ms after it was set.
        """
        while True:
            try:
                request = Refinement(self, self._placed(plan), view, size, moving, cancel, previous, aside)
                yield from request.frames()
                return
            except torch.OutOfMemoryError:
                plan, previous = self._relieve(plan), None
            finally:
                self.tables.trim()  # those of turned views have grown meanwhile

    def sampler(
        self,
        plan: Plan,
        grid: Grid,
        outside: Outside,
        *,
        keep: bool = False,
        cancel: CancelToken | None = None,
    ) -> Sampler:
        """Samples of a grid; `keep` lets the line tables live on in the cache."""
        if isinstance(grid, SeparableGrid):
            rows, columns = (
                self.tables.line(plan, line, name, self.device)
                if keep
                else LineTable.empty(plan, line, self.device)
                for line, name in ((grid.y, "row"), (grid.x, "column"))
            )
            return SeparableSampler(plan, grid, rows, columns, outside)
        per_unit = self.density(plan, cancel).per_unit
        tables = [self.tables.lattice(plan, is_row, per_unit, self.device) for is_row in (True, False)]
        return GeneralSampler(plan, grid, tables[0], tables[1], outside)

    def tile_tasks(
        self, sampler: Sampler, blocks: Iterable[Block], write: Callable[[Block, Floats], None]
    ) -> Iterator[Task]:
        """Tasks that hand every tile of the blocks to `write` as RGB [h, w, 3]."""
        pixels = sampler.plan.tile_pixels
        for block in blocks:
            for tile in tiles(block, pixels):
                yield partial(_run_tile, sampler, tile, write)

    def fill(self, plan: Plan, part: Callable[[Plan], Part], out: Floats, cancel: CancelToken | None) -> None:
        """Write the samples of a part's area (plane order) into out, whose [0, 0] is the area's corner."""
        while True:
            try:
                self._fill_once(*part(self._placed(plan)), out, cancel)
                return
            except torch.OutOfMemoryError:
                self._relieve(self._placed(plan))

    def _fill_once(self, sampler: Sampler, area: Rect, out: Floats, cancel: CancelToken | None) -> None:
        shown = sampler.visible.intersect(area)
        if shown != area:
            out[:] = GROUND_FLOAT
        if not shown:
            return
        block = Block(range(shown.top, shown.bottom), range(shown.left, shown.right))
        run = self._runner(cancel)
        sampler.prepare([block], run, _poll(cancel))

        def write(tile: Block, values: Floats) -> None:
            rows = as_slice(range(tile.rows.start - area.top, tile.rows.stop - area.top))
            columns = as_slice(range(tile.columns.start - area.left, tile.columns.stop - area.left))
            out[rows, columns] = values

        run(self.tile_tasks(sampler, [block], write))

    def _placed(self, plan: Plan) -> Plan:
        """The plan as it is used now: on this device, in tiles of the size that fits."""
        if plan.row_amplitude.device.type != self.device.type:
            plan = self.plan(plan.ws, plan.dtype)
        return plan if plan.halvings == self._halvings else replace(plan, halvings=self._halvings)

    def _relieve(self, plan: Plan) -> Plan:
        """The device is out of memory: smaller tiles, then the CPU (rendering rule 7).

        Raises:
            RunError: nothing is left to try.
        """
        self.tables.clear()
        if self._halvings < MOST_HALVINGS:
            self._halvings += 1
            self.notice = f"{self.device_name} is out of memory: working in smaller tiles"
        elif self.device.type != "cpu":
            self._halvings = 0
            self.notice = f"{self.device_name} is out of memory: working on the CPU from now on"
            self.device, self.device_name = pick_device("cpu")
            self._plans.clear()
            self.pool.close()
            self.pool = WorkerPool(self.device, self._threads)
        else:
            raise RunError("out of memory even with small tiles; choose a smaller picture")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return self._placed(plan)

    def _runner(self, cancel: CancelToken | None) -> Callable[[Iterable[Task]], None]:
        return lambda tasks: self.pool.run(tasks, cancel)


def _run_tile(
    sampler: Sampler, tile: Block, write: Callable[[Block, Floats], None], workspace: Workspace
) -> None:
    write(tile, shade(sampler, tile, workspace))


def _poll(cancel: CancelToken | None) -> Poll:
    return cancel.check if cancel else lambda: None
