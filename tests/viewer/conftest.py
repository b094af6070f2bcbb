"""A whole viewer around a fake engine, closed and joined after every test."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtWidgets import QApplication

from creps_viewer.application import Viewer
from creps_viewer.canvas.create import probe_opengl
from creps_viewer.canvas.gl_canvas import GlCanvas
from creps_viewer.canvas.raster_canvas import RasterCanvas
from creps_viewer.options import Options
from creps_viewer.settings import Settings
from creps_viewer.theme import apply_theme
from tests.viewer.fakes import FakeEngine, FakeOpener
from tests.viewer.threads import Events

MakeViewer = Callable[..., Viewer]


@pytest.fixture(autouse=True, scope="session")
def _lasting() -> None:
    """What was imported is not looked at again by every collection."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _collected(_lasting: None) -> Iterator[None]:
    """Windows that a test is done with go now, in Qt's own thread.

    Left to chance, Python collects them while a later test's render thread happens to run, and Qt crashes.
    """
    yield
    gc.collect()


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture(params=[pytest.param(GlCanvas, marks=pytest.mark.gl), RasterCanvas])
def canvas_kind(request: pytest.FixtureRequest) -> type[GlCanvas] | type[RasterCanvas]:
    """Both canvases; OpenGL's where there is one."""
    kind: type[GlCanvas] | type[RasterCanvas] = request.param
    if kind is GlCanvas and probe_opengl().fault:
        pytest.skip(f"no OpenGL here: {probe_opengl().fault}")
    return kind


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "trial.safetensors"
    path.write_bytes(b"what it holds is the opener's business")
    return path


@pytest.fixture
def make_viewer(qtbot: Any, tmp_path: Path, checkpoint: Path) -> Iterator[MakeViewer]:
    made: list[Viewer] = []

    def make(opener: Any = None, wait: bool = True, **options: Any) -> Viewer:
        apply_theme(QApplication.instance())
        options.setdefault("file", checkpoint)
        viewer = Viewer(
            Options(**options),
            Settings(tmp_path / "settings.ini"),
            tmp_path / "session.json",
            opener or FakeOpener(FakeEngine()),
        )
        made.append(viewer)
        viewer.canvas.stage.set_animated(False)
        if viewer.settings.geometry() is None:
            viewer.window.resize(800, 500)  # quick to draw
        viewer.window.show()
        viewer.window.activateWindow()
        qtbot.waitUntil(viewer.window.isActiveWindow)
        viewer.start()
        if wait:
            qtbot.waitUntil(viewer.canvas.stage.settled)
        return viewer

    yield make
    for viewer in made:
        viewer.window.close_at_once()
        viewer.window.deleteLater()
