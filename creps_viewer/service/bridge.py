"""Connects the model with the render and loading threads: results arrive in the GUI thread, queued.

It owns the schedule and the numbers of requests and documents. It draws nothing and computes nothing.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TypeVar

from PyQt6.QtCore import QObject, pyqtSignal

from creps_core.cancel import CancelToken
from creps_core.config import GeneratorConfig
from creps_core.frame import Frame
from creps_core.inspector import Inspection
from creps_core.keyframe import Keyframe
from creps_core.source import Source
from creps_core.view import Size
from creps_viewer.model.request import InspectionRequest, RenderRequest, SideRequest
from creps_viewer.model.schedule import Action, Event, Schedule
from creps_viewer.model.sentences import sentence
from creps_viewer.model.state import Document, Message, ViewerState
from creps_viewer.model.timings import Timings
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.service.engine import Engine, Opened, Progress, open_engine
from creps_viewer.service.loader import Loader, Opener
from creps_viewer.service.result_queue import ResultQueue
from creps_viewer.service.worker import RenderService

T = TypeVar("T", ViewerState, Keyframe)

NOTHING_OPEN = Message("Nothing is open yet.", "Open a checkpoint…", "open")


def opener_for(device: str = "auto", cache_mb: int = 512) -> Opener:
    """How real checkpoints are opened on `device`."""

    def opener(path: Path, progress: Progress, cancel: CancelToken) -> Opened:
        return open_engine(path, device, cache_mb, progress, cancel)

    return opener


class RenderBridge(QObject):
    """The viewer's way to pictures: `open` a file, then frames follow the model's state by themselves.

    Signals: `began(Path)` a file is about to be read, `opened(Document)`, `open_failed(Path, str)`.
    """

    began = pyqtSignal(object)
    opened = pyqtSignal(object)
    open_failed = pyqtSignal(object, str)

    def __init__(
        self, model: ViewerModel, opener: Opener | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.timings = Timings()
        self.engine: Engine | None = None  # of the open document; exports make their own requests of it
        self._model = model
        self._schedule = Schedule()
        self._requests = 0
        self._inspections = 0
        self._generations = 0
        self._sent: tuple[object, Size] | None = None  # picture and size that the newest request is for
        self._load = 0
        self._wanted_state: ViewerState | None = None
        self._loading: Path | None = None
        self._quietly = False  # nothing is said about the file that is being read
        self._closed = False
        self._quiet = False
        self._queue = ResultQueue()
        queue = self._queue  # lives in the GUI thread: what the others emit is delivered queued
        queue.frame.connect(self._on_frame)
        queue.done.connect(self._on_done)
        queue.error.connect(self._on_error)
        queue.side.connect(self._on_side)
        queue.inspection.connect(self._on_inspection)
        queue.progress.connect(self._on_progress)
        queue.loaded.connect(self._on_loaded)
        queue.load_error.connect(self._on_load_error)
        self.service = RenderService(self._queue)
        self._loader = Loader(opener or opener_for(), self._queue)
        model.changed.connect(self._on_changed)
        model.canvas_resized.connect(self._on_resized)
        model.moving_changed.connect(self._on_moving)
        model.side.wanted.connect(self._on_side_wanted)
        model.side.dropped.connect(self.service.drop_side)
        if model.document is None and model.message is None:
            model.set_message(NOTHING_OPEN)

    def open(self, path: Path, state: ViewerState | None = None, *, quietly: bool = False) -> None:
        """Open the checkpoint at `path`; the present picture stays alive until it is read.

        Args:
            path: a checkpoint file.
            state: what to show of it; by default the present state, with its mix dropped when the number
                of styles differs and classes that it does not have set to 0.
            quietly: in the background: nothing is said, not even of a failure but by `open_failed`, and
                gestures and history go on where the new checkpoint shows the same state.
        """
        self.began.emit(path)
        self._wanted_state = state
        self._loading, self._quietly = path, quietly
        self._load = self._loader.load(path)
        if self._model.document is None:
            self._model.set_message(Message(f"Opening {path.name}…", "Cancel", "cancel", 0.0))

    def cancel_open(self) -> None:
        """Give up the file that is being opened."""
        self._loader.cancel()
        self._load, self._loading = 0, None
        self._model.set_message(NOTHING_OPEN if self._model.document is None else None)

    @property
    def loading(self) -> Path | None:
        """The file that is being read, if any."""
        return self._loading

    @property
    def side_jobs(self) -> int:
        """How many small pictures are still to come."""
        return self.service.side_jobs

    def request_inspection(self) -> None:
        """Ask for what the model's inspector shows now; it goes into the model when there is time."""
        state, size = self._model.state, self._model.canvas_size
        self._inspections += 1
        self.service.request_side(
            InspectionRequest(
                "inspection",
                self._generations,
                state.sources,
                state.mix,
                state.view,
                size,
                id=self._inspections,
                inspector=state.inspector,
                draft=self._model.moving,
            )
        )

    def retry(self) -> None:
        """Ask for the present picture again, after an error."""
        self._step(Event.CHANGED)

    def close(self) -> None:
        """Stop both threads; nothing is delivered any more. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._model.changed.disconnect(self._on_changed)
        self._model.canvas_resized.disconnect(self._on_resized)
        self._model.moving_changed.disconnect(self._on_moving)
        self._model.side.wanted.disconnect(self._on_side_wanted)
        self._model.side.dropped.disconnect(self.service.drop_side)
        self._loader.close()
        self.service.close()

    def _on_changed(self, old: ViewerState, new: ViewerState) -> None:
        if old.picture != new.picture:
            self._step(Event.CHANGED)

    def _on_resized(self, size: Size) -> None:
        self._step(Event.CHANGED)

    def _on_moving(self, moving: bool) -> None:
        self._step(Event.GESTURE_BEGAN if moving else Event.GESTURE_ENDED)

    def _step(self, event: Event) -> None:
        if self._quiet or (self._model.document is None and event is Event.CHANGED):
            return
        self._schedule, action = self._schedule.step(event)
        if action is Action.SEND:
            self._send()
        elif action is Action.CANCEL:
            self.service.cancel()

    def _send(self) -> None:
        state, size = self._model.state, self._model.canvas_size
        self._requests += 1
        self._sent = state.picture, size
        self.service.submit(
            RenderRequest(
                self._requests,
                self._generations,
                state.sources,
                state.mix,
                state.view,
                size,
                self._schedule.moving,
            )
        )

    def _on_frame(self, request: int, frame: Frame) -> None:
        if self._closed or request != self._requests or self._model.document is None:
            return
        self.timings.add("render", frame.stats.render_ms)
        self._model.set_message(None)
        self._model.set_frame(
            frame, current=self._sent == (self._model.state.picture, self._model.canvas_size)
        )
        self._step(Event.FRAME)

    def _on_done(self, request: int) -> None:
        if not self._closed and request == self._requests:
            self._step(Event.DONE)

    def _on_error(self, request: int, message: str) -> None:
        if self._closed or request != self._requests:
            return
        self._model.set_message(Message(sentence(message), "Try again", "retry"))
        self._step(Event.DONE)

    def _on_side_wanted(self, wanted: SideRequest) -> None:
        self.service.request_side(dataclasses.replace(wanted, generation=self._generations))

    def _on_side(self, key: str, frame: Frame) -> None:
        if not self._closed:
            self._model.side.arrived.emit(key, frame)

    def _on_inspection(self, request: int, inspection: Inspection) -> None:
        if not self._closed and request == self._inspections and self._model.state.inspector.open:
            self._model.set_inspection(inspection)

    def _on_progress(self, load: int, done: int, total: int) -> None:
        if load == self._load and self._loading is not None and self._model.document is None:
            share = done / total if total else 0.0
            self._model.set_message(Message(f"Opening {self._loading.name}…", "Cancel", "cancel", share))

    def _on_loaded(self, load: int, opened: Opened) -> None:
        if self._closed or load != self._load:
            return
        self._loading = None
        self._generations += 1
        self._inspections += 1  # what is under way is of the old one
        self.engine = opened.engine
        config = opened.engine.config
        document = Document(opened.name, opened.path, opened.sha256, config, self._generations)
        self.service.install(opened.engine, self._generations)
        self._schedule, _ = self._schedule.step(Event.CLOSED)
        state = self._wanted_state or fitting_state(self._model.state, document)
        # the new document and its state come in two steps: ask for a picture once, when both are there
        self._quiet = True
        try:
            if not self._quietly:
                self._model.set_message(Message(f"Drawing {opened.name}…"))
            self._model.set_document(document)
            if not self._quietly or state != self._model.state:
                self._model.reset_state(state)
        finally:
            self._quiet = False
        self._schedule = Schedule(moving=self._model.moving)
        self._step(Event.CHANGED)
        self.opened.emit(document)

    def _on_load_error(self, load: int, path: Path, message: str) -> None:
        if self._closed or load != self._load:
            return
        self._loading = None
        if self._model.document is None:
            self._model.set_message(Message(sentence(message), "Open another checkpoint…", "open"))
        elif not self._quietly:
            self._model.notice.emit("error", sentence(message))
        self.open_failed.emit(path, message)


def fitting_state(state: ViewerState, document: Document) -> ViewerState:
    """`state` as far as `document`'s generator can show it."""
    config = document.config

    def of(thing: T) -> T:
        # A and B become something that fits; what is added to them has no meaning of another size.
        kept = [k for k, source in enumerate(thing.sources) if k < 2 or _stored_fits(source, config)]
        sources = tuple(_fitting_source(thing.sources[k], config) for k in kept)
        mix = None
        if thing.mix is not None and len(thing.mix) == config.num_ws:
            mix = tuple(tuple(row[k] for k in kept) for row in thing.mix)
        return dataclasses.replace(thing, sources=sources, mix=mix)

    return dataclasses.replace(of(state), keyframes=tuple(map(of, state.keyframes)))


def _stored_fits(source: Source, config: GeneratorConfig) -> bool:
    stored, length = (source.z, config.z_dim) if source.z is not None else (source.w, config.w_dim)
    return stored is None or len(stored) == length


def _fitting_source(source: Source, config: GeneratorConfig) -> Source:
    if not _stored_fits(source, config):
        source = source.reseeded(0)
    label = source.label if source.label < max(config.c_dim, 1) else 0
    return dataclasses.replace(source, label=label)
