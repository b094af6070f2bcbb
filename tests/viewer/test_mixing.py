"""Style mixing: the arithmetic of its sliders, and the section against a real model and in a real window."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QSizePolicy

from creps_core.cli.render import command
from creps_core.config import GeneratorConfig
from creps_core.frame import Frame
from creps_core.session import session_from_json, session_to_json, write_session
from creps_core.source import MAX_SEED, Source
from creps_viewer.model import mixing
from creps_viewer.model.request import SideRequest
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.mix_rows import MixSlider
from creps_viewer.panels.mixing_panel import MixingPanel
from creps_viewer.service.bridge import opener_for
from tests.viewer.fakes import CONFIG, FakeEngine, FakeOpener
from tests.viewer.people import shown, type_into

NUM_WS = CONFIG.num_ws
SCENERY = Path(__file__).parents[1] / "data" / "golden" / "scenery-64.pkl"
LEFT = Qt.MouseButton.LeftButton

weights = st.lists(st.floats(0, 1).map(lambda w: round(w, 4)), min_size=6, max_size=6).map(tuple)
chosen = st.sets(st.integers(0, 5), min_size=1)


@given(weights, chosen, st.floats(0, 1))
def test_a_master_slider_moves_its_styles_and_shows_their_mean(of, styles, value) -> None:
    moved = mixing.with_level(of, styles, value)
    assert mixing.level(moved, styles) == pytest.approx(value, abs=1e-9)
    assert all(0 <= weight <= 1 for weight in moved)
    assert all(moved[i] == of[i] for i in range(6) if i not in styles)
    order = sorted(styles, key=lambda i: of[i])
    assert all(moved[a] <= moved[b] + 1e-12 for a, b in pairwise(order))


@given(weights, chosen)
def test_at_its_ends_a_master_slider_takes_all_or_nothing(of, styles) -> None:
    for end in (0.0, 1.0):
        assert {mixing.with_level(of, styles, end)[i] for i in styles} == {end}


@given(weights, chosen)
def test_solo_leaves_these_styles_alone(of, styles) -> None:
    alone = mixing.solo(of, styles)
    assert all(alone[i] == 0 for i in range(6) if i not in styles)
    assert any(alone)
    assert mixing.solo(alone, styles) == alone


@given(weights, st.integers(0, MAX_SEED))
def test_weights_are_kept_by_the_state_and_by_its_session(of, seed) -> None:
    from creps_core.session import CheckpointRef, Session

    state = ViewerState(sources=(Source(seed=seed, psi=0.5),))
    changes = mixing.with_weights(state, of)
    mixed = ViewerState(**changes)
    assert mixing.weights(mixed, 6) == of
    assert mixing.second(mixed) == mixing.second(state)
    assert (mixed.mix is None) == (not any(of))
    session = Session(CheckpointRef("a.pkl", ""), mixed.sources, mixed.mix)
    again = session_from_json(session_to_json(session))
    assert (again.sources, again.mix) == (mixed.sources, mixed.mix)


def test_further_sources_keep_their_weights() -> None:
    sources = (Source(seed=1), Source(seed=2), Source(seed=3))
    state = ViewerState(sources=sources, mix=((0.5, 0.5, 0.25), (1.0, 0.0, 0.0)))
    changes = mixing.with_weights(state, (0.0, 1.0))
    assert changes == {"sources": sources, "mix": ((1.0, 0.0, 0.25), (0.0, 1.0, 0.0))}
    assert mixing.with_weights(state, (0.0, 0.0))["mix"] is not None


@pytest.fixture
def model() -> ViewerModel:
    model = ViewerModel(ViewerState(sources=(Source(seed=3, psi=0.7),)))
    model.set_document(Document("trial", None, "0" * 64, CONFIG, 1))
    return model


@pytest.fixture
def panel(qtbot, model) -> MixingPanel:
    return shown(qtbot, MixingPanel(model), 288, 700)


def pull(qtbot: Any, row: MixSlider, *values: float) -> None:
    """Drag a slider's knob over these values."""
    slider = row.slider
    places = [QPoint(round(slider.knob_x(v)), slider.height() // 2) for v in (slider.value, *values)]
    qtbot.mousePress(slider, LEFT, pos=places[0])
    for place in places[1:]:
        qtbot.mouseMove(slider, place)
    qtbot.mouseRelease(slider, LEFT, pos=places[-1])


def test_one_drag_of_a_master_is_one_undo_step_and_makes_b_real(qtbot, model, panel) -> None:
    before = model.state
    palette = panel.groups[-1]
    pull(qtbot, palette.master, 0.3, 0.6, 0.9)
    of = mixing.weights(model.state, NUM_WS)
    assert model.state.sources == (before.sources[0], Source(seed=4, psi=0.7))
    assert of[:-2] == (0.0,) * (NUM_WS - 2)
    assert of[-1] == of[-2] == palette.master.value == pytest.approx(0.9, abs=0.02)
    assert [row.value for row in palette.styles.values()] == [of[-2], of[-1]]
    assert panel.everything.value == pytest.approx(2 * of[-1] / NUM_WS, abs=1e-6)
    model.undo()
    assert model.state == before
    assert palette.master.value == 0


def test_there_and_back_in_one_drag_is_exactly_back(qtbot, model, panel) -> None:
    of = tuple(round(i / NUM_WS, 3) for i in range(NUM_WS))
    model.update(**mixing.with_weights(model.state, of))
    layout = panel.groups[0]
    start = layout.master.slider
    x, y = round(start.knob_x(start.value)), start.height() // 2
    qtbot.mousePress(start, LEFT, pos=QPoint(x, y))
    for step in (20, 60, 140, 60, 0):
        qtbot.mouseMove(start, QPoint(x + step, y))
    now = mixing.weights(model.state, NUM_WS)
    qtbot.mouseRelease(start, LEFT, pos=QPoint(x, y))
    np.testing.assert_allclose(now, of, atol=1e-6)


def test_styles_fold_out_under_their_group_and_are_named(qtbot, panel) -> None:
    layout, form, palette = panel.groups
    assert not any(row.isVisible() for row in form.styles.values())
    qtbot.mouseClick(form.fold, LEFT)
    assert all(row.isVisible() for row in form.styles.values())
    assert [row.label.text() for row in palette.styles.values()] == ["b64 · out", "head"]
    assert layout.styles[3].slider.toolTip().startswith("Feeds b8's projection and b16's 1st layer")
    form.fold.setFocus()
    qtbot.keyClick(form.fold, Qt.Key.Key_Space)
    assert not any(row.isVisible() for row in form.styles.values())


def test_a_style_can_be_typed_and_reset_by_a_double_click(qtbot, model, panel) -> None:
    panel.groups[-1].fold.setChecked(True)
    head = panel.groups[-1].styles[NUM_WS - 1]
    type_into(qtbot, head.field, "0.123456")
    assert mixing.weights(model.state, NUM_WS)[-1] == 0.123456
    qtbot.mouseDClick(head.slider, LEFT)
    assert mixing.weights(model.state, NUM_WS)[-1] == 0
    assert model.state.mix is None


def test_solo_takes_one_thing_from_b_and_gives_the_rest_back(qtbot, model, panel) -> None:
    of = (0.5,) * NUM_WS
    model.update(**mixing.with_weights(model.state, of))
    button = panel.groups[0].master.solo_button
    qtbot.mouseClick(button, LEFT)
    assert mixing.weights(model.state, NUM_WS) == (0.5,) * 5 + (0.0,) * (NUM_WS - 5)
    qtbot.mouseClick(button, LEFT)
    assert mixing.weights(model.state, NUM_WS) == of


def test_swap_random_and_reset(qtbot, model, panel) -> None:
    a, b = model.state.sources[0], mixing.second(model.state)
    swap = panel.header_action()
    qtbot.addWidget(swap)
    swap.click()
    assert model.state.sources == (b, a)
    panel.random_button.click()
    of = mixing.weights(model.state, NUM_WS)
    assert len(set(of)) > 1
    swap.click()
    assert (model.state.sources, mixing.weights(model.state, NUM_WS)) == ((a, b), of)
    panel.reset_button.click()
    assert (model.state.sources, model.state.mix) == ((a, b), None)
    assert not panel.reset_button.isEnabled()


def test_b_is_a_seed_with_psi_and_class_or_a_saved_latent(qtbot, model, panel, tmp_path) -> None:
    assert not panel.label.isVisible()
    type_into(qtbot, panel.seed, "1017")
    type_into(qtbot, panel.psi.field, "0.4")
    assert model.state.sources[1] == Source(seed=1017, psi=0.4)
    np.save(tmp_path / "w.npy", np.zeros(CONFIG.w_dim))
    panel.take_file(tmp_path / "w.npy")
    assert model.state.sources[1] == Source(w=(0.0,) * CONFIG.w_dim)
    said: list[str] = []
    model.notice.connect(lambda level, text: said.append(text))
    np.save(tmp_path / "short.npy", np.zeros(3))
    panel.take_file(tmp_path / "short.npy")
    assert "short.npy" in said[0]
    panel.random_seed.click()
    assert model.state.sources[1].seed is not None


def test_a_conditional_model_asks_for_b_s_class(model, panel) -> None:
    config = GeneratorConfig(z_dim=16, w_dim=16, c_dim=4, resolution=32)
    model.set_document(Document("other", None, "0" * 64, config, 2))
    assert panel.label.isVisible()
    assert len(panel.groups[0].styles) + len(panel.groups[1].styles) + 2 == config.num_ws
    panel.label.edited.emit(3.0)
    assert model.state.sources[1].label == 3


def test_pictures_are_asked_for_when_they_can_be_seen(qtbot, model, panel) -> None:
    asked: list[SideRequest] = []
    model.side.wanted.connect(asked.append)
    panel.hide()
    model.update(**mixing.with_weights(model.state, (0.5,) * NUM_WS))
    assert asked == []
    panel.show()
    assert {request.key for request in asked} == {"mixing mix"}  # A and B are as they were
    assert (asked[0].sources, asked[0].mix) == (model.state.sources, model.state.mix)


def test_the_window_shows_small_pictures_of_a_b_and_the_mix(qtbot, make_viewer) -> None:
    engine = FakeEngine()
    viewer = make_viewer(FakeOpener(engine))
    panel = viewer.window.sidebar.sections["Style mixing"].panel
    pictures = (panel.picture_a, panel.picture_mix, panel.picture_b)
    qtbot.waitUntil(lambda: all(picture.image is not None for picture in pictures))
    first = panel.picture_b.image
    panel._set_seed(99)
    qtbot.waitUntil(lambda: panel.picture_b.image != first)
    assert viewer.model.state.sources[1].seed == 99


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1600, 1200)])
def test_the_section_fits_the_sidebar(make_viewer, width: int, height: int) -> None:
    viewer = make_viewer()
    viewer.window.resize(width, height)
    panel = viewer.window.sidebar.sections["Style mixing"].panel
    for group in panel.groups:
        group.fold.setChecked(True)
    viewer.window.sidebar.ensureWidgetVisible(panel.reset_button)
    rows = [panel.everything, *(row for g in panel.groups for row in (g.master, *g.styles.values()))]
    assert {row.slider.mapTo(panel, QPoint(0, 0)).x() for row in rows} == {72}
    assert len({row.slider.width() for row in rows}) == 1
    assert panel.width() >= panel.minimumSizeHint().width()
    assert panel.sizePolicy().horizontalPolicy() != QSizePolicy.Policy.Fixed


