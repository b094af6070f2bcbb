"""The inspector in the real window: heat maps and overlays are the network's own numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from creps_core.diverging import diverging
from creps_core.frame import Frame
from creps_core.inspector import Inspection, Inspector, Strip
from creps_core.source import Source
from creps_core.view import Size, View
from creps_viewer.application import Viewer
from creps_viewer.canvas.gl_canvas import GlCanvas
from creps_viewer.canvas.raster_canvas import RasterCanvas
from creps_viewer.header import HEADER_PX
from creps_viewer.model import inspecting
from creps_viewer.model.inspecting import Inspections
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.inspector_panel import InspectorPanel
from creps_viewer.service.bridge import opener_for
from creps_viewer.service.engine import CheckpointEngine
from tests.viewer.conftest import MakeViewer
from tests.viewer.fakes import CONFIG
from tests.viewer.people import type_into
from tests.viewer.window import HEIGHT, WIDTH, Window, rgb

SCENERY = Path(__file__).parents[1] / "data" / "golden" / "scenery-64.pkl"
THICK = 48


@pytest.fixture
def viewer(make_viewer: MakeViewer, qtbot: QtBot) -> Viewer:
    """The whole window with a real checkpoint, settled."""
    viewer: Viewer = make_viewer(opener_for("cpu"), file=SCENERY, wait=False)
    viewer.canvas.stage.overlays.readout_shown = False
    qtbot.waitUntil(viewer.canvas.stage.settled, timeout=60_000)
    return viewer


@pytest.fixture
def settle(viewer: Viewer, qtbot: QtBot) -> Callable[[], Inspection]:
    """Wait until picture and inspection are those of the present state."""

    def wait() -> Inspection:
        qtbot.waitUntil(
            lambda: viewer.canvas.stage.settled() and viewer.inspections.current(), timeout=60_000
        )
        inspection = viewer.model.inspection
        assert inspection is not None
        return inspection

    return wait


def panel_of(viewer: Viewer) -> InspectorPanel:
    panel = viewer.window.sidebar.sections["Inspector"].panel
    assert isinstance(panel, InspectorPanel)
    return panel


def expected(viewer: Viewer) -> tuple[np.ndarray, np.ndarray]:
    """Row [H, R] and column [R, W] embeddings of what is shown, by the reference network."""
    import torch

    from creps_core.grid import SeparableGrid, grid_for
    from creps_core.latents import resolve_ws
    from creps_core.lines import embed_bilines

    engine, state = viewer.bridge.engine, viewer.model.state
    assert isinstance(engine, CheckpointEngine)
    grid = grid_for(state.view, viewer.model.canvas_size)
    assert isinstance(grid, SeparableGrid)
    net = engine.generator.synthesis
    rows, columns = (torch.from_numpy(line.values()).float() for line in (grid.y, grid.x))
    with torch.no_grad():
        ws = resolve_ws(engine.generator, state.sources, state.mix)
        bilines = embed_bilines(net.line_blocks, ws, rows, columns)
    inspector = state.inspector
    biline = bilines[engine.config.levels.index(inspector.level)]
    return biline.row[0, inspector.channel].numpy(), biline.column[0, inspector.channel].numpy()


def seen(widget: QWidget) -> np.ndarray:
    """What is on the screen of a widget, its children included."""
    return rgb(widget.grab().toImage())


def near(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal colours, but for values that the reference rounds to the next of 127 steps."""
    return bool(np.abs(a.astype(int) - b.astype(int)).max() <= 4)


