"""creps-eval: says what it measured and by what, writes what was asked for, and every error is one line."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import GOLDEN
from train.cli import evaluate as cli
from train.evaluation import cost, data_free
from train.evaluation.cost import Cost
from train.evaluation.request import METRICS

CONDITIONAL = GOLDEN / "creps-32-conditional-clamped.pkl"
SCENERY = GOLDEN / "scenery-64.pkl"


@dataclass(frozen=True)
class Result:
    """How the command left, and what it said."""

    code: object
    output: str
    error: str


Command = Callable[..., Result]


@pytest.fixture
def creps_eval(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the console script's function in this process."""

    def call(*arguments: object) -> Result:
        handler = signal.getsignal(signal.SIGTERM)
        monkeypatch.setattr(sys, "argv", ["creps-eval", *map(str, arguments)])
        try:
            with pytest.raises(SystemExit) as left:
                cli.main()
        finally:
            signal.signal(signal.SIGTERM, handler)
        captured = capsys.readouterr()
        return Result(left.value.code, captured.out, captured.err)

    return call


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight small pictures without labels."""
    path = tmp_path_factory.mktemp("pictures")
    rng = np.random.RandomState(0)
    for k in range(8):
        Image.fromarray(rng.randint(0, 256, (32, 32, 3), np.uint8)).save(path / f"{k}.png")
    return path


def quick_cost(monkeypatch: pytest.MonkeyPatch, outcome: Exception | BaseException | None = None) -> None:
    """Costs are measured in processes, which takes seconds each; their own test does that."""

    def measure(checkpoint: Path, way: cost.Way, size: int, device: str) -> Cost:
        if outcome is not None:
            raise outcome
        return Cost(way, size, 1.5, 0.1, 64.0)

    monkeypatch.setattr(data_free, "measure_cost", measure)


def test_without_data_it_measures_the_rest_and_says_so(
    creps_eval: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_cost(monkeypatch)
    done = creps_eval(CONDITIONAL, "--samples", 1, "--out", tmp_path / "report")
    assert done.code == 0, done.error
    assert "for distances give --data" in done.output
    for expected in ("scale PSNR", "scale SSIM", "shift by whole samples", "turn", "memory, reference"):
        assert expected in done.output
    assert "Fréchet" not in done.output
    values = json.loads((tmp_path / "report" / "report.json").read_text())
    assert {result["metric"] for result in values["results"]} == {"scale", "equivariance", "cost"}
    assert {r["setting"] for r in values["results"] if r["metric"] == "scale"} == {"endpoints", "centres"}
    assert values["checkpoint"]["name"] == CONDITIONAL.name
    assert len(values["checkpoint"]["sha256"]) == 64
    html = (tmp_path / "report" / "report.html").read_text()
    assert html.count("data:image/png") == 5  # samples, then scale and equivariance on both grids
    assert str(tmp_path) not in html
    assert str(GOLDEN) not in html


def test_with_data_it_measures_distances_and_their_floor(creps_eval: Command, tmp_path: Path) -> None:
    out = tmp_path / "distances.json"
    options = ("--metrics", "pr,frechet,kernel", "--count", 12, "--size", 32)
    done = creps_eval(SCENERY, "--data", "scenery", *options, "--out", out)
    assert done.code == 0, done.error
    values = json.loads(out.read_text())
    names = [result["name"] for result in values["results"]]
    assert names[:4] == ["Fréchet distance", "kernel distance", "precision", "recall"]
    assert names[4:] == [f"data: {name}" for name in names[:4]]
    assert {result["setting"] for result in values["results"]} == {"endpoints"}  # the checkpoint's own
    assert values["settings"]["network"]["sha256"] in done.output
    assert "NOT COMPARABLE WITH PUBLISHED NUMBERS" in done.output
    again = creps_eval(SCENERY, "--data", "scenery", *options, "--batch", 5, "--out", out)
    assert again.code == 0
    for one, other in zip(values["results"], json.loads(out.read_text())["results"], strict=True):
        assert one["value"] == pytest.approx(other["value"], rel=1e-3, abs=1e-3)


def test_a_folder_of_pictures_and_both_grids(creps_eval: Command, folder: Path) -> None:
    done = creps_eval(SCENERY, "--data", folder, "--metrics", "frechet", "--grid", "both", "--size", 32)
    assert done.code == 0, done.error
    assert done.output.count("8 pictures, own network") == 2  # as many as there are
    assert done.output.count("data: Fréchet distance") == 3  # two floors, and the remark on few pictures
    assert done.output.count("NOT COMPARABLE") == 1


def test_the_help_tells_what_is_run_and_what_it_is_worth(creps_eval: Command) -> None:
    done = creps_eval("--help")
    assert done.code == 0
    for name in METRICS:
        assert f"\n  {name} " in done.output  # a line each
    text = " ".join(done.output.split())
    assert text.count("RUNS THE CODE IN THE FILE") == 2
    assert "not comparable with published numbers" in text
    assert "equivariance moved and turned pictures" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["missing.pkl"], "missing.pkl"),
        (["{text}"], "text.txt"),
        (["--metrics", "frechet,scale"], "frechet: needs pictures to compare with; give --data"),
        (["--metrics", "fid"], "'fid': the metrics are frechet, kernel"),
        (["--data", "nowhere"], "nowhere"),
        (["--data", "{folder}", "--count", "9"], "8 pictures, fewer than the 9"),
        (["--data", "{folder}", "--count", "1"], "--count"),
        (["--data", "{folder}", "--count", "3"], "more than 3 pictures"),
        (["{conditional}", "--data", "{folder}"], "4 classes"),
        (["--size", "20"], "equivariance needs pictures of at least 32"),
        (["--data", "{folder}", "--inception", "{text}"], "text.txt is not a TorchScript file"),
        (["--data", "{folder}", "--inception", "missing.pt"], "missing.pt does not exist"),
        (["--metrics", "scale", "--lpips", "{text}"], "text.txt is not a TorchScript file"),
        (["--out", "report.txt"], "must be .html or .json"),
        (["--out", "no/where"], "does not exist"),
        (["--out", "{text}/r.json"], "does not exist"),
        (["--device", "cuda:77"], "cuda"),
        (["--samples", "0"], "--samples"),
    ],
)
def test_bad_input_is_one_line(
    creps_eval: Command,
    tmp_path: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    text = tmp_path / "text.txt"
    text.write_text("neither checkpoint nor network")
    filled = [a.format(text=text, folder=folder, conditional=CONDITIONAL) for a in arguments]
    done = creps_eval(*filled)
    assert done.code == 2
    assert done.error.startswith("creps-eval: error: ")
    assert said in done.error
    assert done.error.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.txt"]


def test_an_interrupt_writes_nothing(
    creps_eval: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_cost(monkeypatch, KeyboardInterrupt())
    done = creps_eval(CONDITIONAL, "--metrics", "cost", "--out", tmp_path / "report.json")
    assert done.code == 130
    assert done.error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_cost_that_cannot_be_measured_does_not_end_the_rest(
    creps_eval: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick_cost(monkeypatch, cost.RunError("reference at 1024×1024: too little memory"))
    done = creps_eval(CONDITIONAL, "--metrics", "scale,cost", "--samples", 1)
    assert done.code == 0
    assert "scale PSNR" in done.output
    assert "Cost not measured: reference at 1024×1024: too little memory" in done.output
