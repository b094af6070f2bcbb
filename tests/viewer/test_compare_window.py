"""Comparing in the whole window: button, keys, bar, files that are compared with, sessions."""

from __future__ import annotations

from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QPushButton, QToolButton

from creps_core.cancel import CancelToken
from creps_core.checkpoint_ref import CheckpointRef
from creps_core.comparison import Comparison
from creps_core.errors import RunError
from creps_core.session import Session, read_session, write_session
from creps_core.source import Source
from creps_core.view import Size, View, log2_of
from creps_viewer.application import Viewer
from creps_viewer.panels.compare_bar import psnr_text
from creps_viewer.service.engine import Opened, Progress
from tests.viewer.fakes import FakeEngine
from tests.viewer.people import drop, type_into

SHIFT = Qt.KeyboardModifier.ShiftModifier


class TwoEngines:
    """Opens files as engines of their own, told apart by name; files named bad* fail."""

    def __init__(self) -> None:
        self.engines: dict[str, FakeEngine] = {}

    def __call__(self, path: Path, progress: Progress, cancel: CancelToken) -> Opened:
        if path.name.startswith("bad"):
            raise RunError(f"{path.name} is not a checkpoint")
        progress(1, 2)
        engine = self.engines[path.stem] = FakeEngine()
        return Opened(path.stem, path, path.stem.ljust(64, "0"), engine)


@pytest.fixture
def opener() -> TwoEngines:
    return TwoEngines()


@pytest.fixture
def viewer(make_viewer, opener) -> Viewer:
    return make_viewer(opener)


@pytest.fixture
def other(tmp_path) -> Path:
    path = tmp_path / "other.pkl"
    path.write_bytes(b"another checkpoint")
    return path


def press(qtbot, viewer, key, modifiers=Qt.KeyboardModifier.NoModifier) -> None:
    viewer.canvas.setFocus()
    qtbot.keyClick(viewer.canvas, key, modifiers)


def settle(qtbot, viewer) -> None:
    qtbot.waitUntil(viewer.canvas.stage.settled)


def test_everything_by_keyboard(qtbot, viewer):
    model = viewer.model
    press(qtbot, viewer, Qt.Key.Key_C)
    assert model.state.compare == Comparison(sources=(Source(seed=1),))
    press(qtbot, viewer, Qt.Key.Key_Comma)
    assert model.state.compare.wipe == pytest.approx(0.48)
    press(qtbot, viewer, Qt.Key.Key_Period)
    press(qtbot, viewer, Qt.Key.Key_Period)
    assert model.state.compare.wipe == pytest.approx(0.52)
    press(qtbot, viewer, Qt.Key.Key_X)
    assert model.state.compare.layout == "side"
    press(qtbot, viewer, Qt.Key.Key_U)
    assert not model.state.compare.linked
    press(qtbot, viewer, Qt.Key.Key_U)
    assert model.state.compare.linked
    press(qtbot, viewer, Qt.Key.Key_C, SHIFT)
    assert model.state.compare.shows == "residual"
    settle(qtbot, viewer)
    assert "dB" in viewer.window.compare_bar.status.text()
    press(qtbot, viewer, Qt.Key.Key_C, SHIFT)
    assert model.state.compare is None
    settle(qtbot, viewer)


def test_the_headers_button_and_the_menu(qtbot, viewer):
    viewer.window.resize(1280, 720)
    header, model = viewer.window.header, viewer.model
    qtbot.waitUntil(header.compare_button.isVisible)
    qtbot.mouseClick(header.compare_button, Qt.MouseButton.LeftButton)
    assert model.state.compare is not None
    assert header.compare_button.isChecked()
    assert viewer.commands.menus.actions["compare"].isChecked()
    qtbot.mouseClick(header.compare_button, Qt.MouseButton.LeftButton)
    assert model.state.compare is None
    assert not header.compare_button.isChecked()
    assert not viewer.commands.menus.actions["wipe_left"].isEnabled()


def test_the_mixs_second_source_is_compared_with(viewer):
    viewer.model.update(sources=(Source(seed=3), Source(seed=1017, psi=0.5)))
    viewer.commands.menus.actions["compare_mix"].trigger()
    assert viewer.model.state.compare.sources == (Source(seed=1017, psi=0.5),)


