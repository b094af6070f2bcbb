"""The Performance section: frame and render times over the last frames, and what the last one cost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtGui import QColor, QPen
from PyQt6.QtWidgets import QGridLayout, QLabel, QWidget

from creps_core.frame import Frame
from creps_viewer.model.timings import Kind, Timings
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.section import Panel
from creps_viewer.theme import ACCENT, GROUND, LABEL_PX, LINE, QUIET

PLOT_PX = 84
SHOWN = 120  # durations across the plot
REDRAW_MS = 250  # of the plot, only while it can be seen and something is new
FLOOR_MS, CEILING_MS = 0.1, 100.0  # the scale's ends unless something lies beyond
POWERS = range(0, 6)  # 1 ms to 100 s: lines across the plot

_LINES: tuple[tuple[Kind, str, str], ...] = (("render", "render", ACCENT), ("paint", "frame", QUIET))
_FACTS = (
    ("device", "Device", "Where pictures are computed"),
    ("pass", "Pass", "Refinement: each pass halves the distance of the samples"),
    ("reused", "Reused", "Pixels of this picture kept from the one before"),
    ("computed", "Computed", "Pixels decoded, and line samples that went through the line network"),
    ("cache", "Cache", "What the renderer may keep for reuse"),
    ("memory", "Memory", "Resident memory of the viewer"),
)


class PerformancePanel(Panel):
    """Plots what `timings` collects; shows the newest frame's numbers."""

    title = "Performance"

    def __init__(self, model: ViewerModel, timings: Timings, cache_mb: int) -> None:
        super().__init__(model)
        self._timings = timings
        self._drawn = -1
        self._cache_mb = cache_mb
        self._headline = QLabel("")
        self._headline.setStyleSheet(f"color: {QUIET}; font-size: 11px; font-weight: 700;")
        self.plot = _plot()
        self.curves = {kind: self.plot.plot(pen=_pen(colour)) for kind, _, colour in _LINES}
        self.rows.addWidget(self.plot)
        self.legend = QLabel("")
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setToolTip("Milliseconds, logarithmic: render = request to pass, frame = one repaint")
        self.rows.addWidget(self.legend)
        self.facts = self._add_facts()
        self.listen(model.frame_changed, self._frame_changed)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._redraw)
        self._timer.start(REDRAW_MS)
        self._show_frame(model.frame)

    def header_action(self) -> QWidget:
        return self._headline

    def _add_facts(self) -> dict[str, QLabel]:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        grid.setColumnMinimumWidth(0, LABEL_PX)
        grid.setColumnStretch(1, 1)
        facts = {}
        for row, (key, name, tip) in enumerate(_FACTS):
            label, value = QLabel(name), QLabel("–")
            label.setProperty("quiet", True)
            for widget in (label, value):
                widget.setToolTip(tip)
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            grid.addWidget(label, row, 0)
            grid.addWidget(value, row, 1)
            facts[key] = value
        self.rows.addLayout(grid)
        return facts

    def _frame_changed(self, frame: Frame) -> None:
        try:
            self._show_frame(frame)
        except Exception as error:  # noqa: BLE001 - shown in the section, never fatal
            self.fail(error)

    def _show_frame(self, frame: Frame | None) -> None:
        self.facts["cache"].setText(f"up to {self._cache_mb} MB")
        self.facts["memory"].setText(memory_words())
        if frame is None:
            return
        stats = frame.stats
        state = "settled" if frame.settled else "refining"
        self.facts["device"].setText(stats.device)
        self.facts["pass"].setText(f"{frame.pass_number} of {frame.pass_count}, {state}")
        self.facts["reused"].setText(f"{100 * stats.reused:.0f} %")
        self.facts["computed"].setText(
            f"{_count(stats.pixel_samples)} px, {_count(stats.line_samples)} line samples"
        )
        self._headline.setText(f"{stats.render_ms:.0f} MS")

    def _redraw(self) -> None:
        if self._timings.count == self._drawn or not self.isVisible():
            return
        self._drawn = self._timings.count
        words, most = [], CEILING_MS
        for kind, name, colour in _LINES:
            values = self._timings.recent(kind)[-SHOWN:]
            self.curves[kind].setData(
                np.linspace(1 - len(values) / SHOWN, 1, len(values)), np.log10(np.maximum(values, FLOOR_MS))
            )
            if len(values):
                most = max(most, float(values.max()))
                words.append(f'<span style="color:{colour}">●</span> {name} {_ms(float(values[-1]))}')
        top = np.log10(most) + 0.15
        self.plot.getAxis("left").setTicks([[(at, _ms(10.0**at)) for at in POWERS if at < top - 0.3]])
        self.plot.setYRange(np.log10(FLOOR_MS), top, padding=0)
        self.legend.setText("&nbsp;&nbsp; ".join(words))


def _plot() -> Any:
    plot = pg.PlotWidget(background=GROUND)
    plot.setFixedHeight(PLOT_PX)
    plot.setMouseEnabled(False, False)
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.setFrameShape(plot.Shape.NoFrame)
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    plot.viewport().setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)  # the wheel scrolls on
    plot.hideAxis("bottom")
    axis = plot.getAxis("left")
    axis.setTicks([[(power, _ms(10.0**power)) for power in (0, 1)]])
    axis.setPen(QPen(Qt.PenStyle.NoPen))
    axis.setTextPen(QColor(QUIET))
    axis.setStyle(tickLength=0, tickTextOffset=4)
    font = axis.label.font()
    font.setPixelSize(9)
    axis.setTickFont(font)
    axis.setWidth(40)
    plot.setXRange(0, 1, padding=0.01)
    plot.setYRange(np.log10(FLOOR_MS), np.log10(CEILING_MS), padding=0)
    for power in POWERS:
        plot.addItem(pg.InfiniteLine(power, angle=0, pen=QPen(QColor(LINE), 0)))
    return plot


def _pen(colour: str) -> QPen:
    pen = QPen(QColor(colour), 1.5)
    pen.setCosmetic(True)
    return pen


def _ms(value: float) -> str:
    if value >= 1000:
        return f"{value / 1000:.3g} s"
    return f"{value:.0f} ms" if value >= 10 or value == round(value) else f"{value:.1f} ms"


def _count(number: int) -> str:
    for size, suffix in ((1_000_000, "M"), (1000, "k")):
        if number >= size:
            return f"{number / size:.3g}{suffix}"
    return str(number)


def memory_words() -> str:
    """Resident memory of this process, as the system tells it."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return _peak_memory()
    import resource

    return f"{pages * resource.getpagesize() / 2**20:.0f} MB"


def _peak_memory() -> str:
    if sys.platform == "win32":
        return "–"
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"≤ {peak / (2**20 if sys.platform == 'darwin' else 2**10):.0f} MB"
