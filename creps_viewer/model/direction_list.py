"""The directions that can be used with the open checkpoint: found by a search, named by the user."""

from __future__ import annotations

import re

from psygnal import Signal

from creps_core.source import Source

FOUND = re.compile(r"Axis \d+")  # what a search calls them


class DirectionList:
    """Which directions there are; used from the GUI thread alone. How much of each is in the state."""

    wanted = Signal()  # a search is asked for
    listed_changed = Signal()
    searching_changed = Signal(bool)
    named = Signal()  # a name was given: to be kept

    def __init__(self) -> None:
        self.listed: tuple[Source, ...] = ()
        self.searching = False

    @property
    def own(self) -> tuple[Source, ...]:
        """Those that the user has named."""
        return tuple(source for source in self.listed if not FOUND.fullmatch(source.name))

    def set_listed(self, directions: tuple[Source, ...]) -> None:
        """Other directions are at hand."""
        if directions != self.listed:
            self.listed = directions
            self.listed_changed.emit()

    def set_searching(self, searching: bool) -> None:
        """A search began or ended."""
        if searching != self.searching:
            self.searching = searching
            self.searching_changed.emit(searching)

    def rename(self, direction: Source, name: str) -> None:
        """Call a direction otherwise from now on."""
        known = [source for source in self.listed if source.w != direction.w]
        place = next((i for i, source in enumerate(self.listed) if source.w == direction.w), len(known))
        known.insert(place, direction.called(name))
        self.set_listed(tuple(known))
        self.named.emit()
