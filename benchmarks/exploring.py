"""Looking around in a 1280×800 and a 1024² window: first pass, all passes, pans, turned views, cancelling."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor

from benchmarks.rows import Row, median_row
from benchmarks.setting import Setting, interleaved, median, random_model, ratios, rendering, seconds
from creps_core.cancel import CancelToken
from creps_core.errors import Cancelled
from creps_core.frame import Frame
from creps_core.generator import Generator
from creps_core.grid import grid_for
from creps_core.image import to_uint8
from creps_core.lines import embed_line
from creps_core.renderer import Renderer
from creps_core.view import Size, View

PAN_PX = 32
TURN_DEG = 30.0
POINTS = 400
HOME = View(outside="generate")


def passes(setting: Setting) -> list[Row]:
    """The first pass of a fresh view, and all of them against the direct frame."""
    generator, ws = random_model(setting.config("large"))
    size = Size(setting.side(1280), setting.side(800))
    first: list[float] = []
    stride: list[int] = []

    def refine(renderer: Renderer) -> Frame:
        start = time.perf_counter()
        frames = renderer.passes(renderer.plan(ws), HOME, size)
        frame = next(frames)
        first.append(time.perf_counter() - start)
        stride.append(frame.stride)
        return deque(frames, maxlen=1).pop() if frame.stride > 1 else frame

    with rendering(generator) as renderer:
        plan, grid = renderer.plan(ws), grid_for(HOME, size)
        want = to_uint8(renderer.render(plan, grid))
        frame = refine(renderer)  # costs are guesses before anything was measured
        assert np.array_equal(frame.pixels[..., :3], want), "the last pass is not the direct frame"
        cold = first.pop()
        stride.clear()

        def all_passes() -> None:
            renderer.tables.clear()  # as if the view were new
            refine(renderer)

        times = interleaved(
            {"direct": lambda: to_uint8(renderer.render(plan, grid)), "passes": all_passes}, setting.repeats
        )
    limit = max(150.0, 0.03 * median(times["direct"]) * 1e3)
    name = f"{size.width}×{size.height}"
    return [
        median_row(
            "passes",
            f"{name} first pass",
            [t * 1e3 for t in first],
            "ms",
            "≤",
            limit,
            details={"strides": stride, "first_ever_ms": cold * 1e3},
        ),
        Row("passes", f"{name} first pass ever", cold * 1e3, "ms", note="costs not measured yet"),
        median_row(
            "passes", f"{name} all passes", ratios(times["passes"], times["direct"]), "× direct", "≤", 1.15
        ),
    ]


def pan(setting: Setting) -> list[Row]:
    """A pan by whole pixels recomputes one strip."""
    generator, ws = random_model(setting.config("large"))
    side = setting.side(1024)
    size, pixels = Size(side, side), max(1, setting.side(PAN_PX) if setting.tiny or setting.quick else PAN_PX)
    step = Fraction(HOME.step(size).xx)
    with rendering(generator) as renderer:
        plan = renderer.plan(ws)
        frame = _last(renderer, ws, HOME, size, None)
        view = HOME

        def moved() -> None:
            nonlocal frame, view
            view = View(view.center_x + pixels * step, view.center_y, outside="generate")
            frame = _last(renderer, ws, view, size, frame)

        times = interleaved(
            {"full": lambda: to_uint8(renderer.render(plan, grid_for(view, size))), "pan": moved},
            setting.repeats,
        )
        fresh = to_uint8(renderer.render(plan, grid_for(view, size)))
        assert np.array_equal(frame.pixels[..., :3], fresh), "panned pixels are not the picture's"
        assert frame.stats.pixel_samples == pixels * side, "more than the strip was computed"
    share = ratios(times["pan"], times["full"])
    return [median_row("pan", f"{side}² by {pixels} px", share, "of a full frame", "≤", 0.08)]


def turned(setting: Setting) -> list[Row]:
    """A view turned by 30° against the upright one, tables fresh each time; its error at random pixels."""
    generator, ws = random_model(setting.config("large"))
    side = setting.side(1024)
    size = Size(side, side)
    view = View(rotation_deg=TURN_DEG, outside="generate")
    with rendering(generator) as renderer:
        plan = renderer.plan(ws)
        looking = seconds(lambda: renderer.density(plan))
        density = renderer.density(plan)

        def render(of: View) -> Callable[[], object]:
            def work() -> object:
                renderer.tables.clear()
                return renderer.render(plan, grid_for(of, size))

            return work

        times = interleaved({"upright": render(HOME), "turned": render(view)}, setting.repeats)
        picture = renderer.render(plan, grid_for(view, size))
    generator_ = np.random.default_rng(0)
    chosen = [(int(i), int(j)) for i, j in generator_.integers(0, side, (POINTS, 2))]
    points = np.array([view.plane_point(j + 0.5, i + 0.5, size) for i, j in chosen], dtype=np.float64)
    worst = float(
        np.abs(np.array([picture[at] for at in chosen]) - _dense(generator, ws, points)).max() * 127.5
    )
    note = f"{density.per_unit} table entries per unit"
    return [
        median_row(
            "turned",
            f"{side}² by {TURN_DEG:g}°",
            ratios(times["turned"], times["upright"]),
            "× upright",
            "≤",
            1.8,
            note=note,
            details={"per_unit": density.per_unit, "seconds": times},
        ),
        Row("turned", f"worst of {POINTS} points", worst, "levels", "≤", 0.5),
        Row("turned", "choosing the density", looking, "s", note="once per latents"),
    ]


def cancel(setting: Setting) -> list[Row]:
    """From asking to the exception, at random moments of a large frame, upright and turned."""
    generator, ws = random_model(setting.config("large"))
    side = setting.side(2048)
    latencies: list[float] = []
    with rendering(generator) as renderer:
        plan = renderer.plan(ws)
        renderer.density(plan)
        for number in range(4 * setting.repeats):
            view = View(rotation_deg=TURN_DEG if number % 2 else 0.0, outside="generate")
            after = 0.02 if setting.tiny else 0.1 + 0.13 * number
            latency = _cancel_once(renderer, plan, view, Size(side, side), after)
            if latency is not None:
                latencies.append(latency * 1e3)
    assert latencies or setting.tiny, "every frame was done before it was cancelled"
    if not latencies:
        return []
    return [
        Row(
            "cancel",
            "worst latency",
            max(latencies),
            "ms",
            "≤",
            100.0,
            note=f"median {median(latencies):.0f} of {len(latencies)}",
        )
    ]


def _cancel_once(renderer: Renderer, plan: object, view: View, size: Size, after: float) -> float | None:
    token = CancelToken()
    asked = [float("inf")]

    def ask() -> None:
        asked[0] = time.perf_counter()
        token.cancel()

    timer = threading.Timer(after, ask)
    timer.start()
    try:
        renderer.render(plan, grid_for(view, size), cancel=token)  # type: ignore[arg-type]
    except Cancelled:
        return time.perf_counter() - asked[0]
    finally:
        timer.cancel()
        timer.join()
    return None


def _last(renderer: Renderer, ws: Tensor, view: View, size: Size, previous: Frame | None) -> Frame:
    *_, frame = renderer.passes(renderer.plan(ws), view, size, previous=previous)
    return frame


@torch.inference_mode()
def _dense(generator: Generator, ws: Tensor, points: np.ndarray) -> np.ndarray:
    """The reference network at points [n, 2] of (x, y): its line network for every one of them, [n, 3]."""
    net = generator.synthesis
    x, y = torch.from_numpy(points).float().unbind(1)
    rows, columns = embed_line(net.line_blocks, ws, y, "row"), embed_line(net.line_blocks, ws, x, "column")
    feature, *later = [(r * c).sum(3, keepdim=True) for r, c in zip(rows, columns, strict=True)]
    for level, composed in zip(generator.config.levels[1:], later, strict=True):
        feature = net.decoder(level)(feature) + composed
    feature = net.decoder_last(feature)
    feature, image = net.block0(feature, net.decoder_img(feature), ws[:, -1])
    _, image = net.block1(feature, image, ws[:, -1])
    result: np.ndarray = image[0, :, :, 0].t().numpy()
    return result
