"""The second picture on the canvas: its layers, the line between both pictures and their names."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QFont, QImage, QMouseEvent

from creps_core.view import Size
from creps_viewer.canvas import overlay_images as images
from creps_viewer.canvas.layers import Drawn, LayerStack
from creps_viewer.canvas.overlays import Reaction
from creps_viewer.canvas.pane import Pane, panes
from creps_viewer.canvas.sprite import Sprite
from creps_viewer.model.comparing import title_of, with_wipe
from creps_viewer.model.second import Second
from creps_viewer.model.viewer_model import ViewerModel

REACH = 7  # logical pixels beside the line within which it can be taken
NAMES_TOP = 100  # logical pixels: below header and bar


class Wipe:
    """Knows what there is of the second picture and where it lies; dragging the line is one undo step."""

    def __init__(self, model: ViewerModel, font: QFont) -> None:
        self.layers = LayerStack()
        self._model, self._font = model, font
        self._held: float | None = None  # pointer less line, device pixels, while the line is dragged
        self._shown: Second | None = None
        self._cache: dict[str, tuple[Hashable, QImage]] = {}

    def panes(self, canvas: Size, ratio: float) -> tuple[Pane, ...]:
        """Where the pictures lie now."""
        return panes(self._model.state.compare, canvas, ratio)

    def take(self, second: Second, size: Size, now: float, fade: float) -> None:
        """The second picture has changed."""
        before, self._shown = self._shown or Second(), second
        if second.frame is None:
            self.layers.clear()
            return
        if second.backdrop is not before.backdrop:
            self.layers.set_backdrop(second.backdrop, now)
        if second.frame is not before.frame:
            self.layers.add(second.frame, self._model.state.second_view, size, now, fade)

    def drawn(self, size: Size, now: float) -> list[Drawn]:
        """What to draw of the second picture."""
        return self.layers.drawn(self._model.state.second_view, size, now)

    def sprites(self, canvas: Size, ratio: float) -> list[Sprite]:
        """The line with its handle, and what lies on either side of it."""
        compare = self._model.state.compare
        if compare is None or self._model.frame is None:
            return []
        first, second = self.panes(canvas, ratio)
        found: list[Sprite] = []
        if compare.layout == "wipe":
            held = self._held is not None
            image = self._cached(
                "line", (canvas.height, ratio, held), lambda: images.wipe_image(canvas.height, ratio, held)
            )
            found.append(Sprite(image, second.left - image.width() // 2, 0))
        return found + self._names(first, second, ratio)

    def pointer(self, x: float, canvas: Size, ratio: float, event: QEvent) -> Reaction:
        """What an event at x, device pixels, means to the line."""
        compare = self._model.state.compare
        if compare is None or compare.layout != "wipe" or not isinstance(event, QMouseEvent):
            return Reaction()
        away, kind = x - compare.wipe * canvas.width, event.type()
        if self._held is not None and kind == QEvent.Type.MouseMove:
            self._model.update(compare=with_wipe(compare, (x - self._held) / canvas.width))
            return Reaction(taken=True, cursor=Qt.CursorShape.SplitHCursor)
        left = event.button() == Qt.MouseButton.LeftButton
        if self._held is not None and kind == QEvent.Type.MouseButtonRelease and left:
            self._held = None
            return Reaction(taken=True, gesture=False)
        if abs(away) > REACH * ratio:
            return Reaction()
        if kind == QEvent.Type.MouseButtonPress and left and not event.modifiers():
            self._held = away
            return Reaction(taken=True, gesture=True)
        return Reaction(taken=kind == QEvent.Type.MouseMove, cursor=Qt.CursorShape.SplitHCursor)

    def cancel(self) -> bool:
        """Let go of the line; whether a gesture must be ended."""
        held, self._held = self._held is not None, None
        return held

    def _names(self, first: Pane, second: Pane, ratio: float) -> list[Sprite]:
        """A on the left, B on the right, where there is room for their names."""
        found: list[Sprite] = []
        margin, top = round(14 * ratio), round(NAMES_TOP * ratio)
        for pane, text in ((first, self._first_name()), (second, self._second_name())):
            make = functools.partial(images.name_image, text, self._font, ratio)
            image = self._cached(f"name {pane.second}", (text, ratio), make)
            if image.width() + 2 * margin > pane.right - pane.left:
                continue
            x = pane.left + margin if pane.second else pane.right - margin - image.width()
            found.append(Sprite(image, x, top))
        return found

    def _first_name(self) -> str:
        state = self._model.state
        return f"A · {title_of(state.sources, state.mix)}"

    def _second_name(self) -> str:
        state, second = self._model.state, self._model.second
        compare = state.compare
        assert compare is not None
        if compare.shows == "residual":
            return "A − A at twice the size  ·  × 10"
        if compare.sources is None:
            title = title_of(state.sources, state.mix)
        else:
            title = title_of(compare.sources, compare.mix)
        return "B · " + "  ·  ".join(part for part in (second.document, title) if part)

    def _cached(self, name: str, key: Hashable, make: Callable[[], QImage]) -> QImage:
        known = self._cache.get(name)
        if known is None or known[0] != key:
            known = self._cache[name] = (key, make())
        return known[1]
