"""What `creps-render` was asked for: its flags laid over a session; reads no file, loads no torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from creps_core.errors import InputError
from creps_core.grid import GeneralGrid, SeparableGrid, grid_for, window_grid
from creps_core.session import Session
from creps_core.sheet import Sheet
from creps_core.source import Mix, Source
from creps_core.view import Outside, Size, View, log2_of
from creps_core.warps import Warp

Window = tuple[Fraction, Fraction, Fraction, Fraction]  # y0, x0, y1, x1


@dataclass(frozen=True)
class RenderFlags:
    """The flags of the command line as typed; None or empty where nothing was given."""

    seed: int | None = None
    label: int | None = None
    trunc: float | None = None
    trunc_cutoff: int | None = None
    mix_seed: int | None = None
    mix_from: int | None = None
    center: tuple[Fraction, Fraction] | None = None
    zoom: float | None = None
    rotate: float | None = None
    stretch: tuple[float, float] | None = None
    warps: tuple[Warp, ...] = ()
    outside: Outside | None = None
    window: Window | None = None
    size: Size | None = None


@dataclass(frozen=True)
class RenderRequest:
    """Everything a picture depends on besides its checkpoint."""

    sources: tuple[Source, ...]
    mix: Mix | None  # as the session stores it
    mix_from: int | None  # or: styles from here on come from the second source
    view: View | None  # None: a window that no view can express
    window: Window | None
    size: Size
    outside: Outside

    @property
    def grid(self) -> SeparableGrid | GeneralGrid:
        """The samples to compute."""
        if self.window is not None:
            return window_grid(*self.window, self.size)
        return grid_for(self.view or View(), self.size)


def resolve(flags: RenderFlags, session: Session | None, *, always_generate: bool) -> RenderRequest:
    """Lay the flags over the session. Raises `InputError` for flags that contradict each other."""
    size = flags.size or (session.size if session else None)
    if size is None:
        raise InputError("--size WxH is missing")
    if flags.window is not None:
        _refuse_with_window(flags)
        view = window_view(flags.window, size)
    else:
        view = _view(flags, session.view if session else View())
    generate = always_generate or flags.window is not None
    return RenderRequest(
        sources=override_sources(flags, session.sources if session else (Source(seed=0),)),
        mix=session.mix if session is not None and flags.mix_seed is None else None,
        mix_from=flags.mix_from,
        view=view,
        window=flags.window,
        size=size,
        outside="generate" if generate or view is None else view.outside,
    )


def window_view(window: Window, size: Size) -> View | None:
    """The view nearest to a window of linspaces (half a sample wider on every side), None if there is none.

    A view's zoom is a double, so its samples are the window's to about 1e-15 of its extent, not exactly.
    """
    y0, x0, y1, x1 = window
    if min(size) < 2 or y0 == y1 or x0 == x1:
        return None
    step_y, step_x = float((y1 - y0) / (size.height - 1)), float((x1 - x0) / (size.width - 1))
    unit = abs(step_y) * size.shorter
    try:
        return View(
            center_x=(x0 + x1) / 2,
            center_y=(y0 + y1) / 2,
            log2_zoom=log2_of(1 / unit),
            stretch=(step_x / abs(step_y), step_y / abs(step_y)),
            outside="generate",
        )
    except (InputError, ZeroDivisionError, OverflowError):
        return None


def resolve_sheet(
    seeds: tuple[int, ...] | None, columns: int | None, labels: bool, seed: int | None
) -> Sheet | None:
    """The contact sheet that the flags ask for. Raises `InputError` for flags that do not go together."""
    if seeds is None:
        if columns is not None:
            raise InputError("--columns belongs to --sheet")
        return None
    if seed is not None:
        raise InputError("--sheet names the seeds; leave out --seed")
    return Sheet(seeds, columns, labels)


def _refuse_with_window(flags: RenderFlags) -> None:
    given = [
        name
        for name in ("center", "zoom", "rotate", "stretch", "outside")
        if getattr(flags, name) is not None
    ]
    given += ["warp"] if flags.warps else []
    if given:
        raise InputError(f"--window stands for the whole view; leave out --{' and --'.join(given)}")


def _view(flags: RenderFlags, view: View) -> View:
    changes: dict[str, Any] = {}
    if flags.center is not None:
        changes["center_x"], changes["center_y"] = flags.center
    if flags.zoom is not None:
        changes["log2_zoom"] = log2_of(flags.zoom)
    if flags.rotate is not None:
        changes["rotation_deg"] = flags.rotate
    if flags.stretch is not None:
        changes["stretch"] = flags.stretch
    if flags.warps:
        changes["warps"] = flags.warps
    if flags.outside is not None:
        changes["outside"] = flags.outside
    return dataclasses.replace(view, **changes)


def override_sources(flags: RenderFlags, sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """The sources with what the flags say: the seed for the first, the rest for all."""
    if (flags.mix_seed is None) != (flags.mix_from is None):
        raise InputError("--mix-seed and --mix-from belong together")
    first = sources[0]
    if flags.seed is not None:
        first = first.reseeded(flags.seed)
    if flags.mix_seed is not None:
        second = first.reseeded(flags.mix_seed)
        sources = (first, second)
    changes: dict[str, Any] = {}
    if flags.label is not None:
        changes["label"] = flags.label
    if flags.trunc is not None:
        changes["psi"] = flags.trunc
    if flags.trunc_cutoff is not None:
        changes["cutoff"] = flags.trunc_cutoff
    return tuple(dataclasses.replace(source, **changes) for source in (first, *sources[1:]))
