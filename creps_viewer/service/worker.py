"""One render thread with a slot for the newest request, and side jobs for when it has nothing to do.

Qt-free. Everything that crosses the thread is frozen; results come through a `Listener` *on the render
thread*, which hands them on (the bridge queues them into the GUI thread). It decides nothing about what is
to be rendered: `creps_viewer.model.schedule` does. Reading checkpoints is `loader`'s.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections import OrderedDict
from typing import Protocol

from creps_core.cancel import CancelToken
from creps_core.errors import Cancelled, CrepsError
from creps_core.frame import Frame
from creps_core.inspector import Inspection
from creps_viewer.model.request import InspectionRequest, RenderRequest, SideRequest
from creps_viewer.service.engine import Engine

logger = logging.getLogger(__name__)


class Listener(Protocol):
    """Who is told; called on the render thread, must not block."""

    def on_frame(self, request: int, frame: Frame) -> None:
        """A pass of a request that was still the newest when it was made."""

    def on_done(self, request: int) -> None:
        """All passes of a request were delivered."""

    def on_error(self, request: int, message: str) -> None:
        """A request failed; the next may succeed."""

    def on_side(self, key: str, frame: Frame) -> None:
        """A side job's picture."""

    def on_inspection(self, request: int, inspection: Inspection) -> None:
        """What was asked to be shown of the network's inside."""


