"""SIGINT and SIGTERM close the window cleanly, although Qt's loop does not return to Python by itself."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QObject, QSocketNotifier


class UnixSignals(QObject):
    """Calls `close` in the GUI thread when the process is asked to end; `received` says by which signal."""

    def __init__(self, close: Callable[[], None]) -> None:
        super().__init__()
        self.received: int | None = None
        self._close = close
        # The interpreter writes a byte for every signal; the notifier wakes the loop, Python code runs
        # again, and with it the handler.
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._before: dict[int, Any] = {
            number: signal.signal(number, self._handle) for number in (signal.SIGINT, signal.SIGTERM)
        }
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(sip.voidptr(self._reader.fileno()), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._drain)

    def restore(self) -> None:
        """Give the signals back to who had them."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.received = number

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(64)
        if self.received is not None:
            self._close()
