"""Progress over batches and cases: a bar on a terminal, or nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Protocol, TypeVar

from tqdm import tqdm

T = TypeVar("T")


class Watch(Protocol):
    """Hands items on and may show how far it is."""

    def __call__(self, items: Iterable[T], what: str, total: int) -> Iterable[T]:
        """The same items."""


def quiet(items: Iterable[T], what: str, total: int) -> Iterable[T]:
    """Show nothing."""
    return items


def bar(items: Iterable[T], what: str, total: int) -> Iterable[T]:
    """A bar on stderr with the time left; nothing where stderr is not a terminal."""
    return tqdm(items, desc=what, total=total, leave=False, file=sys.stderr, disable=None)
