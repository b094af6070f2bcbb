"""The Inspector section: which level, channel and lane are looked at, and how; what the colours mean."""

from __future__ import annotations

from typing import Any

from PyQt6.QtCore import QRectF, QSize
from PyQt6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PyQt6.QtWidgets import QLabel, QSizePolicy, QWidget

from creps_core.diverging import STEPS, palette
from creps_core.errors import InputError
from creps_core.inspector import Inspection, Shown
from creps_viewer.model import inspecting
from creps_viewer.model.state import Document
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.level_list import LevelList
from creps_viewer.panels.number_field import parse_whole
from creps_viewer.panels.rows import Choice, Row, SliderRow
from creps_viewer.panels.section import Panel, link_button

_SHOWN: tuple[tuple[Shown, str, str], ...] = (
    ("feature", "Composed feature", "One channel of F: every row embedding times every column embedding."),
    ("without", "Without the level", "The picture whose network leaves this level's composition out."),
    ("alone", "The level alone", "The picture whose network composes no other level."),
    ("difference", "What it changes", "The picture less the one without the level; grey is no change."),
    ("picture", "The picture", "The picture as it is; the edges still show the embeddings."),
)
_IN_SIGHT = (
    "The view is turned or bent: the edges show the rows and columns of the picture's plane, over the"
    " range in sight."
)


class InspectorPanel(Panel):
    """Follows the model's inspector, and the inspection that was computed for it."""

    title = "Inspector"

    def __init__(self, model: ViewerModel) -> None:
        super().__init__(model)
        self.levels = LevelList()
        self.shown = Choice([(key, name) for key, name, _ in _SHOWN], "Shown over the picture")
        self.channel = SliderRow(
            "Channel", 0, 1, 0, step=1, whole=True, tip="Which channel of the embeddings is shown"
        )
        self.lane = SliderRow(
            "Lane",
            0,
            1,
            0,
            step=1,
            whole=True,
            show=_show_lane,
            read=self._read_lane,
            tip="One lane's share of the composed feature, or the sum of all",
        )
        self.meaning = QLabel("")
        self.scale = ColourScale()
        self.note = QLabel(_IN_SIGHT)
        self.note.hide()
        for label in (self.meaning, self.note):
            label.setWordWrap(True)
            label.setProperty("quiet", True)
        self.rows.addWidget(self.levels)
        self.rows.addWidget(Row("Show", self.shown, tip="What lies over the picture"))
        for widget in (self.meaning, self.channel, self.lane, self.scale, self.note):
            self.rows.addWidget(widget)
        self._lanes = 1
        self._bind()
        self.listen(model.document_changed, self._document_changed)
        self.listen(model.inspection_changed, self._inspected)
        self._document_changed(model.document)
        self._inspected(model.inspection)

    def header_action(self) -> QWidget:
        button = link_button("Close", "Close the inspector (B)")
        button.clicked.connect(lambda: inspecting.toggle(self.model))
        return button

    def _bind(self) -> None:
        bind = self.bindings
        self.levels.chosen.connect(lambda level: self._set(level=level))
        bind.follow(lambda _: self.levels.set_level(inspecting.shown_inspector(self.model).level))
        bind.choice(self.shown, lambda s: s.inspector.shown, lambda value: self._set(shown=value))
        bind.follow(lambda s: self.meaning.setText(_meaning(s.inspector.shown)))
        bind.slider(
            self.channel,
            lambda _: float(inspecting.shown_inspector(self.model).channel),
            lambda value: self._set(channel=int(value)),
        )
        bind.slider(
            self.lane,
            lambda _: _lane_number(inspecting.shown_inspector(self.model).lane),
            lambda value: self._set(lane=int(value) - 1 if value else None),
        )

    def _set(self, **changes: Any) -> None:
        inspecting.change(self.model, **changes)

    def _document_changed(self, document: Document | None) -> None:
        if document is None:
            return
        config = document.config
        self._lanes = config.thickness
        self.levels.set_levels(config.levels)
        self.channel.set_range(0, config.biline_channels - 1)
        self.lane.set_range(0, config.thickness)
        self.bindings.sync()

    def _inspected(self, inspection: Inspection | None) -> None:
        if inspection is None:
            return
        self.levels.set_shares(inspection.shares)
        self.scale.set_words(_limits(inspection))
        self.note.setVisible(not inspection.aligned)

    def _read_lane(self, text: str) -> float:
        if text.strip().lower() == "all":
            return 0.0
        try:
            return float(parse_whole(text, "a lane", 1, self._lanes))
        except InputError:
            raise InputError(f"expected all, or a lane from 1 to {self._lanes}") from None


class ColourScale(QWidget):
    """The colours from −limit to limit, and what the limits are."""

    def __init__(self) -> None:
        super().__init__()
        self._words = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Dark is 0, bluish below, warm above; evenly light at equal distance")

    def sizeHint(self) -> QSize:
        return QSize(200, 28)

    def set_words(self, words: str) -> None:
        """What the ends of the colours stand for."""
        self._words = words
        self.setAccessibleName(f"Colours: {words}")
        self.update()

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ramp = QLinearGradient(0, 0, self.width(), 0)
        for step, colour in enumerate(palette().tolist()):
            ramp.setColorAt(step / (2 * STEPS), QColor(*colour))
        painter.setPen(QColor(0, 0, 0, 0))
        painter.setBrush(ramp)
        painter.drawRoundedRect(QRectF(0, 2, self.width(), 6), 3, 3)
        painter.setPen(self.palette().placeholderText().color())
        painter.drawText(QRectF(0, 10, self.width(), 18), self._words)


def _limits(inspection: Inspection) -> str:
    """How far the colours reach along the edges and over the picture."""
    strips = {strip.axis: strip.limit for strip in (inspection.down, inspection.across)}
    words = f"rows ±{strips['row']:g}   columns ±{strips['column']:g}"
    if inspection.inspector.shown == "feature":
        words += f"   feature ±{inspection.frame_limit:g}"
    elif inspection.frame_limit:
        words += f"   grey ±{inspection.frame_limit:g}"
    return words


def _meaning(shown: Shown) -> str:
    return next(text for key, _, text in _SHOWN if key == shown)


def _lane_number(lane: int | None) -> float:
    return 0.0 if lane is None else float(lane + 1)


def _show_lane(value: float) -> str:
    return f"{value:.0f}" if value else "all"
