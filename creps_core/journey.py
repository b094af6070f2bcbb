"""A journey through keyframes: for any moment the exact view and latents, and the moments of a video.

Deliberately not here: rendering, files, and what a keyframe is (`keyframe`).
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from creps_core.blending import (
    blend_degrees,
    blend_latents,
    blend_outside,
    blend_stretch,
    blend_warps,
)
from creps_core.errors import InputError
from creps_core.keyframe import Keyframe
from creps_core.source import Mix, Source
from creps_core.view import View, quantise_degrees
from creps_core.zoom_path import ZoomPath

QUARTER_LENGTH = 1.0  # a quarter turn counts as much as so much path, when speeds are matched
OTHER_LENGTH = 0.5  # and a change of latents, stretch or warps
MAX_FRAMES = 1_000_000


@dataclass(frozen=True)
class Moment:
    """What is shown at one time."""

    view: View
    sources: tuple[Source, ...]
    mix: Mix | None


class Journey:
    """Keyframes joined by optimal paths.

    Args:
        keyframes: at least one.
        num_ws: styles of the checkpoint, which mixes between keyframes need.
        loop: whether the last keyframe leads back to the first.
    """

    def __init__(self, keyframes: Sequence[Keyframe], num_ws: int, *, loop: bool = False) -> None:
        if not keyframes:
            raise InputError("a journey needs at least one keyframe")
        self.keyframes, self.loop = tuple(keyframes), loop
        ends = (*self.keyframes[1:], self.keyframes[0]) if loop else self.keyframes[1:]
        self._segments = [
            Segment(a, b, num_ws) for a, b in zip(self.keyframes, ends, strict=False) if a.seconds
        ]
        self._starts = list(itertools.accumulate((s.seconds for s in self._segments), initial=0.0))
        _match_speeds(self._segments, loop)

    @property
    def seconds(self) -> float:
        """From the first moment to the last."""
        return self._starts[-1]

    def at(self, seconds: float) -> Moment:
        """The moment at a time; a loop goes round, other journeys stand still before and after.

        At a keyframe's own time it is exactly that keyframe, of several at one time the last.
        """
        if self.loop and self.seconds:
            seconds %= self.seconds
        if not self._segments or seconds >= self.seconds:
            last = self.keyframes[0 if self.loop else -1]
            return Moment(last.view, last.sources, last.mix)
        number = max(bisect.bisect_right(self._starts, seconds) - 1, 0)
        segment = self._segments[number]
        return segment.at(max(seconds - self._starts[number], 0.0) / segment.seconds)

    def times(self, fps: float) -> list[float]:
        """The moments of a video's frames: seconds·fps of them, evenly spaced.

        A loop's last frame is one step before its first. Other journeys show both ends exactly.
        """
        count = max(1, round(self.seconds * fps))
        if count > MAX_FRAMES:
            raise InputError(f"{count} frames are too many; a video has at most {MAX_FRAMES}")
        steps = count if self.loop else max(count - 1, 1)
        return [self.seconds * (k / steps) for k in range(count)]


class Segment:
    """From one keyframe to the next."""

    def __init__(self, start: Keyframe, end: Keyframe, num_ws: int) -> None:
        self.start, self.end, self.seconds = start, end, start.seconds
        self._num_ws = num_ws
        self.path = ZoomPath(start.view, end.view)
        self.leave, self.arrive = _SPEEDS[start.easing]  # in units of the mean speed

    @property
    def extent(self) -> float:
        """How much happens on the way, for matching the speeds of neighbours."""
        a, b = self.start, self.end
        turn = abs(quantise_degrees(b.view.rotation_deg - a.view.rotation_deg)) / 90
        kept = (a.sources, a.mix, a.view.stretch, a.view.warps)
        other = kept != (b.sources, b.mix, b.view.stretch, b.view.warps)
        return self.path.length + turn * QUARTER_LENGTH + other * OTHER_LENGTH

    def at(self, time: float) -> Moment:
        """The moment at a share of the time, 0 … 1 (1 excluded)."""
        a, b = self.start, self.end
        t = 0.0 if a.is_cut else _eased(time, self.leave, self.arrive)
        if not t:
            return Moment(a.view, a.sources, a.mix)
        x, y, log2_zoom = self.path.at(t)
        view = replace(
            a.view,
            center_x=x,
            center_y=y,
            log2_zoom=log2_zoom,
            rotation_deg=blend_degrees(a.view.rotation_deg, b.view.rotation_deg, t),
            stretch=blend_stretch(a.view.stretch, b.view.stretch, t),
            warps=blend_warps(a.view.warps, b.view.warps, t),
            outside=blend_outside(a.view.outside, b.view.outside, t),
        )
        return Moment(view, *blend_latents((a.sources, a.mix), (b.sources, b.mix), t, self._num_ws))


# Speeds at both ends, in units of the mean; `smooth` takes its neighbours' into account.
_SPEEDS = {
    "ease": (0.0, 0.0),
    "linear": (1.0, 1.0),
    "ease-in": (0.0, 1.0),
    "ease-out": (1.0, 0.0),
    "smooth": (1.0, 1.0),
    "hold": (0.0, 0.0),
}


def _eased(time: float, leave: float, arrive: float) -> float:
    """Share of the way at a share of the time: the cubic with these speeds at its ends.

    Speeds of at most 3 keep it monotone (Fritsch and Carlson 1980).
    """
    if leave == arrive == 1.0:
        return time
    t2, t3 = time * time, time * time * time
    return min(max((3 * t2 - 2 * t3) + leave * (t3 - 2 * t2 + time) + arrive * (t3 - t2), 0.0), 1.0)


def _match_speeds(segments: Sequence[Segment], loop: bool) -> None:
    """Let smooth neighbours pass their common keyframe at one speed: the harmonic mean of theirs.

    Of the weighted harmonic means that keep piecewise cubics monotone this is Fritsch and Butland's (1984).
    """
    neighbours = list(itertools.pairwise(segments))
    if loop and segments:
        neighbours.append((segments[-1], segments[0]))
    for first, second in neighbours:
        if first.start.easing != "smooth" or second.start.easing != "smooth" or first.end is not second.start:
            continue
        speeds = first.extent / first.seconds, second.extent / second.seconds
        if not all(speeds):
            continue
        h, g = first.seconds, second.seconds
        common = 3 * (h + g) / ((2 * g + h) / speeds[0] + (g + 2 * h) / speeds[1])
        first.arrive, second.leave = common / speeds[0], common / speeds[1]
