"""`creps-train` as people use it: runs that are cut off, go on, start from a file, and say what is wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from creps_core.checkpoint import read_checkpoint
from tests.train.runs import small
from train.cli.data import command as prepare
from train.cli.train import command
from train.config import PRESETS, Precision, TrainConfig
from train.run import start_run
from train.state import read_config

ROOT = Path(__file__).parents[2]


def options(**changes: Any) -> list[str]:
    """The options of a small run on drawn pictures, as words."""
    config, default = small(**{"data": "scenery", "conditional": False, **changes}), TrainConfig()
    words: list[str] = []
    for name in TrainConfig.__dataclass_fields__:
        value, flag = getattr(config, name), name.replace("_", "-")
        if value == getattr(default, name):
            continue
        words += (
            [f"--{'' if value else 'no-'}{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
        )
    return [*words, "--device", "cpu"]


def start(*words: str, cwd: Path = ROOT, processes: int = 1) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return subprocess.Popen(
        [sys.executable, *(torchrun if processes > 1 else []), "-m", "train.cli.train", *words],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*words: str, code: int = 0, cwd: Path = ROOT, processes: int = 1) -> str:
    """Run to the end; returns stderr."""
    process = start(*words, cwd=cwd, processes=processes)
    _, errors = process.communicate(timeout=240)
    assert process.returncode == code, errors
    return errors


def refused(*words: str) -> str:
    """Run what must be refused; returns the one line said."""
    errors = run(*words, code=2)
    lines = [line for line in errors.splitlines() if line]
    assert len(lines) == 1, errors
    assert lines[0].startswith("creps-train: error: ")
    return lines[0]


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        if path.exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    raise AssertionError(f"{path} did not appear")


def tensors_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "state.safetensors")


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    """40 steps in one go, and 20 + kill -9 + the rest: bit for bit."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run("--out", str(whole), *options(kimg=0.32, snapshot_kimg=0.16))
    process = start("--out", str(parts), *options(kimg=0.32, snapshot_kimg=0.16))
    wait_for(parts / "state.safetensors", process)
    process.kill()
    process.communicate()
    assert json.loads(metadata(parts)["progress"])["nimg"] in (160, 320)
    run("--resume", str(parts), "--device", "cpu")
    first, second = tensors_of(whole), tensors_of(parts)
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []
    assert json.loads(metadata(parts)["progress"])["nimg"] == 320
    nimgs = [json.loads(line)["nimg"] for line in (parts / "metrics.jsonl").read_text().splitlines()]
    assert nimgs == sorted(nimgs)


