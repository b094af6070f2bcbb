"""creps-data: any pictures become a training set, what cannot is named, and nothing is left half-written."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from creps_core.errors import CrepsError, InputError
from creps_core.image import to_uint8
from tests.train.picture_makers import (
    encoded,
    labelled,
    plain_set,
    png_of,
    png_of_16_bits,
    rgb,
    turned_jpeg,
    write_folder,
    write_zip,
)
from train.cli import data
from train.decoding import decode, to_rgb
from train.drawn import training_points
from train.ordered import ordered_map
from train.preparation import Preparation, make_square
from train.scenery import Scenery
from train.stored import open_pictures

ROOT = Path(__file__).parents[2]


def inside(*arguments: object) -> Result:
    """Run the command in this process; what it raises passes on."""
    return CliRunner().invoke(data.command, [str(a) for a in arguments], catch_exceptions=False)


def refused(*arguments: object) -> str:
    """The one line that the command fails with, exit code 2."""
    with pytest.raises(CrepsError) as error:
        inside(*arguments)
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)
    return str(error.value)


def program(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start the command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "train.cli.data", *(str(a) for a in arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def report_of(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(inside("inspect", path, "--json").output)
    return report


def first_of(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The first picture of a prepared zip, [H, W, 3]."""
    with (
        zipfile.ZipFile(path) as archive,
        Image.open(io.BytesIO(archive.read(archive.namelist()[0]))) as picture,
    ):
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        return np.array(picture)


def prepared(tmp_path: Path, name: str, content: bytes, *options: object) -> Any:
    """What a single file becomes at 16 × 16, as whole numbers."""
    source = write_zip(tmp_path / "source.zip", {name: content})
    inside("prepare", source, "--size", 16, "--out", tmp_path / "out.zip", *options)
    return first_of(tmp_path / "out.zip").astype(int)


# Help


def test_help_names_the_commands_and_their_options() -> None:
    text = inside("--help").output
    for words in ("inspect", "prepare", "scenery", "dataset.json"):
        assert words in text
    options = {
        "inspect": ["--json", "whether training can read it", "broken"],
        "prepare": [
            "--size",
            "--out",
            "--fit [crop|pad]",
            "--background",
            "--labels-from-folders",
            "Lanczos",
        ],
        "scenery": ["--size", "--count", "--out", "--first", "--grid [centres|endpoints]"],
    }
    for name, wanted in options.items():
        text = " ".join(inside(name, "--help").output.split())
        for words in (*wanted, "--debug"):
            assert words in text, (name, words)


def test_help_and_bad_usage_do_not_wait_for_torch() -> None:
    code = "import sys, train.cli.data; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["show"],
        ["prepare", "x"],
        ["prepare", "x", "--size", "7", "--out", "o.zip"],
        ["prepare", "x", "--size", "16", "--out", "o.zip", "--background", "octarine"],
        ["prepare", "x", "--size", "16", "--out", "o.zip", "--fit", "squeeze"],
        ["scenery", "--size", "16", "--count", "0", "--out", "o.zip"],
        ["scenery", "--size", "16", "--count", "1", "--out", "o.zip", "--first", "-1"],
    ],
)
def test_bad_usage_is_one_line(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["creps-data", *arguments])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as left:
        data.main()
    assert left.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("creps-data: error: ")
    assert error.count("\n") == 1


# inspect


def test_inspect_a_set_that_can_be_read(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "set.zip", labelled(plain_set(5), [0, 2, 2, 1, 2]))
    report = report_of(path)
    assert report["pictures"] == 5
    assert report["sizes"] == {"16x16": 5}
    assert report["modes"] == {"RGB": 5}
    assert report["labels"] == {"0": 1, "1": 1, "2": 3}
    assert (report["broken"], report["readable"], report["fault"], report["advice"]) == ([], True, None, None)
    text = inside("inspect", path).output
    for words in ("5", "16 × 16 (5)", "0 (1), 1 (1), 2 (3)", "can read this set as it is"):
        assert words in text


