"""The seed sheet: lazy pictures, endless scrolling, picking A and B by pointer and keys."""

from __future__ import annotations

import threading

import pytest
from PyQt6.QtCore import Qt

from creps_core.source import MAX_SEED, Source
from creps_viewer.model.request import SideRequest
from creps_viewer.model.state import Document, ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from creps_viewer.panels.seed_grid import CELL_PX, KEY
from creps_viewer.panels.seed_sheet import SeedSheet
from tests.viewer.fakes import CONFIG, FakeEngine, FakeOpener
from tests.viewer.people import type_into

LEFT = Qt.MouseButton.LeftButton
SHIFT = Qt.KeyboardModifier.ShiftModifier


class Asked:
    """What the sheet has asked for and not dropped."""

    def __init__(self, model: ViewerModel) -> None:
        self.requests: dict[str, SideRequest] = {}
        model.side.wanted.connect(self._wanted)
        model.side.dropped.connect(self._dropped)

    def _wanted(self, request: SideRequest) -> None:
        self.requests[request.key] = request

    def _dropped(self, key: str) -> None:
        self.requests.pop(key, None)

    @property
    def seeds(self) -> list[int]:
        return [int(key.removeprefix(KEY)) for key in self.requests]


@pytest.fixture
def model() -> ViewerModel:
    model = ViewerModel(ViewerState(sources=(Source(seed=3, psi=0.7),)))
    model.set_document(Document("trial", None, "0" * 64, CONFIG, 1))
    return model


@pytest.fixture
def asked(model) -> Asked:
    return Asked(model)


@pytest.fixture
def sheet(qtbot, model, asked) -> SeedSheet:
    sheet = SeedSheet(None, model)
    qtbot.addWidget(sheet)
    sheet.show()
    qtbot.waitExposed(sheet)
    return sheet


def test_only_what_can_be_seen_is_asked_for_with_the_truncation_of_a(model, asked, sheet) -> None:
    seen = sheet.grid.visible_seeds()
    assert asked.seeds == seen
    assert seen[: sheet.grid.columns] == list(range(sheet.grid.columns))
    assert len(seen) < 50
    assert {request.sources for request in asked.requests.values()} == {
        (Source(seed=seed, psi=0.7),) for seed in seen
    }
    model.update(sources=(Source(seed=3, psi=0.2), Source(seed=4)))
    assert {request.sources[0].psi for request in asked.requests.values()} == {0.2}


def test_what_scrolls_away_is_dropped_and_there_is_no_end(asked, sheet) -> None:
    bar = sheet.grid.verticalScrollBar()
    for _ in range(30):
        before = bar.maximum()
        bar.setValue(bar.maximum())
        assert sorted(asked.seeds) == sorted(sheet.grid.visible_seeds())
        assert bar.maximum() > before
    assert min(asked.seeds) > 1000


def test_a_closed_sheet_asks_for_nothing(model, asked, sheet) -> None:
    sheet.close()
    assert asked.seeds == []
    model.update(sources=(Source(seed=3, psi=0.1),))
    assert asked.seeds == []
    sheet.show()
    assert asked.seeds == sheet.grid.visible_seeds()


def test_a_click_picks_a_and_with_shift_b(qtbot, model, sheet) -> None:
    grid = sheet.grid
    qtbot.mouseClick(grid.viewport(), LEFT, pos=grid.cell(7).center())
    assert model.state.sources == (Source(seed=7, psi=0.7),)
    qtbot.mouseClick(grid.viewport(), LEFT, SHIFT, pos=grid.cell(9).center())
    assert [source.seed for source in model.state.sources] == [7, 9]
    between = (
        grid.cell(0).bottomRight() + (grid.cell(grid.columns + 1).topLeft() - grid.cell(0).bottomRight()) / 2
    )
    qtbot.mouseClick(grid.viewport(), LEFT, pos=between)
    assert model.state.sources[0].seed == 7
    model.undo()
    model.undo()
    assert model.state.sources == (Source(seed=3, psi=0.7),)


def test_it_works_by_keys(qtbot, model, sheet) -> None:
    grid = sheet.grid
    grid.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down):
        qtbot.keyClick(grid, key)
    qtbot.keyClick(grid, Qt.Key.Key_Return)
    assert model.state.sources[0].seed == grid.columns + 1
    for _ in range(3):
        qtbot.keyClick(grid, Qt.Key.Key_PageDown)
    assert grid.viewport().rect().contains(grid.cell(grid.marked))
    qtbot.keyClick(grid, Qt.Key.Key_Return, SHIFT)
    assert model.state.sources[1].seed == grid.marked
    qtbot.keyClick(grid, Qt.Key.Key_PageUp)
    assert grid.viewport().rect().contains(grid.cell(grid.marked))


def test_it_can_begin_anywhere_and_wraps_around(qtbot, model, asked, sheet) -> None:
    type_into(qtbot, sheet.start, str(MAX_SEED))
    assert sheet.grid.visible_seeds()[:3] == [MAX_SEED, 0, 1]
    assert sorted(asked.seeds) == sorted(sheet.grid.visible_seeds())


@pytest.mark.parametrize(("width", "height"), [(CELL_PX + 80, 300), (1200, 700)])
def test_it_fits_any_size(asked, sheet, width: int, height: int) -> None:
    sheet.resize(width, height)
    grid = sheet.grid
    assert grid.cell(0).left() >= 0
    assert grid.cell(grid.columns - 1).right() <= grid.viewport().width()
    assert sorted(asked.seeds) == sorted(grid.visible_seeds())


def test_in_the_window_pictures_come_and_the_main_picture_comes_first(qtbot, make_viewer) -> None:
    engine = FakeEngine()
    viewer = make_viewer(FakeOpener(engine))
    viewer.canvas.setFocus()
    qtbot.keyClick(viewer.canvas, Qt.Key.Key_S)
    sheet = viewer.commands.seeds
    qtbot.waitUntil(lambda: len(sheet.grid.images) == len(sheet.grid.visible_seeds()))
    assert sheet.grid.images[1] != sheet.grid.images[2]
    engine.gate = threading.Semaphore(0)
    sheet.grid.go_to(1000)
    assert engine.waiting.acquire(timeout=5)  # a small picture is being made
    engine.requests.clear()
    viewer.model.update(sources=(Source(seed=55),))
    for _ in range(4):
        engine.gate.release()
    qtbot.waitUntil(lambda: viewer.model.frame.latents == "seed 55")
    assert engine.requests[0][1] == viewer.model.canvas_size
    engine.gate.release(1000)
    qtbot.waitUntil(lambda: len(sheet.grid.images) >= len(sheet.grid.visible_seeds()))
