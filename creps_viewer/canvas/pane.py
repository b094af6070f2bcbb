"""Where each picture lies on the canvas: alone, under a wipe line, or side by side. Numbers only."""

from __future__ import annotations

from dataclasses import dataclass

from creps_core.comparison import Comparison
from creps_core.view import Size

GAP = 2  # logical pixels between pictures side by side


@dataclass(frozen=True)
class Pane:
    """One picture's place, in device pixels of the canvas; as high as the canvas."""

    x: int  # of the picture's left edge
    size: Size  # of the whole picture, of which the pane may show a part
    left: int  # shown from here …
    right: int  # … to before here
    second: bool = False


def panes(compare: Comparison | None, canvas: Size, ratio: float) -> tuple[Pane, ...]:
    """The pictures on a canvas at scale factor `ratio`; both of a comparison have one size."""
    width, height = canvas
    if compare is None:
        return (Pane(0, canvas, 0, width),)
    if compare.layout == "wipe":
        line = round(compare.wipe * width)
        return Pane(0, canvas, 0, line), Pane(0, canvas, line, width, True)
    each = Size(max(1, (width - round(GAP * ratio)) // 2), height)
    return Pane(0, each, 0, each.width), Pane(width - each.width, each, width - each.width, width, True)
