"""How long things took lately: a ring buffer per kind, for the performance panel and the benchmarks."""

from __future__ import annotations

import time
from collections import deque
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["paint", "upload", "render", "input"]
KINDS: tuple[Kind, ...] = ("paint", "upload", "render", "input")
KEPT = 600


class Timings:
    """The last `KEPT` durations of each kind, in milliseconds. Used from the GUI thread alone.

    paint: one repaint of the canvas; upload: handing one frame to the graphics card; render: from request
    to pass, as the renderer measured it; input: from a gesture's event to the end of the next paint.
    """

    def __init__(self) -> None:
        self._values: dict[Kind, deque[tuple[float, float]]] = {kind: deque(maxlen=KEPT) for kind in KINDS}
        self.count = 0  # rises with every entry, so that a plot knows when to redraw

    def add(self, kind: Kind, ms: float) -> None:
        """Record one duration."""
        self._values[kind].append((time.monotonic(), ms))
        self.count += 1

    def recent(self, kind: Kind) -> NDArray[np.float64]:
        """The durations, oldest first, [n] milliseconds."""
        return np.array([ms for _, ms in self._values[kind]], dtype=np.float64)

    def times(self, kind: Kind) -> NDArray[np.float64]:
        """When each was recorded, in seconds of `time.monotonic`, [n]."""
        return np.array([at for at, _ in self._values[kind]], dtype=np.float64)

    def last(self, kind: Kind) -> float | None:
        """The newest duration, or None."""
        values = self._values[kind]
        return values[-1][1] if values else None

    def median(self, kind: Kind) -> float | None:
        """The median of those kept, or None."""
        values = self.recent(kind)
        return float(np.median(values)) if len(values) else None

    def clear(self) -> None:
        """Forget everything."""
        for values in self._values.values():
            values.clear()
        self.count += 1
