"""The canvas in a real window, in OpenGL and without: what is on the screen is what the renderer made."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QImage
from pytestqt.qtbot import QtBot

from creps_core.grid import GROUND
from creps_core.source import Source
from creps_core.view import Size, View
from creps_core.warps import Lens
from creps_viewer.canvas import create
from creps_viewer.canvas.create import OpenGl, create_canvas, probe_opengl
from creps_viewer.canvas.gl_canvas import GlCanvas
from creps_viewer.canvas.raster_canvas import RasterCanvas
from creps_viewer.model import navigation
from creps_viewer.model.state import ViewerState
from creps_viewer.model.viewer_model import ViewerModel
from tests.viewer.fakes import Broken, ramp
from tests.viewer.window import HEIGHT, WIDTH, Window


@pytest.fixture
def window(canvas_kind: type[GlCanvas] | type[RasterCanvas], qtbot: QtBot) -> Iterator[Window]:
    window = Window(qtbot, canvas_kind)
    yield window
    window.close()


def hold(window: Window, passes: int = 0) -> threading.Semaphore:
    window.engine.gate = threading.Semaphore(passes)
    return window.engine.gate


def far(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Greatest channel difference per pixel."""
    return np.abs(a.astype(int) - b.astype(int)).max(axis=-1)


@pytest.mark.parametrize(
    "view",
    [
        View(),
        View(log2_zoom=Fraction(13, 10), center_x=Fraction(3, 10)),
        View(rotation_deg=33.0, log2_zoom=Fraction(1)),
        View(warps=(Lens(0.1, 0, 0.3, 1.5),)),
        View(stretch=(-1.0, 2.0)),
    ],
)
def test_settled_pixels_are_the_renderers(window: Window, view: View) -> None:
    window.open()
    window.model.update(view=view)
    window.settle()
    assert (window.pixels() == window.expected()).all()


def test_a_pan_moves_the_last_frame_by_whole_pixels_at_once(window: Window) -> None:
    window.open()
    before = window.expected()
    gate = hold(window)
    window.model.update(view=navigation.pan_by(window.model.state.view, window.model.canvas_size, 31, -12))
    shown = window.pixels()
    assert (shown[:-12, 31:] == before[12:, :-31]).all()
    gate.release(100)
    window.settle()
    assert (window.pixels() == window.expected()).all()


@pytest.mark.parametrize(
    "view",
    [
        View(log2_zoom=Fraction(7, 10), center_x=Fraction(45, 100)),
        View(rotation_deg=20.0, log2_zoom=Fraction(3, 2)),
        View(warps=(Lens(0.05, -0.1, 0.35, 1.0),), log2_zoom=Fraction(1, 2)),
        View(stretch=(-0.5, 0.7)),
    ],
)
def test_the_last_frame_is_shown_where_it_belongs_under_any_view(window: Window, view: View) -> None:
    """Before anything new is computed; to about a level where the picture is linear."""
    window.engine.formula = ramp
    window.open()
    hold(window)
    window.model.update(view=view)
    inner = np.s_[8:-8, 8:-8]
    assert far(window.pixels()[inner], window.expected()[inner]).max() <= 2


def test_coarse_samples_are_drawn_smoothly_at_their_true_positions(window: Window) -> None:
    """Every sixteenth sample of a linear picture gives all of it: nothing is blocky or shifted."""
    window.engine.formula = ramp
    gate = hold(window, 1)
    window.stage.overlays.readout_shown = False
    window.bridge.open(Path("scenery.pkl"))
    window.until(lambda: window.model.frame is not None)
    window.pass_time(1.0)
    assert window.model.frame is not None
    assert window.model.frame.stride == 16
    shown, expected = window.pixels(), window.expected()
    # beyond the outermost samples there is nothing to interpolate with
    inner = np.s_[: HEIGHT - HEIGHT % 16 - 16, : WIDTH - WIDTH % 16 - 16]
    assert far(shown[inner], expected[inner])[16:, 16:].max() <= 2
    assert far(shown, np.broadcast_to(np.array(GROUND), shown.shape)).min() > 20  # nowhere blank
    gate.release(10)


