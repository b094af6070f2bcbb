"""What all benchmarks share: random models, clocks, a matrix product to compare with, child processes."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from creps_core.config import GeneratorConfig
from creps_core.generator import Generator
from creps_core.latents import resolve_ws
from creps_core.renderer import Renderer
from creps_core.source import Source

ROOT = Path(__file__).parent.parent
PRODUCT = 2048  # side of the float32 matrix product that full frames are compared with


@dataclass(frozen=True)
class Setting:
    """How thorough a run is. `tiny` serves the test of the benchmarks themselves."""

    repeats: int = 3
    quick: bool = False
    tiny: bool = False

    def config(self, name: str) -> GeneratorConfig:
        """A random 512 px model: "small" (32768, 512) or "large" (65536, 1024)."""
        if self.tiny:
            return GeneratorConfig(z_dim=8, w_dim=8, resolution=32, channel_base=512, channel_max=32)
        base, most = (32768, 512) if name == "small" or self.quick else (65536, 1024)
        return GeneratorConfig(channel_base=base, channel_max=most)

    def side(self, full: int) -> int:
        """A side in pixels, a quarter of it when quick, a sixteenth when tiny."""
        return full // 16 if self.tiny else full // 4 if self.quick else full


def random_model(config: GeneratorConfig) -> tuple[Generator, Tensor]:
    """Random weights and the ws of seed 0."""
    torch.manual_seed(0)
    generator = Generator(config).eval().requires_grad_(False)
    return generator, resolve_ws(generator, [Source(seed=0)])


@contextmanager
def rendering(generator: Generator) -> Iterator[Renderer]:
    """A fresh renderer on the CPU: nothing is cached."""
    renderer = Renderer(generator, "cpu")
    try:
        yield renderer
    finally:
        renderer.close()


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def interleaved(works: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each, taken in turns, so that a slow minute of the machine hits all alike."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            times[name].append(seconds(work))
    return times


def product() -> Callable[[], object]:
    """One square float32 matrix product, buffers made beforehand and warmed up."""
    a, b = torch.randn(PRODUCT, PRODUCT), torch.randn(PRODUCT, PRODUCT)
    out = torch.empty(PRODUCT, PRODUCT)
    torch.mm(a, b, out=out)
    return lambda: torch.mm(a, b, out=out)


def ratios(over: list[float], under: list[float]) -> list[float]:
    """Ratios of the same turns."""
    return [a / b for a, b in zip(over, under, strict=True)]


def child(module: str, *arguments: object, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run `python -m benchmarks.<module>` and read the JSON of its last line."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed: {done.stderr.strip()[-800:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def percentile(values: list[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


median = statistics.median
