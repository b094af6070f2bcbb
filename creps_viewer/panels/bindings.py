"""Two-way bindings between the model and widgets, without echoes.

The model is the only store. A widget's `edited` or `committed` calls `write`; the model's `changed` sets
every bound widget through its silent `set_value`. One drag of a slider is one gesture: one undo step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from PyQt6.QtCore import QSignalBlocker

from creps_core.errors import InputError
from creps_viewer.model.state import ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.number_field import NumberField
from creps_viewer.panels.rows import Choice, SliderRow

Read = Callable[[ViewerState], Any]
Write = Callable[[Any], None]


class _Shows(Protocol):
    def set_value(self, value: Any) -> None: ...


class Bindings:
    """The bindings of one panel; any fault while following the model goes to `on_error`."""

    def __init__(self, model: ViewerModel, on_error: Callable[[Exception], None]) -> None:
        self._model = model
        self._on_error = on_error
        self._followers: list[Callable[[ViewerState], None]] = []
        model.changed.connect(self._follow)

    def disconnect(self) -> None:
        """Stop following the model."""
        self._model.changed.disconnect(self._follow, missing_ok=True)

    def slider(self, row: SliderRow, read: Read, write: Write) -> None:
        """Bind a slider row; a drag is bracketed as one gesture."""
        row.edited.connect(lambda value: self._write(write, value))
        row.slider.drag_started.connect(self._model.begin_gesture)
        row.slider.drag_finished.connect(self._model.end_gesture)
        self._follow_value(row, read)

    def number(self, field: NumberField, read: Read, write: Write) -> None:
        """Bind a typed field; each commit is one undo step."""
        field.committed.connect(lambda value: self._write(write, value))
        self._follow_value(field, read)

    def choice(self, box: Choice, read: Read, write: Write) -> None:
        """Bind a drop-down list by its entries' data."""
        box.activated.connect(lambda index: self._write(write, box.itemData(index)))

        def show(state: ViewerState) -> None:
            with QSignalBlocker(box):
                box.setCurrentIndex(box.findData(read(state)))

        self.follow(show)

    def follow(self, show: Callable[[ViewerState], None]) -> None:
        """Call `show` now and at every change of the state."""
        self._followers.append(show)
        show(self._model.state)

    def sync(self) -> None:
        """Show the model's state again, after a change of what the widgets can show."""
        self._follow(self._model.state, self._model.state)

    def _follow_value(self, widget: _Shows, read: Read) -> None:
        self.follow(lambda state: widget.set_value(read(state)))

    def _write(self, write: Write, value: Any) -> None:
        try:
            write(value)
        except InputError as error:
            self._model.notice.emit("warning", str(error))
        except Exception as error:  # noqa: BLE001 - shown in the section, never fatal
            self._on_error(error)
        self.sync()  # what the model did not take is shown as it is

    def _follow(self, _old: ViewerState, new: ViewerState) -> None:
        try:
            for show in self._followers:
                show(new)
        except Exception as error:  # noqa: BLE001 - shown in the section, never fatal
            self._on_error(error)
