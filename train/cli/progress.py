"""A progress bar with the time left, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def counted(items: Iterable[T], total: int, what: str, unit: str) -> Iterator[T]:
    """Pass items on and count them on stderr; silent where that is no terminal."""
    hidden = not _on_terminal()
    yield from tqdm(items, what, total, unit=f" {unit}", leave=False, file=sys.stderr, disable=hidden)


def _on_terminal() -> bool:
    return sys.stderr.isatty()
