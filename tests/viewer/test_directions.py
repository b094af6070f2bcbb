"""Directions in the window: found in the background, moved on a range of styles, named and kept."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from PyQt6.QtCore import Qt

from creps_core.cli.render import command
from creps_core.session import write_session
from creps_core.source import Source
from creps_viewer.application import Viewer
from creps_viewer.direction_store import DirectionStore
from creps_viewer.model import directions, mixing
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.directions_panel import DirectionRow, DirectionsPanel
from creps_viewer.service.bridge import fitting_state, opener_for
from tests.viewer.fakes import CONFIG
from tests.viewer.people import shown, type_into

NUM_WS = CONFIG.num_ws
SCENERY = Path(__file__).parents[1] / "data" / "golden" / "scenery-64.pkl"
UP = Source(w=(1.0,) * CONFIG.w_dim, name="Axis 1")
ON = Source(w=(0.5,) + (0.0,) * (CONFIG.w_dim - 1), name="Axis 2")


def test_strengths_live_in_the_mix_and_leave_a_and_b_alone() -> None:
    state = ViewerState(sources=(Source(seed=3),))
    weights = tuple(i / NUM_WS for i in range(NUM_WS))
    state = ViewerState(**mixing.with_weights(state, weights))
    once = ViewerState(**directions.with_strength(state, UP, 1.5, range(2, 5), NUM_WS))
    both = ViewerState(**directions.with_strength(once, ON, -2.0, range(NUM_WS), NUM_WS))
    assert directions.added(both) == (UP, ON)
    assert (directions.strength(both, UP), directions.styles_of(both, UP)) == (1.5, range(2, 5))
    assert (directions.strength(both, ON), directions.styles_of(both, ON)) == (-2.0, range(NUM_WS))
    assert mixing.weights(both, NUM_WS) == weights
    gone = ViewerState(**directions.with_strength(both, UP, 0.0, range(NUM_WS), NUM_WS))
    assert directions.added(gone) == (ON,)
    assert ViewerState(**directions.with_strength(gone, ON, 0.0, range(3), NUM_WS)) == state
    assert ViewerState(**directions.without_directions(both, NUM_WS)) == state


def test_a_direction_that_does_not_fit_another_checkpoint_is_left_behind() -> None:
    state = ViewerState(**directions.with_strength(ViewerState(), UP, 1.0, range(NUM_WS), NUM_WS))
    other = ViewerState(**directions.with_strength(state, Source(w=(1.0,)), 2.0, range(2), NUM_WS))
    fitting = fitting_state(other, Document("trial", None, "", CONFIG, 1))
    assert (fitting.sources, fitting.mix) == (state.sources, state.mix)


@pytest.fixture
def model() -> ViewerModel:
    model = ViewerModel(ViewerState(sources=(Source(seed=3),)))
    model.set_document(Document("trial", None, "0" * 64, CONFIG, 1))
    return model


@pytest.fixture
def panel(qtbot, model) -> DirectionsPanel:
    return shown(qtbot, DirectionsPanel(model), 288, 400)


def drag(qtbot: Any, row: DirectionRow, value: float) -> None:
    slider = row.slider
    start, end = (slider.rect().center() for _ in range(2))
    start.setX(round(slider.knob_x(slider.value)))
    end.setX(round(slider.knob_x(value)))
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(slider, (start + end) / 2)
    qtbot.mouseMove(slider, end)
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=end)


def test_a_drag_is_one_undo_step_on_the_chosen_styles(qtbot, model, panel) -> None:
    assert not panel.span.isVisible()
    model.directions.set_listed((UP, ON))
    type_into(qtbot, panel.first, "2")
    type_into(qtbot, panel.last, "4")
    before = model.state
    drag(qtbot, panel.lines[1], 2.0)
    assert directions.strength(model.state, ON) == pytest.approx(2.0, abs=0.1)
    assert directions.styles_of(model.state, ON) == range(2, 5)
    assert "styles 2 to 4" in panel.lines[1].slider.toolTip()
    assert panel.lines[0].value == 0
    model.undo()
    assert model.state == before
    assert panel.lines[1].value == 0


def test_values_beyond_the_slider_can_be_typed_and_reset_clears_all(qtbot, model, panel) -> None:
    model.directions.set_listed((UP,))
    type_into(qtbot, panel.lines[0].field, "-7.5")
    assert directions.strength(model.state, UP) == -7.5
    reset = panel.header_action()
    qtbot.addWidget(reset)
    reset.click()
    assert directions.added(model.state) == ()
    assert model.state.mix is None


def test_a_name_goes_with_the_direction_and_its_session(qtbot, model, panel) -> None:
    model.directions.set_listed((UP, ON))
    drag(qtbot, panel.lines[0], 1.0)
    panel.lines[0].name.setText("hour of the day")
    panel.lines[0].name.editingFinished.emit()
    assert model.directions.own == (UP.called("hour of the day"),)
    assert model.state.sources[2] == UP.called("hour of the day")
    assert [row.name.text() for row in panel.lines] == ["hour of the day", "Axis 2"]
    drag(qtbot, panel.lines[0], -1.0)
    assert len(directions.added(model.state)) == 1


def test_a_session_s_directions_are_shown_although_nothing_was_looked_for(model, panel) -> None:
    model.update(**directions.with_strength(model.state, UP, 1.0, range(3), NUM_WS))
    assert [(row.direction, row.value) for row in panel.lines] == [(UP, 1.0)]


def test_the_store_keeps_directions_by_checkpoint(tmp_path: Path) -> None:
    store = DirectionStore(tmp_path / "directions")
    assert store.load("a" * 64) == ()
    store.save("a" * 64, (UP.called("sun"),))
    assert store.load("a" * 64) == (UP.called("sun"),)
    assert store.load("b" * 64) == ()
    next((tmp_path / "directions").iterdir()).write_text("damaged")
    assert store.load("a" * 64) == ()
    store.save("a" * 64, ())
    assert list((tmp_path / "directions").iterdir()) == []


def real_viewer(make_viewer: Any) -> tuple[Viewer, DirectionsPanel]:
    viewer = make_viewer(opener_for("cpu"), file=SCENERY, seed=3)
    section = viewer.window.sidebar.sections["Directions"]
    section.set_folded(False)
    return viewer, section.panel


def test_found_named_kept_and_rendered_without_a_window(qtbot, make_viewer, tmp_path) -> None:
    viewer, panel = real_viewer(make_viewer)
    qtbot.mouseClick(panel.find_button, Qt.MouseButton.LeftButton)
    assert not panel.find_button.isEnabled()
    qtbot.waitUntil(lambda: len(panel.lines) == 10, timeout=30_000)
    assert panel.find_button.isEnabled()
    panel.lines[2].name.setText("sky")
    panel.lines[2].name.editingFinished.emit()
    panel.lines[2]._edit(2.0)
    qtbot.waitUntil(viewer.canvas.stage.settled, timeout=60_000)
    write_session(tmp_path / "sky.json", viewer.opening.session(viewer.model.canvas_size))
    out = tmp_path / "sky.png"
    done = CliRunner().invoke(command, ["--session", str(tmp_path / "sky.json"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert (np.asarray(Image.open(out)) == viewer.model.frame.pixels[..., :3]).all()
    named = viewer.model.directions.own
    viewer.window.close()
    again, panel = real_viewer(make_viewer)
    assert again.model.directions.listed == named
    qtbot.mouseClick(panel.find_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(panel.lines) == 10, timeout=30_000)  # the kept one is among them, once


def test_closing_during_a_search_leaves_no_thread(qtbot, make_viewer) -> None:
    viewer, panel = real_viewer(make_viewer)
    qtbot.mouseClick(panel.find_button, Qt.MouseButton.LeftButton)
    assert "creps-directions" in {thread.name for thread in threading.enumerate()}
    viewer.window.close()
    assert "creps-directions" not in {thread.name for thread in threading.enumerate()}
