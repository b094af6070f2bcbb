"""Pictures and zips made to do harm are named and left out; nothing in them is run or unpacked."""

from __future__ import annotations

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from creps_core.errors import InputError
from tests.train.picture_makers import (
    encoded,
    plain_set,
    png_of,
    rgb,
    write_folder,
    write_zip,
)
from tests.train.running import close, first_of, inside, refused
from train.decoding import decode, to_rgb


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
