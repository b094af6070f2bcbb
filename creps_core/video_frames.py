"""The frames of a journey: what `creps-render` gives for each one's view, or faster to within a level.

Files are written in `video`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from creps_core.cancel import CancelToken
from creps_core.fast_picture import fast_picture
from creps_core.grid import grid_for
from creps_core.image import to_uint8
from creps_core.journey import Journey, Moment
from creps_core.latents import resolve_ws
from creps_core.plan import Plan
from creps_core.renderer import Renderer
from creps_core.samples import Grid
from creps_core.session import CheckpointRef, Session, session_to_json
from creps_core.video import VideoOptions
from creps_core.view import Outside, Size

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


class JourneyFrames:
    """The frames of a journey through one generator's pictures; see `video.Frames`.

    Args:
        renderer: used by no one else meanwhile.
        journey: made for the renderer's generator.
        options: of the video.
        checkpoint: what the frames' sessions name.
        cancel: polled while a frame is computed.
    """

    def __init__(
        self,
        renderer: Renderer,
        journey: Journey,
        options: VideoOptions,
        checkpoint: CheckpointRef,
        cancel: CancelToken | None = None,
    ) -> None:
        self.size = options.size
        self._renderer, self._journey, self._options = renderer, journey, options
        self._checkpoint, self._cancel = checkpoint, cancel
        self._times = journey.times(options.fps)
        self._planned: tuple[object, Plan] | None = None

    def __len__(self) -> int:
        return len(self._times)

    def moment(self, number: int) -> Moment:
        """What a frame shows."""
        return self._journey.at(self._times[number])

    def pixels(self, number: int) -> Pixels:
        """A frame, uint8 [H, W, 3]."""
        moment, many = self.moment(number), self._options.supersample
        plan = self._plan(moment)
        grid = grid_for(moment.view, Size(self.size.width * many, self.size.height * many))
        if self._options.fast and (picture := self._fast(plan, grid, moment.view.outside)) is not None:
            return to_uint8(_reduced(picture, many))
        out = np.empty((self.size.height, self.size.width, 3), dtype=np.uint8)
        bands = self._renderer.bands(plan, grid, outside=moment.view.outside, cancel=self._cancel)
        top = 0
        for band in _in_multiples(bands, many):
            part = to_uint8(_reduced(band, many))
            out[top : top + len(part)] = part
            top += len(part)
        return out

    def text(self, number: int) -> str:
        """The session of a frame, and how it was made."""
        moment, options = self.moment(number), self._options
        made: dict[str, Any] = {"supersample": options.supersample, "fast": options.fast}
        session = Session(
            checkpoint=self._checkpoint,
            sources=moment.sources,
            mix=moment.mix,
            view=moment.view,
            size=self.size,
            unknown={"frame": {"number": number, "of": len(self)} | made},
        )
        return session_to_json(session, portable=True)

    def _plan(self, moment: Moment) -> Plan:
        latents = (moment.sources, moment.mix)
        if self._planned is None or self._planned[0] != latents:
            ws = resolve_ws(self._renderer.generator, *latents)
            self._planned = (latents, self._renderer.plan(ws))
        return self._planned[1]

    def _fast(self, plan: Plan, grid: Grid, outside: Outside) -> Floats | None:
        try:
            return fast_picture(self._renderer, plan, grid, outside, self._cancel)
        except torch.OutOfMemoryError:
            return None  # the renderer knows how to do with less


def session_text(journey: Journey, checkpoint: CheckpointRef, size: Size, like: Session | None = None) -> str:
    """The session that a video of the journey carries: how to make it again.

    Args:
        journey: its first keyframe is what the session shows, unless `like` shows something.
        checkpoint: named without its path.
        size: of the video.
        like: the session it was made from, whose view, latents and unknown keys are kept.
    """
    first = journey.keyframes[0]
    shown = like or Session(checkpoint, first.sources, first.mix, first.view)
    made = replace(shown, checkpoint=checkpoint, keyframes=journey.keyframes, loop=journey.loop, size=size)
    return session_to_json(made, portable=True)


def _reduced(values: Floats, many: int) -> Floats:
    """The means of many × many samples, of what can be seen of them; rows must be a multiple."""
    if many == 1:
        return values
    h, w, c = values.shape
    blocks = np.clip(values, -1, 1).reshape(h // many, many, w // many, many, c)
    means: Floats = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


def _in_multiples(bands: Iterable[Floats], many: int) -> Iterable[Floats]:
    """The bands again, each of a multiple of `many` rows."""
    rest: Floats | None = None
    for band in bands:
        joined = band if rest is None or not len(rest) else np.concatenate([rest, band])
        whole = len(joined) // many * many
        if whole:
            yield joined[:whole]
        rest = joined[whole:]
