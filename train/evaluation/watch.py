"""How work over batches and cases tells how far it is; the bar itself belongs to the command."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Watch(Protocol):
    """Hands items on and may show how far it is."""

    def __call__(self, items: Iterable[T], what: str, total: int) -> Iterable[T]:
        """The same items."""


def quiet(items: Iterable[T], what: str, total: int) -> Iterable[T]:
    """Show nothing."""
    return items
