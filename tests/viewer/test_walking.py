"""Walking between seeds: the lattice, its latents, and L held while dragging on a real canvas."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QFocusEvent, QKeyEvent
from PyQt6.QtWidgets import QApplication

from creps_core.errors import InputError
from creps_core.latents import source_ws
from creps_core.seed_lattice import ROW, corners, seed_at
from creps_core.session import CheckpointRef, Session, session_from_json, session_to_json
from creps_core.source import MAX_SEED, Source
from creps_viewer.canvas.gestures import WALK_PX
from creps_viewer.canvas.raster_canvas import RasterCanvas
from creps_viewer.model.walking import at_place, place_of
from tests.core.references import SMALL, small_generator
from tests.viewer.window import Window

places = st.floats(-1e6, 1e6).map(lambda place: round(place * 256) / 256)


@given(places, places)
def test_bilinear_weights_are_those_of_four_neighbours(x: float, y: float) -> None:
    around = corners(x, y)
    assert sum(weight for _, weight in around) == pytest.approx(1, abs=1e-12)
    assert all(0 < weight <= 1 for _, weight in around)
    assert 1 <= len(around) <= 4
    if x.is_integer() and y.is_integer():
        assert around == [(seed_at(int(x), int(y)), 1.0)]


def test_seeds_wrap_around() -> None:
    assert seed_at(-1, 0) == MAX_SEED
    assert seed_at(5, 2) == 5 + 2 * ROW
    assert seed_at(MAX_SEED, 1) == ROW - 1


def test_between_seeds_w_is_their_mixture_and_truncation_comes_after() -> None:
    generator = small_generator()
    with torch.no_grad():
        generator.mapping.w_avg.copy_(torch.linspace(-1, 1, SMALL.w_dim))
    ws = source_ws(generator, Source(lattice=(7.25, 0.5), psi=0.5))
    four = {seed: source_ws(generator, Source(seed=seed, psi=0.5)) for seed in (7, 8, 107, 108)}
    want = 0.375 * four[7] + 0.125 * four[8] + 0.375 * four[107] + 0.125 * four[108]
    torch.testing.assert_close(ws, want)
    assert torch.equal(
        source_ws(generator, Source(lattice=(7.0, 1.0))), source_ws(generator, Source(seed=107))
    )


def test_a_place_is_kept_by_a_session_and_checked() -> None:
    source = Source(lattice=(7.25, -3.5), psi=0.5, label=0)
    text = session_to_json(Session(CheckpointRef("a.pkl", ""), sources=(source,)))
    assert session_from_json(text).sources == (source,)
    for bad in ([1], [1, 2, 3], ["a", 1], 5):
        document = json.loads(text)
        document["sources"][0]["lattice"] = bad
        with pytest.raises(InputError, match="lattice"):
            session_from_json(json.dumps(document))
    with pytest.raises(InputError, match="out of reach"):
        Source(lattice=(1e300, 0.0))


def test_steps_lead_from_seed_to_seed() -> None:
    start = Source(seed=26, psi=0.7)
    between = at_place(start, 26.5, 0.25)
    assert (place_of(between), between.psi) == ((26.5, 0.25), 0.7)
    assert at_place(between, 27.0, 1.0) == Source(seed=127, psi=0.7)
    assert at_place(between, 26.0, 0.0) == start
    assert place_of(Source(w=(0.0,))) is None


@pytest.fixture
def window(qtbot) -> Iterator[Window]:
    window = Window(qtbot, RasterCanvas)
    window.open()
    yield window
    window.close()


def key(window: Window, kind: QEvent.Type, repeats: bool = False) -> None:
    event = QKeyEvent(kind, Qt.Key.Key_L, Qt.KeyboardModifier.NoModifier, "l", repeats)
    QApplication.sendEvent(window.canvas, event)


def test_l_and_a_drag_walk_and_are_one_undo_step(window: Window) -> None:
    model, before = window.model, window.model.state
    key(window, QEvent.Type.KeyPress)
    key(window, QEvent.Type.KeyRelease, repeats=True)  # what a held key sends again and again
    key(window, QEvent.Type.KeyPress, repeats=True)
    window.drag((100, 100), (100 + WALK_PX / 2, 100 + WALK_PX / 4))
    assert model.state.sources == (Source(lattice=(0.5, 0.25)),)
    assert model.state.view == before.view
    window.drag((100, 100), (100 + WALK_PX / 2, 100 + WALK_PX * 3 / 4))
    assert model.state.sources == (Source(seed=ROW + 1),)
    model.undo()
    model.undo()
    assert model.state == before
    key(window, QEvent.Type.KeyRelease)
    window.drag((100, 100), (130, 100))
    assert model.state.sources == before.sources
    assert model.state.view != before.view


def test_l_and_the_arrows_walk_by_eighths(window: Window) -> None:
    key(window, QEvent.Type.KeyPress)
    view = window.model.state.view
    for arrow in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_Left):
        window.qtbot.keyClick(window.canvas, arrow)
    assert window.model.state.sources == (Source(lattice=(0.125, 0.0)),)
    assert window.model.state.view == view
    window.qtbot.keyClick(window.canvas, Qt.Key.Key_Left)
    assert window.model.state.sources == (Source(seed=0),)


def test_a_stored_latent_stays_where_it_is(window: Window) -> None:
    window.model.update(sources=(Source(w=(0.0,) * 16),))
    key(window, QEvent.Type.KeyPress)
    window.drag((100, 100), (200, 100))
    assert window.model.state.sources == (Source(w=(0.0,) * 16),)


def test_losing_the_focus_lets_go_of_the_key(window: Window) -> None:
    key(window, QEvent.Type.KeyPress)
    QApplication.sendEvent(window.canvas, QFocusEvent(QEvent.Type.FocusOut))
    before = window.model.state
    window.drag((100, 100), (160, 100))
    assert window.model.state.sources == before.sources
