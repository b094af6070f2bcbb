"""What the viewer shows, as one frozen value: undo, sessions and render requests are made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from creps_core.comparison import Comparison
from creps_core.config import GeneratorConfig
from creps_core.inspector import Inspector
from creps_core.keyframe import Keyframe
from creps_core.source import Mix, Source
from creps_core.view import View


@dataclass(frozen=True)
class ViewerState:
    """The user's intentions; everything else (frames, panels, titles) is derived from it."""

    view: View = field(default_factory=View)
    sources: tuple[Source, ...] = (Source(seed=0),)  # the first is A, the one the source panel edits
    mix: Mix | None = None  # None: source A alone
    keyframes: tuple[Keyframe, ...] = ()  # of the journey
    loop: bool = False  # the last keyframe leads back to the first
    inspector: Inspector = field(default_factory=Inspector)  # what is shown of the network's inside
    compare: Comparison | None = None  # what lies beside the picture

    @property
    def picture(self) -> tuple[View, tuple[Source, ...], Mix | None]:
        """What the picture depends on."""
        return self.view, self.sources, self.mix

    @property
    def second_view(self) -> View:
        """The view of the second picture."""
        own = self.compare.view if self.compare is not None and not self.compare.linked else None
        return self.view if own is None else own


@dataclass(frozen=True)
class Document:
    """The checkpoint that is open. `generation` rises with every (re)load, so stale work shows."""

    name: str  # what the header shows: the file's stem
    path: Path | None
    sha256: str
    config: GeneratorConfig
    generation: int


@dataclass(frozen=True)
class Message:
    """What the canvas says when there is no picture to show: one calm sentence and the next step."""

    text: str
    link: str = ""  # the next step, as clickable text
    action: str = ""  # what the window does when it is clicked: "open", "retry" or "cancel"
    progress: float | None = None  # 0…1 while something loads
