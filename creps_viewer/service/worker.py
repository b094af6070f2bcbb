"""One render thread: the newest request, then the second picture's, then side jobs.

Qt-free. Everything that crosses the thread is frozen; results come through a `Listener` *on the render
thread*, which hands them on (the bridge queues them into the GUI thread). It decides nothing about what is
to be rendered: `creps_viewer.model.schedule` does. Reading checkpoints is `loader`'s.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

from creps_core.cancel import CancelToken
from creps_core.consistency import residual_frame
from creps_core.errors import Cancelled, CrepsError
from creps_core.frame import Frame
from creps_core.inspector import Inspection
from creps_viewer.model.request import InspectionRequest, RenderRequest, SideRequest
from creps_viewer.service.engine import Engine
from creps_viewer.service.reuse import Reuse

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


@dataclass(eq=False)
class _Lane:
    """One picture that is kept up to date."""

    listener: Listener
    engine: Engine | None = None  # the second lane's own, if it has one
    request: RenderRequest | None = None  # what is wanted; the second lane's stays here while it runs
    reuse: Reuse = field(default_factory=Reuse)


class RenderService:
    """The render thread. `submit` and `request_side` return at once; `close` joins.

    Latest wins: a new request cancels the running one and replaces a waiting one. The second picture's
    request runs when the first picture's is done, side jobs by rank and in the order in which they came while
    there is no request at all; a request interrupts what comes after it, which then starts again.
    """

    def __init__(self, listener: Listener) -> None:
        self._main, self._second = _Lane(listener), _Lane(listener)
        self._ready = threading.Condition()
        self._closed = False
        self._generation = -1
        self._side: OrderedDict[str, SideRequest] = OrderedDict()
        self._token = CancelToken()  # of whatever runs
        self._running: RenderRequest | SideRequest | None = None
        self._lane = self._main  # for which that is
        self._retired: list[Engine] = []
        self._thread = threading.Thread(target=self._loop, name="creps-render")
        self._thread.start()

    def install(self, engine: Engine | None, generation: int) -> None:
        """Make `engine` the one that requests of this generation mean; all older work is dropped."""
        with self._ready:
            self._replace(self._main, engine)
            self._generation = generation
            self._second.request = None
            self._side.clear()
            self._token.cancel()
            self._ready.notify()

    def install_second(self, engine: Engine | None) -> None:
        """The second picture is made by `engine` from now on; None: by the first picture's."""
        with self._ready:
            self._replace(self._second, engine)
            for key in [key for key, job in self._side.items() if job.second]:
                del self._side[key]
            self._interrupt_second()
            self._ready.notify()

    def listen_second(self, listener: Listener) -> None:
        """Tell `listener` about the second picture; before any is asked for."""
        self._second.listener = listener

    def submit(self, request: RenderRequest) -> None:
        """Ask for a picture, in place of any that was asked for before."""
        with self._ready:
            self._main.request = request
            self._token.cancel()
            self._ready.notify()

    def submit_second(self, request: RenderRequest) -> None:
        """Ask for the second picture, in place of any that was asked for before; the first comes first."""
        with self._ready:
            self._second.request = request
            self._interrupt_second()
            if isinstance(self._running, SideRequest):
                self._token.cancel()
            self._ready.notify()

    def cancel(self) -> None:
        """Drop the waiting request and stop the running one; the second picture and side jobs stay."""
        with self._ready:
            self._main.request = None
            if isinstance(self._running, RenderRequest) and self._lane is self._main:
                self._token.cancel()

    def cancel_second(self) -> None:
        """No second picture is wanted any more."""
        with self._ready:
            self._second.request = None
            self._interrupt_second()

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
            self._replace(self._main, None)
            self._replace(self._second, None)
        self._close_retired()

    def _loop(self) -> None:
        while True:
            with self._ready:
                self._running = None
                self._ready.wait_for(self._anything)
                if self._closed:
                    return
                self._token = token = CancelToken()
                self._running = job = self._next()
                lane, generation = self._lane, self._generation
                engine = lane.engine or self._main.engine
            self._close_retired()
            if job is None:
                continue
            if engine is None or (lane is self._main and job.generation != generation):
                self._finish(job)
            elif isinstance(job, RenderRequest):
                self._render(engine, job, token, lane)
            else:
                self._render_side(engine, job, token, lane)

    def _anything(self) -> bool:
        """Whether there is anything to do; the lock is held."""
        wanted = self._main.request or self._second.request or self._side or self._retired
        return self._closed or bool(wanted)

    def _next(self) -> RenderRequest | SideRequest | None:
        """What to do now, for the lane that `_lane` then is; the lock is held."""
        self._lane = self._main
        if self._main.request is not None:
            job, self._main.request = self._main.request, None
            return job
        if self._second.request is not None:
            self._lane = self._second
            return self._second.request
        side = min(self._side.values(), key=lambda side: side.rank, default=None)
        if side is not None and side.second:
            self._lane = self._second
        return side

    def _replace(self, lane: _Lane, engine: Engine | None) -> None:
        """Give a lane another engine; the lock is held."""
        if lane.engine is not None and lane.engine is not engine:
            self._retired.append(lane.engine)
        lane.engine, lane.request = engine, None

    def _interrupt_second(self) -> None:
        """Stop what runs for the second picture; the lock is held."""
        if self._running is not None and self._lane is self._second:
            self._token.cancel()

    def _close_retired(self) -> None:
        """Close engines that nothing uses any more, and forget their frames."""
        with self._ready:
            retired, self._retired = self._retired, []
        if retired:
            self._main.reuse.clear()
            self._second.reuse.clear()
        for engine in retired:
            engine.close()

    def _render(self, engine: Engine, job: RenderRequest, token: CancelToken, lane: _Lane) -> None:
        listener = lane.listener
        try:
            plan = engine.plan(job.sources, job.mix)
            token.check()
            frames = engine.passes(
                plan,
                job.view,
                job.size,
                previous=lane.reuse.find(job),
                moving=job.moving,
                aside=job.against is not None,  # large, and of no use to either picture
                cancel=token,
            )
            for frame in frames:
                lane.reuse.keep(frame, job)
                shown = frame if job.against is None else _residual(job.against, frame)
                token.check()
                # the renderer's record may be large: the window keeps several frames, but not that
                listener.on_frame(job.id, dataclasses.replace(shown, samples=None))
            listener.on_done(job.id)
            self._finish(job)
        except Cancelled:
            pass  # the second picture's stays in line, or something replaced it
        except CrepsError as error:
            listener.on_error(job.id, str(error))
            self._finish(job)
        except Exception as error:
            logger.exception("rendering failed")
            listener.on_error(job.id, _unforeseen(error))
            self._finish(job)

    def _render_side(self, engine: Engine, job: SideRequest, token: CancelToken, lane: _Lane) -> None:
        try:
            plan = engine.plan(job.sources, job.mix)
            if isinstance(job, InspectionRequest):
                inspection = engine.inspect(
                    plan, job.view, job.size, job.inspector, draft=job.draft, cancel=token
                )
                token.check()
                lane.listener.on_inspection(job.id, inspection)
            else:
                frames = list(engine.passes(plan, job.view, job.size, aside=True, cancel=token))
                token.check()
                lane.listener.on_side(job.key, frames[-1])
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
        """The job is done with and need not be done again."""
        with self._ready:
            if isinstance(job, SideRequest):
                if self._side.get(job.key) is job:
                    del self._side[job.key]
            elif self._second.request is job:
                self._second.request = None


def _residual(frame: Frame, doubled: Frame) -> Frame:
    """The residual once `doubled` is settled; before that, `doubled` itself tells how far it has come."""
    return residual_frame(frame, doubled) if doubled.settled else doubled


def _unforeseen(error: Exception) -> str:
    """One line for the window; the traceback is in the log."""
    text = str(error).strip().splitlines()
    return f"rendering failed: {type(error).__name__}{': ' + text[0] if text else ''}"
