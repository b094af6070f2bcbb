"""What all tests share: a screen, a home of their own, the golden files, and no thread left behind."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from torch import Tensor

    from creps_core.generator import Generator

GOLDEN = Path(__file__).parent / "data" / "golden"


def pytest_configure(config: pytest.Config) -> None:
    """Without a display and without Xvfb (pytest-xvfb starts one), Qt still runs: offscreen, no OpenGL."""
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not display and shutil.which("Xvfb") is None:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def private_home(_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, caches and autosaves go to an empty home: no test reads or touches the user's."""
    for name, folder in {
        "HOME": ".",
        "XDG_CONFIG_HOME": ".config",
        "XDG_CACHE_HOME": ".cache",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
    }.items():
        monkeypatch.setenv(name, str(_home / folder))
    return _home


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    """A test must stop the threads it started.

    Daemons may stay, and so may a renderer's idle tile workers: they end with their renderer, which a
    module's tests may share.
    """
    before = set(threading.enumerate())
    yield
    mine = [t for t in threading.enumerate() if t not in before and not t.daemon]
    mine = [t for t in mine if not t.name.startswith("creps-tile")]
    for thread in mine:
        thread.join(timeout=5)
    left = [t.name for t in mine if t.is_alive()]
    assert not left, f"threads left running: {left}; close the window, service or export that owns them"


@dataclass(frozen=True)
class Golden:
    """A published-format checkpoint and what the published implementation computes from it."""

    name: str

    @property
    def path(self) -> Path:
        """The .pkl file."""
        return GOLDEN / f"{self.name}.pkl"

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """`ws.<latents>`, `grid.<grid>.rows`, `grid.<grid>.cols`, `image.<grid>.<ws>` [1, 3, H, W], …"""
        from safetensors.torch import load_file

        return load_file(GOLDEN / f"{self.name}.golden.safetensors")

    @cached_property
    def cases(self) -> list[tuple[str, str]]:
        """(grid, ws) of every image."""
        from safetensors import safe_open

        with safe_open(GOLDEN / f"{self.name}.golden.safetensors", "pt") as file:
            meta = json.loads(file.metadata()["meta"])
        return [(grid, ws) for grid, ws in meta["cases"]]

    @cached_property
    def generator(self) -> Generator:
        """The network, shared by all tests: nobody may change it."""
        from creps_core.checkpoint import read_checkpoint

        return read_checkpoint(self.path).build()


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Golden]:
    """`golden("creps-64-random")`, and so on; each is read once per run."""
    known: dict[str, Golden] = {}
    return lambda name: known.setdefault(name, Golden(name))


@pytest.fixture(scope="session")
def generator(golden: Callable[[str], Golden]) -> Generator:
    """A small unconditional network: creps-64-random."""
    return golden("creps-64-random").generator
