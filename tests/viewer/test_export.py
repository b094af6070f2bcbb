"""Exports from the real window with the real renderer: what is saved is what is seen, or nothing at all."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PyQt6.QtCore import Qt, QTimer
from PyQt6.QtWidgets import QApplication

from creps_core.grid import grid_for
from creps_core.image import to_uint8
from creps_core.latents import resolve_ws
from creps_core.renderer import Renderer
from creps_core.session import read_session
from creps_core.source import Source
from creps_core.view import Size, View
from creps_core.warps import Lens
from creps_viewer.application import Viewer
from creps_viewer.options import Options
from creps_viewer.settings import Settings
from creps_viewer.theme import apply_theme

VIEW = View(center_x=Fraction("0.4"), center_y=Fraction("0.6"), log2_zoom=Fraction(1), outside="frame")

BENT = View(log2_zoom=Fraction(2), rotation_deg=14.0, warps=(Lens(0.1, 0.0, 0.3, 1.5),))


@pytest.fixture
def viewer(qtbot, golden, tmp_path: Path) -> Iterator[Viewer]:
    apply_theme(QApplication.instance())
    path = golden("creps-32-conditional-clamped").path
    viewer = Viewer(Options(file=path, device="cpu"), Settings(tmp_path / "settings.ini"), None)
    viewer.canvas.stage.set_animated(False)
    viewer.window.resize(720, 420)
    viewer.window.show()
    viewer.start()
    qtbot.waitUntil(viewer.canvas.stage.settled, timeout=30000)
    yield viewer
    viewer.window.close_at_once()
    viewer.window.deleteLater()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


def rendered(viewer: Viewer, size: Size) -> np.ndarray:
    """What the renderer gives for the viewer's state, [H, W, 3] uint8."""
    state, generator = viewer.model.state, viewer.bridge.engine.generator
    renderer = Renderer(generator, "cpu")
    try:
        plan = renderer.plan(resolve_ws(generator, state.sources, state.mix))
        return to_uint8(renderer.render(plan, grid_for(state.view, size), outside=state.view.outside))
    finally:
        renderer.close()


def fill_in(viewer: Viewer, path: Path, size: Size | None = None):
    """Open the dialog and say what is wanted."""
    viewer.commands.export()
    dialog = viewer.commands.dialog
    dialog.path_field.setText(str(path))
    dialog.follow_suffix(str(path))
    if size is not None:
        dialog.width_field.type_text(str(size.width))
        dialog.height_field.type_text(str(size.height))
    return dialog


@pytest.mark.parametrize(
    ("view", "size"), [(VIEW, Size(150, 90)), (VIEW, Size(61, 140)), (BENT, Size(90, 60))]
)
def test_an_export_equals_the_renderer_and_carries_the_session(qtbot, viewer, folder, view, size):
    viewer.model.update(view=view, sources=(Source(seed=3, label=2, psi=0.8),))
    dialog = fill_in(viewer, folder / "out.png", size)
    with qtbot.waitSignal(viewer.commands.exporter.finished, timeout=30000):
        qtbot.mouseClick(dialog.save_button, Qt.MouseButton.LeftButton)
    with Image.open(folder / "out.png") as picture:
        assert (np.asarray(picture) == rendered(viewer, size)).all()
    session = read_session(folder / "out.png")
    assert (session.view, session.sources, session.size) == (view, viewer.model.state.sources, size)
    assert session.checkpoint.path is None
    assert str(viewer.model.document.path.parent).encode() not in (folder / "out.png").read_bytes()
    assert dialog.status.text() == "Saved out.png."


def test_at_the_window_s_size_the_file_is_the_screen(qtbot, viewer, folder):
    viewer.model.update(view=VIEW)
    qtbot.waitUntil(viewer.canvas.stage.settled, timeout=30000)
    dialog = fill_in(viewer, folder / "screen.png")
    assert dialog.choice.size == viewer.model.canvas_size
    with qtbot.waitSignal(viewer.commands.exporter.finished, timeout=30000):
        dialog.save()
    with Image.open(folder / "screen.png") as picture:
        assert (np.asarray(picture) == viewer.model.frame.pixels[..., :3]).all()


