"""How a run tells people where it is: a bar on a terminal, a line per snapshot."""

from __future__ import annotations

import sys
import time

import click
from tqdm import tqdm


class Status:
    """Speaks for the first process; the others are silent."""

    def __init__(self, done: int, total: int, *, speak: bool) -> None:
        self._speak = speak
        self._bar = tqdm(
            total=total,
            initial=done,
            unit="img",
            unit_scale=True,
            file=sys.stderr,
            disable=not (speak and sys.stderr.isatty()),
            dynamic_ncols=True,
        )

    def step(self, images: int, note: str) -> None:
        """So many more pictures were shown."""
        self._bar.update(images)
        if not self._bar.disable:
            self._bar.set_postfix_str(note, refresh=False)

    def say(self, text: str) -> None:
        """One line that stays."""
        if self._speak:
            with self._bar.external_write_mode(file=sys.stdout):
                click.echo(text)

    def close(self) -> None:
        """Leave the bar."""
        self._bar.close()


class Clock:
    """Pictures per second since the last question."""

    def __init__(self) -> None:
        self._start, self._images = time.monotonic(), 0

    def add(self, images: int) -> None:
        """So many more were shown."""
        self._images += images

    def rate(self) -> float:
        """Pictures per second; starts counting anew."""
        now = time.monotonic()
        rate = self._images / max(now - self._start, 1e-9)
        self._start, self._images = now, 0
        return rate
