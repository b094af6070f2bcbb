"""Sessions in the window: dropped, restored, autosaved, mailed; and the checkpoint they name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PyQt6.QtGui import QGuiApplication

from creps_core.cancel import CancelToken
from creps_core.session import CheckpointRef, Session, read_session, write_session
from creps_core.source import Source
from creps_core.view import View
from creps_viewer.model.state import ViewerState
from creps_viewer.service.engine import Opened, Progress
from tests.viewer.fakes import FakeEngine, FakeOpener
from tests.viewer.people import SOMEWHERE, drop

FAKE_SHA256 = "0" * 64


def session_of(checkpoint: Path, state: ViewerState = SOMEWHERE, sha256: str = FAKE_SHA256) -> Session:
    reference = CheckpointRef(checkpoint.name, sha256, str(checkpoint))
    return Session(reference, sources=state.sources, view=state.view)


def test_a_dropped_session_brings_view_and_latents_back_in_one_undo_step(make_viewer, checkpoint, tmp_path):
    viewer = make_viewer()
    before = viewer.model.state
    write_session(tmp_path / "saved.json", session_of(checkpoint))
    drop(viewer, tmp_path / "saved.json")
    assert viewer.model.state == SOMEWHERE
    viewer.model.undo()
    assert viewer.model.state == before


def test_a_session_opens_its_checkpoint(qtbot, make_viewer, tmp_path):
    other = tmp_path / "elsewhere" / "other.pkl"
    other.parent.mkdir()
    other.write_bytes(b"another")
    write_session(tmp_path / "saved.json", session_of(other))
    viewer = make_viewer(file=None, session=tmp_path / "saved.json")
    assert viewer.model.document.path == other
    assert viewer.model.state == SOMEWHERE


def test_flags_override_the_session(make_viewer, checkpoint, tmp_path):
    write_session(tmp_path / "saved.json", session_of(checkpoint))
    viewer = make_viewer(file=None, session=tmp_path / "saved.json", seed=1, psi=0.25)
    assert viewer.model.state.sources == (Source(seed=1, psi=0.25),)
    assert viewer.model.state.view == SOMEWHERE.view


def test_a_checkpoint_given_with_a_session_takes_its_place(make_viewer, checkpoint, tmp_path):
    write_session(tmp_path / "saved.json", session_of(tmp_path / "gone.pkl", sha256="1" * 64))
    viewer = make_viewer(session=tmp_path / "saved.json")
    assert viewer.model.document.path == checkpoint
    assert viewer.model.state == SOMEWHERE


def test_a_session_whose_checkpoint_is_gone_asks_for_it_and_is_restored_when_it_comes(
    qtbot, make_viewer, tmp_path
):
    class OpenerWithHashes(FakeOpener):
        def __call__(self, path: Path, progress: Progress, cancel: CancelToken) -> Opened:
            opened = super().__call__(path, progress, cancel)
            return Opened(opened.name, path, path.stem.ljust(64, "f"), opened.engine)

    viewer = make_viewer(OpenerWithHashes(FakeEngine()))
    gone = tmp_path / "gone" / "faces.pkl"
    write_session(tmp_path / "saved.json", session_of(gone, sha256="faces".ljust(64, "f")))
    drop(viewer, tmp_path / "saved.json")
    assert "faces.pkl" in viewer.window.notices.message
    assert "faces" in viewer.window.notices.message
    assert viewer.model.state != SOMEWHERE
    found = tmp_path / "found" / "faces.pkl"
    found.parent.mkdir()
    found.write_bytes(b"here it is")
    with qtbot.waitSignal(viewer.bridge.opened):
        drop(viewer, found)
    assert viewer.model.state == SOMEWHERE


@pytest.mark.parametrize(
    "content", ["", "{", '{"format": 7}', '{"format": 1, "sources": [{"seed": -4}]}', "[]"]
)
def test_a_bad_session_changes_nothing(make_viewer, tmp_path, content):
    viewer = make_viewer()
    before = viewer.model.state
    (tmp_path / "bad.json").write_text(content)
    drop(viewer, tmp_path / "bad.json")
    assert viewer.window.notices.level == "error"
    assert viewer.model.state == before


def test_what_is_shown_is_there_again_at_the_next_start(make_viewer, tmp_path):
    viewer = make_viewer()
    viewer.model.update(view=SOMEWHERE.view, sources=SOMEWHERE.sources)
    viewer.window.close()
    assert read_session(tmp_path / "session.json").view == SOMEWHERE.view
    assert make_viewer(file=None).model.state == SOMEWHERE


def test_a_change_is_saved_soon_without_closing(qtbot, make_viewer, tmp_path):
    viewer = make_viewer()
    viewer.model.update(sources=(Source(seed=4242),))
    saved = tmp_path / "session.json"
    qtbot.waitUntil(lambda: saved.exists() and "4242" in saved.read_text(), timeout=5000)


@pytest.mark.parametrize(
    "content", ["not json", '{"format": 1, "checkpoint": {"name": "gone.pkl", "sha256": "1"}}']
)
def test_an_unusable_autosave_falls_back_to_the_bundled_model(qtbot, make_viewer, tmp_path, content):
    (tmp_path / "session.json").write_text(content)
    viewer = make_viewer(file=None)
    assert viewer.model.document.name == "scenery"


def test_unknown_keys_of_a_session_survive(make_viewer, checkpoint, tmp_path):
    write_session(tmp_path / "saved.json", session_of(checkpoint))
    values = json.loads((tmp_path / "saved.json").read_text()) | {
        "mood": "calm",
        "keyframes": [{"seconds": 2.5, "note": "dusk"}],
    }
    (tmp_path / "saved.json").write_text(json.dumps(values))
    viewer = make_viewer()
    drop(viewer, tmp_path / "saved.json")
    viewer.window.close()
    kept = json.loads((tmp_path / "session.json").read_text())
    assert kept["mood"] == "calm"
    (keyframe,) = kept["keyframes"]
    assert (keyframe["seconds"], keyframe["note"]) == (2.5, "dusk")


def test_the_view_can_be_mailed_as_text(make_viewer):
    viewer = make_viewer()
    viewer.model.update(view=SOMEWHERE.view, sources=SOMEWHERE.sources)
    viewer.commands.copy_view()
    assert str(viewer.model.document.path.parent) not in QGuiApplication.clipboard().text()
    viewer.model.update(view=View(), sources=(Source(seed=0),))
    viewer.commands.paste_view()
    assert viewer.model.state == SOMEWHERE
    QGuiApplication.clipboard().setText("good morning")
    viewer.commands.paste_view()
    assert viewer.model.state == SOMEWHERE
    assert viewer.window.notices.level == "warning"
