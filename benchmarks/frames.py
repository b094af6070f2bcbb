"""Full frames: counted flop per second against a matrix product; the reference's picture and time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from benchmarks.rows import Row, median_row
from benchmarks.setting import (
    PRODUCT,
    Setting,
    interleaved,
    product,
    random_model,
    ratios,
    rendering,
    seconds,
)
from creps_core.generator import Generator
from creps_core.grid import SeparableGrid, window_grid
from creps_core.plan import line_flops, pixel_flops
from creps_core.view import Size

REFERENCE_ROWS = 128  # the reference keeps every activation of the picture: more would not fit at 1024²


def run(setting: Setting) -> list[Row]:
    """Both models, both sizes."""
    rows: list[Row] = []
    for model in ("small", "large"):
        generator, ws = random_model(setting.config(model))
        for full in (512, 1024):
            rows += _frame(setting, model, generator, ws, setting.side(full))
        del generator
    return rows


def _frame(setting: Setting, model: str, generator: Generator, ws: Tensor, side: int) -> list[Row]:
    config = generator.config
    size = Size(side, side)
    grid = window_grid(0, 0, 1, 1, size)
    flops = 2 * side * line_flops(config) + side * side * pixel_flops(config)
    name = f"{model} {side}²"
    with rendering(generator) as renderer:
        plan = renderer.plan(ws)
        picture = renderer.render(plan, grid)
        part = SeparableGrid(grid.y.slice(0, min(side, REFERENCE_ROWS)), grid.x)
        want, reference_seconds = _reference(generator, ws, part)
        error = float(np.abs(picture[: part.y.count] - want).max())
        multiply = product()
        times = interleaved(
            {
                "product before": multiply,
                "frame": lambda: renderer.render(plan, grid),
                "product after": multiply,
                "part": lambda: renderer.render(plan, part),
            },
            setting.repeats,
        )
    best = [min(pair) for pair in zip(times["product before"], times["product after"], strict=True)]
    speed = [flops / t for t in times["frame"]]
    peak = [2.0 * PRODUCT**3 / t for t in best]
    details = {"flop": flops, "seconds": times["frame"], "product_flops_per_second": peak}
    return [
        median_row("frames", f"{name} flop/s", ratios(speed, peak), "× product", "≥", 0.75, details=details),
        median_row("frames", f"{name} time", times["frame"], "s"),
        Row("frames", f"{name} error", error, "of [−1, 1]", "≤", 1e-4),
        median_row(
            "frames",
            f"{name} reference",
            [reference_seconds / t for t in times["part"]],
            "× our time",
            note=f"{part.y.count} rows",
        ),
    ]


@torch.inference_mode()
def _reference(generator: Generator, ws: Tensor, grid: SeparableGrid) -> tuple[np.ndarray, float]:
    rows, columns = (torch.from_numpy(line.values()).float() for line in (grid.y, grid.x))
    images: list[Tensor] = []
    time = seconds(lambda: images.append(generator.synthesis(ws, rows, columns)))
    return images[0][0].permute(1, 2, 0).numpy(), time
