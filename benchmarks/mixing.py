"""Sliders of single styles: what a change of late styles costs of a full frame, and what it must cost.

Every step of a slider has a frame before it at the same view, as in a drag; the median of the steps counts.
The *floor* is what is left of the counted flop when nothing earlier is computed again.
"""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.rows import Row, median_row
from benchmarks.setting import Setting, interleaved, median, random_model, ratios, rendering, seconds
from creps_core.frame import Frame
from creps_core.grid import grid_for
from creps_core.image import to_uint8
from creps_core.renderer import Renderer
from creps_core.resumption import work_left
from creps_core.view import Size, View

HOME = View(outside="generate")
SIDE = 768


def run(setting: Setting) -> list[Row]:
    """The head's slider, the last block's three, and one of a middle and an early layer."""
    config = setting.config("large")
    generator, ws = random_model(config)
    side = setting.side(SIDE)
    last = config.num_ws - 1
    named = (
        ("head", last, 0.25),
        ("last block, projection", last - 1, 0.6),
        ("last block, 2nd layer", last - 2, 0.6),
        ("last block, 1st layer", last - 3, 0.6),
        ("a middle layer", last // 2 + 1, None),
        ("2nd layer of b8", 2, None),
    )
    rows: list[Row] = []
    with rendering(generator) as renderer:
        for name, style, limit in named:
            rows += _slider(renderer, ws, side, style, name, limit, setting.repeats)
    return rows


def _slider(
    renderer: Renderer,
    ws: torch.Tensor,
    side: int,
    style: int,
    name: str,
    limit: float | None,
    repeats: int,
) -> list[Row]:
    config, size = renderer.generator.config, Size(side, side)
    other = ws.clone()
    other[:, style] += torch.randn_like(other[:, style])
    steps = iter(range(1, 1000))

    def fresh() -> Frame:
        renderer.tables.clear()
        return _last(renderer, ws, size, None)

    frame = fresh()

    def step() -> None:
        nonlocal frame
        frame = _last(renderer, torch.lerp(ws, other, next(steps) / 1000), size, frame)

    first = seconds(step)
    times = interleaved({"full": lambda: _full(renderer, ws, size), "step": step}, repeats)
    mixed = torch.lerp(ws, other, (next(steps) - 1) / 1000)
    want = to_uint8(renderer.render(renderer.plan(mixed), grid_for(HOME, size)))
    assert np.array_equal(frame.pixels[..., :3], want), "a slider's picture is not the picture"
    floor = work_left(config, (side, side), style, True)
    relation = "≤" if limit is not None else ""
    return [
        median_row(
            "mixing",
            f"{name} {side}²",
            ratios(times["step"], times["full"]),
            "of a full frame",
            relation,  # type: ignore[arg-type]
            limit,
            note=f"floor {floor:.2f}, first step {first / median(times['full']):.2f}",
            details={"style": style, "floor": floor, "seconds": times, "first_step_seconds": first},
        )
    ]


def _full(renderer: Renderer, ws: torch.Tensor, size: Size) -> object:
    return to_uint8(renderer.render(renderer.plan(ws), grid_for(HOME, size)))


def _last(renderer: Renderer, ws: torch.Tensor, size: Size, previous: Frame | None) -> Frame:
    *_, frame = renderer.passes(renderer.plan(ws), HOME, size, previous=previous)
    return frame
