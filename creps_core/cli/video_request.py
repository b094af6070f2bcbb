"""What `creps-video` was asked for: its flags laid over a session; reads no file, loads no torch."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from fractions import Fraction

from creps_core.cli.render_request import RenderFlags, override_sources
from creps_core.errors import InputError
from creps_core.keyframe import Keyframe
from creps_core.session import Session
from creps_core.source import Source
from creps_core.view import Size, View, log2_of

ZOOM_SECONDS = 10.0  # of a plain zoom, unless --seconds says otherwise

Point = tuple[Fraction, Fraction, Fraction]  # centre x, y, zoom


@dataclass(frozen=True)
class VideoFlags:
    """The flags of the command line as typed; None where nothing was given."""

    seed: int | None = None
    label: int | None = None
    trunc: float | None = None
    trunc_cutoff: int | None = None
    start: Point | None = None
    end: Point | None = None
    seconds: float | None = None
    loop: bool = False
    size: Size | None = None


@dataclass(frozen=True)
class VideoRequest:
    """A journey besides its checkpoint, and its size."""

    keyframes: tuple[Keyframe, ...]
    loop: bool
    size: Size


def resolve(flags: VideoFlags, session: Session | None) -> VideoRequest:
    """Lay the flags over the session. Raises `InputError` when they name no journey.

    --from and --to, or a session without keyframes, ask for a plain zoom; the end that is not given is the
    whole picture, or the session's view.
    """
    size = flags.size or (session.size if session else None)
    if size is None:
        raise InputError("--size WxH is missing")
    plain = flags.start is not None or flags.end is not None
    loop = flags.loop or bool(session and session.loop and not plain)
    if session is not None and session.keyframes and not plain:
        keyframes = session.keyframes
        if len(keyframes) < 2 and not loop:
            raise InputError("the session has one keyframe; a journey needs two, or --to X,Y,Z")
    else:
        keyframes = _zoom(flags, session, loop)
    overriding = RenderFlags(flags.seed, flags.label, flags.trunc, flags.trunc_cutoff)
    keyframes = tuple(
        dataclasses.replace(frame, sources=override_sources(overriding, frame.sources)) for frame in keyframes
    )
    return VideoRequest(_timed(keyframes, flags.seconds, loop), loop, size)


def _zoom(flags: VideoFlags, session: Session | None, loop: bool) -> tuple[Keyframe, ...]:
    shown = session.view if session else View()
    if session is None and flags.end is None:
        raise InputError("nowhere to go: give --to X,Y,Z, or --session with keyframes or a view")
    home = View(outside=shown.outside)
    start = _at(shown, flags.start) if flags.start is not None else home
    end = _at(shown, flags.end) if flags.end is not None else shown
    sources = session.sources if session else (Source(seed=0),)
    mix = session.mix if session else None
    seconds = ZOOM_SECONDS / 2 if loop else ZOOM_SECONDS
    return tuple(Keyframe(view, sources, mix, seconds) for view in (start, end))


def _at(view: View, point: Point) -> View:
    x, y, zoom = point
    return dataclasses.replace(view, center_x=x, center_y=y, log2_zoom=log2_of(float(zoom)))


def _timed(keyframes: tuple[Keyframe, ...], seconds: float | None, loop: bool) -> tuple[Keyframe, ...]:
    """The keyframes, their segments scaled to so many seconds together."""
    used = keyframes if loop else keyframes[:-1]
    total = sum(frame.seconds for frame in used)
    if not total:
        raise InputError("every segment of the journey takes 0 seconds, so there is nothing to film")
    if seconds is None:
        return keyframes
    if seconds <= 0:
        raise InputError(f"--seconds {seconds:g}: a video takes more than 0 seconds")
    return tuple(dataclasses.replace(frame, seconds=frame.seconds * (seconds / total)) for frame in keyframes)
