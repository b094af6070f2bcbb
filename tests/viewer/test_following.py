"""Follow this file: a checkpoint that is replaced on disk is read again, and nothing else happens."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from creps_core.atomic import replacing
from creps_core.source import Source
from creps_viewer import following
from creps_viewer.application import Viewer
from tests.viewer.fakes import ContentOpener
from tests.viewer.people import SOMEWHERE
from tests.viewer.window import rgb


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "REST_MS", 30)
    monkeypatch.setattr(following, "POLL_MS", 100)


@pytest.fixture
def opener() -> ContentOpener:
    return ContentOpener()


@pytest.fixture
def viewer(make_viewer: Any, opener: ContentOpener) -> Viewer:
    made: Viewer = make_viewer(opener)
    made.model.update(view=SOMEWHERE.view)
    made.model.update(sources=SOMEWHERE.sources)
    made.commands.menus.actions["follow"].trigger()
    return made


def replace(path: Path, content: bytes) -> None:
    with replacing(path) as file:
        file.write(content)


def settled(viewer: Viewer, generation: int) -> bool:
    document = viewer.model.document
    return document is not None and document.generation == generation and viewer.canvas.stage.settled()


def test_a_replaced_file_is_shown_at_the_same_view_latents_and_history(
    qtbot: Any, viewer: Viewer, opener: ContentOpener, checkpoint: Path
) -> None:
    for generation in (2, 3):
        replace(checkpoint, b"newer %d" % generation)
        qtbot.waitUntil(lambda n=generation: settled(viewer, n))
        assert (viewer.model.state.view, viewer.model.state.sources) == (SOMEWHERE.view, SOMEWHERE.sources)
        assert viewer.model.document.sha256 == opener.read[-1].hex().ljust(64, "0")
    assert not viewer.window.notices.isVisible()
    viewer.model.undo()
    assert viewer.model.state.sources == (Source(seed=0),)


def test_the_picture_stays_until_the_new_one_comes(
    qtbot: Any, viewer: Viewer, opener: ContentOpener, checkpoint: Path
) -> None:
    qtbot.waitUntil(viewer.canvas.stage.settled)
    viewer.canvas.stage.overlays.readout_shown = False
    before = rgb(viewer.canvas.grab().toImage())[60:]  # below the header
    opener.gate = threading.Semaphore(0)
    replace(checkpoint, b"newer")
    qtbot.waitUntil(lambda: viewer.model.document.generation == 2)
    assert viewer.model.message is None
    during = rgb(viewer.canvas.grab().toImage())[60:]
    assert (during != before).mean() < 0.02  # nothing but the minimap
    for _ in range(100):
        opener.gate.release()
    qtbot.waitUntil(lambda: settled(viewer, 2))
    assert (rgb(viewer.canvas.grab().toImage())[60:] != before).mean() > 0.02


def test_a_broken_file_keeps_the_last_good_one_and_says_so_once(
    qtbot: Any, viewer: Viewer, opener: ContentOpener, checkpoint: Path
) -> None:
    said: list[str] = []
    viewer.model.notice.connect(lambda level, text: said.append(text))
    for content in (b"broken", b"broken again"):
        with qtbot.waitSignal(viewer.bridge.open_failed):
            replace(checkpoint, content)
    qtbot.wait(300)  # several looks: the same broken file is not tried again
    assert opener.read[1:] == [b"broken", b"broken again"]
    assert len(said) == 1
    assert "trial.safetensors" in said[0]
    assert "last good one stays" in said[0]
    assert viewer.model.document.generation == 1
    replace(checkpoint, b"good at last")
    qtbot.waitUntil(lambda: settled(viewer, 2))
    with qtbot.waitSignal(viewer.bridge.open_failed):
        replace(checkpoint, b"broken once more")
    assert len(said) == 2


def test_a_file_that_is_being_written_is_read_when_it_is_at_rest(
    qtbot: Any, viewer: Viewer, opener: ContentOpener, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer.commands.follower._rest.setInterval(150)
    with checkpoint.open("wb", buffering=0) as file:
        for part in range(8):
            file.write(b"part %d, " % part)
            qtbot.wait(30)
    qtbot.waitUntil(lambda: settled(viewer, 2))
    assert opener.read[1:] == [checkpoint.read_bytes()]


def test_what_the_system_does_not_tell_is_looked_for(
    qtbot: Any, viewer: Viewer, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = viewer.commands.follower
    monkeypatch.setattr(follower, "_watch", lambda path: None)
    watched = follower._watcher.files() + follower._watcher.directories()
    assert {Path(name) for name in watched} == {checkpoint, checkpoint.parent}
    follower._watcher.removePaths(watched)
    replace(checkpoint, b"newer")
    qtbot.waitUntil(lambda: settled(viewer, 2))


def test_a_file_that_goes_away_and_comes_back_is_followed(
    qtbot: Any, viewer: Viewer, checkpoint: Path
) -> None:
    os.remove(checkpoint)
    qtbot.wait(150)
    assert viewer.model.document.generation == 1
    checkpoint.write_bytes(b"back again")
    qtbot.waitUntil(lambda: settled(viewer, 2))


def test_following_goes_over_to_the_next_file_and_ends_with_the_menu_entry(
    qtbot: Any, viewer: Viewer, opener: ContentOpener, checkpoint: Path, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere" / "other.safetensors"
    other.parent.mkdir()
    other.write_bytes(b"other")
    viewer.opening.open(other)
    qtbot.waitUntil(lambda: settled(viewer, 2))
    replace(checkpoint, b"nobody looks")
    replace(other, b"other, newer")
    qtbot.waitUntil(lambda: settled(viewer, 3))
    action = viewer.commands.menus.actions["follow"]
    assert action.isChecked()
    action.trigger()
    assert not action.isChecked()
    replace(other, b"other, newest")
    qtbot.wait(300)
    assert opener.read[1:] == [b"other", b"other, newer"]
    action.trigger()  # what was missed meanwhile is caught up with
    qtbot.waitUntil(lambda: settled(viewer, 4))


def test_following_is_off_at_every_start(viewer: Viewer, make_viewer: Any) -> None:
    assert viewer.commands.menus.actions["follow"].isChecked()
    viewer.window.close()
    assert not make_viewer().commands.menus.actions["follow"].isChecked()
