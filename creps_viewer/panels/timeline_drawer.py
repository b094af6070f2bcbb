"""The timeline under the picture: keyframes as thumbnails, the ways between them, playing and filming.

Hidden until the first keyframe. What it shows is the model's; what it does are `model.timeline`'s functions.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from PyQt6.QtCore import QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPolygonF
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from creps_core.errors import InputError
from creps_core.frame import Frame
from creps_core.view import Size
from creps_viewer.model import timeline
from creps_viewer.model.state import ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.keyframe_card import CARD, KeyframeCard
from creps_viewer.panels.player import Player
from creps_viewer.panels.scrub_bar import ScrubBar
from creps_viewer.panels.segment_field import SegmentField
from creps_viewer.theme import ON_ACCENT, PANEL, TEXT

HEIGHT = 116
PICTURES_KEPT = 300
KEY = "keyframe "  # how its side pictures' keys begin


class TimelineDrawer(QWidget):
    """The drawer; signals `video_wanted()`."""

    video_wanted = pyqtSignal()

    def __init__(self, model: ViewerModel, clock: Callable[[], float] = time.perf_counter) -> None:
        super().__init__()
        self.model = model
        self.player = Player(model, clock)
        self.cards: list[KeyframeCard] = []
        self.segments: list[SegmentField] = []
        self._pictures: OrderedDict[str, Frame] = OrderedDict()
        self._keys: dict[object, str] = {}
        self._shown_keys: list[str] = []
        self._dragged: int | None = None
        self._allowed = True
        self.setFixedHeight(HEIGHT)
        self._make_controls()
        self._lay_out()
        self.player.moved.connect(self.scrub.set_seconds)
        self.player.playing_changed.connect(self.play_button.set_playing)
        model.changed.connect(self._changed)
        model.document_changed.connect(lambda _: self._show(model.state))
        model.side.arrived.connect(self._picture_arrived)
        self._show(model.state)

    def _make_controls(self) -> None:
        self.scrub = ScrubBar()
        self.scrub.drag_started.connect(self.model.begin_gesture)
        self.scrub.sought.connect(self.player.seek)
        self.scrub.drag_finished.connect(self.model.end_gesture)
        self.play_button = PlayButton()
        self.play_button.clicked.connect(self.player.toggle)
        self.add_button = _button("+ Keyframe", "Add what is shown as a keyframe (K)")
        self.add_button.clicked.connect(self.add_keyframe)
        self.loop_button = _button("Loop", "The last keyframe leads back to the first")
        self.loop_button.setCheckable(True)
        self.loop_button.clicked.connect(lambda on: self.model.update(loop=on))
        self.length = QLabel("")
        self.length.setProperty("quiet", True)
        self.video_button = _button("Video…", "Film the journey")
        self.video_button.clicked.connect(self.video_wanted)

    def _lay_out(self) -> None:
        self._strip = QWidget()
        self._row = QHBoxLayout(self._strip)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._row.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(self._strip)
        self._scroll.viewport().setAutoFillBackground(False)  # type: ignore[union-attr]
        self._strip.setAutoFillBackground(False)
        row = QHBoxLayout()
        row.setContentsMargins(14, 0, 14, 0)
        row.setSpacing(10)
        row.addWidget(self.play_button)
        row.addWidget(self._scroll, 1)
        for widget in (self.add_button, self.loop_button, self.length, self.video_button):
            row.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 6)
        column.setSpacing(2)
        column.addWidget(self.scrub)
        column.addLayout(row, 1)

    @property
    def complete(self) -> bool:
        """Whether every thumbnail is there."""
        return all(key in self._pictures for key in self._shown_keys)

    def set_allowed(self, allowed: bool) -> None:
        """Whether panels are shown at all."""
        self._allowed = allowed
        self._show_if_useful()

    def add_keyframe(self) -> None:
        """What is shown becomes the last keyframe."""
        if self.model.document is not None:
            self.player.stop()
            self._apply(timeline.add(self.model.state))
            self._scroll.ensureWidgetVisible(self.cards[-1])

    def _picture_arrived(self, key: str, frame: Frame) -> None:
        if not key.startswith(KEY):
            return
        self._pictures[key] = frame
        while len(self._pictures) > PICTURES_KEPT:
            self._pictures.popitem(last=False)
        for card, shown in zip(self.cards, self._shown_keys, strict=True):
            if shown == key:
                card.show_picture(frame)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        QPainter(self).fillRect(self.rect(), QColor(PANEL))

    def _changed(self, old: ViewerState, new: ViewerState) -> None:
        if old != new:
            self._show(new)

    def _show(self, state: ViewerState) -> None:
        while len(self.cards) < len(state.keyframes):
            self._grow()
        while len(self.cards) > len(state.keyframes):
            self._shrink()
        first_seed = state.keyframes[0].sources[0].seed if state.keyframes else None
        keys = []
        for k, frame in enumerate(state.keyframes):
            picture = frame.view, frame.sources, frame.mix
            self.cards[k].show_keyframe(frame, k, picture == state.picture, first_seed)
            self.segments[k].show_keyframe(frame)
            self.segments[k].setVisible(state.loop or k + 1 < len(state.keyframes))
            keys.append(self._key(picture))
        self._show_pictures(keys)
        self.loop_button.setChecked(state.loop)
        self._show_times(state)
        self._show_if_useful()

    def _show_times(self, state: ViewerState) -> None:
        journey = self.player.journey
        length = journey.seconds if journey is not None else 0.0
        self.length.setText(f"{length:.1f} s")
        marks = [timeline.time_of(state, k) for k in range(len(state.keyframes))]
        self.scrub.set_journey(length, marks)
        self.play_button.setEnabled(length > 0)
        self.video_button.setEnabled(length > 0)

    def _show_pictures(self, keys: list[str]) -> None:
        if keys == self._shown_keys or self.model.document is None:
            return
        for k, key in enumerate(keys):
            if self._shown_keys[k : k + 1] == [key]:
                continue
            self.cards[k].show_picture(self._pictures.get(key))
            if key not in self._pictures:
                frame = self.model.state.keyframes[k]
                ratio = self.devicePixelRatioF()
                size = Size(round(CARD.width() * ratio), round(CARD.height() * ratio))
                self.model.side.ask(key, frame.view, size, frame.sources, frame.mix, rank=0)
        self._shown_keys = keys

    def _key(self, picture: object) -> str:
        """What a thumbnail is asked for and known by."""
        document = self.model.document
        return self._keys.setdefault(
            (document.generation if document else 0, picture), f"{KEY}{len(self._keys)}"
        )

    def _grow(self) -> None:
        k = len(self.cards)
        card, segment = KeyframeCard(self._strip), SegmentField(self._strip)
        card.chosen.connect(partial(self.player.seek_to, k))
        card.drag_started.connect(partial(self._start_drag, k))
        card.dragged_to.connect(self._drag)
        card.dropped.connect(self._drop)
        card.asked.connect(partial(self._do, k))
        segment.retimed.connect(lambda seconds: self._edit(k, seconds=seconds))
        segment.eased.connect(lambda easing: self._edit(k, easing=easing))
        self._row.insertWidget(2 * k, card)
        self._row.insertWidget(2 * k + 1, segment)
        self.cards.append(card)
        self.segments.append(segment)
        self._shown_keys.append("")

    def _shrink(self) -> None:
        for widget in (self.cards.pop(), self.segments.pop()):
            self._row.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self._shown_keys.pop()

    def _do(self, index: int, what: str) -> None:
        state = self.model.state
        self.player.stop()
        if what in ("left", "right"):
            to = index + (1 if what == "right" else -1)
            if 0 <= to < len(self.cards):
                self._apply(timeline.move(state, index, to))
                self.cards[to].setFocus()
            return
        actions = {
            "set": timeline.set_to_shown,
            "duplicate": timeline.duplicate,
            "delete": timeline.delete,
        }
        self._apply(actions[what](state, index))

    def _edit(self, index: int, **fields: object) -> None:
        try:
            self._apply(timeline.change(self.model.state, index, **fields))
        except InputError as error:
            self.model.notice.emit("warning", f"{str(error)[:1].upper()}{str(error)[1:]}.")

    def _apply(self, state: ViewerState) -> None:
        self.model.update(**vars(state))

    def _start_drag(self, index: int) -> None:
        self.player.stop()
        self._dragged = index
        self.model.begin_gesture()

    def _drag(self, x: int) -> None:
        """Move the keyframe under the pointer to the place where the pointer is."""
        if self._dragged is None:
            return
        distances = [abs(card.geometry().center().x() - x) for card in self.cards]
        nearest = distances.index(min(distances))
        if nearest != self._dragged:
            self._apply(timeline.move(self.model.state, self._dragged, nearest))
            self._dragged = nearest

    def _drop(self) -> None:
        self._dragged = None
        self.model.end_gesture()

    def _show_if_useful(self) -> None:
        self.setVisible(self._allowed and bool(self.model.state.keyframes))


class PlayButton(QPushButton):
    """A triangle, or two bars while it plays."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(28)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._playing = False
        self.set_playing(False)

    def set_playing(self, playing: bool) -> None:
        """Show what a click would do."""
        self._playing = playing
        self.setToolTip("Stop (Space)" if playing else "Play the journey in real time (Space)")
        self.setAccessibleName("Stop" if playing else "Play")
        self.setProperty("primary", playing)
        style = self.style()
        if style is not None:
            style.polish(self)
        self.update()

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        super().paintEvent(a0)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        colour = QColor(ON_ACCENT if self._playing else TEXT)
        colour.setAlphaF(1.0 if self.isEnabled() else 0.4)
        painter.setBrush(colour)
        x, y = self.width() / 2, self.height() / 2
        if self._playing:
            painter.drawRect(round(x - 4), round(y - 4), 3, 9)
            painter.drawRect(round(x + 2), round(y - 4), 3, 9)
        else:
            painter.drawPolygon(QPolygonF([QPointF(x - 3, y - 5), QPointF(x + 5, y), QPointF(x - 3, y + 5)]))


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button