class RenderService:
    """The render thread. `submit` and `request_side` return at once; `close` joins.

    Latest wins: a new request cancels the running one and replaces a waiting one. Side jobs run while no
    request is there, by rank and in the order in which they came; a request interrupts them and they start
    again.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._ready = threading.Condition()
        self._closed = False
        self._engine: Engine | None = None
        self._generation = -1
        self._request: RenderRequest | None = None
        self._side: OrderedDict[str, SideRequest] = OrderedDict()
        self._token = CancelToken()  # of whatever runs
        self._running: RenderRequest | SideRequest | None = None
        self._retired: list[Engine] = []
        # what the next request may reuse, of the render thread alone: the newest frame of all, and the
        # newest that was not made during a gesture
        self._latest: Frame | None = None
        self._base: Frame | None = None
        self._thread = threading.Thread(target=self._loop, name="creps-render")
        self._thread.start()

    def install(self, engine: Engine | None, generation: int) -> None:
        """Make `engine` the one that requests of this generation mean; all older work is dropped."""
        with self._ready:
            if self._engine is not None and self._engine is not engine:
                self._retired.append(self._engine)
            self._engine, self._generation = engine, generation
            self._request = None
            self._side.clear()
            self._token.cancel()
            self._ready.notify()

    def submit(self, request: RenderRequest) -> None:
        """Ask for a picture, in place of any that was asked for before."""
        with self._ready:
            self._request = request
            self._token.cancel()
            self._ready.notify()

    def cancel(self) -> None:
        """Drop the waiting request and stop the running one; side jobs stay."""
        with self._ready:
            self._request = None
            if isinstance(self._running, RenderRequest):
                self._token.cancel()

    def request_side(self, job: SideRequest) -> None:
        """Ask for a small picture when there is time, in place of any with the same key."""
        with self._ready:
            self._side[job.key] = job
            if isinstance(self._running, SideRequest) and self._running.key == job.key:
                self._token.cancel()
            self._ready.notify()

    @property
    def side_jobs(self) -> int:
        """How many side jobs wait or run."""
        with self._ready:
            return len(self._side)

    def drop_side(self, key: str) -> None:
        """Forget a small picture that was asked for; one that is being made is stopped."""
        with self._ready:
            self._side.pop(key, None)
            if isinstance(self._running, SideRequest) and self._running.key == key:
                self._token.cancel()

    def close(self, timeout: float = 10.0) -> None:
        """Stop and join; no callback comes after it. May be called twice.

        Raises:
            RuntimeError: the thread did not stop in time.
        """
        with self._ready:
            self._closed = True
            self._token.cancel()
            self._ready.notify()
        self._thread.join(timeout)
        if self._thread.is_alive():
            raise RuntimeError("the render thread did not stop")
        with self._ready:
            if self._engine is not None:
                self._retired.append(self._engine)
                self._engine = None
        self._close_retired()

    def _loop(self) -> None:
        while True:
            with self._ready:
                self._running = None
                self._ready.wait_for(lambda: self._closed or self._request or self._side or self._retired)
                if self._closed:
                    return
                self._token = token = CancelToken()
                engine, generation = self._engine, self._generation
                self._running = job = self._next()
            self._close_retired()
            if job is None:
                continue
            if engine is None or job.generation != generation:
                self._finish(job)
            elif isinstance(job, RenderRequest):
                self._render(engine, job, token)
            else:
                self._render_side(engine, job, token)

    def _next(self) -> RenderRequest | SideRequest | None:
        """What to do now; the lock is held."""
        if self._request is not None:
            job, self._request = self._request, None
            return job
        return min(self._side.values(), key=lambda side: side.rank, default=None)

    def _close_retired(self) -> None:
        """Close engines that nothing uses any more, and forget their frames."""
        with self._ready:
            retired, self._retired = self._retired, []
        for engine in retired:
            self._latest = self._base = None
            engine.close()

    def _render(self, engine: Engine, job: RenderRequest, token: CancelToken) -> None:
        try:
            plan = engine.plan(job.sources, job.mix)
            token.check()
            frames = engine.passes(
                plan, job.view, job.size, previous=self._reusable(job), moving=job.moving, cancel=token
            )
            for frame in frames:
                self._keep(frame, job)
                token.check()
                # the renderer's record may be large: the window keeps several frames, but not that
                self._listener.on_frame(job.id, dataclasses.replace(frame, samples=None))
            self._listener.on_done(job.id)
        except Cancelled:
            pass
        except CrepsError as error:
            self._listener.on_error(job.id, str(error))
        except Exception as error:
            logger.exception("rendering failed")
            self._listener.on_error(job.id, _unforeseen(error))

    def _render_side(self, engine: Engine, job: SideRequest, token: CancelToken) -> None:
        try:
            plan = engine.plan(job.sources, job.mix)
            if isinstance(job, InspectionRequest):
                inspection = engine.inspect(
                    plan, job.view, job.size, job.inspector, draft=job.draft, cancel=token
                )
                token.check()
                self._listener.on_inspection(job.id, inspection)
            else:
                frames = list(engine.passes(plan, job.view, job.size, aside=True, cancel=token))
                token.check()
                self._listener.on_side(job.key, frames[-1])
            self._finish(job)
        except Cancelled:
            pass  # it stays in line, or something replaced it
        # a thumbnail that fails is no news to the user: the picture itself will say what is wrong
        except CrepsError as error:
            logger.info("side job %s failed: %s", job.key, error)
            self._finish(job)
        except Exception:
            logger.exception("side job %s failed", job.key)
            self._finish(job)

    def _finish(self, job: RenderRequest | SideRequest) -> None:
        if isinstance(job, SideRequest):
            with self._ready:
                if self._side.get(job.key) is job:
                    del self._side[job.key]

    def _keep(self, frame: Frame, job: RenderRequest) -> None:
        """Remember what the next request can reuse."""
        if frame.samples is None and not frame.settled:
            return  # a draft of another view: nothing in it is exact
        if not job.moving:
            self._base = frame
        if frame.exact:
            self._latest = frame

    def _reusable(self, job: RenderRequest) -> Frame | None:
        """The newest frame that is a pan away from what is wanted, else the newest."""
        for frame in (self._latest, self._base):
            if frame is not None and frame.size == job.size:
                there = dataclasses.replace(
                    frame.view, center_x=job.view.center_x, center_y=job.view.center_y
                )
                if there == job.view:
                    return frame
        return self._latest or self._base


def _unforeseen(error: Exception) -> str:
    """One line for the window; the traceback is in the log."""
    text = str(error).strip().splitlines()
    return f"rendering failed: {type(error).__name__}{': ' + text[0] if text else ''}"