def test_the_bar(qtbot, viewer):
    bar, model = viewer.window.compare_bar, viewer.model
    assert not bar.isVisible()
    press(qtbot, viewer, Qt.Key.Key_C)
    assert bar.isVisible()
    type_into(qtbot, bar.seed, "42")
    assert model.state.compare.sources == (Source(seed=42),)
    bar.random.click()
    assert model.state.compare.sources[0].seed == bar.seed.value != 42
    bar.side.click()
    bar.linked.click()
    assert (model.state.compare.layout, model.state.compare.linked) == ("side", False)
    bar.residual.click()
    assert (model.state.compare.shows, bar.seed.isVisible()) == ("residual", False)
    bar.residual.click()
    assert (model.state.compare.shows, bar.seed.isVisible()) == ("picture", True)
    bar.close_button.click()
    assert model.state.compare is None
    assert not bar.isVisible()
    for _ in range(8):
        model.undo()
    assert model.state.compare is None
    model.redo()
    assert model.state.compare == Comparison(sources=(Source(seed=1),))
    settle(qtbot, viewer)


def test_the_bar_and_its_words_fit_every_window(qtbot, viewer):
    press(qtbot, viewer, Qt.Key.Key_C)
    window, bar = viewer.window, viewer.window.compare_bar
    for size in (window.minimumSize(), Size(1280, 720), Size(3840, 2160)):
        wide, high = (size.width, size.height) if isinstance(size, Size) else (size.width(), size.height())
        window.resize(wide, high)
        qtbot.waitUntil(lambda w=wide: abs(window.canvas.width() - (w - 320)) <= 2)
        assert bar.x() >= 0
        assert bar.geometry().right() < window.canvas.width()
        shown = [b for b in bar.findChildren(QPushButton) if b.isVisible()]
        assert {"Residual × 10", "Side by side", "Linked"} <= {button.text() for button in shown}
        for button in (*shown, *bar.findChildren(QToolButton)):
            assert button.toolTip()
            assert button.width() >= button.sizeHint().width()
    assert bar.random.isVisible()
    window.resize(800, 500)
    settle(qtbot, viewer)


def test_two_checkpoints(qtbot, viewer, opener, other):
    viewer.commands.comparisons.compare_with(other)
    qtbot.waitUntil(lambda: viewer.model.state.compare is not None)
    settle(qtbot, viewer)
    assert viewer.model.state.compare.checkpoint == CheckpointRef.of(other, "other".ljust(64, "0"))
    assert viewer.model.second.document == "other"
    first, second = opener.engines["trial"], opener.engines["other"]
    assert second.requests
    viewer.model.update(sources=(Source(seed=4),))  # both follow
    settle(qtbot, viewer)
    assert viewer.model.second.frame.latents == "seed 4"
    viewer.model.update(compare=None)
    qtbot.waitUntil(lambda: second.closed == 1)
    assert first.closed == 0
    viewer.model.undo()  # it is opened again
    settle(qtbot, viewer)
    assert opener.engines["other"] is not second
    assert viewer.model.document.name == "trial"


@pytest.mark.parametrize("before", [None, Comparison(sources=(Source(seed=5),))])
def test_a_broken_second_checkpoint_leaves_the_first_usable(qtbot, viewer, tmp_path, before):
    bad = tmp_path / "bad.pkl"
    bad.write_bytes(b"broken")
    viewer.model.update(compare=before)
    settle(qtbot, viewer)
    viewer.commands.comparisons.compare_with(bad)
    qtbot.waitUntil(lambda: "bad.pkl" in viewer.window.notices.message)
    assert viewer.window.notices.message == "bad.pkl is not a checkpoint."
    assert viewer.model.state.compare == before
    viewer.model.update(view=View(log2_zoom=log2_of(2)))
    settle(qtbot, viewer)
    assert viewer.model.document.name == "trial"
    assert viewer.model.message is None


def test_moving_on_does_not_stop_what_is_being_opened(qtbot, viewer, other):
    viewer.commands.comparisons.compare_with(other)
    viewer.model.update(view=View(log2_zoom=log2_of(2)))
    qtbot.waitUntil(lambda: viewer.model.second.document == "other")
    settle(qtbot, viewer)


