"""Which earlier frames the next request can take exact samples from. Of the render thread alone."""

from __future__ import annotations

import dataclasses

from creps_core.frame import Frame
from creps_viewer.model.request import RenderRequest


class Reuse:
    """The newest frame of all, and the newest that was not made during a gesture."""

    def __init__(self) -> None:
        self._latest: Frame | None = None
        self._base: Frame | None = None

    def clear(self) -> None:
        """Forget them: their engine is gone."""
        self._latest = self._base = None

    def keep(self, frame: Frame, job: RenderRequest) -> None:
        """Remember what the next request can reuse."""
        if frame.samples is None and not frame.settled:
            return  # a draft of another view: nothing in it is exact
        if not job.moving:
            self._base = frame
        if frame.exact:
            self._latest = frame

    def find(self, job: RenderRequest) -> Frame | None:
        """The newest frame that is a pan away from what is wanted, else the newest."""
        for frame in (self._latest, self._base):
            if frame is not None and frame.size == job.size:
                there = dataclasses.replace(
                    frame.view, center_x=job.view.center_x, center_y=job.view.center_y
                )
                if there == job.view:
                    return frame
        return self._latest or self._base
