"""The bar over the picture while something is compared: with what, how it lies, and how alike both are."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from PyQt6.QtCore import QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from creps_core.comparison import Comparison
from creps_core.source import MAX_SEED
from creps_viewer.model import comparing
from creps_viewer.model.second import Second
from creps_viewer.model.state import ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.number_field import NumberField, parse_whole
from creps_viewer.theme import CORNER_PX

TOP_PX = 48  # below the header
SEED_PX = 96
STATUS_PX = 116  # room for a figure: the bar does not jump while it is measured


class CompareBar(QWidget):
    """Shown while the model's state compares. `file_wanted`: the user wants to pick a file."""

    file_wanted = pyqtSignal()

    def __init__(self, model: ViewerModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model, self._allowed = model, True
        self.seed = NumberField(
            "Seed of the second picture",
            lambda text: parse_whole(text, "a whole number", 0, MAX_SEED),
            str,
            step=lambda seed, steps: (seed + (1 if steps > 0 else -1)) % (MAX_SEED + 1),
        )
        self.seed.setFixedWidth(SEED_PX)
        self.seed.setToolTip("The second picture's seed: 0 to 4294967295")
        self.seed.committed.connect(self._set_seed)
        self.random = _button("Random", "Compare with another seed, at random")
        self.random.clicked.connect(lambda: self._set_seed(random.randint(0, MAX_SEED)))
        self.file = _button("File…", "Compare with another checkpoint, or with a session")
        self.file.clicked.connect(self.file_wanted)
        self.residual = _button(
            "Residual × 10", "Show this picture less the same at twice the size, reduced (Shift+C)", True
        )
        self.residual.clicked.connect(self._toggle_residual)
        self.side = _button("Side by side", "Both pictures whole, beside each other (X)", True)
        self.side.clicked.connect(lambda: self._change(comparing.with_layout_toggled))
        self.linked = _button("Linked", "Both pictures show the same view and move together (U)", True)
        self.linked.clicked.connect(self._toggle_link)
        self.status = QLabel("")
        self.status.setProperty("quiet", True)
        self.status.setMinimumWidth(STATUS_PX)
        self.status.setAlignment(Qt.AlignmentFlag.AlignCenter)
        close = QToolButton()
        close.setText("×")
        close.setToolTip("Show one picture again (C)")
        close.setAccessibleName("End the comparison")
        close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        close.clicked.connect(lambda: model.update(compare=None))
        self.close_button = close
        self._lay_out()
        model.changed.connect(self._on_changed)
        model.second_changed.connect(self._show_status)
        self._show(model.state)

    def release(self) -> None:
        """Stop listening."""
        self._model.changed.disconnect(self._on_changed)
        self._model.second_changed.disconnect(self._show_status)

    def set_allowed(self, allowed: bool) -> None:
        """Whether it may be seen at all: panels can be hidden."""
        self._allowed = allowed
        self._show(self._model.state)

    def place(self) -> None:
        """In the middle below the header; what does not fit is left out, the least needed first."""
        parent, layout = self.parentWidget(), self.layout()
        assert parent is not None
        assert layout is not None
        self._show_parts(self._model.state.compare)
        for part in (self.status, self.random, self.file, self.seed):
            layout.invalidate()
            if self.sizeHint().width() <= parent.width() - 16:
                break
            part.hide()
        layout.invalidate()
        self.resize(self.sizeHint())
        layout.activate()
        self.move((parent.width() - self.width()) // 2, TOP_PX)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(255, 255, 255, 18)))
        painter.setBrush(QColor(22, 25, 30, 224))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), CORNER_PX, CORNER_PX)

    def _lay_out(self) -> None:
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 5, 6, 5)
        layout.setSpacing(6)
        for part in (
            *(self.seed, self.random, self.file, self.residual),
            *(self.side, self.linked, self.status, self.close_button),
        ):
            layout.addWidget(part)

    def _on_changed(self, old: ViewerState, new: ViewerState) -> None:
        if old.compare != new.compare or old.sources != new.sources:
            self._show(new)

    def _show(self, state: ViewerState) -> None:
        compare = state.compare
        self.setVisible(compare is not None and self._allowed)
        if compare is None:
            return
        self.seed.set_value((compare.sources or state.sources)[0].seed)
        for button, on in (
            (self.residual, compare.shows == "residual"),
            (self.side, compare.layout == "side"),
            (self.linked, compare.linked),
        ):
            button.setChecked(on)
        self._show_status(self._model.second)
        self.place()

    def _show_parts(self, compare: Comparison | None) -> None:
        pictures = compare is None or compare.shows == "picture"
        for part in (self.seed, self.random, self.file, self.linked):
            part.setVisible(pictures)
        self.status.setVisible(True)

    def _show_status(self, second: Second) -> None:
        compare, frame = self._model.state.compare, second.frame
        text = second.note
        if not text and frame is not None and frame.stats.psnr is not None:
            text = psnr_text(frame.stats.psnr)
        elif not text and compare is not None and frame is not None and not frame.settled:
            text = f"refining {frame.pass_number}/{frame.pass_count}"
        self.status.setText(text)
        measured = compare is not None and compare.shows == "residual"
        self.status.setToolTip(
            "How alike both are, over all pixels that show the picture" if measured else ""
        )
        if compare is not None:
            self.place()

    def _set_seed(self, seed: int) -> None:
        self._change(lambda compare: comparing.with_seed(compare, seed, self._model.state.sources[0]))

    def _toggle_residual(self) -> None:
        state = self._model.state
        self._model.update(compare=comparing.toggled_residual(state) or comparing.toggled(state))

    def _toggle_link(self) -> None:
        self._change(lambda compare: comparing.with_link_toggled(self._model.state, compare))

    def _change(self, how: Callable[[Comparison], Comparison]) -> None:
        compare = self._model.state.compare
        if compare is not None:
            self._model.update(compare=how(compare))


def psnr_text(psnr: float) -> str:
    """A peak signal-to-noise ratio, as it is read."""
    return "no difference" if math.isinf(psnr) else f"PSNR {psnr:.1f} dB"


def _button(text: str, tip: str, checkable: bool = False) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button
