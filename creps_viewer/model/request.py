"""What is asked of the render thread: frozen values that carry every input. They compute nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from creps_core.frame import Frame
from creps_core.inspector import Inspector
from creps_core.source import Mix, Source
from creps_core.view import Size, View


@dataclass(frozen=True)
class RenderRequest:
    """One picture to show. Requests are numbered; results of any but the newest are dropped."""

    id: int
    generation: int  # of the document: which checkpoint
    sources: tuple[Source, ...]
    mix: Mix | None
    view: View
    size: Size  # device pixels
    moving: bool  # a gesture lasts: drafts will do, and the window needs a core
    against: Frame | None = None  # asked for is the residual of this settled frame, `size` is twice its own


@dataclass(frozen=True)
class SideRequest:
    """A small picture to make when nothing better is to be done: a minimap, a thumbnail.

    A newer request with the same `key` replaces an older one; lower ranks come first.
    """

    key: str
    generation: int
    sources: tuple[Source, ...]
    mix: Mix | None
    view: View
    size: Size
    rank: int = 0
    second: bool = False  # of the second picture's checkpoint, and for its listener


@dataclass(frozen=True)
class InspectionRequest(SideRequest):
    """A look inside the network, made when nothing better is to be done."""

    id: int = 0  # results of any but the newest are dropped
    inspector: Inspector = field(default_factory=Inspector)
    draft: bool = False  # something moves: every few samples will do
