"""What holding a button and moving does: pan, turn, place the lens, walk. Qt-free but for a button's name."""

from __future__ import annotations

from dataclasses import replace

from PyQt6.QtCore import Qt

from creps_core.view import View
from creps_core.warps import Lens
from creps_viewer.model import navigation
from creps_viewer.model.movable import Movable
from creps_viewer.model.walking import at_place, place_of


class Drag:
    """One held button; becomes `active`, a gesture, when it has moved a little."""

    button = Qt.MouseButton.LeftButton
    slack = 3.0  # device pixels within which a press is a click
    active = False

    def __init__(self, model: Movable, at: tuple[float, float]) -> None:
        self.model, self.start = model, at

    def move(self, at: tuple[float, float]) -> None:
        """The pointer is at `at`, device pixels."""
        raise NotImplementedError


class PanDrag(Drag):
    """The grabbed point stays under the pointer, to the whole pixel: so nothing that stays is recomputed."""

    _applied = (0, 0)

    def move(self, at: tuple[float, float]) -> None:
        wanted = round(at[0] - self.start[0]), round(at[1] - self.start[1])
        before, self._applied = self._applied, wanted
        view, size = self.model.state.view, self.model.canvas_size
        if wanted == before:
            return
        if view.warps:
            (x, y), (a, b), (c, d) = self.start, before, wanted
            view = navigation.drag(view, size, x + a, y + b, x + c, y + d)
        else:
            view = navigation.pan_by(view, size, wanted[0] - before[0], wanted[1] - before[1])
        self.model.update(view=view)


class TurnDrag(Drag):
    """Turns about the pressed point: to the right is clockwise."""

    _applied = 0.0

    def __init__(self, model: Movable, at: tuple[float, float], px_per_degree: float) -> None:
        super().__init__(model, at)
        self._px_per_degree = px_per_degree

    def move(self, at: tuple[float, float]) -> None:
        wanted = (at[0] - self.start[0]) / self._px_per_degree
        # 1/64 degree, so that turning back is exactly back
        wanted = round(wanted * 64) / 64
        before, self._applied = self._applied, wanted
        view, size = self.model.state.view, self.model.canvas_size
        self.model.update(view=navigation.rotate_about(view, size, *self.start, wanted - before))


class LensDrag(Drag):
    """Puts the lens under the pointer."""

    def move(self, at: tuple[float, float]) -> None:
        view, size = self.model.state.view, self.model.canvas_size
        lens = next((warp for warp in reversed(view.warps) if isinstance(warp, Lens)), None)
        if lens is None:
            view = navigation.with_lens(view, size, *at)
        else:
            view = navigation.with_lens(without_lens(view), size, *at, strength=lens.s, radius=lens.r)
        self.model.update(view=view)


class WalkDrag(Drag):
    """Walks between seeds: to the right to the next one, downwards to the next row of the lattice."""

    def __init__(self, model: Movable, at: tuple[float, float], px_per_seed: float) -> None:
        super().__init__(model, at)
        self._px_per_seed = px_per_seed
        self._source = model.state.sources[0]
        self._place = place_of(self._source)

    def move(self, at: tuple[float, float]) -> None:
        if self._place is None:
            return
        x, y = ((a - b) / self._px_per_seed for a, b in zip(at, self.start, strict=True))
        walked = at_place(self._source, self._place[0] + x, self._place[1] + y)
        self.model.update(sources=(walked, *self.model.state.sources[1:]))


def without_lens(view: View) -> View:
    """The view without its most recent lens."""
    for i in reversed(range(len(view.warps))):
        if isinstance(view.warps[i], Lens):
            return replace(view, warps=view.warps[:i] + view.warps[i + 1 :])
    return navigation.without_last_warp(view)
