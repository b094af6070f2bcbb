"""The Source section: seed, class and truncation of source A."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

from PyQt6.QtWidgets import QPushButton, QWidget

from creps_core.source import MAX_SEED, Source
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.number_field import NumberField, parse_whole
from creps_viewer.panels.rows import Row, SliderRow
from creps_viewer.panels.section import Panel

PSI_RANGE = (0.0, 1.0)  # the slider's
PSI_TYPED = (-10.0, 10.0)  # beyond 1 exaggerates, below 0 gives the opposite
ALL = "all"


class SourcePanel(Panel):
    """Edits `state.sources[0]`; the others belong to style mixing."""

    title = "Source"

    def __init__(self, model: ViewerModel) -> None:
        super().__init__(model)
        self.seed = NumberField("Seed", _read_seed, _show_seed, step=_step_seed)
        self.random = QPushButton("Random")
        self.random.setToolTip("Another seed, at random")
        self.random.clicked.connect(lambda: self._set_seed(random.randint(0, MAX_SEED)))
        self.label = SliderRow("Class", 0, 1, 0, step=1, whole=True, tip="Which of the trained classes")
        self.psi = SliderRow(
            "Truncation",
            *PSI_RANGE,
            1.0,
            typed=PSI_TYPED,
            tip="Towards the average picture (psi): 0 is it, 1 none",
        )
        self.cutoff = SliderRow(
            "Cutoff",
            0,
            1,
            1,
            step=1,
            whole=True,
            show=self._show_cutoff,
            read=self._read_cutoff,
            tip="How many styles truncation reaches, from the layout up",
        )
        self.rows.addWidget(Row("Seed", self.seed, self.random, tip="The picture's number: 0 to 4294967295"))
        for row in (self.label, self.psi, self.cutoff):
            self.rows.addWidget(row)
        self._bind()
        self.listen(model.document_changed, self._document_changed)
        self._document_changed(model.document)

    def _bind(self) -> None:
        self.bindings.number(self.seed, lambda s: _first(s).seed, self._set_seed)
        self.bindings.follow(lambda s: self.seed.setPlaceholderText(_unseeded(_first(s))))
        self.bindings.slider(self.label, lambda s: float(_first(s).label), lambda v: self._set(label=int(v)))
        self.bindings.slider(self.psi, lambda s: _first(s).psi, lambda v: self._set(psi=v))
        self.bindings.slider(self.cutoff, self._cutoff_of, self._set_cutoff)

    def _set(self, **changes: Any) -> None:
        first, *others = self.model.state.sources
        self.model.update(sources=(dataclasses.replace(first, **changes), *others))

    def _set_seed(self, seed: int) -> None:
        first, *others = self.model.state.sources
        self.model.update(sources=(first.reseeded(seed), *others))

    @property
    def _num_ws(self) -> int:
        document = self.model.document
        return document.config.num_ws if document is not None else 1

    def _cutoff_of(self, state: ViewerState) -> float:
        cutoff = _first(state).cutoff
        return float(self._num_ws if cutoff is None else min(cutoff, self._num_ws))

    def _set_cutoff(self, value: float) -> None:
        self._set(cutoff=None if value >= self._num_ws else int(value))

    def _show_cutoff(self, value: float) -> str:
        return ALL if value >= self._num_ws else f"{value:.0f}"

    def _read_cutoff(self, text: str) -> float:
        if text.strip().lower() == ALL:
            return float(self._num_ws)
        return float(parse_whole(text, f"“{ALL}” or a whole number", 0, self._num_ws))

    def _document_changed(self, document: Document | None) -> None:
        classes = document.config.c_dim if document is not None else 0
        self.label.setVisible(classes > 0)
        self.label.set_range(0, max(classes - 1, 1))
        self.cutoff.set_range(0, self._num_ws)
        self.cutoff.default = float(self._num_ws)
        for row in self.findChildren(QWidget):
            row.setEnabled(document is not None)
        self.cutoff.field.set_value(None)  # “all” is another number now
        self.bindings.sync()


def _first(state: ViewerState) -> Source:
    return state.sources[0]


def _unseeded(source: Source) -> str:
    """What stands in the seed's field when there is none."""
    return "between seeds" if source.lattice is not None else "a saved latent"


def _read_seed(text: str) -> int:
    return parse_whole(text, "a whole number", 0, MAX_SEED)


def _show_seed(seed: int) -> str:
    return str(seed)


def _step_seed(seed: int, steps: float) -> int:
    return (seed + (1 if steps > 0 else -1)) % (MAX_SEED + 1)
