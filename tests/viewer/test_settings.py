"""What is remembered between runs, and that a damaged or unwritable store is survived."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PyQt6.QtCore import QByteArray

from creps_viewer.settings import RECENT_FILES, Settings, config_folder, state_folder


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config" / "settings.ini"


def test_everything_is_there_in_the_next_run(path, tmp_path):
    first = Settings(path)
    assert first.first_start
    first.set_flag("folded/View", True)
    first.set_geometry(QByteArray(b"\x01\xd9\xd0\xcb\x00\x03"))
    first.set_folder("open", tmp_path)
    first.sync()
    again = Settings(path)
    assert not again.first_start
    assert again.flag("folded/View", False)
    assert not again.flag("folded/Source", False)
    assert again.geometry() == QByteArray(b"\x01\xd9\xd0\xcb\x00\x03")
    assert again.folder("open") == tmp_path


def test_recent_files_are_newest_first_without_repeats_and_few(path, tmp_path):
    for number in [*range(RECENT_FILES + 5), 3, 7]:
        Settings(path).add_recent(tmp_path / f"{number}, with a comma.pkl")
    names = [recent.name.split(",")[0] for recent in Settings(path).recent()]
    assert names[:3] == ["7", "3", str(RECENT_FILES + 4)]
    assert len(names) == len(set(names)) == RECENT_FILES
    Settings(path).clear_recent()
    assert Settings(path).recent() == []


def test_one_recent_file_is_a_list_of_one(path, tmp_path):
    Settings(path).add_recent(tmp_path / "a.pkl")
    assert Settings(path).recent() == [tmp_path / "a.pkl"]


def test_a_folder_that_is_gone_is_forgotten(path, tmp_path):
    Settings(path).set_folder("export", tmp_path / "gone")
    assert Settings(path).folder("export") is None


@pytest.mark.qt_log_ignore("QVariant::load")  # Qt complains of the damage, as it should
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    content=st.binary(max_size=120)
    | st.just(b"[window]\ngeometry=@Variant(\\0\\0\\0\\x7f)\n[recent]\nfiles=@Invalid()")
)
def test_any_damage_reads_as_something(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    damaged = Settings(path)
    assert isinstance(damaged.flag("window/panels", True), bool)
    assert isinstance(damaged.recent(), list)
    geometry = damaged.geometry()
    assert geometry is None or isinstance(geometry, QByteArray)
    damaged.set_flag("window/panels", False)
    assert not damaged.flag("window/panels", True)


def test_a_store_that_cannot_be_made_remembers_nothing_and_harms_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way of the folder")
    blocked = Settings(tmp_path / "file" / "settings.ini")
    blocked.add_recent(tmp_path / "a.pkl")
    blocked.set_flag("x", True)
    blocked.sync()
    assert blocked.recent() == []


def test_screenshots_remember_nothing(tmp_path):
    nothing = Settings(None)
    nothing.add_recent(tmp_path / "a.pkl")
    nothing.set_flag("folded/View", True)
    assert nothing.recent() == []
    assert not nothing.flag("folded/View", False)
    assert nothing.geometry() is None


def test_files_lie_in_the_platform_s_folders(private_home):
    assert private_home in config_folder().parents
    assert private_home in state_folder().parents
