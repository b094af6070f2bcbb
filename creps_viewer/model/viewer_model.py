"""The viewer's single source of truth: state with undo, the open document, the last frame.

Qt-free. Widgets call `update` and listen to the signals; nothing is stored in a widget.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psygnal import Signal

from creps_core.frame import Frame
from creps_core.inspector import Inspection
from creps_core.view import Size
from creps_viewer.model.direction_list import DirectionList
from creps_viewer.model.favourite_list import FavouriteList
from creps_viewer.model.second import Second
from creps_viewer.model.side_pictures import SidePictures
from creps_viewer.model.state import Document, Message, ViewerState

UNDO_STEPS = 500


class ViewerModel:
    """State, history and results; used from the GUI thread alone.

    A *gesture* brackets the many small updates of one drag, glide or slider move: they become one undo
    step, and while any gesture lasts `moving` is true, which lets the renderer send drafts.
    """

    changed = Signal(ViewerState, ViewerState)  # (old, new)
    moving_changed = Signal(bool)
    interrupted = Signal()  # history is about to move: whoever moves the view by itself stops now
    document_changed = Signal(object)  # Document | None
    frame_changed = Signal(Frame)  # the newest pass of the newest request
    second_changed = Signal(Second)
    inspection_changed = Signal(object)  # Inspection | None
    canvas_resized = Signal(Size)  # device pixels
    message_changed = Signal(object)  # Message | None
    notice = Signal(str, str)  # (level "info" | "warning" | "error", one calm sentence)

    def __init__(self, state: ViewerState | None = None) -> None:
        self._state = state or ViewerState()
        self._undo: list[ViewerState] = []
        self._redo: list[ViewerState] = []
        self._gestures = 0
        self._before_gesture: ViewerState | None = None
        self.document: Document | None = None
        self.frame: Frame | None = None
        self.settled = False  # whether `frame` is the finished picture of the present state and size
        self.second = Second()  # of `state.compare`
        self.message: Message | None = None
        self.inspection: Inspection | None = None
        self.canvas_size = Size(1, 1)  # of the picture: of each, where two lie side by side
        self.side = SidePictures()
        self.directions = DirectionList()
        self.favourites = FavouriteList()

    @property
    def state(self) -> ViewerState:
        """What is shown now."""
        return self._state

    @property
    def moving(self) -> bool:
        """Whether a gesture is going on."""
        return self._gestures > 0

    def update(self, **changes: Any) -> None:
        """Replace fields of the state; emits `changed` when anything differs. Undoable."""
        self._replace(dataclasses.replace(self._state, **changes), undoable=True)

    def reset_state(self, state: ViewerState) -> None:
        """Start anew from `state` (a new document, a restored session): history is dropped."""
        self.interrupted.emit()
        self._undo.clear()
        self._redo.clear()
        self._replace(state, undoable=False)

    def begin_gesture(self) -> None:
        """Enter a gesture; may nest. Pair each with `end_gesture`."""
        self._gestures += 1
        if self._gestures == 1:
            self._before_gesture = self._state
            self.moving_changed.emit(True)

    def end_gesture(self) -> None:
        """Leave a gesture; the outermost one closes the undo step."""
        if self._gestures == 0:
            return
        self._gestures -= 1
        if self._gestures == 0:
            before, self._before_gesture = self._before_gesture, None
            if before is not None and before != self._state:
                self._push(before)
            self.moving_changed.emit(False)

    @contextmanager
    def gesture(self) -> Iterator[None]:
        """A gesture as a `with` block."""
        self.begin_gesture()
        try:
            yield
        finally:
            self.end_gesture()

    @property
    def can_undo(self) -> bool:
        """Whether `undo` would do anything."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether `redo` would do anything."""
        return bool(self._redo)

    def undo(self) -> None:
        """Return to the state before the last step; a gesture that is going on ends as one first."""
        self.interrupted.emit()
        if self._undo:
            self._redo.append(self._state)
            self._replace(self._undo.pop(), undoable=False)

    def redo(self) -> None:
        """Take back the last `undo`."""
        self.interrupted.emit()
        if self._redo:
            self._undo.append(self._state)
            self._replace(self._redo.pop(), undoable=False)

    def set_document(self, document: Document | None) -> None:
        """A checkpoint was opened (or none is)."""
        self.document = document
        self.frame = None
        self.settled = False
        self.document_changed.emit(document)

    def set_frame(self, frame: Frame, *, current: bool = True) -> None:
        """A newer picture arrived; `current` if the state and size that it was asked for still hold."""
        self.frame = frame
        self.settled = frame.settled and current
        self.frame_changed.emit(frame)

    def set_second(self, **changes: Any) -> None:
        """The second picture has come further."""
        self.second = dataclasses.replace(self.second, **changes)
        self.second_changed.emit(self.second)

    def set_inspection(self, inspection: Inspection | None) -> None:
        """What the inspector shows was computed, or there is nothing to show."""
        if inspection is not self.inspection:
            self.inspection = inspection
            self.inspection_changed.emit(inspection)

    def set_message(self, message: Message | None) -> None:
        """Say something in the canvas, or nothing."""
        if message != self.message:
            self.message = message
            self.message_changed.emit(message)

    def set_canvas_size(self, size: Size) -> None:
        """The canvas has a new size in device pixels; zoom and centre stay."""
        if size != self.canvas_size:
            self.canvas_size = size
            self.settled = False
            self.canvas_resized.emit(size)

    def _replace(self, new: ViewerState, *, undoable: bool) -> None:
        old = self._state
        if new == old:
            return
        if undoable and not self._gestures:
            self._push(old)
        self._state = new
        if new.picture != old.picture:
            self.settled = False
        self.changed.emit(old, new)

    def _push(self, state: ViewerState) -> None:
        self._undo.append(state)
        del self._undo[:-UNDO_STEPS]
        self._redo.clear()
