"""The sidebar against a real model: what is typed and dragged arrives exactly, and nothing echoes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QApplication, QToolButton

from creps_core.config import GeneratorConfig
from creps_core.source import MAX_SEED, Source
from creps_core.view import View
from creps_core.warps import Tilt
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.timings import Timings
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.performance_panel import PerformancePanel
from creps_viewer.panels.rows import SliderRow
from creps_viewer.panels.section import Panel, Section
from creps_viewer.panels.source_panel import SourcePanel
from creps_viewer.panels.view_panel import ViewPanel
from tests.viewer.people import shown, type_into


def document(**sizes: int) -> Document:
    return Document("trial", None, "0" * 64, GeneratorConfig(resolution=64, **sizes), 1)


@pytest.fixture
def model() -> ViewerModel:
    model = ViewerModel()
    model.set_document(document())
    return model


@pytest.fixture
def source(qtbot, model) -> SourcePanel:
    return shown(qtbot, SourcePanel(model), 288, 200)


@pytest.fixture
def view(qtbot, model) -> ViewPanel:
    return shown(qtbot, ViewPanel(model, lambda: None), 288, 700)


@pytest.mark.parametrize("seed", [0, 7, MAX_SEED])
def test_a_typed_seed_is_shown_and_undone_in_one_step(qtbot, model, source, seed):
    model.update(sources=(Source(seed=5, psi=0.5),))
    type_into(qtbot, source.seed, str(seed))
    assert model.state.sources == (Source(seed=seed, psi=0.5),)
    model.undo()
    assert source.seed.value == 5


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", str(MAX_SEED + 1), "9" * 40])
def test_a_bad_seed_is_refused_with_what_is_expected_and_the_old_one_stays(qtbot, model, source, text):
    with qtbot.waitSignal(source.seed.rejected) as refused:
        type_into(qtbot, source.seed, text)
    assert "0 to 4294967295" in refused.args[0]
    assert model.state.sources[0].seed == 0
    assert source.seed.property("bad") is True
    qtbot.keyClick(source.seed, Qt.Key.Key_Escape)
    assert source.seed.text() == "0"
    assert source.seed.property("bad") is False


def test_arrows_step_the_seed_around_its_ends(qtbot, model, source):
    source.seed.setFocus()
    qtbot.keyClick(source.seed, Qt.Key.Key_Down)
    assert model.state.sources[0].seed == MAX_SEED
    qtbot.keyClick(source.seed, Qt.Key.Key_Up)
    qtbot.keyClick(source.seed, Qt.Key.Key_Up)
    assert model.state.sources[0].seed == 1


def test_a_stored_latent_shows_no_seed_and_a_typed_seed_replaces_it(qtbot, model, source):
    model.update(sources=(Source(w=(0.0,) * 512, psi=0.7),))
    assert source.seed.text() == ""
    type_into(qtbot, source.seed, "12")
    assert model.state.sources[0] == Source(seed=12, psi=0.7)


def test_one_drag_of_a_slider_is_one_undo_step_and_marks_movement(qtbot, model, source):
    moves: list[bool] = []
    model.moving_changed.connect(moves.append)
    slider = source.psi.slider
    start = QPoint(round(slider.knob_x(1.0)), slider.height() // 2)
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 8):
        qtbot.mouseMove(slider, start - QPoint(6 * step, 0))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=start - QPoint(42, 0))
    assert 0 < model.state.sources[0].psi < 0.9
    assert moves == [True, False]
    model.undo()
    assert model.state.sources[0].psi == 1.0
    assert not model.can_undo
    assert source.psi.value == 1.0


def test_shift_makes_a_drag_ten_times_finer(qtbot, model, source):
    slider = source.psi.slider
    start = QPoint(round(slider.knob_x(1.0)), slider.height() // 2)
    per_pixel = 1 / (slider.width() - 14)
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, start)
    move_with_shift(slider, start - QPoint(30, 0))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, start)
    assert model.state.sources[0].psi == pytest.approx(1 - 30 * per_pixel / 10, abs=per_pixel / 10)


def move_with_shift(slider, to: QPoint) -> None:
    from PyQt6.QtCore import QEvent
    from PyQt6.QtGui import QMouseEvent

    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(to),
        QPointF(slider.mapToGlobal(to)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.ShiftModifier,
    )
    QApplication.sendEvent(slider, event)


def test_a_double_click_resets(qtbot, model, source):
    model.update(sources=(Source(seed=0, psi=0.3),))
    slider = source.psi.slider
    qtbot.mouseDClick(slider, Qt.MouseButton.LeftButton, pos=QPoint(round(slider.knob_x(0.3)), 5))
    assert model.state.sources[0].psi == 1.0


def wheel(widget, notches: int) -> bool:
    event = QWheelEvent(
        QPointF(10, 10),
        QPointF(widget.mapToGlobal(QPoint(10, 10))),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def test_the_wheel_changes_a_slider_only_while_it_has_focus(qtbot, model, source):
    source.seed.setFocus()
    assert not wheel(source.psi.slider, -1)
    assert model.state.sources[0].psi == 1.0
    source.psi.slider.setFocus()
    assert wheel(source.psi.slider, -1)
    assert model.state.sources[0].psi == pytest.approx(0.99)


def test_keys_move_a_slider(qtbot, model, source):
    slider = source.psi.slider
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Home)
    assert model.state.sources[0].psi == 0.0
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    qtbot.keyClick(slider, Qt.Key.Key_PageUp)
    assert model.state.sources[0].psi == pytest.approx(0.11)
    qtbot.keyClick(slider, Qt.Key.Key_Delete)
    assert model.state.sources[0].psi == 1.0


def test_psi_beyond_the_slider_can_be_typed_and_is_kept_exactly(qtbot, model, source):
    type_into(qtbot, source.psi.field, "1.2345678901")
    assert model.state.sources[0].psi == 1.2345678901
    assert source.psi.value == 1.2345678901


def test_cutoff_all_means_every_style_whatever_the_checkpoint(qtbot, model, source):
    styles = model.document.config.num_ws
    type_into(qtbot, source.cutoff.field, "4")
    assert model.state.sources[0].cutoff == 4
    type_into(qtbot, source.cutoff.field, str(styles))
    assert model.state.sources[0].cutoff is None
    assert source.cutoff.field.text() == "all"
    model.set_document(Document("other", None, "1" * 64, GeneratorConfig(resolution=512), 2))
    assert source.cutoff.field.text() == "all"
    assert source.cutoff.slider.most == GeneratorConfig(resolution=512).num_ws
    assert model.state.sources[0].cutoff is None


def test_the_class_row_is_there_when_the_checkpoint_has_classes(qtbot, model, source):
    assert source.label.isHidden()
    model.set_document(document(c_dim=4))
    assert not source.label.isHidden()
    type_into(qtbot, source.label.field, "3")
    assert model.state.sources[0].label == 3
    with qtbot.waitSignal(source.label.field.rejected):
        type_into(qtbot, source.label.field, "4")
    assert model.state.sources[0].label == 3


def test_the_model_moves_the_widgets_without_an_echo(qtbot, model, source, view):
    changes: list[ViewerState] = []
    model.changed.connect(lambda _old, new: changes.append(new))
    goal = ViewerState(
        view=View(rotation_deg=30, outside="generate", warps=(Tilt(0.1, 0.2),)),
        sources=(Source(seed=9, psi=0.2),),
    )
    model.reset_state(goal)
    assert changes == [goal]
    assert view.rotation.value == 30
    assert view.outside.currentData() == "generate"
    assert source.seed.text() == "9"
    assert source.psi.slider.value == 0.2


def test_a_panel_that_fails_shows_a_page_and_can_be_tried_again(qtbot, model, caplog):
    healthy = False

    class Fragile(Panel):
        title = "Fragile"

        def __init__(self) -> None:
            super().__init__(model)
            self.bindings.follow(self.show_state)

        def show_state(self, state: ViewerState) -> None:
            if state.sources[0].seed == 13 and not healthy:
                raise RuntimeError("thirteen is not for me")

    section = Section("Fragile", Fragile)
    qtbot.addWidget(section)
    section.show()
    model.update(sources=(Source(seed=13),))
    assert section.error_page is not None
    assert section.panel is not None
    assert section.panel.isHidden()
    assert "thirteen is not for me" in caplog.text
    healthy = True
    again = section.error_page.findChild(QToolButton)
    qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    assert section.error_page is None
    qtbot.waitUntil(section.panel.isVisible)


def test_a_panel_that_cannot_be_built_leaves_the_others_alone(qtbot, caplog):
    def build() -> Panel:
        raise ValueError("no plot today")

    section = Section("Performance", build)
    qtbot.addWidget(section)
    assert section.error_page is not None
    assert "no plot today" in caplog.text


def test_a_folded_section_hides_its_panel(qtbot, model):
    section = Section("Source", lambda: SourcePanel(model))
    qtbot.addWidget(section)
    section.show()
    qtbot.mouseClick(section._header, Qt.MouseButton.LeftButton)
    assert section.folded
    assert not section.panel.isVisible()


def test_the_plot_shows_the_times_that_were_recorded(qtbot, model):
    timings = Timings()
    panel = PerformancePanel(model, timings, cache_mb=512)
    qtbot.addWidget(panel)
    panel.resize(288, 300)
    panel.show()
    qtbot.waitExposed(panel)
    for ms in (10.0, 1000.0, 100.0):
        timings.add("render", ms)
    qtbot.waitUntil(lambda: panel.curves["render"].getData()[1] is not None)
    assert panel.curves["render"].getData()[1] == pytest.approx([1, 3, 2])
    assert "100 ms" in panel.legend.text()


@given(value=st.floats(-1, 1), width=st.integers(60, 400))
def test_the_knob_is_inside_and_in_order(qapp, value, width):
    row = SliderRow("x", -1, 1, 0)
    row.slider.resize(width, 20)
    assert 7 <= row.slider.knob_x(value) <= width - 7
    assert row.slider.knob_x(-1) <= row.slider.knob_x(value) <= row.slider.knob_x(1)
