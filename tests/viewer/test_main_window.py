"""The whole window, real but for the network: files, sessions, keys, layout, and what goes wrong."""

from __future__ import annotations

import threading

import pytest
from PyQt6.QtCore import QMimeData, QPoint, Qt, QUrl
from PyQt6.QtGui import QDragEnterEvent, QGuiApplication
from PyQt6.QtWidgets import QApplication

from creps_core.source import Source
from creps_core.view import View
from creps_viewer.application import Viewer
from creps_viewer.options import Options
from creps_viewer.settings import Settings
from creps_viewer.theme import apply_theme
from tests.viewer.fakes import FakeEngine, FakeOpener
from tests.viewer.people import SOMEWHERE, drop


def test_a_file_on_the_command_line_is_opened_with_its_flags(make_viewer):
    viewer = make_viewer(seed=9, psi=0.5)
    assert viewer.model.state.sources == (Source(seed=9, psi=0.5),)
    assert viewer.window.windowTitle().startswith("trial")
    assert viewer.window.header.export_button.isEnabled()


def test_a_dropped_checkpoint_replaces_the_picture_and_keeps_the_view(qtbot, make_viewer, tmp_path):
    viewer = make_viewer()
    viewer.model.update(view=SOMEWHERE.view)
    other = tmp_path / "other.pkl"
    other.write_bytes(b"another")
    with qtbot.waitSignal(viewer.bridge.opened):
        drop(viewer, other)
    assert viewer.model.document.name == "other"
    assert viewer.model.state.view == SOMEWHERE.view


def test_a_hostile_file_is_a_sentence_and_the_picture_stays(qtbot, make_viewer, tmp_path):
    viewer = make_viewer()
    frame = viewer.model.frame
    bad = tmp_path / "bad.pkl"
    bad.write_bytes(b"\x80\x04cos\nsystem\n.")
    with qtbot.waitSignal(viewer.bridge.open_failed):
        drop(viewer, bad)
    assert viewer.window.notices.isVisible()
    assert viewer.window.notices.level == "error"
    assert viewer.window.notices.message == "bad.pkl is not a checkpoint."
    assert viewer.model.frame is frame
    assert viewer.model.document.name == "trial"
    viewer.model.update(sources=(Source(seed=5),))  # and the window lives on
    qtbot.waitUntil(lambda: viewer.model.frame.latents == "seed 5")


@pytest.mark.parametrize(("count", "accepted"), [(1, True), (2, False)])
def test_one_file_at_a_time_may_be_dragged_over_the_window(make_viewer, tmp_path, count, accepted):
    viewer = make_viewer()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / f"{n}.pkl")) for n in range(count)])
    event = QDragEnterEvent(
        QPoint(100, 100),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    event.ignore()
    viewer.window.dragEnterEvent(event)
    assert event.isAccepted() is accepted


@pytest.mark.parametrize("name", ["notes.txt", "photo.jpg", "archive"])
def test_other_files_are_refused_by_name(make_viewer, tmp_path, name):
    viewer = make_viewer()
    (tmp_path / name).write_text("hello")
    drop(viewer, tmp_path / name)
    assert name in viewer.window.notices.message
    assert viewer.model.document.name == "trial"


def test_a_missing_file_on_the_command_line_leaves_a_window_with_a_message(qtbot, make_viewer, tmp_path):
    viewer = make_viewer(file=tmp_path / "bad.pkl", wait=False)
    qtbot.waitUntil(lambda: viewer.model.message is not None and viewer.model.message.action == "open")
    assert "bad.pkl" in viewer.model.message.text.lower()
    assert not viewer.window.header.export_button.isEnabled()


def test_the_copied_picture_is_the_frame(make_viewer):
    viewer = make_viewer()
    viewer.commands.copy_picture()
    image = QGuiApplication.clipboard().image()
    pixels = viewer.model.frame.pixels
    assert (image.height(), image.width()) == pixels.shape[:2]
    for x, y in ((0, 0), (300, 200), (image.width() - 1, image.height() - 1)):
        colour = image.pixelColor(x, y)
        assert (colour.red(), colour.green(), colour.blue()) == tuple(pixels[y, x, :3])


def test_recent_files_persist_and_missing_ones_are_grey(qtbot, make_viewer, tmp_path, checkpoint):
    make_viewer().window.close()
    other = tmp_path / "other.pkl"
    other.write_bytes(b"another")
    make_viewer(file=other).window.close()
    other.unlink()
    viewer = make_viewer(file=checkpoint)
    menu = recent_menu(viewer)
    entries = [
        (action.text(), action.isEnabled()) for action in menu.actions() if action.toolTip().startswith("/")
    ]
    assert entries == [("trial.safetensors", True), ("other.pkl", False)]


def recent_menu(viewer: Viewer):
    from creps_viewer.actions import RecentMenu

    menu = viewer.window.findChild(RecentMenu)
    menu.fill()
    return menu


def test_the_layout_is_remembered(make_viewer):
    viewer = make_viewer()
    viewer.window.resize(1000, 640)
    viewer.window.sidebar.sections["View"].set_folded(True)
    viewer.window.close()
    again = make_viewer()
    assert (again.window.width(), again.window.height()) == (1000, 640)
    assert again.window.sidebar.sections["View"].folded
    assert not again.window.sidebar.sections["Source"].folded


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff\x13garbage",
        b"[window]\ngeometry=@ByteArray(x)\npanels=perhaps\n[recent]\nfiles=@Variant(\x00)",
    ],
)
def test_damaged_settings_cost_the_layout_and_nothing_more(make_viewer, tmp_path, content):
    (tmp_path / "settings.ini").write_bytes(content)
    viewer = make_viewer()
    assert viewer.window.isVisible()
    assert viewer.window.panels_visible


