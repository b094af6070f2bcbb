"""The Directions section: how far to go along the ways in which pictures differ, on which styles."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, pyqtSignal
from PyQt6.QtWidgets import QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from creps_core.source import Source
from creps_core.styles import style_name
from creps_viewer.model import directions
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.number_field import NumberField, parse_whole
from creps_viewer.panels.rows import Row, SliderRow
from creps_viewer.panels.section import Panel, link_button
from creps_viewer.theme import LABEL_PX

MOST = 3.0  # deviations, of the slider
TYPED = (-30.0, 30.0)
LONGEST_NAME = 40


class DirectionRow(SliderRow):
    """One direction: its name, which can be typed, and how many standard deviations are added."""

    named = pyqtSignal(str)

    def __init__(self, direction: Source) -> None:
        super().__init__(
            direction.name, -MOST, MOST, 0.0, typed=TYPED, tip="Standard deviations along this direction of w"
        )
        self.direction = direction
        self.name = QLineEdit(direction.name)
        self.name.setProperty("flat", True)
        self.name.setFixedWidth(LABEL_PX)
        self.name.setMaxLength(LONGEST_NAME)
        self.name.setTextMargins(-6, 0, 0, 0)
        self.name.setCursorPosition(0)
        self.name.setAccessibleName(f"Name of {direction.name}")
        self.name.setToolTip("Type a name for what this changes; named directions are kept")
        self.name.editingFinished.connect(self._name_typed)
        self.name.installEventFilter(self)
        layout = self.layout()
        assert layout is not None
        layout.replaceWidget(self.label, self.name)
        self.label.deleteLater()

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        if a0 is self.name and a1 is not None and a1.type() == QEvent.Type.FocusOut:
            self.name.setCursorPosition(0)
        return super().eventFilter(a0, a1)

    def _name_typed(self) -> None:
        name = self.name.text().strip()
        if not name:
            self.name.setText(self.direction.name)
        elif name != self.direction.name:
            self.named.emit(name)


class DirectionsPanel(Panel):
    """Edits the state's sources beyond B. A search for directions is asked for, not made, here."""

    title = "Directions"

    def __init__(self, model: ViewerModel) -> None:
        super().__init__(model)
        self.lines: list[DirectionRow] = []
        self.find_button = QPushButton("Find directions")
        self.find_button.setToolTip("Look at a few thousand latents for the main ways in which they differ")
        self.find_button.clicked.connect(lambda: model.directions.wanted.emit())
        self.about = QLabel("The main ways in which this model's pictures differ.")
        self.about.setWordWrap(True)
        self.about.setProperty("quiet", True)
        self.first, self.last = self._style_field("First style"), self._style_field("Last style")
        self.span = Row("Styles", self.first, QLabel("to"), self.last, tip="Which styles the sliders move")
        self.rows.addWidget(self.about)
        self.rows.addWidget(self.span)
        self._column = QVBoxLayout()
        self._column.setSpacing(4)
        self.rows.addLayout(self._column)
        self.rows.addWidget(self.find_button)
        self._shown: tuple[Source, ...] = ()
        self._latents: object = None
        self.bindings.follow(self._show)
        self.listen(model.directions.listed_changed, self.bindings.sync)
        self.listen(model.directions.searching_changed, self._show_searching)
        self.listen(model.document_changed, self._document_changed)
        self._document_changed(model.document)

    def header_action(self) -> QWidget:
        button = link_button("Reset", "Back to A and B alone, without any direction")
        button.clicked.connect(
            lambda: self.model.update(**directions.without_directions(self.model.state, self._num_ws))
        )
        return button

    @property
    def _num_ws(self) -> int:
        document = self.model.document
        return document.config.num_ws if document is not None else 1

    @property
    def styles(self) -> range:
        """Which styles the sliders move."""
        first, last = sorted((self.first.value or 0, self.last.value or 0))
        return range(first, min(last, self._num_ws - 1) + 1)

    def _style_field(self, name: str) -> NumberField:
        def step(value: int, steps: float) -> int:
            return min(max(value + (1 if steps > 0 else -1), 0), self._num_ws - 1)

        def read(text: str) -> int:
            return parse_whole(text, "a style", 0, self._num_ws - 1)

        field = NumberField(name, read, self._style_text, str, step)
        field.setToolTip(f"{name} that the sliders move, counted from 0")
        return field

    def _style_text(self, style: int) -> str:
        document = self.model.document
        return f"{style}: {style_name(document.config, style)}" if document is not None else str(style)

    def _move(self, row: DirectionRow, value: float) -> None:
        state, num_ws = self.model.state, self._num_ws
        self.model.update(**directions.with_strength(state, row.direction, value, self.styles, num_ws))

    def _rename(self, row: DirectionRow, name: str) -> None:
        self.model.directions.rename(row.direction, name)
        self.model.update(**directions.renamed(self.model.state, row.direction, name))

    def _show(self, state: ViewerState) -> None:
        latents = state.sources, state.mix, self.model.directions.listed
        if latents != self._latents:  # the view moves often
            self._latents = latents
            self._show_directions(state)

    def _show_directions(self, state: ViewerState) -> None:
        listed = self.model.directions.listed
        known = {direction.w for direction in listed}
        wanted = (*listed, *(source for source in directions.added(state) if source.w not in known))
        if wanted != self._shown:
            self._rebuild(wanted)
        for row in self.lines:
            row.set_value(directions.strength(state, row.direction))
            styles = directions.styles_of(state, row.direction)
            reach = f" (styles {styles.start} to {styles.stop - 1})" if styles else ""
            row.slider.setToolTip(f"Standard deviations along this direction of w{reach}")
        self.about.setHidden(bool(self.lines))
        self.span.setVisible(bool(self.lines))

    def _rebuild(self, wanted: tuple[Source, ...]) -> None:
        self._shown = wanted
        for row in self.lines:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.lines = [DirectionRow(direction) for direction in wanted]
        for row in self.lines:
            row.edited.connect(lambda value, row=row: self._move(row, value))
            row.named.connect(lambda name, row=row: self._rename(row, name))
            row.slider.drag_started.connect(self.model.begin_gesture)
            row.slider.drag_finished.connect(self.model.end_gesture)
            self._column.addWidget(row)

    def _show_searching(self, searching: bool) -> None:
        self.find_button.setEnabled(not searching)
        self.find_button.setText("Looking…" if searching else "Find directions")

    def _document_changed(self, document: Document | None) -> None:
        self.setEnabled(document is not None)
        for field, style in ((self.first, 0), (self.last, self._num_ws - 1)):
            field.set_value(None)
            field.set_value(style)
        self.bindings.sync()
