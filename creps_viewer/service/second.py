"""The second picture: follows the model's comparison, on the render thread, after the first picture.

It owns the checkpoint that is compared with, where that is another, and the numbers of its requests. The
first picture never waits for it and never fails with it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QObject

from creps_core.checkpoint_ref import CheckpointRef
from creps_core.comparison import Comparison
from creps_core.consistency import doubled_size
from creps_core.frame import Frame
from creps_core.source import Mix, Source
from creps_core.view import Size, View
from creps_viewer.model.request import RenderRequest, SideRequest
from creps_viewer.model.second import Second
from creps_viewer.model.sentences import sentence
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.service.bridge import RenderBridge, fitting_state
from creps_viewer.service.engine import Opened
from creps_viewer.service.loader import Loader, Opener
from creps_viewer.service.result_queue import ResultQueue

BACKDROP = Size(240, 240)
_KEY = "second"  # of its side pictures

Locate = Callable[[CheckpointRef], Path | None]


class SecondPicture(QObject):
    """Keeps `model.second` up to date with `model.state.compare`.

    Args:
        model: whose comparison is followed.
        bridge: of the first picture; its render thread is shared.
        opener: opens the checkpoint to compare with.
        locate: finds a checkpoint that a session names.
    """

    def __init__(self, model: ViewerModel, bridge: RenderBridge, opener: Opener, locate: Locate) -> None:
        super().__init__(bridge)
        self._model, self._bridge, self._locate = model, bridge, locate
        self._own: Document | None = None  # the checkpoint that is compared with, if it is another
        self._generations = 0
        self._requests = 0
        self._sent: RenderRequest | None = None  # the newest request
        self._settled = 0  # the number of the newest one that is complete
        self._backdrop: SideRequest | None = None  # the newest of these
        self._load, self._loading = 0, ""  # number and name of what is being opened
        self._wanted: Comparison | None = None  # to be shown when that is open; None: the state's own
        self._closed = False
        self._queue = queue = ResultQueue()
        queue.frame.connect(self._on_frame)
        queue.error.connect(self._on_error)
        queue.side.connect(self._on_side)
        queue.progress.connect(self._on_progress)
        queue.loaded.connect(self._on_loaded)
        queue.load_error.connect(self._on_load_error)
        bridge.service.listen_second(queue)
        self._loader = Loader(opener, queue)
        model.changed.connect(self._on_changed)
        model.document_changed.connect(self._on_document)
        model.canvas_resized.connect(self._refresh)
        model.moving_changed.connect(self._refresh)
        model.frame_changed.connect(self._on_first_frame)

    def open(self, path: Path, comparison: Comparison) -> None:
        """Show `comparison` with the checkpoint at `path` as soon as that is read, else say what is wrong."""
        document = self._model.document
        if document is not None and document.path is not None and _same_file(path, document.path):
            self._model.update(compare=dataclasses.replace(comparison, checkpoint=None))
        else:
            self._begin(path, comparison)

    def close(self) -> None:
        """Stop loading and listening; the render thread is the bridge's to stop. May be called twice."""
        if self._closed:
            return
        self._closed = True
        model = self._model
        model.changed.disconnect(self._on_changed)
        model.document_changed.disconnect(self._on_document)
        model.canvas_resized.disconnect(self._refresh)
        model.moving_changed.disconnect(self._refresh)
        model.frame_changed.disconnect(self._on_first_frame)
        self._loader.close()

    # what is wanted

    def _on_changed(self, old: ViewerState, new: ViewerState) -> None:
        if old.compare != new.compare or old.picture != new.picture:
            self._refresh()

    def _on_document(self, document: object) -> None:
        self._sent = self._backdrop = None  # the first picture's engine is another one
        self._refresh()

    def _on_first_frame(self, frame: Frame) -> None:
        compare = self._model.state.compare
        if compare is not None and compare.shows == "residual" and self._model.settled:
            self._refresh()

    def _refresh(self, *_: object) -> None:
        """Ask for what the state wants, if that is not what was asked for last."""
        compare = self._model.state.compare
        if compare is None or self._model.document is None:
            self._drop()
        elif self._ready(compare):
            wanted = self._request(compare)
            if wanted is not None and not _answers(self._sent, wanted):
                self._send(wanted)
            settled = wanted is not None and self._sent is not None and self._sent.id == self._settled
            if settled != self._model.second.settled:
                self._model.set_second(settled=settled)

    def _drop(self) -> None:
        """Nothing is compared; what was picked meanwhile goes on being opened."""
        if self._loading and self._wanted is None:
            self._loader.cancel()
            self._loading = ""
        self._share()
        if self._sent is not None or self._model.second.frame is not None:
            self._sent = self._backdrop = None
            self._bridge.service.cancel_second()
            self._model.set_second(**vars(Second(note=self._model.second.note if self._loading else "")))

    def _ready(self, compare: Comparison) -> bool:
        """Whether the checkpoint to compare with is at hand; begins to open it otherwise."""
        reference, document = compare.checkpoint, self._model.document
        if reference is None or (document is not None and _is(reference, document)):
            self._share()
            return True
        if self._own is not None and _is(reference, self._own):
            return True
        if self._loading != reference.name:
            path = self._locate(reference)
            if path is None:
                self._give_up(f"The checkpoint to compare with, {reference.name}, is not here.")
            else:
                self._begin(path, None)
        return False

    def _request(self, compare: Comparison) -> RenderRequest | None:
        """What the state asks for; None while that has to wait for the first picture."""
        model, document = self._model, self._own or self._model.document
        assert document is not None
        state, size, against = model.state, model.canvas_size, None
        sources, mix = _latents(state, compare, document)
        if compare.shows == "residual":
            if not model.settled or model.moving:
                return None
            against, size = model.frame, doubled_size(size)
        view = state.view if against is not None else state.second_view
        return RenderRequest(0, self._generations, sources, mix, view, size, model.moving, against)

    def _send(self, wanted: RenderRequest) -> None:
        self._requests += 1
        self._sent = dataclasses.replace(wanted, id=self._requests)
        note = self._model.second.note if wanted.against is None else "measuring…"
        self._model.set_second(settled=False, note=note)
        self._bridge.service.submit_second(self._sent)

    def _share(self) -> None:
        """Compare within the first picture's checkpoint."""
        if self._own is not None:
            self._own = None
            self._sent = self._backdrop = None
            self._bridge.service.install_second(None)
            self._model.set_second(document="", backdrop=None)

    # what comes

    def _on_frame(self, request: int, frame: Frame) -> None:
        sent = self._sent
        if self._closed or sent is None or request != sent.id:
            return
        if sent.against is not None and not frame.settled:
            self._model.set_second(note=f"measuring {frame.pass_number}/{frame.pass_count}")
            return
        self._model.set_second(frame=frame, note="")
        if frame.settled:
            self._settled = request
            self._refresh()
            if sent.against is None:
                self._want_backdrop(sent)

    def _want_backdrop(self, sent: RenderRequest) -> None:
        """All of the second picture, small, so that nothing is ever blank."""
        view = View(outside=sent.view.outside)
        wanted = SideRequest(_KEY, self._generations, sent.sources, sent.mix, view, BACKDROP, second=True)
        if wanted != self._backdrop:
            self._backdrop = wanted
            self._bridge.service.request_side(wanted)

    def _on_side(self, key: str, frame: Frame) -> None:
        if not self._closed and self._backdrop is not None:
            self._model.set_second(backdrop=frame)

    def _on_error(self, request: int, message: str) -> None:
        if not self._closed and self._sent is not None and request == self._sent.id:
            self._model.set_second(note="cannot be drawn")
            self._model.notice.emit("error", sentence(f"the second picture cannot be drawn: {message}"))

    # the checkpoint to compare with

    def _begin(self, path: Path, comparison: Comparison | None) -> None:
        self._wanted, self._loading = comparison, path.name
        self._load = self._loader.load(path)
        self._model.set_second(note=f"opening {path.name}…")

    def _on_progress(self, load: int, done: int, total: int) -> None:
        if load == self._load and self._loading and total:
            self._model.set_second(note=f"opening {self._loading}, {100 * done // total} %")

    def _on_loaded(self, load: int, opened: Opened) -> None:
        if self._closed or load != self._load or not self._loading:
            opened.engine.close()
            return
        wanted, self._wanted, self._loading = self._wanted, None, ""
        self._generations += 1
        self._own = Document(opened.name, opened.path, opened.sha256, opened.engine.config, self._generations)
        self._sent = self._backdrop = None
        self._bridge.service.install_second(opened.engine)
        self._model.set_second(document=opened.name, note="", backdrop=None)
        compare = wanted or self._model.state.compare
        if compare is not None:
            reference = CheckpointRef.of(opened.path, opened.sha256)
            self._model.update(compare=dataclasses.replace(compare, checkpoint=reference))
        self._refresh()

    def _on_load_error(self, load: int, path: Path, message: str) -> None:
        if self._closed or load != self._load:
            return
        self._loading = ""
        self._give_up(sentence(message))

    def _give_up(self, message: str) -> None:
        """The checkpoint is not to be had: go on with what was shown before."""
        self._model.set_second(note="")
        self._model.notice.emit("error", message)
        picked, self._wanted = self._wanted is not None, None
        if not picked:  # the state itself names it
            self._model.update(compare=None)


def _latents(
    state: ViewerState, compare: Comparison, document: Document
) -> tuple[tuple[Source, ...], Mix | None]:
    """The second picture's sources and mix, as far as `document`'s generator can show them."""
    own = compare.sources is not None and compare.shows == "picture"
    sources, mix = (compare.sources, compare.mix) if own else (state.sources, state.mix)
    assert sources is not None
    fitting = fitting_state(ViewerState(sources=sources, mix=mix), document)
    return fitting.sources, fitting.mix


def _answers(sent: RenderRequest | None, wanted: RenderRequest) -> bool:
    """Whether what was sent gives what is wanted; a draft does not do when the gesture is over."""
    if sent is None or (sent.moving and not wanted.moving):
        return False
    return dataclasses.replace(sent, id=wanted.id, moving=wanted.moving) == wanted


def _is(reference: CheckpointRef, document: Document) -> bool:
    if reference.sha256:
        return reference.sha256 == document.sha256
    return reference.path is not None and document.path is not None and reference.path == str(document.path)


def _same_file(a: Path, b: Path) -> bool:
    return a.absolute() == b.absolute()
