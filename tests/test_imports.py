"""Importing the core loads no window system, and importing anything does nothing else."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import creps_core
import creps_viewer.model

ROOT = Path(__file__).parents[1]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def modules(package: object) -> list[str]:
    path, name = package.__path__, package.__name__  # type: ignore[attr-defined]
    return [info.name for info in pkgutil.walk_packages(path, f"{name}.")]


@pytest.mark.parametrize("package", [creps_core, creps_viewer.model], ids=lambda package: package.__name__)
def test_no_qt_and_no_opengl_comes_with_it(package: object) -> None:
    names = modules(package)
    assert len(names) > 3
    code = f"import importlib, sys\nfor name in {names!r}: importlib.import_module(name)\n"
    loaded = run(code + "print(*sorted({name.partition('.')[0] for name in sys.modules}))").split()
    assert "creps_core" in loaded
    assert not {"PyQt6", "pyqtgraph", "OpenGL", "train", "tkinter"} & set(loaded)


def test_importing_makes_no_folder_and_prints_nothing(private_home: Path) -> None:
    before = sorted(private_home.rglob("*"))
    assert run(f"import importlib\nfor name in {modules(creps_core)!r}: importlib.import_module(name)") == ""
    assert sorted(private_home.rglob("*")) == before


@pytest.mark.parametrize("module", ["creps_core.cli.render", "creps_core.session", "creps_core.stills"])
def test_light_modules_do_not_wait_for_torch(module: str) -> None:
    """--help, bad usage and restoring a window must not cost torch's import time."""
    assert run(f"import sys, {module}; print('torch' in sys.modules)") == "False\n"
