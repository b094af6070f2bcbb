"""creps-video: its frames are creps-render's, every flag does what it says, every error is one line."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from creps_core.cli import render, video
from creps_core.cli.video_request import VideoFlags, resolve
from creps_core.errors import InputError
from creps_core.journey import Journey
from creps_core.keyframe import Keyframe
from creps_core.session import CheckpointRef, Session, read_session, write_session
from creps_core.source import Source
from creps_core.view import Size, View
from creps_core.warps import parse_warp
from tests.core.test_video import psnr, read_video

ROOT = Path(__file__).parents[2]
PKL = ROOT / "tests/data/golden/creps-64-random.pkl"
SIZE = Size(40, 24)

Call = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command's console script in this process: its exit code and what it said."""

    def call(command: Any, *arguments: object) -> tuple[int, str]:
        handler = signal.getsignal(signal.SIGTERM)
        monkeypatch.setattr(sys, "argv", ["creps-video", *map(str, arguments)])
        try:
            with pytest.raises(SystemExit) as left:
                command.main()
        finally:
            signal.signal(signal.SIGTERM, handler)
        return int(left.value.code or 0), capsys.readouterr().err

    return call


def pictures(folder: Path) -> list[NDArray[np.uint8]]:
    return [pictures_of(path) for path in sorted(folder.iterdir())]


def journey_session(path: Path, turned: View, **more: Any) -> Session:
    """Three keyframes: a flight, other latents, a cut to depth."""
    keyframes = (
        Keyframe(View(), (Source(seed=3),), seconds=1),
        Keyframe(turned, (Source(seed=4, psi=0.6),), seconds=0.5, easing="hold"),
        Keyframe(View.from_zoom(1e6, center_x=Fraction("0.123456789")), (Source(seed=3),)),
    )
    reference = CheckpointRef(PKL.name, "", str(PKL))
    session = Session(reference, size=SIZE, keyframes=keyframes, **more)
    write_session(path, session)
    return session


def test_every_frame_is_what_creps_render_gives(run: Call, tmp_path: Path) -> None:
    turned = View.from_zoom(3, rotation_deg=25, warps=(parse_warp("swirl:0,0,0.5,60"),))
    journey_session(tmp_path / "s.json", turned)
    folder = tmp_path / "frames"
    assert run(video, "--session", tmp_path / "s.json", "--fps", 2, "--out", folder) == (0, "")
    frames = pictures(folder)
    assert len(frames) == 3
    for number, path in enumerate(sorted(folder.iterdir())):
        still = tmp_path / "still.png"
        assert run(render, "--session", path, "--ckpt", PKL, "--out", still) == (0, "")
        np.testing.assert_array_equal(pictures_of(still), frames[number])


