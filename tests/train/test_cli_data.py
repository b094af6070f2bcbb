"""creps-data: any pictures become a training set, what cannot is named, and nothing is left half-written."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from creps_core.image import to_uint8
from tests.train.picture_makers import (
    encoded,
    labelled,
    plain_set,
    rgb,
    turned_jpeg,
    write_folder,
    write_zip,
)
from tests.train.running import close, inside, refused
from train.cli import data
from train.ordered import ordered_map
from train.sampling import grid_line
from train.scenery import Scenery
from train.stored import open_pictures

ROOT = Path(__file__).parents[2]


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
    line = grid_line("endpoints", 16)[None]
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


# scenery


def test_scenery_is_drawn_into_a_set(tmp_path: Path) -> None:
    out = tmp_path / "scenery.zip"
    done = inside("scenery", "--size", 16, "--count", 5, "--out", out, "--first", 7)
    assert done.stdout == f"{out}: 5 pictures of 16 × 16, grid centres\n"
    pictures = open_pictures(out, "centres")
    assert (len(pictures), pictures.c_dim) == (5, 0)
    lines = grid_line("centres", 16).expand(5, -1)
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
