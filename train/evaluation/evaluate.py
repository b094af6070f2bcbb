"""An evaluation from beginning to end: measures what a request asks for and fills a report."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import closing

import torch
from torch import Tensor

from creps_core.checkpoint import Checkpoint
from creps_core.config import TrainingGrid
from creps_core.device import pick_device
from creps_core.errors import RunError
from creps_core.renderer import Renderer
from train.evaluation.consistency import scale_case
from train.evaluation.cost import SIZES, WAYS, measure_cost
from train.evaluation.distances import frechet, kernel, precision_recall
from train.evaluation.drawing import in_rows, sheet
from train.evaluation.equivariance import equivariance_case, random_motion
from train.evaluation.features import FeatureNetwork, FixedNetwork, TorchScriptNetwork
from train.evaluation.likeness import Lpips, residual
from train.evaluation.meter import DataStatistics, halves
from train.evaluation.progress import Watch
from train.evaluation.report import Figure, Report, Row
from train.evaluation.request import Request
from train.evaluation.samples import Sampling, drawn, labels_for
from train.evaluation.views import picture_plan, rendered, square
from train.pictures import Pictures

OpenData = Callable[[TrainingGrid], Pictures]
SHOWN = 4  # latents in figures of residuals
SAMPLES_SHOWN = 16
COLUMNS = 8


def evaluate(checkpoint: Checkpoint, open_data: OpenData | None, request: Request, watch: Watch) -> Report:
    """Measure everything that was asked for.

    Args:
        checkpoint: read from a file: its cost is measured by processes that read it again.
        open_data: the data with its samples on a grid; None leaves distances out.
        request: what to measure.
        watch: shows progress.

    Raises:
        InputError: data, network file and checkpoint do not go together.
        RunError: there is not enough memory on the device.
    """
    assert checkpoint.path is not None
    report = Report(
        {"name": checkpoint.path.name, "sha256": checkpoint.sha256, "config": checkpoint.config.to_dict()},
        {"size": request.size, "seed": request.seed, "truncation_psi": request.truncation_psi},
    )
    lpips = Lpips(request.lpips, request.size) if request.lpips and "scale" in request.metrics else None
    network = _network(request) if open_data and request.of_data else None
    try:
        with closing(Renderer(checkpoint.build(), request.device)) as renderer:
            report.settings["device"] = renderer.device_name
            _show_samples(renderer, request, report, watch)
            if open_data and network:
                for grid in request.data_grids:
                    _compare_with_data(checkpoint, open_data(grid), grid, network, request, report, watch)
            for grid in request.grids:
                if "scale" in request.metrics:
                    _scale(renderer, grid, lpips, request, report, watch)
            for grid in request.grids:
                if "equivariance" in request.metrics:
                    _equivariance(renderer, grid, request, report, watch)
        if "cost" in request.metrics:
            _cost(checkpoint, request, report, watch)
    except torch.OutOfMemoryError as error:
        raise RunError("the device has too little memory; lower --batch or --size") from error
    return report


def _network(request: Request) -> FeatureNetwork:
    device, _ = pick_device(request.device)
    if request.inception is None:
        return FixedNetwork().to(device)
    return TorchScriptNetwork(request.inception, request.size).to(device)


def _show_samples(renderer: Renderer, request: Request, report: Report, watch: Watch) -> None:
    grid = square(renderer.generator.config.grid, request.size)
    pictures = [
        rendered(renderer, picture_plan(renderer, number, request.seed, request.truncation_psi), grid)[0]
        for number in watch(range(SAMPLES_SHOWN), "samples", SAMPLES_SHOWN)
    ]
    caption = f"The first {SAMPLES_SHOWN}, not chosen, {request.size}×{request.size}."
    report.figures.append(Figure("Generated pictures", caption, sheet(in_rows(pictures, COLUMNS))))


def _compare_with_data(
    checkpoint: Checkpoint,
    pictures: Pictures,
    grid: TrainingGrid,
    network: FeatureNetwork,
    request: Request,
    report: Report,
    watch: Watch,
) -> None:
    """Distances to the data, and the distances of data to data that a perfect generator would reach."""
    sampling = Sampling(
        request.size, grid, request.count, request.seed, request.batch, request.truncation_psi
    )
    device, _ = pick_device(request.device)
    data = DataStatistics(pictures, sampling, network, device, watch=watch)
    labels_for(checkpoint.config, pictures, data.indices[:1])  # before the long work
    fake = data.features_of(checkpoint.build().to(device))
    note = f"{request.count} pictures" + ("" if network.comparable else ", own network")
    report.rows += _distance_rows(data.features, fake, request, grid, "", note)
    floor = min(request.count, len(pictures) // 2)
    if floor > 3:
        second = Sampling(request.size, grid, floor, request.seed, request.batch)
        pair = halves(pictures, second, network, device, watch)
        rows = _distance_rows(pair[0].features, pair[1].features, request, grid, "data: ", f"2 × {floor} pictures")
        report.rows += rows
    _remember_data(pictures, network, data, request, report)


def _distance_rows(
    real: Tensor, fake: Tensor, request: Request, grid: str, prefix: str, note: str
) -> list[Row]:
    rows = []
    if "frechet" in request.metrics:
        value = frechet(real, fake)
        rows.append(Row("frechet", prefix + "Fréchet distance", grid, value, better="lower", note=note))
    if "kernel" in request.metrics:
        value, spread = kernel(real, fake, request.seed)
        rows.append(Row("kernel", prefix + "kernel distance", grid, value, "", spread, "lower", note))
    if "pr" in request.metrics:
        for name, share in zip(("precision", "recall"), precision_recall(real, fake), strict=True):
            rows.append(Row("pr", prefix + name, grid, share, better="higher", note=note))
    return rows


def _remember_data(
    pictures: Pictures, network: FeatureNetwork, data: DataStatistics, request: Request, report: Report
) -> None:
    if "network" in report.settings:
        return  # the second grid: said and shown already
    report.settings["data"] = pictures.name
    report.settings["count"] = request.count
    report.settings["network"] = {"name": network.name, "sha256": network.sha256}
    if network.comparable:
        report.remarks.append(
            f"Distances by {network.name} (sha256 {network.sha256}): comparable with published numbers only "
            "if those were made with the same network, count and size."
        )
    else:
        report.remarks.append(
            f"Distances by our own {network.name} (sha256 {network.sha256}): "
            "NOT COMPARABLE WITH PUBLISHED NUMBERS, only with each other."
        )
    if request.count < 2 * network.num_features:
        report.remarks.append(
            f"{request.count} pictures are few for {network.num_features} features: the Fréchet distance is "
            "too large by a bias that depends on the count. Compare with the row data: Fréchet distance."
        )
    few = next(iter(drawn(pictures, data.indices[:SAMPLES_SHOWN], data.sampling))).cpu()
    report.figures.append(
        Figure("Data", f"Of {pictures.name}, not chosen.", sheet(in_rows(list(few), COLUMNS)))
    )


def _scale(
    renderer: Renderer,
    grid: TrainingGrid,
    lpips: Lpips | None,
    request: Request,
    report: Report,
    watch: Watch,
) -> None:
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
            "Scale on endpoints, as published: linspaces of n and 2n begin and end at the same points, so the "
            "means of 2×2 samples miss the n samples by up to a quarter of their distance at the border. "
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


def _equivariance(
    renderer: Renderer, grid: TrainingGrid, request: Request, report: Report, watch: Watch
) -> None:
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


def _cost(checkpoint: Checkpoint, request: Request, report: Report, watch: Watch) -> None:
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
                Row("cost", memory, setting, cost.above_mb, "MB", None, "lower", "peak above the loaded model")
            )


def _mean_row(
    metric: str, name: str, grid: str, values: Sequence[float], unit: str, better: str, note: str
) -> Row:
    spread = statistics.stdev(values) if len(values) > 1 else None
    return Row(metric, name, grid, statistics.fmean(values), unit, spread, better, note)
