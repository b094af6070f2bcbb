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
        request: asks for one of the model's present state.
    """

    def __init__(self, model: ViewerModel, request: Callable[[], None]) -> None:
        self._model, self._request = model, request
        self._asked: object = None  # what the newest request is for
        self._shown: object = None  # what the newest look was asked for
        self._under_way = False  # a draft
        model.changed.connect(self._follow)
        model.document_changed.connect(self._start_anew)
        model.canvas_resized.connect(self._follow)
        model.moving_changed.connect(self._follow)
        model.inspection_changed.connect(self._arrived)

    def current(self) -> bool:
        """Whether what is shown is the settled look of the present state, or none is to be shown."""
        return not self._model.state.inspector.open or (
            not self._model.moving and self._shown == self._wanted()
        )

    def _follow(self, *_: object) -> None:
        model = self._model
        if model.document is None or not model.state.inspector.open:
            self._asked, self._shown, self._under_way = None, None, False
            model.set_inspection(None)
            return
        wanted = self._wanted()
        if wanted == self._asked or (model.moving and self._under_way):
            return
        self._asked, self._under_way = wanted, model.moving
        self._request()

    def _wanted(self) -> object:
        model = self._model
        return model.state.picture, model.state.inspector, model.canvas_size, model.moving

    def _start_anew(self, *_: object) -> None:
        self._asked, self._shown, self._under_way = None, None, False
        self._model.set_inspection(None)
        self._follow()

    def _arrived(self, inspection: Inspection | None) -> None:
        if inspection is not None:
            self._shown, self._under_way = self._asked, False
            self._follow()