def test_a_picture_dropped_back_restores_what_it_shows(qtbot, viewer, folder):
    viewer.model.update(view=VIEW, sources=(Source(seed=3, label=2, psi=0.8),))
    saved = viewer.model.state
    dialog = fill_in(viewer, folder / "out.png", Size(40, 30))
    with qtbot.waitSignal(viewer.commands.exporter.finished, timeout=30000):
        dialog.save()
    viewer.model.update(view=View(), sources=(Source(seed=0),))
    viewer.opening.open(folder / "out.png")
    assert viewer.model.state == saved


def test_every_format_is_written(qtbot, viewer, folder):
    for kind, suffix in (("png16", ".png"), ("tif8", ".tif"), ("tif32", ".tif"), ("jpg8", ".jpg")):
        path = folder / f"{kind}{suffix}"
        dialog = fill_in(viewer, path, Size(24, 16))
        dialog.format.setCurrentIndex(dialog.format.findData(kind))
        with qtbot.waitSignal(viewer.commands.exporter.finished, timeout=30000):
            dialog.save()
        assert path.stat().st_size > 100
        dialog.close()


def test_a_snapshot_is_saved_without_asking(qtbot, viewer, folder):
    viewer.settings.set_folder("export", folder)
    with qtbot.waitSignal(viewer.commands.exporter.finished, timeout=30000):
        qtbot.mouseClick(viewer.window.header.snapshot_button, Qt.MouseButton.LeftButton)
    names = [path.name for path in folder.iterdir()]
    assert names == ["creps-32-conditional-clamped-seed0.png"]
    assert names[0] in viewer.window.notices.message


def test_cancelling_is_quick_and_leaves_nothing_while_the_window_stays_alive(qtbot, viewer, folder):
    ticks: list[float] = []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    dialog = fill_in(viewer, folder / "huge.png", Size(30000, 30000))
    exporter = viewer.commands.exporter
    with qtbot.waitSignal(exporter.progressed, timeout=60000):
        dialog.save()
    timer.start(10)
    qtbot.waitUntil(lambda: len(ticks) > 20)  # the loop turns while the export runs
    assert exporter.busy
    began = time.monotonic()
    with qtbot.waitSignal(exporter.cancelled, timeout=10000):
        dialog.reject()
    assert time.monotonic() - began < 1.0  # 0.1 s on a machine of one's own
    exporter.stop()
    assert list(folder.iterdir()) == []
    assert dialog.isVisible()
    assert dialog.status.text() == "Stopped; nothing was written."


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere/out.png", "does not exist"), ("out.bmp", ".bmp"), (".", "")],
)
def test_an_impossible_target_is_said_before_anything_is_computed(viewer, folder, name, words):
    dialog = fill_in(viewer, folder / name)
    dialog.save()
    assert not viewer.commands.exporter.busy
    assert dialog.status.property("bad") is True
    assert words in dialog.status.text()
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_said_and_the_earlier_file_stays(qtbot, viewer, folder):
    resource = pytest.importorskip("resource")
    path = folder / "out.tif"
    path.write_bytes(b"the earlier picture")
    dialog = fill_in(viewer, path, Size(400, 400))
    dialog.format.setCurrentIndex(dialog.format.findData("tif32"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with qtbot.waitSignal(viewer.commands.exporter.failed, timeout=30000) as failed:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, limits[1]))
        try:
            dialog.save()
            viewer.commands.exporter._thread.join(30)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "out.tif" in failed.args[0]
    assert list(folder.iterdir()) == [path]
    assert path.read_bytes() == b"the earlier picture"


def choose(dialog, kind: str) -> None:
    dialog.format.setCurrentIndex(dialog.format.findData(kind))
    dialog._use_format()


@pytest.mark.parametrize("kind", ["dzi8", "pyr8"])
def test_tiles_are_saved_and_open_again(qtbot, viewer, folder, kind):
    viewer.model.update(view=VIEW)
    dialog = fill_in(viewer, folder / "out.png", Size(150, 90))
    choose(dialog, kind)
    path = dialog.choice.path
    assert path.name == {"dzi8": "out.dzi", "pyr8": "out.tif"}[kind]
    with qtbot.waitSignal(viewer.commands.exporter.finished, timeout=30000):
        dialog.save()
    with Image.open(path if kind == "pyr8" else folder / "out_files" / "8" / "0_0.png") as picture:
        assert (np.asarray(picture) == rendered(viewer, Size(150, 90))).all()
    viewer.model.update(view=View())
    viewer.opening.open(path)
    assert viewer.model.state.view == VIEW