def test_other_latents_fade_in_over_the_old_picture(window: Window) -> None:
    window.open()
    old = window.expected()
    gate = hold(window)
    window.model.update(sources=(Source(seed=2),))
    assert (window.pixels() == old).all()
    gate.release(3)
    frames: list[int] = []
    window.model.frame_changed.connect(lambda frame: frames.append(frame.stride))
    window.until(lambda: 1 in frames)
    assert (window.pixels() == old).all()  # no time has passed since
    window.pass_time(0.06)
    half = window.pixels()
    window.settle()
    new = window.pixels()
    assert (new == window.expected()).all()
    where = far(old, new) > 60
    assert (far(half, old)[where] > 5).all()
    assert (far(half, new)[where] > 5).all()


def test_beyond_every_layer_is_ground(window: Window) -> None:
    window.open()
    hold(window)
    window.model.update(view=View(log2_zoom=Fraction(-2)))
    shown = window.pixels()
    assert (shown[:20] == GROUND).all()
    assert (shown[:, :20] == GROUND).all()


def test_resizing_keeps_zoom_and_middle_and_fills_the_window(window: Window) -> None:
    window.open()
    window.model.update(view=View(log2_zoom=Fraction(1), center_x=Fraction(2, 5)))
    window.settle()
    view = window.model.state.view
    window.canvas.resize(350, 260)
    window.until(lambda: window.model.canvas_size == Size(350, 260))
    window.settle()
    assert window.model.state.view == view
    assert window.pixels().shape == (260, 350, 3)
    assert (window.pixels() == window.expected()).all()


def test_closing_while_a_frame_is_computed(window: Window) -> None:
    window.open()
    hold(window)
    window.wheel(3)
    window.until(lambda: window.model.moving)
    with window.held(50, 50) as move:
        move(80, 90)
        window.close()
    assert not window.model.moving
    window.model.update(view=View(log2_zoom=Fraction(3)))  # nobody listens, nothing breaks
    assert not [t.name for t in threading.enumerate() if t.name.startswith("creps-")]


def test_reparenting_gives_a_new_context_and_the_same_picture(window: Window, qtbot: QtBot) -> None:
    from PyQt6.QtWidgets import QVBoxLayout, QWidget

    window.open()
    other = QWidget()
    qtbot.addWidget(other)
    QVBoxLayout(other).addWidget(window.canvas)
    other.resize(500, 400)
    other.show()
    qtbot.waitExposed(other)
    window.until(lambda: window.model.canvas_size.width > WIDTH)
    window.settle()
    assert (window.pixels() == window.expected()).all()
    window.canvas.setParent(None)


def test_a_failure_is_said_in_the_canvas_and_its_link_tries_again(window: Window) -> None:
    window.open()
    window.engine.fail_with = Broken("out of luck")
    window.model.update(sources=(Source(seed=9),))
    window.until(lambda: window.model.message is not None)
    assert window.model.message is not None
    assert window.model.message.text == "Out of luck."
    links: list[str] = []
    window.stage.link_activated.connect(links.append)
    window.pixels()
    window.click(WIDTH / 2, HEIGHT / 2 + 18)
    assert links == ["retry"]
    window.engine.fail_with = None
    window.bridge.retry()
    window.settle()
    assert window.model.message is None
    assert (window.pixels() == window.expected()).all()


def test_a_file_that_cannot_be_opened_leaves_the_picture(window: Window) -> None:
    window.open()
    notices: list[tuple[str, str]] = []
    window.model.notice.connect(lambda level, text: notices.append((level, text)))
    window.bridge.open(Path("bad.pkl"))
    window.until(lambda: bool(notices))
    assert notices == [("error", "bad.pkl is not a checkpoint.")]
    assert (window.pixels() == window.expected()).all()


def test_without_a_picture_the_file_is_asked_for(window: Window) -> None:
    assert window.model.message is not None
    assert window.model.message.action == "open"
    links: list[str] = []
    window.stage.link_activated.connect(links.append)
    window.pixels()
    window.click(WIDTH / 2, HEIGHT / 2 + 18)
    assert links == ["open"]
    window.bridge.open(Path("bad.pkl"))
    window.until(lambda: window.model.message.action == "open" and "bad" in window.model.message.text.lower())  # type: ignore[union-attr]


def test_opening_another_checkpoint_drops_what_it_cannot_show(window: Window) -> None:
    mix = ((1.0, 0.0),) * 3
    state = ViewerState(sources=(Source(seed=1, label=7), Source(w=(0.0,) * 5)), mix=mix)
    window.model.reset_state(state)
    window.open()
    assert window.model.state.mix is None
    assert window.model.state.sources == (Source(seed=1), Source(seed=0))
    assert len(window.engine.requests) >= 1
    assert window.model.message is None


