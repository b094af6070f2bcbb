"""Everything over the picture: what is shown where, and what a pointer finds there.

Every item is painted only when its content changes (`overlay_images`); places are whole device pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from PyQt6.QtCore import QEvent, QRectF, Qt
from PyQt6.QtGui import QFont, QMouseEvent

from creps_core.view import Size, View
from creps_core.warps import Lens
from creps_viewer.canvas import overlay_images as images
from creps_viewer.canvas.keys import sheet_rows
from creps_viewer.canvas.minimap import SIDE, Minimap
from creps_viewer.canvas.readout import readout_text, scale_bar
from creps_viewer.canvas.sprite import Sprite
from creps_viewer.model.viewer_model import ViewerModel

T = TypeVar("T")

MARGIN = 14  # logical pixels to the canvas's edges
SCALE_BAR_PX = 140
HINT = "Scroll to zoom  ·  drag to move  ·  H for everything else"
HINT_FADE = 0.3
LENS_SECONDS = 0.9  # the rim stays this long after the last touch


@dataclass(frozen=True)
class Reaction:
    """What a pointer event over the canvas means to the overlays."""

    taken: bool = False  # the picture must not see it
    link: str = ""  # an action was clicked
    goal: View | None = None  # go there
    glide: bool = False
    gesture: bool | None = None  # True: one begins, False: it ends
    cursor: Qt.CursorShape | None = None


class Overlays:
    """The items over the picture of one canvas."""

    def __init__(self, model: ViewerModel, font: QFont, clock: Callable[[], float]) -> None:
        self.minimap = Minimap(model)
        self.animated = True
        self.readout_shown = True
        self.left_px = 0  # taken at the canvas's left edge, logical pixels
        self.help_shown = False
        self._model, self._font, self._clock = model, font, clock
        self._cache: dict[str, tuple[Hashable, Any]] = {}
        self._hint_until: float | None = None  # None: not shown; inf: shown
        self._lens_until = 0.0
        self._link: tuple[QRectF, str] | None = None  # device pixels
        self._map: QRectF | None = None
        self._map_held = False

    def show_hint(self) -> None:
        """Show the first-start line until the first gesture."""
        self._hint_until = float("inf")

    def gesture_began(self) -> None:
        """The user knows how to move: the hint fades."""
        if self._hint_until == float("inf"):
            self._hint_until = self._clock() + HINT_FADE

    def touch_lens(self) -> None:
        """The lens is being changed: show its rim."""
        self._lens_until = self._clock() + LENS_SECONDS

    def toggle_readout(self) -> None:
        """Hide or show readout, scale bar and minimap."""
        self.readout_shown = not self.readout_shown

    def toggle_help(self) -> None:
        """Hide or show the list of gestures and keys."""
        self.help_shown = not self.help_shown

    def fading(self) -> bool:
        """Whether something changes by itself."""
        now = self._clock()
        hint = self._hint_until is not None and now < self._hint_until < float("inf")
        return hint or now < self._lens_until

    def sprites(self, size: Size, ratio: float, picture: Size | None = None) -> list[Sprite]:
        """All that is to be drawn now, in order; `picture` is the first picture's size, at the left."""
        picture = picture or size
        self._link = self._map = None
        found: list[Sprite] = []
        has_picture = self._model.frame is not None
        if has_picture:
            found += self._lens(picture, ratio)
        if has_picture and self.readout_shown:
            found += self._readout(picture, ratio)
            found += self._map_sprite(picture, ratio)
        found += self._hint(size, ratio)
        found += self._message(size, ratio)
        if self.help_shown:
            found += self._help(size, ratio)
        return found

    def pointer(self, x: float, y: float, event: QEvent) -> Reaction:
        """What an event at (x, y), device pixels, means here."""
        over_link = self._link is not None and self._link[0].contains(x, y)
        over_map = self._map is not None and self._map.contains(x, y)
        cursor = Qt.CursorShape.PointingHandCursor if over_link or over_map else Qt.CursorShape.ArrowCursor
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress and self.help_shown:
            self.help_shown = False
            return Reaction(taken=True)
        if not isinstance(event, QMouseEvent):
            return Reaction()
        left = event.button() == Qt.MouseButton.LeftButton
        if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick) and left:
            if over_link and self._link is not None:
                return Reaction(taken=True, link=self._link[1])
            if over_map:
                self._map_held = True
                return Reaction(taken=True, goal=self._map_goal(x, y), glide=True, gesture=True)
        if self._map_held and kind == QEvent.Type.MouseMove:
            return Reaction(taken=True, goal=self._map_goal(x, y))
        if self._map_held and kind == QEvent.Type.MouseButtonRelease and left:
            self._map_held = False
            return Reaction(taken=True, gesture=False)
        return Reaction(cursor=cursor) if kind == QEvent.Type.MouseMove else Reaction()

    def cancel(self) -> bool:
        """Let go of what the pointer holds; whether a gesture must be ended."""
        held, self._map_held = self._map_held, False
        return held

    # the items

    def _readout(self, size: Size, ratio: float) -> list[Sprite]:
        model = self._model
        config = model.document.config if model.document else None
        text = readout_text(model.state.view, size, config, model.frame)
        image = self._cached("readout", (text, ratio), lambda: images.readout_image(text, self._font, ratio))
        margin = round(MARGIN * ratio)
        x, y = margin + round(self.left_px * ratio), size.height - margin - image.height()
        if image.width() + margin + x > size.width or y < 0:
            return []
        found = [Sprite(image, x, y)]
        length = round(image.width() * text.refined)
        if 0 < text.refined < 1 and length:
            bar = self._cached("bar", (length, ratio), lambda: images.bar_image(length, ratio))
            found.append(Sprite(bar, x, y + image.height() - bar.height()))
        return found + self._scale_bar(size, ratio, x + image.width())

    def _scale_bar(self, size: Size, ratio: float, taken: int) -> list[Sprite]:
        bar = scale_bar(self._model.state.view, size, SCALE_BAR_PX * ratio)
        image = self._cached("scale", (bar, ratio), lambda: images.scale_bar_image(bar, self._font, ratio))
        x = (size.width - image.width()) // 2
        if x < taken + MARGIN * ratio:
            return []
        return [Sprite(image, x, size.height - round(MARGIN * ratio) - image.height())]

    def _map_sprite(self, size: Size, ratio: float) -> list[Sprite]:
        if min(size.width, size.height) < 3 * SIDE * ratio or not self.minimap.shown(size):
            return []
        key = (self.minimap.content(size), ratio)
        image = self._cached("map", key, lambda: self.minimap.image(size, ratio))
        margin = round(MARGIN * ratio)
        x, y = size.width - margin - image.width(), size.height - margin - image.height()
        self._map = QRectF(x, y, image.width(), image.height())
        return [Sprite(image, x, y)]

    def _lens(self, size: Size, ratio: float) -> list[Sprite]:
        now = self._clock()
        lens = next((w for w in reversed(self._model.state.view.warps) if isinstance(w, Lens)), None)
        if lens is None or now >= self._lens_until or not self.animated:
            return []
        radius = lens.r * size.shorter
        if not 4 < radius < size.shorter:
            return []
        image = self._cached(
            "lens", (round(radius), ratio), lambda: images.lens_image(round(radius) / ratio, ratio)
        )
        x = size.width / 2 + lens.x * size.shorter - image.width() / 2
        y = size.height / 2 + lens.y * size.shorter - image.height() / 2
        return [Sprite(image, round(x), round(y), min(1.0, (self._lens_until - now) / (LENS_SECONDS / 2)))]

    def _hint(self, size: Size, ratio: float) -> list[Sprite]:
        until = self._hint_until
        if until is None or not self.animated or self._model.frame is None:
            return []
        left = 1.0 if until == float("inf") else (until - self._clock()) / HINT_FADE
        if left <= 0:
            self._hint_until = None
            return []
        image = self._cached("hint", ratio, lambda: images.hint_image(HINT, self._font, ratio))
        if image.width() > size.width:
            return []
        y = size.height - round(110 * ratio) - image.height()
        return [Sprite(image, (size.width - image.width()) // 2, y, min(left, 1.0))]

    def _message(self, size: Size, ratio: float) -> list[Sprite]:
        message = self._model.message
        if message is None:
            return []
        widest, boxed = max(size.width / ratio - 96, 120), self._model.frame is not None
        image, link = self._cached(
            "message",
            (message, ratio, widest, boxed),
            lambda: images.message_image(message, self._font, ratio, widest, boxed),
        )
        x, y = (size.width - image.width()) // 2, (size.height - image.height()) // 2
        if message.link:
            place = QRectF(
                x + link.x() * ratio, y + link.y() * ratio, link.width() * ratio, link.height() * ratio
            )
            self._link = (place, message.action)
        return [Sprite(image, x, y)]

    def _help(self, size: Size, ratio: float) -> list[Sprite]:
        image = self._cached("help", ratio, lambda: images.help_image(sheet_rows(), self._font, ratio))
        return [Sprite(image, (size.width - image.width()) // 2, (size.height - image.height()) // 2)]

    def _map_goal(self, x: float, y: float) -> View:
        assert self._map is not None
        place = self._map
        u, v = (x - place.x()) / place.width(), (y - place.y()) / place.height()
        return self.minimap.goal(min(max(u, 0.0), 1.0), min(max(v, 0.0), 1.0))

    def _cached(self, name: str, key: Hashable, make: Callable[[], T]) -> T:
        known = self._cache.get(name)
        if known is None or known[0] != key:
            known = self._cache[name] = (key, make())
        painted: T = known[1]
        return painted
