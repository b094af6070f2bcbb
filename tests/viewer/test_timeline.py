"""The timeline in a real window: keyframes by key and button, edited by hand, played, filmed, restored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication

from creps_core.keyframe import Keyframe
from creps_core.session import read_session
from creps_core.source import Source
from creps_core.view import Size, View
from creps_viewer.application import Viewer
from creps_viewer.model import timeline
from creps_viewer.options import Options
from creps_viewer.settings import Settings
from creps_viewer.theme import apply_theme
from tests.core.test_video import psnr, read_video
from tests.viewer.people import drop, type_into
from tests.viewer.window import Clock

LEFT = Qt.MouseButton.LeftButton
VIEWS = [View(), View.from_zoom(4, center_x=Fraction("0.4")), View.from_zoom(12, rotation_deg=90)]


@pytest.fixture
def viewer(make_viewer) -> Viewer:
    return make_viewer()


def three_keyframes(viewer: Viewer) -> None:
    for view in VIEWS:
        viewer.model.update(view=view)
        viewer.window.timeline.add_keyframe()


def zooms(viewer: Viewer) -> list[float]:
    return [frame.view.zoom for frame in viewer.model.state.keyframes]


def test_the_drawer_appears_with_the_first_keyframe_and_goes_with_the_last(qtbot, viewer: Viewer) -> None:
    drawer, canvas = viewer.window.timeline, viewer.canvas
    assert not drawer.isVisible()
    canvas.setFocus()
    qtbot.keyClick(canvas, Qt.Key.Key_K)
    assert drawer.isVisible()
    assert [frame.view for frame in viewer.model.state.keyframes] == [View()]
    viewer.window.toggle_panels()
    assert not drawer.isVisible()
    viewer.window.toggle_panels()
    assert drawer.isVisible()
    drawer.cards[0].setFocus()
    qtbot.keyClick(drawer.cards[0], Qt.Key.Key_Delete)
    assert not drawer.isVisible()
    viewer.model.undo()
    assert drawer.isVisible()


def test_thumbnails_come_and_say_their_zoom(qtbot, viewer: Viewer) -> None:
    three_keyframes(viewer)
    drawer = viewer.window.timeline
    qtbot.waitUntil(lambda: drawer.complete, timeout=10000)
    assert all(card._image is not None for card in drawer.cards)
    assert [card.accessibleName() for card in drawer.cards] == [
        "Keyframe 1, 1×",
        "Keyframe 2, 4×",
        "Keyframe 3, 12×",
    ]
    assert [card.current for card in drawer.cards] == [False, False, True]
    qtbot.mouseClick(drawer.cards[1], LEFT)
    assert viewer.model.state.view == VIEWS[1]
    assert [card.current for card in drawer.cards] == [False, True, False]
    assert drawer.player.seconds == 2.0


def test_dragging_a_keyframe_reorders_in_one_step(qtbot, viewer: Viewer) -> None:
    three_keyframes(viewer)
    drawer = viewer.window.timeline
    card, steps = drawer.cards[0], len(viewer.model._undo)
    QApplication.processEvents()
    target = drawer.cards[2].geometry().center().x() - card.x()
    qtbot.mousePress(card, LEFT, pos=QPoint(20, 20))
    for x in range(20, target + 1, 30):
        qtbot.mouseMove(card, QPoint(x, 22))
    qtbot.mouseMove(card, QPoint(target, 22))
    qtbot.mouseRelease(card, LEFT, pos=QPoint(target, 22))
    assert zooms(viewer) == [4, 12, 1]
    assert len(viewer.model._undo) == steps + 1
    assert viewer.model.state.view == VIEWS[2], "a drag is no click"
    viewer.model.undo()
    assert zooms(viewer) == [1, 4, 12]


def test_segments_are_retimed_and_eased(qtbot, viewer: Viewer) -> None:
    three_keyframes(viewer)
    drawer = viewer.window.timeline
    type_into(qtbot, drawer.segments[0].seconds, "3.5 s")
    drawer.segments[1].choose("hold")
    first, second, _ = viewer.model.state.keyframes
    assert (first.seconds, second.easing) == (3.5, "hold")
    assert drawer.length.text() == "5.5 s"
    type_into(qtbot, drawer.segments[0].seconds, "-1")
    assert viewer.model.state.keyframes[0].seconds == 3.5
    type_into(qtbot, drawer.segments[0].seconds, "0")
    assert drawer.segments[0].easing.text() == "cut"
    assert not drawer.segments[2].isVisible()
    qtbot.mouseClick(drawer.loop_button, LEFT)
    assert viewer.model.state.loop
    assert drawer.segments[2].isVisible()
    viewer.model.undo()
    assert not drawer.loop_button.isChecked()


def test_keyframes_are_changed_by_keys_and_menu(qtbot, viewer: Viewer) -> None:
    three_keyframes(viewer)
    cards = viewer.window.timeline.cards
    cards[0].setFocus()
    qtbot.keyClick(cards[0], Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert zooms(viewer) == [4, 1, 12]
    qtbot.keyClick(cards[1], Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    assert zooms(viewer) == [4, 1, 1, 12]
    menu = {action.text().partition("\t")[0]: action for action in cards[3].make_menu().actions()}
    menu["Delete"].trigger()
    viewer.model.update(view=View.from_zoom(7))
    menu = {action.text().partition("\t")[0]: action for action in cards[0].make_menu().actions()}
    menu["Set to what is shown"].trigger()
    assert zooms(viewer) == [7, 1, 1]


def test_scrubbing_shows_moments_at_once_and_is_one_step(qtbot, viewer: Viewer) -> None:
    three_keyframes(viewer)
    drawer, before = viewer.window.timeline, viewer.model.state
    scrub, steps = drawer.scrub, len(viewer.model._undo)
    y = scrub.height() // 2
    qtbot.mousePress(scrub, LEFT, pos=QPoint(round(scrub.place_of(0)), y))
    assert viewer.model.moving, "drafts will do"
    for seconds in (0.5, 1.0, 3.0):
        qtbot.mouseMove(scrub, QPoint(round(scrub.place_of(seconds)), y))
    qtbot.mouseRelease(scrub, LEFT, pos=QPoint(round(scrub.place_of(3.0)), y))
    shown = viewer.model.state
    assert 4 < shown.view.zoom < 12
    assert shown.keyframes == before.keyframes
    assert len(viewer.model._undo) == steps + 1
    journey = drawer.player.journey
    assert journey is not None
    assert shown.view == journey.at(drawer.player.seconds).view
    viewer.model.undo()
    assert viewer.model.state == before


def test_playing_keeps_the_clock_whatever_the_renderer_does(qtbot, viewer: Viewer) -> None:
    three_keyframes(viewer)
    player, clock = viewer.window.timeline.player, Clock()
    player._clock = clock
    player._timer.setInterval(10**6)  # time passes when the test says so
    journey = player.journey
    assert journey is not None
    viewer.canvas.setFocus()
    player.seek(0)
    qtbot.keyClick(viewer.canvas, Qt.Key.Key_Space)
    assert player.playing
    assert viewer.model.moving
    for seconds in (0.3, 1.7, 3.1):  # however many frames there were between
        clock.now = 100 + seconds
        player.tick()
        assert viewer.model.state.view == journey.at(player.seconds).view
        assert player.seconds == pytest.approx(seconds)
    clock.now = 100 + 4.5
    player.tick()
    assert not player.playing
    assert not viewer.model.moving
    assert viewer.model.state.view == VIEWS[2]
    qtbot.waitUntil(viewer.canvas.stage.settled)


def test_whoever_moves_the_picture_stops_the_playing(viewer: Viewer) -> None:
    three_keyframes(viewer)
    player = viewer.window.timeline.player
    player.play()
    viewer.model.update(view=View.from_zoom(77))
    assert not player.playing
    assert viewer.model.state.view == View.from_zoom(77)
    player.play()
    viewer.commands.escape()
    assert not player.playing


def test_a_loop_goes_round(viewer: Viewer) -> None:
    three_keyframes(viewer)
    viewer.model.update(loop=True)
    player, clock = viewer.window.timeline.player, Clock()
    player._clock = clock
    player.seek(0)
    player.play()
    clock.now += 6.0 + 1.0
    player.tick()
    assert player.playing
    assert player.seconds == pytest.approx(1.0)
    player.stop()


def test_the_journey_is_autosaved_and_restored(make_viewer, tmp_path: Path) -> None:
    viewer = make_viewer()
    three_keyframes(viewer)
    viewer.model.update(loop=True)
    kept = viewer.model.state
    viewer.window.close()
    assert len(json.loads((tmp_path / "session.json").read_text())["keyframes"]) == 3
    again = make_viewer(file=None, session=tmp_path / "session.json")
    assert again.model.state == kept
    assert again.window.timeline.isVisible()


@pytest.fixture
def real(qtbot, golden, tmp_path: Path) -> Iterator[Viewer]:
    apply_theme(QApplication.instance())
    path = golden("scenery-64").path
    viewer = Viewer(Options(file=path, device="cpu"), Settings(tmp_path / "settings.ini"), None)
    viewer.canvas.stage.set_animated(False)
    viewer.window.resize(720, 420)
    viewer.window.show()
    viewer.start()
    qtbot.waitUntil(viewer.canvas.stage.settled, timeout=30000)
    yield viewer
    viewer.window.close_at_once()
    viewer.window.deleteLater()


def fill_in(viewer: Viewer, path: Path, size: Size, fps: float = 5):
    viewer.commands.journeys.film()
    dialog = viewer.commands.journeys.dialog
    assert dialog is not None
    dialog.path_field.setText(str(path))
    dialog.follow_suffix(str(path))
    dialog.width_field.type_text(str(size.width))
    dialog.height_field.type_text(str(size.height))
    dialog.fps.type_text(str(fps))
    return dialog


def test_a_film_is_the_journey_and_dropped_back_restores_it(qtbot, real: Viewer, tmp_path: Path) -> None:
    frames = (Keyframe(View(), (Source(seed=3),), seconds=1), Keyframe(VIEWS[1], (Source(seed=8),)))
    real.model.update(keyframes=frames, view=VIEWS[1])
    kept, exporter = real.model.state, real.commands.journeys.exporter
    dialog = fill_in(real, tmp_path / "a.mp4", Size(64, 48))
    previews: list[object] = []
    exporter.frame_made.connect(previews.append)
    with qtbot.waitSignal(exporter.finished, timeout=60000):
        qtbot.mouseClick(dialog.save_button, LEFT)
    assert dialog.status.text() == "Saved a.mp4."
    assert previews
    with qtbot.waitSignal(exporter.finished, timeout=60000):
        fill_in(real, tmp_path / "frames", Size(64, 48)).save()
    films = read_video(tmp_path / "a.mp4", Size(64, 48))
    stills = sorted((tmp_path / "frames").iterdir())
    assert len(films) == len(stills) == 5
    for film, still in zip(films, stills, strict=True):
        with Image.open(still) as image:
            assert psnr(np.asarray(image), film) > 30
    assert read_session(stills[-1]).sources == frames[1].sources
    real.model.update(keyframes=(), view=View())
    drop(real, tmp_path / "a.mp4")
    assert real.model.state == kept


def test_a_film_can_be_cancelled(qtbot, real: Viewer, tmp_path: Path) -> None:
    real.model.update(view=View.from_zoom(9))
    real.commands.journeys.film_zoom()
    dialog = fill_in(real, tmp_path / "a.mp4", Size(1280, 720), 30)
    assert dialog.what.currentData() == "zoom"
    exporter = real.commands.journeys.exporter
    with qtbot.waitSignal(exporter.progressed, timeout=60000):
        dialog.save()
    assert dialog.preview.isVisible()
    with qtbot.waitSignal(exporter.cancelled, timeout=10000):
        qtbot.mouseClick(dialog.cancel_button, LEFT)
    assert "nothing was written" in dialog.status.text()
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".mp4", ".part")]


def test_what_cannot_be_filmed_is_said_calmly(real: Viewer, tmp_path: Path) -> None:
    dialog = fill_in(real, tmp_path / "a.mp4", Size(32, 32))
    for prepare, says in (
        (lambda: None, "no keyframes yet"),
        (lambda: real.model.update(keyframes=(Keyframe(seconds=0), Keyframe())), "takes no time"),
        (lambda: dialog.path_field.setText(str(tmp_path / "none" / "a.mp4")), "does not exist"),
        (lambda: dialog.path_field.setText(str(tmp_path / "a.avi")), "suffix must be .mp4"),
        (lambda: dialog.what.setCurrentIndex(1), "suffix must be .mp4"),
    ):
        prepare()
        dialog.save()
        assert says in dialog.status.text()
        assert dialog.save_button.isEnabled()
    dialog.path_field.setText(str(tmp_path / "a.mp4"))
    dialog.save()
    assert "whole picture" in dialog.status.text()
    assert timeline.journey_of(real.model.state, 3) is not None