def test_textures_are_reused_and_bounded(qtbot: QtBot) -> None:
    if probe_opengl().fault:
        pytest.skip("no OpenGL here")
    window = Window(qtbot, GlCanvas)
    window.open()
    for i in range(12):
        window.model.update(view=View(log2_zoom=Fraction(i, 10)))
        window.settle()
        window.pixels()
    painter = window.canvas._painter  # type: ignore[union-attr]
    assert painter is not None
    assert len(painter._layers) <= 5
    assert len(painter._spare) <= 2
    window.close()
    assert window.canvas._painter is None  # type: ignore[union-attr]


def test_the_choice_of_canvas(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ViewerModel()
    notices: list[tuple[str, str]] = []
    model.notice.connect(lambda level, text: notices.append((level, text)))

    def kind(found: OpenGl, **options: object) -> type:
        monkeypatch.setattr(create, "probe_opengl", lambda: found)
        canvas = create_canvas(model, **options)  # type: ignore[arg-type]
        qtbot.addWidget(canvas)
        canvas.release()
        return type(canvas)

    card, software = OpenGl("Mesa Intel(R) Graphics"), OpenGl("llvmpipe (LLVM 15.0.7, 256 bits)")
    assert kind(card, environment={}) is GlCanvas
    assert kind(software, environment={}) is RasterCanvas
    assert kind(software, environment={"CREPS_VIEWER_RASTER": "0"}) is GlCanvas
    assert kind(card, environment={"CREPS_VIEWER_RASTER": "1"}) is RasterCanvas
    assert kind(card, drawing="raster") is RasterCanvas
    assert notices == []
    assert kind(OpenGl(fault="no context can be made"), environment={}) is RasterCanvas
    assert notices == [
        ("warning", "OpenGL cannot be used here (no context can be made): the CPU draws the picture.")
    ]


@pytest.mark.slow
@pytest.mark.parametrize("drawing", [pytest.param("gl", marks=pytest.mark.gl), "raster"])
def test_pixels_are_exact_at_a_broken_scale_factor(drawing: str) -> None:
    """At 1.5 device pixels per logical one, in a process of its own."""
    if drawing == "gl" and probe_opengl().fault:
        pytest.skip("no OpenGL here")
    script = """
        import sys
        from pathlib import Path
        from PyQt6.QtTest import QTest
        from PyQt6.QtWidgets import QApplication
        from creps_viewer.canvas.create import create_canvas
        from creps_viewer.model.viewer_model import ViewerModel
        from creps_viewer.service.bridge import RenderBridge
        from tests.viewer.fakes import FakeEngine, FakeOpener, picture
        from tests.viewer.window import rgb

        app = QApplication([])
        model = ViewerModel()
        bridge = RenderBridge(model, FakeOpener(FakeEngine()))
        canvas = create_canvas(model, drawing=sys.argv[1])
        canvas.stage.set_animated(False)
        canvas.stage.overlays.readout_shown = False
        canvas.resize(301, 201)
        canvas.show()
        QTest.qWaitForWindowExposed(canvas)
        bridge.open(Path("scenery.pkl"))
        for _ in range(1000):
            if canvas.stage.settled():
                break
            QTest.qWait(10)
        grab = canvas.grabFramebuffer() if sys.argv[1] == "gl" else canvas.grab().toImage()
        shown = rgb(grab)
        made = picture(model.state.view, model.canvas_size, 0)[..., :3]
        print(tuple(model.canvas_size), (shown == made).all())
        canvas.close()
        bridge.close()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), drawing],
        env={**os.environ, "QT_SCALE_FACTOR": "1.5"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() in (["(452,", "302)", "True"], ["(451,", "301)", "True"])


def test_window_grab_is_the_canvas(window: Window) -> None:
    """What a screenshot of the window shows is what the canvas drew."""
    window.open()
    image = window.canvas.grab().toImage()
    assert image.format() != QImage.Format.Format_Invalid
    assert window.canvas.devicePixelRatioF() == 1.0
    from tests.viewer.window import rgb

    assert (rgb(image) == window.expected()).all()
    assert replace(window.model.state).view == View()
    assert window.canvas.focusPolicy() == Qt.FocusPolicy.StrongFocus