def mixed_bag(folder: Path) -> Path:
    """A folder as people have it."""
    return write_folder(
        folder,
        {
            "wide.png": encoded(rgb(50, 40)),
            "grey.png": encoded(rgb(40).convert("L")),
            "clear.png": encoded(rgb(40).convert("RGBA")),
            "cmyk.jpg": encoded(rgb(40).convert("CMYK"), "JPEG"),
            "turned.jpg": turned_jpeg(rgb(30, 60), 6),
            "moving.webp": encoded(rgb(40), "WEBP", save_all=True, append_images=[rgb(40, seed=1)]),
            "cut.png": encoded(rgb(40))[:-40],
            "junk.jpg": b"junk",
            "readme.txt": b"text",
        },
    )


def test_inspect_names_what_is_broken_and_what_to_run(tmp_path: Path) -> None:
    path = mixed_bag(tmp_path / "my bag")
    report = report_of(path)
    assert report["pictures"] == 6
    assert report["sizes"] == {"40x40": 4, "50x40": 1, "60x30": 1}  # the turned one as it is to be seen
    assert report["modes"] == {"RGB": 3, "CMYK": 1, "L": 1, "RGBA": 1}
    assert [report[name] for name in ("turned", "transparent", "animated", "other_files")] == [1, 1, 1, 1]
    assert [broken["file"] for broken in report["broken"]] == ["cut.png", "junk.jpg"]
    assert not report["readable"]
    assert report["advice"] == f"creps-data prepare '{path}' --size 32 --out 'my bag-32.zip'"
    text = inside("inspect", path).output
    assert "2 of 8 pictures cannot be read: cut.png, junk.jpg" in report["fault"]
    for words in ("cut.png: ", "junk.jpg: not a PNG", "grey (1)", report["fault"], report["advice"]):
        assert words in text


def test_inspect_reports_labels_that_cannot_be_used(tmp_path: Path) -> None:
    report = report_of(write_folder(tmp_path, labelled(plain_set(2), [0, -1])))
    assert not report["readable"]
    assert "has class -1" in report["fault"]
    assert report["advice"] is None


# prepare: every kind of picture


def close(got: Any, want: Any, levels: float) -> bool:
    return bool(np.abs(got - np.asarray(want).astype(int)).max() <= levels)


def alike(got: Any, want: Any) -> bool:
    """Equal but for JPEG's losses."""
    return bool(np.abs(got - np.asarray(want).astype(int)).mean() <= 4)


def test_rgb_of_the_right_size_is_not_touched(tmp_path: Path) -> None:
    assert close(prepared(tmp_path, "a.png", encoded(rgb())), rgb(), 0)


def test_grey_and_black_and_white(tmp_path: Path) -> None:
    grey = rgb().convert("L")
    assert close(prepared(tmp_path, "a.png", encoded(grey)), grey.convert("RGB"), 0)
    ink = grey.point(lambda v: 255 * (v > 120)).convert("1")
    assert close(prepared(tmp_path, "a.png", encoded(ink)), ink.convert("RGB"), 0)
    assert close(prepared(tmp_path, "a.png", encoded(grey, "JPEG", quality=98)), grey.convert("RGB"), 4)


def test_palettes(tmp_path: Path) -> None:
    palette = rgb().quantize(32)
    assert close(prepared(tmp_path, "a.png", encoded(palette)), palette.convert("RGB"), 0)
    clear = palette.getpixel((3, 2))
    want = np.asarray(palette.convert("RGB")).copy()
    want[np.asarray(palette) == clear] = 255
    assert close(prepared(tmp_path, "a.png", encoded(palette, transparency=clear)), want, 0)


