"""An endless grid of seeds: pictures of what can be seen, asked for lazily, forgotten when far away."""

from __future__ import annotations

from collections import OrderedDict

from PyQt6.QtCore import QRect, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QAbstractScrollArea, QScrollBar, QWidget

from creps_core.frame import Frame
from creps_core.source import MAX_SEED
from creps_core.view import Size
from creps_viewer.model import mixing
from creps_viewer.model.state import ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.thumbnail import covering_view, image_of, paint_picture
from creps_viewer.theme import ACCENT, LINE, TEXT

CELL_PX = 112
GAP_PX = 8
KEPT = 600  # pictures
ROWS_AHEAD = 20  # that can be scrolled to beyond the last one seen
RANK = 5  # after all other small pictures
KEY = "seed sheet "
MOST_PX = 2**30  # a scroll bar counts in 32 bits


class SeedGrid(QAbstractScrollArea):
    """Pick A with a click or Enter, B with Shift; arrows move the mark.

    Args:
        model: whose sources are picked. Truncation and class of the pictures are source A's.
    """

    picked = pyqtSignal(int, bool)  # seed, as B

    def __init__(self, model: ViewerModel) -> None:
        super().__init__()
        self.first = 0  # the seed in the first cell
        self.marked = 0  # where the keyboard is
        self.images: OrderedDict[int, QImage] = OrderedDict()
        self.asked: set[int] = set()
        self._model = model
        self._kind: object = None  # what the pictures depend on besides their seeds
        self._rows = ROWS_AHEAD
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setAccessibleName("Seeds")
        model.side.arrived.connect(self._arrived)
        model.changed.connect(self._state_changed)
        model.document_changed.connect(self._document_changed)

    def release(self) -> None:
        """Stop listening and drop what was asked for: the grid is about to go."""
        self._drop(self.asked)
        self._model.side.arrived.disconnect(self._arrived, missing_ok=True)
        self._model.changed.disconnect(self._state_changed, missing_ok=True)
        self._model.document_changed.disconnect(self._document_changed, missing_ok=True)

    def go_to(self, seed: int) -> None:
        """Begin the grid with a seed."""
        self.first = self.marked = seed
        self._rows = ROWS_AHEAD
        self._bar().setValue(0)
        self.refresh()

    @property
    def columns(self) -> int:
        """Cells side by side."""
        return max(1, (self._width() - GAP_PX) // (CELL_PX + GAP_PX))

    def cell(self, seed: int) -> QRect:
        """Where a seed's picture is, in pixels of the viewport."""
        row, column = divmod((seed - self.first) % (MAX_SEED + 1), self.columns)
        pitch = CELL_PX + GAP_PX
        margin = (self._width() - self.columns * pitch + GAP_PX) // 2
        return QRect(margin + column * pitch, GAP_PX + row * pitch - self._bar().value(), CELL_PX, CELL_PX)

    def visible_seeds(self) -> list[int]:
        """The seeds of which something can be seen, in reading order."""
        pitch, top = CELL_PX + GAP_PX, self._bar().value()
        rows = range(max(0, (top - GAP_PX) // pitch), (top + self._height()) // pitch + 1)
        count = self.columns
        cells = range(rows.start * count, rows.stop * count)
        return [(self.first + i) % (MAX_SEED + 1) for i in cells if i <= MAX_SEED]

    def refresh(self) -> None:
        """Ask for what can be seen, drop what cannot any more, and let the grid grow."""
        if not self.isVisible() or self._model.document is None:
            self._drop(self.asked)
            return
        kind = self._depends_on()
        if kind != self._kind:
            self._kind = kind
            self._drop(self.asked)
            self.images.clear()
        seeds = self.visible_seeds()
        self._drop(self.asked - set(seeds))
        ratio = self.devicePixelRatioF()
        size = Size(round(CELL_PX * ratio), round(CELL_PX * ratio))
        first = self._model.state.sources[0]
        for seed in seeds:
            if seed in self.images:
                self.images.move_to_end(seed)
            elif seed not in self.asked:
                self.asked.add(seed)
                sources = (first.reseeded(seed),)
                self._model.side.ask(f"{KEY}{seed}", covering_view(size), size, sources, rank=RANK)
        while len(self.images) > max(KEPT, len(seeds)):
            self.images.popitem(last=False)
        self._grow()
        self._viewport().update()

    def _grow(self) -> None:
        pitch, bar = CELL_PX + GAP_PX, self._bar()
        self._rows = max(self._rows, (bar.value() + self._height()) // pitch + ROWS_AHEAD)
        bar.setPageStep(self._height())
        bar.setSingleStep(pitch // 2)
        bar.setRange(0, min(self._rows * pitch - self._height(), MOST_PX))

    def _drop(self, seeds: set[int]) -> None:
        for seed in tuple(seeds):
            self.asked.discard(seed)
            self._model.side.drop(f"{KEY}{seed}")

    def _depends_on(self) -> object:
        document, first = self._model.document, self._model.state.sources[0]
        generation = document.generation if document is not None else None
        return generation, self.devicePixelRatioF(), first.label, first.psi, first.cutoff

    def _arrived(self, key: str, frame: Frame) -> None:
        if not key.startswith(KEY):
            return
        seed = int(key.removeprefix(KEY))
        if seed in self.asked:
            self.asked.discard(seed)
            self.images[seed] = image_of(frame)
            self._viewport().update(self.cell(seed))

    def _state_changed(self, old: ViewerState, new: ViewerState) -> None:
        if old.sources != new.sources:
            self.refresh()

    def _document_changed(self, _document: object) -> None:
        self.asked.clear()  # all small pictures of another document are forgotten
        self.refresh()

    def _pick(self, seed: int, as_b: bool) -> None:
        self.marked = seed
        self.picked.emit(seed, as_b)
        self._viewport().update()

    def _move_mark(self, by: int) -> None:
        here = (self.marked - self.first) % (MAX_SEED + 1)
        self.marked = (self.first + min(max(here + by, 0), MAX_SEED)) % (MAX_SEED + 1)
        cell, bar = self.cell(self.marked), self._bar()
        if cell.top() < 0:
            bar.setValue(bar.value() + cell.top() - GAP_PX)
        elif cell.bottom() > self._height():
            bar.setValue(bar.value() + cell.bottom() - self._height() + GAP_PX)
        self._viewport().update()

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is None or a0.button() != Qt.MouseButton.LeftButton:
            return
        at = a0.position().toPoint()
        seed = next((seed for seed in self.visible_seeds() if self.cell(seed).contains(at)), None)
        if seed is not None:
            self._pick(seed, bool(a0.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is None:
            return
        page = max(1, self._height() // (CELL_PX + GAP_PX)) * self.columns
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -self.columns,
            Qt.Key.Key_Down: self.columns,
            Qt.Key.Key_PageUp: -page,
            Qt.Key.Key_PageDown: page,
        }
        key = Qt.Key(a0.key())
        if key in steps:
            self._move_mark(steps[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._pick(self.marked, bool(a0.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        else:
            super().keyPressEvent(a0)

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        super().resizeEvent(a0)
        self.refresh()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self.refresh()

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self._viewport())
        state = self._model.state
        a, b = state.sources[0].seed, mixing.second(state).seed
        for seed in self.visible_seeds():
            name = "A · " if seed == a else "B · " if seed == b and len(state.sources) > 1 else ""
            here = seed == self.marked and self.hasFocus()
            edge = ACCENT if name else TEXT if here else LINE
            paint_picture(painter, QRectF(self.cell(seed)), self.images.get(seed), f"{name}{seed}", edge)

    def _bar(self) -> QScrollBar:
        bar = self.verticalScrollBar()
        assert bar is not None
        return bar

    def _viewport(self) -> QWidget:
        viewport = self.viewport()
        assert viewport is not None
        return viewport

    def _width(self) -> int:
        return self._viewport().width()

    def _height(self) -> int:
        return self._viewport().height()
