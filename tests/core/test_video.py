"""Videos: read back, they are what was given; they appear when complete; folders go on where they stopped."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe
from numpy.typing import NDArray
from PIL import Image

from creps_core.cancel import CancelToken
from creps_core.errors import Cancelled, InputError, RunError
from creps_core.picture_metadata import read_png_text, read_video_comment
from creps_core.video import check_video, video_size, write_video
from creps_core.view import Size

SIZE = Size(48, 32)
HOSTILE = 'a=b;c#d\\e\n{"é": "½"}' + "x" * 200_000  # longer than a command line may be


class Ramps:
    """Smooth frames whose colours move."""

    def __init__(self, count: int, size: Size = SIZE, *, stamp: str = "") -> None:
        self.size, self.count, self.stamp = size, count, stamp
        self.asked: list[int] = []

    def __len__(self) -> int:
        return self.count

    def pixels(self, number: int) -> NDArray[np.uint8]:
        self.asked.append(number)
        y, x = np.mgrid[: self.size.height, : self.size.width] / max(self.size)
        shade = np.stack([x, y, np.full_like(x, number / max(self.count - 1, 1))], axis=2)
        return np.round(40 + 170 * shade).astype(np.uint8)

    def text(self, number: int) -> str:
        return f"{self.stamp} frame {number} of {self.count}"


def read_video(path: Path, size: Size = SIZE) -> list[NDArray[np.uint8]]:
    command = [get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    data = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8)
    return list(data.reshape(-1, size.height, size.width, 3))


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((a.astype(float) - b) ** 2), 1e-9)))


@pytest.mark.parametrize(("suffix", "least"), [(".mp4", 40), (".webm", 40), (".gif", 30)])
def test_files_hold_every_frame(tmp_path: Path, suffix: str, least: float) -> None:
    frames, path = Ramps(7), tmp_path / f"a{suffix}"
    done: list[int] = []
    write_video(path, frames, 25, metadata=HOSTILE, shown=lambda n, pixels: done.append(n))
    assert done == list(range(1, 8))
    assert frames.asked == list(range(7)), "each once and in order: nothing is kept"
    read = read_video(path)
    assert len(read) == 7
    assert all(psnr(frames.pixels(k), read[k]) > least for k in range(7))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    if suffix != ".gif":
        assert read_video_comment(path, suffix[1:]) == HOSTILE  # type: ignore[arg-type]


def test_an_mp4_plays_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_video(path, Ramps(5), 30000 / 1001)
    said = subprocess.run([get_ffmpeg_exe(), "-i", path], capture_output=True, text=True, check=False).stderr
    assert "h264 (High)" in said
    assert "yuv420p(tv, bt709, progressive), 48x32" in said
    assert "29.97 fps" in said
    head = path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat"), "a player need not read to the end first"


def test_odd_sides(tmp_path: Path) -> None:
    odd = Size(33, 21)
    assert video_size(Path("a.mp4"), odd) == (34, 22)
    assert [video_size(Path(name), odd) for name in ("a.webm", "a.gif", "folder")] == [odd] * 3
    for name in ("a.webm", "a.gif"):
        write_video(tmp_path / name, Ramps(2, odd), 10)
        assert read_video(tmp_path / name, odd)[1].shape == (21, 33, 3)


def test_a_folder_holds_exactly_the_frames(tmp_path: Path) -> None:
    frames, folder = Ramps(3), tmp_path / "frames"
    write_video(folder, frames, 10)
    assert sorted(p.name for p in folder.iterdir()) == [f"frame_0000{k}.png" for k in range(3)]
    for k in range(3):
        with Image.open(folder / f"frame_0000{k}.png") as image:
            np.testing.assert_array_equal(np.asarray(image), frames.pixels(k))
        assert read_png_text(folder / f"frame_0000{k}.png", "creps") == frames.text(k)


def test_a_folder_goes_on_where_it_stopped(tmp_path: Path) -> None:
    folder, token = tmp_path / "frames", CancelToken()
    with pytest.raises(Cancelled):
        write_video(folder, Ramps(6), 10, cancel=token, shown=lambda n, _: token.cancel() if n == 4 else None)
    whole = (folder / "frame_00003.png").read_bytes()
    (folder / "frame_00001.png").write_bytes(whole[: len(whole) // 2])  # as after a power cut
    (folder / "frame_00002.png").write_bytes(whole)  # another frame
    again, kept = Ramps(6), []
    write_video(folder, again, 10, shown=lambda n, made: kept.append(made is None))
    assert again.asked == [1, 2, 4, 5]
    assert kept == [True, False, False, True, False, False]
    other = Ramps(6, stamp="another seed")
    write_video(folder, other, 10)
    assert other.asked == list(range(6))
    with pytest.raises(InputError, match="longer video, up to 5"):
        write_video(folder, Ramps(3), 10)


@pytest.mark.parametrize("name", ["a.mp4", "a.gif"])
def test_cancelled_or_failing_it_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    path, token = tmp_path / name, CancelToken()
    path.write_bytes(b"precious")
    with pytest.raises(Cancelled):
        write_video(path, Ramps(9), 10, cancel=token, shown=lambda n, _: token.cancel() if n == 4 else None)

    class Broken(Ramps):
        def pixels(self, number: int) -> NDArray[np.uint8]:
            if number == 3:
                raise ZeroDivisionError
            return super().pixels(number)

    with pytest.raises(ZeroDivisionError):
        write_video(path, Broken(9), 10)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [(name, b"precious")]


def fake_ffmpeg(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("head -c 9000 >/dev/null; echo 'av_write: No space left on device' >&2; exit 1", "free some space"),
        ("cat >/dev/null; echo 'x: No space left on device' >&2; exit 1", "free some space"),
        ("echo; echo 'Unknown encoder libx264' >&2; exit 1", "Unknown encoder libx264"),
        ("kill -9 $$", "exit code -9"),
    ],
    ids=["full disk in the middle", "full disk at the end", "no encoder", "killed"],
)
def test_what_ffmpeg_complains_about_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, says: str
) -> None:
    (tmp_path / "out").mkdir()
    fake_ffmpeg(tmp_path, script, monkeypatch)
    with pytest.raises(RunError, match=says) as raised:
        write_video(tmp_path / "out" / "a.mp4", Ramps(200), 10)
    assert "a.mp4 could not be written" in str(raised.value)
    assert not list((tmp_path / "out").iterdir())


def test_without_ffmpeg_it_says_so_and_pictures_still_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", none)
    with pytest.raises(RunError, match="reinstall imageio-ffmpeg"):
        write_video(tmp_path / "a.mp4", Ramps(2), 10)
    write_video(tmp_path / "frames", Ramps(2), 10)


@pytest.mark.parametrize(
    ("name", "size", "fps", "says"),
    [
        ("a.avi", SIZE, 10, "must be .mp4, .webm or .gif, or none"),
        ("a.mp4", SIZE, 0, "frames per second"),
        ("a.mp4", SIZE, float("nan"), "frames per second"),
        ("a.gif", SIZE, 60, r".gif has 50"),
        ("a.mp4", Size(20000, 10), 10, "at most 16384"),
        ("none/a.mp4", SIZE, 10, "does not exist"),
        ("none/frames", SIZE, 10, "does not exist"),
        ("file", SIZE, 10, "is a file"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, name: str, size: Size, fps: float, says: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=says):
        check_video(tmp_path / name, size, fps)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="not writable"):
        check_video(tmp_path / "a.mp4", SIZE, 10)