def test_b_opens_it_and_the_edges_show_the_embeddings(qtbot, viewer: Viewer, settle) -> None:
    window, edges = viewer.window, viewer.window.edges
    section = window.sidebar.sections["Inspector"]
    assert not section.isVisible()
    assert not edges.down.isVisible()
    qtbot.keyClick(viewer.canvas, Qt.Key.Key_B)
    viewer.model.update(inspector=replace(viewer.model.state.inspector, level=32, channel=5))
    found = settle()
    assert section.isVisible()
    assert window.header.inspect_button.isChecked()
    rows, columns = expected(viewer)
    np.testing.assert_allclose(found.down.values, rows, atol=1e-4)
    lane = THICK // rows.shape[1]
    top = HEADER_PX + THICK  # the strip begins below header and corner: its pixels are the canvas's
    down = diverging(found.down.values, found.down.limit)[top:]
    assert (seen(edges.down) == down.repeat(lane, axis=1)).all()
    assert near(down, diverging(rows, found.down.limit)[top:])
    across = diverging(found.across.values, found.across.limit)[THICK:].swapaxes(0, 1)
    assert (seen(edges.across) == across.repeat(lane, axis=0)).all()
    assert near(across, diverging(columns, found.across.limit)[:, THICK:])
    qtbot.keyClick(viewer.canvas, Qt.Key.Key_B)
    assert not section.isVisible()
    assert not edges.down.isVisible()
    assert viewer.model.inspection is None


def test_the_canvas_shows_the_composed_feature_and_then_the_picture_again(viewer: Viewer, settle) -> None:
    before = seen(viewer.canvas)
    viewer.model.update(inspector=Inspector(True, 64, 3))
    found = settle()
    rows, columns = expected(viewer)
    area = np.s_[HEADER_PX + THICK :, THICK:]
    assert found.frame is not None
    shown = seen(viewer.canvas)[area]
    assert (shown == found.frame.pixels[..., :3][area]).all()
    inside = np.s_[150:400, 150:350]  # well inside the picture, where nothing fades
    assert near(seen(viewer.canvas)[inside], diverging(rows @ columns, found.frame_limit)[inside])
    inspecting.toggle(viewer.model)
    assert (seen(viewer.canvas) == before).all()


def test_a_pan_moves_the_edges_at_once_and_a_new_seed_renews_them(viewer: Viewer, settle) -> None:
    viewer.model.update(inspector=Inspector(True, 16))
    first = settle()
    image = viewer.window.edges.across.image
    place = image.mapRectToScene(image.boundingRect())
    view = viewer.model.state.view
    step = view.step(viewer.model.canvas_size).xx
    viewer.model.update(view=replace(view, center_x=view.center_x + Fraction(step) * 7))
    assert viewer.model.inspection is first  # the old one, moved
    moved = image.mapRectToScene(image.boundingRect())
    assert moved.left() == pytest.approx(place.left() - 7)
    second = settle()
    np.testing.assert_array_equal(second.across.values[:-7], first.across.values[7:])
    assert image.mapRectToScene(image.boundingRect()).left() == pytest.approx(place.left())
    viewer.model.update(sources=(Source(seed=99),))
    third = settle()
    assert not np.allclose(third.down.values, second.down.values)
    np.testing.assert_allclose(third.down.values, expected(viewer)[0], atol=1e-4)


def test_while_something_moves_it_follows_in_drafts(qtbot, viewer: Viewer, settle) -> None:
    viewer.model.update(inspector=Inspector(True, 16))
    first = settle()
    with viewer.model.gesture():
        viewer.model.update(sources=(Source(seed=41),))
        qtbot.waitUntil(lambda: viewer.model.inspection is not first, timeout=60_000)
        draft = viewer.model.inspection
        assert draft is not None
        assert draft.down.stride > 1
        assert not viewer.inspections.current()
    final = settle()
    assert final.down.stride == 1
    np.testing.assert_array_equal(
        final.down.values[draft.down.origin :: draft.down.stride], draft.down.values
    )


def test_a_level_is_chosen_by_click_and_keys_and_undone(qtbot, viewer: Viewer, settle) -> None:
    qtbot.mouseClick(viewer.window.header.inspect_button, Qt.MouseButton.LeftButton)
    found = settle()
    panel, model = panel_of(viewer), viewer.model
    assert len(found.shares) == len(model.document.config.levels)  # type: ignore[union-attr]
    assert all(share > 0 for share in found.shares)
    qtbot.mouseClick(panel.levels, Qt.MouseButton.LeftButton, pos=QPoint(30, 2 * 22 + 11))
    assert model.state.inspector.level == 32
    panel.levels.setFocus()
    qtbot.keyClick(panel.levels, Qt.Key.Key_Down)
    assert model.state.inspector.level == 64
    qtbot.keyClick(panel.levels, Qt.Key.Key_Down)
    assert model.state.inspector.level == 64
    qtbot.keyClick(panel.levels, Qt.Key.Key_Up)
    assert settle().inspector.level == 32
    model.undo()
    model.undo()
    assert settle().inspector.level == 32  # the click
    model.undo()
    assert model.state.inspector == Inspector(True)
    model.undo()
    assert not model.state.inspector.open


