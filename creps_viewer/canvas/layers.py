"""Which frames are on the canvas and in which order: painter's algorithm by sample density.

Every region shows the finest samples there are of it, counted in samples per screen pixel, whichever view
they were made for; frames of other latents lie beneath. Qt- and GL-free; the canvases draw what `drawn`
says. Deliberately not here: where a frame lies (`placement`).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from creps_core.frame import Frame
from creps_core.view import Size, View
from creps_viewer.canvas.placement import Placement, place

MAX_LAYERS = 4  # besides the backdrop

_keys = itertools.count(1)  # of all stacks: a canvas may have several


@dataclass(eq=False)
class Layer:
    """One frame on the canvas. `key` names its texture and is never reused."""

    frame: Frame
    key: int
    born: float  # seconds
    fade: float  # seconds until it is opaque
    _placed: tuple[View, Size, Placement] | None = field(default=None, repr=False)

    @property
    def picture(self) -> tuple[str, str]:
        """What the samples are of: those of another picture are never finer than ours."""
        return self.frame.latents, self.frame.view.outside

    def opacity(self, now: float) -> float:
        """0…1; 1 once it has faded in."""
        if self.fade <= 0 or now >= self.born + self.fade:
            return 1.0
        return max(0.0, (now - self.born) / self.fade)

    def placement(self, view: View, size: Size) -> Placement:
        """Where it lies now; computed once per view."""
        if self._placed is None or self._placed[:2] != (view, size):
            self._placed = (view, size, place(self.frame, view, size))
        return self._placed[2]


@dataclass(frozen=True, eq=False)
class Drawn:
    """One thing to draw."""

    layer: Layer
    placement: Placement
    opacity: float


class LayerStack:
    """The frames that can still be seen, the newest few of them."""

    def __init__(self) -> None:
        self._layers: list[Layer] = []
        self._backdrop: Layer | None = None
        self._cover: Layer | None = None

    @property
    def layers(self) -> list[Layer]:
        """All that have a right to a texture, oldest first."""
        return self._pictures + ([self._cover] if self._cover else [])

    @property
    def _pictures(self) -> list[Layer]:
        return ([self._backdrop] if self._backdrop else []) + self._layers

    def add(self, frame: Frame, view: View, size: Size, now: float, fade: float = 0.0) -> None:
        """A frame arrived while the window shows `view`; it fades in over `fade` seconds."""
        self._layers.append(self._layer(frame, now, fade if self._layers else 0.0))
        self._prune(view, size, now)

    def set_backdrop(self, frame: Frame | None, now: float) -> None:
        """A small picture of the whole, shown where nothing else is."""
        self._backdrop = None if frame is None else self._layer(frame, now, 0.0)

    def set_cover(self, frame: Frame | None, now: float) -> None:
        """Something that is no finer or coarser picture lies over all others, or nothing."""
        self._cover = None if frame is None else self._layer(frame, now, 0.0)

    def clear(self) -> None:
        """Forget everything."""
        self._layers.clear()
        self._backdrop = self._cover = None

    def fading(self, now: float) -> bool:
        """Whether some layer is not opaque yet."""
        return any(layer.opacity(now) < 1 for layer in self._layers)

    def drawn(self, view: View, size: Size, now: float) -> list[Drawn]:
        """What to draw, coarse to fine, without what cannot be seen."""
        result: list[Drawn] = []
        for layer in reversed(self._ordered(view, size)):
            placement, opacity = layer.placement(view, size), layer.opacity(now)
            if not placement.touches or opacity <= 0:
                continue
            result.append(Drawn(layer, placement, opacity))
            if placement.covers and opacity >= 1:
                break
        result = result[::-1]
        if self._cover is not None:
            placement = self._cover.placement(view, size)
            if placement.touches:
                result.append(Drawn(self._cover, placement, 1.0))
        return result

    def _layer(self, frame: Frame, now: float, fade: float) -> Layer:
        return Layer(frame, next(_keys), now, fade)

    def _ordered(self, view: View, size: Size) -> list[Layer]:
        if not self._layers:
            return self._pictures
        newest = self._layers[-1].picture

        def rank(layer: Layer) -> tuple[bool, bool, float, int]:
            frame = layer.frame
            final = frame.settled and frame.stride == 1 and frame.view == view and frame.size == size
            # more samples than pixels are no finer than one each: then the newer frame wins
            density = min(layer.placement(view, size).density, 1.0)
            # equal up to rounding is equal
            return layer.picture == newest, final, round(density, 6), layer.key

        return sorted(self._pictures, key=rank)

    def _prune(self, view: View, size: Size, now: float) -> None:
        """Drop what a newer opaque frame of the same view replaces, then the oldest beyond the limit."""
        newest = self._layers[-1]
        kept = [layer for layer in self._layers if not self._replaced(layer, now)]
        if any(
            layer.picture == newest.picture and layer.opacity(now) >= 1 and layer.placement(view, size).covers
            for layer in kept
        ):
            kept = [layer for layer in kept if layer.picture == newest.picture]
        while len(kept) > MAX_LAYERS:
            # the widest shows what comes into sight when one zooms out
            widest = min(
                kept, key=lambda layer: (layer.picture != newest.picture, layer.frame.view.log2_zoom)
            )
            spare = [layer for layer in kept[:-1] if layer is not widest]
            others = [layer for layer in spare if layer.picture != newest.picture]
            kept.remove((others or spare)[0])
        self._layers = kept

    def _replaced(self, layer: Layer, now: float) -> bool:
        frame = layer.frame
        return any(
            other.key > layer.key
            and other.opacity(now) >= 1
            and other.picture == layer.picture
            and other.frame.stride <= frame.stride
            and other.frame.view == frame.view
            and other.frame.size == frame.size
            for other in self._layers
        )
