"""A small pool of threads that run tiles, each with one BLAS thread and buffers of its own.

Tiles on separate cores beat one tile spread over all cores: nothing synchronises inside a tile, its
activations stay in one core's cache, and the result does not depend on how a product was split.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from creps_core.cancel import CancelToken
from creps_core.plan import Plan

PROGRAMS_KEPT = 32


class HasOnes(Protocol):
    """A program: its rows of ones must be set when another has used the memory meanwhile."""

    ones: list[Tensor]


P = TypeVar("P", bound=HasOnes)


class Workspace:
    """The memory of one worker, kept between tiles, and the programs laid out in it."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._memory: dict[tuple[str, int, torch.dtype], Tensor] = {}
        self._programs: OrderedDict[tuple[Any, int, int], tuple[Plan, Any]] = OrderedDict()
        self._lent: list[tuple[int, torch.dtype, Tensor]] = []
        self._last: object = None

    def lend(self, name: str, rows: int, columns: int, most: int, dtype: torch.dtype) -> Tensor:
        """Memory of a name as [rows + 1, columns]; the last row is for ones, which biases meet.

        Whatever has the same name shares it. `most` is the largest number of columns to come.
        """
        key = (name, rows, dtype)
        if key not in self._memory or self._memory[key].numel() < (rows + 1) * columns:
            self._memory[key] = torch.zeros((rows + 1) * most, dtype=dtype, device=self.device)
        lent = self._memory[key][: (rows + 1) * columns].view(rows + 1, columns)
        self._lent.append((columns, dtype, lent[rows]))
        return lent

    def lent_ones(self, columns: int, dtype: torch.dtype) -> list[Tensor]:
        """The last rows of all that was lent since the last call."""
        lent, self._lent = self._lent, []
        return [row for n, kind, row in lent if n == columns and kind == dtype]

    def program(self, kind: Callable[[Plan, Workspace, int], P], plan: Plan, n: int) -> P:
        """The plan's program of a kind for n columns, ready to run; the last few are kept."""
        key = (kind, id(plan), n)
        kept = self._programs.get(key)
        if kept is None or kept[0] is not plan:
            kept = (plan, kind(plan, self, n))
            self._programs[key] = kept
            while len(self._programs) > PROGRAMS_KEPT:
                self._programs.popitem(last=False)
        program: P = kept[1]
        if self._last is not program:
            self._last = program
            for row in program.ones:
                row.fill_(1)
        return program


Task = Callable[[Workspace], None]
Run = Callable[[Iterable[Task]], None]  # runs all of them before it returns


class WorkerPool:
    """Runs tasks on `threads` workers; a CUDA or MPS device has one."""

    def __init__(self, device: torch.device, threads: int) -> None:
        self.threads = threads if device.type == "cpu" else 1
        self._device = device
        self._local = threading.local()
        self._executor = ThreadPoolExecutor(self.threads, "creps-tile", initializer=self._start_worker)

    def _start_worker(self) -> None:
        torch.set_num_threads(1)  # of this thread alone
        self._local.workspace = Workspace(self._device)

    def run(self, tasks: Iterable[Task], cancel: CancelToken | None, limit: int | None = None) -> None:
        """Run all tasks on at most `limit` workers; raises the first error, or `Cancelled`."""
        abort = threading.Event()
        source = _Shared(tasks)
        loops = min(limit or self.threads, self.threads)
        futures = [self._executor.submit(self._drain, source, cancel, abort) for _ in range(loops)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:  # also on Ctrl-C: no worker may go on writing into the caller's arrays
            if not all(f.done() and f.exception() is None for f in futures):
                abort.set()
            wait(futures)
        for future in futures:
            future.result()

    def _drain(self, source: _Shared, cancel: CancelToken | None, abort: threading.Event) -> None:
        with torch.inference_mode():
            for task in source:
                if abort.is_set():
                    return
                if cancel is not None:
                    cancel.check()
                task(self._local.workspace)

    def close(self) -> None:
        """End the workers; running tasks finish."""
        self._executor.shutdown(wait=True)


class _Shared:
    """An iterator that several threads may draw from."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = iter(tasks)
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Task]:
        while True:
            with self._lock:
                task = next(self._tasks, None)
            if task is None:
                return
            yield task
