"""An opened checkpoint, ready to make pictures: generator and renderer behind what the render thread needs.

The one place where the viewer turns latents into plans. It holds no thread and no queue. torch is loaded
by `open_engine`, not by importing this module, so that the window can be on the screen first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from creps_core.cancel import CancelToken
from creps_core.config import GeneratorConfig
from creps_core.frame import Frame
from creps_core.inspector import Inspection, Inspector
from creps_core.source import Mix, Source
from creps_core.view import Size, View

if TYPE_CHECKING:
    from creps_core.generator import Generator
    from creps_core.renderer import Renderer

Progress = Callable[[int, int], None]  # (bytes read, bytes in all)


class Engine(Protocol):
    """What the render thread asks of an opened checkpoint."""

    @property
    def config(self) -> GeneratorConfig:
        """The generator's sizes."""

    @property
    def device_name(self) -> str:
        """Where pictures are computed."""

    def close(self) -> None:
        """Give back what it holds; nothing is asked of it afterwards."""

    def plan(self, sources: tuple[Source, ...], mix: Mix | None) -> Any:
        """The latents, folded into the network; an `InputError` when they do not fit it."""

    def passes(
        self,
        plan: Any,
        view: View,
        size: Size,
        *,
        previous: Frame | None = None,
        moving: bool = False,
        aside: bool = False,
        cancel: CancelToken | None = None,
    ) -> Iterator[Frame]:
        """The picture, coarse to fine; the last frame is settled unless `moving`. Raises `Cancelled`.

        `aside`: a thumbnail, of which nothing is kept.
        """

    def inspect(
        self,
        plan: Any,
        view: View,
        size: Size,
        inspector: Inspector,
        *,
        draft: bool = False,
        cancel: CancelToken | None = None,
    ) -> Inspection:
        """What `inspector` shows of the network's inside. Raises `Cancelled`."""


@dataclass(frozen=True)
class Opened:
    """A checkpoint that was read: what the window says about it, and its engine."""

    name: str
    path: Path
    sha256: str
    engine: Engine


class CheckpointEngine:
    """The engine of a real checkpoint. Used from the render thread, except for its public fields."""

    def __init__(self, generator: Generator, renderer: Renderer) -> None:
        self.generator = generator
        self.renderer = renderer

    @property
    def config(self) -> GeneratorConfig:
        """The generator's sizes."""
        return self.generator.config

    @property
    def device_name(self) -> str:
        """Where pictures are computed."""
        return self.renderer.device_name

    def close(self) -> None:
        """End the renderer's workers."""
        self.renderer.close()

    def plan(self, sources: tuple[Source, ...], mix: Mix | None) -> Any:
        """The latents, folded into the network; the renderer keeps the plans it made."""
        from creps_core.latents import resolve_ws

        return self.renderer.plan(resolve_ws(self.generator, sources, mix))

    def passes(
        self,
        plan: Any,
        view: View,
        size: Size,
        *,
        previous: Frame | None = None,
        moving: bool = False,
        aside: bool = False,
        cancel: CancelToken | None = None,
    ) -> Iterator[Frame]:
        """The picture, coarse to fine."""
        return self.renderer.passes(
            plan, view, size, previous=previous, moving=moving, aside=aside, cancel=cancel
        )

    def inspect(
        self,
        plan: Any,
        view: View,
        size: Size,
        inspector: Inspector,
        *,
        draft: bool = False,
        cancel: CancelToken | None = None,
    ) -> Inspection:
        """What `inspector` shows, from the renderer's own tables."""
        from creps_core.inspection import inspect

        return inspect(self.renderer, plan, view, size, inspector, draft=draft, cancel=cancel)


def open_engine(
    path: Path,
    device: str = "auto",
    cache_mb: int = 512,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Opened:
    """Read the checkpoint at `path` and set up its renderer; raises `CrepsError`s that say what is wrong."""
    from creps_core.checkpoint import read_checkpoint
    from creps_core.renderer import Renderer

    checkpoint = read_checkpoint(path, progress=progress, cancel=cancel)
    generator = checkpoint.build()
    if cancel is not None:
        cancel.check()
    engine = CheckpointEngine(generator, Renderer(generator, device, cache_mb=cache_mb))
    return Opened(path.stem, path, checkpoint.sha256, engine)