def test_channel_lane_and_picture_are_the_panel_s(qtbot, viewer: Viewer, settle) -> None:
    inspecting.toggle(viewer.model)
    panel, model = panel_of(viewer), viewer.model
    type_into(qtbot, panel.channel.field, "7")
    type_into(qtbot, panel.lane.field, "3")
    assert (model.state.inspector.channel, model.state.inspector.lane) == (7, 2)
    found = settle()
    rows, columns = expected(viewer)
    assert viewer.window.edges.down.lane.isVisible()
    inside = np.s_[150:400, 150:350]
    product = np.outer(rows[:, 2], columns[2])
    assert near(seen(viewer.canvas)[inside], diverging(product, found.frame_limit)[inside])
    type_into(qtbot, panel.lane.field, "all")
    assert model.state.inspector.lane is None
    panel.shown.setFocus()
    qtbot.keyClick(panel.shown, Qt.Key.Key_Down)
    panel.shown.activated.emit(panel.shown.findData("alone"))
    assert settle().inspector.shown == "alone"
    assert "no other level" in panel.meaning.text()
    panel.shown.activated.emit(panel.shown.findData("picture"))
    assert settle().frame is None


def test_turned_views_say_calmly_what_the_edges_show(viewer: Viewer, settle) -> None:
    viewer.model.update(inspector=Inspector(True, 16))
    settle()
    panel, edges = panel_of(viewer), viewer.window.edges
    assert panel.note.isHidden()
    viewer.model.update(view=View(rotation_deg=25.0))
    found = settle()
    assert not found.aligned
    assert panel.note.isVisible()
    assert "turned or bent" in panel.note.text()
    assert "in sight" in edges.down.toolTip()
    image = edges.down.image
    assert image.mapRectToScene(image.boundingRect()).height() == pytest.approx(edges.down.height())


def test_gestures_over_the_edges_reach_the_picture(qtbot, viewer: Viewer, settle) -> None:
    from PyQt6.QtTest import QTest

    viewer.model.update(inspector=Inspector(True, 16))
    settle()
    edge = viewer.window.edges.down
    before = viewer.model.state.view
    left = Qt.MouseButton.LeftButton
    target = edge.childAt(QPoint(10, 200)) or edge
    QTest.mousePress(target, left, pos=QPoint(10, 200))
    for y in (190, 170, 150):
        QTest.mouseMove(target, QPoint(20, y))
    QTest.mouseRelease(target, left, pos=QPoint(20, 150))
    assert viewer.model.state.view.center_y > before.center_y


def test_edges_go_with_the_panels_and_leave_the_readout_room(viewer: Viewer, settle) -> None:
    overlays = viewer.canvas.stage.overlays
    overlays.readout_shown = True
    viewer.model.update(inspector=Inspector(True, 16))
    settle()
    assert overlays.left_px == THICK
    assert min(s.x for s in overlays.sprites(viewer.model.canvas_size, 1.0)) > THICK
    viewer.window.show_panels(False)
    assert not viewer.window.edges.down.isVisible()
    assert overlays.left_px == 0
    viewer.window.show_panels(True)
    assert viewer.window.edges.down.isVisible()


def test_it_comes_back_with_a_session(viewer: Viewer, settle) -> None:
    viewer.model.update(inspector=Inspector(True, 32, 9, None, "difference"))
    settle()
    session = viewer.opening.session()
    assert session is not None
    viewer.model.update(inspector=Inspector())
    viewer.opening.restore(session)
    assert viewer.model.state.inspector == Inspector(True, 32, 9, None, "difference")
    assert settle().inspector.level == 32


# without a checkpoint


@pytest.fixture
def window(canvas_kind: type[GlCanvas] | type[RasterCanvas], qtbot: QtBot) -> Iterator[Window]:
    window = Window(qtbot, canvas_kind)
    yield window
    window.close()