def pictures_of(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_an_mp4_of_scenery_is_its_frames_within_the_codecs_loss(run: Call, tmp_path: Path) -> None:
    film = ["--seed", 26, "--to", "0.53,0.5,6", "--seconds", 1, "--fps", 6, "--size", "160x96", "--out"]
    assert run(video, *film, tmp_path / "frames") == (0, "")
    assert run(video, *film, tmp_path / "a.mp4") == (0, "")
    read = read_video(tmp_path / "a.mp4", Size(160, 96))
    assert min(psnr(*pair) for pair in zip(pictures(tmp_path / "frames"), read, strict=True)) > 38


def test_a_video_carries_what_makes_it_again(run: Call, tmp_path: Path) -> None:
    made = journey_session(tmp_path / "s.json", View.from_zoom(3), loop=True, unknown={"note": "kept"})
    first, second = tmp_path / "a.mp4", tmp_path / "b.mp4"
    assert run(video, "--session", tmp_path / "s.json", "--out", first, "--fps", 2)[0] == 0
    assert str(ROOT).encode() not in first.read_bytes()
    session = read_session(first)
    assert (session.keyframes, session.loop, session.unknown) == (made.keyframes, True, {"note": "kept"})
    assert len(session.checkpoint.sha256) == 64
    assert run(video, "--session", first, "--ckpt", PKL, "--out", second, "--fps", 2)[0] == 0
    assert len(read_video(second, SIZE)) == 7  # the last segment leads back
    for a, b in zip(read_video(first, SIZE), read_video(second, SIZE), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_plain_zoom_shows_both_ends(run: Call, tmp_path: Path) -> None:
    shared = ["--ckpt", PKL, "--seed", 5, "--trunc", 0.7, "--size", "30x20"]
    zoom = ["--from", "0.25,0.75,2", "--to", "0.4,0.6,9", "--seconds", 0.5, "--fps", 10]
    assert run(video, *shared, *zoom, "--out", tmp_path / "frames") == (0, "")
    frames = pictures(tmp_path / "frames")
    assert len(frames) == 5
    for frame, (center, depth) in zip(
        (frames[0], frames[-1]), (("0.25,0.75", 2), ("0.4,0.6", 9)), strict=True
    ):
        still = ["--center", center, "--zoom", depth, "--out", tmp_path / "a.png"]
        assert run(render, *shared, *still) == (0, "")
        np.testing.assert_array_equal(frame, pictures_of(tmp_path / "a.png"))


def test_supersampling_averages_what_a_larger_picture_has(run: Call, tmp_path: Path) -> None:
    zoom = ["--ckpt", PKL, "--to", "0.5,0.5,0.8", "--seconds", 0.1, "--fps", 10, "--supersample", 3]
    assert run(video, *zoom, "--size", "21x14", "--out", tmp_path / "frames") == (0, "")
    larger = ["--zoom", 1, "--size", "63x42", "--out", tmp_path / "a.npy", "--outside", "fade"]
    assert run(render, "--ckpt", PKL, *larger)[0] == 0
    values = np.clip(np.load(tmp_path / "a.npy"), -1, 1).reshape(14, 3, 21, 3, 3).mean(axis=(1, 3))
    shown = pictures(tmp_path / "frames")[0]
    inside = slice(None), slice(4, 17)  # a .npy always generates beyond the picture
    wanted = np.floor(np.clip(values * 127.5 + 128, 0, 255))
    assert np.abs(shown[inside] - wanted[inside]).max() <= 1


def test_fast_frames_are_at_most_one_level_off(run: Call, tmp_path: Path) -> None:
    film = ["--seed", 26, "--to", "0.53,0.5,64", "--seconds", 0.4, "--fps", 10, "--size", "240x160"]
    for name, flags in (("exact", []), ("fast", ["--fast"])):
        assert run(video, *film, *flags, "--out", tmp_path / name) == (0, "")
    for a, b in zip(pictures(tmp_path / "exact"), pictures(tmp_path / "fast"), strict=True):
        assert np.abs(a.astype(int) - b).max() <= 1
    assert read_session(tmp_path / "fast" / "frame_00001.png").unknown["frame"]["fast"] is True


def test_odd_sides_are_said(run: Call, tmp_path: Path) -> None:
    zoom = ["--ckpt", PKL, "--to", "0.5,0.5,2", "--seconds", 0.2, "--fps", 10, "--size", "21x13"]
    code, said = run(video, *zoom, "--out", tmp_path / "a.mp4")
    assert (code, said) == (0, "creps-video: H.264 needs even sides: 22x14 is rendered\n")
    assert len(read_video(tmp_path / "a.mp4", Size(22, 14))) == 2


BAD = [
    (["--to", "0,0,2"], "--size WxH is missing"),
    (["--size", "8x8"], "nowhere to go"),
    (["--size", "8x8", "--to", "0,0"], "expected X,Y,Z"),
    (["--size", "8x8", "--to", "0,0,0"], "positive"),
    (["--size", "8x8", "--to", "0,0,2", "--seconds", "0"], "more than 0 seconds"),
    (["--size", "8x8", "--to", "0,0,2", "--seconds", "1e9"], "seconds"),
    (["--size", "8x8", "--to", "0,0,2", "--fps", "0"], "frames per second"),
    (["--size", "8x8", "--to", "0,0,2", "--supersample", "4"], "--supersample"),
    (["--size", "8x8", "--to", "0,0,2", "--class", "1"], "no classes"),
    (["--size", "8x8", "--to", "0,0,2", "--out", "a.avi"], "suffix must be .mp4"),
    (["--size", "8x8", "--session", "none.json"], "no such file"),
]


@pytest.mark.parametrize(("arguments", "says"), BAD, ids=[says for _, says in BAD])
def test_bad_usage_is_one_line_and_exit_2(
    run: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = run(video, "--ckpt", PKL, "--out", "a.mp4", *arguments)
    assert code == 2
    assert said.startswith("creps-video: error: ")
    assert says in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_in_the_middle_it_leaves_the_old_file(tmp_path: Path, sent: int, code: int) -> None:
    out = tmp_path / "a.mp4"
    out.write_bytes(b"precious")
    arguments = ["--ckpt", PKL, "--to", "0.5,0.5,9", "--seconds", 500, "--size", "640x360", "--out", out]
    command = [sys.executable, "-m", "creps_core.cli.video", *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not any(p != out for p in tmp_path.iterdir()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(sent)
        _, error = process.communicate(timeout=30)
    assert process.returncode == code
    assert b"Traceback" not in error
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"precious"]


def asked(session: Session | None = None, **flags: Any) -> Any:
    return resolve(VideoFlags(size=SIZE, **flags), session)


REF = CheckpointRef("a", "")


def test_a_session_without_keyframes_is_a_zoom_from_home_to_its_view() -> None:
    session = Session(REF, (Source(seed=9),), view=View.from_zoom(5, rotation_deg=30))
    request = asked(session)
    assert [frame.view for frame in request.keyframes] == [View(), session.view]
    assert {frame.sources for frame in request.keyframes} == {(Source(seed=9),)}
    assert Journey(request.keyframes, 3).seconds == 10
    there_and_back = asked(session, loop=True, seconds=4.0)
    assert Journey(there_and_back.keyframes, 3, loop=there_and_back.loop).seconds == 4


def test_flags_lie_over_the_sessions_keyframes() -> None:
    frames = (Keyframe(seconds=1.0), Keyframe(View.from_zoom(2), (Source(seed=8),), seconds=3.0), Keyframe())
    session = Session(REF, keyframes=frames, loop=True)
    request = asked(session, trunc=0.5, seconds=12.0)
    assert request.loop
    assert [frame.seconds for frame in request.keyframes] == [2.0, 6.0, 4.0]
    assert request.keyframes[1].sources == (Source(seed=8, psi=0.5),)
    plain = asked(session, end=(Fraction(0), Fraction(0), Fraction(4)))
    assert len(plain.keyframes) == 2
    assert not plain.loop


def test_journeys_that_go_nowhere_are_refused() -> None:
    with pytest.raises(InputError, match="one keyframe"):
        asked(Session(REF, keyframes=(Keyframe(),)))
    with pytest.raises(InputError, match="0 seconds"):
        asked(Session(REF, keyframes=(Keyframe(seconds=0), Keyframe())))
