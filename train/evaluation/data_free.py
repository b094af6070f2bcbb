"""The parts of an evaluation that need no data: scale consistency, equivariance, cost."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from creps_core.checkpoint import Checkpoint
from creps_core.config import TrainingGrid
from creps_core.errors import RunError
from creps_core.renderer import Renderer
from train.evaluation.consistency import scale_case
from train.evaluation.cost import SIZES, WAYS, measure_cost
from train.evaluation.drawing import sheet
from train.evaluation.equivariance import equivariance_case, random_motion
from train.evaluation.likeness import Lpips, residual
from train.evaluation.report import Figure, Report, Row
from train.evaluation.request import Request
from train.evaluation.views import picture_plan
from train.evaluation.watch import Watch

SHOWN = 8  # latents in figures


def measure_scale(
    renderer: Renderer,
    grid: TrainingGrid,
    lpips: Lpips | None,
    request: Request,
    report: Report,
    watch: Watch,
) -> None:
    """Every picture against itself at twice the size, reduced."""
    n = request.size
    cases = []
    for number in watch(range(request.samples), f"scale, {grid}", request.samples):
        plan = picture_plan(renderer, number, request.seed, request.truncation_psi)
        cases.append(scale_case(renderer, plan, grid, n, lpips))
    note = f"{n} and {2 * n} reduced, {request.samples} pictures"
    columns = [
        ("scale PSNR", "dB", "higher", [case.psnr for case in cases]),
        ("scale SSIM", "", "higher", [case.ssim for case in cases]),
        ("scale LPIPS", "", "lower", [case.lpips for case in cases if case.lpips is not None]),
    ]
    report.rows += [
        _mean_row("scale", name, grid, values, unit, better, note)
        for name, unit, better, values in columns
        if values
    ]
    if grid == "endpoints":
        report.remarks.append(
            "Scale on endpoints, as published: linspaces of n and 2n begin and end at the same points, so "
            "the means of 2×2 samples miss the n samples by up to a quarter of their distance at the border. "
            "On centres both frame the same picture."
        )
    few = cases[:SHOWN]
    rows = [
        [case.small[0] for case in few],
        [case.reduced[0] for case in few],
        [residual(case.small, case.reduced)[0] for case in few],
    ]
    caption = f"Top: {n}×{n}. Middle: {2 * n}×{2 * n}, means of 2×2. Bottom: their difference × 10."
    report.figures.append(Figure(f"Scale consistency, {grid}", caption, sheet(rows)))


def measure_equivariance(
    renderer: Renderer, grid: TrainingGrid, request: Request, report: Report, watch: Watch
) -> None:
    """Every picture moved and turned, against the original moved and turned."""
    n = request.size
    cases = []
    for number in watch(range(request.samples), f"equivariance, {grid}", request.samples):
        plan = picture_plan(renderer, number, request.seed, request.truncation_psi)
        motion = random_motion(request.seed, number, n)
        cases.append(equivariance_case(renderer, plan, grid, n, motion))
    note = f"{n}×{n}, {request.samples} pictures"
    worst = max(case.whole_error for case in cases)
    report.rows += [
        Row("equivariance", "shift by whole samples", grid, worst, "/255", None, "lower", f"{note}, worst"),
        _mean_row(
            "equivariance", "shift by fractions", grid, [c.shift_psnr for c in cases], "dB", "higher", note
        ),
        _mean_row("equivariance", "turn", grid, [c.turn_psnr for c in cases], "dB", "higher", note),
    ]
    few = cases[:SHOWN]
    rows = []
    for pairs in ([c.shifted for c in few], [c.turned for c in few]):
        rows += [
            [a[0] for a, _ in pairs],
            [b[0] for _, b in pairs],
            [residual(a, b)[0] for a, b in pairs],
        ]
    caption = (
        "Moved by fractions of a sample, then turned; each time synthesised there, the original resampled, "
        "and their difference × 10. Black borders: not compared."
    )
    report.figures.append(Figure(f"Equivariance, {grid}", caption, sheet(rows)))


def measure_costs(checkpoint: Checkpoint, request: Request, report: Report, watch: Watch) -> None:
    """Time and memory per picture; a case that fails is a remark, not the end."""
    assert checkpoint.path is not None
    cases = [(way, size) for size in SIZES for way in WAYS]
    for way, size in watch(cases, "cost", len(cases)):
        setting = f"{size}×{size}"
        try:
            cost = measure_cost(checkpoint.path, way, size, request.device)
        except RunError as error:
            report.remarks.append(f"Cost not measured: {error}")
            continue
        report.rows.append(Row("cost", f"time, {way}", setting, cost.seconds, "s", cost.spread, "lower"))
        if cost.above_mb is not None:
            memory = f"memory, {way}"
            report.rows.append(
                Row(
                    "cost", memory, setting, cost.above_mb, "MB", None, "lower", "peak above the loaded model"
                )
            )


def _mean_row(
    metric: str, name: str, grid: str, values: Sequence[float], unit: str, better: str, note: str
) -> Row:
    spread = statistics.stdev(values) if len(values) > 1 else None
    return Row(metric, name, grid, statistics.fmean(values), unit, spread, better, note)