@pytest.mark.parametrize(
    ("options", "background"), [((), (255, 255, 255)), (("--background", "#2040a0"), (0x20, 0x40, 0xA0))]
)
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_shows_the_background(
    tmp_path: Path, mode: str, options: tuple[str, ...], background: tuple[int, ...]
) -> None:
    alpha = np.tile(np.arange(0, 256, 17, dtype=np.uint8)[:16], (16, 1))
    picture = rgb().convert(mode)
    picture.putalpha(Image.fromarray(alpha))
    colour = np.asarray(picture.convert("RGB" if mode == "RGBA" else "L").convert("RGB"), float)
    share = alpha[..., None] / 255
    want = (colour * share + np.array(background) * (1 - share)).round()
    assert close(prepared(tmp_path, "a.png", encoded(picture), *options), want, 1)


def test_a_transparent_colour_shows_the_background(tmp_path: Path) -> None:
    picture = Image.new("RGB", (16, 16), (9, 8, 7))
    picture.paste((200, 100, 50), (0, 0, 8, 16))
    want = np.full((16, 16, 3), 255)
    want[:, :8] = (200, 100, 50)
    assert close(prepared(tmp_path, "a.png", encoded(picture, transparency=(9, 8, 7))), want, 0)


@pytest.mark.parametrize(("colour_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bits(tmp_path: Path, colour_type: int, channels: int) -> None:
    levels = np.linspace(0, 65535, 256 * channels).round().astype(np.uint16).reshape(16, 16, channels)
    if channels in (2, 4):
        levels[..., -1] = 65535  # opaque
    want = levels[..., : 3 if channels > 2 else 1] / 257
    got = prepared(tmp_path, "a.png", png_of_16_bits(levels, colour_type))
    assert np.abs(got - want).max() <= (0.51 if channels == 1 else 1)


def test_a_transparent_grey_of_16_bits(tmp_path: Path) -> None:
    levels = np.full((16, 16, 1), 40000, np.uint16)
    levels[:8] = 1234
    got = prepared(tmp_path, "a.png", png_of_16_bits(levels, 0, (b"tRNS", (1234).to_bytes(2, "big"))))
    assert (got[:8] == 255).all()
    assert (got[8:] == 156).all()


def test_cmyk(tmp_path: Path) -> None:
    picture = rgb().convert("CMYK")
    assert close(prepared(tmp_path, "a.jpg", encoded(picture, "JPEG", quality=98)), picture.convert("RGB"), 6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_by_the_camera(tmp_path: Path, orientation: int) -> None:
    """A camera held in any way gives the upright picture."""
    turns = Image.Transpose
    undone = {
        2: turns.FLIP_LEFT_RIGHT,
        3: turns.ROTATE_180,
        4: turns.FLIP_TOP_BOTTOM,
        5: turns.TRANSPOSE,
        6: turns.ROTATE_90,
        7: turns.TRANSVERSE,
        8: turns.ROTATE_270,
    }
    upright = rgb(seed=4)
    stored = upright.transpose(undone[orientation]) if orientation > 1 else upright
    assert alike(prepared(tmp_path, "a.jpg", turned_jpeg(stored, orientation)), upright)
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("PNG", "WEBP"):
        content = encoded(stored, kind, exif=exif, lossless=True)
        assert close(prepared(tmp_path, f"a.{kind.lower()}", content), upright, 0)


def test_damaged_exif_is_no_reason_to_lose_a_picture(tmp_path: Path) -> None:
    content = encoded(rgb(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01", quality=98)
    assert alike(prepared(tmp_path, "a.jpg", content), rgb())


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_animations_the_first_frame_is_taken(tmp_path: Path, kind: str) -> None:
    frames = [rgb(seed=i) for i in range(3)]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    assert close(prepared(tmp_path, f"a.{kind.lower()}", content), frames[0], 0)


# prepare: shapes


def test_crop_takes_the_square_in_the_middle() -> None:
    wide = Image.new("RGB", (90, 30), "red")
    wide.paste("lime", (30, 0, 60, 30))
    for picture in (wide, wide.transpose(Image.Transpose.ROTATE_90)):
        assert set(make_square(picture, Preparation(30)).get_flattened_data()) == {(0, 255, 0)}


def test_pad_keeps_all_of_it() -> None:
    wide = Image.new("RGB", (90, 30), "red")
    square = np.asarray(make_square(wide, Preparation(30, fit="pad", background=(1, 2, 3))))
    assert (square[10:20] == (255, 0, 0)).all()
    assert (square[:10] == (1, 2, 3)).all()
    assert (square[20:] == (1, 2, 3)).all()


def test_sizes_change_by_lanczos() -> None:
    picture = rgb(64, 48)
    want = picture.crop((8, 0, 56, 48)).resize((16, 16), Image.Resampling.LANCZOS)
    assert make_square(picture, Preparation(16)).tobytes() == want.tobytes()


@pytest.mark.parametrize("fit", ["crop", "pad"])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 2)])
def test_slivers_pass(fit: Any, size: tuple[int, int]) -> None:
    assert make_square(Image.new("RGB", size), Preparation(16, fit)).size == (16, 16)


# prepare: the zip


def test_a_bag_becomes_a_set(tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    done = inside("prepare", mixed_bag(tmp_path / "bag"), "--size", 32, "--out", out)
    assert done.exit_code == 0
    summary = f"{out}: 6 pictures of 32 × 32, 1 enlarged from less, 2 broken ones left out, "
    assert done.stdout == f"{summary}1 other files passed over\n"
    named = [line.split(": ")[:2] for line in done.stderr.splitlines()]
    assert named == [["creps-data", "left out cut.png"], ["creps-data", "left out junk.jpg"]]
    assert len(open_pictures(out)) == 6
    assert report_of(out)["readable"]


def test_the_zip_is_laid_out_as_others_expect(tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    inside("prepare", write_folder(tmp_path / "set", plain_set(3)), "--size", 16, "--out", out)
    with zipfile.ZipFile(out) as archive:
        names = [f"00000/img{i:08d}.png" for i in range(3)]
        assert archive.namelist() == [*names, "dataset.json"]
        assert json.loads(archive.read("dataset.json")) == {"labels": None}
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            assert entry.date_time == (1980, 1, 1, 0, 0, 0)


def test_equal_pictures_give_equal_bytes(tmp_path: Path) -> None:
    files = labelled(plain_set(5, size=40), [1, 0, 1, 1, 0])
    folder = write_folder(tmp_path / "set", dict(reversed(files.items())))
    archive = write_zip(tmp_path / "set.zip", files, zipfile.ZIP_DEFLATED)
    hashes = set()
    for i, source in enumerate((folder, archive, folder)):
        out = tmp_path / f"out{i}.zip"
        inside("prepare", source, "--size", 16, "--out", out)
        hashes.add(hashlib.sha256(out.read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_labels_go_with_their_pictures(tmp_path: Path) -> None:
    files = labelled(plain_set(4), [3, 0, 1, 0])
    files["00000/img00000001.png"] = b"broken"
    out = tmp_path / "out.zip"
    done = inside("prepare", write_folder(tmp_path / "set", files), "--size", 16, "--out", out)
    assert "4 classes" in done.stdout
    pictures = open_pictures(out)
    assert pictures.labels(torch.arange(3)).argmax(1).tolist() == [3, 1, 0]
    line = training_points(16, "endpoints")[None]
    got = pictures.sample(torch.tensor([1]), line, line)[0].permute(1, 2, 0).numpy()
    assert close(to_uint8(got).astype(int), rgb(seed=2), 0)


def test_labels_from_folders(tmp_path: Path) -> None:
    files = {
        f"{pet}/{part}/{i}.png": encoded(rgb(seed=i))
        for pet in ("dog", "cat")
        for part in "ab"
        for i in (1, 2)
    }
    source, out = write_folder(tmp_path / "pets", files), tmp_path / "out.zip"
    inside("prepare", source, "--size", 16, "--out", out)
    assert open_pictures(out).c_dim == 0  # folders are no classes unless one says so
    done = inside("prepare", source, "--size", 16, "--out", out, "--labels-from-folders")
    assert "8 pictures of 16 × 16, 2 classes" in done.stdout
    pictures = open_pictures(out)
    assert pictures.labels(torch.arange(8)).argmax(1).tolist() == [0] * 4 + [1] * 4
    with zipfile.ZipFile(out) as archive:
        assert json.loads(archive.read("dataset.json"))["classes"] == ["cat", "dog"]
    (source / "stray.png").write_bytes(encoded(rgb()))
    message = refused("prepare", source, "--size", 16, "--out", out, "--labels-from-folders")
    assert "stray.png lies in no folder" in message


# prepare: what is wrong


def test_nothing_good_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out.zip"
    source = write_folder(tmp_path / "set", {"a.png": b"", "b.jpg": b"junk"})
    assert "none of the 2 pictures can be read" in refused("prepare", source, "--size", 16, "--out", out)
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_sources_and_targets_that_cannot_be(tmp_path: Path) -> None:
    source = write_zip(tmp_path / "set.zip", plain_set(2))
    (tmp_path / "empty").mkdir()

    def ask(source: Path, out: Path) -> str:
        return refused("prepare", source, "--size", 16, "--out", out)

    assert "no PNG, JPEG or WebP picture" in ask(tmp_path / "empty", tmp_path / "out.zip")
    assert "does not exist" in ask(tmp_path / "gone", tmp_path / "out.zip")
    assert "does not exist; make it first" in ask(source, tmp_path / "gone" / "out.zip")
    assert "does not end in .zip" in ask(source, tmp_path / "out")
    assert "is the source itself" in ask(source, source)
    (tmp_path / "folder.zip").mkdir()
    assert "is a folder" in ask(source, tmp_path / "folder.zip")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "folder.zip", "set.zip"]


def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests may run as root, who may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, *_args, **_options: path != tmp_path)
    source = write_zip(tmp_path / "set.zip", plain_set(2))
    message = refused("prepare", source, "--size", 16, "--out", tmp_path / "out.zip")
    assert "is not writable" in message


def test_files_that_may_not_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_folder(tmp_path / "set", plain_set(2))
    opened = Path.open

    def locked(path: Path, *args: Any) -> Any:
        if path.name == "img00000001.png":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args)

    monkeypatch.setattr(Path, "open", locked)
    done = inside("prepare", source, "--size", 16, "--out", tmp_path / "out.zip")
    assert "left out 00000/img00000001.png: permission denied" in done.stderr


def test_a_full_disk_is_one_line_and_no_file(tmp_path: Path) -> None:
    """A real limit of the system: the process may write files of 20 kB at most."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    source = write_folder(tmp_path / "set", {f"{i}.png": encoded(Image.fromarray(noise)) for i in range(9)})
    (tmp_path / "out").mkdir()
    out = tmp_path / "out" / "out.zip"
    out.write_bytes(b"precious")
    code = f"""
        import resource, signal, sys
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        sys.argv = ["creps-data", "prepare", {str(source)!r}, "--size", "64", "--out", {str(out)!r}]
        from train.cli.data import main
        main()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == f"creps-data: error: {out} could not be written: file too large\n"
    assert [p.read_bytes() for p in out.parent.iterdir()] == [b"precious"]


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_in_the_middle_it_leaves_the_old_file(tmp_path: Path, sent: int, code: int) -> None:
    content = encoded(rgb(400))
    source = write_folder(tmp_path / "set", {f"{i:04d}.png": content for i in range(400)})
    (tmp_path / "out").mkdir()
    out = tmp_path / "out" / "out.zip"
    out.write_bytes(b"precious")
    with program("prepare", source, "--size", 1024, "--out", out) as process:
        deadline = time.monotonic() + 60
        while not any(p != out and p.stat().st_size > 1000 for p in out.parent.iterdir()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(sent)
        _, error = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in error
    assert error.count("\n") == (1 if sent == signal.SIGINT else 0)
    assert [p.read_bytes() for p in out.parent.iterdir()] == [b"precious"]


def test_progress_shows_on_a_terminal_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_folder(tmp_path / "set", {**plain_set(3), "bad.png": b""})
    arguments = ("prepare", source, "--size", 16, "--out", tmp_path / "out.zip")
    assert inside(*arguments).stderr.count("\n") == 1
    with monkeypatch.context() as patch:
        patch.setattr("train.cli.progress._on_terminal", lambda: True)
        shown = inside(*arguments).stderr
    assert "preparing" in shown
    assert "left out bad.png" in shown


# Hostile files


def hostile_files() -> dict[str, bytes]:
    """One good picture among files made to do harm."""
    huge = (60_000).to_bytes(4, "big")
    header = huge + huge + bytes([8, 2, 0, 0, 0])
    bomb = png_of((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    large = (12_000).to_bytes(4, "big")
    header = large + large + bytes([8, 2, 0, 0, 0])
    smaller = png_of((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    text = zlib.compress(bytes(8 * 2**20))
    talkative = png_of(
        (b"IHDR", (8).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])),
        *[(b"zTXt", b"a\0\0" + text)] * 3,
        (b"IDAT", zlib.compress(bytes(8 * 25))),
        (b"IEND", b""),
    )
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n(touched) (w) file\n"
    return {
        "bomb.png": bomb,
        "smaller-bomb.png": smaller,
        "talkative.png": talkative,
        "script.png": script,
        "no-palette.png": png_of(
            (b"IHDR", (8).to_bytes(4, "big") * 2 + bytes([8, 3, 0, 0, 0])),
            (b"IDAT", zlib.compress(bytes(8 * 9))[:-6]),
            (b"IEND", b""),
        ),
        "gif.png": encoded(rgb(), "GIF"),
        "empty.webp": b"",
        "good.png": encoded(rgb()),
        "new\nline\x1b[31m.png": b"junk",
    }


def test_hostile_pictures_are_named_and_left_out(tmp_path: Path) -> None:
    files = hostile_files()
    for source in (
        write_folder(tmp_path / "set", files),
        write_zip(tmp_path / "set.zip", files, zipfile.ZIP_DEFLATED),
    ):
        done = inside("prepare", source, "--size", 16, "--out", tmp_path / "out.zip")
        lines = dict(
            line.removeprefix("creps-data: left out ").split(": ", 1) for line in done.stderr.splitlines()
        )
        bad = {name.replace("\n", "\\n").replace("\x1b", "\\x1b") for name in files} - {"good.png"}
        assert bad - {"talkative.png"} <= set(lines)
        assert "decompression bomb" in lines["bomb.png"]
        assert "12000 × 12000 pixels are too many" in lines["smaller-bomb.png"]
        assert "\x1b" not in done.stderr
        assert close(first_of(tmp_path / "out.zip").astype(int), rgb(), 0)


def test_names_that_lead_out_of_a_zip_are_refused(tmp_path: Path) -> None:
    good = encoded(rgb())
    names = ["/abs.png", "../up.png", "a/../../up.png", "C:\\drive.png", "..\\up.png", "fine.png"]
    source = write_zip(tmp_path / "set.zip", dict.fromkeys(names, good))
    before = sorted(tmp_path.parent.iterdir())
    done = inside("prepare", source, "--size", 16, "--out", tmp_path / "out.zip")
    assert done.stderr.count("its name points out of the zip") == 5
    assert "1 pictures" in done.stdout
    assert sorted(tmp_path.parent.iterdir()) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.zip", "set.zip"]


def test_zip_bombs_pipes_and_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.picture_files.MAX_BYTES", 2**20)
    bomb = encoded(rgb()) + bytes(2**22)
    source = write_zip(
        tmp_path / "set.zip", {"bomb.png": bomb, "a.png": encoded(rgb())}, zipfile.ZIP_DEFLATED
    )
    assert source.stat().st_size < 20_000
    done = inside("prepare", source, "--size", 16, "--out", tmp_path / "out.zip")
    assert "left out bomb.png: larger than 1 MB" in done.stderr
    folder = write_folder(tmp_path / "set", {"bomb.png": bomb, "a.png": encoded(rgb())})
    os.mkfifo(folder / "pipe.png")
    (folder / "nowhere.png").symlink_to("gone")
    done = inside("prepare", folder, "--size", 16, "--out", tmp_path / "out.zip")
    for words in ("bomb.png: larger", "pipe.png: not an ordinary file", "nowhere.png: no such file"):
        assert words in done.stderr
    locked = bytearray(source.read_bytes())
    for magic, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # say that every entry is encrypted
        at = locked.find(magic)
        while at >= 0:
            locked[at + flags] |= 1
            at = locked.find(magic, at + 4)
    source.write_bytes(locked)
    message = refused("prepare", source, "--size", 16, "--out", tmp_path / "out.zip")
    assert "none of the 2 pictures" in message


def test_there_is_a_limit_to_the_number_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.picture_files.MAX_FILES", 3)
    assert "more than 3 files" in refused("inspect", write_folder(tmp_path, plain_set(4)))


def test_bytes_changed_at_random_never_end_in_a_traceback(tmp_path: Path) -> None:
    """Each gives a picture or a reason."""
    rng = np.random.default_rng(5)
    kinds: list[tuple[str, dict[str, Any]]] = [("PNG", {}), ("JPEG", {}), ("WEBP", {"lossless": True})]
    kept = 0
    for kind, options in kinds:
        exif = Image.Exif()
        exif[0x0112] = 6
        whole = encoded(rgb(24), kind, exif=exif, **options)
        for _ in range(150):
            content = bytearray(whole)
            for at in rng.integers(0, len(content), 3):
                content[at] = rng.integers(256)
            try:
                kept += to_rgb(decode(bytes(content), "a")[1]).mode == "RGB"
            except InputError as error:
                assert "\n" not in str(error)
    assert kept > 0


# scenery


def test_scenery_is_drawn_into_a_set(tmp_path: Path) -> None:
    out = tmp_path / "scenery.zip"
    done = inside("scenery", "--size", 16, "--count", 5, "--out", out, "--first", 7)
    assert done.stdout == f"{out}: 5 pictures of 16 × 16, grid centres\n"
    pictures = open_pictures(out, "centres")
    assert (len(pictures), pictures.c_dim) == (5, 0)
    lines = training_points(16, "centres").expand(5, -1)
    drawn = Scenery().sample(torch.arange(7, 12), lines, lines)
    stored = pictures.sample(torch.arange(5), lines, lines)
    assert (drawn - stored).abs().max() <= 1.01 / 127.5


def test_scenery_gives_equal_bytes_and_other_grids(tmp_path: Path) -> None:
    for name, grid in (("a", "centres"), ("b", "centres"), ("c", "endpoints")):
        inside("scenery", "--size", 16, "--count", 2, "--out", tmp_path / f"{name}.zip", "--grid", grid)
    a, b, c = ((tmp_path / f"{name}.zip").read_bytes() for name in "abc")
    assert a == b != c


def test_scenery_past_its_end(tmp_path: Path) -> None:
    arguments = ("--size", 16, "--count", 2, "--out", tmp_path / "a.zip", "--first", 10**12)
    assert "has no picture" in refused("scenery", *arguments)
    assert list(tmp_path.iterdir()) == []


# Threads


def test_results_come_in_order_and_only_a_few_ahead() -> None:
    begun = []

    def work(i: int) -> int:
        begun.append(i)
        time.sleep(0.001 * (i % 3))
        return i * i

    results = ordered_map(work, range(100))
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    assert len(begun) < 20
    assert list(results) == [i * i for i in range(5, 100)]
