"""The Style mixing section: a second source, its weight in every style, and small pictures of it all."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from creps_core.errors import InputError
from creps_core.latent_files import LATENT_FILES, read_latent
from creps_core.source import MAX_SEED, Mix, Source
from creps_core.styles import style_groups
from creps_viewer.model import mixing
from creps_viewer.model.mixing import Weights
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.mix_rows import MixGroup, MixSlider
from creps_viewer.panels.number_field import NumberField, parse_whole
from creps_viewer.panels.rows import Row, SliderRow
from creps_viewer.panels.section import Panel, link_button
from creps_viewer.panels.source_panel import PSI_RANGE, PSI_TYPED
from creps_viewer.panels.thumbnail import Thumbnail

PICTURE = QSize(90, 72)
ALL_TIP = "How much of everything comes from B: 0 is A, 1 is B"


class MixingPanel(Panel):
    """Edits `state.mix` and source B; source A is the Source section's."""

    title = "Style mixing"

    def __init__(self, model: ViewerModel) -> None:
        super().__init__(model)
        self.picture_a, self.picture_mix, self.picture_b = (
            Thumbnail(model, f"mixing {name}", PICTURE) for name in ("A", "mix", "B")
        )
        self._soloed: tuple[Weights, Weights] | None = None  # (before, after) the last solo
        self._shown: tuple[tuple[Source, ...], Mix | None] | None = None
        self.groups: list[MixGroup] = []
        self._make_second()
        self._lay_out()
        self.bindings.follow(self._show)
        self.listen(model.document_changed, self._document_changed)
        self._document_changed(model.document)

    def header_action(self) -> QWidget:
        button = link_button("Swap", "Exchange A and B; the sliders stay where they are")
        button.clicked.connect(lambda: self.model.update(**mixing.swapped(self.model.state)))
        return button

    def release(self) -> None:
        super().release()
        for picture in (self.picture_a, self.picture_mix, self.picture_b):
            picture.release()

    def _make_second(self) -> None:
        self.seed = NumberField(
            "Seed of B", lambda text: parse_whole(text, "a whole number", 0, MAX_SEED), str, step=_next_seed
        )
        self.random_seed = QPushButton("Random")
        self.random_seed.setToolTip("Another B, at random")
        self.random_seed.clicked.connect(lambda: self._set_seed(random.randint(0, MAX_SEED)))
        self.from_file = QPushButton("…")
        self.from_file.setFixedWidth(28)
        self.from_file.setStyleSheet("padding: 0;")
        self.from_file.setAccessibleName("B from a file")
        self.from_file.setToolTip("Take B from a saved latent (.npy), a session or an exported picture")
        self.from_file.clicked.connect(self._pick_file)
        self.label = SliderRow(
            "Class B", 0, 1, 0, step=1, whole=True, tip="Which of the trained classes B is"
        )
        self.psi = SliderRow(
            "Trunc. B",
            *PSI_RANGE,
            1.0,
            typed=PSI_TYPED,
            tip="B towards the average picture (psi), 1 is not at all",
        )
        bind = self.bindings
        bind.number(self.seed, lambda s: mixing.second(s).seed, self._set_seed)
        bind.slider(self.label, lambda s: float(mixing.second(s).label), lambda v: self._set(label=int(v)))
        bind.slider(self.psi, lambda s: mixing.second(s).psi, lambda v: self._set(psi=v))

    def _lay_out(self) -> None:
        pictures = QHBoxLayout()
        pictures.setSpacing(9)
        for picture, tip in (
            (self.picture_a, "A: click to see it alone"),
            (self.picture_mix, "The mix, as far as the picture is concerned"),
            (self.picture_b, "B: click to see it alone"),
        ):
            picture.setToolTip(tip)
            pictures.addWidget(picture)
        self.picture_a.clicked.connect(lambda: self._set_weights((0.0,) * self._num_ws))
        self.picture_b.clicked.connect(lambda: self._set_weights((1.0,) * self._num_ws))
        self.picture_mix.setCursor(self.cursor())
        self.picture_mix.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.rows.addLayout(pictures)
        seed = Row("Seed B", self.seed, self.random_seed, tip="The number of picture B: 0 to 4294967295")
        layout = seed.layout()
        assert layout is not None
        layout.addWidget(self.from_file)
        for row in (seed, self.label, self.psi):
            self.rows.addWidget(row)
        self.everything = MixSlider(
            self.model,
            "All",
            ALL_TIP,
            lambda w, v: mixing.with_level(w, range(len(w)), v),
            self._weights,
        )
        self.everything.without_solo()
        self.rows.addSpacing(2)
        self.rows.addWidget(self.everything)
        self._column = QVBoxLayout()
        self._column.setSpacing(6)
        self.rows.addLayout(self._column)
        self.random_button, self.reset_button = QPushButton("Random"), QPushButton("Reset")
        self.random_button.setToolTip("Random weights for every style")
        self.reset_button.setToolTip("A alone again; B stays at hand")
        self.random_button.clicked.connect(self._randomise)
        self.reset_button.clicked.connect(lambda: self._set_weights((0.0,) * self._num_ws))
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.random_button)
        buttons.addWidget(self.reset_button)
        self.rows.addLayout(buttons)

    @property
    def _num_ws(self) -> int:
        document = self.model.document
        return document.config.num_ws if document is not None else 1

    def _weights(self) -> Weights:
        return mixing.weights(self.model.state, self._num_ws)

    def _set_weights(self, new: Weights) -> None:
        self.model.update(**mixing.with_weights(self.model.state, new))

    def _set(self, **changes: Any) -> None:
        source = dataclasses.replace(mixing.second(self.model.state), **changes)
        self.model.update(**mixing.with_second(self.model.state, source))

    def _set_seed(self, seed: int) -> None:
        source = mixing.second(self.model.state).reseeded(seed)
        self.model.update(**mixing.with_second(self.model.state, source))

    def _randomise(self) -> None:
        self._set_weights(tuple(round(random.random(), 2) for _ in range(self._num_ws)))

    def _solo(self, styles: range) -> None:
        """Only these styles from B; the same once more undoes it, while nothing else was moved."""
        before = self._weights()
        if self._soloed is not None and before == self._soloed[1] == mixing.solo(before, styles):
            self._set_weights(self._soloed[0])
            self._soloed = None
            return
        self._soloed = before, mixing.solo(before, styles)
        self._set_weights(self._soloed[1])

    def _pick_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Take B from a file", "", f"Latents ({LATENT_FILES})")
        if name:
            self.take_file(Path(name))

    def take_file(self, path: Path) -> None:
        """Make B the latent that a file holds; what is wrong with the file is said in a notice."""
        document = self.model.document
        if document is None:
            return
        try:
            source = read_latent(path, document.config)
        except InputError as error:
            self.model.notice.emit("warning", f"{str(error).rstrip('.')}.")
        else:
            self.model.update(**mixing.with_second(self.model.state, source))

    def _show(self, state: ViewerState) -> None:
        if (state.sources, state.mix) != self._shown:  # the view moves often
            self._show_latents(state)
            self._shown = state.sources, state.mix

    def _show_latents(self, state: ViewerState) -> None:
        first, second, num_ws = state.sources[0], mixing.second(state), self._num_ws
        of = mixing.weights(state, num_ws)
        self.everything.set_value(round(mixing.level(of, range(num_ws)), 6))
        for group in self.groups:
            group.show_weights(of)
        self.reset_button.setEnabled(any(of))
        self.picture_a.set_caption(f"A · {_short(first)}")
        self.picture_b.set_caption(f"B · {_short(second)}")
        self.picture_mix.set_caption("Mix")
        self.picture_a.show_latents((first,))
        self.picture_b.show_latents((second,))
        self.picture_mix.show_latents(state.sources, state.mix)

    def _document_changed(self, document: Document | None) -> None:
        while self._column.count():
            item = self._column.takeAt(0)
            group = item.widget() if item is not None else None
            if group is not None:
                group.deleteLater()
        self.groups = []
        if document is not None:
            for entry in style_groups(document.config):
                group = MixGroup(self.model, document.config, entry, self._weights)
                group.solo.connect(self._solo)
                self.groups.append(group)
                self._column.addWidget(group)
        classes = document.config.c_dim if document is not None else 0
        self.label.setVisible(classes > 0)
        self.label.set_range(0, max(classes - 1, 1))
        self.setEnabled(document is not None)
        self._shown = None
        self.bindings.sync()


def _short(source: Source) -> str:
    if source.seed is not None:
        return str(source.seed)
    return "walked" if source.lattice is not None else "saved"


def _next_seed(seed: int, steps: float) -> int:
    return (seed + (1 if steps > 0 else -1)) % (MAX_SEED + 1)
