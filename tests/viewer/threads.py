"""What tests of the render thread share: a listener that collects, requests, and an engine that is held."""

from __future__ import annotations

import queue
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any

from creps_core.frame import Frame
from creps_core.source import Source
from creps_core.view import Size, View
from creps_viewer.model.request import RenderRequest, SideRequest
from creps_viewer.service.engine import Opened
from tests.viewer.fakes import FakeEngine

SIZE = Size(64, 48)
SECONDS = 20.0


class Events:
    """Collects what both threads report."""

    def __init__(self) -> None:
        self.queue: queue.Queue[tuple[Any, ...]] = queue.Queue()

    def next(self) -> tuple[Any, ...]:
        return self.queue.get(timeout=SECONDS)

    def on_frame(self, request: int, frame: Frame) -> None:
        assert frame.samples is None  # the renderer's record, which may be large, stays with the thread
        self.queue.put(("frame", request, frame.stride))

    def on_done(self, request: int) -> None:
        self.queue.put(("done", request))

    def on_error(self, request: int, message: str) -> None:
        self.queue.put(("error", request, message))

    def on_side(self, key: str, frame: Frame) -> None:
        self.queue.put(("side", key, frame.view.log2_zoom))

    def on_load_progress(self, load: int, done: int, total: int) -> None:
        self.queue.put(("progress", load, done, total))

    def on_loaded(self, load: int, opened: Opened) -> None:
        self.queue.put(("loaded", load, opened.name))

    def on_load_error(self, load: int, path: Path, message: str) -> None:
        self.queue.put(("load error", load, message))


def request(number: int, zoom: int = 0, generation: int = 1, seed: int = 0) -> RenderRequest:
    view = View(log2_zoom=Fraction(zoom))
    return RenderRequest(number, generation, (Source(seed=seed),), None, view, SIZE, False)


def side(key: str, zoom: int, generation: int = 1) -> SideRequest:
    return SideRequest(key, generation, (Source(seed=0),), None, View(log2_zoom=Fraction(zoom)), SIZE)


def hold(engine: FakeEngine) -> threading.Semaphore:
    engine.gate = threading.Semaphore(0)
    return engine.gate


def await_pass(engine: FakeEngine) -> None:
    assert engine.waiting.acquire(timeout=SECONDS)
