"""The command creps-viewer as others call it: exit codes, one line each, screenshots, signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from creps_viewer.display import display_problem

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
SCENERY = GOLDEN / "scenery-64.pkl"
CONDITIONAL = GOLDEN / "creps-32-conditional-clamped.pkl"

needs_screen = pytest.mark.skipif(
    sys.platform.startswith("linux")
    and not os.environ.get("DISPLAY")
    and not os.environ.get("WAYLAND_DISPLAY"),
    reason="no display, and no Xvfb to make one",
)


def run(
    *arguments: str | Path, seconds: float = 100, **environment: str | None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "creps_viewer", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=changed(environment),
        check=False,
    )


def changed(environment: dict[str, str | None]) -> dict[str, str]:
    merged = {**os.environ, **environment}
    return {key: value for key, value in merged.items() if value is not None}


def assert_one_line(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    assert done.returncode == code, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("creps-viewer: error: ")
    for word in words:
        assert word in lines[0]


def test_help_needs_no_display():
    done = run("--help", DISPLAY=None, WAYLAND_DISPLAY=None, QT_QPA_PLATFORM=None)
    assert done.returncode == 0
    for option in (
        "--ckpt",
        "--seed",
        "--trunc",
        "--device",
        "--session",
        "--screenshot",
        "--size",
        "--timeout",
    ):
        assert option in done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen")
@pytest.mark.parametrize(
    "environment",
    [
        {"DISPLAY": None, "WAYLAND_DISPLAY": None},
        {"DISPLAY": ":7654", "WAYLAND_DISPLAY": None},
        {"DISPLAY": None, "WAYLAND_DISPLAY": "wayland-nowhere"},
        {"DISPLAY": ":7654", "WAYLAND_DISPLAY": "wayland-nowhere"},
    ],
    ids=["none", "unreachable-x", "unreachable-wayland", "neither-answers"],
)
def test_without_a_display_one_line_names_the_command_that_needs_none(environment):
    done = run(SCENERY, **environment, QT_QPA_PLATFORM=None)
    assert_one_line(done, 1, "display", "creps-render")


@pytest.mark.parametrize("platform", ["offscreen", "minimal"])
def test_platforms_without_a_display_are_left_to_qt(monkeypatch, platform):
    monkeypatch.setenv("QT_QPA_PLATFORM", platform)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert display_problem() is None


def test_a_missing_qt_is_named_with_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "PyQt6.QtWidgets", None)
    assert "install" in (display_problem() or "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seed", "-1"], ["--seed"]),
        (["--seed", "4294967296"], ["--seed"]),
        (["--trunc", "nan"], ["--trunc"]),
        (["--device", "abacus"], ["--device"]),
        (["--size", "800x600"], ["--screenshot"]),
        (["--screenshot", "a.png", "--size", "800"], ["--size"]),
        (["a.pkl", "--ckpt", "b.pkl"], ["once"]),
        (["--frobnicate"], ["--frobnicate"]),
    ],
)
def test_bad_usage_exits_2_in_one_line(arguments, words):
    assert_one_line(run(*arguments), 2, *words)


@needs_screen
def test_a_screenshot_shows_the_settled_picture_and_the_panels(tmp_path):
    out = tmp_path / "shot.png"
    done = run(SCENERY, "--seed", "3", "--screenshot", out, "--size", "800x450")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    with Image.open(out) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert pixels.shape == (450, 800, 3)
    sidebar, canvas = pixels[:, -318:], pixels[60:350, 100:400]
    assert (sidebar == (0x16, 0x19, 0x1E)).all(-1).mean() > 0.5
    assert canvas.std((0, 1)).max() > 10  # a landscape, not the ground


@needs_screen
def test_screenshots_are_repeatable_and_ignore_what_is_remembered(tmp_path, private_home):
    first, second = tmp_path / "1.png", tmp_path / "2.png"
    state = private_home / ".local/state/creps-viewer"
    state.mkdir(parents=True, exist_ok=True)
    assert run("--screenshot", first, "--size", "800x420").returncode == 0
    (state / "session.json").write_text('{"format": 1, "checkpoint": {"name": "no such", "sha256": ""}}')
    assert run("--screenshot", second, "--size", "800x420").returncode == 0
    with Image.open(first) as one, Image.open(second) as two:
        a, b = np.asarray(one)[60:270, :320], np.asarray(two)[60:270, :320]
    assert (a == b).all()


@needs_screen
def test_a_screenshot_that_does_not_settle_in_time_exits_1(tmp_path):
    done = run(SCENERY, "--screenshot", tmp_path / "shot.png", "--timeout", "0.05")
    assert_one_line(done, 1, "--timeout")
    assert not (tmp_path / "shot.png").exists()


@needs_screen
@pytest.mark.parametrize("name", ["missing.pkl", "broken.pkl"])
def test_a_bad_checkpoint_with_screenshot_exits_2(tmp_path, name):
    (tmp_path / "broken.pkl").write_bytes(b"\x80\x04not a checkpoint")
    done = run(tmp_path / name, "--screenshot", tmp_path / "shot.png")
    assert_one_line(done, 2, name)
    assert not (tmp_path / "shot.png").exists()


@needs_screen
def test_a_bad_session_with_screenshot_exits_2(tmp_path):
    session = tmp_path / "session.json"
    session.write_text('{"format": 99}')
    assert_one_line(run("--session", session, "--screenshot", tmp_path / "shot.png"), 2, "newer")


@needs_screen
def test_a_screenshot_into_a_missing_folder_exits_2(tmp_path):
    done = run(SCENERY, "--screenshot", tmp_path / "nowhere" / "shot.png", "--size", "800x500")
    assert_one_line(done, 2, "nowhere")


@needs_screen
@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_closes_the_window_cleanly(tmp_path, number, code):
    environment = changed({"XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)})
    with subprocess.Popen(
        [sys.executable, "-m", "creps_viewer", str(CONDITIONAL)],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        session = tmp_path / "creps-viewer" / "session.json"
        wait_for(session.is_file, process)  # the window is up and the checkpoint open
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == code, errors
    assert "Traceback" not in errors


def wait_for(condition, process: subprocess.Popen[str], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < until
        time.sleep(0.05)
