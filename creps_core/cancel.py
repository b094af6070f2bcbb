"""Cooperative cancellation: one token per piece of work, polled between tiles."""

from __future__ import annotations

import threading

from creps_core.errors import Cancelled


class CancelToken:
    """A flag that any thread may set once; work polls it and raises `Cancelled`."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work that holds this token to stop at its next poll."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise `Cancelled` once `cancel` was called."""
        if self._event.is_set():
            raise Cancelled("cancelled")