def made_up(inspector: Inspector, view: View, size: Size) -> Inspection:
    pixels = np.random.default_rng(0).integers(0, 255, (size.height, size.width, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    down, across = (
        Strip(axis, np.ones((n, 8), dtype=np.float32), 0, 1, 1.0)  # type: ignore[arg-type]
        for axis, n in (("row", size.height), ("column", size.width))
    )
    frame = Frame(view, size, "feature", pixels, 1, (0, 0), 1, 1, settled=True)
    return Inspection(inspector, True, view, size, down, across, frame, 1.0, (1.0,))


def test_both_canvases_lay_it_over_every_frame(window: Window) -> None:
    window.open()
    assert (window.pixels() == window.expected()).all()
    inspection = made_up(Inspector(True), window.model.state.view, Size(WIDTH, HEIGHT))
    assert inspection.frame is not None
    window.model.set_inspection(inspection)
    assert (window.pixels() == inspection.frame.pixels[..., :3]).all()
    window.model.update(sources=(Source(seed=5),))
    window.settle()  # a newer frame goes beneath
    assert (window.pixels() == inspection.frame.pixels[..., :3]).all()
    window.model.set_inspection(None)
    assert (window.pixels() == window.expected()).all()


class Asked:
    """A model with a document, and what is asked of the render thread."""

    def __init__(self) -> None:
        self.model = ViewerModel(ViewerState())
        self.requests: list[tuple[Any, bool]] = []
        self.inspections = Inspections(
            self.model, lambda: self.requests.append((self.model.state, self.model.moving))
        )
        self.model.set_canvas_size(Size(40, 30))
        self.model.set_document(Document("a", None, "0", CONFIG, 1))

    def arrive(self) -> None:
        state = self.model.state
        self.model.set_inspection(made_up(state.inspector, state.view, self.model.canvas_size))


def test_nothing_is_computed_while_it_is_closed() -> None:
    asked = Asked()
    asked.model.update(sources=(Source(seed=3),))
    asked.model.set_canvas_size(Size(50, 50))
    assert asked.requests == []
    assert asked.inspections.current()
    inspecting.toggle(asked.model)
    assert len(asked.requests) == 1
    assert not asked.inspections.current()
    asked.arrive()
    assert asked.inspections.current()
    inspecting.toggle(asked.model)
    assert asked.model.inspection is None


def test_at_rest_the_newest_wish_replaces_the_older() -> None:
    asked = Asked()
    inspecting.toggle(asked.model)
    for seed in range(1, 4):
        asked.model.update(sources=(Source(seed=seed),))
    assert [state.sources[0].seed for state, _ in asked.requests] == [0, 1, 2, 3]
    asked.model.update(loop=True)  # nothing that it depends on
    assert len(asked.requests) == 4


def test_a_long_gesture_sees_drafts_and_ends_settled() -> None:
    asked = Asked()
    inspecting.toggle(asked.model)
    asked.arrive()
    with asked.model.gesture():
        for seed in range(1, 9):
            asked.model.update(sources=(Source(seed=seed),))
            if seed % 4 == 0:
                asked.arrive()
        assert [moving for _, moving in asked.requests[1:]] == [True] * 3
        assert asked.requests[-1][0].sources[0].seed == 8
    assert asked.requests[-1][1] is False
    asked.arrive()
    assert asked.inspections.current()


def test_a_click_that_changes_nothing_leaves_the_look_settled() -> None:
    asked = Asked()
    inspecting.toggle(asked.model)
    asked.arrive()
    with asked.model.gesture():
        pass
    assert len(asked.requests) == 1
    assert asked.inspections.current()


def test_another_document_asks_anew_for_what_it_has() -> None:
    asked = Asked()
    asked.model.update(inspector=Inspector(True, 64, 31))
    asked.arrive()
    small = replace(CONFIG, resolution=16, biline_channels=4)
    asked.model.set_document(Document("b", None, "1", small, 2))
    assert asked.model.inspection is None
    assert len(asked.requests) == 2
    assert inspecting.shown_inspector(asked.model) == Inspector(True, 16, 3)
