"""An installation away from the checkout works: the bundled model is in it, and every command answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMANDS = ["creps-viewer", "creps-render", "creps-convert", "creps-info"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `pip install` filled from a copy of the sources, and nothing else.

    A copy, so that no left-over of an earlier build can stand in for what the package forgets.
    """
    work = tmp_path_factory.mktemp("packaging")
    source, target = work / "source", work / "site"
    ignore = shutil.ignore_patterns(".*", "tests", "build", "dist", "*.egg-info", "__pycache__", "docs")
    shutil.copytree(ROOT, source, ignore=ignore)
    # Dependencies come from the environment that runs the tests: this is about our own files.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--no-index", "--target", str(target), str(source)], check=True)
    shutil.rmtree(source)
    return target


def run(installed: Path, cwd: Path, *arguments: str) -> str:
    """Run Python on the installation alone: -P and a foreign folder keep the checkout out of reach."""
    environment = os.environ | {"PYTHONPATH": str(installed)}
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_bundled_model_is_found_from_another_folder(installed: Path, tmp_path: Path) -> None:
    code = "import creps_core.checkpoint as c; print(c.__file__); print(c.bundled_checkpoint())"
    module, bundled = run(installed, tmp_path, "-c", code).splitlines()
    assert installed in Path(module).parents
    assert installed in Path(bundled).parents
    info = json.loads(run(installed, tmp_path, "-m", "creps_core.cli.info", bundled, "--json"))
    assert info["config"]["resolution"] >= 64


@pytest.mark.slow
def test_the_bundled_model_renders_from_another_folder(installed: Path, tmp_path: Path) -> None:
    code = "from creps_core.cli.render import main; main()"
    run(installed, tmp_path, "-c", code, "--size", "24x16", "--out", "a.png")
    assert (tmp_path / "a.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_installed_and_answers_help(installed: Path, tmp_path: Path, name: str) -> None:
    script = installed / "bin" / name
    assert script.is_file()
    text = run(installed, tmp_path, str(script), "--help")
    assert name in text
    assert "--help" in text or "Usage" in text


@pytest.mark.slow
def test_the_viewer_is_complete_in_the_installation(installed: Path) -> None:
    """Every module of the checkout is in the installation: no package is missing from the list."""
    for package in ("creps_core", "creps_viewer", "train"):
        sources = {path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py")}
        assert sources == {path.relative_to(installed) for path in (installed / package).rglob("*.py")}