def test_the_open_checkpoint_is_not_opened_twice(qtbot, viewer, opener, checkpoint):
    only = opener.engines["trial"]
    viewer.commands.comparisons.compare_with(checkpoint)
    settle(qtbot, viewer)
    assert viewer.model.state.compare == Comparison()
    assert opener.engines == {"trial": only}


def test_two_sessions(qtbot, viewer, opener, checkpoint, other, tmp_path):
    there = View(log2_zoom=log2_of(4))
    for path, sha256 in ((checkpoint, "trial".ljust(64, "0")), (other, "other".ljust(64, "0"))):
        session = Session(CheckpointRef(path.name, sha256, str(path)), sources=(Source(seed=9),), view=there)
        write_session(tmp_path / "saved.json", session)
        viewer.commands.comparisons.compare_with(tmp_path / "saved.json")
        qtbot.waitUntil(lambda: viewer.model.state.compare is not None)
        settle(qtbot, viewer)
        compare = viewer.model.state.compare
        assert (compare.sources, compare.linked) == ((Source(seed=9),), True)
        assert viewer.model.second.frame.view == View()
        press(qtbot, viewer, Qt.Key.Key_U)
        settle(qtbot, viewer)
        assert viewer.model.second.frame.view == there
        viewer.model.update(compare=None)
    assert set(opener.engines) == {"trial", "other"}


@pytest.mark.parametrize("content", ["", '{"format": 99, "checkpoint": {"name": "x"}}'])
def test_a_session_that_cannot_be_read_changes_nothing(qtbot, viewer, tmp_path, content):
    (tmp_path / "odd.json").write_text(content)
    viewer.commands.comparisons.compare_with(tmp_path / "odd.json")
    assert "odd.json" in viewer.window.notices.message
    assert viewer.model.state.compare is None


def test_a_session_whose_checkpoint_is_gone_says_so(viewer, tmp_path):
    write_session(tmp_path / "saved.json", Session(CheckpointRef("faces.pkl", "f" * 64)))
    viewer.commands.comparisons.compare_with(tmp_path / "saved.json")
    assert "faces.pkl" in viewer.window.notices.message
    assert viewer.model.state.compare is None


def test_a_session_brings_the_comparison_back(qtbot, viewer, other, tmp_path):
    viewer.commands.comparisons.compare_with(other)
    qtbot.waitUntil(lambda: viewer.model.state.compare is not None)
    press(qtbot, viewer, Qt.Key.Key_X)
    compared = viewer.model.state
    write_session(tmp_path / "saved.json", viewer.opening.session())
    assert read_session(tmp_path / "saved.json").compare == compared.compare
    viewer.model.update(compare=None)
    drop(viewer, tmp_path / "saved.json")
    assert viewer.model.state == compared
    settle(qtbot, viewer)
    assert viewer.model.second.document == "other"


def test_the_next_start_compares_again(qtbot, make_viewer, opener, checkpoint):
    viewer = make_viewer(opener)
    press(qtbot, viewer, Qt.Key.Key_C)
    compare = viewer.model.state.compare
    viewer.window.close_at_once()
    again = make_viewer(opener, file=None)
    assert again.model.state.compare == compare
    assert again.window.compare_bar.isVisible()


def test_another_checkpoint_is_opened_while_comparing(qtbot, viewer, opener, other):
    press(qtbot, viewer, Qt.Key.Key_C)
    settle(qtbot, viewer)
    with qtbot.waitSignal(viewer.bridge.opened):
        viewer.opening.open_checkpoint(other)
    settle(qtbot, viewer)
    assert opener.engines["other"].requests
    assert viewer.model.second.settled
    assert opener.engines["trial"].closed == 1


def test_hidden_panels_hide_the_bar_and_not_the_comparison(qtbot, viewer):
    press(qtbot, viewer, Qt.Key.Key_C)
    viewer.window.toggle_panels()
    assert not viewer.window.compare_bar.isVisible()
    assert viewer.model.state.compare is not None
    viewer.window.toggle_panels()
    assert viewer.window.compare_bar.isVisible()
    settle(qtbot, viewer)


def test_figures_are_read_easily():
    assert psnr_text(41.26) == "PSNR 41.3 dB"
    assert psnr_text(float("inf")) == "no difference"
