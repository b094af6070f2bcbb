"""Favourites: kept with their pictures, used by click and keys, there again at the next start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtCore import Qt

from creps_core.session import read_session
from creps_core.source import Source
from creps_viewer.application import Viewer
from creps_viewer.model import mixing
from creps_viewer.model.state import ViewerState
from creps_viewer.panels.favourites_panel import FavouritesPanel
from tests.viewer.fakes import CONFIG, ContentOpener
from tests.viewer.people import SOMEWHERE

LEFT = Qt.MouseButton.LeftButton
SHIFT = Qt.KeyboardModifier.ShiftModifier


def opened(make_viewer: Any, **options: Any) -> tuple[Viewer, FavouritesPanel]:
    viewer = make_viewer(**options)
    section = viewer.window.sidebar.sections["Favourites"]
    section.set_folded(False)
    viewer.window.sidebar.ensureWidgetVisible(section)
    return viewer, section.panel


def keep(viewer: Viewer) -> None:
    viewer.model.favourites.add_wanted.emit(viewer.model.state)


def mixed_state() -> ViewerState:
    changes = mixing.with_weights(SOMEWHERE, (0.25,) * CONFIG.num_ws)
    return ViewerState(view=SOMEWHERE.view, **changes)


def test_what_is_kept_has_a_picture_and_comes_back_in_one_undo_step(qtbot, make_viewer) -> None:
    viewer, panel = opened(make_viewer)
    assert panel.none_yet.isVisible()
    state = mixed_state()
    viewer.model.update(**vars(state))
    header = panel.header_action()
    qtbot.addWidget(header)
    header.click()
    (picture,) = panel.pictures
    qtbot.waitUntil(lambda: picture.image is not None)
    assert not panel.none_yet.isVisible()
    other = ViewerState(sources=(Source(seed=1),))
    viewer.model.update(**vars(other))
    qtbot.mouseClick(picture, LEFT)
    assert (viewer.model.state.sources, viewer.model.state.mix) == (state.sources, state.mix)
    assert viewer.model.state.view == other.view
    viewer.model.undo()
    assert viewer.model.state == other
    qtbot.mouseClick(picture, LEFT, SHIFT)
    assert viewer.model.state.sources == (Source(seed=1), state.sources[0])
    qtbot.mouseDClick(picture, LEFT)
    assert viewer.model.state == state


def test_the_newest_comes_first_and_delete_removes(qtbot, make_viewer) -> None:
    viewer, panel = opened(make_viewer)
    for seed in (1, 2, 3, 4):
        viewer.model.update(sources=(Source(seed=seed),))
        keep(viewer)
    assert [picture.favourite.sources[0].seed for picture in panel.pictures] == [4, 3, 2, 1]
    three = panel.pictures[1]
    three.setFocus()
    qtbot.keyClick(three, Qt.Key.Key_Delete)
    assert [picture.favourite.sources[0].seed for picture in panel.pictures] == [4, 2, 1]
    qtbot.keyClick(panel.pictures[2], Qt.Key.Key_Return)
    assert viewer.model.state.sources == (Source(seed=1),)
    menu = panel.pictures[0].menu()
    assert [action.text() for action in menu.actions()] == ["Latents and view", "Remove"]
    menu.actions()[1].trigger()
    assert len(panel.pictures) == 2


def test_they_are_there_at_the_next_start_for_their_checkpoint_as_sessions(
    make_viewer, tmp_path: Path
) -> None:
    viewer, _ = opened(make_viewer)
    state = mixed_state()
    viewer.model.update(**vars(state))
    keep(viewer)
    viewer.window.close()
    (file,) = (tmp_path / "favourites").rglob("*.json")
    session = read_session(file)
    assert (session.sources, session.mix, session.view) == (state.sources, state.mix, state.view)
    (file.parent / "damaged.json").write_text("{")
    _, panel = opened(make_viewer)
    assert [picture.favourite.mix for picture in panel.pictures] == [state.mix]


def test_another_checkpoint_has_favourites_of_its_own_and_a_newer_version_the_same(
    qtbot, make_viewer, checkpoint: Path, tmp_path: Path
) -> None:
    viewer, panel = opened(make_viewer, opener=ContentOpener())
    keep(viewer)
    checkpoint.write_bytes(b"newer")
    with qtbot.waitSignal(viewer.bridge.opened):
        viewer.opening.reload()
    assert len(panel.pictures) == 1
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"other")
    with qtbot.waitSignal(viewer.bridge.opened):
        viewer.opening.open(other)
    assert panel.pictures == []


@pytest.mark.parametrize("place", ["favourites", "directions"])
def test_a_folder_that_refuses_is_said_and_nothing_is_lost(make_viewer, tmp_path: Path, place: str) -> None:
    (tmp_path / place).write_text("a file where a folder should be")
    viewer, panel = opened(make_viewer)
    said: list[str] = []
    viewer.model.notice.connect(lambda level, text: said.append(text))
    if place == "favourites":
        keep(viewer)
        assert len(panel.pictures) == 1
    else:
        viewer.model.directions.rename(Source(w=(0.0,) * CONFIG.w_dim, name="Axis 1"), "sun")
        assert [source.name for source in viewer.model.directions.own] == ["sun"]
    assert "cannot be kept" in said[0]
