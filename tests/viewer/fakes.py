"""An engine with the renderer's interface, whose picture is a formula: every pixel can be predicted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from creps_core.cancel import CancelToken
from creps_core.config import GeneratorConfig
from creps_core.errors import CrepsError, RunError
from creps_core.frame import Frame, FrameStats
from creps_core.grid import GROUND
from creps_core.source import Mix, Source
from creps_core.view import Size, View
from creps_core.warps import warp_forward
from creps_viewer.service.engine import Opened, Progress

CONFIG = GeneratorConfig(z_dim=16, w_dim=16, resolution=64, channel_base=256, channel_max=32)


def plane(view: View, size: Size, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The plane points (x, y) of every stride-th pixel, as doubles."""
    px, py = np.meshgrid(np.arange(0, size.width, stride) + 0.5, np.arange(0, size.height, stride) + 0.5)
    ox, oy = warp_forward(
        view.warps, (px - size.width / 2) / size.shorter, (py - size.height / 2) / size.shorter
    )
    step = view.step(size)
    x = float(view.center_x) + (ox * step.xx + oy * step.yx) * size.shorter
    y = float(view.center_y) + (ox * step.xy + oy * step.yy) * size.shorter
    return x, y


def picture(view: View, size: Size, seed: int, stride: int = 1) -> np.ndarray:
    """A landscape at every stride-th pixel, [h, w, 4] uint8."""
    x, y = plane(view, size, stride)
    inside = (x >= 0) & (x <= 1) & (y >= 0) & (y <= 1)
    x, y = np.nan_to_num(x), np.nan_to_num(y)
    hills = 0.62 + 0.1 * np.sin(9 * x + seed) + 0.03 * np.sin(41 * x) + 0.01 * np.sin(160 * x)
    sky = np.stack([90 + 100 * y, 160 + 60 * y, 235 + 0 * y], axis=-1)
    land = np.stack([45 + 20 * np.sin(60 * y), 80 + 25 * np.sin(33 * x + 50 * y), 90 + 0 * y], axis=-1)
    sun = (np.hypot(x - 0.25, y - 0.35) < 0.08)[..., None]
    rgb = np.where((y > hills)[..., None], land, np.where(sun, 240.0, sky))
    rgb = np.where(inside[..., None], rgb, np.array(GROUND, dtype=float))
    return np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], axis=-1).astype(np.uint8)


def ramp(view: View, size: Size, seed: int, stride: int = 1) -> np.ndarray:
    """Brightness linear in the plane, which any faithful interpolation reproduces."""
    x, y = plane(view, size, stride)
    out = np.stack([128 + 90 * (x - 0.5), 128 + 90 * (y - 0.5), 128 + 0 * x, 255 + 0 * x], axis=-1)
    return np.clip(np.nan_to_num(out), 0, 255).astype(np.uint8)


class FakeEngine:
    """Strides 16, 4, 1, each after `gate` lets it pass; remembers what was asked."""

    config = CONFIG
    device_name = "cpu"
    exact_drafts = True

    def __init__(self, strides: tuple[int, ...] = (16, 4, 1)) -> None:
        self.strides = strides
        self.formula = picture
        self.requests: list[tuple[View, Size, bool]] = []
        self.previous: list[Frame | None] = []
        self.fail_with: Exception | None = None
        self.gate: threading.Semaphore | None = None  # one permit per pass; None: all pass
        self.closed = 0
        self.waiting = threading.Semaphore(0)  # released whenever a pass begins to wait

    def close(self) -> None:
        self.closed += 1

    def plan(self, sources: tuple[Source, ...], mix: Mix | None) -> Any:
        if self.fail_with is not None:
            raise self.fail_with
        return sources[0].seed or 0

    def passes(
        self,
        plan: Any,
        view: View,
        size: Size,
        *,
        previous: Frame | None = None,
        moving: bool = False,
        aside: bool = False,
        cancel: CancelToken | None = None,
    ) -> Iterator[Frame]:
        self.requests.append((view, size, moving))
        self.previous.append(previous)
        for number, stride in enumerate(self.strides, 1):
            self._wait(cancel)
            pixels = self.formula(view, size, plan, stride)
            yield Frame(
                view, size, f"seed {plan}", pixels, stride, (0, 0), number, len(self.strides),
                settled=stride == 1 and not moving,
                flat=stride == 1 and not moving and int(np.ptp(pixels[..., :3], axis=(0, 1)).max()) < 4,
                stats=FrameStats(render_ms=12.0 * number, reused=0.0),
                exact=self.exact_drafts or not moving,
                samples=self,  # stands for the renderer's record
            )  # fmt: skip

    def _wait(self, cancel: CancelToken | None) -> None:
        if cancel is not None:
            cancel.check()
        if self.gate is None:
            return
        self.waiting.release()
        while not self.gate.acquire(timeout=0.005):
            if cancel is not None:
                cancel.check()
        if cancel is not None and cancel.cancelled:
            self.gate.release()  # the permit is for whoever comes next
            cancel.check()


class FakeOpener:
    """Opens any file as `engine`; files named bad* fail."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine

    def __call__(self, path: Path, progress: Progress, cancel: CancelToken) -> Opened:
        progress(1, 2)
        if path.name.startswith("bad"):
            raise RunError(f"{path.name} is not a checkpoint")
        progress(2, 2)
        return Opened(path.stem, path, "0" * 64, self.engine)


class Broken(CrepsError):
    """A failure that a test asked for."""


class ContentOpener:
    """Every file has an engine of its own, whose picture depends on the content; "broken" ones fail."""

    def __init__(self) -> None:
        self.read: list[bytes] = []
        self.gate: threading.Semaphore | None = None  # of the engines to come

    def __call__(self, path: Path, progress: Progress, cancel: CancelToken) -> Opened:
        content = path.read_bytes()
        self.read.append(content)
        if content.startswith(b"broken"):
            raise RunError(f"{path.name} is cut off")
        engine = FakeEngine()
        shift = sum(content)
        engine.formula = lambda view, size, seed, stride=1: picture(view, size, seed + shift, stride)
        engine.gate = self.gate
        return Opened(path.stem, path, content.hex().ljust(64, "0"), engine)