def test_what_the_window_mixes_is_what_creps_render_mixes(qtbot, make_viewer, tmp_path) -> None:
    viewer = make_viewer(opener_for("cpu"), file=SCENERY, seed=3)
    viewer.window.resize(700, 440)
    panel = viewer.window.sidebar.sections["Style mixing"].panel
    panel._set_seed(1017)
    for group, value in zip(panel.groups, (0.1, 0.5, 1.0), strict=True):
        pull(qtbot, group.master, value / 2, value)
    qtbot.waitUntil(viewer.canvas.stage.settled, timeout=60_000)
    size = viewer.model.canvas_size
    write_session(tmp_path / "mixed.json", viewer.opening.session(size))
    out = tmp_path / "mixed.png"
    done = CliRunner().invoke(command, ["--session", str(tmp_path / "mixed.json"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    shown = viewer.model.frame.pixels[..., :3]
    assert (np.asarray(Image.open(out)) == shown).all()


def test_the_head_s_slider_computes_no_lines_while_it_is_dragged(qtbot, make_viewer) -> None:
    viewer = make_viewer(opener_for("cpu"), file=SCENERY, seed=3)
    viewer.window.resize(700, 440)
    qtbot.waitUntil(viewer.canvas.stage.settled, timeout=60_000)
    palette = viewer.window.sidebar.sections["Style mixing"].panel.groups[-1]
    palette.fold.setChecked(True)
    frames: list[Frame] = []
    viewer.model.frame_changed.connect(frames.append)
    slider = palette.styles[NUM_WS - 1].slider
    places = [QPoint(round(slider.knob_x(v)), slider.height() // 2) for v in (0.0, 0.3, 0.6, 0.9)]
    qtbot.mousePress(slider, LEFT, pos=places[0])
    for place in places[1:]:
        count = len(frames)
        qtbot.mouseMove(slider, place)
        qtbot.waitUntil(lambda n=count: len(frames) > n, timeout=30_000)
    qtbot.mouseRelease(slider, LEFT, pos=places[-1])
    qtbot.waitUntil(viewer.canvas.stage.settled, timeout=60_000)
    assert {frame.stats.line_samples for frame in frames} == {0}
    assert all(frame.exact for frame in frames)