def metadata(folder: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(folder / "state.safetensors", "pt") as file:
        return dict(file.metadata())


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_before_it_leaves(tmp_path: Path, number: int, code: int) -> None:
    folder = tmp_path / "run"
    process = start("--out", str(folder), *options(kimg=100))
    wait_for(folder / "config.json", process)
    time.sleep(2)
    for _ in range(2):  # as torchrun passes on what the terminal has sent already
        process.send_signal(number)
        time.sleep(0.1)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code
    assert re.search(r"stopped and saved at [\d.]+ kimg; go on with creps-train --resume", errors)
    nimg = json.loads(metadata(folder)["progress"])["nimg"]
    read_checkpoint(folder / "latest.safetensors").build()
    assert nimg % 8 == 0
    assert not list(folder.glob(".creps-*"))


@pytest.mark.slow
def test_a_run_leaves_what_the_viewer_and_people_look_at(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    changes = {"kimg": 0.08, "snapshot_kimg": 0.016, "metric_kimg": 0.032, "metric_count": 8, "keep": 2}
    run("--out", str(folder), *options(**changes))
    checkpoint = read_checkpoint(folder / "latest.safetensors")
    assert checkpoint.config == small().generator_config(0)
    assert checkpoint.source["data"] == "scenery"
    assert checkpoint.source["kimg"] == "0.08"
    assert read_checkpoint(folder / "best.safetensors").config == checkpoint.config
    assert len(list(folder.glob("snapshot-*.safetensors"))) <= 2
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert sum("frechet" in row for row in rows) >= 2
    assert all(row["nimg"] <= 80 for row in rows)
    assert list((folder / "events").iterdir())
    with Image.open(next(folder.glob("samples-*.png"))) as samples:
        assert samples.size == (8 * 16, 4 * 16)
    with Image.open(next(folder.glob("zoom-*.png"))) as zoom:
        assert zoom.size == (4 * 16, 4 * 16)
    assert read_config(folder / "state.safetensors").kimg == 0.08

    # Go on with other options: the folder says which.
    run("--resume", str(folder), "--kimg", "0.096", "--g-lr", "0.001", "--device", "cpu")
    assert TrainConfig.from_json((folder / "config.json").read_text()) == small(
        **{**changes, "kimg": 0.096, "g_lr": 0.001, "data": "scenery"}
    )
    checkpoint = read_checkpoint(folder / "latest.safetensors")

    # Start another run from it: sizes come from the file, and the generator waits.
    second = tmp_path / "second"
    run("--out", str(second), "--init", str(folder / "latest.safetensors"), *options(kimg=0.016))
    assert read_config(second / "state.safetensors").freeze_kimg == 20
    before, after = checkpoint.tensors, read_checkpoint(second / "latest.safetensors").tensors
    assert torch.equal(before["synthesis.b16.fc1.weight"], after["synthesis.b16.fc1.weight"])
    assert "holds a run already" in refused("--out", str(folder), *options())


@pytest.mark.slow
def test_a_run_may_start_with_the_discriminator_of_another(tmp_path: Path) -> None:
    """Whole or cut out of the state: nothing is frozen then, and it begins as the other left it."""
    first, second, judge = tmp_path / "first", tmp_path / "second", str(tmp_path / "judge.safetensors")
    run("--out", str(first), *options(kimg=0.04, d_channel_base=256))
    generator, state = str(first / "latest.safetensors"), str(first / "state.safetensors")
    subprocess.run([sys.executable, ROOT / "docs" / "keep_discriminator.py", state, judge], check=True)
    assert Path(judge).stat().st_size < Path(state).stat().st_size / 5
    still = options(kimg=0.008, g_lr=1e-12, d_lr=1e-12)
    run("--out", str(second), "--init", generator, "--init-discriminator", judge, *still)
    config = read_config(second / "state.safetensors")
    assert (config.freeze_kimg, config.d_channel_base) == (0, 256)
    theirs, ours = tensors_of(first), tensors_of(second)
    names = [name for name in theirs if name.startswith("D.")]
    for name in names:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-3, atol=1e-6)
    assert names
    torch.testing.assert_close(ours["G.mapping.fc0.weight"], theirs["G_ema.mapping.fc0.weight"])

    third = ["--out", str(tmp_path / "third"), *options(), "--init-discriminator"]
    assert "another run's form" in refused(*third, state, "--windows", "0")
    assert "is not a training state" in refused(*third, generator)
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize(("faster", "precision"), [(False, "bf16"), (True, "bf16"), (False, "32")])
def test_a_run_in_emulated_arithmetic_says_what_to_do(
    faster: bool,
    precision: Precision,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("train.loop.is_faster", lambda _dtype, _device: faster)
    config = small(data="scenery", conditional=False, kimg=0.008, precision=precision)
    start_run(tmp_path / "run", config, None, "cpu")
    advised = "--precision 32" in capsys.readouterr().out
    assert advised is (precision == "bf16" and not faster)


@pytest.mark.slow
def test_two_processes_measure_and_save_once(tmp_path: Path) -> None:
    run(*options(metric_kimg=0.08, metric_count=8), "--out", str(tmp_path / "two"), processes=2)
    rows = [json.loads(line) for line in (tmp_path / "two" / "metrics.jsonl").read_text().splitlines()]
    assert [row["nimg"] for row in rows if "frechet" in row] == [80, 160]
    assert read_checkpoint(tmp_path / "two" / "best.safetensors").build().config.resolution == 16


def test_a_labelled_zip_trains_a_conditional_generator(tmp_path: Path) -> None:
    for number in range(12):
        photo = tmp_path / "photos" / "ab"[number % 2] / f"{number}.jpg"
        photo.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (24, 20), (20 * number, 128, 200 * (number % 2))).save(photo)
    prepared = tmp_path / "set.zip"
    words = ["prepare", str(tmp_path / "photos"), "--size", "16", "--labels-from-folders", "--out"]
    prepare.main([*words, str(prepared)], standalone_mode=False)
    folder = tmp_path / "run"
    run("--out", str(folder), *options(data=str(prepared), conditional=True, mirror=True, kimg=0.016))
    checkpoint = read_checkpoint(folder / "latest.safetensors")
    assert checkpoint.config.c_dim == 2
    assert checkpoint.source["data"] == "set.zip"


@pytest.mark.slow
def test_a_full_disk_leaves_the_last_state(tmp_path: Path) -> None:
    """The state cannot grow beyond a limit on the size of files; the checkpoints are small enough."""
    folder = tmp_path / "run"
    run("--out", str(folder), *options(kimg=0.008))
    before = (folder / "state.safetensors").read_bytes()
    limit = len(before) // 2 // 1024
    command_line = [sys.executable, "-m", "train.cli.train", "--resume", str(folder)]
    shell = f'ulimit -f {limit}; trap "" XFSZ; exec "$@"'
    done = subprocess.run(
        ["bash", "-c", shell, "-", *command_line, "--kimg", "0.016", "--device", "cpu"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "error" in line]
    assert "could not be written" in line
    assert (folder / "state.safetensors").read_bytes() == before
    assert not list(folder.glob(".creps-*"))


def test_bad_input_is_refused_in_one_line(tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "tiny" in refused("--preset", "huge", "--out", out)
    assert "--out" in refused("--preset", "tiny")
    assert "empty" in refused("--preset", "tiny", "--data", str(empty), "--out", out)
    assert "--out" in refused("--resume", str(empty))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--batch", "7"], "groups of 4"),
        (["--stages", "8,9"], "stages"),
        (["--batch-gpu", "5"], "batch-gpu"),
        (["--conditional"], "no labels"),
        (["--device", "cuda"], "cuda"),
        (["--augment-set", "sepia"], "sepia"),
        (["--init", "missing.pkl"], "missing.pkl"),
        (["--init-discriminator", "missing.safetensors"], "missing.safetensors"),
    ],
)
def test_options_that_cannot_work_are_named(
    tmp_path: Path, words: list[str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from creps_core.errors import InputError

    if "cuda" in words and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    arguments = ["--preset", "tiny", "--out", str(tmp_path / "run"), "--device", "cpu", *words]
    with pytest.raises(InputError, match=re.escape(says)):
        command.main(arguments, standalone_mode=False)
    assert not (tmp_path / "run").exists()


def test_the_help_lists_presets_and_every_option() -> None:
    text = command.get_help(command.make_context("creps-train", [], resilient_parsing=True))
    for name in TrainConfig.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in text
    for name in PRESETS:
        assert name in text