def test_hiding_the_panels_keeps_zoom_and_middle(qtbot, make_viewer):
    viewer = make_viewer()
    viewer.model.update(view=SOMEWHERE.view)
    narrow = viewer.model.canvas_size
    qtbot.keyClick(viewer.window, Qt.Key.Key_F9)
    qtbot.waitUntil(lambda: viewer.model.canvas_size.width > narrow.width)
    assert not viewer.window.header.isVisible()
    assert viewer.model.state.view == SOMEWHERE.view
    qtbot.keyClick(viewer.window, Qt.Key.Key_F9)
    qtbot.waitUntil(lambda: viewer.model.canvas_size == narrow)


def test_tab_on_the_canvas_hides_the_panels(qtbot, make_viewer):
    viewer = make_viewer()
    viewer.canvas.setFocus()
    qtbot.keyClick(viewer.canvas, Qt.Key.Key_Tab)
    assert not viewer.window.panels_visible
    qtbot.keyClick(viewer.canvas, Qt.Key.Key_Tab)
    assert viewer.window.panels_visible


def test_escape_leaves_full_screen_then_closes_the_notice(qtbot, make_viewer):
    viewer = make_viewer()
    viewer.model.notice.emit("error", "Something to read.")
    viewer.window.toggle_full_screen()
    assert viewer.window.isFullScreen()
    for shown in (True, False):
        qtbot.keyClick(viewer.canvas, Qt.Key.Key_Escape)
        assert not viewer.window.isFullScreen()
        assert viewer.window.notices.isVisible() is shown


def test_undo_and_redo_by_keys(qtbot, make_viewer):
    viewer = make_viewer()
    viewer.model.update(sources=(Source(seed=1),))
    qtbot.keyClick(viewer.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert viewer.model.state.sources == (Source(seed=0),)
    qtbot.keyClick(viewer.window, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert viewer.model.state.sources == (Source(seed=1),)


def test_a_long_name_leaves_room_for_the_menus_and_buttons(qtbot, make_viewer, tmp_path):
    path = tmp_path / f"{'a-long-name-' * 8}.pkl"
    path.write_bytes(b"long")
    viewer = make_viewer(file=path)
    viewer.window.resize(viewer.window.minimumSize())
    header = viewer.window.header
    qtbot.waitUntil(lambda: header.width() == viewer.canvas.width() == 480)
    assert header.export_button.geometry().right() < header.width()
    assert header.layout().minimumSize().width() <= header.width()


def test_a_drag_that_begins_on_the_header_moves_the_picture(qtbot, make_viewer):
    viewer = make_viewer()
    header = viewer.window.header
    free = (QPoint(x, 4) for x in range(100, header.width()))
    start = next(point for point in free if header.childAt(point) is None)
    before = viewer.model.state.view
    qtbot.mousePress(header, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 6):
        qtbot.mouseMove(header, start + QPoint(10 * step, 0))
    qtbot.mouseRelease(header, Qt.MouseButton.LeftButton, pos=start)
    assert viewer.model.state.view != before


def test_closing_while_a_picture_is_being_made_leaves_no_thread(qtbot, make_viewer):
    engine = FakeEngine()
    viewer = make_viewer(FakeOpener(engine))
    engine.gate = threading.Semaphore(0)
    viewer.model.update(sources=(Source(seed=1),))
    assert engine.waiting.acquire(timeout=5)
    viewer.window.close()
    assert not [t for t in threading.enumerate() if t.name in ("creps-render", "creps-load")]


def test_an_unexpected_fault_is_a_notice_and_the_window_lives(make_viewer, caplog):
    import sys

    from creps_viewer.application import _install_excepthook

    viewer = make_viewer()
    before = sys.excepthook
    try:
        _install_excepthook(viewer.model)
        sys.excepthook(ValueError, ValueError("the unthinkable"), None)
    finally:
        sys.excepthook = before
    assert "the unthinkable" in viewer.window.notices.message
    assert "the unthinkable" in caplog.text
    assert viewer.window.isVisible()


def test_the_first_start_glides_home_and_says_how_to_move(qtbot, make_viewer, tmp_path, checkpoint):
    apply_theme(QApplication.instance())
    viewer = Viewer(
        Options(), Settings(tmp_path / "new.ini"), tmp_path / "new.json", FakeOpener(FakeEngine())
    )
    zooms: list[float] = []
    viewer.model.changed.connect(lambda _old, new: zooms.append(new.view.zoom))
    try:
        viewer.window.show()
        viewer.start()
        qtbot.waitUntil(lambda: viewer.model.state.view == View() and len(zooms) > 2, timeout=8000)
    finally:
        viewer.window.close_at_once()
    assert zooms[0] == pytest.approx(1.3)
    assert zooms == sorted(zooms, reverse=True)
