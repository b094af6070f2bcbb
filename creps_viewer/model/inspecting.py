"""The inspector as the model keeps it: opening, choosing a level, and when to compute what it shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from creps_core.inspector import Inspection, Inspector
from creps_viewer.model.viewer_model import ViewerModel


def toggle(model: ViewerModel) -> None:
    """Open the inspector or close it; what it showed last is kept."""
    change(model, open=not model.state.inspector.open)


def change(model: ViewerModel, **changes: Any) -> None:
    """Replace fields of the inspector; one undo step."""
    model.update(inspector=dataclasses.replace(shown_inspector(model), **changes))


def shown_inspector(model: ViewerModel) -> Inspector:
    """The inspector as far as the open checkpoint can follow it."""
    inspector, document = model.state.inspector, model.document
    return inspector if document is None else inspector.fitting(document.config)


class Inspections:
    """Asks for a new look whenever the picture or the inspector changes, while the inspector is open.

    At rest the newest wish replaces any older one. While something moves, a look that is being computed is
    let finish, so that a long gesture sees some; then the newest is asked for.

    Args:
        model: where the looks arrive.
        request: asks for one of the model's present state, a draft while something moves.
    """

    def __init__(self, model: ViewerModel, request: Callable[[], None]) -> None:
        self._model, self._request = model, request
        self._asked: object = None  # what the newest request is for
        self._draft = False  # whether it was made while something moved
        self._arrived = True
        model.changed.connect(self._follow)
        model.document_changed.connect(self._start_anew)
        model.canvas_resized.connect(self._follow)
        model.moving_changed.connect(self._follow)
        model.inspection_changed.connect(self._take)

    def current(self) -> bool:
        """Whether what is shown is the settled look of the present state, or none is to be shown."""
        if not self._model.state.inspector.open:
            return True
        return self._arrived and not self._draft and self._asked == self._wanted()

    def _wanted(self) -> object:
        state = self._model.state
        return state.picture, state.inspector, self._model.canvas_size

    def _follow(self, *_: object) -> None:
        model, wanted = self._model, self._wanted()
        if model.document is None or not model.state.inspector.open:
            self._forget()
            return
        good_enough = wanted == self._asked and (model.moving or not self._draft)
        under_way = model.moving and self._draft and not self._arrived
        if good_enough or under_way:
            return
        self._asked, self._draft, self._arrived = wanted, model.moving, False
        self._request()

    def _start_anew(self, *_: object) -> None:
        self._forget()
        self._follow()

    def _forget(self) -> None:
        self._asked, self._draft, self._arrived = None, False, True
        self._model.set_inspection(None)

    def _take(self, inspection: Inspection | None) -> None:
        if inspection is not None:
            self._arrived = True
            self._follow()