def test_stopped_tiles_are_kept_and_the_same_export_goes_on(qtbot, viewer, folder):
    dialog = fill_in(viewer, folder / "out.dzi", Size(1500, 1400))
    exporter, shares = viewer.commands.exporter, []
    with qtbot.waitSignal(exporter.progressed, timeout=30000):
        dialog.save()
    with qtbot.waitSignal(exporter.cancelled, timeout=10000):
        dialog.reject()
    exporter.stop()
    assert "is kept" in dialog.status.text()
    assert [entry.name for entry in folder.iterdir()] == ["out.dzi.part"]
    exporter.progressed.connect(lambda share, _left: shares.append(share))
    with qtbot.waitSignal(exporter.finished, timeout=60000):
        dialog.save()
    assert shares[-1] == 1
    assert {path.name for path in folder.iterdir()} == {
        "out.dzi",
        "out.html",
        "out.session.json",
        "out_files",
    }


def test_a_sheet_of_seeds_is_saved(qtbot, viewer, folder):
    dialog = fill_in(viewer, folder / "sheet.png")
    row = dialog.sheet_row
    assert not row.seeds.isVisible()
    row.what.setCurrentIndex(1)
    row.what.activated.emit(1)
    assert row.seeds.isVisible()
    assert (dialog.width_field.value, dialog.height_field.value) == (256, 256)
    row.seeds.setText("none")
    dialog.save()
    assert "list of seeds" in dialog.status.text()
    row.seeds.setText("3-5")
    row.columns.type_text("3")
    for field in (dialog.width_field, dialog.height_field):
        field.type_text("32")
    with qtbot.waitSignal(viewer.commands.exporter.finished, timeout=30000):
        dialog.save()
    viewer.model.update(sources=(Source(seed=4),))
    with Image.open(folder / "sheet.png") as picture:
        assert picture.size == (3 * 36 - 4, 32 + 14)
        assert (np.asarray(picture)[:32, 36:68] == rendered(viewer, Size(32, 32))).all()
    assert read_session(folder / "sheet.png").sources == (Source(seed=3),)


@pytest.mark.parametrize("agree", [True, False])
def test_closing_during_an_export_asks(qtbot, viewer, folder, agree):
    dialog = fill_in(viewer, folder / "huge.png", Size(30000, 30000))
    with qtbot.waitSignal(viewer.commands.exporter.progressed, timeout=60000):
        dialog.save()
    asked: list[str] = []

    def answer(question: str, yes: str, no: str) -> bool:
        asked.append(question)
        return agree

    viewer.window.ask = answer
    viewer.window.close()
    assert len(asked) == 1
    assert viewer.window.isVisible() is not agree
    assert viewer.commands.exporter.busy is not agree
    viewer.commands.exporter.stop()
    assert list(folder.iterdir()) == []


def test_a_typed_size_is_another_size_and_bad_ones_are_refused(qtbot, viewer, folder):
    dialog = fill_in(viewer, folder / "out.png")
    dialog.width_field.type_text("77")
    assert dialog.preset.currentData() == "custom"
    dialog.height_field.type_text("0")
    assert dialog.choice.size == Size(77, viewer.model.canvas_size.height)
    index = dialog.preset.findData("square")
    dialog.preset.setCurrentIndex(index)
    dialog.preset.activated.emit(index)
    assert dialog.choice.size == Size(2048, 2048)


def test_the_class_chosen_in_the_panel_is_the_class_that_is_drawn(qtbot, viewer):
    panel = viewer.window.sidebar.sections["Source"].panel
    assert panel.label.isVisible()
    before = viewer.model.frame.pixels
    panel.label.field.type_text("2")
    qtbot.waitUntil(
        lambda: viewer.model.frame.settled and viewer.model.frame.pixels is not before, timeout=30000
    )
    shown = viewer.model.frame
    assert viewer.model.state.sources[0].label == 2
    assert (shown.pixels != before).any()
    assert (shown.pixels[..., :3] == rendered(viewer, shown.size)).all()
