"""The README is true: its commands run as written, its code works, its table is the viewer's own."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from creps_viewer.canvas.keys import sheet_rows

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
SCRIPTS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "scripts"
]
PUBLISHED = ROOT / "tests" / "data" / "golden" / "scenery-64.pkl"
MOST_PIXELS = 48  # of a picture's longer side, where the README asks for more
LESS = {"--count": "8", "--samples": "2", "--size": "32", "--kimg": "0.032"}  # quicker, of the same kind
MOST_BYTES = 600_000  # of a screenshot


def blocks(language: str) -> list[str]:
    """The README's code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def shell_commands() -> Iterator[list[str]]:
    """Every command line of the shell blocks, split into words, in order."""
    for block in blocks("sh"):
        for line in block.splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def our_commands() -> list[list[str]]:
    """Those that this package installs."""
    return [words for words in shell_commands() if words[0].startswith("creps-")]


def smaller(words: list[str]) -> list[str]:
    """The command with a picture that is quickly made, of the same shape; training takes two steps."""

    def shrink(match: re.Match[str]) -> str:
        sides = [int(side) for side in match.groups()]
        return "x".join(str(max(1, side * MOST_PIXELS // max(sides))) for side in sides)

    words = [re.sub(r"^(\d+)x(\d+)$", shrink, word) for word in words]
    words = [
        LESS.get(before, word) if word.isdigit() else word
        for before, word in zip(["", *words], words, strict=False)
    ]
    return [*words, "--kimg", "0.016"] if words[:2] == ["creps-train", "--preset"] else words


def make_photos(folder: Path) -> None:
    """Pictures of different sizes in two folders, for the commands on training."""
    for number in range(20):
        path = folder / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise((40 + number, 50), 40 + number).convert("RGB").save(path)


def run_here(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run an installed command by its entry point, in this process: torch is imported once."""
    module, function = SCRIPTS[words[0]].split(":")
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as left:
        getattr(import_module(module), function)()
    assert left.value.code == 0, words


def run_viewer(words: list[str]) -> None:
    """Run the viewer in a process of its own; one that would stay open takes a screenshot and leaves."""
    module = SCRIPTS[words[0]].split(":")[0].rpartition(".")[0]
    extra = [] if "--screenshot" in words else ["--screenshot", "window-of-" + Path(words[-1]).stem + ".png"]
    command = [sys.executable, "-m", module, *words[1:], *extra, "--size", "640x480"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    target = (words + extra)[(words + extra).index("--screenshot") + 1]
    with Image.open(target) as picture:
        assert picture.size == (640, 480)


@pytest.mark.slow
def test_every_command_runs_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order and in one folder, as a reader would; pictures are made smaller, and that is all."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    shutil.copy(PUBLISHED, "network-snapshot.pkl")
    make_photos(Path("photos"))
    commands = our_commands()
    assert {words[0] for words in commands} == set(SCRIPTS)
    for words in commands:
        if words[0] == "creps-viewer":
            run_viewer(words)
            continue
        words = smaller(words)
        run_here(words, monkeypatch)
        if "--out" in words:
            assert Path(words[words.index("--out") + 1]).stat().st_size > 0, words
    assert Path("network.safetensors").is_file()


def test_make_and_pip_are_used_as_the_makefile_does() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", MAKEFILE, flags=re.MULTILINE))
    header = MAKEFILE.partition("VENV ?=")[0]
    others = [words for words in shell_commands() if not words[0].startswith("creps-")]
    for program, *arguments in others:
        assert program in ("make", "pip")
        if program == "make":
            target, *variables = arguments
            assert target in targets
            for name, _, value in (variable.partition("=") for variable in variables):
                assert f"$({name})" in MAKEFILE
                assert name != "PIP_ARGS" or value in header
        else:
            assert arguments[0] == "install"
            assert arguments[1] in (".", ".[train]")
            assert " ".join(arguments[2:]) in header
    assert {"view", "test"} <= {arguments[0] for program, *arguments in others if program == "make"}
    for target in re.findall(r"`make ([a-z]+)`", README):
        assert target in targets


def test_the_library_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (example,) = blocks("python")
    names: dict[str, object] = {}
    exec(compile(example, "README.md", "exec"), names)  # our own text
    with Image.open("ridge.png") as picture:
        assert picture.size == (480, 320)
        assert len(np.unique(np.asarray(picture.resize((24, 16))))) > 100  # a picture, not a surface
    assert getattr(names["pixels"], "shape", None) == (320, 480, 3)


def test_the_table_of_gestures_and_keys_is_the_viewers() -> None:
    table = README.partition("| gesture or key | what it does |\n| --- | --- |\n")[2].partition("\n\n")[0]
    written = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in table.splitlines()]
    assert written == [(" ".join(keys.split()), does) for keys, does in sheet_rows()]


def test_linked_files_exist_and_pictures_are_light() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", README) if "://" not in link]
    assert "design.md" in links
    for link in links:
        path = ROOT / link
        assert path.is_file(), link
        if path.suffix == ".png":
            assert path.stat().st_size < MOST_BYTES, link
            with Image.open(path) as picture:
                assert picture.format == "PNG"


def test_the_folders_named_are_there() -> None:
    table = README.partition("## Where things are")[2]
    folders = re.findall(r"^\| `([a-z_]+)/` \|", table, flags=re.MULTILINE)
    assert {"creps_core", "creps_viewer"} <= set(folders)
    assert all((ROOT / folder).is_dir() for folder in folders)


def test_the_design_names_every_module_of_the_core_and_no_other() -> None:
    design = (ROOT / "design.md").read_text(encoding="utf-8")
    table = design.partition("| `creps_core` | job |\n")[2].partition("\n\n")[0]
    named = re.findall(r"`(\w+)`", " ".join(row.split("|")[1] for row in table.splitlines()))
    here = [path.stem for path in (ROOT / "creps_core").glob("[!_]*.py")]
    assert sorted(named) == sorted([*here, "cli"])
