"""The sliders of style mixing: a master for every group, one for each style folded out beneath it."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QPointF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from creps_core.config import GeneratorConfig
from creps_core.styles import StyleGroup, style_layers, style_name
from creps_viewer.model import mixing
from creps_viewer.model.mixing import Weights
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.rows import SliderRow, draw_chevron
from creps_viewer.theme import ACCENT, LABEL_PX, QUIET, TEXT

INDENT_PX = 12
GROUP_TIPS = {
    "Layout": "Where things are: the coarsest styles",
    "Form": "What shapes they have: the styles between layout and palette",
    "Palette": "The colours: the last two styles",
}


class MixSlider(SliderRow):
    """B's share in some styles, with a button that takes nothing else from B.

    A drag starts from the weights at its beginning, so that there and back is exactly back.
    """

    solo = pyqtSignal()

    def __init__(
        self,
        model: ViewerModel,
        label: str,
        tip: str,
        change: Callable[[Weights, float], Weights],
        weights: Callable[[], Weights],
    ) -> None:
        super().__init__(label, 0.0, 1.0, 0.0, tip=tip)
        self._model, self._change, self._weights = model, change, weights
        self._grabbed: Weights | None = None
        self.solo_button = QToolButton()
        self.solo_button.setText("S")
        self.solo_button.setToolTip("Solo: take nothing but this from B; once more brings the rest back")
        self.solo_button.setAccessibleName(f"Solo {label}")
        self.solo_button.setFixedSize(QSize(16, 20))
        self.solo_button.setStyleSheet("QToolButton { font-size: 10px; font-weight: 700; padding: 0; }")
        self.solo_button.clicked.connect(self.solo)
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self.solo_button)
        self.slider.drag_started.connect(self._begin)
        self.slider.drag_finished.connect(self._end)
        self.edited.connect(self._write)

    def without_solo(self) -> None:
        """Leave the button out, and its place free."""
        policy = self.solo_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.solo_button.setSizePolicy(policy)
        self.solo_button.hide()

    def _begin(self) -> None:
        self._model.begin_gesture()
        self._grabbed = self._weights()

    def _end(self) -> None:
        self._grabbed = None
        self._model.end_gesture()

    def _write(self, value: float) -> None:
        new = self._change(self._grabbed or self._weights(), value)
        self._model.update(**mixing.with_weights(self._model.state, new))


class FoldLabel(QToolButton):
    """The label of a master slider: a click, Enter or Space folds its styles out and in."""

    def __init__(self, text: str, tip: str) -> None:
        super().__init__()
        self._label = text
        self.setCheckable(True)
        self.setFixedSize(LABEL_PX, 20)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"{text}: each style")
        self.setToolTip(f"{tip}. Click for each style on its own")

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(ACCENT if self.hasFocus() else TEXT))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, self._label)
        x = painter.fontMetrics().horizontalAdvance(self._label) + 9
        draw_chevron(painter, QPointF(x, self.height() / 2 + 1), 0.0 if self.isChecked() else -90.0)


class MixGroup(QWidget):
    """A master slider and, beneath it, a slider for each of its styles."""

    solo = pyqtSignal(object)  # range: the styles

    def __init__(
        self, model: ViewerModel, config: GeneratorConfig, group: StyleGroup, weights: Callable[[], Weights]
    ) -> None:
        super().__init__()
        self.group = group
        styles = group.styles
        self.master = MixSlider(
            model, group.name, GROUP_TIPS[group.name], lambda w, v: mixing.with_level(w, styles, v), weights
        )
        self.master.solo.connect(lambda: self.solo.emit(styles))
        self.fold = FoldLabel(group.name, GROUP_TIPS[group.name])
        self.fold.toggled.connect(self._show_styles)
        layout = self.master.layout()
        assert layout is not None
        layout.replaceWidget(self.master.label, self.fold)
        self.master.label.deleteLater()
        self.master.label = self.fold  # type: ignore[assignment]
        self.styles: dict[int, MixSlider] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.master)
        for style in styles:
            self.styles[style] = row = _style_row(model, config, style, weights)
            row.solo.connect(lambda style=style: self.solo.emit(range(style, style + 1)))
            row.hide()
            column.addWidget(row)

    def show_weights(self, of: Weights) -> None:
        """Show B's weights; emits nothing."""
        self.master.set_value(round(mixing.level(of, self.group.styles), 6))
        for style, row in self.styles.items():
            row.set_value(of[style])

    def _show_styles(self, shown: bool) -> None:
        for row in self.styles.values():
            row.setVisible(shown)


def _style_row(
    model: ViewerModel, config: GeneratorConfig, style: int, weights: Callable[[], Weights]
) -> MixSlider:
    row = MixSlider(
        model,
        style_name(config, style),
        f"Feeds {_listed(style_layers(config, style))}",
        lambda w, v: mixing.with_weight(w, style, v),
        weights,
    )
    row.label.setIndent(INDENT_PX)
    row.label.setStyleSheet(f"font-size: 11px; color: {QUIET};")
    return row


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
