"""The window: canvas to the edges, sidebar on the right, header and notices over the picture.

It puts the parts together and keeps the layout. What the menus do is in `commands`, opening files in
`opening`, everything shown in the model.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QEvent, QObject, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PyQt6.QtWidgets import QHBoxLayout, QMainWindow, QMessageBox, QVBoxLayout, QWidget

from creps_viewer.canvas.edges import Edges
from creps_viewer.header import HEADER_PX, Header
from creps_viewer.model import inspecting
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.timings import Timings
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.notices import TOP_PX, NoticeBar
from creps_viewer.opening import CHECKPOINTS, OPENING, SESSIONS
from creps_viewer.panels.compare_bar import CompareBar
from creps_viewer.panels.directions_panel import DirectionsPanel
from creps_viewer.panels.favourites_panel import FavouritesPanel
from creps_viewer.panels.inspector_panel import InspectorPanel
from creps_viewer.panels.mixing_panel import MixingPanel
from creps_viewer.panels.performance_panel import PerformancePanel
from creps_viewer.panels.section import Panel, Section, Sidebar
from creps_viewer.panels.source_panel import SourcePanel
from creps_viewer.panels.timeline_drawer import TimelineDrawer
from creps_viewer.panels.view_panel import ViewPanel
from creps_viewer.settings import Settings

FIRST_SIZE = QSize(1280, 800)
SMALLEST = QSize(800, 420)
APP_NAME = "CREPS viewer"
FOLDED_FIRST = (DirectionsPanel.title, FavouritesPanel.title)  # until they are asked for

log = logging.getLogger(__name__)


class MainWindow(QMainWindow):
    """Canvas, sidebar, header and notices.

    Args:
        model: the viewer's state.
        canvas: the picture; header and notices lie over it.
        timings: what the performance section plots.
        settings: where the layout is remembered.
        go_home: leads the view home, gliding.
        cache_mb: said in the performance section.
    """

    file_dropped = pyqtSignal(object)  # Path
    closing = pyqtSignal()  # agreed to; stop threads now

    def __init__(
        self,
        model: ViewerModel,
        canvas: QWidget,
        timings: Timings,
        settings: Settings,
        go_home: Callable[[], None],
        cache_mb: int,
    ) -> None:
        super().__init__()
        self.model, self.canvas, self.settings = model, canvas, settings
        self.may_close: Callable[[], bool] = lambda: True
        self._closed = False
        self.setWindowTitle(APP_NAME)
        self.setMinimumSize(SMALLEST)
        self.setAcceptDrops(True)
        self.sidebar = Sidebar()
        self._add_sections(timings, go_home, cache_mb)
        self.timeline = TimelineDrawer(model)
        self.header = Header(canvas)
        self.compare_bar = CompareBar(model, canvas)
        self.edges = Edges(canvas, model, HEADER_PX)
        self.notices = NoticeBar(canvas)
        canvas.installEventFilter(self)
        self._lay_out()
        self._connect()
        self._restore_layout()

    def _lay_out(self) -> None:
        centre = QWidget()
        row = QHBoxLayout(centre)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        column = QVBoxLayout()
        column.setSpacing(0)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.timeline)
        row.addLayout(column, 1)
        row.addWidget(self.sidebar)
        self.setCentralWidget(centre)
        self.canvas.setFocus()

    def _connect(self) -> None:
        model = self.model
        model.changed.connect(self._state_changed)
        model.document_changed.connect(self._document_changed)
        model.notice.connect(self._show_notice)
        self._document_changed(model.document)
        self._show_inspector(model.state)

    def _add_sections(self, timings: Timings, go_home: Callable[[], None], cache_mb: int) -> None:
        builders: tuple[tuple[str, Callable[[], Panel]], ...] = (
            (InspectorPanel.title, lambda: InspectorPanel(self.model)),  # first: it was asked for
            (SourcePanel.title, lambda: SourcePanel(self.model)),
            (MixingPanel.title, lambda: MixingPanel(self.model)),
            (DirectionsPanel.title, lambda: DirectionsPanel(self.model)),
            (FavouritesPanel.title, lambda: FavouritesPanel(self.model)),
            (ViewPanel.title, lambda: ViewPanel(self.model, go_home)),
            (PerformancePanel.title, lambda: PerformancePanel(self.model, timings, cache_mb)),
        )
        for title, build in builders:
            section = Section(title, build)
            section.set_folded(self.settings.flag(f"folded/{title}", title in FOLDED_FIRST))
            self.sidebar.add(section)
        self.sidebar.folded_changed.connect(lambda title, on: self.settings.set_flag(f"folded/{title}", on))

    @property
    def panels_visible(self) -> bool:
        """Whether sidebar, timeline and header show."""
        return not self.sidebar.isHidden()

    def show_panels(self, visible: bool) -> None:
        """Show or hide everything that is not the picture; zoom and middle stay."""
        self.sidebar.setVisible(visible)
        self.header.setVisible(visible)
        self.timeline.set_allowed(visible)
        self.compare_bar.set_allowed(visible)
        self.edges.set_allowed(visible)
        self.settings.set_flag("window/panels", visible)
        if not visible:
            self.canvas.setFocus()

    def toggle_panels(self) -> None:
        """F9, and Tab on the canvas."""
        self.show_panels(not self.panels_visible)

    def toggle_inspector(self) -> None:
        """Look inside, or no more; opening shows the panels."""
        inspecting.toggle(self.model)
        if self.model.state.inspector.open:
            self.show_panels(True)

    def toggle_full_screen(self) -> None:
        """To the screen's edges and back."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def ask(self, question: str, yes: str, no: str) -> bool:
        """A question that has to be answered before going on."""
        box = QMessageBox(self)
        box.setText(question)
        agree = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
        box.addButton(no, QMessageBox.ButtonRole.RejectRole)
        box.exec()
        return box.clickedButton() is agree

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        if a0 is self.canvas and a1 is not None and a1.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self.header.setGeometry(0, 0, self.canvas.width(), self.header.height())
            self.compare_bar.place()
            self.notices.place()
        return super().eventFilter(a0, a1)

    def dragEnterEvent(self, a0: QDragEnterEvent | None) -> None:
        if a0 is not None and a0.mimeData() is not None and _dropped_file(a0) is not None:
            a0.acceptProposedAction()

    def dropEvent(self, a0: QDropEvent | None) -> None:
        path = _dropped_file(a0) if a0 is not None else None
        if a0 is None or path is None:
            return
        a0.acceptProposedAction()
        if path.suffix.lower() in CHECKPOINTS + SESSIONS:
            self.file_dropped.emit(path)
        else:
            self._show_notice(
                "warning", f"{path.name} is neither a checkpoint ({', '.join(CHECKPOINTS)}) nor a session."
            )

    def close_at_once(self) -> None:
        """Close without asking: the process is to end."""
        self.may_close = lambda: True
        self.close()

    def closeEvent(self, a0: QCloseEvent | None) -> None:
        if a0 is None or self._closed:
            return
        if not self.may_close():
            a0.ignore()
            return
        self._closed = True
        if not self.isFullScreen():
            self.settings.set_geometry(self.saveGeometry())
        self.settings.sync()
        self.compare_bar.release()
        self.closing.emit()
        super().closeEvent(a0)

    def _restore_layout(self) -> None:
        geometry = self.settings.geometry()
        if geometry is None or not self.restoreGeometry(geometry):
            self.resize(FIRST_SIZE)
        self.show_panels(self.settings.flag("window/panels", True))
        if not self.panels_visible:
            self._show_notice("info", "The panels are hidden; F9 shows them.")

    def _show_notice(self, level: str, text: str) -> None:
        self.notices.show_notice(level, text)

    def _document_changed(self, document: Document | None) -> None:
        self.setWindowTitle(f"{document.name} — {APP_NAME}" if document is not None else APP_NAME)
        self.header.set_ready(document is not None)
        settled = self.notices.level == "error" or self.notices.message.startswith(OPENING)
        if document is not None and settled:
            self.notices.hide()
        self._show_title(self.model.state)

    def _state_changed(self, old: ViewerState, new: ViewerState) -> None:
        if old.sources != new.sources:
            self._show_title(new)
        self.notices.top = TOP_PX if new.compare is None else self.compare_bar.geometry().bottom() + 8
        if old.inspector.open != new.inspector.open:
            self._show_inspector(new)

    def _show_inspector(self, state: ViewerState) -> None:
        self.sidebar.sections[InspectorPanel.title].setVisible(state.inspector.open)
        self.header.inspect_button.setChecked(state.inspector.open)

    def _show_title(self, state: ViewerState) -> None:
        document, first = self.model.document, state.sources[0]
        stored = "a stored latent" if first.lattice is None else "between seeds"
        detail = f"seed {first.seed}" if first.seed is not None else stored
        if document is None:
            self.header.show_title("", "")
            return
        if document.config.c_dim:
            detail += f", class {first.label}"
        self.header.show_title(document.name, detail)


def _dropped_file(event: QDropEvent) -> Path | None:
    """The one local file that is dropped, if it is one."""
    data = event.mimeData()
    urls = data.urls() if data is not None else []
    if len(urls) != 1 or not urls[0].isLocalFile():
        return None
    return Path(urls[0].toLocalFile())
