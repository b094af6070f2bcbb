"""Time and memory per picture, each case in a process of its own: renderer against reference synthesis."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import torch

from creps_core.checkpoint import read_checkpoint
from creps_core.device import pick_device
from creps_core.errors import RunError
from creps_core.renderer import Renderer
from train.evaluation.samples import latents
from train.evaluation.views import picture_plan, rendered, square
from train.sampling import grid_line

Way = Literal["renderer", "reference"]
WAYS: tuple[Way, ...] = ("renderer", "reference")
SIZES = (256, 512, 1024)
REPEATS = 5
ENOUGH_SECONDS = 20.0  # no further repeat after this
MB = 2**20
_SEED = 0


@dataclass(frozen=True)
class Cost:
    """What one picture takes, latent to samples."""

    way: Way
    size: int
    seconds: float  # median
    spread: float  # half of what the repeats differ by
    above_mb: float | None  # peak memory above the loaded model; None where the device does not tell


def measure_cost(checkpoint: Path, way: Way, size: int, device: str) -> Cost:
    """Measure in a fresh process, so that nothing else is in its peak memory.

    Raises:
        RunError: the process failed, for want of memory for instance.
    """
    arguments = [str(checkpoint.resolve()), way, str(size), device]
    command = [sys.executable, "-m", "train.evaluation.cost", *arguments]
    root = Path(__file__).parents[2]  # where the packages lie, installed or not
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        reason = said[-1] if said else f"it ended with {done.returncode}; there may be too little memory"
        raise RunError(f"{way} at {size}×{size}: {reason}")
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _measure(checkpoint: Path, way: Way, size: int, device_name: str) -> Cost:
    """What the process does: load, note the memory, make pictures."""
    generator = read_checkpoint(checkpoint).build()
    device, _ = pick_device(device_name)
    if way == "renderer":
        renderer = Renderer(generator, device_name)
        grid = square(generator.config.grid, size)

        def make(number: int) -> object:
            return rendered(renderer, picture_plan(renderer, number, _SEED, 1.0), grid)
    else:
        generator.to(device)
        line = grid_line(generator.config.grid, size).to(device, torch.float32)
        label = torch.eye(generator.config.c_dim, device=device)[:1] if generator.config.c_dim else None

        def make(number: int) -> object:
            z = latents(generator.config.z_dim, range(number, number + 1), _SEED).to(device)
            with torch.no_grad():
                return generator(z, line, line, label).cpu()

    loaded = _memory_now(device)
    seconds = _times(make)
    peak = _memory_peak(device)
    above = None if loaded is None or peak is None else max(0.0, peak - loaded)
    return Cost(way, size, statistics.median(seconds), (max(seconds) - min(seconds)) / 2, above)


def _times(make: Callable[[int], object]) -> list[float]:
    """Seconds of each repeat; the first call warms up and counts only where it alone takes too long."""
    times: list[float] = []
    for number in range(REPEATS + 1):
        start = time.perf_counter()
        make(number)
        times.append(time.perf_counter() - start)
        if sum(times) > ENOUGH_SECONDS:
            break
    return times[1:] or times


def _memory_now(device: torch.device) -> float | None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device) / MB
    if device.type != "cpu":
        return None
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return _memory_peak(device)
    return int(statm.read_text().split()[1]) * resource.getpagesize() / MB


def _memory_peak(device: torch.device) -> float | None:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / MB
    if device.type != "cpu":
        return None
    # Linux hands the parent's ru_maxrss on to a new program, so its own high-water mark is read there.
    status = Path("/proc/self/status")
    if status.exists():
        mark = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(mark.split()[1]) * 1024 / MB
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MB


if __name__ == "__main__":
    path, the_way, side, on = sys.argv[1:]
    assert the_way in ("renderer", "reference")
    outcome = _measure(Path(path), "renderer" if the_way == "renderer" else "reference", int(side), on)
    sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
