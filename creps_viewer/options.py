"""What the command line asked for, as one value."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from creps_core.source import Source
from creps_core.view import Size
from creps_viewer.model.state import ViewerState

SCREENSHOT_SIZE = Size(1280, 800)
SCREENSHOT_SECONDS = 120.0


@dataclass(frozen=True)
class Options:
    """The options of `creps-viewer`; None where nothing was said."""

    file: Path | None = None
    seed: int | None = None
    psi: float | None = None
    device: str = "auto"
    cache_mb: int = 512
    session: Path | None = None
    screenshot: Path | None = None
    size: Size = SCREENSHOT_SIZE
    timeout: float = SCREENSHOT_SECONDS
    debug: bool = False

    def override(self, state: ViewerState) -> ViewerState:
        """`state` with the seed and psi that were asked for."""
        return dataclasses.replace(state, sources=self.override_sources(state.sources))

    def override_sources(self, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        """The first source with the seed and psi that were asked for."""
        first, *others = sources
        if self.seed is not None:
            first = first.reseeded(self.seed)
        if self.psi is not None:
            first = dataclasses.replace(first, psi=self.psi)
        return (first, *others)
