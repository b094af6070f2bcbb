"""What gestures move: the model itself, or the second picture's own view while that is not linked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from creps_core.view import Size
from creps_viewer.model.state import ViewerState
from creps_viewer.model.viewer_model import ViewerModel


class Movable(Protocol):
    """As much of the model as gestures need."""

    @property
    def state(self) -> ViewerState:
        """What is shown now."""

    @property
    def canvas_size(self) -> Size:
        """Of the picture, in device pixels."""

    def update(self, **changes: Any) -> None:
        """Replace fields of the state."""

    def begin_gesture(self) -> None:
        """Enter a gesture."""

    def end_gesture(self) -> None:
        """Leave a gesture."""

    def gesture(self) -> AbstractContextManager[None]:
        """A gesture as a `with` block."""

    def undo(self) -> None:
        """Return to the state before the last step."""

    def redo(self) -> None:
        """Take back the last `undo`."""


class Hand:
    """Moves the first picture, or the second where the pointer was when it began; linked ones together."""

    def __init__(self, model: ViewerModel) -> None:
        self._model = model
        self.over_second = False  # on which picture the hand lies

    @property
    def state(self) -> ViewerState:
        """The model's, with the view of the picture under the hand."""
        state = self._model.state
        return dataclasses.replace(state, view=state.second_view) if self.over_second else state

    @property
    def canvas_size(self) -> Size:
        """Of either picture, in device pixels."""
        return self._model.canvas_size

    def update(self, **changes: Any) -> None:
        """Replace fields of the state; a view goes to the picture under the hand."""
        compare = self._model.state.compare
        if self.over_second and "view" in changes and compare is not None and not compare.linked:
            changes["compare"] = dataclasses.replace(compare, view=changes.pop("view"))
        self._model.update(**changes)

    def begin_gesture(self) -> None:
        """Enter a gesture."""
        self._model.begin_gesture()

    def end_gesture(self) -> None:
        """Leave a gesture."""
        self._model.end_gesture()

    @contextmanager
    def gesture(self) -> Iterator[None]:
        """A gesture as a `with` block."""
        with self._model.gesture():
            yield

    def undo(self) -> None:
        """Return to the state before the last step."""
        self._model.undo()

    def redo(self) -> None:
        """Take back the last `undo`."""
        self._model.redo()
