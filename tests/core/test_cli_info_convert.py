"""`creps-info` and `creps-convert` as their users meet them: as programs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from creps_core.checkpoint import read_checkpoint
from creps_core.cli import convert, info
from creps_core.errors import CrepsError
from tests.core.published_files import TINY, Name, checkpoint, network, pickled, published, weights

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
CLAMPED = GOLDEN / "creps-32-conditional-clamped.pkl"


def program(name: str, *args: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"creps_core.cli.{name}", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env=None if cwd is None else {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


def inside(command: Any, *args: object) -> Result:
    """The command in this process: its own exceptions come out."""
    return CliRunner().invoke(command, [str(arg) for arg in args], standalone_mode=False)


def test_convert_writes_a_file_that_gives_the_same_generator(tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    done = program("convert", CLAMPED, out)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")  # no progress without a terminal
    before, after = read_checkpoint(CLAMPED), read_checkpoint(out)
    assert after.config == before.config
    assert all(torch.equal(after.tensors[name], value) for name, value in before.tensors.items())
    assert after.source["converted_from"] == CLAMPED.name
    assert after.source["sha256"] == before.sha256
    assert [p.name for p in tmp_path.iterdir()] == ["out.safetensors"]


def test_convert_takes_native_files_too(tmp_path: Path) -> None:
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    inside(convert.command, CLAMPED, first)
    inside(convert.command, first, second)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("link", ["itself", "symlink", "hardlink"])
def test_convert_never_overwrites_its_input(link: str, tmp_path: Path) -> None:
    source = tmp_path / "in.safetensors"
    content = published()
    source.write_bytes(content)
    target = source
    if link == "symlink":
        target = tmp_path / "link.safetensors"
        target.symlink_to(source)
    elif link == "hardlink":
        target = tmp_path / "link.safetensors"
        target.hardlink_to(source)
    error = inside(convert.command, source, target).exception
    assert isinstance(error, CrepsError)
    assert error.exit_code == 2
    assert "is the input itself" in str(error)
    assert source.read_bytes() == content


def test_convert_replaces_an_earlier_output_only_when_it_succeeds(tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    out.write_bytes(b"earlier")
    bad = tmp_path / "bad.pkl"
    bad.write_bytes(published()[:-1])
    done = program("convert", bad, out)
    assert done.returncode == 2
    assert done.stderr.startswith("creps-convert: error: bad.pkl: the file is truncated")
    assert out.read_bytes() == b"earlier"
    assert inside(convert.command, CLAMPED, out).exit_code == 0
    assert read_checkpoint(out).config.c_dim == 4


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((CLAMPED, "out.pkl"), "does not end in .safetensors"),
        ((CLAMPED, "nowhere/out.safetensors"), "does not exist"),
        (("missing.pkl", "out.safetensors"), "no such file"),
        ((CLAMPED,), "Missing argument"),
        ((CLAMPED, "out.safetensors", "--nonsense"), "No such option"),
    ],
)
def test_convert_refuses_bad_usage_with_2(args: tuple[object, ...], words: str, tmp_path: Path) -> None:
    done = program("convert", *args, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = program("info", tmp_path / "missing.pkl", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_info_says_what_a_published_file_is() -> None:
    text = inside(info.command, CLAMPED).output
    for words in (
        "creps-32-conditional-clamped.pkl",
        "published pickle, protocol 4",
        "32 × 32, grid endpoints",
        "9 styles",
        "channel_base 512, channel_max 32",
        "16 channels, thickness 8",
        "D Discriminator, G_ema Generator, augment_pipe AugmentPipe, G Generator",
        "resolution=32",
        read_checkpoint(CLAMPED).sha256,
    ):
        assert words in text
    assert "/data" not in text  # folders of the training machine are nobody's business


def test_info_as_json() -> None:
    report = json.loads(inside(info.command, CLAMPED, "--json").output)
    assert report["config"] == read_checkpoint(CLAMPED).config.to_dict()
    assert report["num_ws"] == 9
    state = read_checkpoint(CLAMPED).build()
    assert report["parameters"] == sum(p.numel() for p in state.parameters())
    assert report["training_set"]["max_size"] == 10
    assert report["networks"]["G_ema"] == "Generator"
    assert report["line_channels"] == {"4": 32, "8": 32, "16": 32, "32": 16}


def test_info_of_a_native_file(tmp_path: Path) -> None:
    out = tmp_path / "out.safetensors"
    inside(convert.command, CLAMPED, out)
    report = json.loads(inside(info.command, out, "--json").output)
    assert report["format"] == "CREPS safetensors, format 1"
    assert report["source"]["converted_from"] == CLAMPED.name
    assert f"converted_from {CLAMPED.name}" in inside(info.command, out).output


def faulty(tmp_path: Path) -> Path:
    values: dict[str, Any] = weights()
    for i in range(4):
        del values[f"synthesis.decoder_last.{i}.weight"]
    path = tmp_path / "faulty.pkl"
    path.write_bytes(pickled(checkpoint(network(values))))
    return path


def test_info_lists_every_fault_where_the_others_count_them(tmp_path: Path) -> None:
    path = faulty(tmp_path)
    missing = [f"synthesis.decoder_last.{i}.weight is missing" for i in range(4)]
    done = program("info", path)
    assert done.returncode == 2
    assert [line.strip() for line in done.stdout.splitlines()] == ["faulty.pkl", *missing]
    assert done.stderr.count("\n") == 1
    assert "4 tensors do not fit" in done.stderr
    assert missing[2] in done.stderr
    assert missing[3] not in done.stderr
    done = program("info", path, "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["problems"] == missing


def test_info_runs_nothing_and_names_what_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "hostile.pkl"
    path.write_bytes(pickled([Name("os", "system"), Name("builtins", "eval")]))
    done = program("info", path)
    assert done.returncode == 2
    assert "os.system, builtins.eval" in done.stderr
    assert done.stdout.split() == ["hostile.pkl", "os.system", "builtins.eval"]


@pytest.mark.parametrize("name", ["info", "convert"])
def test_help(name: str) -> None:
    done = program(name, "--help")
    assert done.returncode == 0
    assert "executed" in done.stdout or "executing" in done.stdout
    assert "--debug" in done.stdout


def test_names_of_the_programs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    mains: dict[str, Callable[[], Any]] = {"creps-info": info.main, "creps-convert": convert.main}
    for name, main in mains.items():
        monkeypatch.setattr(sys, "argv", [name])
        with pytest.raises(SystemExit) as left:
            main()
        assert left.value.code == 2
        assert capsys.readouterr().err.startswith(f"{name}: error: Missing argument")


def test_progress_appears_on_a_terminal_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.pkl"
    path.write_bytes(published())
    with convert.progress_bar("reading") as progress:
        assert progress is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with convert.progress_bar("reading") as progress:
        assert progress is not None
        assert read_checkpoint(path, progress).config == TINY
