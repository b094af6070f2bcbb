"""Latents worth keeping, with the view in which they were found; for the open checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

from psygnal import Signal

from creps_core.source import Mix, Source
from creps_core.view import View
from creps_viewer.model.state import ViewerState


@dataclass(frozen=True)
class Favourite:
    """One of them; `key` names it for as long as it is kept."""

    key: str
    sources: tuple[Source, ...]
    mix: Mix | None
    view: View


class FavouriteList:
    """What there is, newest first; used from the GUI thread alone. Keeping it is another's job."""

    changed = Signal()
    add_wanted = Signal(ViewerState)
    remove_wanted = Signal(str)  # the key

    def __init__(self) -> None:
        self.listed: tuple[Favourite, ...] = ()

    def set_listed(self, favourites: tuple[Favourite, ...]) -> None:
        """Other favourites are at hand."""
        if favourites != self.listed:
            self.listed = favourites
            self.changed.emit()
