"""Small pictures that panels ask for and get when there is time; nothing larger ever waits for them."""

from __future__ import annotations

from psygnal import Signal

from creps_core.frame import Frame
from creps_core.source import Mix, Source
from creps_core.view import Size, View
from creps_viewer.model.request import SideRequest


class SidePictures:
    """The panels' end of it; used from the GUI thread alone. The bridge answers `wanted` with `arrived`.

    A request replaces an earlier one of the same key; all are forgotten when another document is opened.
    """

    wanted = Signal(SideRequest)  # its generation is filled in by who renders
    dropped = Signal(str)  # the key of a request that is of no use any more
    arrived = Signal(str, Frame)

    def ask(
        self,
        key: str,
        view: View,
        size: Size,
        sources: tuple[Source, ...],
        mix: Mix | None = None,
        rank: int = 1,
    ) -> None:
        """Ask for a picture; lower ranks come first."""
        self.wanted.emit(SideRequest(key, -1, sources, mix, view, size, rank))

    def drop(self, key: str) -> None:
        """The picture is not needed any more, if it has not come yet."""
        self.dropped.emit(key)
