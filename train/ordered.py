"""A function over many items on a few threads, results in order, only a few items ahead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

MAX_THREADS = 4  # a very large picture takes a gigabyte while it is decoded


def ordered_map(function: Callable[[A], B], items: Iterable[A]) -> Generator[B]:
    """`map(function, items)` on several threads; what was begun ends before an exception passes on."""
    threads = min(MAX_THREADS, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="creps-data")
    begun: deque[Future[B]] = deque()
    try:
        for item in items:
            begun.append(pool.submit(function, item))
            if len(begun) > 2 * threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
