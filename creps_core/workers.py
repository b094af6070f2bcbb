"""A small pool of threads that run tiles, each with one BLAS thread and buffers of its own.

Tiles on separate cores beat one tile spread over all cores: nothing synchronises inside a tile, its
activations stay in one core's cache, and the result does not depend on how a product was split.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import torch
from torch import Tensor

from creps_core.cancel import CancelToken
from creps_core.plan import Plan

PROGRAMS_KEPT = 4


Program = TypeVar("Program")


class Workspace:
    """Named buffers of one worker, kept between tiles, and the programs laid out in them."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._buffers: dict[tuple[str, int, int, torch.dtype], Tensor] = {}
        self._programs: OrderedDict[tuple[Any, int], tuple[Any, Any]] = OrderedDict()

    def buffer(self, name: str, rows: int, columns: int, dtype: torch.dtype) -> Tensor:
        """A buffer [rows + 1, columns] whose last row is ones: biases meet them, see `plan`."""
        key = (name, rows, columns, dtype)
        whole = self._buffers.get(key)
        if whole is None:
            whole = torch.zeros(rows + 1, columns, dtype=dtype, device=self.device)
            whole[rows] = 1
            self._buffers[key] = whole
        return whole

    def program(self, kind: Callable[[Plan, Workspace], Program], plan: Plan) -> Program:
        """The plan's program of a kind, made once; the last few are kept."""
        key = (kind, id(plan))
        kept = self._programs.get(key)
        if kept is None or kept[0] is not plan:
            kept = (plan, kind(plan, self))
            self._programs[key] = kept
            while len(self._programs) > PROGRAMS_KEPT:
                self._programs.popitem(last=False)
        return kept[1]


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
