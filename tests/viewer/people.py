"""What people do to a window, for tests."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import QWidget

from creps_core.source import Source
from creps_core.view import View
from creps_core.warps import Lens
from creps_viewer.application import Viewer
from creps_viewer.model.state import ViewerState
from creps_viewer.panels.number_field import NumberField

PanelT = TypeVar("PanelT", bound=QWidget)

SOMEWHERE = ViewerState(
    view=View(
        center_x=Fraction("0.41732000000000000000000001"),
        log2_zoom=Fraction(3),
        rotation_deg=14.0,
        warps=(Lens(0.1, 0.0, 0.3, 1.5),),
        outside="generate",
    ),
    sources=(Source(seed=77, psi=0.6),),
)


def shown(qtbot, panel: PanelT, width: int, height: int) -> PanelT:
    """The panel alone in an active window of this size."""
    qtbot.addWidget(panel)
    panel.resize(width, height)
    panel.show()
    panel.activateWindow()
    qtbot.waitUntil(panel.isActiveWindow)
    return panel


def drop(viewer: Viewer, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, modifiers = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    viewer.window.dropEvent(QDropEvent(QPointF(100, 100), Qt.DropAction.CopyAction, data, buttons, modifiers))


def type_into(qtbot, field: NumberField, text: str) -> None:
    """As a person does: click, replace everything, Enter."""
    qtbot.mouseClick(field, Qt.MouseButton.LeftButton)
    field.setFocus()
    field.selectAll()
    qtbot.keyClick(field, Qt.Key.Key_Delete)
    if text.isascii():
        qtbot.keyClicks(field, text)
    else:  # what a paste does; the test library types ASCII only
        field.insert(text)
    qtbot.keyClick(field, Qt.Key.Key_Return)
